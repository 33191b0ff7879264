//! What campaigns must do to a payment.

use std::cmp::Reverse;

use feiqian_core::campaign::Status;
use feiqian_core::campaign::grant::{Earned, Grant, Granted, PassedOver, Rebate, Why};
use feiqian_core::campaign::rule::Variable;
use feiqian_core::campaign::terms::{Benefit, Kind, Terms, WhenSpent};
use feiqian_core::user::Tier;
use feiqian_core::{CampaignId, CouponId, Fen, UnixMillis, UserId};

use super::super::campaigns::{Campaign, day, hour};
use super::super::{Books, Order};
use super::draw::draw;
use super::eligible;
use super::orders::part;

const DAY: i64 = 86_400_000;

/// What campaigns do to a payment.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What they give.
    pub granted: Granted,
    /// Fen left for the payer.
    pub payable: i64,
    /// Whether the payer is to be told that one has nothing left.
    pub told: bool,
    /// Why each other that runs does not apply.
    pub notes: Vec<(CampaignId, Why)>,
}

/// A campaign whose conditions hold.
struct Candidate {
    id: CampaignId,
    gives: i64,
    until: i64,
    coupon: Option<u64>,
}

/// Who pays which order.
struct Payment<'a> {
    books: &'a Books,
    now: i64,
    order: &'a Order,
    payer: UserId,
}

pub fn least(benefit: &Benefit) -> i64 {
    match benefit {
        Benefit::Fixed(fen) | Benefit::Random { least: fen, .. } => fen.0,
        Benefit::Percent { .. } => 1,
        Benefit::Tiers(tiers) => tiers.iter().map(|tier| tier.get.0).min().unwrap_or(0),
    }
}

pub fn most(benefit: &Benefit) -> i64 {
    match benefit {
        Benefit::Fixed(fen)
        | Benefit::Percent { cap: fen, .. }
        | Benefit::Random { most: fen, .. } => fen.0,
        Benefit::Tiers(tiers) => tiers.iter().map(|tier| tier.get.0).max().unwrap_or(0),
    }
}

/// Whether it has to be known what each payer had.
pub fn counts_payers(terms: &Terms) -> bool {
    let limits = &terms.per_user;
    limits.times.is_some()
        || limits.times_a_day.is_some()
        || limits.amount.is_some()
        || terms.users.is_some()
        || matches!(terms.benefit, Benefit::Random { .. })
        || matches!(terms.kind, Kind::Coupon(_))
}

/// When a coupon given now ends.
pub fn coupon_until(campaign: &Campaign, now: i64) -> i64 {
    let days = campaign.coupon_terms().and_then(|terms| terms.days);
    let until = campaign.terms.until.0;
    days.map_or(until, |days| until.min(now + i64::from(days) * DAY))
}

/// At most one of a group applies.
fn group(terms: &Terms) -> (Option<u16>, bool) {
    let is_coupon = matches!(terms.kind, Kind::Coupon(_));
    (terms.group, terms.group.is_none() && is_coupon)
}

fn random(least: i64, most: i64, mean: i64, draw: u64) -> i64 {
    let scaled = |half: u64, by: i64| {
        let product = i128::from(half) * i128::from(by);
        i64::try_from(product / (1 << 32)).unwrap_or(i64::MAX)
    };
    if least == most {
        return least;
    }
    let (from, to) = if scaled(draw >> 32, most - least) < most - mean {
        (least, mean)
    } else {
        (mean, most)
    };
    from + scaled(draw & 0xffff_ffff, to - from + 1)
}

impl Books {
    /// What campaigns do when this user pays this order now.
    #[must_use]
    pub fn choose(&self, now: i64, order: &Order, payer: UserId) -> Choice {
        let payment = Payment {
            books: self,
            now,
            order,
            payer,
        };
        payment.choose()
    }

