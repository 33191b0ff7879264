//! Pay an order from the shopper's wallet.
//!
//! Units: amounts in [`Fen`]. Ledger: wallet → merchant the amount; merchant → fee income of the
//! payer's brand the fee, half-up to the fen, at the rate that holds now and is frozen with it.
//! Invariant: an order is paid once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{BrandId, EventNumber, MerchantId, OrderId, UserId};
use crate::ledger::{Account, Postings};
use crate::merchant::MerchantStatus;
use crate::money::Fen;
use crate::order::{Attempt, Order, OrderState, Payment, settle};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayOrder {
    /// Which order.
    pub order: OrderId,
    /// Who pays.
    pub payer: UserId,
    /// The payer's number; the same one when trying again.
    pub attempt: Attempt,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderPaid {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which order.
    #[n(1)]
    pub order: OrderId,
    /// Who is paid.
    #[n(2)]
    pub merchant: MerchantId,
    /// Who paid.
    #[n(3)]
    pub payer: UserId,
    /// The payer's brand.
    #[n(4)]
    pub brand: BrandId,
    /// The payer's number.
    #[n(5)]
    pub attempt: Attempt,
    /// The order's amount.
    #[n(6)]
    pub amount: Fen,
    /// What is kept of it.
    #[n(7)]
    pub fee: Fen,
    /// See the module.
    #[n(8)]
    pub postings: Postings,
}

refusals! {
    /// No such order. Final.
    OrderNotFound = "there is no such order",
    /// Paid already, by this payer or another. Final.
    AlreadyPaid = "this order is paid already",
    /// Closed or undone. Final.
    OrderClosed = "this order is closed",
    /// Its time is over. Final.
    OrderExpired = "this order's time is over",
    /// No such user. Final.
    PayerNotFound = "there is no such payer",
    /// The order names another payer. Final.
    OtherPayer = "this order is for another payer",
    /// Frozen or closed. May succeed once thawed.
    PayerNotActive = "this user may not move money",
    /// Paused. May succeed later.
    MerchantNotActive = "this merchant may not take payments now",
    /// More than the wallet has. May succeed later.
    BalanceShort {
        /// What the wallet has.
        available: Fen
    } = "the wallet has {available} yuan only",
}

impl PayOrder {
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
pub fn decide(state: &State, now: UnixMillis, command: &PayOrder) -> Decision<OrderPaid, Refusal> {
    let Some(order) = state.order(command.order) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    match &order.state {
        OrderState::Open => {}
        OrderState::Paid(paid)
            if (paid.payer, paid.attempt) == (command.payer, command.attempt) =>
        {
            return Decision::Again(paid.event);
        }
        OrderState::Paid(_) => return Decision::Refuse(Refusal::AlreadyPaid),
        OrderState::Closed | OrderState::Reversed(_) => {
            return Decision::Refuse(Refusal::OrderClosed);
        }
    }
    if now >= order.expires_at {
        return Decision::Refuse(Refusal::OrderExpired);
    }
    let Some(payer) = state.user(command.payer) else {
        return Decision::Refuse(Refusal::PayerNotFound);
    };
    if order.only_payer.is_some_and(|only| only != command.payer) {
        return Decision::Refuse(Refusal::OtherPayer);
    }
    let active = payer.status == UserStatus::Active;
    #[cfg(feature = "planted")]
    let active = active || crate::planted::is(crate::planted::Bug::SkippedRefusal);
    if !active {
        return Decision::Refuse(Refusal::PayerNotActive);
    }
    let merchant = state
        .merchant(order.merchant)
        .expect("its merchant was found when creating");
    if merchant.status != MerchantStatus::Active {
        return Decision::Refuse(Refusal::MerchantNotActive);
    }
    if payer.balance < order.amount {
        return Decision::Refuse(Refusal::BalanceShort {
            available: payer.balance,
        });
    }
    // After this line the payment must succeed.
    let fee = merchant.fee.of(order.amount);
    let account = Account::Merchant(order.merchant);
    Decision::Accept(OrderPaid {
        at: now,
        order: command.order,
        merchant: order.merchant,
        payer: command.payer,
        brand: payer.brand,
        attempt: command.attempt,
        amount: order.amount,
        fee,
        postings: Postings::new()
            .with(Account::Wallet(command.payer), account, order.amount)
            .with(account, Account::FeeIncome(payer.brand), fee),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderPaid) {
    let number = state.next;
    settle(state, event.order, |order| apply(order, number, event));
}

pub(super) fn apply(order: &mut Order, number: EventNumber, event: &OrderPaid) {
    assert!(order.state == OrderState::Open, "an order is paid once");
    order.state = OrderState::Paid(Payment {
        payer: event.payer,
        brand: event.brand,
        attempt: event.attempt,
        event: number,
        at: event.at,
        fee: event.fee,
        refunded: Fen::ZERO,
        fee_returned: Fen::ZERO,
        refunds: 0,
    });
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::limits::ORDER_LIFE_DEFAULT_MS;
    use crate::testing::{
        FREE_SHOP, LEI, MEI, NO_ORDER, NOBODY, ORDER, SHOP, change_fee, close, create, create_with,
        expire, given, named, pause, pay, pay_trying, refund, reverse, set_status, terms, withdraw,
    };

    #[test]
    fn the_shop_gets_the_amount_less_the_fee() {
        // 0.60 % of 123.45 yuan is 74.07 fen; of 0.83 yuan 0.498 fen.
        for (fen, fee) in [(12_345, 74), (84, 1), (83, 0), (1, 0), (100_000, 600)] {
            given([create("a", fen), pay(ORDER, LEI)])
                .has(Account::Wallet(LEI), 100_000 - fen)
                .has(Account::Merchant(SHOP), fen - fee)
                .has(Account::FeeIncome(BrandId(0)), 0)
                .has(Account::FeeIncome(BrandId(1)), fee);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_payment() {
        given([
            create("a", 10_000),
            change_fee(SHOP, 1_000),
            pay(ORDER, MEI),
        ])
        .has(Account::Merchant(SHOP), 9_000)
        .has(Account::FeeIncome(BrandId(0)), 1_000);
        given([create_with(FREE_SHOP, "a", terms(10_000)), pay(ORDER, MEI)])
            .has(Account::Merchant(FREE_SHOP), 10_000)
            .has(Account::FeeIncome(BrandId(0)), 0);
    }

    #[test]
    fn the_same_try_is_answered_again() {
        let paid = || given([create("a", 10), pay(ORDER, MEI)]);
        paid()
            .when(pay_trying(ORDER, MEI, "other"))
            .refuses(AlreadyPaid)
            .when(pay(ORDER, LEI))
            .refuses(AlreadyPaid)
            .when(refund("r", ORDER, 10, 10))
            .accepts()
            .after_ms(ORDER_LIFE_DEFAULT_MS)
            .when(pay(ORDER, MEI))
            .answers_again(ORDER.0.next());
        paid()
            .when(reverse(SHOP, named("a")))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(OrderClosed);
    }

    #[test]
    fn until_the_last_millisecond() {
        let end = ORDER_LIFE_DEFAULT_MS;
        let order = || given([create("a", 10)]);
        order().after_ms(end - 1).when(pay(ORDER, MEI)).accepts();
        order()
            .after_ms(end)
            .when(pay(ORDER, MEI))
            .refuses(OrderExpired);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let (end, available) = (ORDER_LIFE_DEFAULT_MS, Fen(100_000));
        let frozen = || set_status(MEI, UserStatus::Frozen);
        let mut for_mei = terms(100_001);
        for_mei.only_payer = Some(MEI);
        let open = || given([create_with(SHOP, "a", for_mei.clone())]);
        given([])
            .when(pay(NO_ORDER, NOBODY))
            .refuses(OrderNotFound)
            .when(pay(ORDER, NOBODY))
            .refuses(OrderNotFound);
        given([create("a", 10), pay(ORDER, MEI)])
            .after_ms(end)
            .when(pay(ORDER, NOBODY))
            .refuses(AlreadyPaid);
        for ended in [close(SHOP, named("a")), reverse(SHOP, named("a"))] {
            given([create("a", 10), ended])
                .after_ms(end)
                .when(pay(ORDER, NOBODY))
                .refuses(OrderClosed);
        }
        open()
            .after_ms(end)
            .when(pay(ORDER, NOBODY))
            .refuses(OrderExpired)
            .when(expire(ORDER))
            .accepts()
            .when(pay(ORDER, NOBODY))
            .refuses(OrderClosed);
        open()
            .when(pay(ORDER, NOBODY))
            .refuses(PayerNotFound)
            .when(set_status(LEI, UserStatus::Closed))
            .accepts()
            .when(pay(ORDER, LEI))
            .refuses(OtherPayer)
            .when(pause(SHOP))
            .accepts()
            .when(frozen())
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(PayerNotActive)
            .when(set_status(MEI, UserStatus::Active))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(MerchantNotActive);
        open()
            .when(pay(ORDER, MEI))
            .refuses(BalanceShort { available })
            .when(withdraw(MEI, "w", 100_000))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(BalanceShort { available: Fen(0) })
            .has(Account::Merchant(SHOP), 0);
    }
}
