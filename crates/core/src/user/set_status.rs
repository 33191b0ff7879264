//! Set a user's status: freeze, thaw, close.
//!
//! Ledger: none. Invariant: a closed user stays closed.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::UserId;
use crate::state::{State, index};
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command. Setting the status that it has already changes nothing and is recorded all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUserStatus {
    /// Whose.
    pub user: UserId,
    /// From now on.
    pub status: UserStatus,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct UserStatusSet {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose.
    #[n(1)]
    pub user: UserId,
    /// From now on.
    #[n(2)]
    pub status: UserStatus,
}

refusals! {
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// A closed user stays closed. Final.
    UserClosed = "this user is closed for good",
}

impl SetUserStatus {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &SetUserStatus,
) -> Decision<UserStatusSet, Refusal> {
    let Some(user) = state.user(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status == UserStatus::Closed && command.status != UserStatus::Closed {
        return Decision::Refuse(Refusal::UserClosed);
    }
    Decision::Accept(UserStatusSet {
        at: now,
        user: command.user,
        status: command.status,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &UserStatusSet) {
    let row = state
        .users
        .get_mut(index(event.user.0))
        .expect("the user was found when deciding");
    row.status = event.status;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MEI, NOBODY, given, set_status};
    use UserStatus::{Active, Closed, Frozen};

    #[test]
    fn every_change_but_out_of_closed() {
        for from in [Active, Frozen, Closed] {
            for to in [Active, Frozen, Closed] {
                let world = given([set_status(MEI, from)]).when(set_status(MEI, to));
                let status = if from == Closed && to != Closed {
                    world.refuses(Refusal::UserClosed)
                } else {
                    world.accepts()
                }
                .state
                .user(MEI)
                .unwrap()
                .status;
                assert_eq!(status, if from == Closed { Closed } else { to });
            }
        }
        given([])
            .when(set_status(NOBODY, Active))
            .refuses(Refusal::UserNotFound);
    }
}
