//! Put the operator's own money into a brand's bank reserve.
//!
//! Units: amount in [`Fen`]. Ledger: bank reserve ← capital. What campaigns give to wallets leaves through the
//! reserve when it is withdrawn: so it has to be there.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{BrandId, Digest, Number};
use crate::ledger::{Account, Postings};
use crate::limits::BALANCE_MAX;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundBrand {
    /// Whose reserve.
    pub brand: BrandId,
    /// Send the same one when trying again.
    pub number: Number,
    /// How much.
    pub amount: Fen,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BrandFunded {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose reserve.
    #[n(1)]
    pub brand: BrandId,
    /// The operator's number.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// How much.
    #[n(4)]
    pub amount: Fen,
    /// See the module.
    #[n(5)]
    pub postings: Postings,
}

refusals! {
    /// The number names another amount. Final.
    NumberReused = "this number was used for another amount",
    /// No such brand. May succeed once it is added.
    BrandNotFound = "there is no such brand",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// The bank reserve cannot count so much. Final, and out of this world.
    ReserveFull = "the bank reserve cannot hold more",
}

impl FundBrand {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Capital(self.brand),
            number: self.number,
        }
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl BrandFunded {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Capital(self.brand),
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
    command: &FundBrand,
) -> Decision<BrandFunded, Refusal> {
    let digest = Digest::of(&command.amount);
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    if state.brand(command.brand).is_none() {
        return Decision::Refuse(Refusal::BrandNotFound);
    }
    if !command.amount.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    if state.reserves().saturating_add(command.amount.0) > BALANCE_MAX.0 {
        return Decision::Refuse(Refusal::ReserveFull);
    }
    Decision::Accept(BrandFunded {
        at: now,
        brand: command.brand,
        number: command.number,
        digest,
        amount: command.amount,
        postings: Postings::new().with(
            Account::BankReserve(command.brand),
            Account::Capital(command.brand),
            command.amount,
        ),
    })
}

/// Applies it: the postings do all.
pub fn evolve(_: &mut State, _: &BrandFunded) {}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::testing::{given, number};

    fn fund(text: &str, brand: u16, fen: i64) -> crate::Command {
        FundBrand {
            brand: BrandId(brand),
            number: number(text),
            amount: Fen(fen),
        }
        .into()
    }

    #[test]
    fn the_reserve_grows() {
        given([fund("a", 1, 500)])
            .has(Account::BankReserve(BrandId(1)), 200_500)
            .has(Account::Capital(BrandId(1)), 500)
            .has(Account::Capital(BrandId(0)), 0);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let world = given([fund("a", 1, 500)]);
        let again = crate::ids::EventNumber(world.state.next_event().0 - 1);
        world
            .when(fund("a", 1, 500))
            .answers_again(again)
            .refuses_each([
                (fund("a", 1, 0), NumberReused),
                (fund("b", 2, 0), BrandNotFound),
                (fund("b", 1, 0), AmountOutOfRange),
            ])
            .doctored(Account::BankReserve(BrandId(0)), BALANCE_MAX.0 - 200_500)
            .refuses_each([(fund("b", 1, 1), ReserveFull)]);
    }
}
