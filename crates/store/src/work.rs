//! What is done behind the applier's back, in units: writing a frozen part to disk, filling the
//! filter, merging runs.
//!
//! Whoever calls decides when: a thread of the store's own, or a simulator. A unit that fails has
//! changed nothing that can be found, and is tried again by the next call.

use std::ops::Range;
use std::sync::{Arc, PoisonError};

use feiqian_log::{Address, ReadError, Reader};

use crate::StoreError;
use crate::folder::{Last, Manifest};
use crate::index::{Index, key_of};
use crate::merge::{self, Merge};
use crate::run::{FileId, Run, RunWriter};
use crate::store::Shared;
use crate::tail::Part;

/// Blocks of numbers that go into the filter in one unit: 1 MiB.
const FILL_BLOCKS: usize = 256;

/// Where the work stands.
pub(crate) struct Worker {
    pub next_file: FileId,
    /// The last event in the runs, as the manifest has it.
    pub last: Option<Last>,
    pub fill: Option<Fill>,
    pub merge: Option<Merge>,
    /// A run is damaged: it cannot be merged, and trying again would read it all again.
    pub merging_ended: bool,
    /// Files that a manifest may name whose writing failed. The next one that is written does not.
    pub unsure: Vec<FileId>,
}

/// Runs that were there at opening, on their way into the filter.
pub(crate) struct Fill {
    pub runs: Vec<Arc<Run>>,
    pub next_block: usize,
}

impl Worker {
    fn new_file(&mut self) -> FileId {
        let id = self.next_file;
        self.next_file = id.next();
        id
    }
}

impl Shared {
    /// Does one unit; says whether there was one to do.
    pub fn work(&self) -> Result<bool, StoreError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = self.view().frozen {
            self.write_part(&mut worker, &part)?;
            return Ok(true);
        }
        Ok(self.fill_filter(&mut worker)? || self.merge_runs(&mut worker)?)
    }

    /// Writes a part as a run, durably.
    fn write_part(&self, worker: &mut Worker, part: &Part) -> Result<(), StoreError> {
        let last = Last {
            address: part.last_address,
            hash: hash_at(&self.reader, part.last_address).map_err(StoreError::Log)?,
        };
        let mut writer = RunWriter::create(self.folder.disk.clone(), worker.new_file())?;
        for index in Index::ALL {
            writer.push(&part.merged(index))?;
            writer.end_index()?;
        }
        let run = writer.finish(part.first..part.next)?;
        let at = self.view().runs.len();
        self.replace_runs(worker, at..at, run, Some(last))?;
        tracing::debug!(events = part.events(), "wrote a run");
        Ok(())
    }

    /// Puts some more of what is on disk into the filter. What comes later is put there when it is
    /// applied.
    fn fill_filter(&self, worker: &mut Worker) -> Result<bool, StoreError> {
        let Some(fill) = &mut worker.fill else {
            return Ok(false);
        };
        let Some(run) = fill.runs.last() else {
            worker.fill = None;
            self.filter.complete();
            return Ok(true);
        };
        let end = run
            .blocks(Index::Numbers)
            .min(fill.next_block + FILL_BLOCKS);
        let mut numbers = Vec::new();
        if let Err(error) = run.read(Index::Numbers, fill.next_block..end, &mut numbers) {
            if error.can_be_rebuilt() {
                // Everything counts as perhaps known from now on; whoever asks meets the error.
                worker.fill = None;
            }
            return Err(error);
        }
        self.filter.insert(numbers.into_iter().map(key_of));
        fill.next_block = end;
        if end == run.blocks(Index::Numbers) {
            fill.runs.pop();
            fill.next_block = 0;
        }
        Ok(true)
    }

    /// Merges some more, when there are runs to be merged.
    fn merge_runs(&self, worker: &mut Worker) -> Result<bool, StoreError> {
        if worker.merging_ended {
            return Ok(false);
        }
        let merged = self.merge_more(worker);
        if let Err(error) = &merged {
            worker.merge = None;
            worker.merging_ended = error.can_be_rebuilt();
        }
        merged
    }

    fn merge_more(&self, worker: &mut Worker) -> Result<bool, StoreError> {
        let mut merge = match worker.merge.take() {
            Some(merge) => merge,
            None => {
                let runs = self.view().runs;
                let Some(inputs) = merge::plan(&runs) else {
                    return Ok(false);
                };
                let disk = self.folder.disk.clone();
                Merge::start(disk, worker.new_file(), runs[inputs].to_vec())?
            }
        };
        if !merge.step()? {
            worker.merge = Some(merge);
            return Ok(true);
        }
        let (inputs, run) = merge.finish()?;
        // Runs were added meanwhile, but only at the end.
        let runs = self.view().runs;
        let first = runs.iter().position(|run| run.file_id == inputs[0].file_id);
        let first = first.unwrap_or_default();
        let last = worker.last.clone();
        self.replace_runs(worker, first..first + inputs.len(), run, last)?;
        tracing::debug!(runs = inputs.len(), "merged runs");
        Ok(true)
    }

    /// Puts a run in the place of others, on disk and then for whoever asks.
    fn replace_runs(
        &self,
        worker: &mut Worker,
        place: Range<usize>,
        run: Run,
        last: Option<Last>,
    ) -> Result<(), StoreError> {
        let file_id = run.file_id;
        let mut runs = self.view().runs.to_vec();
        let replaced: Vec<_> = runs.splice(place, [Arc::new(run)]).collect();
        let named = runs.iter().map(|run| (run.file_id, run.events.clone()));
        let manifest = Manifest {
            last,
            runs: named.collect(),
        };
        if let Err(error) = self.folder.prepare(&manifest) {
            self.remove_file(file_id);
            return Err(error);
        }
        if let Err(error) = self.folder.replace() {
            worker.unsure.push(file_id);
            return Err(error);
        }
        worker.last = manifest.last;
        self.show_runs(runs);
        // Whoever still reads them has them open.
        let unneeded = replaced.iter().map(|run| run.file_id);
        unneeded
            .chain(worker.unsure.drain(..))
            .for_each(|id| self.remove_file(id));
        Ok(())
    }

    fn remove_file(&self, file_id: FileId) {
        if let Err(error) = self.folder.remove(&file_id.name()) {
            tracing::debug!(%error, "left a file that is not needed, until the next opening");
        }
    }
}

/// BLAKE3 of an event's bytes, in hexadecimal.
pub(crate) fn hash_at(reader: &Reader, address: u64) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    reader.event_at(Address(address), &mut bytes)?;
    Ok(blake3::hash(&bytes).to_string())
}
