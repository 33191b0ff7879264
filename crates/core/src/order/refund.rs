//! Refund: gives back part or all of a paid order.
//!
//! Units: amounts in [`Fen`]. Ledger: the payment's own postings, reversed in proportion
//! ([`super::give_back`]). Shares are taken from the running total, so that over any series of partial
//! refunds the fee and every campaign's part come back to the fen.
//! Invariants: `refunded <= paid`; one refund number names one refund for ever; a refusal writes
//! nothing.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::grant::Returned;
use crate::command::{Decision, refusals};
use crate::ids::{Digest, MerchantId, Number, OrderId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::{REASON_CHARS_MAX, REFUND_WITHIN_MS, REFUNDS_PER_ORDER_MAX};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::order::create::Notify;
use crate::order::give_back::{count, give_back};
use crate::order::{Order, OrderRef, OrderState, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the merchant's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// Whose order.
    pub merchant: MerchantId,
    /// The merchant's number for this refund.
    pub number: Number,
    /// Which order.
    pub order: OrderRef,
    /// How much is given back.
    pub amount: Fen,
    /// What the merchant believes the order's amount is.
    pub order_amount: Fen,
    /// Why, in the merchant's words.
    pub reason: Option<Box<str>>,
    /// Who is told.
    pub notify: Option<Box<Notify>>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderRefunded {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose order.
    #[n(1)]
    pub merchant: MerchantId,
    /// The merchant's number for this refund.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Which order.
    #[n(4)]
    pub order: OrderId,
    /// Who gets it.
    #[n(5)]
    pub payer: UserId,
    /// How much is given back.
    #[n(6)]
    pub amount: Fen,
    /// Given back of the fee.
    #[n(7)]
    pub fee_returned: Fen,
    /// Why, in the merchant's words.
    #[n(8)]
    pub reason: Option<Box<str>>,
    /// Who is told.
    #[n(9)]
    pub notify: Option<Box<Notify>>,
    /// See the module.
    #[n(10)]
    pub postings: Postings,
    /// What went to whom, if campaigns had a part in the payment.
    #[n(11)]
    pub returned: Option<Box<Returned>>,
}

refusals! {
    /// The number names another refund. Final.
    NumberReused = "this number was used for another refund",
    /// This merchant has no such order. Final.
    OrderNotFound = "there is no such order",
    /// Not paid, or closed. May succeed once paid.
    NotPaid = "this order is not paid",
    /// Undone: all of it went back. Final.
    Reversed = "this order was undone already",
    /// The order is for another amount. Final.
    OtherOrderAmount {
        /// The order's amount.
        amount: Fen
    } = "this order is for {amount} yuan",
    /// A text is longer than its limit. Final.
    TextTooLong = "a text of the refund is too long",
    /// Paid more than a year ago. Final.
    TooLate = "this order was paid more than a year ago",
    /// It has [`REFUNDS_PER_ORDER_MAX`] refunds. Final.
    TooMany = "this order has 50 refunds already",
    /// Nothing, or more than is left. Final.
    AboveRefundable {
        /// What is left.
        refundable: Fen
    } = "at most {refundable} yuan of this order can be refunded",
    /// The merchant's account has less. May succeed later.
    BalanceShort {
        /// What the merchant's account has.
        available: Fen
    } = "the merchant's account has {available} yuan only",
}

impl RefundOrder {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Refunds(self.merchant),
            number: self.number,
        }
    }

    /// Of what the number stands for, the order by its id: naming it by number the next time changes
    /// nothing.
    fn digest(&self, order: Option<OrderId>) -> Digest {
        Digest::of(&(order, self.amount, self.order_amount))
    }

    fn texts_fit(&self) -> bool {
        let fits = |text: &str| text.chars().count() <= REASON_CHARS_MAX;
        self.reason.as_deref().is_none_or(fits) && self.notify.as_deref().is_none_or(Notify::fits)
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)?;
        self.order.fetch(self.merchant, state, archive)
    }
}

