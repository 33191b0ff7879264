//! What brands take for withdrawals, and what of each month's quota is used up.

use std::collections::BTreeMap;

use feiqian_core::bank::fee::WithdrawalTerms;
use feiqian_core::{BrandId, UserId};

use super::campaigns::day;
use super::people::year;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Withdrawals {
    /// Of those brands that take something, or said that they take nothing.
    pub terms: BTreeMap<BrandId, WithdrawalTerms>,
    /// Fen that users withdrew in each month while their brand had terms.
    pub by_month: BTreeMap<(UserId, i64, u8), i64>,
}

/// The month of the platform's clock, with its year.
pub(super) fn month(at: i64) -> (i64, u8) {
    let today = day(at);
    let year = year(today);
    // Days from 1970 to the year's beginning; every fourth year from 1972 to 2096 has one more.
    let begin = (year - 1970) * 365 + (year - 1969) / 4;
    let february = if year % 4 == 0 { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut left, mut number) = (today - begin, 1);
    for days in months {
        if left < days {
            break;
        }
        (left, number) = (left - days, number + 1);
    }
    (year, number)
}

impl Withdrawals {
    /// What a withdrawal costs besides its amount; none where nobody said.
    pub(super) fn fee(&self, at: i64, user: UserId, brand: BrandId, amount: i64) -> Option<i64> {
        let terms = self.terms.get(&brand)?;
        let (year, month) = month(at);
        let used = self.by_month.get(&(user, year, month));
        let free = (terms.free_per_month.0 - used.copied().unwrap_or(0)).max(0);
        let charged = amount.saturating_sub(free);
        let rate = super::rules::part(charged.max(0), i64::from(terms.rate.0), 10_000);
        Some(if charged > 0 {
            rate.max(terms.least.0)
        } else {
            0
        })
    }

    pub(super) fn count(&mut self, at: i64, user: UserId, amount: i64) {
        let (year, month) = month(at);
        *self.by_month.entry((user, year, month)).or_default() += amount;
    }
}
