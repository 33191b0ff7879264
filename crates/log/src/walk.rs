//! Walks the batches of one segment, and searches what lies after the last intact one.

use std::io;
use std::sync::Arc;

use crate::frame::{ALIGNMENT, BATCH_HEADER_BYTES, BatchHeader, FRAME_HEADER_BYTES, check_frames};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::{Chain, Damage, DiskFile, Position};

/// Bytes of one read when batches are read in order.
const READ_BYTES: usize = 1 << 20;

/// Bytes of one read when batches are skipped by their headers.
const SEEK_BYTES: usize = 16 << 10;

/// How much of a batch is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// The header only, to skip the batch.
    Header,
    /// And every event's checksum.
    Frames,
    /// And the hash chain.
    Chain,
}

/// A place in a segment: what lies before it is intact.
pub(crate) struct Walk {
    pub segment: SegmentHeader,
    pub file: Arc<dyn DiskFile>,
    /// Byte in the file where the next batch starts.
    pub offset: u64,
    /// Position of its first event.
    pub next: Position,
    /// Chain of the batch before.
    pub chain: Chain,
    window: Window,
}

impl Walk {
    pub fn new(segment: SegmentHeader, file: Arc<dyn DiskFile>) -> Self {
        Self {
            segment,
            file,
            offset: SEGMENT_HEADER_BYTES as u64,
            next: segment.first,
            chain: segment.chain,
            window: Window::default(),
        }
    }

    /// The same place moved into the next segment; keeps the memory.
    pub fn enter(&mut self, segment: SegmentHeader, file: Arc<dyn DiskFile>) {
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        *self = Self {
            window,
            ..Self::new(segment, file)
        };
    }

    /// Another walk at the same place.
    pub fn place(&self) -> Self {
        let window = Window::default();
        Self {
            file: self.file.clone(),
            window,
            ..*self
        }
    }

    /// Address of the next batch.
    pub fn address(&self) -> u64 {
        self.segment.base + self.offset
    }

    /// Checks the batch that starts here, in the bytes of the file below `limit`. Does not move.
    pub fn check(&mut self, limit: u64, depth: Depth) -> io::Result<Result<BatchHeader, Damage>> {
        let ahead = if depth == Depth::Header {
            SEEK_BYTES
        } else {
            READ_BYTES
        };
        let (file, offset, address) = (&*self.file, self.offset, self.address());
        let bytes = self
            .window
            .load(file, offset, BATCH_HEADER_BYTES, ahead, limit)?;
        let Some(header) = BatchHeader::decode(bytes, address) else {
            return Ok(Err(Damage::BatchHeader));
        };
        if header.first != self.next {
            let (found, expected) = (header.first, self.next);
            return Ok(Err(Damage::BatchPosition { found, expected }));
        }
        if offset + header.bytes() as u64 > limit {
            return Ok(Err(Damage::BatchShort));
        }
        if depth == Depth::Header {
            return Ok(Ok(header));
        }
        let bytes = self
            .window
            .load(file, offset, header.bytes(), ahead, limit)?;
        if bytes.len() < header.bytes() {
            return Ok(Err(Damage::BatchShort));
        }
        let framed = &bytes[BATCH_HEADER_BYTES..header.bytes()];
        if let Err(damage) = check_frames(&header, framed) {
            return Ok(Err(damage));
        }
        let chained = || {
            self.chain
                .next(header.first.0, header.time_ms, header.count, framed)
        };
        if depth == Depth::Chain && header.chain != chained() {
            return Ok(Err(Damage::Chain));
        }
        Ok(Ok(header))
    }

    /// Moves past a batch that [`Walk::check`] found intact.
    pub fn advance(&mut self, header: &BatchHeader) {
        self.offset += header.bytes().next_multiple_of(ALIGNMENT) as u64;
        self.next = header.end();
        self.chain = header.chain;
    }

    /// The bytes of a batch that was just checked whole.
    pub fn bytes(&self, header: &BatchHeader) -> &[u8] {
        self.window
            .held(header.address - self.segment.base, header.bytes())
    }

