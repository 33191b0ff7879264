//! Merging of runs, so that a question finds few of them.

use std::ops::Range;
use std::sync::Arc;

use feiqian_log::Disk;

use crate::StoreError;
use crate::index::{Index, Pair};
use crate::run::{FileId, Run, RunWriter};

/// So many runs of one tier are merged into one of the next. With half as many, a question would look
/// into half as many runs, and merging would take half as much again.
const FANOUT: usize = 8;
/// Runs of fewer events are of the lowest tier.
const TIER_EVENTS: u64 = 1 << 16;
/// Blocks of a run that are read at once.
const READ_BLOCKS: usize = 64;

/// Which neighbouring runs to merge now; of several choices the smallest runs.
///
/// Runs of lower tiers that lie between those of one tier go with them: an orderly stop leaves such.
pub(crate) fn plan(runs: &[Arc<Run>]) -> Option<Range<usize>> {
    let tiers: Vec<u32> = runs.iter().map(|run| tier(&run.events)).collect();
    let highest = tiers.iter().copied().max()?;
    (0..=highest).find_map(|tier| neighbours(&tiers, tier))
}

/// `FANOUT` runs of a tier with no higher one between them.
fn neighbours(tiers: &[u32], tier: u32) -> Option<Range<usize>> {
    let mut found = Vec::with_capacity(FANOUT);
    for (at, other) in tiers.iter().enumerate() {
        if *other > tier {
            found.clear();
        } else if *other == tier {
            found.push(at);
        }
        if found.len() == FANOUT {
            return Some(found[0]..at + 1);
        }
    }
    None
}

fn tier(events: &Range<u64>) -> u32 {
    let events = events.end.saturating_sub(events.start);
    (events / TIER_EVENTS)
        .checked_ilog(FANOUT as u64)
        .map_or(0, |tier| tier + 1)
}

/// Neighbouring runs on their way to become one. It goes on in steps, so that whoever does it can do
/// something more urgent in between.
pub(crate) struct Merge {
    pub inputs: Vec<Arc<Run>>,
    index: usize,
    /// How far each input was read.
    cursors: Vec<Cursor>,
    writer: RunWriter,
    merged: Vec<Pair>,
}

#[derive(Clone, Default)]
struct Cursor {
    next_block: usize,
    /// What was read and is not merged yet.
    ahead: Vec<Pair>,
}

impl Merge {
    pub fn start(
        disk: Arc<dyn Disk>,
        file_id: FileId,
        inputs: Vec<Arc<Run>>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            index: 0,
            cursors: vec![Cursor::default(); inputs.len()],
            writer: RunWriter::create(disk, file_id)?,
            merged: Vec::new(),
            inputs,
        })
    }

    /// Merges some more, at most 2 MiB; says whether that was all.
    pub fn step(&mut self) -> Result<bool, StoreError> {
        let Some(index) = Index::ALL.get(self.index).copied() else {
            return Ok(true);
        };
        // Everything up to the least end of what was read can be put in order now.
        let mut sure = Pair::MAX;
        let mut all_read = true;
        for (cursor, run) in self.cursors.iter_mut().zip(&self.inputs) {
            cursor.fill(run, index)?;
            if cursor.next_block < run.blocks(index) {
                all_read = false;
                sure = cursor.ahead.last().copied().unwrap_or(0).min(sure);
            }
        }
        self.merged.clear();
        for cursor in &mut self.cursors {
            let end = cursor.ahead.partition_point(|pair| *pair <= sure);
            self.merged.extend(cursor.ahead.drain(..end));
        }
        // The standard stable sort finds the sorted pieces and merges them.
        self.merged.sort();
        self.writer.push(&self.merged)?;
        if all_read {
            self.writer.end_index()?;
            self.index += 1;
            self.cursors.fill(Cursor::default());
        }
        Ok(self.index == Index::COUNT)
    }

    /// Makes the new run durable. Every step must have been made.
    pub fn finish(self) -> Result<(Vec<Arc<Run>>, Run), StoreError> {
        let first = self.inputs.first().map_or(0, |run| run.events.start);
        let next = self.inputs.last().map_or(0, |run| run.events.end);
        let run = self.writer.finish(first..next)?;
        Ok((self.inputs, run))
    }
}

impl Cursor {
    fn fill(&mut self, run: &Run, index: Index) -> Result<(), StoreError> {
        let end = run.blocks(index).min(self.next_block + READ_BLOCKS);
        if self.ahead.is_empty() && self.next_block < end {
            run.read(index, self.next_block..end, &mut self.ahead)?;
            self.next_block = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_neighbours_are_merged_first_with_what_lies_between() {
        let check = |tiers: &[u32], expected| {
            let highest = tiers.iter().copied().max().unwrap();
            let found = (0..=highest).find_map(|tier| neighbours(tiers, tier));
            assert_eq!(found, expected, "{tiers:?}");
        };
        check(&[0; 7], None);
        check(&[0; 9], Some(0..8));
        check(&[2, 1, 1, 0, 0, 0, 0, 0, 0, 0], None);
        check(
            &[1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            Some(8..16),
        );
        check(&[2, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0], Some(1..11));
        check(&[1, 1, 1, 1, 2, 1, 1, 1, 1], None);
    }

    #[test]
    fn eight_of_a_tier_make_one_of_the_next() {
        let tier = |events| tier(&(10..10 + events));
        for n in 0..6 {
            let events = TIER_EVENTS * 8_u64.pow(n);
            assert_eq!((tier(events - 1), tier(events)), (n, n + 1));
        }
        assert_eq!((tier(0), tier(1)), (0, 0));
    }
}
