//! What a user of a lower tier may pay: at once, in a day, in a year of the platform's clock.
//!
//! The figures are in [`crate::limits`] with where they come from. What was paid counts, also when a
//! shop refunds it; money that reached nobody and came back does not ([`unspend`]). Users of
//! [`Tier::Full`] have no limits and no row here, so that they cost nothing.

use core::fmt;

use minicbor::{Decode, Encode};

use crate::ids::UserId;
use crate::limits::{BASIC_LIMITS, VERIFIED_LIMITS};
use crate::money::Fen;
use crate::state::State;
use crate::table;
use crate::time::{Day, UnixMillis};
use crate::user::Tier;

/// The most that a tier may pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At once.
    pub single: Fen,
    /// In a day.
    pub daily: Fen,
    /// In a year.
    pub yearly: Fen,
}

/// What a user of a lower tier has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Spent {
    /// The day on which it last spent.
    #[n(0)]
    day: Day,
    /// On that day.
    #[n(1)]
    today: Fen,
    /// In that day's year.
    #[n(2)]
    this_year: Fen,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Of one payment.
    Single,
    /// Of a day.
    Daily,
    /// Of a year.
    Yearly,
}

/// More than a limit leaves. May succeed with less, on another day, or in a higher tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Above {
    /// The first limit that it passes.
    pub bound: Bound,
    /// What that leaves.
    pub left: Fen,
}

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.bound {
            Bound::Single => "at once",
            Bound::Daily => "today",
            Bound::Yearly => "this year",
        };
        let left = self.left;
        write!(
            f,
            "this wallet may spend {left} yuan {when}: more is for those who are better known"
        )
    }
}

impl Tier {
    /// What it may pay at most; none: whatever it has.
    #[must_use]
    pub fn limits(self) -> Option<Limits> {
        match self {
            Self::Basic => Some(BASIC_LIMITS),
            Self::Verified => Some(VERIFIED_LIMITS),
            Self::Full => None,
        }
    }
}

impl Spent {
    /// What counts on a day: of the day, of the year.
    fn by(self, day: Day) -> (Fen, Fen) {
        let today = (self.day == day).then_some(self.today);
        let this_year = (self.day.year() == day.year()).then_some(self.this_year);
        (today.unwrap_or_default(), this_year.unwrap_or_default())
    }
}

impl table::Key for UserId {
    fn event(self) -> u64 {
        u64::from(self.0)
    }
}

/// What a user has spent today and this year, as far as limits count it.
#[must_use]
pub fn spent(state: &State, now: UnixMillis, user: UserId) -> (Fen, Fen) {
    let row = state.spent.get(user).copied().unwrap_or_default();
    row.by(now.day())
}

/// Whether an existing user may pay an amount now.
///
/// # Errors
/// The first limit that it passes.
pub fn check(state: &State, now: UnixMillis, user: UserId, amount: Fen) -> Result<(), Above> {
    let Some(limits) = state.user(user).and_then(|row| row.tier.limits()) else {
        return Ok(());
    };
    let (today, this_year) = spent(state, now, user);
    for (bound, most, so_far) in [
        (Bound::Single, limits.single, Fen::ZERO),
        (Bound::Daily, limits.daily, today),
        (Bound::Yearly, limits.yearly, this_year),
    ] {
        // A user whose tier was lowered may have spent more than it now may.
        let left = most.minus(so_far).unwrap_or_default();
        if amount > left {
            return Err(Above { bound, left });
        }
    }
    Ok(())
}

/// Counts what a user paid. For `evolve`.
pub(crate) fn spend(state: &mut State, at: UnixMillis, user: UserId, amount: Fen) {
    if state.user(user).is_none_or(|row| row.tier == Tier::Full) {
        return;
    }
    let day = at.day();
    let row = state.spent.get_or_insert(user);
    let (today, this_year) = row.by(day);
    let sum = |so_far: Fen| so_far.plus(amount).expect("a sum of balances");
    *row = Spent {
        day,
        today: sum(today),
        this_year: sum(this_year),
    };
}

