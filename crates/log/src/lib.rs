//! The durable, ordered log: opaque events, numbered from 0, appended in batches, never changed.
//!
//! It knows nothing of what an event means. One writer appends ([`Log`], [`FileLog`]); any number
//! of readers follow at their own pace ([`Reader`], [`Cursor`]).
//!
//! Promises:
//! - [`Log::append`] answers after the batch is on stable storage, or it fails and nothing more is
//!   ever written through that log (a failed sync leaves the disk in an unknown state).
//! - A torn tail (a crash in the middle of the last append) is cut when opening, and said so.
//!   Damage anywhere else refuses to open and names file and offset.
//! - Each batch carries a BLAKE3 hash over itself and the batch before ([`Chain`]), so that history
//!   cannot be altered unseen.
//!
//! Deliberately absent: deleting or compacting segments, a clock, threads, memory maps, `unsafe`.

mod position;

mod chain;
mod damage;
mod error;

mod disk;
mod frame;
mod segment;

mod files;
mod recovery;

mod cursor;
mod reader;
mod walk;

pub use chain::Chain;
pub use cursor::{Cursor, Event, Events, StoredBatch, Verify};
pub use damage::Damage;
pub use disk::{Disk, DiskFile, Files};
pub use error::{AppendError, OpenError, PushError, ReadError};
pub use files::{FileLog, Options};
pub use frame::BatchBuffer;
pub use position::{Address, Position};
pub use reader::{Reader, Segment};
pub use recovery::{Cut, Opened};

/// Most bytes of one event: 1 MiB.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// Most bytes of one batch's framed events: 64 MiB.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Bytes of a segment file unless [`Options`] says otherwise: 256 MiB.
pub const SEGMENT_BYTES_DEFAULT: u64 = 256 << 20;

/// The writer's side of a log. Narrow, because a replicated stream will implement it too.
pub trait Log: Send {
    /// Appends `batch` at `expected`, which must be [`Log::end`], and returns when it is durable.
    ///
    /// `time_ms` is the caller's clock, in milliseconds since the Unix epoch; the log only keeps it.
    /// The buffer's events stay in it, for their addresses; clear it before the next batch.
    ///
    /// # Errors
    /// After [`AppendError::Failed`] the batch may or may not be found when the log is opened again.
    /// Every other error has written nothing.
    fn append(
        &mut self,
        expected: Position,
        time_ms: i64,
        batch: &mut BatchBuffer,
    ) -> Result<Appended, AppendError>;

    /// The position that the next event gets; also the number of events.
    fn end(&self) -> Position;

    /// A reader of the same log, which sees what is durable and nothing else.
    fn reader(&self) -> Reader;
}

/// What [`Log::append`] answers once a batch is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the batch's first event.
    pub first: Position,
    /// Position after its last event: the log's new end.
    pub end: Position,
    /// Address of its first event; [`BatchBuffer::addresses`] gives all of them.
    pub address: Address,
    /// Hash of the log up to and with this batch.
    pub chain: Chain,
}
