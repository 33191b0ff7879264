//! The log in files of this machine: the writer.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::recovery::{self, Tail};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::{
    Address, AppendError, Appended, BatchBuffer, Chain, Disk, Files, Log, OpenError, Opened,
    Position, Reader, SEGMENT_BYTES_DEFAULT,
};

/// How to open a log.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of each new segment file; a batch that needs more gets a longer file.
    pub segment_bytes: u64,
    /// A position that others know to be durable, such as where the store stands: opening is refused
    /// when the log ends before it.
    pub must_reach: Position,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            must_reach: Position(0),
        }
    }
}

/// A log in files; its directory is locked as long as this lives.
pub struct FileLog {
    disk: Arc<dyn Disk>,
    _lock: Box<dyn Any + Send + Sync>,
    segment_bytes: u64,
    tail: Tail,
    /// Address where the durable part ends, for readers.
    durable: Arc<AtomicU64>,
    reader: Reader,
    poisoned: bool,
}

impl FileLog {
    /// Opens the log in `dir`, or starts one there.
    ///
    /// It reads the last segment whole. What a crash tore off the end is cut and told.
    ///
    /// # Errors
    /// When another writer has it, when it is damaged elsewhere than at the end, when it ends before
    /// [`Options::must_reach`]: then nothing was changed. Or when the operating system refuses.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Opened), OpenError> {
        Self::open_on(Arc::new(Files::new(dir)), options)
    }

    /// As [`FileLog::open`], on any disk.
    ///
    /// # Errors
    /// As [`FileLog::open`].
    pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Opened), OpenError> {
        let lock = disk.lock().map_err(|source| {
            let file = disk.path(Files::LOCK);
            if source.kind() == io::ErrorKind::WouldBlock {
                OpenError::Locked { file }
            } else {
                OpenError::Io { file, source }
            }
        })?;
        let segment_bytes = options.segment_bytes.max(SEGMENT_HEADER_BYTES as u64);
        let (tail, cut) = recovery::recover(
            &*disk,
            &Options {
                segment_bytes,
                ..options
            },
        )?;
        if let Some(cut) = &cut {
            tracing::warn!(
                file = %cut.file.display(), offset = cut.offset, bytes = cut.bytes,
                "cut the incomplete end of the log, which was never acknowledged"
            );
        }
        let durable = Arc::new(AtomicU64::new(tail.segment.base + tail.offset));
        let reader = Reader::new(disk.clone(), Some(durable.clone()));
        let end = tail.end;
        let log = Self {
            disk,
            _lock: lock,
            segment_bytes,
            tail,
            durable,
            reader,
            poisoned: false,
        };
        Ok((log, Opened { end, cut }))
    }

    /// Hash of the whole log: with the end position it names this history and no other.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.tail.chain
    }

    /// Makes room for `bytes` at the tail: in this segment, or in a new one.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let tail = &mut self.tail;
        if tail.offset + bytes <= tail.capacity {
            return Ok(());
        }
        if tail.offset == SEGMENT_HEADER_BYTES as u64 {
            // An empty segment is never followed by another; `append` syncs the length too.
            tail.file.extend(tail.offset + bytes)?;
            tail.capacity = tail.offset + bytes;
            return Ok(());
        }
        let base = tail.segment.base + tail.offset;
        let segment = SegmentHeader {
            base,
            first: tail.end,
            chain: tail.chain,
        };
        let capacity = self.segment_bytes.max(SEGMENT_HEADER_BYTES as u64 + bytes);
        let new = recovery::create(&*self.disk, segment, capacity)?;
        let old = std::mem::replace(tail, new);
        // Only saves space: a full segment may be longer than its batches, so a failure is harmless.
        if let Err(error) = old.file.truncate(old.offset) {
            tracing::debug!(%error, file = old.segment.name(), "left unused space in a segment");
        }
        Ok(())
    }

    fn write(&mut self, time_ms: i64, batch: &mut BatchBuffer) -> Result<Appended, AppendError> {
        let failed = |doing| move |source| AppendError::Failed { doing, source };
        self.make_room(batch.stored_bytes() as u64)
            .map_err(failed("starting a segment"))?;
        let Tail {
            segment,
            file,
            offset,
            end: first,
            chain,
            ..
        } = &self.tail;
        let (offset, first, address) = (*offset, *first, segment.base + offset);
        let (header, bytes) = batch.store(first, time_ms, chain, address, |header, bytes| {
            file.write_at(bytes, offset)
                .map_err(failed("writing a batch"))?;
            file.sync().map_err(failed("syncing a batch"))?;
            Ok((*header, bytes.len()))
        })?;
        self.tail.offset = offset + bytes as u64;
        self.tail.end = header.end();
        self.tail.chain = header.chain;
        self.durable
            .store(address + bytes as u64, Ordering::Release);
        let address = Address(address + crate::frame::BATCH_HEADER_BYTES as u64);
        Ok(Appended {
            first,
            end: header.end(),
            address,
            chain: header.chain,
        })
    }
}

impl Log for FileLog {
    fn append(
        &mut self,
        expected: Position,
        time_ms: i64,
        batch: &mut BatchBuffer,
    ) -> Result<Appended, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        if expected != self.tail.end {
            return Err(AppendError::Fenced {
                actual: self.tail.end,
            });
        }
        if batch.is_empty() {
            return Err(AppendError::Empty);
        }
        let appended = self.write(time_ms, batch);
        self.poisoned = appended.is_err();
        appended
    }

    fn end(&self) -> Position {
        self.tail.end
    }

    fn reader(&self) -> Reader {
        self.reader.clone()
    }
}
