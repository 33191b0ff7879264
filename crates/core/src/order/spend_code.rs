//! Spend a shopper's pay code on an order: from here on that shopper alone may pay it.
//!
//! The gateway has verified the code and knows whose it is. Here is decided what must not race: a code,
//! which is a key's alias and a time step, is spent once for ever, and near its time only. Above what
//! the shopper lets pass unasked, the order waits for the shopper's consent, which is to pay it, or
//! [`super::decline`].
//!
//! Units: amounts in [`Fen`], steps of [`PAY_CODE_STEP_MS`]. Ledger: none. Invariants: a code is spent once; an
//! order that waits for a shopper is bound to that one.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, EventNumber, MerchantId, Number, OrderId, UserId};
use crate::limits::{
    PAY_CODE_CONSENT_MS, PAY_CODE_STEP_MS, PAY_CODE_STEPS_AROUND, PAY_CODE_UNASKED_MAX,
};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::order::{Order, OrderState, Shown};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// A pay code: which key, and at which time it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(array)]
pub struct PayCode {
    /// The key's alias, at most nine digits. It says nothing of the user.
    #[n(0)]
    pub alias: u32,
    /// Steps since 1970.
    #[n(1)]
    pub step: u64,
}

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendCode {
    /// At whose till.
    pub merchant: MerchantId,
    /// For which order.
    pub order: OrderId,
    /// The code.
    pub code: PayCode,
    /// Whose it is.
    pub payer: UserId,
    /// Up to this amount the shopper pays unasked; never above [`PAY_CODE_UNASKED_MAX`].
    pub unasked: Fen,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CodeSpent {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// For which order.
    #[n(1)]
    pub order: OrderId,
    /// At whose till.
    #[n(2)]
    pub merchant: MerchantId,
    /// The code.
    #[n(3)]
    pub code: PayCode,
    /// Whose it was.
    #[n(4)]
    pub payer: UserId,
    /// Digest of the request.
    #[n(5)]
    pub digest: Digest,
    /// The shopper is asked, and the order ends then. None: it may be paid unasked.
    #[n(6)]
    pub asked_until: Option<UnixMillis>,
}

refusals! {
    /// For another order, or by another. Final.
    CodeSpent = "this code was used already",
    /// This merchant has no such order. Final.
    OrderNotFound = "there is no such order",
    /// Paid already. Final.
    AlreadyPaid = "this order is paid already",
    /// Closed or undone. Final.
    OrderClosed = "this order is closed",
    /// Its time is over. Final.
    OrderExpired = "this order's time is over",
    /// No such user. Final.
    PayerNotFound = "there is no such payer",
    /// The order names another payer. Final.
    OtherPayer = "this order is for another payer",
    /// A shopper was asked and has not answered. Final for this order, unless paid by that one.
    AnotherIsAsked = "this order waits for the consent of the shopper of an earlier code",
    /// Frozen or closed. May succeed with a later code, once thawed.
    PayerNotActive = "this user may not move money",
    /// Too old, or not yet to be shown. A fresh code may succeed.
    NotNow = "this code's time is over, or has not come",
}

impl PayCode {
    /// The step at an instant.
    #[must_use]
    pub fn step_at(at: UnixMillis) -> u64 {
        u64::try_from(at.0.div_euclid(PAY_CODE_STEP_MS)).unwrap_or(0)
    }

    /// Whether it is good at an instant: within the window around its step.
    #[must_use]
    pub fn is_good_at(self, at: UnixMillis) -> bool {
        Self::step_at(at).abs_diff(self.step) <= PAY_CODE_STEPS_AROUND
    }

    fn key(self) -> Key {
        let text = format!("{}-{}", self.alias, self.step);
        Key {
            scope: Scope::PayCodes,
            number: Number::new(&text).expect("digits and a dash, at most 31 of them"),
        }
    }
}

impl SpendCode {
    pub(crate) fn key(&self) -> Key {
        self.code.key()
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.merchant, self.order, self.payer))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)?;
        state.recall_order(self.order, archive)
    }
}

