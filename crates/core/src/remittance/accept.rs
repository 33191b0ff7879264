//! Accept a remittance that was sent before its payee was registered.
//!
//! Ledger: the brand's remittances → payee's wallet, and between the brands' bank reserves.
//! Invariant: only who bears its claim gets it, within its day.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RemittanceId, UserId};
use crate::ledger::Postings;
use crate::money::Fen;
use crate::remittance::{Claim, To};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptRemittance {
    /// Which.
    pub remittance: RemittanceId,
    /// The claim of whose phone this is.
    pub claim: Claim,
    /// Who gets it.
    pub payee: UserId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemittanceAccepted {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub remittance: RemittanceId,
    /// Who sent it.
    #[n(2)]
    pub payer: UserId,
    /// Who got it.
    #[n(3)]
    pub payee: UserId,
    /// How much.
    #[n(4)]
    pub amount: Fen,
    /// What moved between the brands' bank reserves.
    #[n(5)]
    pub reserve: Fen,
    /// See the module.
    #[n(6)]
    pub postings: Postings,
}

refusals! {
    /// It has arrived or gone back, or never was. Final.
    NotWaiting = "this transfer is not on its way any more",
    /// It waits for somebody else. Final.
    OtherClaim = "this transfer is for somebody else",
    /// No such user. Final.
    PayeeNotFound = "there is no such payee",
    /// Frozen or closed. May succeed once thawed.
    PayeeNotActive = "this payee gets no money now",
    /// Its day is over: it goes back in a moment. Final.
    TooLate = "this transfer's time is over",
}

impl AcceptRemittance {
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
    command: &AcceptRemittance,
) -> Decision<RemittanceAccepted, Refusal> {
    let Some(row) = state.remittance(command.remittance) else {
        return Decision::Refuse(Refusal::NotWaiting);
    };
    if row.to != To::Unregistered(command.claim) {
        return Decision::Refuse(Refusal::OtherClaim);
    }
    let Some(payee) = state.user(command.payee) else {
        return Decision::Refuse(Refusal::PayeeNotFound);
    };
    if payee.status != UserStatus::Active {
        return Decision::Refuse(Refusal::PayeeNotActive);
    }
    if now >= row.due {
        return Decision::Refuse(Refusal::TooLate);
    }
    let (reserve, postings) = super::arrive(state, row, command.payee);
    Decision::Accept(RemittanceAccepted {
        at: now,
        remittance: command.remittance,
        payer: row.payer,
        payee: command.payee,
        amount: row.amount,
        reserve,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RemittanceAccepted) {
    state.remittances.remove(event.remittance);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::BrandId;
    use crate::ledger::Account;
    use crate::limits::HELD_MS;
    use crate::remittance::Delay;
    use crate::testing::{
        CLAIM, LEI, MEI, MEI2, NOBODY, REMITTANCE, accept, given, send, set_status, take_back,
    };

    fn held() -> crate::testing::World {
        given([send("s", To::Unregistered(CLAIM), 30).into()])
    }

    #[test]
    fn who_registers_within_a_day_gets_it() {
        let mut world = held();
        world.accept(&send("t", To::Unregistered(Claim(8)), 5).into());
        let ours: Vec<_> = world.state.held_for(CLAIM).collect();
        assert_eq!(ours, [REMITTANCE]);
        let world = world
            .after_ms(HELD_MS - 1)
            .when(accept(REMITTANCE, CLAIM, LEI))
            .accepts()
            .has(Account::Wallet(LEI), 100_030)
            .has(Account::Remittance(BrandId(0)), 5)
            .has(Account::BankReserve(BrandId(1)), 200_030)
            .when(accept(REMITTANCE, CLAIM, LEI))
            .refuses(NotWaiting)
            .when(take_back(MEI, REMITTANCE))
            .refuses(crate::remittance::take_back::Refusal::NotWaiting);
        assert_eq!(world.state.held_for(CLAIM).count(), 0);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        held()
            .after_ms(HELD_MS)
            .when(set_status(MEI2, UserStatus::Frozen))
            .refuses_each([
                (accept(REMITTANCE, Claim(8), NOBODY), OtherClaim),
                (accept(REMITTANCE, CLAIM, NOBODY), PayeeNotFound),
                (accept(REMITTANCE, CLAIM, MEI2), PayeeNotActive),
                (accept(REMITTANCE, CLAIM, LEI), TooLate),
            ]);
        given([send("s", To::Later(LEI, Delay::Day), 30).into()])
            .when(accept(REMITTANCE, CLAIM, LEI))
            .refuses(OtherClaim);
    }
}
