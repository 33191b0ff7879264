//! Set a user's tier: how well the person is known, and so what it may pay.
//!
//! Ledger: none. What was spent before counts, as far as it was counted ([`super::limits`]).

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::UserId;
use crate::state::{State, index};
use crate::time::UnixMillis;
use crate::user::{Tier, UserStatus};

/// Command. Setting the tier that it has already changes nothing and is recorded all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTier {
    /// Whose.
    pub user: UserId,
    /// From now on.
    pub tier: Tier,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct UserTierSet {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose.
    #[n(1)]
    pub user: UserId,
    /// From now on.
    #[n(2)]
    pub tier: Tier,
}

refusals! {
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// A closed user is not looked at again. Final.
    UserClosed = "this user is closed for good",
}

impl SetTier {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &SetTier) -> Decision<UserTierSet, Refusal> {
    let Some(user) = state.user(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status == UserStatus::Closed {
        return Decision::Refuse(Refusal::UserClosed);
    }
    Decision::Accept(UserTierSet {
        at: now,
        user: command.user,
        tier: command.tier,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &UserTierSet) {
    let row = state
        .users
        .get_mut(index(event.user.0))
        .expect("the user was found when deciding");
    row.tier = event.tier;
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::money::Fen;
    use crate::order::pay::Refusal::AboveLimit;
    use crate::testing::{MEI, NOBODY, ORDER, create, given, pay, set_status};
    use crate::user::limits::{Above, Bound};
    use Tier::{Basic, Full, Verified};

    fn set_tier(user: UserId, tier: Tier) -> crate::Command {
        SetTier { user, tier }.into()
    }

    #[test]
    fn up_and_down_and_the_limits_with_it() {
        let above = Above {
            bound: Bound::Single,
            left: Fen(50_000),
        };
        given([create("a", 50_001), set_tier(MEI, Basic)])
            .when(pay(ORDER, MEI))
            .refuses(AboveLimit { above })
            .when(set_tier(MEI, Verified))
            .accepts()
            .when(pay(ORDER, MEI))
            .accepts()
            .when(set_tier(MEI, Full))
            .accepts();
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        given([set_status(MEI, UserStatus::Closed)]).refuses_each([
            (set_tier(NOBODY, Basic), UserNotFound),
            (set_tier(MEI, Basic), UserClosed),
        ]);
    }
}
