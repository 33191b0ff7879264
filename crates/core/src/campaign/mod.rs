//! Campaigns: discounts, coupons and rebates, each paid from a budget that nothing crosses.
//!
//! ```text
//! Draft ── approve ──► Approved ── start ──► Running ◄── pause / resume ──► Paused
//!   │                     │                     │                              │
//!   └── end ──────────────┴──── end ────────────┴──── end (hand, time, budget) ┴──► Ended
//! ```
//!
//! A grant is a posting in the event of the payment, from the campaign's accounts: [`Account::Subsidy`] for the
//! platform's part, [`Account::CampaignFund`] for what a merchant paid in advance. What is granted and not
//! returned, with what is promised to open coupons, never exceeds the budget.
//!
//! [`Account::Subsidy`]: crate::Account::Subsidy
//! [`Account::CampaignFund`]: crate::Account::CampaignFund

pub mod add;
pub mod backtest;
pub mod budget;
pub mod choose;
pub mod coupon;
pub mod coupons;
pub mod end;
pub mod give;
pub mod grant;
pub mod payout;
pub mod return_coupon;
pub mod return_subsidy;
pub mod rule;
pub mod shoppers;
pub mod step;
pub mod subsidise;
pub mod sweep;
pub mod terms;
pub mod use_coupon;
pub mod void_coupon;

#[cfg(test)]
pub(crate) mod outside_world;

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "a test stops at the first surprise"
)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use minicbor::{Decode, Encode};

use crate::command::Command;
use crate::ids::{CampaignId, CouponId, EventNumber, MerchantId, Number, OrderId, UserId};
use crate::money::Fen;
use crate::state::index;
use crate::table::{self, Table};
use crate::time::{Day, UnixMillis};

pub use coupon::{Coupon, CouponState, Subsidy};
use terms::Kind;
pub use terms::Terms;

/// A campaign and its accounts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Campaign {
    /// The event that added it.
    #[n(0)]
    pub added: EventNumber,
    /// Who added it.
    #[n(1)]
    pub by: Number,
    /// As it was written.
    #[cbor(n(2), with = "crate::cbor")]
    pub terms: Arc<Terms>,
    /// Where it stands.
    #[n(3)]
    pub status: Status,
    /// Most that it may have granted and not got back.
    #[n(4)]
    pub budget: Fen,
    /// Granted and not got back, by whoever pays: the subsidy and the funder's part.
    #[n(5)]
    pub spent: Fen,
    /// Promised to open coupons.
    #[n(6)]
    pub promised: Fen,
    /// Balance of its subsidy account.
    #[n(7)]
    pub subsidy: Fen,
    /// Balance of its fund.
    #[n(8)]
    pub fund: Fen,
    /// Balance of its pending rebates.
    #[n(9)]
    pub pending: Fen,
    /// The newest day on which it granted anything.
    #[n(10)]
    pub day: Day,
    /// Granted on that day.
    #[n(11)]
    pub day_spent: Fen,
    /// Payers who got something.
    #[n(12)]
    pub users: u32,
    /// Coupons given.
    #[n(13)]
    pub coupons: u32,
    /// The newest event that changed its status.
    #[n(14)]
    pub last: EventNumber,
    /// How many coupons it gives, if that was changed.
    #[n(15)]
    pub coupons_most: Option<u32>,
}

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Status {
    /// Written.
    #[n(0)]
    Draft,
    /// Agreed to by a second operator, and funded.
    #[n(1)]
    Approved,
    /// It gives, between its times.
    #[n(2)]
    Running,
    /// It gives nothing for now.
    #[n(3)]
    Paused,
    /// It gives nothing any more.
    #[n(4)]
    Ended,
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Draft => "a draft",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Ended => "ended",
        })
    }
}

/// What one payer had of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Had {
    /// How much. Refunds do not lower it.
    #[n(0)]
    pub amount: Fen,
    /// How often.
    #[n(1)]
    pub times: u32,
    /// The last day of it.
    #[n(2)]
    pub day: Day,
    /// How often on that day.
    #[n(3)]
    pub today: u32,
    /// Coupons given.
    #[n(4)]
    pub coupons: u32,
}

impl Had {
    fn add(&mut self, more: &Self) {
        self.amount = self.amount.plus(more.amount).expect("within the budget");
        self.times = self.times.saturating_add(more.times);
        self.coupons = self.coupons.saturating_add(more.coupons);
        self.today = match self.day.cmp(&more.day) {
            core::cmp::Ordering::Less => more.today,
            core::cmp::Ordering::Equal => self.today.saturating_add(more.today),
            core::cmp::Ordering::Greater => self.today,
        };
        self.day = self.day.max(more.day);
    }
}

