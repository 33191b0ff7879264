//! End a request whose time is over. Only the engine's timer asks for it.
//!
//! Ledger: none. Invariant: it happens at or after the request's end, once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RequestId, UserId};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpireRequest {
    /// Which.
    pub request: RequestId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RequestExpired {
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
    /// Its end has not come. May succeed later.
    NotDue = "this request's time is not over",
}

impl ExpireRequest {
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
    command: &ExpireRequest,
) -> Decision<RequestExpired, Refusal> {
    let Some(request) = state.request(command.request) else {
        return Decision::Refuse(Refusal::RequestNotOpen);
    };
    if now < request.until {
        return Decision::Refuse(Refusal::NotDue);
    }
    Decision::Accept(RequestExpired {
        at: now,
        request: command.request,
        asker: request.asker,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RequestExpired) {
    state.requests.remove(event.request);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use crate::limits::REQUEST_LIFE_MS;
    use crate::testing::{MEI, MEI2, REQUEST, ask, decline, expire_request, given, pay_share};

    #[test]
    fn at_its_end_and_once() {
        let mut world = given([ask("q", &[(MEI, 30), (MEI2, 40)]).into()])
            .when(decline(REQUEST, MEI2))
            .accepts()
            .after_ms(REQUEST_LIFE_MS - 1)
            .when(expire_request(REQUEST))
            .refuses(NotDue);
        assert_eq!(world.state.next_due(), Some(world.now.plus(1)));
        assert_eq!(world.state.due(world.now, 9), []);
        let mut world = world.after_ms(1);
        assert_eq!(world.state.due(world.now, 9), [expire_request(REQUEST)]);
        let mut world = world
            .when(expire_request(REQUEST))
            .accepts()
            .when(expire_request(REQUEST))
            .refuses(RequestNotOpen)
            .when(pay_share(MEI, 30))
            .refuses(crate::remittance::send::Refusal::RequestNotOpen);
        assert_eq!(world.state.due(world.now, 9), []);
        assert_eq!(world.state.next_due(), None);
    }
}
