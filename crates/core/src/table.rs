//! Containers of the state: deterministic, and cheap to copy at one instant.
//!
//! A copy shares its chunks with the original; whichever changes a chunk first pays for copying that
//! chunk. So the writer hands a consistent state to the snapshot without stopping.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Rows per chunk of [`Rows`].
const CHUNK: usize = 4_096;
/// Events per chunk of [`Table`].
const SPAN: u64 = 1_024;

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

/// A key that is an event number underneath.
pub trait Key: Copy + Eq + Ord {
    fn event(self) -> u64;
}

/// Rows by event number. New rows come at the end and most leave soon after, so neighbours lie
/// together: what a batch touches is mostly in the processor's cache.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    /// By event number / [`SPAN`]; none is empty.
    chunks: HashMap<u64, Arc<Chunk<K, V>>, FixedState>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<K, V> {
    /// One more than the place of each event's row; 0 for none.
    places: Box<[u16]>,
    rows: Vec<(K, V)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            chunks: HashMap::default(),
            len: 0,
        }
    }
}

impl<K: Key, V> Chunk<K, V> {
    fn new() -> Self {
        Self {
            places: (0..SPAN).map(|_| 0).collect(),
            rows: Vec::new(),
        }
    }

    fn place(&self, key: K) -> Option<usize> {
        usize::from(self.places[slot(key.event())]).checked_sub(1)
    }

    fn insert(&mut self, key: K, value: V) -> bool {
        if let Some(place) = self.place(key) {
            self.rows[place].1 = value;
            return false;
        }
        self.rows.push((key, value));
        let place = u16::try_from(self.rows.len()).expect("at most SPAN rows");
        self.places[slot(key.event())] = place;
        true
    }

    fn remove(&mut self, key: K) -> Option<V> {
        let place = self.place(key)?;
        let (_, value) = self.rows.swap_remove(place);
        self.places[slot(key.event())] = 0;
        if let Some((moved, _)) = self.rows.get(place) {
            let place = u16::try_from(place.saturating_add(1)).expect("at most SPAN rows");
            self.places[slot(moved.event())] = place;
        }
        Some(value)
    }
}

fn slot(event: u64) -> usize {
    usize::try_from(event.rem_euclid(SPAN)).expect("below SPAN")
}

/// The chunk that a key's row lies in.
pub fn chunk_of(key: impl Key) -> u64 {
    key.event().div_euclid(SPAN)
}

impl<K: Key, V: Clone> Table<K, V> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, key: K) -> Option<&V> {
        let chunk = self.chunks.get(&chunk_of(key))?;
        chunk.rows.get(chunk.place(key)?).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let chunk = Arc::make_mut(self.chunks.get_mut(&chunk_of(key))?);
        let place = chunk.place(key)?;
        chunk.rows.get_mut(place).map(|(_, value)| value)
    }

    pub fn insert(&mut self, key: K, value: V) {
        let chunk = self
            .chunks
            .entry(chunk_of(key))
            .or_insert_with(|| Arc::new(Chunk::new()));
        if Arc::make_mut(chunk).insert(key, value) {
            self.len = self.len.saturating_add(1);
        }
    }

    /// The row of a key, made if there is none.
    pub fn get_or_insert(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let chunk = self
            .chunks
            .entry(chunk_of(key))
            .or_insert_with(|| Arc::new(Chunk::new()));
        let chunk = Arc::make_mut(chunk);
        let place = chunk.place(key).unwrap_or_else(|| {
            chunk.insert(key, V::default());
            self.len = self.len.saturating_add(1);
            chunk.rows.len().saturating_sub(1)
        });
        let (_, value) = chunk
            .rows
            .get_mut(place)
            .expect("the row was found or made");
        value
    }

    pub fn remove(&mut self, key: K) -> Option<V> {
        let id = chunk_of(key);
        let chunk = Arc::make_mut(self.chunks.get_mut(&id)?);
        let value = chunk.remove(key)?;
        if chunk.rows.is_empty() {
            self.chunks.remove(&id);
        }
        self.len = self.len.saturating_sub(1);
        Some(value)
    }

    /// The rows of a chunk, in any order; none if it has no row.
    pub fn chunk(&self, id: u64) -> Option<&[(K, V)]> {
        self.chunks.get(&id).map(|chunk| chunk.rows.as_slice())
    }

    /// The rows that are wanted, by ascending key.
    pub fn sorted(&self, wanted: impl Fn(&V) -> bool) -> Vec<(K, &V)> {
        let rows = self.chunks.values().flat_map(|chunk| &chunk.rows);
        let wanted = rows.filter(|(_, value)| wanted(value));
        let mut sorted: Vec<_> = wanted.map(|(key, value)| (*key, value)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Key for u64 {
        fn event(self) -> u64 {
            self
        }
    }

    proptest! {
        #[test]
        fn a_table_is_a_map(steps in prop::collection::vec((0..5_u8, 0..3 * SPAN, any::<u8>()), 0..4_000)) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for (kind, key, value) in steps {
                match kind {
                    0 => prop_assert_eq!(table.remove(key), map.remove(&key)),
                    1 => prop_assert_eq!(table.get_mut(key).copied(), map.get(&key).copied()),
                    2 => prop_assert_eq!(table.get_or_insert(key), map.entry(key).or_default()),
                    _ => {
                        table.insert(key, value);
                        map.insert(key, value);
                    }
                }
                prop_assert_eq!(table.get(key), map.get(&key));
                prop_assert_eq!(table.len(), map.len());
            }
            let frozen = table.clone();
            prop_assert!(frozen.sorted(|_| true).into_iter().eq(map.iter().map(|(k, v)| (*k, v))));
            for id in 0..3 {
                let in_map = map.keys().filter(|key| chunk_of(**key) == id).count();
                prop_assert_eq!(table.chunk(id).map_or(0, <[_]>::len), in_map);
            }
            map.keys().for_each(|key| assert!(table.remove(*key).is_some()));
            prop_assert!(table.chunks.is_empty());
        }
    }
}
