//! The market view: who pays how much with which brand, at whose shops, and what winning them cost.

use std::collections::BTreeMap;

use feiqian_core::BrandId;

use crate::basis_points;
use crate::divided;
use crate::period::{By, Period, Span};
use crate::totals::{Crowd, Totals, Trade};

/// A brand's part of a period. Shares are basis points of all brands together; none when all have nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Payments.
    pub payments: u64,
    /// What their orders cost, in fen, discounts included, refunds not deducted.
    pub volume: i64,
    /// Of all brands' payments.
    pub payments_share: Option<u32>,
    /// Of all brands' volume.
    pub volume_share: Option<u32>,
    /// Users who paid, for the first time, and again after the period before.
    pub crowd: Crowd,
    /// Of all brands' active users.
    pub active_share: Option<u32>,
    /// What the platform gave away in the period, in fen.
    pub subsidy: i64,
    /// How much its volume lies with few categories: the sum of the squares of their shares, 1 to 10,000
    /// (Herfindahl and Hirschman).
    pub concentration: Option<u32>,
}

impl Share {
    /// Subsidy for each user who paid for the first time, in fen.
    #[must_use]
    pub fn subsidy_per_new_user(&self) -> Option<i64> {
        per(self.subsidy, self.crowd.new)
    }

    /// Subsidy for each user who had paid in the period before, in fen.
    #[must_use]
    pub fn subsidy_per_retained_user(&self) -> Option<i64> {
        per(self.subsidy, self.crowd.retained)
    }
}

fn per(fen: i64, users: u64) -> Option<i64> {
    let each = divided(fen.unsigned_abs().into(), users.into())?;
    i64::try_from(each)
        .ok()
        .map(|each| each.saturating_mul(fen.signum()))
}

/// A category's part of a brand's period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CategoryShare {
    /// Payments and volume.
    pub trade: Trade,
    /// Of the brand's volume in the period, in basis points.
    pub volume_share: Option<u32>,
}

/// A row for each period and brand with payments or subsidy in it, and for each category.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// By period, then brand.
    pub rows: BTreeMap<(Period, BrandId), Share>,
    /// By period, then brand, then the category's code.
    pub categories: BTreeMap<(Period, BrandId, u16), CategoryShare>,
}

impl Totals {
    /// The market view of the whole periods that a span touches. Shares are of all brands, also when one
    /// is asked for.
    #[must_use]
    pub fn shares(&self, by: By, span: Span, brand: Option<BrandId>) -> Shares {
        let span = span.whole(by);
        let mut shares = Shares::default();
        for ((day, brand), sums) in self.days.iter().filter(|((day, _), _)| span.holds(*day)) {
            let row = shares.rows.entry((by.of(*day), *brand)).or_default();
            row.payments = row.payments.saturating_add(sums.payments);
            row.volume = row.volume.saturating_add(sums.volume);
        }
        for campaign in &self.campaigns {
            for ((day, brand), sums) in &campaign.days {
                if span.holds(*day) {
                    let row = shares.rows.entry((by.of(*day), *brand)).or_default();
                    row.subsidy = row.subsidy.saturating_add(sums.subsidy());
                }
            }
        }
        for ((period, brand), crowd) in &self.crowds {
            if period.by == by && span.holds(period.first) {
                shares.rows.entry((*period, *brand)).or_default().crowd = *crowd;
            }
        }
        for ((day, brand, category), sums) in &self.trades {
            if span.holds(*day) {
                let key = (by.of(*day), *brand, *category);
                let trade = &mut shares.categories.entry(key).or_default().trade;
                trade.payments = trade.payments.saturating_add(sums.payments);
                trade.volume = trade.volume.saturating_add(sums.volume);
            }
        }
        shares.divide();
        if let Some(only) = brand {
            shares.rows.retain(|(_, brand), _| *brand == only);
            shares.categories.retain(|(_, brand, _), _| *brand == only);
        }
        shares
    }
}

impl Shares {
    /// Fills in what is relative to sums.
    fn divide(&mut self) {
        let mut sums: BTreeMap<Period, Share> = BTreeMap::new();
        for ((period, _), row) in &self.rows {
            let sum = sums.entry(*period).or_default();
            sum.payments = sum.payments.saturating_add(row.payments);
            sum.volume = sum.volume.saturating_add(row.volume);
            sum.crowd.active = sum.crowd.active.saturating_add(row.crowd.active);
        }
        for ((period, _), row) in &mut self.rows {
            let sum = sums.get(period).copied().unwrap_or_default();
            row.payments_share = basis_points(row.payments, sum.payments);
            row.volume_share = basis_points(row.volume.unsigned_abs(), sum.volume.unsigned_abs());
            row.active_share = basis_points(row.crowd.active, sum.crowd.active);
        }
        let mut squares: BTreeMap<(Period, BrandId), u128> = BTreeMap::new();
        for ((period, brand, _), category) in &mut self.categories {
            let whole = self
                .rows
                .get(&(*period, *brand))
                .map_or(0, |row| row.volume);
            let part = category.trade.volume.unsigned_abs();
            category.volume_share = basis_points(part, whole.unsigned_abs());
            // In millionths, so that rounding is far below the basis points that are shown.
            let share = u128::from(part).saturating_mul(1_000_000);
            let share = divided(share, whole.unsigned_abs().into()).unwrap_or(0);
            let sum = squares.entry((*period, *brand)).or_default();
            *sum = sum.saturating_add(share.saturating_mul(share));
        }
        for (key, sum) in squares {
            if let Some(row) = self.rows.get_mut(&key) {
                // A millionth's square is 10⁻¹², and 1 is 10,000.
                let index = divided(sum, 100_000_000).and_then(|index| u32::try_from(index).ok());
                row.concentration = index;
            }
        }
    }
}
