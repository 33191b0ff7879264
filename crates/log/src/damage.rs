//! What can be wrong with bytes on disk.

use std::io;
use std::path::PathBuf;

use crate::Position;

/// What is wrong at a place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The segment's own header does not check.
    #[error("the segment's header is damaged")]
    SegmentHeader,
    /// The format is of another version than this build reads.
    #[error("the segment is of another format version than this build reads")]
    SegmentVersion,
    /// Header and file name disagree: a file was renamed or copied.
    #[error("the segment says it starts at address {found}: the file was renamed or copied")]
    SegmentMisplaced {
        /// Base address in the header.
        found: u64,
    },
    /// The segments do not follow each other.
    #[error("a segment before this one is missing, or this one belongs to another log")]
    SegmentMissing,
    /// A file called `*.log` whose name is no segment's.
    #[error("the name is no segment's, which is 16 hexadecimal digits and .log")]
    SegmentName,
    /// The file ends before the segment does.
    #[error("the file ends before its last batch does")]
    SegmentShort,
    /// No batch header, or one that does not check, where a batch must start.
    #[error("no intact batch header where a batch must start")]
    BatchHeader,
    /// The batch's bytes end too early.
    #[error("the batch is not complete")]
    BatchShort,
    /// The batch's events do not fill it exactly.
    #[error("the batch's events do not fill it")]
    BatchFrames,
    /// The batch is intact but not the one that comes next.
    #[error("the batch starts at position {found} instead of {expected}")]
    BatchPosition {
        /// Position in the batch.
        found: Position,
        /// Position that comes next.
        expected: Position,
    },
    /// An event's checksum does not match.
    #[error("the checksum of the event at position {position} does not match")]
    Event {
        /// The event.
        position: Position,
    },
    /// No intact event at an address.
    #[error("there is no intact event at this address")]
    Frame,
    /// All checksums match but the hash chain does not: the bytes were altered, not torn.
    #[error("the hash chain breaks here: the log was altered")]
    Chain,
}

impl Damage {
    /// Whether a crash in the middle of a write can leave this behind.
    pub(crate) fn is_tear(self) -> bool {
        matches!(
            self,
            Damage::BatchHeader | Damage::BatchShort | Damage::BatchFrames | Damage::Event { .. }
        )
    }
}

/// Why bytes could not be had, before it is known who asked.
#[derive(Debug)]
pub(crate) enum Fault {
    Damaged {
        file: PathBuf,
        offset: u64,
        damage: Damage,
    },
    Io {
        file: PathBuf,
        source: io::Error,
    },
}
