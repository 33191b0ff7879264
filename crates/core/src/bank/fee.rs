//! What a withdrawal costs: nothing up to a quota in each calendar month, a rate of the rest.
//!
//! Units: [`Fen`]. The terms are the brand's and set by the operator; a brand without terms takes nothing
//! and counts nothing. A month is one of the platform's clock. What the bank declined in the month in which it was
//! asked for does not use up the quota.

use minicbor::{Decode, Encode};

use crate::ids::UserId;
use crate::money::{BasisPoints, Fen};
use crate::state::State;
use crate::time::UnixMillis;

/// What a brand takes for withdrawals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WithdrawalTerms {
    /// So much is free for each user in each calendar month.
    #[n(0)]
    pub free_per_month: Fen,
    /// Of what is above it.
    #[n(1)]
    pub rate: BasisPoints,
    /// Not less than this for a withdrawal that is not free.
    #[n(2)]
    pub least: Fen,
}

impl WithdrawalTerms {
    /// The fee for an amount of which so much is free.
    #[must_use]
    pub fn fee(&self, amount: Fen, free: Fen) -> Fen {
        match amount.minus(free) {
            Some(charged) if charged > Fen::ZERO => self.rate.of(charged).max(self.least),
            Some(_) | None => Fen::ZERO,
        }
    }
}

/// What a user withdrew in a month while its brand had terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Withdrawn {
    #[n(0)]
    year: i32,
    #[n(1)]
    month: u8,
    #[n(2)]
    amount: Fen,
}

impl Withdrawn {
    /// What counts in this month.
    fn by(self, month: (i32, u8)) -> Fen {
        if (self.year, self.month) == month {
            self.amount
        } else {
            Fen::ZERO
        }
    }
}

/// A quote for a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What it costs besides the amount.
    pub fee: Fen,
    /// What is left of this month's quota before it.
    pub free_left: Fen,
    /// The terms.
    pub terms: WithdrawalTerms,
}

/// What a withdrawal would cost a user now; none if there is no such user or its brand has no terms.
#[must_use]
pub fn quote(state: &State, now: UnixMillis, user: UserId, amount: Fen) -> Option<Quote> {
    let terms = state.brand(state.user(user)?.brand)?.withdrawal_terms?;
    let row = state.withdrawn.get(user).copied().unwrap_or_default();
    let used = row.by(now.day().year_and_month());
    let free_left = terms.free_per_month.minus(used).unwrap_or_default();
    let free_left = free_left.max(Fen::ZERO);
    let fee = terms.fee(amount, free_left);
    Some(Quote {
        fee,
        free_left,
        terms,
    })
}

/// Counts what a user withdraws. For `evolve`.
pub(super) fn count(state: &mut State, at: UnixMillis, user: UserId, amount: Fen) {
    let (year, month) = at.day().year_and_month();
    let row = state.withdrawn.get_or_insert(user);
    let amount = row.by((year, month)).plus(amount);
    let amount = amount.expect("a sum of what was in wallets");
    *row = Withdrawn {
        year,
        month,
        amount,
    };
}