    /// Why a user cannot be given one more coupon of a campaign, in the words of who gives it.
    pub(super) fn no_more(
        &self,
        now: i64,
        id: CampaignId,
        user: UserId,
    ) -> Option<feiqian_core::campaign::give::Refusal> {
        use feiqian_core::campaign::give::Refusal as R;
        let row = self.campaign(id).filter(|row| row.gives(now));
        let Some((row, terms)) = row.and_then(|row| Some((row, row.coupon_terms()?))) else {
            return Some(R::NotRunning);
        };
        let given: u32 = row.given.values().sum();
        if given >= terms.most || self.left(id) < Self::worth(row) {
            return Some(R::Spent);
        }
        let full = self.coupons_had(row, user) >= terms.per_user || self.held(user).count() >= 100;
        full.then_some(R::UserLimit)
    }

    fn is_held_out(&self, row: &Campaign, payer: UserId) -> bool {
        let share = u64::from(row.terms.holdout.0);
        draw(row.terms.seed, self.first_of(payer), 0) % 10_000 < share
    }
}

impl Payment<'_> {
    fn choose(&self) -> Choice {
        let mut choice = Choice {
            granted: Granted::default(),
            payable: self.order.amount,
            told: false,
            notes: Vec::new(),
        };
        let (mut prices, mut rebates) = (Vec::new(), Vec::new());
        for (id, row) in self.looking() {
            let is_rebate = matches!(row.terms.kind, Kind::Rebate { .. });
            match self.candidate(id, row) {
                Err(why) => {
                    choice.notes.push((id, why));
                    if why == Why::RuleBroken && choice.granted.passed_over.len() < 4 {
                        let campaign = id;
                        choice
                            .granted
                            .passed_over
                            .push(PassedOver { campaign, why });
                    }
                }
                Ok(candidate) if is_rebate => rebates.push(candidate),
                Ok(candidate) => prices.push(candidate),
            }
        }
        for candidates in [&mut prices, &mut rebates] {
            candidates.sort_by_key(|one| (Reverse(one.gives), one.until, one.id));
        }
        let mut groups = Vec::new();
        for candidate in &prices {
            self.lower(candidate, &mut groups, &mut choice);
        }
        for candidate in &rebates {
            self.give_rebate(candidate, &mut choice);
        }
        choice.granted.earned = self.earned();
        choice
    }

    /// Campaigns that look at orders of this merchant: those for all merchants before those for some.
    fn looking(&self) -> Vec<(CampaignId, &Campaign)> {
        let rows = (0..).map(CampaignId).zip(&self.books.campaigns.rows);
        let here = rows.filter(|(_, row)| {
            let merchants = &row.terms.merchants;
            row.is_live() && (merchants.is_empty() || merchants.contains(&self.order.merchant))
        });
        let mut here: Vec<_> = here.collect();
        here.sort_by_key(|(id, row)| (!row.terms.merchants.is_empty(), *id));
        here
    }

    fn fact(&self, variable: Variable) -> i64 {
        let shopper = &self.books.campaigns.shoppers[self.payer.0 as usize];
        let user = &self.books.users[self.payer.0 as usize];
        let shop = &self.books.merchants[self.order.merchant.0 as usize];
        let today = day(self.now);
        match variable {
            Variable::Amount => self.order.amount,
            Variable::Hour => hour(self.now),
            // 1970-01-01 was a Thursday.
            Variable::Weekday => (today + 3).rem_euclid(7) + 1,
            Variable::Merchant => i64::from(self.order.merchant.0),
            Variable::Category => i64::from(shop.category),
            Variable::Brand => i64::from(user.brand.0),
            Variable::Funding => 0,
            Variable::AgeDays => today - shopper.added,
            Variable::Tier => match user.tier {
                Tier::Basic => 0,
                Tier::Verified => 1,
                Tier::Full => 2,
            },
            Variable::FirstPayment => i64::from(!shopper.has_paid),
            Variable::Payments30Days => i64::try_from(shopper.payments.len()).unwrap_or(i64::MAX),
            Variable::Spend30Days => shopper.payments.iter().map(|(_, fen)| fen).sum(),
            Variable::City => i64::from(shopper.city),
            Variable::Segment => i64::from(shopper.segment),
        }
    }

    fn candidate(&self, id: CampaignId, row: &Campaign) -> Result<Candidate, Why> {
        let terms = &*row.terms;
        let brand = self.books.users[self.payer.0 as usize].brand;
        let (mut coupon, mut until) = (None, terms.until.0);
        if row.coupon_terms().is_some() {
            let held = self.books.held(self.payer);
            let good = held.filter(|(_, one)| one.campaign == id && self.now < one.until);
            let first = good.map(|(coupon, one)| (one.until, coupon)).min();
            let (end, first) = first.ok_or(Why::NoCoupon)?;
            (coupon, until) = (Some(first), end);
        }
        let is_for =
            row.gives(self.now) && terms.brand.is_none_or(|only| only == brand) && row.is_ours();
        if !is_for {
            return Err(Why::NotEligible);
        }
        if self.order.amount < terms.minimum.0 {
            return Err(Why::BelowMinimum);
        }
        let facts = |variable| self.fact(variable);
        match terms
            .rule
            .as_ref()
            .map(|rule| eligible::holds(rule, &facts))
        {
            None | Some(Some(true)) => {}
            Some(Some(false)) => return Err(Why::NotEligible),
            Some(None) => return Err(Why::RuleBroken),
        }
        let gives = self.gives(row, self.order.amount);
        if gives == 0 {
            return Err(Why::BelowMinimum);
        }
        Ok(Candidate {
            id,
            gives,
            until,
            coupon,
        })
    }

    fn gives(&self, row: &Campaign, amount: i64) -> i64 {
        let gives = match &row.terms.benefit {
            Benefit::Fixed(fen) => fen.0,
            Benefit::Percent { rate, cap } => {
                let share = i128::from(amount) * i128::from(rate.0) / 10_000;
                i64::try_from(share).unwrap_or(i64::MAX).min(cap.0)
            }
            Benefit::Random { least, most, mean } => {
                let before = self.books.had(row, self.payer).count();
                let n = u32::try_from(before).unwrap_or(u32::MAX) + 1;
                let payer = self.books.counted(row, self.payer);
                random(least.0, most.0, mean.0, draw(row.terms.seed, payer, n))
            }
            Benefit::Tiers(tiers) => {
                let reached = tiers.iter().filter(|tier| tier.spend.0 <= amount);
                reached.map(|tier| tier.get.0).max().unwrap_or(0)
            }
        };
        row.terms.per_payment.map_or(gives, |cap| gives.min(cap.0))
    }

    fn row(&self, candidate: &Candidate) -> &Campaign {
        &self.books.campaigns.rows[candidate.id.0 as usize]
    }

    fn lower(
        &self,
        candidate: &Candidate,
        groups: &mut Vec<(Option<u16>, bool)>,
        choice: &mut Choice,
    ) {
        let row = self.row(candidate);
        let group = group(&row.terms);
        // One fen at least is left to pay.
        let gives = candidate.gives.min(choice.payable - 1);
        let why = if groups.contains(&group) {
            Some(Why::AnotherGivesMore)
        } else if gives == 0 || groups.len() == 4 {
            Some(Why::NothingLeft)
        } else {
            self.has_too_little(candidate, gives)
        };
        if self.is_refused(candidate, why, choice) {
            return;
        }
        groups.push(group);
        choice.payable -= gives;
        choice.granted.grants.push(Grant {
            campaign: candidate.id,
            amount: Fen(gives),
            platform: Fen(self.platform_part(candidate, gives)),
            coupon: candidate.coupon.map(|id| CouponId(Books::number(id))),
        });
    }

    fn give_rebate(&self, candidate: &Candidate, choice: &mut Choice) {
        let row = self.row(candidate);
        let gives = self.gives(row, choice.payable).min(choice.payable);
        let why = if choice.granted.rebate.is_some() {
            Some(Why::AnotherGivesMore)
        } else if gives == 0 {
            Some(Why::NothingLeft)
        } else {
            self.has_too_little(candidate, gives)
        };
        if self.is_refused(candidate, why, choice) {
            return;
        }
        let due = match row.terms.kind {
            Kind::Rebate { wait_days: 0 } | Kind::Discount | Kind::Coupon(_) => None,
            Kind::Rebate { wait_days } => Some(UnixMillis(self.now + i64::from(wait_days) * DAY)),
        };
        choice.granted.rebate = Some(Rebate {
            campaign: candidate.id,
            amount: Fen(gives),
            platform: Fen(self.platform_part(candidate, gives)),
            due,
        });
    }

    /// The platform's share, and what the fund does not have of the funder's.
    fn platform_part(&self, candidate: &Candidate, gives: i64) -> i64 {
        use feiqian_core::campaign::terms::Funding;
        let share = match self.row(candidate).terms.funding {
            Funding::Platform => return gives,
            Funding::Merchant(_) | Funding::Outside(_) => 0,
            Funding::Shared { platform, .. } => {
                part(gives, i64::from(platform.0.min(10_000)), 10_000)
            }
        };
        let fund = feiqian_core::Account::CampaignFund(candidate.id);
        gives - (gives - share).min(self.books.balance(fund))
    }

    fn has_too_little(&self, candidate: &Candidate, gives: i64) -> Option<Why> {
        let (books, row) = (self.books, self.row(candidate));
        let terms = &*row.terms;
        let today = day(self.now);
        // The promise of a coupon is in the budget already.
        if candidate.coupon.is_none() && gives > books.left(candidate.id) {
            return Some(Why::BudgetSpent);
        }
        let granted_today = row.days.get(&today).copied().unwrap_or(0);
        if terms
            .per_day
            .is_some_and(|most| granted_today + gives > most.0)
        {
            return Some(Why::DaySpent);
        }
        let had: Vec<(i64, i64)> = books.had(row, self.payer).collect();
        let count = |times: usize| u32::try_from(times).unwrap_or(u32::MAX);
        let times = count(had.len());
        let times_today = count(had.iter().filter(|(day, _)| *day == today).count());
        let amount: i64 = had.iter().map(|(_, fen)| fen).sum();
        let limits = &terms.per_user;
        if limits.times.is_some_and(|most| times >= most)
            || limits.times_a_day.is_some_and(|most| times_today >= most)
            || limits.amount.is_some_and(|most| amount + gives > most.0)
        {
            return Some(Why::UserLimit);
        }
        let is_full = terms.users.is_some_and(|most| books.payers(row) >= most);
        (times == 0 && is_full).then_some(Why::UsersLimit)
    }

    fn is_refused(&self, candidate: &Candidate, why: Option<Why>, choice: &mut Choice) -> bool {
        let row = self.row(candidate);
        let held_out = self.books.is_held_out(row, self.payer);
        match why {
            None if !held_out => return false,
            None => {
                choice.notes.push((candidate.id, Why::NotEligible));
                choice.granted.held_out.push(candidate.id);
            }
            Some(why) => {
                choice.notes.push((candidate.id, why));
                let spent = [Why::BudgetSpent, Why::DaySpent, Why::UsersLimit].contains(&why);
                let tells = row.terms.when_spent == WhenSpent::Tell && !held_out;
                choice.told |= spent && tells;
                if choice.granted.passed_over.len() < 4 {
                    choice.granted.passed_over.push(PassedOver {
                        campaign: candidate.id,
                        why,
                    });
                }
            }
        }
        true
    }

    /// The first of them that gives a coupon after this payment.
    fn earned(&self) -> Option<Earned> {
        let brand = self.books.users[self.payer.0 as usize].brand;
        let (campaign, row) = self.looking().into_iter().find(|(id, row)| {
            let after = row.coupon_terms().and_then(|terms| terms.after);
            row.status == Status::Running
                && after.is_some_and(|least| self.order.amount >= least.0)
                && row.terms.brand.is_none_or(|only| only == brand)
                && self.books.no_more(self.now, *id, self.payer).is_none()
                && !self.books.is_held_out(row, self.payer)
        })?;
        Some(Earned {
            campaign,
            until: UnixMillis(coupon_until(row, self.now)),
        })
    }
}
