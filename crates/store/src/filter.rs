//! Tells without any I/O that a number was never used: a Bloom filter of split blocks.
//!
//! A key belongs to one block of 64 bytes (a line of the processor's cache) and sets one bit in each
//! of its eight words, as in Apache Parquet's filter with words of 64 bits. With 25 bits a key one
//! key in about 15,000 seems known that is not. Generations, each twice as large as the one before,
//! keep the sum below 1 in 1,000 up to a thousand times the first one's keys. Reading takes no lock:
//! bits are only ever set.
//!
//! It is not kept on disk. At opening it is filled in the background from the index of numbers; until
//! then everything counts as perhaps known, which is slower and still right.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

const KEYS_PER_BLOCK: u64 = 20;
/// Memory is taken so many blocks at a time (256 KiB), when the first key falls there.
const CHUNK_BLOCKS: u64 = 4_096;
/// So many keys are looked up at once.
const TOGETHER: usize = 32;
const GENERATIONS_MAX: usize = 40;

/// A line of the processor's cache.
#[derive(Default)]
#[repr(align(64))]
struct Block([AtomicU64; 8]);

type Chunk = Box<[Block]>;

/// The numbers that are perhaps known.
pub(crate) struct Filter {
    generations: [OnceLock<Generation>; GENERATIONS_MAX],
    first_keys: u64,
    complete: AtomicBool,
    /// How many keys the newest generation has; held by whoever inserts.
    keys: Mutex<u64>,
}

struct Generation {
    keys_max: u64,
    blocks: u64,
    chunks: Box<[OnceLock<Chunk>]>,
}

impl Filter {
    /// An empty filter whose first generation is for so many keys.
    pub fn new(first_keys: u64) -> Self {
        Self {
            generations: [const { OnceLock::new() }; GENERATIONS_MAX],
            first_keys: first_keys.max(1),
            complete: AtomicBool::new(false),
            keys: Mutex::new(0),
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
    pub fn may_hold(&self, hash: u64) -> bool {
        !self.is_complete() || self.filled().any(|generation| generation.holds(hash))
    }

    /// As [`may_hold`](Self::may_hold) for each, in order.
    pub fn may_hold_each(&self, hashes: &[u64], each: &mut impl FnMut(bool)) {
        for together in hashes.chunks(TOGETHER) {
            // The processor fetches their lines at once, while none of them decides about a branch.
            let fetched = together.iter().fold(0, |fetched, hash| {
                self.filled().fold(fetched, |fetched, generation| {
                    fetched | generation.first_word(*hash)
                })
            });
            std::hint::black_box(fetched);
            together.iter().for_each(|hash| each(self.may_hold(*hash)));
        }
    }

    pub fn insert(&self, hashes: impl IntoIterator<Item = u64>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest = self.filled().count().saturating_sub(1);
        for hash in hashes {
            let mut generation = self.generation(newest);
            if *keys >= generation.keys_max && newest + 1 < GENERATIONS_MAX {
                (newest, *keys) = (newest + 1, 0);
                generation = self.generation(newest);
            }
            generation.insert(hash);
            *keys = keys.saturating_add(1);
        }
    }

    fn generation(&self, index: usize) -> &Generation {
        self.generations[index].get_or_init(|| {
            let doubled = u32::try_from(index).unwrap_or(u32::MAX);
            Generation::new(self.first_keys.saturating_mul(1_u64 << doubled))
        })
    }

    fn filled(&self) -> impl Iterator<Item = &Generation> {
        self.generations.iter().map_while(OnceLock::get)
    }
}

impl Generation {
    fn new(keys_max: u64) -> Self {
        let blocks = keys_max.div_ceil(KEYS_PER_BLOCK);
        let chunks = blocks.div_ceil(CHUNK_BLOCKS);
        Self {
            keys_max,
            blocks,
            chunks: (0..chunks).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The chunk of the key's block, and which of it.
    fn place(&self, hash: u64) -> (&OnceLock<Chunk>, usize) {
        let block = (u128::from(hash) * u128::from(self.blocks)) >> 64;
        let block = u64::try_from(block).unwrap_or(0);
        let (chunk, block) = (block / CHUNK_BLOCKS, block % CHUNK_BLOCKS);
        let [chunk, block] = [chunk, block].map(|n| usize::try_from(n).unwrap_or(0));
        (&self.chunks[chunk], block)
    }

    /// For one thread at a time.
    fn insert(&self, hash: u64) {
        let (chunk, block) = self.place(hash);
        let chunk = chunk.get_or_init(|| {
            let blocks = self.blocks.min(CHUNK_BLOCKS);
            (0..blocks).map(|_| Block::default()).collect()
        });
        // No atomic exchange: nobody else writes, and an exchange would wait for each line of the
        // cache before the next is asked for.
        for (word, bit) in chunk[block].0.iter().zip(bits(hash)) {
            let set = word.load(Ordering::Relaxed) | bit;
            word.store(set, Ordering::Relaxed);
        }
    }

    /// Something of the key's block.
    fn first_word(&self, hash: u64) -> u64 {
        let (chunk, block) = self.place(hash);
        let chunk = chunk.get();
        chunk.map_or(0, |chunk| chunk[block].0[0].load(Ordering::Relaxed))
    }

    fn holds(&self, hash: u64) -> bool {
        let (chunk, block) = self.place(hash);
        chunk.get().is_some_and(|chunk| {
            // Without a branch for each word, so that several keys can be looked up at once.
            let missing = chunk[block].0.iter().zip(bits(hash));
            let missing = missing.fold(0, |missing, (word, bit)| {
                missing | (!word.load(Ordering::Relaxed) & bit)
            });
            missing == 0
        })
    }
}

/// One bit for each word of the block. The block is chosen by the upper bits of the hash; multiplied,
/// all bits count here.
fn bits(hash: u64) -> impl Iterator<Item = u64> {
    let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    (0..8).map(move |word| 1 << (mixed >> (word * 6) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> u64 {
        let bytes = *blake3::hash(&n.to_le_bytes()).as_bytes();
        u64::from_le_bytes(*bytes.first_chunk().unwrap())
    }

    #[test]
    fn until_complete_everything_may_be_known() {
        let filter = Filter::new(1);
        assert!(filter.may_hold(hash(1)));
        filter.complete();
        assert!(!filter.may_hold(hash(1)));
    }

    #[test]
    fn known_numbers_are_never_denied_and_few_others_are_not() {
        // Three full generations and the beginning of a fourth.
        let first = 1 << 17;
        let known = first * 7 + first / 8;
        let filter = Filter::new(first);
        filter.complete();
        filter.insert((0..known).map(hash));
        assert!((0..known).all(|n| filter.may_hold(hash(n))));
        assert_eq!(filter.filled().count(), 4);

        let asked = 400_000;
        let unknown = known..known + asked;
        let wrong = unknown.filter(|n| filter.may_hold(hash(*n))).count() as u64;
        eprintln!("false positives with 3 generations full: {wrong} of {asked}");
        assert!(
            wrong * 1_000 < asked,
            "{wrong} of {asked} unknown numbers seem known"
        );
    }
}
