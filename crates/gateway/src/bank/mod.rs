//! The bank: who moves the money that comes in and goes out.
//!
//! Reading order: this trait, then the [`clerk`] that asks and books what the bank says, then the
//! [`sandbox`] bank.

pub mod clerk;
pub mod sandbox;

use std::future::Future;
use std::time::Duration;

use feiqian_core::bank::{Direction, Transfer};
use feiqian_core::{Fen, TransferId, UnixMillis};

/// How long the bank may take to answer. After that it is not known what it did.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// A connection to a bank.
///
/// A number names one transfer for ever: the bank moves its money once, however often it is asked. Who
/// connects a bank that answers "this number was used" to the second request answers [`Reply::Working`],
/// so that the bank is asked what became of the first.
pub trait Bank: Send + Sync + 'static {
    /// Asks it to move money.
    fn ask(&self, order: Order) -> impl Future<Output = Reply> + Send;

    /// Asks what became of a transfer that it may have been asked for.
    fn query(&self, order: Order) -> impl Future<Output = Reply> + Send;
}

/// What the bank is asked to do, and is asked about later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The number: the same one each time.
    pub number: TransferId,
    /// To us or from us.
    pub direction: Direction,
    /// How much.
    pub amount: Fen,
    /// When the user asked: banks find old numbers by their day.
    pub at: UnixMillis,
}

impl Order {
    fn of(number: TransferId, transfer: &Transfer) -> Self {
        Self {
            number,
            direction: transfer.direction,
            amount: transfer.amount,
            at: transfer.at,
        }
    }
}

/// What the bank says. The first two are its last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The money moved.
    Done,
    /// It did not, and will not.
    Declined,
    /// The bank has the order and has not decided.
    Working,
    /// The bank never got this number. It may be asked anew, under the same one.
    NeverHeard,
    /// None, or one that cannot be read: the money moved or did not.
    Silence,
}
