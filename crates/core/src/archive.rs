//! What has left memory can be asked for again.
//!
//! The rules do no I/O. Before a command is decided, the engine lets it fetch what it names and what
//! is no longer here ([`crate::Command::fetch`]). The archive knows every event before a position
//! that the engine keeps track of.

use crate::ids::{OrderId, PacketId};
use crate::numbers::{Key, Known};
use crate::order::Order;
use crate::packet::Packet;

/// The archive could not be read: nobody's request is at fault, and it may succeed later.
pub type ArchiveError = Box<dyn core::error::Error + Send + Sync>;

/// Where numbers, settled orders and packets that are over come back from.
pub trait Archive {
    /// What a number names, if it was ever used.
    fn number(&self, key: &Key) -> Result<Option<Known>, ArchiveError>;
    /// An order as its events made it, if it exists.
    fn order(&self, id: OrderId) -> Result<Option<Order>, ArchiveError>;
    /// A red packet as its events made it, if it exists.
    fn packet(&self, id: PacketId) -> Result<Option<Packet>, ArchiveError>;
}

/// Knows nothing: for tests and for a state that never forgets.
pub struct Nothing;

impl Archive for Nothing {
    fn number(&self, _: &Key) -> Result<Option<Known>, ArchiveError> {
        Ok(None)
    }
    fn order(&self, _: OrderId) -> Result<Option<Order>, ArchiveError> {
        Ok(None)
    }
    fn packet(&self, _: PacketId) -> Result<Option<Packet>, ArchiveError> {
        Ok(None)
    }
}
