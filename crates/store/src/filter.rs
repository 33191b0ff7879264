//! Tells without any I/O that a number was never used: a Bloom filter of split blocks.
//!
//! A key belongs to one block of 64 bytes (a line of the processor's cache) and sets one bit in each
//! of its eight words, as in Apache Parquet's filter with words of 64 bits. With 16 bits a key one
//! key in about 1,000 seems known that is not. Generations, each twice as large as the one before,
//! keep the sum below 1 % up to a thousand times the first one's keys. No locks: bits are only ever
//! set.
//!
//! It is not kept on disk. At opening it is filled in the background from the index of numbers; until
//! then everything counts as perhaps known, which is slower and still right.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::entry::Hash;

/// Keys of the first generation, unless more are known already.
const FIRST_KEYS: u64 = 1 << 20;
const KEYS_PER_BLOCK: u64 = 32;
const WORDS_PER_BLOCK: usize = 8;
/// Memory is taken so many blocks at a time (256 KiB), when the first key falls there.
const CHUNK_BLOCKS: u64 = 4_096;
const GENERATIONS_MAX: usize = 40;

type Chunk = Box<[AtomicU64]>;

/// The numbers that are perhaps known.
pub(crate) struct Filter {
    generations: [OnceLock<Generation>; GENERATIONS_MAX],
    first_keys: u64,
    complete: AtomicBool,
}

struct Generation {
    keys_max: u64,
    keys: AtomicU64,
    blocks: u64,
    chunks: Box<[OnceLock<Chunk>]>,
}

impl Filter {
    /// An empty filter, for a little more than `expected` keys at first.
    pub fn new(expected: u64) -> Self {
        let first_keys = expected.saturating_add(expected / 4).max(FIRST_KEYS);
        let generations = [const { OnceLock::new() }; GENERATIONS_MAX];
        Self {
            generations,
            first_keys,
            complete: AtomicBool::new(false),
        }
    }

    /// Everything there was before is in it from now on.
    pub fn complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Whether it knows all there is.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// False only if the key was never inserted.
    pub fn may_hold(&self, hash: Hash) -> bool {
        !self.is_complete() || self.filled().any(|generation| generation.holds(hash))
    }

    pub fn insert(&self, hash: Hash) {
        let newest = self.filled().count().saturating_sub(1);
        for index in newest..GENERATIONS_MAX {
            let last = index + 1 == GENERATIONS_MAX;
            let generation = self.generations[index].get_or_init(|| {
                let doubled = u32::try_from(index).unwrap_or(u32::MAX);
                Generation::new(self.first_keys.saturating_mul(1_u64 << doubled))
            });
            if last || generation.keys.load(Ordering::Relaxed) < generation.keys_max {
                generation.insert(hash);
                return;
            }
        }
    }

    fn filled(&self) -> impl Iterator<Item = &Generation> {
        self.generations.iter().map_while(OnceLock::get)
    }
}

impl Generation {
    fn new(keys_max: u64) -> Self {
        let chunks = keys_max.div_ceil(KEYS_PER_BLOCK * CHUNK_BLOCKS);
        let chunks: Box<[_]> = (0..chunks).map(|_| OnceLock::new()).collect();
        let blocks = (chunks.len() as u64).saturating_mul(CHUNK_BLOCKS);
        Self {
            keys_max,
            keys: AtomicU64::new(0),
            blocks,
            chunks,
        }
    }

    /// The chunk of the key's block, and where the block starts in it.
    fn place(&self, hash: Hash) -> (&OnceLock<Chunk>, usize) {
        let [high, _] = halves(hash);
        let block = (u128::from(high) * u128::from(self.blocks)) >> 64;
        let block = u64::try_from(block).unwrap_or(0);
        let (chunk, block) = (block / CHUNK_BLOCKS, block % CHUNK_BLOCKS);
        let [chunk, block] = [chunk, block].map(|n| usize::try_from(n).unwrap_or(0));
        (&self.chunks[chunk], block * WORDS_PER_BLOCK)
    }

    fn insert(&self, hash: Hash) {
        let (chunk, start) = self.place(hash);
        let words = usize::try_from(CHUNK_BLOCKS).unwrap_or(0) * WORDS_PER_BLOCK;
        let chunk = chunk.get_or_init(|| (0..words).map(|_| AtomicU64::new(0)).collect());
        for (word, bit) in chunk[start..start + WORDS_PER_BLOCK].iter().zip(bits(hash)) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        self.keys.fetch_add(1, Ordering::Relaxed);
    }

    fn holds(&self, hash: Hash) -> bool {
        let (chunk, start) = self.place(hash);
        chunk.get().is_some_and(|chunk| {
            let words = &chunk[start..start + WORDS_PER_BLOCK];
            words
                .iter()
                .zip(bits(hash))
                .all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
        })
    }
}

fn halves(Hash(hash): Hash) -> [u64; 2] {
    let [high, low] = [hash >> 64, hash & u128::from(u64::MAX)];
    [high, low].map(|half| u64::try_from(half).unwrap_or(0))
}

/// One bit for each word of the block.
fn bits(hash: Hash) -> impl Iterator<Item = u64> {
    let [_, low] = halves(hash);
    (0..WORDS_PER_BLOCK).map(move |word| 1 << (low >> (word * 6) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> Hash {
        let bytes = *blake3::hash(&n.to_le_bytes()).as_bytes();
        Hash(u128::from_be_bytes(*bytes.first_chunk().unwrap()))
    }

    #[test]
    fn until_complete_everything_may_be_known() {
        let filter = Filter::new(0);
        assert!(filter.may_hold(hash(1)));
        filter.complete();
        assert!(!filter.may_hold(hash(1)));
    }

    #[test]
    fn known_numbers_are_never_denied_and_few_others_are_not() {
        // Three full generations and the beginning of a fourth.
        let known = FIRST_KEYS * 7 + FIRST_KEYS / 8;
        let filter = Filter::new(0);
        filter.complete();
        (0..known).for_each(|n| filter.insert(hash(n)));
        assert!((0..known).all(|n| filter.may_hold(hash(n))));
        assert_eq!(filter.filled().count(), 4);

        let asked = 400_000;
        let wrong = (known..known + asked)
            .filter(|n| filter.may_hold(hash(*n)))
            .count() as u64;
        eprintln!("false positives with 3 generations full: {wrong} of {asked}");
        assert!(
            wrong * 1_000 < asked * 6,
            "{wrong} of {asked} unknown numbers seem known"
        );
    }
}
