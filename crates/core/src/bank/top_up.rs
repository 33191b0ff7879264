//! Top-up: asks the bank for a user's money.
//!
//! Ledger: none yet; the money arrives with the bank's answer ([`super::answer`]).

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::bank::{Direction, Transfer};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, Number, TransferId, UserId};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command. `number` is the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Whose wallet.
    pub user: UserId,
    /// Send the same one when trying again.
    pub number: Number,
    /// How much.
    pub amount: Fen,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TopUpRequested {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// The user's number.
    #[n(1)]
    pub number: Number,
    /// Digest of the request.
    #[n(2)]
    pub digest: Digest,
    /// Whose wallet.
    #[n(3)]
    pub user: UserId,
    /// How much.
    #[n(4)]
    pub amount: Fen,
}

refusals! {
    /// The number names another top-up. Final.
    NumberReused = "this number was used for another top-up",
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// Frozen or closed. May succeed once thawed.
    UserNotActive = "this user may not move money",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
}

impl TopUp {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::TopUps(self.user),
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

impl TopUpRequested {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::TopUps(self.user),
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
    command: &TopUp,
) -> Decision<TopUpRequested, Refusal> {
    let digest = Digest::of(&command.amount);
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some(user) = state.user(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status != UserStatus::Active {
        return Decision::Refuse(Refusal::UserNotActive);
    }
    if !command.amount.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    Decision::Accept(TopUpRequested {
        at: now,
        number: command.number,
        digest,
        user: command.user,
        amount: command.amount,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &TopUpRequested) {
    let transfer = Transfer {
        user: event.user,
        direction: Direction::TopUp,
        amount: event.amount,
        at: event.at,
        fee: None,
    };
    state.transfers.insert(TransferId(state.next), transfer);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ledger::Account;
    use crate::limits::AMOUNT_MAX;
    use crate::testing::{LEI, MEI, NOBODY, TRANSFER, given, nth, set_status, top_up};

    #[test]
    fn no_money_before_the_bank_answers() {
        let world = given([top_up(MEI, "t", AMOUNT_MAX.0), top_up(LEI, "t", 1)])
            .has(Account::Wallet(MEI), 100_000);
        let pending = world.state.pending_transfers();
        let (id, transfer) = pending[0];
        assert_eq!((id, pending.len()), (TRANSFER, 2));
        assert_eq!(transfer.direction, Direction::TopUp);
        assert_eq!((transfer.user, transfer.amount), (MEI, AMOUNT_MAX));
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let frozen = set_status(LEI, UserStatus::Frozen);
        given([top_up(MEI, "t", 5), top_up(LEI, "t", 5), frozen])
            .when(top_up(MEI, "t", 5))
            .answers_again(nth(0))
            .when(top_up(LEI, "t", 5))
            .answers_again(nth(1))
            .refuses_each([
                (top_up(LEI, "t", 0), NumberReused),
                (top_up(NOBODY, "t", 0), UserNotFound),
                (top_up(LEI, "new", 0), UserNotActive),
                (top_up(MEI, "new", -1), AmountOutOfRange),
                (top_up(MEI, "new", 0), AmountOutOfRange),
                (top_up(MEI, "new", AMOUNT_MAX.0 + 1), AmountOutOfRange),
            ])
            .when(set_status(LEI, UserStatus::Closed))
            .accepts()
            .when(top_up(LEI, "new", 5))
            .refuses(UserNotActive);
    }
}
