//! Everything that can be found, at one position.
//!
//! A [`View`] never changes. A question takes the newest once, and sees all indexes at the same
//! position, whatever is applied, written or merged meanwhile.

use std::ops::Range;
use std::sync::Arc;

use crate::StoreError;
use crate::index::{Index, Pair};
use crate::run::Run;
use crate::tail::{Part, within};

#[derive(Clone)]
pub(crate) struct View {
    /// What is on disk, older events first, without gaps from event 0.
    pub runs: Arc<Vec<Arc<Run>>>,
    /// What comes after: it is being written to disk.
    pub frozen: Option<Arc<Part>>,
    /// What comes after that.
    pub active: Arc<Part>,
}

/// Sorted entries in one place.
pub(crate) enum Chunk<'a> {
    /// In memory: all are in the range that was asked for, and there are some.
    Piece(&'a [Pair]),
    /// On disk: only the first block of a run may have none in the range.
    Block {
        run: &'a Run,
        index: Index,
        block: usize,
    },
}

impl View {
    /// The event after the last.
    pub fn next(&self) -> u64 {
        self.active.next
    }

    /// Where entries in a range can be that are of some of these events. Older events come first;
    /// within a run or piece smaller entries do.
    pub fn chunks<'a>(
        &'a self,
        index: Index,
        range: &'a Range<Pair>,
        events: Range<u64>,
    ) -> impl DoubleEndedIterator<Item = Chunk<'a>> {
        let Range { start, end } = events;
        let runs = self.runs.iter();
        #[cfg(feature = "planted")]
        let runs = {
            use feiqian_core::planted::{Bug, is};
            let stale = is(Bug::StaleIndex) && index == Index::Numbers;
            runs.take(self.runs.len().saturating_sub(usize::from(stale)))
        };
        let runs = runs.filter(move |run| run.events.start < end && start < run.events.end);
        let blocks = runs.flat_map(move |run| {
            let blocks = run.blocks_with(index, range);
            blocks.map(move |block| Chunk::Block { run, index, block })
        });
        let parts = self.frozen.iter().chain([&self.active]);
        let parts = parts.filter(move |part| part.first < end && start < part.next);
        let pieces = parts.flat_map(move |part| part.pieces[index].between(range));
        blocks.chain(pieces.map(Chunk::Piece))
    }
}

impl Chunk<'_> {
    /// Its entries that are in a range, in place of those in `pairs`.
    pub fn read<'p>(
        &self,
        range: &Range<Pair>,
        pairs: &'p mut Vec<Pair>,
    ) -> Result<&'p [Pair], StoreError> {
        pairs.clear();
        match self {
            Self::Piece(piece) => pairs.extend_from_slice(within(piece, range)),
            Self::Block { run, index, block } => run.read(*index, *block..block + 1, pairs)?,
        }
        Ok(within(pairs, range))
    }
}
