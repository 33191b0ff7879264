//! A run: the entries of successive events, sorted, in a file that never changes.
//!
//! ```text
//! blocks of each index in turn, every one full but the last of an index ([`crate::block`])
//! fences: the first pair of every block, as in blocks
//! "FQRUN001" ‖ first event (8) ‖ event after the last (8) ‖ number of pairs of each index (5 × 8)
//!            ‖ CRC-32C of the fences (4) ‖ CRC-32C of the 68 bytes before (4)
//! ```
//!
//! The fences are kept in memory, so that a pair is found with the reading of one block.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use feiqian_log::{Disk, DiskFile};

use crate::StoreError;
use crate::block::{self, BLOCK_BYTES, PAIR_BYTES, PAIRS_PER_BLOCK};
use crate::index::{Each, Index, Pair};

const MAGIC: [u8; 8] = *b"FQRUN001";
const FOOTER_BYTES: usize = 24 + 8 * Index::COUNT + 8;
/// Bytes are handed to the disk so many at a time,
const WRITE_BYTES: usize = 256 * 1024;
/// and made durable so many at a time: whoever syncs the log meanwhile does not wait for a flood.
const SYNC_BYTES: u64 = 4 * 1024 * 1024;

/// A run's file. Files are numbered in the order of their making; no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(pub u64);

impl FileId {
    pub fn name(self) -> String {
        format!("{:08}.run", self.0)
    }

    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub fn of_name(name: &str) -> Option<Self> {
        let id = Self(name.strip_suffix(".run")?.parse().ok()?);
        (id.name() == name).then_some(id)
    }
}

/// A run on disk, open for reading.
pub(crate) struct Run {
    pub file_id: FileId,
    /// The events whose entries it has.
    pub events: Range<u64>,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    sections: Each<Section>,
}

/// Where the blocks of one index lie.
#[derive(Debug, Default)]
struct Section {
    /// Number of the first block in the file.
    first_block: u64,
    /// The first pair of every block.
    fences: Vec<Pair>,
}

impl Run {
    /// Opens a run that must be of these events.
    pub fn open(disk: &dyn Disk, file_id: FileId, events: Range<u64>) -> Result<Self, StoreError> {
        let name = file_id.name();
        let path = disk.path(&name);
        let damaged = |offset| StoreError::Block {
            file: path.clone(),
            offset,
        };
        let file = disk.open_read(&name).map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                damaged(0)
            } else {
                failed(&path, source)
            }
        })?;
        let size = file.size().map_err(|source| failed(&path, source))?;
        let footer_at = size.saturating_sub(FOOTER_BYTES as u64);
        let read = |bytes: &mut [u8], offset| match file.read_at(bytes, offset) {
            Ok(read) if read == bytes.len() => Ok(()),
            Ok(_) => Err(damaged(offset)),
            Err(source) => Err(failed(&path, source)),
        };
        let mut footer = [0; FOOTER_BYTES];
        read(&mut footer, footer_at)?;
        let footer = Footer::decode(&footer)
            .filter(|footer| footer.events == events && footer.file_bytes() == Some(size))
            .ok_or_else(|| damaged(footer_at))?;
        let blocks = footer.blocks();
        let fences_at = blocks.iter().sum::<u64>() * BLOCK_BYTES as u64;
        let fences_bytes = usize::try_from(footer_at - fences_at).unwrap_or(usize::MAX);
        let mut fences = vec![0; fences_bytes];
        read(&mut fences, fences_at)?;
        if crc32c::crc32c(&fences) != footer.fences_crc {
            return Err(damaged(fences_at));
        }
        let (mut first_block, (mut fences, _)) = (0, fences.as_chunks());
        let mut sections = Each::<Section>::default();
        for (section, blocks) in sections.0.iter_mut().zip(blocks) {
            let (these, rest) = fences.split_at(usize::try_from(blocks).unwrap_or(0));
            let these = these.iter().map(|pair| Pair::from_le_bytes(*pair));
            *section = Section {
                first_block,
                fences: these.collect(),
            };
            (first_block, fences) = (first_block + blocks, rest);
        }
        Ok(Self {
            file_id,
            events,
            file,
            path,
            sections,
        })
    }

    /// How many blocks an index has.
    pub fn blocks(&self, index: Index) -> usize {
        self.sections[index].fences.len()
    }

    /// The blocks of an index that may have pairs in a range. All but the first surely have.
    pub fn blocks_with(&self, index: Index, range: &Range<Pair>) -> Range<usize> {
        let fences = &self.sections[index].fences;
        let first = fences.partition_point(|fence| *fence <= range.start);
        let end = fences.partition_point(|fence| *fence < range.end);
        first.saturating_sub(1).min(end)..end
    }

    /// Adds all pairs of successive blocks of an index to `pairs`.
    pub fn read(
        &self,
        index: Index,
        blocks: Range<usize>,
        pairs: &mut Vec<Pair>,
    ) -> Result<(), StoreError> {
        let first = self.sections[index].first_block + blocks.start as u64;
        let mut bytes = vec![0; blocks.len() * BLOCK_BYTES];
        let read = self.file.read_at(&mut bytes, first * BLOCK_BYTES as u64);
        let read = read.map_err(|source| failed(&self.path, source))?;
        bytes.truncate(read);
        let mut found = bytes.chunks(BLOCK_BYTES);
        for number in (first..).take(blocks.len()) {
            let block = found.next().unwrap_or_default();
            block::decode(block, number, pairs).ok_or_else(|| StoreError::Block {
                file: self.path.clone(),
                offset: number * BLOCK_BYTES as u64,
            })?;
        }
        Ok(())
    }
}

