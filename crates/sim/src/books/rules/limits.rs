//! What users of the lower tiers may pay, from a plain list of what they paid.

use feiqian_core::user::Tier;
use feiqian_core::user::limits::{Above, Bound};
use feiqian_core::{Fen, UserId};

use super::super::{Books, Spending};

/// The day of China's clock, and the year, counted from 1970.
fn day_and_year(ms: i64) -> (i64, i64) {
    let day = (ms + 8 * 3_600_000).div_euclid(86_400_000);
    let (mut year, mut first) = (1970, 0);
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let next = first + if leap { 366 } else { 365 };
        if day < next {
            return (day, year);
        }
        (year, first) = (year + 1, next);
    }
}

impl Books {
    /// The limit that a payment of so many fen would pass.
    pub(super) fn above(&self, now: i64, user: UserId, fen: i64) -> Option<Above> {
        let (single, daily, yearly) = match self.user(user)?.tier {
            Tier::Basic => (50_000, 100_000, 100_000),
            Tier::Verified => (500_000, 500_000, 10_000_000),
            Tier::Full => return None,
        };
        let (today, this_year) = day_and_year(now);
        let spent = self.spent.get(&user).map_or(&[][..], Vec::as_slice);
        let sum = |counts: &dyn Fn((i64, i64)) -> bool| -> i64 {
            let counted = spent
                .iter()
                .filter(|paid: &&Spending| counts(day_and_year(paid.at)));
            counted.map(|paid| paid.amount).sum()
        };
        let bounds = [
            (Bound::Single, single),
            (Bound::Daily, daily - sum(&|(day, _)| day == today)),
            (Bound::Yearly, yearly - sum(&|(_, year)| year == this_year)),
        ];
        let (bound, left) = bounds.into_iter().find(|(_, left)| fen > *left)?;
        let left = Fen(left);
        Some(Above { bound, left })
    }
}
