//! Close an unpaid order, by its merchant.
//!
//! Ledger: none. Invariant: a closed order is never paid. Closing twice is answered again.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{MerchantId, OrderId};
use crate::order::{OrderRef, OrderState, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseOrder {
    /// Whose order.
    pub merchant: MerchantId,
    /// Which.
    pub order: OrderRef,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderClosed {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub order: OrderId,
    /// Whose order.
    #[n(2)]
    pub merchant: MerchantId,
}

refusals! {
    /// This merchant has no such order. Final.
    OrderNotFound = "there is no such order",
    /// Paid, or paid and undone: give it back by refund. Final.
    AlreadyPaid = "this order is paid already",
}

impl CloseOrder {
    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        self.order.fetch(self.merchant, state, archive)
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &CloseOrder,
) -> Decision<OrderClosed, Refusal> {
    let Some((id, order)) = command.order.find(command.merchant, state) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    match &order.state {
        OrderState::Open => {}
        OrderState::Closed | OrderState::Reversed(None) => return Decision::Again(order.last),
        OrderState::Paid(_) | OrderState::Reversed(Some(_)) => {
            return Decision::Refuse(Refusal::AlreadyPaid);
        }
    }
    Decision::Accept(OrderClosed {
        at: now,
        order: id,
        merchant: command.merchant,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderClosed) {
    settle(state, event.order, |order| order.state = OrderState::Closed);
}
