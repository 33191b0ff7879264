//! Reads a log: one event by its address, or batches in order with a [`Cursor`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::damage::Fault;
use crate::frame::{FRAME_HEADER_BYTES, frame_crc, frame_length, u32_at};
use crate::segment::{SegmentHeader, find_segments, segment_name};
use crate::{Address, Cursor, Damage, Disk, DiskFile, Files, Position, ReadError, Verify};

/// Most files a reader and its clones hold open.
const OPEN_FILES_MAX: usize = 64;

/// Bytes read at once for one event; a longer one takes a second read.
const EVENT_READ_BYTES: usize = 512;

/// Bytes read for each neighbour on the way to an event: more than most have.
const NEIGHBOUR_BYTES: usize = 128;

/// Most bytes read at once for an event and its neighbours, unless one event is longer.
const READ_AHEAD_MAX: usize = 16 << 10;

/// Reads a log while it is written, from any number of threads. Clones share open files.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name in the log's directory.
    pub name: String,
    /// Address of its first byte. Its batches end where the next segment begins.
    pub base: Address,
    /// Position of its first event.
    pub first: Position,
}

struct Shared {
    disk: Arc<dyn Disk>,
    /// Address where the durable part ends, told by the writer of this process; none when the
    /// writer, if any, is another process.
    durable: Option<Arc<AtomicU64>>,
    segments: RwLock<BTreeMap<u64, SegmentHeader>>,
    files: RwLock<BTreeMap<u64, OpenFile>>,
    /// Counts uses of files, to close the one not used for longest.
    uses: AtomicU64,
}

struct OpenFile {
    file: Arc<dyn DiskFile>,
    last_use: AtomicU64,
}

