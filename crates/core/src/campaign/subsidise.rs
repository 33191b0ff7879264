//! Subsidise a coupon that was used: its merchant pays another, at whose till it was honoured.
//!
//! Units: amounts in [`Fen`]. Ledger: merchant → merchant. Invariants: a coupon is subsidised once, for an order that
//! its holder paid to the payee, with no more than it gives to that order.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::coupon::{CouponState, Subsidy};
use crate::campaign::terms::Funding;
use crate::command::{Decision, refusals};
use crate::ids::{CouponId, Digest, MerchantId, Number, OrderId};
use crate::ledger::{Account, Postings};
use crate::limits::DESCRIPTION_CHARS_MAX;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::order::{OrderRef, OrderState};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the payer's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaySubsidy {
    /// Whose coupon it is, and who pays.
    pub payer: MerchantId,
    /// The payer's number for it.
    pub number: Number,
    /// Who gets it.
    pub payee: MerchantId,
    /// Which coupon.
    pub coupon: CouponId,
    /// The payee's order that the coupon's holder paid.
    pub order: OrderId,
    /// How much.
    pub amount: Fen,
    /// What for, in the payer's words.
    pub description: Box<str>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SubsidyPaid {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Who paid.
    #[n(1)]
    pub payer: MerchantId,
    /// The payer's number for it.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Who got it.
    #[n(4)]
    pub payee: MerchantId,
    /// Which coupon.
    #[n(5)]
    pub coupon: CouponId,
    /// The payee's order.
    #[n(6)]
    pub order: OrderId,
    /// How much.
    #[n(7)]
    pub amount: Fen,
    /// What for, in the payer's words.
    #[n(8)]
    pub description: Box<str>,
    /// See the module.
    #[n(9)]
    pub postings: Postings,
}

refusals! {
    /// The number names another subsidy. Final.
    NumberReused = "this number was used for another subsidy",
    /// The payer has no such coupon, or its end has come. Final.
    CouponNotFound = "there is no such coupon of this merchant",
    /// It was not used at a till. May succeed once it is.
    NotUsed = "this coupon was not used",
    /// Nobody subsidises itself. Final.
    SameMerchant = "a merchant does not subsidise itself",
    /// The payee has no such order that the coupon's holder paid. May succeed once paid.
    OrderNotFound = "the payee has no such order that this coupon's holder paid",
    /// The description is longer than its limit. Final.
    TextTooLong = "the description is too long",
    /// Nothing, or more than the coupon gives to the order. Final.
    AboveWorth {
        /// What it gives to the order.
        worth: Fen
    } = "a subsidy of this coupon is at most {worth} yuan",
    /// Under another number. Final.
    AlreadySubsidised = "this coupon was subsidised already",
    /// The payer has less. May succeed later.
    BalanceShort {
        /// What its account has.
        available: Fen
    } = "the merchant's account has {available} yuan only",
}

impl PaySubsidy {
    pub(crate) fn key(&self) -> Key {
        key(self.payer, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.payee, self.coupon, self.order, self.amount))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)?;
        OrderRef::Id(self.order).fetch(self.payee, state, archive)
    }
}

impl SubsidyPaid {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.payer, self.number), self.digest)
    }
}

fn key(payer: MerchantId, number: Number) -> Key {
    Key {
        scope: Scope::Subsidies(payer),
        number,
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &PaySubsidy,
) -> Decision<SubsidyPaid, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let coupon = state.coupon(command.coupon);
    let campaign = coupon.and_then(|coupon| state.campaigns.get(coupon.campaign));
    let own = Funding::Outside(command.payer);
    let (Some(coupon), Some(terms)) = (
        coupon,
        campaign
            .map(|row| &row.terms)
            .filter(|terms| terms.funding == own),
    ) else {
        return Decision::Refuse(Refusal::CouponNotFound);
    };
    if coupon.state != CouponState::UsedOutside {
        return Decision::Refuse(Refusal::NotUsed);
    }
    if command.payee == command.payer {
        return Decision::Refuse(Refusal::SameMerchant);
    }
    let order = OrderRef::Id(command.order).find(command.payee, state);
    let paid = order.filter(
        |(_, order)| matches!(&order.state, OrderState::Paid(paid) if paid.payer == coupon.user),
    );
    let Some((_, order)) = paid else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    if command.description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    // Of a draw, the most.
    let worth = terms.gives(order.amount, || u64::MAX).min(order.amount);
    if command.amount < Fen(1) || command.amount > worth {
        return Decision::Refuse(Refusal::AboveWorth { worth });
    }
    if coupon.subsidy.is_some() {
        return Decision::Refuse(Refusal::AlreadySubsidised);
    }
    let payer = Account::Merchant(command.payer);
    let available = state.balance(payer).expect("its coupon was found");
    if available < command.amount {
        return Decision::Refuse(Refusal::BalanceShort { available });
    }
    let payee = Account::Merchant(command.payee);
    Decision::Accept(SubsidyPaid {
        at: now,
        payer: command.payer,
        number: command.number,
        digest,
        payee: command.payee,
        coupon: command.coupon,
        order: command.order,
        amount: command.amount,
        description: command.description.clone(),
        postings: Postings::new().with(payer, payee, command.amount),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &SubsidyPaid) {
    let subsidy = Subsidy {
        event: state.next,
        payer: event.payer,
        payee: event.payee,
        amount: event.amount,
        returned: Fen::ZERO,
    };
    state.campaigns.set_subsidy(event.coupon, Some(subsidy));
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::campaign::outside_world::{COUPON, outside, paying, subsidise, used};
    use crate::command::Command;
    use crate::testing::{FREE_SHOP, NO_ORDER, ORDER, SHOP};

    #[test]
    fn a_subsidy_goes_from_merchant_to_merchant() {
        used()
            .has(Account::Merchant(FREE_SHOP), 2_000)
            .has(Account::Merchant(SHOP), 994)
            .when(subsidise("s", 500))
            .accepts()
            .has(Account::Merchant(FREE_SHOP), 2_500)
            .has(Account::Merchant(SHOP), 494)
            .when(subsidise("s", 500))
            .answers_again(COUPON.0.next().next())
            .when(subsidise("t", 1))
            .refuses(AlreadySubsidised);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let with = |change: fn(&mut PaySubsidy)| {
            let mut command = paying("s", 500);
            change(&mut command);
            Command::from(command)
        };
        outside().when(subsidise("s", 500)).refuses(NotUsed);
        used()
            .refuses_each([
                (with(|c| c.payer = FREE_SHOP), CouponNotFound),
                (with(|c| c.coupon = CouponId(ORDER.0)), CouponNotFound),
                (with(|c| c.payee = SHOP), SameMerchant),
                (with(|c| c.order = NO_ORDER), OrderNotFound),
                // The payer's own order, and not the payee's.
                (
                    with(|c| c.order = OrderId(ORDER.0.next().next())),
                    OrderNotFound,
                ),
                (
                    with(|c| c.description = "长".repeat(128).into()),
                    TextTooLong,
                ),
                (
                    with(|c| c.amount = Fen(501)),
                    AboveWorth { worth: Fen(500) },
                ),
                (
                    with(|c| c.amount = Fen::ZERO),
                    AboveWorth { worth: Fen(500) },
                ),
            ])
            .doctored(Account::Merchant(SHOP), 499)
            .when(subsidise("s", 500))
            .refuses(BalanceShort {
                available: Fen(499),
            });
        used()
            .when(subsidise("s", 400))
            .accepts()
            .when(subsidise("s", 500))
            .refuses(NumberReused);
    }
}
