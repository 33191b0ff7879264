//! Periods of the platform's calendar: days, months, quarters, years.

use core::fmt;

use feiqian_core::time::Day;
use jiff::ToSpan;
use jiff::civil::Date;
use minicbor::{Decode, Encode};

/// What rows are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum By {
    /// A day.
    #[n(0)]
    Day,
    /// A month.
    #[n(1)]
    Month,
    /// Three months, the first from January on.
    #[n(2)]
    Quarter,
    /// A year.
    #[n(3)]
    Year,
}

/// A period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Period {
    /// What it is.
    #[n(0)]
    pub by: By,
    /// Its first day.
    #[n(1)]
    pub first: Day,
}

/// Days from one to another, both included; open where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: Option<Day>,
    /// The last day.
    pub to: Option<Day>,
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// A day's date; the calendar's first or last for one that is outside.
#[must_use]
pub fn date(day: Day) -> Date {
    // More days than the calendar has, and no more than a span can have.
    EPOCH.saturating_add(day.0.clamp(-5_000_000, 5_000_000).days())
}

/// The day of a date.
#[must_use]
pub fn day(date: Date) -> Day {
    // Between two dates of the calendar there are fewer days than an i32 counts.
    Day(EPOCH.until(date).map_or(0, |span| span.get_days()))
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Month, Self::Quarter, Self::Year];

    /// The period that holds a day.
    #[must_use]
    pub fn of(self, within: Day) -> Period {
        let date = date(within);
        let first = match self {
            Self::Day => {
                return Period {
                    by: self,
                    first: within,
                };
            }
            Self::Month => date.first_of_month(),
            Self::Quarter => {
                let back = (i32::from(date.month()) - 1).rem_euclid(3);
                date.first_of_month().saturating_sub(back.months())
            }
            Self::Year => date.first_of_year(),
        };
        Period {
            by: self,
            first: day(first),
        }
    }

    /// Its name in options and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl Period {
    /// The one before.
    #[must_use]
    pub fn before(self) -> Self {
        self.by.of(self.first.plus(-1))
    }

    /// Its last day.
    #[must_use]
    pub fn last(self) -> Day {
        let date = date(self.first);
        day(match self.by {
            By::Day => return self.first,
            By::Month => date.last_of_month(),
            By::Quarter => date.saturating_add(2.months()).last_of_month(),
            By::Year => date.last_of_year(),
        })
    }
}

impl fmt::Display for Period {
    /// `2026-01-31`, `2026-01`, `2026-Q1`, `2026`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = date(self.first);
        let (year, month) = (date.year(), date.month());
        match self.by {
            By::Day => write!(f, "{date}"),
            By::Month => write!(f, "{year:04}-{month:02}"),
            By::Quarter => write!(f, "{year:04}-Q{}", (month + 2) / 3),
            By::Year => write!(f, "{year:04}"),
        }
    }
}

impl Span {
    /// The same, from the start of a period to the end of one: a period is shown whole or not at all.
    #[must_use]
    pub fn whole(self, by: By) -> Self {
        Self {
            from: self.from.map(|from| by.of(from).first),
            to: self.to.map(|to| by.of(to).last()),
        }
    }

    /// Whether a day is in it.
    #[must_use]
    pub fn holds(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(year: i16, month: i8, of_month: i8) -> Day {
        day(Date::constant(year, month, of_month))
    }

    #[test]
    fn periods_begin_end_and_follow_each_other() {
        let cases = [
            (
                By::Day,
                on(2024, 2, 29),
                "2024-02-29",
                on(2024, 2, 29),
                on(2024, 2, 29),
            ),
            (
                By::Month,
                on(2024, 2, 29),
                "2024-02",
                on(2024, 2, 1),
                on(2024, 2, 29),
            ),
            (
                By::Quarter,
                on(2024, 2, 29),
                "2024-Q1",
                on(2024, 1, 1),
                on(2024, 3, 31),
            ),
            (
                By::Quarter,
                on(2025, 12, 31),
                "2025-Q4",
                on(2025, 10, 1),
                on(2025, 12, 31),
            ),
            (
                By::Year,
                on(2025, 7, 1),
                "2025",
                on(2025, 1, 1),
                on(2025, 12, 31),
            ),
        ];
        for (by, within, name, first, last) in cases {
            let period = by.of(within);
            assert_eq!((period.first, period.last()), (first, last), "{name}");
            assert_eq!(period.to_string(), name);
            assert_eq!(period.before().last().plus(1), first, "{name}");
            assert_eq!(by.of(last.plus(1)).before(), period, "{name}");
        }
        assert_eq!(on(1970, 1, 1), Day(0));
        assert_eq!(date(Day(i32::MIN)), Date::MIN);
        assert_eq!(By::Year.of(Day(i32::MAX)).last(), day(Date::MAX));
    }

    #[test]
    fn a_span_is_widened_to_whole_periods() {
        let span = Span {
            from: Some(on(2026, 2, 3)),
            to: None,
        };
        assert_eq!(span.whole(By::Quarter).from, Some(on(2026, 1, 1)));
        let span = Span {
            to: Some(on(2026, 2, 3)),
            ..span
        }
        .whole(By::Month);
        assert!(span.holds(on(2026, 2, 1)) && span.holds(on(2026, 2, 28)));
        assert!(!span.holds(on(2026, 1, 31)) && !span.holds(on(2026, 3, 1)));
    }
}
