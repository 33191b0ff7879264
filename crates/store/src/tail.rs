//! The newest entries, in memory, sorted, until they are written to disk as runs.
//!
//! A [`View`] never changes once it is shared: applying a batch makes a new one that shares nearly
//! everything with the one before. A question takes the view once and sees all indexes at the same
//! position.

use std::sync::Arc;

use feiqian_core::EventNumber;

use crate::entry::{Begun, Entry, Hash, Landmark, Link, Owner, Rows};

/// Sorted pieces above this many entries are left as they are.
const MERGE_MAX: usize = 1 << 16;

/// The entries of one index as sorted pieces, older ones first.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<E>(Vec<Arc<Vec<E>>>);

impl<E> Default for Pieces<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: Entry> Pieces<E> {
    /// Adds sorted entries. Neighbours of like size are merged, so that there are few pieces and no
    /// entry is moved often, whether batches are large or of one event.
    fn push(&mut self, mut newest: Vec<E>) {
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

    /// All entries in order, each once.
    pub fn merged(&self) -> Vec<E> {
        let mut all = Vec::with_capacity(self.0.iter().map(|piece| piece.len()).sum());
        self.0.iter().for_each(|piece| all.extend_from_slice(piece));
        all.sort();
        all.dedup();
        all
    }

    /// Of each piece the entries from `from` to before `to`, in order.
    fn between<K: Ord>(
        &self,
        from: &K,
        to: &K,
        key: impl Fn(&E) -> K,
    ) -> impl Iterator<Item = &[E]> {
        self.0.iter().map(move |piece| {
            let start = piece.partition_point(|entry| key(entry) < *from);
            let rest = &piece[start..];
            &rest[..rest.partition_point(|entry| key(entry) < *to)]
        })
    }
}

impl<G: Copy + Ord> Pieces<Link<G>>
where
    Link<G>: Entry,
{
    /// A group's entries of events from `from` to before `to`, of each piece at most the last `limit`.
    fn of(&self, group: G, from: u64, to: u64, limit: usize, into: &mut Vec<Link<G>>) {
        for found in self.between(&(group, from), &(group, to), |link| {
            (link.group, link.event)
        }) {
            into.extend_from_slice(&found[found.len().saturating_sub(limit)..]);
        }
    }
}

/// Entries of successive events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// The first event.
    pub first: u64,
    /// After the last.
    pub next: u64,
    /// Address of the last.
    pub last_address: u64,
    pub numbers: Pieces<Link<Hash>>,
    pub story: Pieces<Link<Begun>>,
    pub entries: Pieces<Link<Owner>>,
    pub landmarks: Pieces<Landmark>,
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
        part.numbers.push(rows.numbers);
        part.story.push(rows.story);
        part.entries.push(rows.entries);
        part.landmarks.push(rows.landmarks);
        part
    }

    pub fn is_empty(&self) -> bool {
        self.first == self.next
    }

    pub fn events(&self) -> u64 {
        self.next - self.first
    }
}

/// All that is in memory, at one position.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// What is being written to disk, until it can be found there.
    pub frozen: Option<Arc<Part>>,
    /// What comes after.
    pub active: Arc<Part>,
}

impl View {
    /// The first event of which it has the entries. Whoever looks here first and then on disk for
    /// the events before this one finds everything, and nothing twice.
    pub fn first(&self) -> u64 {
        self.frozen.as_ref().unwrap_or(&self.active).first
    }

    /// The event after the last.
    pub fn next(&self) -> EventNumber {
        EventNumber(self.active.next)
    }

    fn parts(&self) -> impl DoubleEndedIterator<Item = &Part> {
        self.frozen.iter().chain([&self.active]).map(|part| &**part)
    }

    /// All that has this hash, oldest first.
    pub fn numbers(&self, hash: Hash) -> Vec<Link<Hash>> {
        let mut found = Vec::new();
        self.parts()
            .for_each(|part| part.numbers.of(hash, 0, u64::MAX, usize::MAX, &mut found));
        found.sort_unstable();
        found
    }

    /// What goes on with an order or transfer, oldest first.
    pub fn story(&self, begun: Begun) -> Vec<Link<Begun>> {
        let mut found = Vec::new();
        self.parts()
            .for_each(|part| part.story.of(begun, 0, u64::MAX, usize::MAX, &mut found));
        found.sort_unstable();
        found
    }

    /// An account's entries from `from` to before `to`, oldest first, at most the last `limit`.
    pub fn entries(&self, account: Owner, from: u64, to: u64, limit: usize) -> Vec<Link<Owner>> {
        let mut found = Vec::new();
        self.parts()
            .for_each(|part| part.entries.of(account, from, to, limit, &mut found));
        found.sort_unstable();
        found.drain(..found.len().saturating_sub(limit));
        found
    }

    /// The last landmark of which `before` holds. `before` must hold of all up to some event, and of
    /// none after it.
    pub fn last_landmark(&self, before: impl Fn(&Landmark) -> bool) -> Option<Landmark> {
        let pieces = self
            .parts()
            .rev()
            .flat_map(|part| part.landmarks.0.iter().rev());
        pieces
            .filter_map(|piece| piece[..piece.partition_point(&before)].last())
            .copied()
            .next()
    }

    /// The first landmark of which `before` does not hold.
    pub fn next_landmark(&self, before: impl Fn(&Landmark) -> bool) -> Option<Landmark> {
        let pieces = self.parts().flat_map(|part| part.landmarks.0.iter());
        pieces
            .filter_map(|piece| piece.get(piece.partition_point(&before)))
            .copied()
            .next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_small_batches_leave_few_pieces() {
        let mut pieces = Pieces::default();
        let mut most = 0;
        for event in 0..1_000_000_u64 {
            pieces.push(vec![Link {
                group: Owner(event.wrapping_mul(7_919) % 1_000),
                event,
                address: 0,
            }]);
            most = most.max(pieces.0.len());
        }
        assert!(most < 40, "{most} pieces");
        let merged = pieces.merged();
        assert_eq!(merged.len(), 1_000_000);
        assert!(merged.is_sorted());
    }
}