impl CodeSpent {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (self.code.key(), self.digest)
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &SpendCode) -> Decision<CodeSpent, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::CodeSpent),
    }
    let order = state.order(command.order);
    let Some(order) = order.filter(|order| order.merchant == command.merchant) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    match &order.state {
        OrderState::Open => {}
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
    if order.asked().is_some() {
        return Decision::Refuse(Refusal::AnotherIsAsked);
    }
    if payer.status != UserStatus::Active {
        return Decision::Refuse(Refusal::PayerNotActive);
    }
    if !command.code.is_good_at(now) {
        return Decision::Refuse(Refusal::NotNow);
    }
    let asked = order.amount > command.unasked.min(PAY_CODE_UNASKED_MAX);
    Decision::Accept(CodeSpent {
        at: now,
        order: command.order,
        merchant: command.merchant,
        code: command.code,
        payer: command.payer,
        digest,
        asked_until: asked.then(|| order.expires_at.min(now.plus(PAY_CODE_CONSENT_MS))),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CodeSpent) {
    let number = state.next;
    let order = state.orders.get_mut(event.order);
    apply(order.expect("found when deciding"), number, event);
    if let Some(end) = event.asked_until {
        state.orders.ask(event.order, event.payer, end);
    }
}

pub(super) fn apply(order: &mut Order, number: EventNumber, event: &CodeSpent) {
    assert!(order.state == OrderState::Open, "codes are for open orders");
    order.shown = Some(Box::new(Shown {
        payer: event.payer,
        asked: event.asked_until.is_some(),
    }));
    order.expires_at = event.asked_until.unwrap_or(order.expires_at);
    order.last = number;
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::order::{decline, pay};
    use crate::testing::{
        FREE_SHOP, LEI, MEI, NO_ORDER, NOBODY, ORDER, SHOP, close, create, create_with, decline_by,
        expire, given, named, nth, pay, reverse, set_status, spend, terms,
    };

    const STEP: i64 = PAY_CODE_STEP_MS;

    #[test]
    fn a_code_is_spent_once_for_ever() {
        let other = OrderId(nth(1));
        given([create("a", 10), create("b", 10)])
            .when(spend(ORDER, MEI, 0, 10))
            .accepts()
            .after_ms(10 * STEP)
            .when(spend(ORDER, MEI, 0, 10))
            .answers_again(nth(2))
            .when(spend(other, MEI, 0, 10))
            .refuses(CodeSpent)
            .when(pay(ORDER, MEI))
            .accepts()
            .when(spend(ORDER, MEI, 0, 10))
            .answers_again(nth(2));
    }

    #[test]
    fn the_window_is_one_step_to_either_side() {
        // The test begins with a step.
        for (step, late, good) in [
            (0, 0, true),
            (0, 2 * STEP - 1, true),
            (0, 2 * STEP, false),
            (1, 0, true),
            (2, 0, false),
            (2, STEP - 1, false),
            (2, STEP, true),
            (-1, 0, true),
            (-1, STEP, false),
            (-2, 0, false),
        ] {
            let world = given([create("a", 10)]).after_ms(late);
            let world = world.when(spend(ORDER, MEI, step, 10));
            if good {
                world.accepts();
            } else {
                world.refuses(NotNow);
            }
        }
    }

    #[test]
    fn the_shopper_alone_pays() {
        given([create("a", 10), spend(ORDER, MEI, 0, 10)])
            .when(pay(ORDER, LEI))
            .refuses(pay::Refusal::OtherPayer)
            // The till may try another shopper's code, until one is asked.
            .when(spend(ORDER, LEI, 1, 9))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(pay::Refusal::OtherPayer)
            .when(spend(ORDER, MEI, 1, 10))
            .refuses(AnotherIsAsked)
            .when(pay(ORDER, LEI))
            .accepts();
    }

    #[test]
    fn above_what_passes_unasked_the_order_waits() {
        for (fen, unasked, asks) in [
            (10, 10, false),
            (11, 10, true),
            (PAY_CODE_UNASKED_MAX.0, i64::MAX, false),
            (PAY_CODE_UNASKED_MAX.0 + 1, i64::MAX, true),
            (1, 0, true),
        ] {
            let world = given([create("a", fen), spend(ORDER, MEI, 0, unasked)]);
            let order = world.state.order(ORDER).unwrap();
            assert_eq!(order.shown.as_ref().unwrap().asked, asks);
            assert_eq!(
                order.expires_at == world.now.plus(PAY_CODE_CONSENT_MS),
                asks
            );
        }
    }

    #[test]
    fn an_order_that_waits_is_paid_declined_undone_or_ends() {
        let waits = || given([create("a", 10), spend(ORDER, MEI, 0, 0)]);
        assert_eq!(waits().state.asked(MEI), [ORDER]);
        for answer in [
            pay(ORDER, MEI),
            close(SHOP, named("a")),
            reverse(SHOP, named("a")),
            decline_by(ORDER, MEI),
        ] {
            assert_eq!(waits().when(answer).accepts().state.asked(MEI), []);
        }
        waits()
            .when(reverse(SHOP, named("a")))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(pay::Refusal::OrderClosed)
            .when(decline_by(ORDER, MEI))
            .refuses(decline::Refusal::NotAsked);
        waits()
            .when(decline_by(ORDER, MEI))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(pay::Refusal::OrderClosed)
            .when(reverse(SHOP, named("a")))
            .answers_again(nth(2));
        let mut world = waits().after_ms(PAY_CODE_CONSENT_MS - 1);
        assert_eq!(world.state.due(world.now, 9), []);
        let mut world = world.after_ms(1);
        assert_eq!(world.state.due(world.now, 9), [expire(ORDER)]);
        world
            .when(pay(ORDER, MEI))
            .refuses(pay::Refusal::OrderExpired)
            .when(expire(ORDER))
            .accepts();
    }

    #[test]
    fn what_waits_lives_through_a_restart() {
        let world = given([create("a", 10), spend(ORDER, MEI, 0, 0)]);
        let mut bytes = Vec::new();
        world.state.freeze().write(&mut bytes).unwrap();
        let mut state = crate::snapshot::read(&bytes).unwrap();
        assert_eq!(state.order(ORDER), world.state.order(ORDER));
        assert_eq!(state.asked(MEI), [ORDER]);
        let due = state.due(world.now.plus(PAY_CODE_CONSENT_MS), 9);
        assert_eq!(due, [expire(ORDER)]);
    }

    /// After a restart they came in the order of their ids.
    #[test]
    fn the_oldest_question_is_first_after_a_restart_too() {
        let later = OrderId(nth(1));
        let world = given([
            create("a", 10),
            create("b", 10),
            spend(later, MEI, 0, 0),
            spend(ORDER, MEI, 1, 0),
        ]);
        assert_eq!(world.state.asked(MEI), [later, ORDER]);
        let mut bytes = Vec::new();
        world.state.freeze().write(&mut bytes).unwrap();
        let state = crate::snapshot::read(&bytes).unwrap();
        assert_eq!(state.asked(MEI), [later, ORDER]);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let now = given([]).now;
        let mut for_lei = terms(10);
        for_lei.only_payer = Some(LEI);
        let mut short = terms(10);
        short.expires_at = Some(now.plus(1));
        let order = |n| OrderId(nth(n));
        given([
            create("a", 10),
            create("paid", 10),
            pay(order(1), LEI),
            create("closed", 10),
            close(SHOP, named("closed")),
            create_with(SHOP, "lei", for_lei),
            create_with(SHOP, "short", short),
            create_with(FREE_SHOP, "free", terms(10)),
            create("asked", 10),
            spend(order(8), LEI, 0, 0),
            set_status(MEI, UserStatus::Frozen),
        ])
        .after_ms(1)
        .refuses_each([
            (spend(NO_ORDER, NOBODY, 9, 0), OrderNotFound),
            (spend(order(7), NOBODY, 9, 0), OrderNotFound),
            (spend(order(1), NOBODY, 9, 0), AlreadyPaid),
            (spend(order(3), NOBODY, 9, 0), OrderClosed),
            (spend(order(6), NOBODY, 9, 0), OrderExpired),
            (spend(order(5), NOBODY, 9, 0), PayerNotFound),
            (spend(order(5), MEI, 9, 0), OtherPayer),
            (spend(order(8), MEI, 9, 0), AnotherIsAsked),
            (spend(ORDER, MEI, 9, 0), PayerNotActive),
            (spend(ORDER, LEI, 9, 0), NotNow),
            (spend(ORDER, LEI, 0, 0), CodeSpent),
        ]);
    }
}
