//! Take a remittance back before it arrives.
//!
//! Ledger: the brand's remittances → payer's wallet. Invariant: what has arrived is not taken back.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{RemittanceId, UserId};
use crate::ledger::Postings;
use crate::money::Fen;
use crate::state::State;
use crate::time::UnixMillis;

/// Command. It names no number: what is back cannot go back again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeBackRemittance {
    /// Who sent it.
    pub payer: UserId,
    /// Which.
    pub remittance: RemittanceId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemittanceTakenBack {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub remittance: RemittanceId,
    /// Who sent it.
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
    /// Somebody else sent it. Final.
    NotYours = "this transfer is somebody else's",
    /// Its time has come: it arrives or goes back in a moment. Final.
    TooLate = "this transfer's time has come",
}

impl TakeBackRemittance {
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
    command: &TakeBackRemittance,
) -> Decision<RemittanceTakenBack, Refusal> {
    let Some(row) = state.remittance(command.remittance) else {
        return Decision::Refuse(Refusal::NotWaiting);
    };
    if row.payer != command.payer {
        return Decision::Refuse(Refusal::NotYours);
    }
    if now >= row.due {
        return Decision::Refuse(Refusal::TooLate);
    }
    Decision::Accept(RemittanceTakenBack {
        at: now,
        remittance: command.remittance,
        payer: row.payer,
        amount: row.amount,
        postings: super::back(state, row),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RemittanceTakenBack) {
    super::went_back(state, event.remittance);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::BrandId;
    use crate::ledger::Account;
    use crate::limits::HELD_MS;
    use crate::remittance::{Delay, To};
    use crate::testing::{CLAIM, LEI, MEI, REMITTANCE, given, send, take_back};
    use crate::user::limits::spent;
    use crate::user::{Tier, set_tier::SetTier};

    #[test]
    fn until_the_last_millisecond() {
        for to in [To::Later(LEI, Delay::Day), To::Unregistered(CLAIM)] {
            let sent = || given([send("s", to, 30).into()]);
            sent()
                .after_ms(HELD_MS - 1)
                .when(take_back(MEI, REMITTANCE))
                .accepts()
                .has(Account::Wallet(MEI), 100_000)
                .has(Account::Remittance(BrandId(0)), 0)
                .when(take_back(MEI, REMITTANCE))
                .refuses(NotWaiting);
            sent()
                .after_ms(HELD_MS)
                .when(take_back(MEI, REMITTANCE))
                .refuses(TooLate);
        }
    }

    #[test]
    fn what_is_back_was_not_spent() {
        let (user, tier) = (MEI, Tier::Basic);
        let world = given([
            SetTier { user, tier }.into(),
            send("s", To::Later(LEI, Delay::Day), 30).into(),
            send("t", To::Now(LEI), 12).into(),
        ]);
        assert_eq!(spent(&world.state, world.now, MEI), (Fen(42), Fen(42)));
        let sent = RemittanceId(crate::testing::nth(1));
        let world = world.when(take_back(MEI, sent)).accepts();
        assert_eq!(spent(&world.state, world.now, MEI), (Fen(12), Fen(12)));
    }

    #[test]
    fn only_by_who_sent_it() {
        given([send("s", To::Now(LEI), 30).into()])
            .when(take_back(MEI, REMITTANCE))
            .refuses(NotWaiting);
        given([send("s", To::Later(LEI, Delay::Day), 30).into()])
            .after_ms(HELD_MS)
            .when(take_back(LEI, REMITTANCE))
            .refuses(NotYours);
    }
}