/// Takes from the count what was paid at `spent_at` and came back from nobody. For `evolve`.
pub(crate) fn unspend(state: &mut State, spent_at: UnixMillis, user: UserId, amount: Fen) {
    let Some(row) = state.spent.get_mut(user) else {
        return;
    };
    let day = spent_at.day();
    // What was spent in a higher tier was not counted.
    if row.day == day {
        row.today = row.today.minus(amount).unwrap_or_default();
    }
    if row.day.year() == day.year() {
        row.this_year = row.this_year.minus(amount).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{answer::Answer, withdraw};
    use crate::ids::{OrderId, TransferId};
    use crate::limits::DAY_MS;
    use crate::order::pay::Refusal::AboveLimit;
    use crate::testing::{MEI, ORDER, add_user, answer, create, given, nth, pay, top_up, withdraw};

    const ANN: UserId = UserId(4);

    /// Ann, of this tier, with so much, at 00:00 on 2017-11-11.
    fn ann(tier: Tier, fen: i64) -> crate::testing::World {
        given([
            add_user("ann", 0, tier),
            top_up(ANN, "first", fen),
            answer(TransferId(nth(1)), Answer::Done),
        ])
    }

    fn above(bound: Bound, left: i64) -> Above {
        let left = Fen(left);
        Above { bound, left }
    }

    #[test]
    fn a_payment_a_day_a_year() {
        let order = |n: u64| OrderId(nth(n));
        ann(Tier::Verified, 20_000_000)
            .when(create("a", 500_001))
            .when(pay(order(3), ANN))
            .refuses(AboveLimit {
                above: above(Bound::Single, 500_000),
            })
            .when(create("b", 499_999))
            .when(pay(order(4), ANN))
            .accepts()
            .when(create("c", 2))
            .when(pay(order(6), ANN))
            .refuses(AboveLimit {
                above: above(Bound::Daily, 1),
            })
            .after_ms(DAY_MS)
            .when(pay(order(6), ANN))
            .accepts()
            .has(crate::ledger::Account::Wallet(ANN), 20_000_000 - 500_001);
    }

    #[test]
    fn a_year_begins_at_midnight_of_the_platforms_clock() {
        // 50 days of November and December are left, and the last is the 31st.
        let mut world = ann(Tier::Basic, 300_000);
        world.accept(&create("a", 50_000));
        world.accept(&create("b", 50_000));
        world.accept(&pay(OrderId(nth(3)), ANN));
        world.accept(&pay(OrderId(nth(4)), ANN));
        assert_eq!(
            spent(&world.state, world.now, ANN),
            (Fen(100_000), Fen(100_000))
        );
        world = world.after_ms(51 * DAY_MS - 1);
        assert_eq!(spent(&world.state, world.now, ANN), (Fen(0), Fen(100_000)));
        let refusal = AboveLimit {
            above: above(Bound::Yearly, 0),
        };
        world.accept(&create("c", 1));
        world = world.when(pay(OrderId(nth(7)), ANN)).refuses(refusal);
        world.after_ms(1).when(pay(OrderId(nth(7)), ANN)).accepts();
    }

    #[test]
    fn who_is_known_well_is_not_counted() {
        let world = given([create("a", 100_000), pay(ORDER, MEI)]);
        assert_eq!(world.state.spent.len(), 0);
    }

    /// The bank account is the user's own, but for the lowest tier the rules count it all the same.
    #[test]
    fn only_the_lowest_tiers_withdrawals_count() {
        ann(Tier::Verified, 600_000)
            .when(withdraw(ANN, "w", 600_000))
            .accepts();
        ann(Tier::Basic, 600_000)
            .when(withdraw(ANN, "w", 50_001))
            .refuses(withdraw::Refusal::AboveLimit {
                above: above(Bound::Single, 50_000),
            })
            .when(withdraw(ANN, "w", 50_000))
            .accepts()
            .when(answer(TransferId(nth(3)), Answer::Declined))
            .accepts()
            .when(withdraw(ANN, "v", 50_000))
            .accepts()
            .when(withdraw(ANN, "u", 50_000))
            .accepts()
            .when(withdraw(ANN, "t", 1))
            .refuses(withdraw::Refusal::AboveLimit {
                above: above(Bound::Daily, 0),
            });
    }
}