impl Reader {
    /// Opens the log in `dir` for reading; a writer may be at work in another process.
    ///
    /// Such a reader may see a batch a moment before it is durable. Whoever acts on events takes
    /// the reader of the writing process instead: [`crate::Log::reader`].
    ///
    /// # Errors
    /// When the directory cannot be read or a segment's header is damaged.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        Self::open_on(Arc::new(Files::new(dir)))
    }

    /// As [`Reader::open`], on any disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Self, ReadError> {
        let reader = Self::new(disk, None);
        reader.refresh()?;
        Ok(reader)
    }

    pub(crate) fn new(disk: Arc<dyn Disk>, durable: Option<Arc<AtomicU64>>) -> Self {
        let shared = Shared {
            disk,
            durable,
            segments: RwLock::default(),
            files: RwLock::default(),
            uses: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// All files of the log, in order; for copying them.
    ///
    /// # Errors
    /// When the directory cannot be read or a new segment's header is damaged.
    pub fn list(&self) -> Result<Vec<Segment>, ReadError> {
        self.refresh()?;
        let segments = self.segments();
        let segment = |header: &SegmentHeader| Segment {
            name: header.name(),
            base: Address(header.base),
            first: header.first,
        };
        Ok(segments.values().map(segment).collect())
    }

    /// A cursor whose first event is the one at `position`; the log's end is allowed.
    ///
    /// It finds the place by the headers of one segment's batches.
    ///
    /// # Errors
    /// [`ReadError::BeyondEnd`] when the log ends before `position`; damage and I/O on the way.
    pub fn batches_from(&self, position: Position, verify: Verify) -> Result<Cursor, ReadError> {
        Cursor::seek(self.clone(), position, verify)
    }

    /// Reads the event whose frame is at `address` into `event`, replacing what it holds.
    ///
    /// # Errors
    /// [`ReadError::NoEvent`] when the log does not reach there, [`ReadError::Damaged`] when no
    /// intact event lies there.
    pub fn event_at(&self, address: Address, event: &mut Vec<u8>) -> Result<(), ReadError> {
        self.event_after(address, 0, event)
    }

    /// Reads the event that comes `after` events after the one whose frame is at `address`, in the
    /// same batch, as [`Reader::event_at`] does. A few dozen neighbours take one read together.
    ///
    /// # Errors
    /// As [`Reader::event_at`].
    pub fn event_after(
        &self,
        address: Address,
        after: usize,
        event: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        event.clear();
        if self.durable().is_some_and(|durable| durable <= address.0) {
            return Err(ReadError::NoEvent { address });
        }
        let mut tried = None;
        loop {
            let Some((base, newest)) = self.segment_with(address) else {
                // No segment at all is known yet.
                if self.refresh()? {
                    continue;
                } else {
                    return Err(ReadError::NoEvent { address });
                };
            };
            if tried == Some(base) {
                let (file, offset) = (self.path(base), address.0 - base);
                return Err(ReadError::Damaged {
                    file,
                    offset,
                    damage: Damage::Frame,
                });
            }
            let read = self
                .file(base)
                .and_then(|file| read_event(&*file, address.0 - base, after, event));
            if read.map_err(|source| self.io(base, source))? {
                return Ok(());
            }
            tried = Some(base);
            if newest {
                // The address may lie in a segment that was not there when this one looked last.
                self.refresh()?;
            }
        }
    }

    /// Looks for new segments; says whether there are any.
    pub(crate) fn refresh(&self) -> Result<bool, Fault> {
        let known = self.segments();
        let found = find_segments(&*self.shared.disk, &known)?;
        drop(known);
        if found.segments.is_empty() {
            return Ok(false);
        }
        let mut segments = self
            .shared
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        segments.extend(found.segments);
        Ok(true)
    }

    pub(crate) fn segments(&self) -> RwLockReadGuard<'_, BTreeMap<u64, SegmentHeader>> {
        self.shared
            .segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The segment after the one at `base`.
    pub(crate) fn segment_after(&self, base: u64) -> Option<SegmentHeader> {
        self.segments()
            .range(base + 1..)
            .next()
            .map(|(_, segment)| *segment)
    }

    /// Address where the durable part ends, if this process knows.
    pub(crate) fn durable(&self) -> Option<u64> {
        self.shared
            .durable
            .as_ref()
            .map(|durable| durable.load(Ordering::Acquire))
    }

    pub(crate) fn path(&self, base: u64) -> PathBuf {
        self.shared.disk.path(&segment_name(base))
    }

    pub(crate) fn io(&self, base: u64, source: io::Error) -> ReadError {
        ReadError::Io {
            file: self.path(base),
            source,
        }
    }

    /// The segment's file, opened once.
    pub(crate) fn file(&self, base: u64) -> io::Result<Arc<dyn DiskFile>> {
        let use_number = self.shared.uses.fetch_add(1, Ordering::Relaxed);
        let files = self
            .shared
            .files
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = files.get(&base) {
            open.last_use.store(use_number, Ordering::Relaxed);
            return Ok(open.file.clone());
        }
        drop(files);
        let file = self.shared.disk.open_read(&segment_name(base))?;
        let mut files = self
            .shared
            .files
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if files.len() >= OPEN_FILES_MAX {
            let oldest = files
                .iter()
                .min_by_key(|(_, open)| open.last_use.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(base, _)| *base) {
                files.remove(&oldest);
            }
        }
        let last_use = AtomicU64::new(use_number);
        files.insert(
            base,
            OpenFile {
                file: file.clone(),
                last_use,
            },
        );
        Ok(file)
    }

    /// The base of the segment that holds `address`, and whether it is the newest known.
    fn segment_with(&self, address: Address) -> Option<(u64, bool)> {
        let segments = self.segments();
        let (base, _) = segments.range(..=address.0).next_back()?;
        Some((
            *base,
            segments
                .last_key_value()
                .is_some_and(|(last, _)| last == base),
        ))
    }
}

/// Reads the event that comes `after` events after the one at `offset`; false when no intact one is
/// there, or one before it is not intact.
fn read_event(
    file: &dyn DiskFile,
    mut offset: u64,
    mut after: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<bool> {
    let mut wanted = EVENT_READ_BYTES;
    loop {
        let ahead = after.saturating_mul(NEIGHBOUR_BYTES).min(READ_AHEAD_MAX);
        bytes.resize(wanted.max(ahead), 0);
        let read = file.read_at(bytes, offset)?;
        let file_ends = read < bytes.len();
        bytes.truncate(read);
        let mut at = 0;
        wanted = EVENT_READ_BYTES;
        while let Some(length) = frame_length(&bytes[at..]) {
            let end = at + FRAME_HEADER_BYTES + length;
            let Some(frame) = bytes.get(at..end) else {
                wanted = end - at;
                break;
            };
            if u32_at(frame, 4) != frame_crc(frame) {
                break;
            }
            if after == 0 {
                bytes.truncate(end);
                bytes.drain(..at + FRAME_HEADER_BYTES);
                return Ok(true);
            }
            (at, after) = (end, after - 1);
        }
        if at == 0 && (file_ends || wanted <= read) {
            bytes.clear();
            return Ok(false);
        }
        offset += at as u64;
    }
}
