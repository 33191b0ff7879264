//! The bank's answer to a top-up or withdrawal.
//!
//! Ledger: top-up done: bank reserve → wallet. Withdrawal done: transit → bank reserve, its fee to fee
//! income; declined: both, transit → wallet. Invariant: a transfer is answered once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::bank::fee::uncount;
use crate::bank::{Direction, Transfer};
use crate::command::{Decision, refusals};
use crate::ids::{TransferId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::BALANCE_MAX;
use crate::money::Fen;
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::Tier;
use crate::user::limits::unspend;

/// What the bank says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Answer {
    /// The money moved.
    #[n(0)]
    Done,
    /// It did not, and will not.
    #[n(1)]
    Declined,
}

/// Command. An answer that never came is no command: the bank is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerTransfer {
    /// Which top-up or withdrawal.
    pub transfer: TransferId,
    /// What the bank says.
    pub answer: Answer,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TransferAnswered {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which top-up or withdrawal.
    #[n(1)]
    pub transfer: TransferId,
    /// Whose wallet.
    #[n(2)]
    pub user: UserId,
    /// What the bank says.
    #[n(3)]
    pub answer: Answer,
    /// See the module.
    #[n(4)]
    pub postings: Postings,
    /// What goes back to the user's free quota: a declined withdrawal of the same month.
    #[n(5)]
    pub uncounted: Option<Fen>,
}

refusals! {
    /// No such transfer, or it was answered before. Final.
    NotPending = "no top-up or withdrawal of this id waits for the bank",
    /// The bank reserve cannot count so much. Final, and out of this world.
    ReserveFull = "the bank reserve cannot hold more",
}

impl AnswerTransfer {
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
    command: &AnswerTransfer,
) -> Decision<TransferAnswered, Refusal> {
    let Some(transfer) = state.transfers.get(command.transfer) else {
        return Decision::Refuse(Refusal::NotPending);
    };
    let brand = state
        .user(transfer.user)
        .expect("its user was found when asking")
        .brand;
    let wallet = Account::Wallet(transfer.user);
    let (reserve, transit) = (Account::BankReserve(brand), Account::Transit(brand));
    let postings = match (transfer.direction, command.answer) {
        (Direction::TopUp, Answer::Done) => {
            // Every other account holds a part of a reserve, so this one check keeps all in range.
            if state.reserves().saturating_add(transfer.amount.0) > BALANCE_MAX.0 {
                return Decision::Refuse(Refusal::ReserveFull);
            }
            Postings::new().with(reserve, wallet, transfer.amount)
        }
        (Direction::TopUp, Answer::Declined) => Postings::new(),
        (Direction::Withdrawal, Answer::Done) => {
            let (income, fee) = (Account::FeeIncome(brand), transfer.fee.unwrap_or_default());
            Postings::new()
                .with(transit, reserve, transfer.amount)
                .with(transit, income, fee)
        }
        (Direction::Withdrawal, Answer::Declined) => {
            Postings::new().with(transit, wallet, transfer.with_fee())
        }
    };
    Decision::Accept(TransferAnswered {
        at: now,
        transfer: command.transfer,
        user: transfer.user,
        answer: command.answer,
        postings,
        uncounted: uncounted(transfer, now, command.answer),
    })
}

fn uncounted(transfer: &Transfer, now: UnixMillis, answer: Answer) -> Option<Fen> {
    let same_month = transfer.at.day().year_and_month() == now.day().year_and_month();
    let back = transfer.fee.is_some() && answer == Answer::Declined && same_month;
    back.then_some(transfer.amount)
}

/// Applies it.
pub fn evolve(state: &mut State, event: &TransferAnswered) {
    let transfer = state
        .transfers
        .remove(event.transfer)
        .expect("the transfer was pending when deciding");
    if let Some(amount) = event.uncounted {
        uncount(state, event.user, amount);
    }
    let basic = state
        .user(event.user)
        .is_some_and(|row| row.tier == Tier::Basic);
    if (transfer.direction, event.answer) == (Direction::Withdrawal, Answer::Declined) && basic {
        unspend(state, transfer.at, event.user, transfer.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BrandId;
    use crate::testing::{MEI, TRANSFER, answer, given, set_status, top_up, withdraw};
    use crate::user::UserStatus;
    use Answer::{Declined, Done};

    #[test]
    fn each_answer_moves_its_money() {
        for (asked, said, wallet, reserve) in [
            (top_up(MEI, "t", 7), Done, 100_007, 200_007),
            (top_up(MEI, "t", 7), Declined, 100_000, 200_000),
            (withdraw(MEI, "t", 7), Done, 99_993, 199_993),
            (withdraw(MEI, "t", 7), Declined, 100_000, 200_000),
        ] {
            // Even to a closed user: the bank has spoken.
            given([asked, set_status(MEI, UserStatus::Closed)])
                .when(answer(TRANSFER, said))
                .accepts()
                .has(Account::Wallet(MEI), wallet)
                .has(Account::BankReserve(BrandId(0)), reserve)
                .has(Account::Transit(BrandId(0)), 0)
                .when(answer(TRANSFER, said))
                .refuses(Refusal::NotPending);
        }
    }

    #[test]
    fn what_was_never_asked_is_not_pending() {
        given([])
            .when(answer(TRANSFER, Done))
            .refuses(Refusal::NotPending);
    }

    #[test]
    fn all_reserves_together_are_bounded() {
        let other = Account::BankReserve(BrandId(1));
        let full = || given([top_up(MEI, "t", 7)]).doctored(other, BALANCE_MAX.0 - 200_006);
        full()
            .when(answer(TRANSFER, Done))
            .refuses(Refusal::ReserveFull);
        let mut world = full().doctored(other, BALANCE_MAX.0 - 200_007);
        let command = AnswerTransfer {
            transfer: TRANSFER,
            answer: Done,
        };
        let decision = decide(&world.state, world.now, &command);
        assert!(matches!(decision, Decision::Accept(_)), "{decision:?}");
        world = world.doctored(other, 200_000);
        world.when(answer(TRANSFER, Declined)).accepts();
    }
}