impl Campaign {
    /// Whether grants and promises together keep the budget.
    #[must_use]
    pub fn is_within_budget(&self) -> bool {
        // So that the auditor finds it, not this assertion.
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Bug::CeilingBeforeBatch) {
            return true;
        }
        self.spent
            .plus(self.promised)
            .is_some_and(|used| used <= self.budget)
    }

    /// What can still be granted or promised.
    #[must_use]
    pub fn left(&self) -> Fen {
        let used = self.spent.plus(self.promised).unwrap_or(self.budget);
        self.budget.minus(used).unwrap_or(Fen::ZERO)
    }

    /// How many coupons it gives; none if it has no coupons.
    #[must_use]
    pub fn coupons_most(&self) -> u32 {
        match (self.coupons_most, self.terms.kind) {
            (Some(most), _) => most,
            (None, Kind::Coupon(coupon)) => coupon.most,
            (None, Kind::Discount | Kind::Rebate { .. }) => 0,
        }
    }

    /// What can still be granted today.
    #[must_use]
    pub fn left_today(&self, today: Day) -> Option<Fen> {
        let limit = self.terms.per_day?;
        let spent = if self.day == today {
            self.day_spent
        } else {
            Fen::ZERO
        };
        Some(limit.minus(spent).unwrap_or(Fen::ZERO))
    }

    /// Whether it gives at this time.
    #[must_use]
    pub fn runs(&self, now: UnixMillis) -> bool {
        self.status == Status::Running && self.terms.from <= now && now < self.terms.until
    }

    /// Whether its time is over, or its budget.
    #[must_use]
    pub fn is_over(&self, now: UnixMillis) -> bool {
        let spent = self.left() < self.terms.least()
            && self.promised == Fen::ZERO
            && self.terms.when_spent == terms::WhenSpent::PayWithout
            && self.terms.funding_is_ours();
        matches!(self.status, Status::Running | Status::Paused)
            && (now >= self.terms.until || spent && self.status == Status::Running)
    }
}

/// Everything about campaigns that deciding needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Campaigns {
    pub rows: Vec<Campaign>,
    /// Those that run or are paused, by id.
    pub live: Vec<CampaignId>,
    /// Those of them that name no merchants: every payment looks at them.
    pub everywhere: Vec<CampaignId>,
    /// The others, by the merchants that they name.
    pub at: HashMap<MerchantId, Vec<CampaignId>, FixedState>,
    /// What payers had of each, for as long as it has not ended.
    pub had: Vec<Table<Payer, Had>>,
    pub coupons: Table<CouponId, Coupon>,
    /// Each campaign's coupons in the order in which they end.
    pub ends: BTreeMap<CampaignId, VecDeque<CouponId>>,
    /// Each campaign's waiting rebates in the order in which they are due.
    pub rebates: BTreeMap<CampaignId, VecDeque<(UnixMillis, OrderId)>>,
    /// Users' open coupons.
    pub held: HashMap<UserId, Vec<CouponId>, FixedState>,
    /// When it was last swept.
    pub swept: UnixMillis,
}

impl Campaigns {
    pub fn get(&self, id: CampaignId) -> Option<&Campaign> {
        self.rows.get(index(id.0))
    }

    pub fn row_mut(&mut self, id: CampaignId) -> &mut Campaign {
        self.rows
            .get_mut(index(id.0))
            .expect("the campaign was found when deciding")
    }

    /// What a payer had of a campaign.
    pub fn had(&self, id: CampaignId, payer: Payer) -> Had {
        let table = self.had.get(index(id.0));
        table
            .and_then(|table| table.get(payer))
            .copied()
            .unwrap_or_default()
    }

    fn had_mut(&mut self, id: CampaignId, payer: Payer) -> &mut Had {
        self.had[index(id.0)].get_or_insert(payer)
    }

    pub fn push(&mut self, campaign: Campaign) {
        self.rows.push(campaign);
        self.had.push(Table::default());
    }

    /// Sets where a campaign stands, and with it whether payments look at it.
    pub fn set_status(&mut self, id: CampaignId, status: Status) {
        self.row_mut(id).status = status;
        self.look_at(id, matches!(status, Status::Running | Status::Paused));
        if status == Status::Ended {
            self.had[index(id.0)] = Table::default();
            for coupon in self.ends.remove(&id).unwrap_or_default() {
                self.forget_coupon(coupon);
            }
        }
    }

