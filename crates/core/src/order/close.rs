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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ORDER_LIFE_DEFAULT_MS;
    use crate::testing::{
        FREE_SHOP, MEI, NO_ORDER, ORDER, SHOP, close, create, expire, given, named, nth, pay,
        reverse,
    };

    #[test]
    fn closing_twice_is_answered_again() {
        for order in [OrderRef::Id(ORDER), named("a")] {
            let mut world = given([create("a", 10), close(SHOP, order)]);
            let end = world.now.plus(ORDER_LIFE_DEFAULT_MS);
            assert_eq!(world.state.due(end, 9), []);
            world.when(close(SHOP, order)).answers_again(nth(1));
        }
        given([create("a", 10), reverse(SHOP, named("a"))])
            .when(close(SHOP, named("a")))
            .answers_again(nth(1));
        given([create("a", 10)])
            .after_ms(ORDER_LIFE_DEFAULT_MS)
            .when(expire(ORDER))
            .accepts()
            .when(close(SHOP, named("a")))
            .answers_again(nth(1));
        // Its time is over, but nobody has closed it yet.
        given([create("a", 10)])
            .after_ms(ORDER_LIFE_DEFAULT_MS)
            .when(close(SHOP, named("a")))
            .accepts();
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        given([create("a", 10), pay(ORDER, MEI)])
            .refuses_each([
                (close(SHOP, named("b")), Refusal::OrderNotFound),
                (close(SHOP, OrderRef::Id(NO_ORDER)), Refusal::OrderNotFound),
                (close(FREE_SHOP, named("a")), Refusal::OrderNotFound),
                (
                    close(FREE_SHOP, OrderRef::Id(ORDER)),
                    Refusal::OrderNotFound,
                ),
                (close(SHOP, named("a")), Refusal::AlreadyPaid),
            ])
            .when(reverse(SHOP, named("a")))
            .accepts()
            .when(close(SHOP, named("a")))
            .refuses(Refusal::AlreadyPaid);
    }
}
