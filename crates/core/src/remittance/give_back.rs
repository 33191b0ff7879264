//! Return a remittance: nobody registered within a day, or the payee is closed. Only the engine's
//! timer asks for it.
//!
//! Ledger: the brand's remittances → payer's wallet, whatever the payer's status: it is the payer's money.
//! Invariant: it happens at or after its time, once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RemittanceId, UserId};
use crate::ledger::Postings;
use crate::money::Fen;
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRemittance {
    /// Which.
    pub remittance: RemittanceId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemittanceReturned {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub remittance: RemittanceId,
    /// Who sent it, and has it again.
    #[n(2)]
    pub payer: UserId,
    /// How much.
    #[n(3)]
    pub amount: Fen,
    /// See the module.
    #[n(4)]
    pub postings: Postings,
}

refusals! {
    /// It has arrived or gone back, or never was. Final.
    NotWaiting = "this transfer is not on its way any more",
    /// Its payee can get it. Final, unless the payee is closed.
    CanArrive = "this transfer can arrive",
    /// Its time has not come. May succeed later.
    NotDue = "this transfer's time has not come",
}

impl ReturnRemittance {
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
    command: &ReturnRemittance,
) -> Decision<RemittanceReturned, Refusal> {
    let Some(row) = state.remittance(command.remittance) else {
        return Decision::Refuse(Refusal::NotWaiting);
    };
    if state.can_arrive(row) {
        return Decision::Refuse(Refusal::CanArrive);
    }
    if now < row.due {
        return Decision::Refuse(Refusal::NotDue);
    }
    Decision::Accept(RemittanceReturned {
        at: now,
        remittance: command.remittance,
        payer: row.payer,
        amount: row.amount,
        postings: super::back(state, row),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RemittanceReturned) {
    super::went_back(state, event.remittance);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use crate::ledger::Account;
    use crate::limits::HELD_MS;
    use crate::remittance::{Delay, To};
    use crate::testing::{CLAIM, LEI, MEI, REMITTANCE, give_back, given, send, set_status};
    use crate::user::UserStatus;

    #[test]
    fn at_its_time_and_once() {
        let closed = set_status(LEI, UserStatus::Closed);
        let own = set_status(MEI, UserStatus::Closed);
        for (to, then) in [
            (To::Unregistered(CLAIM), own),
            (To::Later(LEI, Delay::Day), closed),
        ] {
            let world = given([send("s", to, 30).into(), then])
                .after_ms(HELD_MS - 1)
                .when(give_back(REMITTANCE))
                .refuses(NotDue);
            let mut world = world.after_ms(1);
            assert_eq!(world.state.due(world.now, 9), [give_back(REMITTANCE)]);
            let mut world = world
                .when(give_back(REMITTANCE))
                .accepts()
                .has(Account::Wallet(MEI), 100_000)
                .when(give_back(REMITTANCE))
                .refuses(NotWaiting);
            assert_eq!(world.state.due(world.now, 9), []);
            assert_eq!(world.state.next_due(), None);
        }
    }

    #[test]
    fn what_can_arrive_does() {
        given([send("s", To::Later(LEI, Delay::Day), 30).into()])
            .after_ms(HELD_MS)
            .when(give_back(REMITTANCE))
            .refuses(CanArrive);
    }
}
