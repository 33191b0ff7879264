//! Open: the first event of every log says what the installation is for.
//!
//! Invariant: it is event 0 and there is no other; a data folder never changes its mode.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::EventNumber;
use crate::state::{Mode, State};
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What it is for.
    pub mode: Mode,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Opened {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// What it is for.
    #[n(1)]
    pub mode: Mode,
}

refusals! {
    /// The log is of the other mode. Final.
    OtherMode = "this data folder was opened in another mode",
}

impl Open {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &Open) -> Decision<Opened, Refusal> {
    match state.mode {
        Some(mode) if mode == command.mode => Decision::Again(EventNumber(0)),
        Some(_) => Decision::Refuse(Refusal::OtherMode),
        None => Decision::Accept(Opened {
            at: now,
            mode: command.mode,
        }),
    }
}

/// Applies it.
pub fn evolve(state: &mut State, event: &Opened) {
    assert!(
        state.next == EventNumber(0),
        "a log is opened by its first event"
    );
    state.mode = Some(event.mode);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn a_log_is_opened_once_and_keeps_its_mode() {
        let world = given([]);
        assert_eq!(world.state.mode(), Some(Mode::Sandbox));
        let (sandbox, production) = (Mode::Sandbox, Mode::Production);
        world
            .when(Open { mode: sandbox })
            .answers_again(EventNumber(0))
            .when(Open { mode: production })
            .refuses(Refusal::OtherMode);
    }
}
