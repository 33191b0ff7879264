//! Opening a log: what is found, what must be refused, and what may be put right.
//!
//! It reads all of the last segment and only the headers of the others, so that it takes no longer
//! as the log grows; a [`crate::Cursor`] from 0 checks everything. Nothing is changed before every
//! reason to refuse was looked for.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::damage::Fault;
use crate::frame::BatchHeader;
use crate::segment::{
    SEGMENT_HEADER_BYTES, SegmentHeader, find_segments, segment_base, segment_name,
};
use crate::walk::{Depth, Rest, Walk};
use crate::{Chain, Damage, Disk, DiskFile, OpenError, Options, Position};

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The position that the next event gets.
    pub end: Position,
    /// What a crash left behind and was cut off: never an event that was acknowledged.
    pub cut: Option<Cut>,
}

/// The incomplete bytes of an append that did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment file; when `offset` is 0 it was removed.
    pub file: PathBuf,
    /// Byte in the file where they start.
    pub offset: u64,
    /// How many, up to the last that is not zero.
    pub bytes: u64,
}

/// Where the writer goes on.
pub(crate) struct Tail {
    pub segment: SegmentHeader,
    pub file: Arc<dyn DiskFile>,
    /// Byte in the file where the next batch goes.
    pub offset: u64,
    /// Bytes of the file.
    pub capacity: u64,
    pub end: Position,
    pub chain: Chain,
}

pub(crate) fn recover(
    disk: &dyn Disk,
    options: &Options,
) -> Result<(Tail, Option<Cut>), OpenError> {
    refuse_strange_names(disk)?;
    let found = find_segments(disk, &Default::default())?;
    let segments: Vec<SegmentHeader> = found.segments.into_values().collect();
    refuse_short_segments(disk, &segments)?;

    let mut last = segments
        .last()
        .map(|segment| LastSegment::read(disk, *segment))
        .transpose()?;
    if let Some(base) = found.unfinished {
        // The writer starts a new segment when all before it is durable.
        match &last {
            Some(LastSegment { walk, .. }) if walk.address() != base => {
                let name = walk.segment.name();
                return Err(damaged(disk, &name, walk.offset, Damage::SegmentShort));
            }
            None if base != 0 => {
                return Err(damaged(
                    disk,
                    &segment_name(base),
                    0,
                    Damage::SegmentMissing,
                ));
            }
            Some(_) | None => {}
        }
    }
    let end = last.as_ref().map_or(Position(0), |last| last.walk.next);
    if end < options.must_reach {
        return Err(OpenError::EventsMissing {
            end,
            must_reach: options.must_reach,
        });
    }

    // From here on the disk is changed.
    let mut cut = None;
    if let Some(base) = found.unfinished {
        cut = Some(remove_unfinished(disk, base)?);
    }
    let tail = match &mut last {
        Some(last) => {
            cut = last.cut(disk).or(cut);
            last.put_right(disk, options)?
        }
        None => {
            let first = SegmentHeader::GENESIS;
            let created = create(disk, first, options.segment_bytes);
            created.map_err(|source| OpenError::Io {
                file: disk.path(&first.name()),
                source,
            })?
        }
    };
    Ok((tail, cut))
}

/// Creates a segment, durable and empty.
pub(crate) fn create(disk: &dyn Disk, segment: SegmentHeader, capacity: u64) -> io::Result<Tail> {
    let file = disk.create(&segment.name())?;
    file.extend(capacity)?;
    file.write_at(&segment.encode(), 0)?;
    file.sync()?;
    disk.sync_names()?;
    let offset = SEGMENT_HEADER_BYTES as u64;
    Ok(Tail {
        segment,
        file,
        offset,
        capacity,
        end: segment.first,
        chain: segment.chain,
    })
}

/// A renamed or half-copied segment must not be passed over.
fn refuse_strange_names(disk: &dyn Disk) -> Result<(), OpenError> {
    let names = disk.list().map_err(|source| OpenError::Io {
        file: disk.path(""),
        source,
    })?;
    let strange = |name: &&String| name.ends_with(".log") && segment_base(name).is_none();
    match names.iter().find(strange) {
        Some(name) => Err(damaged(disk, name, 0, Damage::SegmentName)),
        None => Ok(()),
    }
}

