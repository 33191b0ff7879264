//! Containers of the state: deterministic, and cheap to copy at one instant.
//!
//! A copy shares its chunks with the original; whichever changes a chunk first pays for copying that
//! chunk. So the writer hands a consistent state to the snapshot without stopping.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Rows per chunk of [`Rows`].
const CHUNK: usize = 4_096;
/// Parts of [`Table`].
const SHARDS: usize = 256;

/// Rows by dense index.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Clone> Rows<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks
            .get(index.div_euclid(CHUNK))?
            .get(index.rem_euclid(CHUNK))
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(index.div_euclid(CHUNK))?;
        Arc::make_mut(chunk).get_mut(index.rem_euclid(CHUNK))
    }

    pub fn push(&mut self, row: T) {
        if self.len.rem_euclid(CHUNK) == 0 {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        let last = self.chunks.last_mut().expect("a chunk was just made");
        Arc::make_mut(last).push(row);
        self.len = self.len.saturating_add(1);
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

/// A key that is an event number underneath; spreads over the parts by its low bits.
pub trait Key: Copy + Eq + core::hash::Hash + Ord {
    fn event(self) -> u64;
}

/// Rows by event number.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    shards: Vec<Arc<HashMap<K, V, FixedState>>>,
    len: usize,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Arc::default()).collect(),
            len: 0,
        }
    }
}

impl<K: Key, V: Clone> Table<K, V> {
    fn shard(key: K) -> usize {
        usize::try_from(key.event().rem_euclid(SHARDS as u64)).expect("below SHARDS")
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, key: K) -> Option<&V> {
        self.shards[Self::shard(key)].get(&key)
    }

    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        Arc::make_mut(&mut self.shards[Self::shard(key)]).get_mut(&key)
    }

    pub fn insert(&mut self, key: K, value: V) {
        if Arc::make_mut(&mut self.shards[Self::shard(key)])
            .insert(key, value)
            .is_none()
        {
            self.len = self.len.saturating_add(1);
        }
    }

    pub fn remove(&mut self, key: K) -> Option<V> {
        let removed = Arc::make_mut(&mut self.shards[Self::shard(key)]).remove(&key);
        if removed.is_some() {
            self.len = self.len.saturating_sub(1);
        }
        removed
    }

    /// All rows, by ascending key.
    pub fn sorted(&self) -> Vec<(K, &V)> {
        let mut all: Vec<_> = self
            .shards
            .iter()
            .flat_map(|s| s.iter().map(|(k, v)| (*k, v)))
            .collect();
        all.sort_unstable_by_key(|(k, _)| *k);
        all
    }
}