fn failed(path: &std::path::Path, source: io::Error) -> StoreError {
    StoreError::File {
        file: path.to_owned(),
        source,
    }
}

/// The end of a run's file.
#[derive(Debug, PartialEq, Eq)]
struct Footer {
    events: Range<u64>,
    pairs: [u64; Index::COUNT],
    fences_crc: u32,
}

impl Footer {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let numbers = [self.events.start, self.events.end];
        for number in numbers.iter().chain(&self.pairs) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.fences_crc.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let (checked, crc) = bytes.split_last_chunk()?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(checked) {
            return None;
        }
        let (numbers, fences_crc) = checked.strip_prefix(&MAGIC)?.split_last_chunk()?;
        let (numbers, _) = numbers.as_chunks();
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        let events = numbers.next()?..numbers.next()?;
        let mut pairs = [0; Index::COUNT];
        pairs
            .iter_mut()
            .zip(numbers)
            .for_each(|(to, number)| *to = number);
        Some(Self {
            events,
            pairs,
            fences_crc: u32::from_le_bytes(*fences_crc),
        })
    }

    /// How many blocks each index has.
    fn blocks(&self) -> [u64; Index::COUNT] {
        self.pairs
            .map(|pairs| pairs.div_ceil(PAIRS_PER_BLOCK as u64))
    }

    /// How long the file must be.
    fn file_bytes(&self) -> Option<u64> {
        let blocks = self.blocks().into_iter().try_fold(0, u64::checked_add)?;
        let bytes = blocks.checked_mul((BLOCK_BYTES + PAIR_BYTES) as u64)?;
        bytes.checked_add(FOOTER_BYTES as u64)
    }
}

/// Writes a run, index by index. The file is removed again if it is not finished.
pub(crate) struct RunWriter {
    disk: Arc<dyn Disk>,
    file_id: FileId,
    file: Arc<dyn DiskFile>,
    /// Pairs of the block that is not full yet.
    open: Vec<Pair>,
    /// Bytes that are not written yet.
    bytes: Vec<u8>,
    written: u64,
    unsynced: u64,
    blocks: u64,
    /// Which index is being written.
    index: usize,
    pairs: [u64; Index::COUNT],
    sections: Each<Section>,
    finished: bool,
}

impl RunWriter {
    pub fn create(disk: Arc<dyn Disk>, file_id: FileId) -> Result<Self, StoreError> {
        let name = file_id.name();
        let file = disk
            .create(&name)
            .map_err(|source| failed(&disk.path(&name), source))?;
        Ok(Self {
            disk,
            file_id,
            file,
            open: Vec::with_capacity(PAIRS_PER_BLOCK),
            bytes: Vec::with_capacity(WRITE_BYTES + BLOCK_BYTES),
            written: 0,
            unsynced: 0,
            blocks: 0,
            index: 0,
            pairs: [0; Index::COUNT],
            sections: Each::default(),
            finished: false,
        })
    }

    /// Adds pairs to the index that is being written, the first one at first. They are sorted, and
    /// not smaller than those before.
    pub fn push(&mut self, mut pairs: &[Pair]) -> Result<(), StoreError> {
        while !pairs.is_empty() {
            let room = PAIRS_PER_BLOCK - self.open.len();
            let (fitting, rest) = pairs.split_at(room.min(pairs.len()));
            self.open.extend_from_slice(fitting);
            pairs = rest;
            if self.open.len() == PAIRS_PER_BLOCK {
                self.end_block()?;
            }
        }
        Ok(())
    }

    /// Goes on to the next index.
    pub fn end_index(&mut self) -> Result<(), StoreError> {
        if !self.open.is_empty() {
            self.end_block()?;
        }
        self.index += 1;
        if let Some(next) = self.sections.0.get_mut(self.index) {
            next.first_block = self.blocks;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), StoreError> {
        self.pairs[self.index] += self.open.len() as u64;
        self.sections.0[self.index].fences.push(self.open[0]);
        block::encode(&self.open, self.blocks, &mut self.bytes);
        self.open.clear();
        self.blocks += 1;
        if self.bytes.len() >= WRITE_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let written = self.file.write_at(&self.bytes, self.written);
        written.map_err(|source| self.failed(source))?;
        self.written += self.bytes.len() as u64;
        self.unsynced += self.bytes.len() as u64;
        self.bytes.clear();
        if self.unsynced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.unsynced = 0;
        self.file.sync().map_err(|source| self.failed(source))
    }

    /// Makes the run durable, with its name, and opens it. All indexes must have been ended.
    pub fn finish(mut self, events: Range<u64>) -> Result<Run, StoreError> {
        let fences_at = self.bytes.len();
        let fences = self.sections.0.iter().flat_map(|section| &section.fences);
        for fence in fences {
            self.bytes.extend_from_slice(&fence.to_le_bytes());
        }
        let footer = Footer {
            events: events.clone(),
            pairs: self.pairs,
            fences_crc: crc32c::crc32c(&self.bytes[fences_at..]),
        };
        self.bytes.extend_from_slice(&footer.encode());
        self.write()?;
        self.sync()?;
        let named = self.disk.sync_names();
        named.map_err(|source| self.failed(source))?;
        self.finished = true;
        Ok(Run {
            file_id: self.file_id,
            events,
            file: self.file.clone(),
            path: self.disk.path(&self.file_id.name()),
            sections: std::mem::take(&mut self.sections),
        })
    }

    fn failed(&self, source: io::Error) -> StoreError {
        failed(&self.disk.path(&self.file_id.name()), source)
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is removed at the next opening.
            drop(self.disk.remove(&self.file_id.name()));
        }
    }
}
