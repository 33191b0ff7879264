//! Withdrawal: sends a user's money to the bank.
//!
//! Ledger: wallet → transit now; transit → bank reserve, or back, with the bank's answer
//! ([`super::answer`]). So the money can be spent once only while the bank thinks. The fee, if the brand takes
//! one ([`super::fee`]), goes the same way on top of the amount, and is earned when the bank pays.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::bank::fee::{count, quote};
use crate::bank::{Direction, Transfer};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, Number, TransferId, UserId};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::limits::{Above, check, spend};
use crate::user::{Tier, UserStatus};

/// Command. `number` is the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdraw {
    /// Whose wallet.
    pub user: UserId,
    /// Send the same one when trying again.
    pub number: Number,
    /// How much.
    pub amount: Fen,
    /// The most that the user agreed to pay for it; none: whatever the brand takes. No part of what the
    /// number names.
    pub fee_at_most: Option<Fen>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WithdrawalRequested {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// The user's number.
    #[n(1)]
    pub number: Number,
    /// Digest of the request.
    #[n(2)]
    pub digest: Digest,
    /// Whose wallet.
    #[n(3)]
    pub user: UserId,
    /// How much.
    #[n(4)]
    pub amount: Fen,
    /// Wallet → transit: the amount and the fee.
    #[n(5)]
    pub postings: Postings,
    /// What the platform takes once the bank pays; none if the brand has no terms, and then nothing
    /// is counted.
    #[n(6)]
    pub fee: Option<Fen>,
}

refusals! {
    /// The number names another withdrawal. Final.
    NumberReused = "this number was used for another withdrawal",
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// Frozen or closed. May succeed once thawed.
    UserNotActive = "this user may not move money",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// It costs more than the user agreed to: the brand's terms changed, or the month's quota is used up.
    /// Final, unless the user agrees.
    FeeAbove {
        /// What it costs.
        fee: Fen
    } = "it costs {fee} yuan",
    /// With its fee more than the wallet has. May succeed later.
    BalanceShort {
        /// What the wallet has.
        available: Fen
    } = "the wallet has {available} yuan only",
    /// More than the user's tier may pay: for the lowest, money to the own bank account counts. May
    /// succeed on another day.
    AboveLimit {
        /// Which limit, and what it leaves.
        above: Above
    } = "{above}",
    /// The brand's bank reserve has less, because campaigns gave more than the operator put in. May
    /// succeed later.
    ReserveShort = "the brand's bank reserve has less: try again later",
}

impl Withdraw {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Withdrawals(self.user),
            number: self.number,
        }
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl WithdrawalRequested {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Withdrawals(self.user),
                number: self.number,
            },
            self.digest,
        )
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &Withdraw,
) -> Decision<WithdrawalRequested, Refusal> {
    let digest = Digest::of(&command.amount);
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some(user) = state.user(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status != UserStatus::Active {
        return Decision::Refuse(Refusal::UserNotActive);
    }
    if !command.amount.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    let fee = quote(state, now, command.user, command.amount).map(|quote| quote.fee);
    let costs = fee.unwrap_or_default();
    if command.fee_at_most.is_some_and(|most| costs > most) {
        return Decision::Refuse(Refusal::FeeAbove { fee: costs });
    }
    let total = command.amount.plus(costs);
    let Some(total) = total.filter(|total| *total <= user.balance) else {
        return Decision::Refuse(Refusal::BalanceShort {
            available: user.balance,
        });
    };
    if user.tier == Tier::Basic
        && let Err(above) = check(state, now, command.user, command.amount)
    {
        return Decision::Refuse(Refusal::AboveLimit { above });
    }
    let brand = state.brand(user.brand).expect("a user's brand exists");
    // What is on its way to the bank leaves the reserve first.
    let free = brand.bank_reserve.minus(brand.transit);
    if free.is_none_or(|free| free < command.amount) {
        return Decision::Refuse(Refusal::ReserveShort);
    }
    Decision::Accept(WithdrawalRequested {
        at: now,
        number: command.number,
        digest,
        user: command.user,
        amount: command.amount,
        postings: Postings::new().with(
            Account::Wallet(command.user),
            Account::Transit(user.brand),
            total,
        ),
        fee,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &WithdrawalRequested) {
    let transfer = Transfer {
        user: event.user,
        direction: Direction::Withdrawal,
        amount: event.amount,
        at: event.at,
        fee: event.fee,
    };
    state.transfers.insert(TransferId(state.next), transfer);
    if event.fee.is_some() {
        count(state, event.at, event.user, event.amount);
    }
    if state
        .user(event.user)
        .is_some_and(|row| row.tier == Tier::Basic)
    {
        spend(state, event.at, event.user, event.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::BrandId;
    use crate::limits::AMOUNT_MAX;
    use crate::testing::{LEI, MEI, NOBODY, given, nth, set_status, top_up, withdraw};

    #[test]
    fn the_money_leaves_the_wallet_at_once() {
        given([withdraw(MEI, "w", 100_000), withdraw(LEI, "w", 1)])
            .has(Account::Wallet(MEI), 0)
            .has(Account::Wallet(LEI), 99_999)
            .has(Account::Transit(BrandId(0)), 100_000)
            .has(Account::Transit(BrandId(1)), 1)
            .has(Account::BankReserve(BrandId(0)), 200_000);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let available = Fen(99_995);
        // A top-up of the same number is another thing.
        let frozen = set_status(LEI, UserStatus::Frozen);
        given([withdraw(MEI, "w", 5), top_up(MEI, "t", 5), frozen])
            .when(withdraw(MEI, "w", 5))
            .answers_again(nth(0))
            .refuses_each([
                (withdraw(MEI, "w", 0), NumberReused),
                (withdraw(NOBODY, "w", 0), UserNotFound),
                (withdraw(LEI, "w", 0), UserNotActive),
                (withdraw(MEI, "new", 0), AmountOutOfRange),
                (withdraw(MEI, "new", AMOUNT_MAX.0 + 1), AmountOutOfRange),
                (
                    withdraw(MEI, "new", AMOUNT_MAX.0),
                    BalanceShort { available },
                ),
                (withdraw(MEI, "new", 99_996), BalanceShort { available }),
            ])
            .when(withdraw(MEI, "t", 99_995))
            .accepts();
    }
}
