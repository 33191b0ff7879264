//! Add a merchant.
//!
//! Ledger: none; its account starts at zero. Invariant: ids are dense, in the order of adding.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::brand::is_name;
use crate::command::{Decision, refusals};
use crate::ids::{Digest, MerchantId, Number};
use crate::limits::FEE_MAX;
use crate::merchant::{Category, Merchant, MerchantStatus};
use crate::money::{BasisPoints, Fen};
use crate::numbers::{Asked, Key, Scope};
use crate::state::{State, index};
use crate::time::UnixMillis;

/// Command. `number` is the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddMerchant {
    /// Send the same one when trying again.
    pub number: Number,
    /// What the public calls it.
    pub name: String,
    /// Its trade.
    pub category: Category,
    /// What is kept of each payment.
    pub fee: BasisPoints,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MerchantAdded {
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
    pub merchant: MerchantId,
    /// What the public calls it.
    #[n(4)]
    pub name: String,
    /// Its trade.
    #[n(5)]
    pub category: Category,
    /// What is kept of each payment.
    #[n(6)]
    pub fee: BasisPoints,
}

refusals! {
    /// The number names another merchant. Final.
    NumberReused = "this number was used for another merchant",
    /// Empty, longer than 64 characters, or with control characters. Final.
    BadName = "a name has 1 to 64 characters and no control characters",
    /// Not four digits. Final.
    BadCategory = "a category is a four-digit code of ISO 18245",
    /// Above [`FEE_MAX`]. Final.
    FeeTooHigh = "a fee is at most 1000 basis points",
    /// All ids are given away. Final.
    TooMany = "there are as many merchants as one installation can have",
}

impl AddMerchant {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Merchants,
            number: self.number,
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(&(&self.name, self.category, self.fee))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl MerchantAdded {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Merchants,
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
    command: &AddMerchant,
) -> Decision<MerchantAdded, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    if !is_name(&command.name) {
        return Decision::Refuse(Refusal::BadName);
    }
    if command.category.0 > 9_999 {
        return Decision::Refuse(Refusal::BadCategory);
    }
    if command.fee > FEE_MAX {
        return Decision::Refuse(Refusal::FeeTooHigh);
    }
    let Ok(merchant) = u32::try_from(state.merchants.len()).map(MerchantId) else {
        return Decision::Refuse(Refusal::TooMany);
    };
    Decision::Accept(MerchantAdded {
        at: now,
        number: command.number,
        digest,
        merchant,
        name: command.name.clone(),
        category: command.category,
        fee: command.fee,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &MerchantAdded) {
    assert!(
        index(event.merchant.0) == state.merchants.len(),
        "merchant ids are dense"
    );
    state.merchants.push(Merchant {
        balance: Fen::ZERO,
        added: state.next,
        fee: event.fee,
        status: MerchantStatus::Active,
        category: event.category,
    });
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::EventNumber;
    use crate::ledger::Account;
    use crate::testing::{add_merchant, given};

    #[test]
    fn a_merchant_starts_active_with_nothing() {
        let world = given([add_merchant("m", "Tea", 9_999, 1_000)]);
        let merchant = Merchant {
            balance: Fen::ZERO,
            added: EventNumber(17),
            fee: FEE_MAX,
            status: MerchantStatus::Active,
            category: Category(9_999),
        };
        assert_eq!(world.state.merchant(MerchantId(2)), Some(&merchant));
        world.has(Account::Merchant(MerchantId(2)), 0);
    }

    // TooMany needs 2^32 merchants.
    #[test]
    fn refusals_in_order_of_precedence() {
        given([])
            .when(add_merchant("Noodles", "Noodles", 5812, 60))
            .answers_again(EventNumber(3))
            .refuses_each([
                (add_merchant("Noodles", "Rice", 5812, 60), NumberReused),
                (add_merchant("Noodles", "Noodles", 5811, 60), NumberReused),
                (add_merchant("Noodles", "Noodles", 5812, 61), NumberReused),
                (add_merchant("Noodles", "", 10_000, 1_001), NumberReused),
                (add_merchant("m", "", 10_000, 1_001), BadName),
                (add_merchant("m", &"面".repeat(65), 5812, 60), BadName),
                (add_merchant("m", "Rice", 10_000, 1_001), BadCategory),
                (add_merchant("m", "Rice", 5812, 1_001), FeeTooHigh),
            ]);
    }
}
