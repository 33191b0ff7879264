//! A segment file: its name, its header, and the list of all segments of a log.
//!
//! A segment's base is where the one before ends, so the name and header of a segment say how long
//! its predecessor must be.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::damage::Fault;
use crate::frame::{u32_at, u64_at};
use crate::walk::Rest;
use crate::{Chain, Damage, Disk, DiskFile, Position};

/// Format version 1.
const MAGIC: [u8; 8] = *b"FQSEG001";

/// The part of the magic that all versions share.
const MAGIC_ANY: [u8; 5] = *b"FQSEG";

/// Bytes of a segment's header; its first batch follows.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;

/// Larger numbers than any log reaches are damage; below it, sums cannot overflow.
const NUMBER_MAX: u64 = 1 << 62;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Address of the file's first byte.
    pub base: u64,
    /// Position of its first event.
    pub first: Position,
    /// Chain of the batch before.
    pub chain: Chain,
}

impl SegmentHeader {
    /// The first segment of every log.
    pub const GENESIS: Self = Self {
        base: 0,
        first: Position(0),
        chain: Chain::GENESIS,
    };

    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.base.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.chain.0);
        // 56..60 are zero.
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.len() < SEGMENT_HEADER_BYTES {
            return Err(Damage::SegmentHeader);
        }
        // A header that was torn in the middle of its magic names no version.
        let versioned = bytes[..5] == MAGIC_ANY && bytes[5..8].iter().all(u8::is_ascii_digit);
        if bytes[..8] != MAGIC && versioned {
            return Err(Damage::SegmentVersion);
        }
        let (base, first) = (u64_at(bytes, 8), u64_at(bytes, 16));
        let intact = bytes[..8] == MAGIC
            && u32_at(bytes, 60) == crc32c::crc32c(&bytes[..60])
            && base < NUMBER_MAX
            && base.is_multiple_of(8)
            && first < NUMBER_MAX;
        if !intact {
            return Err(Damage::SegmentHeader);
        }
        let mut chain = [0; 32];
        chain.copy_from_slice(&bytes[24..56]);
        Ok(Self {
            base,
            first: Position(first),
            chain: Chain(chain),
        })
    }

    pub fn name(&self) -> String {
        segment_name(self.base)
    }
}

pub(crate) fn segment_name(base: u64) -> String {
    format!("{base:016x}.log")
}

/// The base in a file name; none when the name is no segment's.
pub(crate) fn segment_base(name: &str) -> Option<u64> {
    let base = u64::from_str_radix(name.strip_suffix(".log")?, 16).ok()?;
    // Upper case or fewer digits would let two files claim one base.
    (segment_name(base) == name).then_some(base)
}

/// What [`find_segments`] adds to the segments already known.
pub(crate) struct Found {
    pub segments: BTreeMap<u64, SegmentHeader>,
    /// A last file without an intact header and without content: it was being created.
    pub unfinished: Option<u64>,
}

/// Lists the directory and reads the headers of segments that are not in `known`.
pub(crate) fn find_segments(
    disk: &dyn Disk,
    known: &BTreeMap<u64, SegmentHeader>,
) -> Result<Found, Fault> {
    let names = disk.list().map_err(|source| Fault::Io {
        file: disk.path(""),
        source,
    })?;
    let mut bases: Vec<u64> = names.iter().filter_map(|name| segment_base(name)).collect();
    bases.sort_unstable();
    let last = bases.last().copied();
    let mut found = Found {
        segments: BTreeMap::new(),
        unfinished: None,
    };
    let mut before: Option<SegmentHeader> = None;
    for base in bases {
        let header = match known.get(&base) {
            Some(header) => *header,
            None => match read_header(disk, base)? {
                Some(header) => header,
                None if last == Some(base) => {
                    found.unfinished = Some(base);
                    break;
                }
                None => return Err(damaged(disk, base, Damage::SegmentHeader)),
            },
        };
        let follows = match before {
            None => header == SegmentHeader::GENESIS,
            // Only a segment with content is followed by another.
            Some(before) => before.first < header.first,
        };
        if !follows {
            return Err(damaged(disk, base, Damage::SegmentMissing));
        }
        before = Some(header);
        if !known.contains_key(&base) {
            found.segments.insert(base, header);
        }
    }
    Ok(found)
}

fn damaged(disk: &dyn Disk, base: u64, damage: Damage) -> Fault {
    Fault::Damaged {
        file: disk.path(&segment_name(base)),
        offset: 0,
        damage,
    }
}

/// The header of a segment; none when it has neither an intact header nor content.
fn read_header(disk: &dyn Disk, base: u64) -> Result<Option<SegmentHeader>, Fault> {
    let name = segment_name(base);
    let io = |source| Fault::Io {
        file: disk.path(&name),
        source,
    };
    let file = match disk.open_read(&name) {
        Ok(file) => file,
        // Removed since it was listed: a writer that opens removes what was never finished.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let header = match decode_at_start(&file).map_err(io)? {
        Err(Damage::SegmentHeader) => {
            let rest = Rest::read(&*file, base, SEGMENT_HEADER_BYTES as u64, Position(0));
            if rest.map_err(io)?.data_end == SEGMENT_HEADER_BYTES as u64 {
                return Ok(None);
            }
            // The header is durable before the first batch is written: when a writer has just done
            // both, it is there now.
            decode_at_start(&file).map_err(io)?
        }
        other => other,
    };
    match header {
        Ok(header) if header.base != base => Err(damaged(
            disk,
            base,
            Damage::SegmentMisplaced { found: header.base },
        )),
        Ok(header) => Ok(Some(header)),
        Err(damage) => Err(damaged(disk, base, damage)),
    }
}

fn decode_at_start(file: &Arc<dyn DiskFile>) -> io::Result<Result<SegmentHeader, Damage>> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let read = file.read_at(&mut bytes, 0)?;
    Ok(SegmentHeader::decode(&bytes[..read]))
}
