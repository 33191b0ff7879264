//! The newest entries, in memory, until they are written to disk as a run.
//!
//! A [`Part`] never changes once it is shared: applying a batch makes a new one that shares nearly
//! everything with the one before.

use std::ops::Range;
use std::sync::Arc;

use crate::index::{Each, Index, Pair, Rows};

/// Sorted pieces above this many entries are left as they are.
const MERGE_MAX: usize = 1 << 13;

/// The entries of one index as sorted pieces, those of older events first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces(Vec<Arc<Vec<Pair>>>);

impl Pieces {
    /// Adds sorted entries. Neighbours of like size are merged, so that there are few pieces and no
    /// entry is moved often, whether batches are large or of one event.
    fn push(&mut self, mut newest: Vec<Pair>) {
        if newest.is_empty() {
            return;
        }
        while let Some(last) = self
            .0
            .pop_if(|last| last.len() <= MERGE_MAX && last.len() / 2 <= newest.len())
        {
            let mut merged = Vec::with_capacity(last.len() + newest.len());
            merged.extend_from_slice(&last);
            merged.append(&mut newest);
            // The standard stable sort finds the two sorted halves and merges them.
            merged.sort();
            newest = merged;
        }
        self.0.push(Arc::new(newest));
    }

    /// All entries in order.
    pub fn merged(&self) -> Vec<Pair> {
        let mut all = Vec::with_capacity(self.0.iter().map(|piece| piece.len()).sum());
        self.0.iter().for_each(|piece| all.extend_from_slice(piece));
        all.sort();
        all
    }

    /// Of each piece, older events first, the entries in a range; never nothing.
    pub fn between(&self, range: &Range<Pair>) -> impl DoubleEndedIterator<Item = &[Pair]> {
        let pieces = self.0.iter().map(move |piece| within(piece, range));
        pieces.filter(|found| !found.is_empty())
    }
}

/// What of sorted pairs is in a range.
pub(crate) fn within<'a>(pairs: &'a [Pair], range: &Range<Pair>) -> &'a [Pair] {
    let rest = &pairs[pairs.partition_point(|pair| *pair < range.start)..];
    &rest[..rest.partition_point(|pair| *pair < range.end)]
}

/// Entries of successive events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// The first event: a landmark.
    pub first: u64,
    /// After the last.
    pub next: u64,
    /// Address of the last.
    pub last_address: u64,
    pub pieces: Each<Pieces>,
}

impl Part {
    pub fn starting_at(first: u64) -> Self {
        Self {
            first,
            next: first,
            ..Self::default()
        }
    }

    /// This part with one more batch.
    pub fn with(&self, rows: Rows, next: u64, last_address: u64) -> Self {
        let mut part = Self {
            next,
            last_address,
            ..self.clone()
        };
        for (pieces, newest) in part.pieces.0.iter_mut().zip(rows.0) {
            pieces.push(newest);
        }
        part
    }

    pub fn is_empty(&self) -> bool {
        self.first == self.next
    }

    pub fn events(&self) -> u64 {
        self.next - self.first
    }

    /// All entries of an index in order.
    pub fn merged(&self, index: Index) -> Vec<Pair> {
        self.pieces[index].merged()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::pair;

    #[test]
    fn a_million_small_batches_leave_few_pieces() {
        let mut pieces = Pieces::default();
        let mut most = 0;
        for event in 0..1_000_000_u64 {
            pieces.push(vec![pair(event.wrapping_mul(7_919) % 1_000, event)]);
            most = most.max(pieces.0.len());
        }
        assert!(most < 150, "{most} pieces");
        let merged = pieces.merged();
        assert_eq!(merged.len(), 1_000_000);
        assert!(merged.is_sorted());
    }
}
