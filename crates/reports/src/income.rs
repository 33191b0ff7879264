//! The income statement: what each brand earned with its payers and what that cost, with and without subsidy.
//!
//! Over all brands and days the sums equal the ledger's accounts: fee income, subsidy, rebate losses.

use std::collections::BTreeMap;

use feiqian_core::{BrandId, CampaignId};

use crate::campaigns::{CampaignDay, Kind};
use crate::period::{By, Period, Span};
use crate::totals::Totals;

/// What a brand earned and spent in a period, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Income {
    /// Fees kept, less those given back with refunds.
    pub fee_income: i64,
    /// Discounts that the platform paid for, less what refunds gave back.
    pub discounts: i64,
    /// The same of coupons.
    pub coupons: i64,
    /// The same of rebates.
    pub rebates: i64,
    /// What merchants paid of all these, less what refunds gave back. No cost of the brand.
    pub funded: i64,
    /// What the ways of payment cost. Nothing tells it yet: 0.
    pub rail_cost: i64,
    /// Rebates that refunds could not take back.
    pub losses: i64,
}

impl Income {
    /// What the platform paid for discounts, coupons and rebates.
    #[must_use]
    pub fn subsidy(&self) -> i64 {
        let sum = self.discounts.saturating_add(self.coupons);
        sum.saturating_add(self.rebates)
    }

    /// Fees less rail cost: what would be left had nothing been given away.
    #[must_use]
    pub fn profit_without_subsidy(&self) -> i64 {
        self.fee_income.saturating_sub(self.rail_cost)
    }

    /// What is left: fees less rail cost, subsidy and losses.
    #[must_use]
    pub fn profit(&self) -> i64 {
        let given = self.subsidy().saturating_add(self.losses);
        self.profit_without_subsidy().saturating_sub(given)
    }
}

/// A row for each period and brand with anything in it, and one for each campaign in it.
#[derive(Clone, Debug, Default)]
pub struct IncomeStatement {
    /// By period, then brand.
    pub rows: BTreeMap<(Period, BrandId), Income>,
    /// By period, then brand, then campaign.
    pub campaigns: BTreeMap<(Period, BrandId, CampaignId), CampaignDay>,
}

impl Totals {
    /// The income statement, of one brand or all, of the whole periods that a span touches.
    #[must_use]
    pub fn income(&self, by: By, span: Span, brand: Option<BrandId>) -> IncomeStatement {
        let span = span.whole(by);
        let wanted = |day, of| span.holds(day) && brand.is_none_or(|only| only == of);
        let mut statement = IncomeStatement::default();
        for ((day, brand), sums) in &self.days {
            if wanted(*day, *brand) {
                let row = statement.rows.entry((by.of(*day), *brand)).or_default();
                row.fee_income = row.fee_income.saturating_add(sums.fees);
                row.losses = row.losses.saturating_add(sums.losses);
            }
        }
        for (id, campaign) in self.campaigns() {
            for ((day, brand), sums) in &campaign.days {
                if !wanted(*day, *brand) {
                    continue;
                }
                let period = by.of(*day);
                let row = statement.rows.entry((period, *brand)).or_default();
                let of_kind = match campaign.kind {
                    Kind::Discount => &mut row.discounts,
                    Kind::Coupon => &mut row.coupons,
                    Kind::Rebate => &mut row.rebates,
                };
                *of_kind = of_kind.saturating_add(sums.subsidy());
                let funded = sums.funder.saturating_sub(sums.funder_back);
                row.funded = row.funded.saturating_add(funded);
                let row = statement.campaigns.entry((period, *brand, id)).or_default();
                row.add(sums);
            }
        }
        statement
    }
}
