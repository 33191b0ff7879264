//! Return a subsidy, or a part of it: whoever got it pays it back.
//!
//! Units: amounts in [`Fen`]. Ledger: merchant → merchant. Invariant: no more goes back than was paid.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{CouponId, Digest, EventNumber, MerchantId, Number, RefundId};
use crate::ledger::{Account, Postings};
use crate::limits::DESCRIPTION_CHARS_MAX;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the merchant's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnSubsidy {
    /// Who got the subsidy and gives it back.
    pub merchant: MerchantId,
    /// The merchant's number for it.
    pub number: Number,
    /// Whose subsidy.
    pub coupon: CouponId,
    /// How much.
    pub amount: Fen,
    /// What for, in the merchant's words.
    pub description: Box<str>,
    /// The refund that it belongs to, if the merchant named one.
    pub refund: Option<RefundId>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SubsidyReturned {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Who gave it back.
    #[n(1)]
    pub merchant: MerchantId,
    /// The merchant's number for it.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Who paid it once, and has it back.
    #[n(4)]
    pub payer: MerchantId,
    /// Whose subsidy.
    #[n(5)]
    pub coupon: CouponId,
    /// The event that paid it.
    #[n(6)]
    pub subsidy: EventNumber,
    /// How much.
    #[n(7)]
    pub amount: Fen,
    /// What for, in the merchant's words.
    #[n(8)]
    pub description: Box<str>,
    /// See the module.
    #[n(9)]
    pub postings: Postings,
    /// The refund that it belongs to, if the merchant named one.
    #[n(10)]
    pub refund: Option<RefundId>,
}

refusals! {
    /// The number names another return. Final.
    NumberReused = "this number was used for another subsidy's return",
    /// This merchant got no subsidy of this coupon, or the coupon's end has come. Final.
    SubsidyNotFound = "this merchant got no subsidy of this coupon",
    /// The description is longer than its limit. Final.
    TextTooLong = "the description is too long",
    /// Nothing, or more than is left. Final.
    AboveLeft {
        /// What is left.
        left: Fen
    } = "at most {left} yuan of this subsidy can be given back",
    /// The merchant has less. May succeed later.
    BalanceShort {
        /// What its account has.
        available: Fen
    } = "the merchant's account has {available} yuan only",
}

impl ReturnSubsidy {
    pub(crate) fn key(&self) -> Key {
        key(self.merchant, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.coupon, self.amount, self.refund))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl SubsidyReturned {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.merchant, self.number), self.digest)
    }
}

fn key(merchant: MerchantId, number: Number) -> Key {
    Key {
        scope: Scope::SubsidyReturns(merchant),
        number,
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ReturnSubsidy,
) -> Decision<SubsidyReturned, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let coupon = state.coupon(command.coupon);
    let subsidy = coupon.and_then(|coupon| coupon.subsidy);
    let Some(subsidy) = subsidy.filter(|subsidy| subsidy.payee == command.merchant) else {
        return Decision::Refuse(Refusal::SubsidyNotFound);
    };
    if command.description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    let left = subsidy.left();
    if command.amount < Fen(1) || command.amount > left {
        return Decision::Refuse(Refusal::AboveLeft { left });
    }
    let account = Account::Merchant(command.merchant);
    let available = state.balance(account).expect("it got the subsidy");
    if available < command.amount {
        return Decision::Refuse(Refusal::BalanceShort { available });
    }
    let payer = Account::Merchant(subsidy.payer);
    Decision::Accept(SubsidyReturned {
        at: now,
        merchant: command.merchant,
        number: command.number,
        digest,
        payer: subsidy.payer,
        coupon: command.coupon,
        subsidy: subsidy.event,
        amount: command.amount,
        description: command.description.clone(),
        postings: Postings::new().with(account, payer, command.amount),
        refund: command.refund,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &SubsidyReturned) {
    let coupon = state
        .coupon(event.coupon)
        .expect("it was found when deciding");
    let mut subsidy = coupon.subsidy.expect("it was found when deciding");
    subsidy.returned = subsidy
        .returned
        .plus(event.amount)
        .expect("within the subsidy");
    assert!(
        subsidy.returned <= subsidy.amount,
        "no more goes back than was paid"
    );
    state.campaigns.set_subsidy(event.coupon, Some(subsidy));
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::campaign::outside_world::{COUPON, return_subsidy, returning, subsidise, used};
    use crate::command::Command;
    use crate::testing::{FREE_SHOP, SHOP};

    #[test]
    fn a_subsidy_comes_back_in_parts_and_no_fen_more() {
        used()
            .when(subsidise("s", 500))
            .accepts()
            .when(return_subsidy("b", 200))
            .accepts()
            .when(return_subsidy("b", 200))
            .answers_again(COUPON.0.next().next().next())
            .when(return_subsidy("c", 301))
            .refuses(AboveLeft { left: Fen(300) })
            .when(return_subsidy("c", 300))
            .accepts()
            .has(Account::Merchant(FREE_SHOP), 2_000)
            .has(Account::Merchant(SHOP), 994)
            .when(return_subsidy("d", 1))
            .refuses(AboveLeft { left: Fen(0) });
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let with = |change: fn(&mut ReturnSubsidy)| {
            let mut command = returning("b", 200);
            change(&mut command);
            Command::from(command)
        };
        used()
            .when(return_subsidy("b", 200))
            .refuses(SubsidyNotFound);
        used()
            .when(subsidise("s", 500))
            .accepts()
            .refuses_each([
                (with(|c| c.merchant = SHOP), SubsidyNotFound),
                (
                    with(|c| c.description = "长".repeat(128).into()),
                    TextTooLong,
                ),
                (with(|c| c.amount = Fen(501)), AboveLeft { left: Fen(500) }),
                (with(|c| c.amount = Fen::ZERO), AboveLeft { left: Fen(500) }),
            ])
            .doctored(Account::Merchant(FREE_SHOP), 199)
            .when(return_subsidy("b", 200))
            .refuses(BalanceShort {
                available: Fen(199),
            });
        used()
            .when(subsidise("s", 500))
            .accepts()
            .when(return_subsidy("b", 200))
            .accepts()
            .when(return_subsidy("b", 300))
            .refuses(NumberReused);
    }
}
