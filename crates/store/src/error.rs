//! Why the store cannot answer.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use feiqian_core::EventNumber;
use feiqian_log::{Address, ReadError};

/// Why the store cannot answer. Nothing here is a caller's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Operator: the folder holds something else than a store.
    #[error("{} is not empty and not a store", folder.display())]
    Foreign {
        /// The folder.
        folder: PathBuf,
    },
    /// Storage: the store is of another version, or damaged as a whole.
    #[error(
        "{} {what}. Nothing there is needed: delete the folder, and it is rebuilt from the log",
        folder.display()
    )]
    Folder {
        /// The store's folder.
        folder: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Storage: a file of the index is missing, or not what was written.
    #[error(
        "the index {} is damaged at byte {offset}. Delete the store's folder, and it is rebuilt \
         from the log", file.display()
    )]
    Block {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
    },
    /// Storage: an entry leads to nothing, or to an event that it cannot mean.
    #[error(
        "the index entry of event {event} in {} is damaged: address {address} has no such event. If \
         the log itself is sound, delete the folder, and it is rebuilt", folder.display()
    )]
    Damaged {
        /// The store's folder.
        folder: PathBuf,
        /// The event that was looked for.
        event: EventNumber,
        /// Where the log should have it, or the landmark before it.
        address: Address,
        /// What was found there instead, if more than another event.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Operator: store and log do not belong together, or the log lost its end.
    #[error(
        "the store in {} has followed another log than this one: it knows event {last} at address \
         {address}, and this log does not. If the log was replaced on purpose, delete the folder, \
         and it is rebuilt; if not, the log is damaged or has lost events: restore it from a backup",
        folder.display()
    )]
    OtherLog {
        /// The store's folder.
        folder: PathBuf,
        /// The last event that the store has on disk.
        last: EventNumber,
        /// Where the log should have it.
        address: Address,
        /// What was found there instead, if not another event.
        source: Option<ReadError>,
    },
    /// Operator: another process has the store open.
    #[error("the store in {} is in use by another process", folder.display())]
    InUse {
        /// The store's folder.
        folder: PathBuf,
    },
    /// Us: batches were applied out of order.
    #[error("the store stands at event {expected}, but was given events from {given}")]
    Gap {
        /// Where it stands.
        expected: EventNumber,
        /// First event of the batch.
        given: EventNumber,
    },
    /// Storage: the log could not be read.
    #[error("reading the log for the store")]
    Log(#[source] ReadError),
    /// Storage: a file of the store could not be read or written.
    #[error("{}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Storage: what was applied could not be written to disk, such as when it is full. Everything is
    /// still found, and writing is tried again.
    #[error("the store could not write to disk")]
    Unwritten(#[source] Arc<StoreError>),
}

impl StoreError {
    /// Whether the log itself is not in question: [`crate::Store::clear`] and applying the log again
    /// put it right.
    #[must_use]
    pub fn can_be_rebuilt(&self) -> bool {
        match self {
            Self::Folder { .. } | Self::Block { .. } | Self::Damaged { .. } => true,
            Self::Unwritten(why) => why.can_be_rebuilt(),
            Self::Foreign { .. }
            | Self::OtherLog { .. }
            | Self::InUse { .. }
            | Self::Gap { .. }
            | Self::Log(_)
            | Self::File { .. } => false,
        }
    }
}