    /// Forgets what was read ahead: the file may have changed since.
    pub fn forget(&mut self) {
        self.window.clear();
    }
}

/// Bytes of a file in memory.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// Where in the file `bytes` starts.
    start: u64,
    /// How many of `bytes` were read.
    filled: usize,
}

impl Window {
    fn clear(&mut self) {
        self.filled = 0;
    }

    /// `wanted` bytes from `offset`, or fewer when the file or the limit ends before. When it must
    /// read, it reads up to `ahead` bytes.
    fn load(
        &mut self,
        file: &dyn DiskFile,
        offset: u64,
        wanted: usize,
        ahead: usize,
        limit: u64,
    ) -> io::Result<&[u8]> {
        let below_limit = to_usize(limit.saturating_sub(offset));
        let wanted = wanted.min(below_limit);
        let skip = offset
            .checked_sub(self.start)
            .map_or(usize::MAX, to_usize)
            .min(self.filled);
        if self.filled - skip < wanted {
            let keep = self.filled - skip;
            self.bytes.copy_within(skip..self.filled, 0);
            (self.start, self.filled) = (offset, keep);
            let full = wanted.max(ahead).min(below_limit);
            if self.bytes.len() < full {
                self.bytes.resize(full, 0);
            }
            self.filled += file.read_at(&mut self.bytes[keep..full], offset + keep as u64)?;
        }
        Ok(self.held(offset, wanted))
    }

    /// Bytes that were loaded.
    fn held(&self, offset: u64, wanted: usize) -> &[u8] {
        let from = offset
            .checked_sub(self.start)
            .map_or(usize::MAX, to_usize)
            .min(self.filled);
        &self.bytes[from..from.saturating_add(wanted).min(self.filled)]
    }
}

/// What lies in a segment after its last intact batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Offset after the last byte that is not zero; the start of the search when all are.
    pub data_end: u64,
    /// Whether a batch header is intact there: then what comes before it was once intact too.
    pub has_batch: bool,
}

impl Rest {
    /// Searches from `offset` to the end of the file, for batches later than `next`.
    pub fn read(file: &dyn DiskFile, base: u64, offset: u64, next: Position) -> io::Result<Rest> {
        let mut window = Window::default();
        let mut rest = Rest {
            data_end: offset,
            has_batch: false,
        };
        let mut at = offset;
        loop {
            let bytes = window.load(file, at, READ_BYTES, READ_BYTES, u64::MAX)?;
            let last = bytes.len() < READ_BYTES;
            // A header must lie whole in the window, except at the very end, where none fits.
            let searched = if last {
                bytes.len()
            } else {
                READ_BYTES - BATCH_HEADER_BYTES
            };
            rest.search(bytes, searched, at, &|found, bytes| {
                let Some(header) = BatchHeader::decode(bytes, base + found) else {
                    return false;
                };
                // Each event before it has taken some bytes.
                let events_max = (found - offset) / FRAME_HEADER_BYTES as u64;
                found > offset && header.first > next && header.first.0 - next.0 <= events_max
            });
            at += searched as u64;
            if last || rest.has_batch {
                return Ok(rest);
            }
        }
    }

    fn search(
        &mut self,
        bytes: &[u8],
        searched: usize,
        at: u64,
        is_batch: &dyn Fn(u64, &[u8]) -> bool,
    ) {
        /// Zeros are passed over in blocks: most of a preallocated segment is zeros.
        const BLOCK: usize = 4096;
        for block in (0..searched).step_by(BLOCK) {
            let block_end = searched.min(block + BLOCK);
            if bytes[block..block_end]
                .iter()
                .fold(0, |any, byte| any | byte)
                == 0
            {
                continue;
            }
            for word in (block..block_end).step_by(ALIGNMENT) {
                let word_end = block_end.min(word + ALIGNMENT);
                if let Some(byte) = bytes[word..word_end].iter().rposition(|byte| *byte != 0) {
                    self.data_end = at + (word + byte + 1) as u64;
                    self.has_batch |= is_batch(at + word as u64, &bytes[word..]);
                }
            }
        }
    }
}

/// More than memory can hold is as good as the most it can.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
