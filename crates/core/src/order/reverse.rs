//! Reverse an order: undo it whatever became of it. A till asks for it when it does not know whether
//! a payment went through.
//!
//! Units: amounts in [`Fen`]. Ledger: of a paid order, all of it goes back ([`super::give_back`]). Invariants: an undone order is never paid; undoing twice is answered again.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::grant::Returned;
use crate::command::{Decision, refusals};
use crate::ids::{MerchantId, OrderId};
use crate::ledger::{Account, Postings};
use crate::limits::REVERSE_WITHIN_MS;
use crate::money::Fen;
use crate::order::give_back::{count, give_back};
use crate::order::{Order, OrderRef, OrderState, Payment, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseOrder {
    /// Whose order.
    pub merchant: MerchantId,
    /// Which.
    pub order: OrderRef,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderReversed {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub order: OrderId,
    /// Whose order.
    #[n(2)]
    pub merchant: MerchantId,
    /// Given back to the payer; zero if it was not paid.
    #[n(3)]
    pub amount: Fen,
    /// Given back of the fee.
    #[n(4)]
    pub fee_returned: Fen,
    /// See the module.
    #[n(5)]
    pub postings: Postings,
    /// What went to whom, if campaigns had a part in the payment.
    #[n(6)]
    pub returned: Option<Box<Returned>>,
}

refusals! {
    /// This merchant has no such order. Final.
    OrderNotFound = "there is no such order",
    /// Something was refunded: refund the rest. Final.
    AlreadyRefunded = "this order was refunded already: refund what is left",
    /// Paid more than 7 days ago: refund it. Final.
    TooLate = "this order was paid more than 7 days ago: refund it",
    /// The merchant's account has less. May succeed later.
    BalanceShort {
        /// What the merchant's account has.
        available: Fen
    } = "the merchant's account has {available} yuan only",
}

impl ReverseOrder {
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
    command: &ReverseOrder,
) -> Decision<OrderReversed, Refusal> {
    let Some((id, order)) = command.order.find(command.merchant, state) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    let (amount, fee_returned, postings, returned) = match &order.state {
        OrderState::Reversed(_) | OrderState::Closed => return Decision::Again(order.last),
        OrderState::Open => (Fen::ZERO, Fen::ZERO, Postings::new(), None),
        OrderState::Paid(paid) => {
            if paid.refunds > 0 {
                return Decision::Refuse(Refusal::AlreadyRefunded);
            }
            if now > paid.at.plus(REVERSE_WITHIN_MS) {
                return Decision::Refuse(Refusal::TooLate);
            }
            let back = give_back(state, now, order, paid, order.amount);
            let available = state
                .balance(Account::Merchant(command.merchant))
                .expect("its merchant was found when creating");
            if available
                .plus(back.fee)
                .is_none_or(|most| most < back.from_merchant)
            {
                return Decision::Refuse(Refusal::BalanceShort { available });
            }
            (order.amount, back.fee, back.postings, back.returned)
        }
    };
    Decision::Accept(OrderReversed {
        at: now,
        order: id,
        merchant: command.merchant,
        amount,
        fee_returned,
        postings,
        returned,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderReversed) {
    settle(state, event.order, |order| apply(order, event));
    if let Some(returned) = &event.returned {
        count(state, returned);
    }
}

pub(super) fn apply(order: &mut Order, event: &OrderReversed) {
    order.state = OrderState::Reversed(match &order.state {
        OrderState::Open => None,
        OrderState::Paid(paid) => Some(Payment {
            refunded: event.amount,
            fee_returned: event.fee_returned,
            ..paid.clone()
        }),
        OrderState::Closed | OrderState::Reversed(_) => panic!("an order is undone once"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BrandId;
    use crate::limits::{DAY_MS, ORDER_LIFE_DEFAULT_MS};
    use crate::testing::{
        FREE_SHOP, MEI, NO_ORDER, ORDER, SHOP, change_fee, close, create, expire, given, named,
        nth, pause, pay, refund, reverse, set_status,
    };
    use crate::user::UserStatus;

    #[test]
    fn a_payment_goes_back_whole() {
        given([create("a", 9_999), pay(ORDER, MEI), change_fee(SHOP, 7)])
            .when(pause(SHOP))
            .accepts()
            .when(set_status(MEI, UserStatus::Closed))
            .accepts()
            .after_ms(7 * DAY_MS)
            .when(reverse(SHOP, OrderRef::Id(ORDER)))
            .accepts()
            .has(Account::Wallet(MEI), 100_000)
            .has(Account::Merchant(SHOP), 0)
            .has(Account::FeeIncome(BrandId(0)), 0)
            .after_ms(DAY_MS)
            .when(reverse(SHOP, named("a")))
            .answers_again(nth(5));
    }

    #[test]
    fn what_was_not_paid_is_over() {
        let mut world = given([create("a", 10), reverse(SHOP, named("a"))]);
        let end = world.now.plus(ORDER_LIFE_DEFAULT_MS);
        assert_eq!(world.state.due(end, 9), []);
        let order = world.state.order(ORDER).unwrap();
        assert_eq!(order.state, OrderState::Reversed(None));
        world.when(reverse(SHOP, named("a"))).answers_again(nth(1));
        given([create("a", 10), close(SHOP, named("a"))])
            .when(reverse(SHOP, named("a")))
            .answers_again(nth(1));
        given([create("a", 10)])
            .after_ms(ORDER_LIFE_DEFAULT_MS)
            .when(expire(ORDER))
            .accepts()
            .when(reverse(SHOP, named("a")))
            .answers_again(nth(1));
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let undo = || reverse(SHOP, named("a"));
        let merchant = Account::Merchant(SHOP);
        let paid = || given([create("a", 1_000), pay(ORDER, MEI)]);
        paid().refuses_each([
            (reverse(SHOP, named("b")), Refusal::OrderNotFound),
            (
                reverse(SHOP, OrderRef::Id(NO_ORDER)),
                Refusal::OrderNotFound,
            ),
            (reverse(FREE_SHOP, named("a")), Refusal::OrderNotFound),
            (
                reverse(FREE_SHOP, OrderRef::Id(ORDER)),
                Refusal::OrderNotFound,
            ),
        ]);
        paid()
            .when(refund("r", ORDER, 1, 1_000))
            .accepts()
            .after_ms(7 * DAY_MS + 1)
            .when(undo())
            .refuses(Refusal::AlreadyRefunded);
        // Nothing takes a merchant's money away yet but refunds: short by hand. The fee was 6 fen.
        let available = Fen(993);
        paid()
            .doctored(merchant, 993)
            .when(undo())
            .refuses(Refusal::BalanceShort { available })
            .after_ms(7 * DAY_MS + 1)
            .when(undo())
            .refuses(Refusal::TooLate)
            .has(Account::Wallet(MEI), 99_000);
    }
}
