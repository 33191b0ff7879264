//! Decline a share of a request.
//!
//! Ledger: none. Invariant: what is declined is not paid, what is paid not declined.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RequestId, UserId};
use crate::request::ShareState;
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclineShare {
    /// Of which request.
    pub request: RequestId,
    /// Whose share.
    pub payer: UserId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ShareDeclined {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Of which request.
    #[n(1)]
    pub request: RequestId,
    /// Whose share.
    #[n(2)]
    pub payer: UserId,
    /// Who asked.
    #[n(3)]
    pub asker: UserId,
}

refusals! {
    /// No such request is open. Final.
    RequestNotOpen = "this request is not open any more",
    /// It asks nothing of this user. Final.
    NotAsked = "this request asks nothing of this user",
    /// The share is paid or declined already. Final.
    ShareSettled = "this share is paid or declined already",
}

impl DeclineShare {
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
    command: &DeclineShare,
) -> Decision<ShareDeclined, Refusal> {
    let Some(request) = state.request(command.request) else {
        return Decision::Refuse(Refusal::RequestNotOpen);
    };
    let Some(share) = request.share(command.payer) else {
        return Decision::Refuse(Refusal::NotAsked);
    };
    if share.state != ShareState::Open {
        return Decision::Refuse(Refusal::ShareSettled);
    }
    Decision::Accept(ShareDeclined {
        at: now,
        request: command.request,
        payer: command.payer,
        asker: request.asker,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &ShareDeclined) {
    state
        .requests
        .settle(event.request, event.payer, ShareState::Declined);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use crate::remittance::send;
    use crate::testing::{LEI, MEI, MEI2, REQUEST, ask, decline, given, pay_share};

    #[test]
    fn what_is_declined_is_not_paid() {
        given([ask("q", &[(MEI, 30), (MEI2, 40)]).into()])
            .when(decline(REQUEST, LEI))
            .refuses(NotAsked)
            .when(decline(REQUEST, MEI))
            .accepts()
            .when(decline(REQUEST, MEI))
            .refuses(ShareSettled)
            .when(pay_share(MEI, 30))
            .refuses(send::Refusal::ShareSettled)
            .when(pay_share(MEI2, 40))
            .accepts()
            .when(decline(REQUEST, MEI2))
            .refuses(RequestNotOpen);
    }
}
