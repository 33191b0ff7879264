//! Instants. The rules never read a clock: the engine stamps each command with one of these.

use core::fmt;

use minicbor::{Decode, Encode};

use crate::limits::DAY_MS;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct UnixMillis(#[n(0)] pub i64);

impl UnixMillis {
    /// This instant, `ms` milliseconds later; stays at the end of time rather than overflow.
    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The day that the platform's clock shows.
    #[must_use]
    pub fn day(self) -> Day {
        let days = self.local().div_euclid(DAY_MS);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The hour that the platform's clock shows, 0 to 23.
    #[must_use]
    pub fn hour(self) -> i64 {
        self.local().rem_euclid(DAY_MS).div_euclid(60 * 60 * 1_000)
    }

    fn local(self) -> i64 {
        self.0.saturating_add(PLATFORM_ZONE_MS)
    }
}

/// The platform's clock is ahead of UTC by so much, the year round: China's, as in the bills.
pub const PLATFORM_ZONE_MS: i64 = 8 * 60 * 60 * 1_000;

/// A day of the platform's clock, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Day(#[n(0)] pub i32);

impl Day {
    /// Its first millisecond.
    #[must_use]
    pub fn start(self) -> UnixMillis {
        let local = i64::from(self.0).saturating_mul(DAY_MS);
        UnixMillis(local.saturating_sub(PLATFORM_ZONE_MS))
    }

    /// So many days later.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Its year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.year_and_month().0
    }

    /// Its year and month, 1 to 12, of the Gregorian calendar.
    ///
    /// Counted from 0000-03-01 in 400 years of 146,097 days, so that the leap day is a year's last
    /// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
    #[must_use]
    pub fn year_and_month(self) -> (i32, u8) {
        let days = i64::from(self.0).saturating_add(719_468);
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let leaps = |days: i64| day.div_euclid(days);
        let year = day
            .saturating_sub(leaps(1_460))
            .saturating_add(leaps(36_524))
            .saturating_sub(leaps(146_096))
            .div_euclid(365);
        let before = year
            .saturating_mul(365)
            .saturating_add(year.div_euclid(4))
            .saturating_sub(year.div_euclid(100));
        let month = day
            .saturating_sub(before)
            .saturating_mul(5)
            .saturating_add(2)
            .div_euclid(153);
        // March is 0.
        let next_year = i64::from(month >= 10);
        let month = month.saturating_add(2).rem_euclid(12).saturating_add(1);
        let year = era
            .saturating_mul(400)
            .saturating_add(year)
            .saturating_add(next_year);
        (
            i32::try_from(year).expect("32 bits of days are 6 million years"),
            u8::try_from(month).expect("a month is 1 to 12"),
        )
    }

    /// Its weekday, 1 for Monday to 7 for Sunday (ISO 8601).
    #[must_use]
    pub fn weekday(self) -> i64 {
        // 1970-01-01 was a Thursday.
        i64::from(self.0)
            .saturating_add(3)
            .rem_euclid(7)
            .saturating_add(1)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_days() {
        let leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut day = Day(-25_932);
        assert_eq!(day.year_and_month(), (1899, 1));
        for year in 1899..2201 {
            let february = if leap(year) { 29 } else { 28 };
            let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, days) in (1..).zip(months) {
                for _ in 0..days {
                    assert_eq!(day.year_and_month(), (year, month), "{day:?}");
                    day = day.plus(1);
                }
            }
        }
        assert_eq!(Day(0).year_and_month(), (1970, 1));
        assert!(Day(i32::MIN).year() < Day(i32::MAX).year());
    }

    #[test]
    fn days_are_the_platforms() {
        // 2017-11-11 was a Saturday; it began at 16:00 UTC of the day before.
        let start = UnixMillis(1_510_329_600_000);
        assert_eq!(start.day().start(), start);
        assert_eq!(start.plus(-1).day(), start.day().plus(-1));
        assert_eq!((start.hour(), start.plus(-1).hour()), (0, 23));
        assert_eq!(start.day().weekday(), 6);
        assert_eq!(start.day().plus(2).weekday(), 1);
        assert_eq!(
            UnixMillis(i64::MAX).day().start().day(),
            UnixMillis(i64::MAX).day()
        );
    }
}
