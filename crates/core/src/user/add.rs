//! Add a user to a brand.
//!
//! Ledger: none; the wallet starts at zero. Invariant: ids are dense, in the order of adding.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{BrandId, Digest, Number, UserId};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::{State, index};
use crate::time::UnixMillis;
use crate::user::{Tier, User, UserStatus};

/// Command. `number` is the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddUser {
    /// Send the same one when trying again.
    pub number: Number,
    /// Whose wallet it is.
    pub brand: BrandId,
    /// How well the person is known.
    pub tier: Tier,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct UserAdded {
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
    pub user: UserId,
    /// Whose wallet it is.
    #[n(4)]
    pub brand: BrandId,
    /// How well the person is known.
    #[n(5)]
    pub tier: Tier,
}

refusals! {
    /// The number names another user. Final.
    NumberReused = "this number was used for another user",
    /// No such brand. May succeed once it is added.
    BrandNotFound = "there is no such brand",
    /// All ids are given away. Final.
    TooMany = "there are as many users as one installation can have",
}

impl AddUser {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Users,
            number: self.number,
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.brand, self.tier))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl UserAdded {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Users,
                number: self.number,
            },
            self.digest,
        )
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &AddUser) -> Decision<UserAdded, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    if state.brand(command.brand).is_none() {
        return Decision::Refuse(Refusal::BrandNotFound);
    }
    let Ok(user) = u32::try_from(state.users.len()).map(UserId) else {
        return Decision::Refuse(Refusal::TooMany);
    };
    Decision::Accept(UserAdded {
        at: now,
        number: command.number,
        digest,
        user,
        brand: command.brand,
        tier: command.tier,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &UserAdded) {
    assert!(
        index(event.user.0) == state.users.len(),
        "user ids are dense"
    );
    state.shoppers.add(event.at);
    state.users.push(User {
        balance: Fen::ZERO,
        brand: event.brand,
        status: UserStatus::Active,
        tier: event.tier,
    });
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::EventNumber;
    use crate::ledger::Account;
    use crate::testing::{add_user, given};

    #[test]
    fn a_user_starts_active_with_nothing() {
        let world = given([add_user("u", 1, Tier::Full)]).has(Account::Wallet(UserId(4)), 0);
        let user = User {
            balance: Fen::ZERO,
            brand: BrandId(1),
            status: UserStatus::Active,
            tier: Tier::Full,
        };
        assert_eq!(world.state.user(UserId(4)), Some(&user));
    }

    // TooMany needs 2^32 users.
    #[test]
    fn refusals_in_order_of_precedence() {
        given([])
            .when(add_user("mei", 0, Tier::Full))
            .answers_again(EventNumber(5))
            .refuses_each([
                (add_user("mei", 0, Tier::Basic), NumberReused),
                (add_user("mei", 1, Tier::Full), NumberReused),
                (add_user("mei", 2, Tier::Full), NumberReused),
                (add_user("u", 2, Tier::Basic), BrandNotFound),
            ]);
    }
}
