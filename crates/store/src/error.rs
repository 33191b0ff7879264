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
    /// Operator: the folder is no store, of another version, or damaged.
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
    /// Operator: store and log do not belong together, or the log lost its end.
    #[error(
        "the store in {} has followed another log than this one: it knows event {last} at address \
         {address}, and this log does not. If the log was replaced on purpose, delete the folder, \
         and it is rebuilt; if not, the log has lost events: restore it from a backup",
        folder.display()
    )]
    OtherLog {
        /// The store's folder.
        folder: PathBuf,
        /// The last event that the store has on disk.
        last: EventNumber,
        /// Where the log should have it.
        address: Address,
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
        /// Where the log should have it.
        address: Address,
        /// What was found there instead, if more than another event.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
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
    /// Storage: the indexes could not be read or written.
    #[error(
        "the store in {}; when this persists, delete the folder, and it is rebuilt from the log",
        folder.display()
    )]
    Storage {
        /// The store's folder.
        folder: PathBuf,
        /// What the storage engine said.
        source: fjall::Error,
    },
    /// Storage: a file of the store could not be read or written.
    #[error("{}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Storage: a run could not be written; the store takes no more until it is opened again.
    #[error("the store stopped after a failed write")]
    Stopped(#[source] Arc<StoreError>),
}
