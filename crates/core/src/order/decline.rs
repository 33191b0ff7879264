//! Decline an order that waits for the shopper's consent ([`super::spend_code`]).
//!
//! Ledger: none. Invariant: a declined order is never paid. Declining twice is answered again.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{MerchantId, OrderId, UserId};
use crate::order::{OrderState, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclineOrder {
    /// Which.
    pub order: OrderId,
    /// The shopper who was asked.
    pub payer: UserId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderDeclined {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub order: OrderId,
    /// Whose order.
    #[n(2)]
    pub merchant: MerchantId,
    /// The shopper who was asked.
    #[n(3)]
    pub payer: UserId,
}

refusals! {
    /// No such order. Final.
    OrderNotFound = "there is no such order",
    /// This shopper was not asked, or it is undone already. Final.
    NotAsked = "this order does not wait for this shopper's consent",
    /// Paid. Final.
    AlreadyPaid = "this order is paid already",
}

impl DeclineOrder {
    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_order(self.order, archive)
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &DeclineOrder,
) -> Decision<OrderDeclined, Refusal> {
    let Some(order) = state.order(command.order) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    let shown = order.shown.as_ref();
    if !shown.is_some_and(|shown| shown.asked && shown.payer == command.payer) {
        return Decision::Refuse(Refusal::NotAsked);
    }
    match &order.state {
        OrderState::Open => {}
        OrderState::Closed => return Decision::Again(order.last),
        OrderState::Paid(_) => return Decision::Refuse(Refusal::AlreadyPaid),
        OrderState::Reversed(_) => return Decision::Refuse(Refusal::NotAsked),
    }
    Decision::Accept(OrderDeclined {
        at: now,
        order: command.order,
        merchant: order.merchant,
        payer: command.payer,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderDeclined) {
    settle(state, event.order, |order| order.state = OrderState::Closed);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use crate::testing::{LEI, MEI, NO_ORDER, ORDER, create, decline_by, given, nth, pay, spend};

    #[test]
    fn declining_twice_is_answered_again() {
        given([create("a", 10), spend(ORDER, MEI, 0, 0)])
            .when(decline_by(ORDER, MEI))
            .accepts()
            .when(decline_by(ORDER, MEI))
            .answers_again(nth(2));
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        given([create("a", 10)])
            .when(decline_by(NO_ORDER, MEI))
            .refuses(OrderNotFound)
            .when(decline_by(ORDER, MEI))
            .refuses(NotAsked)
            .when(spend(ORDER, MEI, 0, 10))
            .accepts()
            .when(decline_by(ORDER, MEI))
            .refuses(NotAsked)
            .when(spend(ORDER, MEI, 1, 9))
            .accepts()
            .when(decline_by(ORDER, LEI))
            .refuses(NotAsked)
            .when(pay(ORDER, MEI))
            .accepts()
            .when(decline_by(ORDER, MEI))
            .refuses(AlreadyPaid);
    }
}
