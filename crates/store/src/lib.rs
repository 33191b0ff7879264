//! What follows the log: indexes for every question, and the vault for what must never be in the log.
//!
//! An index entry names an event; the log keeps the events. New entries wait sorted in memory (the
//! *tail*) and reach the disk a million events at a time as a sorted *run*, a file that never
//! changes; runs are merged behind. A question looks into all of it, so that whoever wrote something
//! finds it at once. The store can be deleted: it is rebuilt from the log.
//!
//! What can be asked: an event by its number, an order, transfer or red packet with all that became of it, what
//! a caller's number names, the history of an account, and which event came first at a time. Fee
//! income has no history of its own: every payment is in it.
//!
//! Deliberately absent: balances (the engine's state has them), any decision, any clock.

mod error;
mod story;

mod index;

mod tail;

mod block;
mod folder;
mod merge;
mod run;

mod filter;
mod view;

mod query;
mod store;
mod work;

pub mod export;
pub mod vault;

#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use folder::{recorded_position, recorded_position_on};
pub use index::List;
pub use store::{Committed, FILTER_KEYS, Options, RUN_EVENTS, Store};
pub use story::{
    OrderStory, PacketStory, RemittanceStage, RemittanceStory, RequestStage, RequestStory,
    TransferStory,
};