    /// Rebates whose day has come, and campaigns that are over.
    pub fn due(&self, now: UnixMillis) -> impl Iterator<Item = Command> {
        let rebates = self.rebates.values().flat_map(move |queue| {
            let due = queue.iter().take_while(move |(due, _)| *due <= now);
            due.map(|(_, order)| payout::PayRebate { order: *order }.into())
        });
        let live = self.live.iter().copied();
        let over = live.filter(move |id| self.rows[index(id.0)].is_over(now));
        rebates.chain(over.map(|campaign| end::EndCampaign { campaign }.into()))
    }

    /// Nothing of it is due before this.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let rebates = self.rebates.values().filter_map(|queue| queue.front());
        let ends = self.live.iter().map(|id| {
            let row = &self.rows[index(id.0)];
            if row.is_over(UnixMillis(i64::MIN)) {
                UnixMillis(i64::MIN)
            } else {
                row.terms.until
            }
        });
        rebates.map(|(due, _)| *due).chain(ends).min()
    }

    /// Takes a rebate out of those that wait: nearly always the first of its campaign.
    pub fn rebate_is_paid(&mut self, campaign: CampaignId, order: OrderId) {
        let queue = self.rebates.get_mut(&campaign).expect("it waited");
        if queue.front().is_some_and(|(_, first)| *first == order) {
            queue.pop_front();
        } else {
            queue.retain(|(_, other)| *other != order);
        }
        if queue.is_empty() {
            self.rebates.remove(&campaign);
        }
    }

    /// Two payers are one from now on: what both had counts together.
    pub fn join(&mut self, one: UserId, first: UserId) {
        for (row, had) in self.rows.iter_mut().zip(&mut self.had) {
            if !row.terms.per_user.by_person || one == first {
                continue;
            }
            let Some(more) = had.remove(Payer(one)) else {
                continue;
            };
            match had.get_mut(Payer(first)) {
                None => had.insert(Payer(first), more),
                Some(sum) => {
                    let both = sum.times > 0 && more.times > 0;
                    row.users = row.users.saturating_sub(u32::from(both));
                    sum.add(&more);
                }
            }
        }
    }

    /// Whether payments look at a campaign.
    pub fn look_at(&mut self, id: CampaignId, live: bool) {
        let terms = self.row_mut(id).terms.clone();
        let set = |list: &mut Vec<CampaignId>| {
            list.retain(|other| *other != id);
            if live {
                list.push(id);
                list.sort_unstable();
            }
        };
        set(&mut self.live);
        if terms.merchants.is_empty() {
            set(&mut self.everywhere);
        }
        for merchant in &terms.merchants {
            set(self.at.entry(*merchant).or_default());
            if !live && self.at.get(merchant).is_some_and(Vec::is_empty) {
                self.at.remove(merchant);
            }
        }
    }

    /// The campaigns that may apply to an order of this merchant.
    pub fn looking_at(&self, merchant: MerchantId) -> impl Iterator<Item = CampaignId> {
        let here = if self.at.is_empty() {
            None
        } else {
            self.at.get(&merchant)
        };
        self.everywhere
            .iter()
            .chain(here.into_iter().flatten())
            .copied()
    }

    /// Counts what a payer was granted.
    pub fn granted(&mut self, id: CampaignId, payer: Payer, amount: Fen, today: Day) {
        let row = self.row_mut(id);
        row.spent = row.spent.plus(amount).expect("within the budget");
        assert!(row.is_within_budget(), "a grant is within the budget");
        if row.day != today {
            (row.day, row.day_spent) = (today, Fen::ZERO);
        }
        row.day_spent = row.day_spent.plus(amount).expect("within the budget");
        if row.terms.counts_payers() {
            let had = self.had_mut(id, payer);
            let first = had.times == 0;
            had.amount = had.amount.plus(amount).expect("within the budget");
            had.times = had.times.saturating_add(1);
            if had.day != today {
                (had.day, had.today) = (today, 0);
            }
            had.today = had.today.saturating_add(1);
            let row = self.row_mut(id);
            row.users = row.users.saturating_add(u32::from(first));
        }
    }
}

/// A user, or the first user of a person, as the key of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Payer(#[n(0)] pub UserId);

impl table::Key for Payer {
    fn event(self) -> u64 {
        u64::from(self.0.0)
    }
}

impl table::Key for CouponId {
    fn event(self) -> u64 {
        self.0.0
    }
}
