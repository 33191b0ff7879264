//! Errors, by who meets them.

use std::io;
use std::path::PathBuf;

use crate::damage::Fault;
use crate::{Address, Damage, Position};

/// Why a log was not opened. The files are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another writer holds the directory.
    #[error("{} is in use by another writer; only one may write a log", .file.display())]
    Locked {
        /// The lock file.
        file: PathBuf,
    },
    /// Bytes that were once intact no longer are.
    #[error(
        "{}, byte {offset}: {damage}. Nothing was changed. Do not edit or delete the file: restore \
         it from a backup, see \"A damaged log\" in docs/OPERATIONS.md",
        .file.display()
    )]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// Byte in that file where the intact part ends.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// The log ends before events that others know to be durable.
    #[error(
        "the log ends at position {end} but events up to {must_reach} were acknowledged and are \
         missing. Nothing was changed. Restore the log from a backup, see \"A damaged log\" in \
         docs/OPERATIONS.md"
    )]
    EventsMissing {
        /// Where the intact log ends.
        end: Position,
        /// [`crate::Options::must_reach`].
        must_reach: Position,
    },
    /// The operating system refused.
    #[error("cannot open the log: {}", .file.display())]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// An earlier append failed: this log writes nothing more until it is opened again.
    #[error("the log stopped after a failed write; open it again to go on")]
    Poisoned,
    /// The log's end is elsewhere: another writer took over, or the caller is behind.
    #[error("the log ends at position {actual}, not where the caller expected")]
    Fenced {
        /// The log's end.
        actual: Position,
    },
    /// The batch has no events.
    #[error("the batch is empty")]
    Empty,
    /// The batch is larger than this log takes. [`crate::FileLog`] takes any full buffer.
    #[error("the batch has {bytes} bytes, the log takes {limit}")]
    TooLarge {
        /// Bytes of the framed batch.
        bytes: usize,
        /// Most that this log takes.
        limit: usize,
    },
    /// The write or the sync failed. Whether the batch is on disk is unknown until opened again.
    #[error("{doing} failed; nothing more will be written")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why an event was not taken into a batch. The batch is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// Never fits: longer than [`crate::EVENT_BYTES_MAX`].
    #[error("the event has {bytes} bytes, more than the limit of one event")]
    EventTooLarge {
        /// Bytes of the event.
        bytes: usize,
    },
    /// Fits into the next batch: this one would exceed [`crate::BATCH_BYTES_MAX`].
    #[error("the batch is full")]
    BatchFull,
}

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes are not what was written.
    #[error("{}, byte {offset}: {damage}; see \"A damaged log\" in docs/OPERATIONS.md", .file.display())]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// Byte in that file.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// The reader asks for events that the log does not have: it followed another log, or the log
    /// lost its end.
    #[error("position {asked} was asked for but the log ends at {end}")]
    BeyondEnd {
        /// What was asked for.
        asked: Position,
        /// The log's end.
        end: Position,
    },
    /// No event of this log has the address.
    #[error("no event of this log has address {address}")]
    NoEvent {
        /// What was asked for.
        address: Address,
    },
    /// The operating system refused.
    #[error("cannot read the log: {}", .file.display())]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged {
                file,
                offset,
                damage,
            } => Self::Damaged {
                file,
                offset,
                damage,
            },
            Fault::Io { file, source } => Self::Io { file, source },
        }
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged {
                file,
                offset,
                damage,
            } => Self::Damaged {
                file,
                offset,
                damage,
            },
            Fault::Io { file, source } => Self::Io { file, source },
        }
    }
}
