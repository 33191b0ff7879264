//! A remittance arrives whose sender had time to think it over. Only the engine's timer asks for it.
//!
//! Ledger: the brand's remittances → payee's wallet, and between the brands' bank reserves.
//! Invariant: it happens at or after its time, once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RemittanceId, UserId};
use crate::ledger::Postings;
use crate::money::Fen;
use crate::remittance::To;
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArriveRemittance {
    /// Which.
    pub remittance: RemittanceId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemittanceArrived {
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
    /// It waits for somebody to register. Final.
    Unclaimed = "this transfer waits for its payee",
    /// The payee is closed: it goes back. Final.
    PayeeClosed = "this payee is closed for good",
    /// Its time has not come. May succeed later.
    NotDue = "this transfer's time has not come",
}

impl ArriveRemittance {
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
    command: &ArriveRemittance,
) -> Decision<RemittanceArrived, Refusal> {
    let Some(row) = state.remittance(command.remittance) else {
        return Decision::Refuse(Refusal::NotWaiting);
    };
    let (To::Now(payee) | To::Later(payee, _)) = row.to else {
        return Decision::Refuse(Refusal::Unclaimed);
    };
    if !state.can_arrive(row) {
        return Decision::Refuse(Refusal::PayeeClosed);
    }
    if now < row.due {
        return Decision::Refuse(Refusal::NotDue);
    }
    let (reserve, postings) = super::arrive(state, row, payee);
    Decision::Accept(RemittanceArrived {
        at: now,
        remittance: command.remittance,
        payer: row.payer,
        payee,
        amount: row.amount,
        reserve,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RemittanceArrived) {
    state.remittances.remove(event.remittance);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::BrandId;
    use crate::ledger::Account;
    use crate::remittance::Delay;
    use crate::testing::{CLAIM, LEI, MEI, NO_ORDER, REMITTANCE, arrive, given, send, set_status};
    use crate::user::UserStatus;

    const HOUR_MS: i64 = 60 * 60 * 1_000;

    #[test]
    fn at_its_time_and_once() {
        for (delay, hours) in [(Delay::TwoHours, 2), (Delay::Day, 24)] {
            let mut world = given([send("s", To::Later(LEI, delay), 30).into()])
                .after_ms(hours * HOUR_MS - 1)
                .when(arrive(REMITTANCE))
                .refuses(NotDue);
            assert_eq!(world.state.next_due(), Some(world.now.plus(1)));
            assert_eq!(world.state.due(world.now, 9), []);
            let mut world = world.after_ms(1);
            assert_eq!(world.state.due(world.now, 9), [arrive(REMITTANCE)]);
            assert_eq!(world.state.due(world.now, 0), []);
            let mut world = world
                .when(arrive(REMITTANCE))
                .accepts()
                .has(Account::Wallet(LEI), 100_030)
                .has(Account::Remittance(BrandId(0)), 0)
                .has(Account::BankReserve(BrandId(1)), 200_030);
            assert_eq!(world.state.due(world.now, 9), []);
            world.when(arrive(REMITTANCE)).refuses(NotWaiting);
        }
    }

    /// As with refunds: the money is the payee's, who may not move it.
    #[test]
    fn also_at_a_frozen_payee() {
        given([
            send("s", To::Later(LEI, Delay::Day), 30).into(),
            set_status(LEI, UserStatus::Frozen),
            set_status(MEI, UserStatus::Closed),
        ])
        .after_ms(24 * HOUR_MS)
        .when(arrive(REMITTANCE))
        .accepts()
        .has(Account::Wallet(LEI), 100_030);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let never = RemittanceId(NO_ORDER.0);
        given([send("s", To::Unregistered(CLAIM), 30).into()])
            .when(arrive(never))
            .refuses(NotWaiting)
            .when(arrive(REMITTANCE))
            .refuses(Unclaimed);
        given([send("s", To::Later(LEI, Delay::Day), 30).into()])
            .when(set_status(LEI, UserStatus::Closed))
            .when(arrive(REMITTANCE))
            .refuses(PayeeClosed);
    }
}