impl OrderRefunded {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Refunds(self.merchant),
                number: self.number,
            },
            self.digest,
        )
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &RefundOrder,
) -> Decision<OrderRefunded, Refusal> {
    let found = command.order.find(command.merchant, state);
    let digest = command.digest(found.map(|(id, _)| id));
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some((id, order)) = found else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    let paid = match &order.state {
        OrderState::Paid(paid) => paid,
        OrderState::Open | OrderState::Closed => return Decision::Refuse(Refusal::NotPaid),
        OrderState::Reversed(_) => return Decision::Refuse(Refusal::Reversed),
    };
    if command.order_amount != order.amount {
        return Decision::Refuse(Refusal::OtherOrderAmount {
            amount: order.amount,
        });
    }
    if !command.texts_fit() {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    if now > paid.at.plus(REFUND_WITHIN_MS) {
        return Decision::Refuse(Refusal::TooLate);
    }
    if paid.refunds >= REFUNDS_PER_ORDER_MAX {
        return Decision::Refuse(Refusal::TooMany);
    }
    let refundable = order
        .amount
        .minus(paid.refunded)
        .expect("refunded is within paid");
    if command.amount < Fen(1) || command.amount > refundable {
        return Decision::Refuse(Refusal::AboveRefundable { refundable });
    }
    let back = give_back(state, now, order, paid, command.amount);
    let available = state
        .balance(Account::Merchant(command.merchant))
        .expect("its merchant was found when creating");
    if available
        .plus(back.fee)
        .is_none_or(|most| most < back.from_merchant)
    {
        return Decision::Refuse(Refusal::BalanceShort { available });
    }
    // After this line the refund must succeed.
    Decision::Accept(OrderRefunded {
        at: now,
        merchant: command.merchant,
        number: command.number,
        digest,
        order: id,
        payer: paid.payer,
        amount: command.amount,
        fee_returned: back.fee,
        reason: command.reason.clone(),
        notify: command.notify.clone(),
        postings: back.postings,
        returned: back.returned,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderRefunded) {
    settle(state, event.order, |order| apply(order, event));
    if let Some(returned) = &event.returned {
        count(state, returned);
    }
}

pub(super) fn apply(order: &mut Order, event: &OrderRefunded) {
    let OrderState::Paid(paid) = &mut order.state else {
        panic!("only what is paid is refunded")
    };
    paid.refunded = paid.refunded.plus(event.amount).expect("a sum of fen");
    paid.fee_returned = paid
        .fee_returned
        .plus(event.fee_returned)
        .expect("a sum of fen");
    paid.refunds = paid.refunds.checked_add(1).expect("at most 50 refunds");
    assert!(paid.refunded <= order.amount, "refunded is within paid");
    assert!(
        paid.fee_returned <= paid.fee,
        "no more of the fee comes back than was kept"
    );
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::BrandId;
    use crate::limits::DAY_MS;
    use crate::testing::{
        FREE_SHOP, LEI, MEI, NO_ORDER, ORDER, SHOP, close, create, given, named, notify, nth, pay,
        refund, refund_of, reverse, set_status,
    };
    use crate::user::UserStatus;

    #[test]
    fn parts_add_up_to_the_payment_and_its_fee() {
        // 0.60 % of 99.99 yuan is a fee of 60 fen; a third of it is 20.
        given([create("a", 9_999), pay(ORDER, MEI)])
            .has(Account::Merchant(SHOP), 9_939)
            .when(refund("r1", ORDER, 3_333, 9_999))
            .accepts()
            .has(Account::Merchant(SHOP), 9_939 - 3_333 + 20)
            .when(refund("r2", ORDER, 1, 9_999))
            .accepts()
            .when(refund("r3", ORDER, 6_665, 9_999))
            .accepts()
            .has(Account::Wallet(MEI), 100_000)
            .has(Account::Merchant(SHOP), 0)
            .has(Account::FeeIncome(BrandId(0)), 0);
    }

    #[test]
    fn it_arrives_at_a_closed_user_on_the_last_day() {
        given([create("a", 10), pay(ORDER, MEI)])
            .when(set_status(MEI, UserStatus::Closed))
            .accepts()
            .after_ms(365 * DAY_MS)
            .when(refund_of("r", named("a"), 10, 10))
            .accepts()
            .has(Account::Wallet(MEI), 100_000);
    }

    #[test]
    fn the_same_number_is_answered_again() {
        let refunded = || given([create("a", 10), pay(ORDER, MEI), refund("r1", ORDER, 4, 10)]);
        refunded()
            .after_ms(365 * DAY_MS + 1)
            .when(refund("r1", ORDER, 4, 10))
            .answers_again(nth(2))
            .when(refund_of("r1", named("a"), 4, 10))
            .answers_again(nth(2))
            .has(Account::Wallet(MEI), 100_000 - 10 + 4)
            .refuses_each([
                (refund("r1", ORDER, 5, 10), NumberReused),
                (refund("r1", ORDER, 4, 11), NumberReused),
                (refund("r1", NO_ORDER, 4, 10), NumberReused),
                (refund_of("r1", named("b"), 4, 10).into(), NumberReused),
            ]);
        // The number is this shop's: another shop's is another, and that order is not its own.
        let merchant = FREE_SHOP;
        let theirs = refund_of("r1", OrderRef::Id(ORDER), 4, 10);
        refunded()
            .when(RefundOrder { merchant, ..theirs })
            .refuses(OrderNotFound);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let paid = || given([create("a", 10), pay(ORDER, LEI)]);
        let year = 365 * DAY_MS;
        paid().refuses_each([
            (refund("r", NO_ORDER, 0, 11), OrderNotFound),
            (refund_of("r", named("b"), 0, 11).into(), OrderNotFound),
        ]);
        given([create("a", 10)])
            .when(refund("r", ORDER, 0, 11))
            .refuses(NotPaid)
            .when(close(SHOP, named("a")))
            .accepts()
            .when(refund("r", ORDER, 0, 11))
            .refuses(NotPaid);
        paid()
            .when(reverse(SHOP, named("a")))
            .accepts()
            .when(refund("r", ORDER, 0, 11))
            .refuses(Reversed);
        let wordy = |chars, address, order_amount| {
            let mut refund = refund_of("r", named("a"), 0, order_amount);
            (refund.reason, refund.notify) = (
                Some("冷".repeat(chars).into()),
                notify(address).map(Box::new),
            );
            refund.into()
        };
        let (amount, refundable) = (Fen(10), Fen(10));
        paid().after_ms(year + 1).refuses_each([
            (wordy(81, 257, 11), OtherOrderAmount { amount }),
            (wordy(81, 256, 10), TextTooLong),
            (wordy(80, 257, 10), TextTooLong),
            (wordy(80, 0, 10), TextTooLong),
            (wordy(80, 256, 10), TooLate),
            (refund("r", ORDER, 11, 10), TooLate),
        ]);
        paid().refuses_each([
            (wordy(80, 256, 10), AboveRefundable { refundable }),
            (refund("r", ORDER, -1, 10), AboveRefundable { refundable }),
            (refund("r", ORDER, 0, 10), AboveRefundable { refundable }),
            (refund("r", ORDER, 11, 10), AboveRefundable { refundable }),
            (
                refund("r", ORDER, i64::MAX, 10),
                AboveRefundable { refundable },
            ),
        ]);
    }

    #[test]
    fn no_more_than_is_left() {
        let (refundable, nothing) = (Fen(6), Fen(0));
        given([create("a", 10), pay(ORDER, MEI), refund("r1", ORDER, 4, 10)])
            .when(refund("r2", ORDER, 7, 10))
            .refuses(AboveRefundable { refundable })
            .when(refund("r2", ORDER, 6, 10))
            .accepts()
            .when(refund("r3", ORDER, 1, 10))
            .refuses(AboveRefundable {
                refundable: nothing,
            });
    }

    #[test]
    fn the_fifty_first_refund_is_one_too_many() {
        let mut world = given([create("a", 100), pay(ORDER, MEI)]);
        for n in 0..50 {
            world.accept(&refund(&format!("r{n}"), ORDER, 1, 100));
        }
        world
            .when(refund("r50", ORDER, 51, 100))
            .refuses(TooMany)
            .after_ms(365 * DAY_MS + 1)
            .when(refund("r50", ORDER, 51, 100))
            .refuses(TooLate);
    }

    #[test]
    fn a_refund_needs_the_merchants_money() {
        // Nothing takes a merchant's money away yet but refunds: short by hand. The fee was 6 fen.
        let (available, refundable) = (Fen(493), Fen(1_000));
        given([create("a", 1_000), pay(ORDER, MEI)])
            .doctored(Account::Merchant(SHOP), 493)
            .refuses_each([
                (
                    refund("r", ORDER, 1_001, 1_000),
                    AboveRefundable { refundable },
                ),
                (refund("r", ORDER, 1_000, 1_000), BalanceShort { available }),
                (refund("r", ORDER, 497, 1_000), BalanceShort { available }),
            ])
            .has(Account::Wallet(MEI), 99_000);
    }
}