/// A segment reaches at least to where the next one starts.
fn refuse_short_segments(disk: &dyn Disk, segments: &[SegmentHeader]) -> Result<(), OpenError> {
    for pair in segments.windows(2) {
        let (segment, next) = (pair[0], pair[1]);
        let name = segment.name();
        let size = disk.open_read(&name).and_then(|file| file.size());
        let size = size.map_err(|source| OpenError::Io {
            file: disk.path(&name),
            source,
        })?;
        if size < next.base - segment.base {
            return Err(damaged(disk, &name, size, Damage::SegmentShort));
        }
    }
    Ok(())
}

fn remove_unfinished(disk: &dyn Disk, base: u64) -> Result<Cut, OpenError> {
    let name = segment_name(base);
    let file = disk.path(&name);
    let removed = || {
        let bytes = disk.open_read(&name)?.size()?;
        disk.remove(&name)?;
        disk.sync_names()?;
        Ok(bytes)
    };
    match removed() {
        Ok(bytes) => Ok(Cut {
            file,
            offset: 0,
            bytes,
        }),
        Err(source) => Err(OpenError::Io { file, source }),
    }
}

/// The last segment, read to its last intact batch.
struct LastSegment {
    /// After the last intact batch.
    walk: Walk,
    /// Before the last intact batch, if there is one.
    before: Option<Walk>,
    data_end: u64,
    size: u64,
}

impl LastSegment {
    fn read(disk: &dyn Disk, segment: SegmentHeader) -> Result<Self, OpenError> {
        let name = segment.name();
        let io = |source| Fault::Io {
            file: disk.path(&name),
            source,
        };
        let file = disk.open_write(&name).map_err(io)?;
        let size = file.size().map_err(io)?;
        let mut walk = Walk::new(segment, file.clone());
        let mut before = None;
        let damage = loop {
            match walk.check(size, Depth::Chain).map_err(io)? {
                Ok(header) => {
                    before = Some(walk.place());
                    walk.advance(&header);
                }
                Err(damage) => break damage,
            }
        };
        let rest = Rest::read(&*file, segment.base, walk.offset, walk.next).map_err(io)?;
        if rest.has_batch || !damage.is_tear() {
            return Err(damaged(disk, &name, walk.offset, damage));
        }
        Ok(Self {
            walk,
            before,
            data_end: rest.data_end,
            size,
        })
    }

    fn cut(&self, disk: &dyn Disk) -> Option<Cut> {
        let (file, offset) = (disk.path(&self.walk.segment.name()), self.walk.offset);
        let bytes = self.data_end - offset;
        (bytes > 0).then_some(Cut {
            file,
            offset,
            bytes,
        })
    }

    /// Leaves the segment as if nothing had happened: intact and durable up to its end, then zeros.
    fn put_right(&mut self, disk: &dyn Disk, options: &Options) -> Result<Tail, OpenError> {
        let Walk {
            segment,
            offset,
            next,
            chain,
            ..
        } = self.walk;
        let file = self.walk.file.clone();
        let name = segment.name();
        let io = |source| Fault::Io {
            file: disk.path(&name),
            source,
        };
        let torn = self.data_end > offset;
        if torn {
            file.truncate(offset).map_err(io)?;
            // Lest the torn bytes come back after the file is extended and appended to.
            file.sync().map_err(io)?;
        }
        // What was read may be in memory only: after a failed sync the operating system may hold
        // bytes that it believes to be on disk. Writing them again makes the next sync true.
        file.write_at(&segment.encode(), 0).map_err(io)?;
        if let Some(before) = &mut self.before {
            let header = before.check(offset, Depth::Chain).map_err(io)?;
            let header: BatchHeader = match header {
                Ok(header) => header,
                Err(damage) => return Err(damaged(disk, &name, before.offset, damage)),
            };
            file.write_at(before.bytes(&header), before.offset)
                .map_err(io)?;
        }
        let capacity = options
            .segment_bytes
            .max(offset)
            .max(if torn { 0 } else { self.size });
        file.extend(capacity).map_err(io)?;
        file.sync().map_err(io)?;
        disk.sync_names().map_err(io)?;
        Ok(Tail {
            segment,
            file,
            offset,
            capacity,
            end: next,
            chain,
        })
    }
}

fn damaged(disk: &dyn Disk, name: &str, offset: u64, damage: Damage) -> OpenError {
    OpenError::Damaged {
        file: disk.path(name),
        offset,
        damage,
    }
}
