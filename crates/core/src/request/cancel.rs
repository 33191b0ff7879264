//! Cancel a request: its asker wants nothing more of those who have not paid.
//!
//! Ledger: none. Invariant: a share of it is paid no more.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RequestId, UserId};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRequest {
    /// Which.
    pub request: RequestId,
    /// Who asked.
    pub asker: UserId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RequestCancelled {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub request: RequestId,
    /// Who asked.
    #[n(2)]
    pub asker: UserId,
}

refusals! {
    /// No such request is open. Final.
    RequestNotOpen = "this request is not open any more",
    /// Somebody else asked. Final.
    NotYours = "this request is somebody else's",
}

impl CancelRequest {
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
    command: &CancelRequest,
) -> Decision<RequestCancelled, Refusal> {
    let Some(request) = state.request(command.request) else {
        return Decision::Refuse(Refusal::RequestNotOpen);
    };
    if request.asker != command.asker {
        return Decision::Refuse(Refusal::NotYours);
    }
    Decision::Accept(RequestCancelled {
        at: now,
        request: command.request,
        asker: command.asker,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RequestCancelled) {
    state.requests.remove(event.request);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use crate::ledger::Account;
    use crate::remittance::send;
    use crate::testing::{LEI, MEI, MEI2, REQUEST, ask, cancel, given, pay_share};

    #[test]
    fn what_was_paid_stays_paid() {
        let mut world = given([ask("q", &[(MEI, 30), (MEI2, 40)]).into()])
            .when(pay_share(MEI, 30))
            .accepts()
            .when(cancel(REQUEST, MEI))
            .refuses(NotYours)
            .when(cancel(REQUEST, LEI))
            .accepts()
            .has(Account::Wallet(LEI), 100_030)
            .when(pay_share(MEI2, 40))
            .refuses(send::Refusal::RequestNotOpen)
            .when(cancel(REQUEST, LEI))
            .refuses(RequestNotOpen);
        let end = world.now.plus(crate::limits::REQUEST_LIFE_MS);
        assert_eq!(world.state.due(end, 9), []);
    }
}
