//! All chance of a world comes from its seed.

/// A stream of chance. Streams forked from one seed under different names do not disturb each other.
pub struct Chance(fastrand::Rng);

impl Chance {
    /// The stream of this name of a seed.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes()).update(name.as_bytes());
        let hash = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Self(fastrand::Rng::with_seed(u64::from_le_bytes(first)))
    }

    /// One of `0..end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.u64(0..end.max(1))
    }

    /// One of `from..=to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        self.0.i64(from..=to.max(from))
    }

    /// An index into something of this length; 0 if it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        self.0.usize(0..length.max(1))
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// True so many times in ten thousand.
    pub fn often(&mut self, per_ten_thousand: u32) -> bool {
        self.0.u32(0..10_000) < per_ten_thousand
    }

    /// One of them.
    pub fn of<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        all[self.index(N)]
    }

    /// One of them, if there are any.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.index(all.len()))
    }

    /// One of them by its weight.
    pub fn weighted<T: Copy>(&mut self, all: &[(T, u32)]) -> Option<T> {
        let total = all.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (one, weight) in all {
            match left.checked_sub(u64::from(*weight)) {
                None => return Some(*one),
                Some(rest) => left = rest,
            }
        }
        None
    }
}