/// Takes from the count what came back in the month in which it was counted. For `evolve`.
pub(super) fn uncount(state: &mut State, user: UserId, amount: Fen) {
    if let Some(row) = state.withdrawn.get_mut(user) {
        row.amount = row.amount.minus(amount).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::answer::Answer::{Declined, Done};
    use crate::bank::withdraw::Refusal::{BalanceShort, FeeAbove};
    use crate::bank::withdraw::Withdraw;
    use crate::brand::set_withdrawal_terms::SetWithdrawalTerms;
    use crate::ids::{BrandId, TransferId};
    use crate::ledger::Account;
    use crate::testing::{MEI, answer, given, nth, number, withdraw};

    /// 500 yuan free, then 0.1 % and at least 10 fen.
    fn terms() -> crate::Command {
        SetWithdrawalTerms {
            brand: BrandId(0),
            terms: WithdrawalTerms {
                free_per_month: Fen(50_000),
                rate: BasisPoints(10),
                least: Fen(10),
            },
        }
        .into()
    }

    #[test]
    fn a_rate_of_what_is_not_free_and_not_less_than_the_least() {
        let terms = WithdrawalTerms {
            free_per_month: Fen(100_000),
            rate: BasisPoints(10),
            least: Fen(10),
        };
        for (amount, free, fee) in [
            (100_000, 100_000, 0),
            (100_001, 100_000, 10),
            (110_000, 100_000, 10),
            (110_500, 100_000, 11),
            (110_499, 100_000, 10),
            (50_000, 0, 50),
        ] {
            assert_eq!(
                terms.fee(Fen(amount), Fen(free)),
                Fen(fee),
                "{amount} {free}"
            );
        }
    }

    #[test]
    fn the_fee_is_held_with_the_money_and_earned_when_the_bank_pays() {
        let (wallet, transit) = (Account::Wallet(MEI), Account::Transit(BrandId(0)));
        let (reserve, fees) = (
            Account::BankReserve(BrandId(0)),
            Account::FeeIncome(BrandId(0)),
        );
        given([terms(), withdraw(MEI, "a", 50_000)])
            .has(wallet, 50_000)
            .when(withdraw(MEI, "b", 20_000))
            .accepts()
            .has(wallet, 29_980)
            .has(transit, 70_020)
            .when(answer(TransferId(nth(2)), Done))
            .accepts()
            .has(transit, 50_000)
            .has(fees, 20)
            .has(reserve, 180_000);
    }

    #[test]
    fn a_declined_withdrawal_gives_back_fee_and_quota() {
        let mut world = given([terms(), withdraw(MEI, "a", 60_000)])
            .has(Account::Wallet(MEI), 39_990)
            .when(answer(TransferId(nth(1)), Declined))
            .accepts()
            .has(Account::Wallet(MEI), 100_000)
            .has(Account::FeeIncome(BrandId(0)), 0)
            .has(Account::Transit(BrandId(0)), 0);
        let left = |state: &State, now| quote(state, now, MEI, Fen(1)).map(|quote| quote.free_left);
        assert_eq!(left(&world.state, world.now), Some(Fen(50_000)));
        world = world.when(withdraw(MEI, "b", 20_000)).accepts();
        assert_eq!(left(&world.state, world.now), Some(Fen(30_000)));
        // Another month, another quota: what is declined then was of the old one.
        let later = world.now.plus(40 * 86_400_000);
        assert_eq!(left(&world.state, later), Some(Fen(50_000)));
        world.now = later;
        world = world.when(withdraw(MEI, "c", 10_000)).accepts();
        world = world.when(answer(TransferId(nth(3)), Declined)).accepts();
        assert_eq!(left(&world.state, world.now), Some(Fen(40_000)));
    }

    #[test]
    fn the_wallet_must_bear_the_fee_too() {
        let available = Fen(100_000);
        given([terms()])
            .when(withdraw(MEI, "a", 100_000))
            .refuses(BalanceShort { available })
            .when(withdraw(MEI, "a", 99_951))
            .refuses(BalanceShort { available })
            .when(withdraw(MEI, "a", 99_950))
            .accepts()
            .has(Account::Wallet(MEI), 0);
    }

    #[test]
    fn nobody_pays_more_than_they_were_told() {
        let told = |text: &str, most: i64| Withdraw {
            user: MEI,
            number: number(text),
            amount: Fen(60_000),
            fee_at_most: Some(Fen(most)),
        };
        given([terms()])
            .when(told("a", 9))
            .refuses(FeeAbove { fee: Fen(10) })
            .when(told("a", 10))
            .accepts()
            // It is no other withdrawal, whatever was told.
            .when(told("a", 9))
            .answers_again(nth(1));
        given([]).when(told("a", 0)).accepts();
    }
}
