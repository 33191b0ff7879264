//! Add a brand.
//!
//! Ledger: none; its accounts start at zero. Invariant: ids are dense, in the order of adding.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::brand::{Brand, is_name};
use crate::command::{Decision, refusals};
use crate::ids::{BrandId, Digest, Number};
use crate::limits::BRANDS_MAX;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddBrand {
    /// Send the same one when trying again.
    pub number: Number,
    /// What the public calls it.
    pub name: String,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BrandAdded {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// The operator's number.
    #[n(1)]
    pub number: Number,
    /// Digest of the request.
    #[n(2)]
    pub digest: Digest,
    /// Its id.
    #[n(3)]
    pub brand: BrandId,
    /// What the public calls it.
    #[n(4)]
    pub name: String,
}

refusals! {
    /// The number names another brand. Final.
    NumberReused = "this number was used for another brand",
    /// Empty, longer than 64 characters, or with control characters. Final.
    BadName = "a name has 1 to 64 characters and no control characters",
    /// There are [`BRANDS_MAX`] already. Final.
    TooMany = "there are as many brands as one installation can have",
}

impl AddBrand {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Brands,
            number: self.number,
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.name)
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl BrandAdded {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Brands,
                number: self.number,
            },
            self.digest,
        )
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &AddBrand) -> Decision<BrandAdded, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    if !is_name(&command.name) {
        return Decision::Refuse(Refusal::BadName);
    }
    let brand = match u16::try_from(state.brands.len()) {
        Ok(next) if next < BRANDS_MAX => BrandId(next),
        Ok(_) | Err(_) => return Decision::Refuse(Refusal::TooMany),
    };
    Decision::Accept(BrandAdded {
        at: now,
        number: command.number,
        digest,
        brand,
        name: command.name.clone(),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &BrandAdded) {
    assert!(
        usize::from(event.brand.0) == state.brands.len(),
        "brand ids are dense"
    );
    state.brands.push(Brand {
        added: state.next,
        name: event.name.clone(),
        bank_reserve: Fen::ZERO,
        transit: Fen::ZERO,
        fee_income: Fen::ZERO,
        capital: Fen::ZERO,
        rebate_loss: Fen::ZERO,
        remittance: Fen::ZERO,
        withdrawal_terms: None,
    });
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::EventNumber;
    use crate::ledger::Account;
    use crate::testing::{add_brand, given};

    #[test]
    fn a_brand_starts_with_nothing() {
        let name = "飞".repeat(64);
        let world = given([add_brand("b", &name)])
            .has(Account::BankReserve(BrandId(2)), 0)
            .has(Account::Transit(BrandId(2)), 0)
            .has(Account::FeeIncome(BrandId(2)), 0);
        assert_eq!(world.state.brand(BrandId(2)).unwrap().name, name);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let world = given([])
            .when(add_brand("Red", "Red"))
            .answers_again(EventNumber(1))
            .refuses_each([
                (add_brand("Red", ""), NumberReused),
                (add_brand("b", ""), BadName),
                (add_brand("b", " \u{3000}"), BadName),
                (add_brand("b", "a\nb"), BadName),
                (add_brand("b", &"飞".repeat(65)), BadName),
            ]);
        let mut full = world;
        for n in 2..BRANDS_MAX {
            full.accept(&add_brand(&format!("b{n}"), "Green"));
        }
        full.refuses_each([
            (add_brand("Red", "Green"), NumberReused),
            (add_brand("b", ""), BadName),
            (add_brand("b", "Green"), TooMany),
        ]);
    }
}
