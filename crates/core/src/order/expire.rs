//! Close an order whose time is over. Only the engine's timer asks for it.
//!
//! Ledger: none. Invariant: it happens at or after the order's end, once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{MerchantId, OrderId};
use crate::order::{OrderState, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpireOrder {
    /// Which.
    pub order: OrderId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderExpired {
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
    /// No such order is in memory; open ones always are. Final.
    OrderNotFound = "there is no such open order",
    /// Paid, closed or undone meanwhile. Final.
    NotOpen = "this order is not open any more",
    /// Its end has not come. May succeed later.
    NotDue = "this order's time is not over",
}

impl ExpireOrder {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ExpireOrder,
) -> Decision<OrderExpired, Refusal> {
    let Some(order) = state.order(command.order) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    let open = order.state == OrderState::Open;
    #[cfg(feature = "planted")]
    let open = open || crate::planted::is(crate::planted::Bug::TimerTwice);
    if !open {
        return Decision::Refuse(Refusal::NotOpen);
    }
    if now < order.expires_at {
        return Decision::Refuse(Refusal::NotDue);
    }
    Decision::Accept(OrderExpired {
        at: now,
        order: command.order,
        merchant: order.merchant,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderExpired) {
    settle(state, event.order, |order| order.state = OrderState::Closed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ORDER_LIFE_DEFAULT_MS;
    use crate::testing::{
        MEI, NO_ORDER, ORDER, SHOP, close, create, expire, given, named, pay, reverse,
    };

    #[test]
    fn at_its_end_and_once() {
        let mut world = given([create("a", 10)])
            .after_ms(ORDER_LIFE_DEFAULT_MS - 1)
            .when(expire(ORDER))
            .refuses(Refusal::NotDue);
        assert_eq!(world.state.due(world.now, 9), []);
        let mut world = world.after_ms(1);
        assert_eq!(world.state.due(world.now, 9), [expire(ORDER)]);
        assert_eq!(world.state.due(world.now, 0), []);
        assert_eq!(world.state.due(world.now, 9), [expire(ORDER)]);
        let mut world = world.when(expire(ORDER)).accepts();
        assert_eq!(world.state.due(world.now, 9), []);
        assert_eq!(world.state.next_due(), None);
        world.when(expire(ORDER)).refuses(Refusal::NotOpen);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        for ended in [
            pay(ORDER, MEI),
            close(SHOP, named("a")),
            reverse(SHOP, named("a")),
        ] {
            given([create("a", 10), ended])
                .when(expire(NO_ORDER))
                .refuses(Refusal::OrderNotFound)
                .when(expire(ORDER))
                .refuses(Refusal::NotOpen);
        }
    }
}
