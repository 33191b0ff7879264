//! Which campaigns apply to a payment: the best of each group for the payer.
//!
//! Groups do not depend on one another, so the best combination is the best of each. Between equals the one
//! that ends first is taken, then the older one. At least one fen is left for the payer to pay.

use siphasher::sip::SipHasher13;
use smallvec::SmallVec;

use crate::campaign::grant::{Earned, Grant, Granted, PassedOver, Rebate, Why};
use crate::campaign::rule::{Facts, Variable};
use crate::campaign::terms::{Kind, WhenSpent};
use crate::campaign::{Campaign, Payer, Terms};
use crate::ids::{CampaignId, CouponId, UserId};
use crate::limits::{COUPONS_PER_USER_MAX, DAY_MS, GRANTS_MAX};
use crate::money::Fen;
use crate::order::Order;
use crate::state::State;
use crate::time::{Day, UnixMillis};
use crate::user::Tier;

/// Reasons that an event keeps.
const PASSED_OVER_MAX: usize = 4;

/// What campaigns do to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What they give.
    pub granted: Granted,
    /// What is left for the payer.
    pub payable: Fen,
    /// A campaign that would have given something if it had budget left, and that says so.
    pub told: Option<CampaignId>,
}

impl Choice {
    fn pass_over(&mut self, campaign: CampaignId, why: Why) {
        let passed_over = &mut self.granted.passed_over;
        if passed_over.len() < PASSED_OVER_MAX {
            passed_over.push(PassedOver { campaign, why });
        }
    }
}

struct Candidate {
    campaign: CampaignId,
    coupon: Option<CouponId>,
    gives: Fen,
    until: UnixMillis,
}

/// One payment, as campaigns see it.
struct Payment<'a> {
    state: &'a State,
    now: UnixMillis,
    today: Day,
    order: &'a Order,
    user: UserId,
    payer: Payer,
    /// The user's open coupons.
    held: &'a [CouponId],
    facts: Facts,
}

/// Chooses for an order and a payer, and notes why each other running campaign does not apply.
///
/// # Panics
/// The payer and the order's merchant exist.
#[must_use]
pub fn choose(
    state: &State,
    now: UnixMillis,
    order: &Order,
    payer: UserId,
    mut note: impl FnMut(CampaignId, Why),
) -> Choice {
    let mut choice = Choice {
        granted: Granted::default(),
        payable: order.amount,
        told: None,
    };
    if state.campaigns.live.is_empty() {
        return choice;
    }
    let payment = Payment::new(state, now, order, payer);
    let (mut prices, mut rebates) = (Candidates::new(), Candidates::new());
    payment.candidates(&mut prices, &mut rebates, &mut choice, &mut note);
    payment.grant(&mut prices, &mut choice, &mut note);
    payment.rebate(&mut rebates, &mut choice, &mut note);
    choice.granted.earned = payment.earned();
    choice
}

type Candidates = SmallVec<[Candidate; 8]>;

impl<'a> Payment<'a> {
    fn new(state: &'a State, now: UnixMillis, order: &'a Order, user: UserId) -> Self {
        let row = state.user(user).expect("the payer exists");
        let shopper = state.shoppers.get(user).expect("every user is a shopper");
        let merchant = state.merchant(order.merchant).expect("the merchant exists");
        let today = now.day();
        let tier = match row.tier {
            Tier::Basic => 0,
            Tier::Verified => 1,
            Tier::Full => 2,
        };
        let facts = Facts::default()
            .with(Variable::Amount, order.amount.0)
            .with(Variable::Hour, now.hour())
            .with(Variable::Weekday, today.weekday())
            .with(Variable::Merchant, i64::from(order.merchant.0))
            .with(Variable::Category, i64::from(merchant.category.0))
            .with(Variable::Brand, i64::from(row.brand.0))
            .with(Variable::AgeDays, shopper.age_days(today))
            .with(Variable::Tier, tier)
            .with(Variable::FirstPayment, i64::from(!shopper.has_paid))
            .with(Variable::Payments30Days, i64::from(shopper.payments))
            .with(Variable::Spend30Days, shopper.spend.0)
            .with(Variable::City, i64::from(shopper.city))
            .with(Variable::Segment, i64::from(shopper.segment));
        Self {
            state,
            now,
            today,
            order,
            user,
            payer: Payer(shopper.first),
            held: state.open_coupons(user),
            facts,
        }
    }

    fn campaign(&self, id: CampaignId) -> &'a Campaign {
        self.state.campaigns.get(id).expect("what runs is there")
    }

    /// Whom a campaign counts.
    fn counted(&self, terms: &Terms) -> Payer {
        self.state.counted(terms, self.user)
    }

    /// The campaigns whose conditions hold: those that lower the price, and rebates.
    fn candidates(
        &self,
        prices: &mut Candidates,
        rebates: &mut Candidates,
        choice: &mut Choice,
        note: &mut impl FnMut(CampaignId, Why),
    ) {
        for id in self.state.campaigns.looking_at(self.order.merchant) {
            let campaign = self.campaign(id);
            let terms = &*campaign.terms;
            let coupon = match terms.kind {
                Kind::Coupon(_) if self.held.is_empty() => Err(Why::NoCoupon),
                Kind::Coupon(_) => self.coupon(id).ok_or(Why::NoCoupon).map(Some),
                Kind::Discount | Kind::Rebate { .. } => Ok(None),
            };
            let gives = coupon.and_then(|coupon| {
                self.applies(campaign)?;
                match self.gives(id, terms, self.order.amount) {
                    Fen::ZERO => Err(Why::BelowMinimum),
                    gives => Ok((coupon, gives)),
                }
            });
            let (coupon, gives) = match gives {
                Ok(found) => found,
                Err(why) => {
                    note(id, why);
                    // Recorded, so that somebody learns of it.
                    if why == Why::RuleBroken {
                        choice.pass_over(id, why);
                    }
                    continue;
                }
            };
            let candidates = match terms.kind {
                Kind::Rebate { .. } => &mut *rebates,
                Kind::Discount | Kind::Coupon(_) => &mut *prices,
            };
            candidates.push(Candidate {
                campaign: id,
                coupon: coupon.map(|(_, coupon)| coupon),
                gives,
                until: coupon.map_or(terms.until, |(until, _)| until),
            });
        }
        let best = |candidate: &Candidate| {
            (
                core::cmp::Reverse(candidate.gives),
                candidate.until,
                candidate.campaign,
            )
        };
        prices.sort_unstable_by_key(best);
        rebates.sort_unstable_by_key(best);
    }

    /// Whether a campaign's conditions hold, whatever it has left.
    fn applies(&self, campaign: &Campaign) -> Result<(), Why> {
        let terms = &*campaign.terms;
        let brand = self.facts.get(Variable::Brand);
        if !campaign.runs(self.now)
            || terms.brand.is_some_and(|only| i64::from(only.0) != brand)
            || !terms.funding_is_ours()
        {
            return Err(Why::NotEligible);
        }
        if self.order.amount < terms.minimum {
            return Err(Why::BelowMinimum);
        }
        match terms.rule.as_ref().map(|rule| rule.holds(&self.facts)) {
            None | Some(Some(true)) => Ok(()),
            Some(Some(false)) => Err(Why::NotEligible),
            Some(None) => Err(Why::RuleBroken),
        }
    }

    /// The payer's coupon of a campaign that ends first.
    fn coupon(&self, id: CampaignId) -> Option<(UnixMillis, CouponId)> {
        let coupons = self.held.iter().filter_map(|coupon| {
            let row = self.state.campaigns.coupons.get(*coupon)?;
            (row.campaign == id && row.is_good(self.now)).then_some((row.until, *coupon))
        });
        coupons.min()
    }

    /// What a campaign gives to an amount. The payer's n-th draw is the same whatever is bought with it: nobody
    /// draws again by asking again.
    fn gives(&self, id: CampaignId, terms: &Terms, amount: Fen) -> Fen {
        terms.gives(amount, || {
            let payer = self.counted(terms);
            let times = self.state.campaigns.had(id, payer).times;
            chance(terms.seed, payer, times.saturating_add(1))
        })
    }

    /// Grants the best of each group that lowers the price.
    fn grant(
        &self,
        candidates: &mut Candidates,
        choice: &mut Choice,
        note: &mut impl FnMut(CampaignId, Why),
    ) {
        let mut groups = SmallVec::<[u32; GRANTS_MAX]>::new();
        for candidate in candidates {
            let campaign = self.campaign(candidate.campaign);
            let room = choice.payable.minus(Fen(1)).unwrap_or(Fen::ZERO);
            let gives = candidate.gives.min(room);
            let verdict = if groups.contains(&campaign.terms.group()) {
                Err(Why::AnotherGivesMore)
            } else if gives == Fen::ZERO || groups.len() == GRANTS_MAX {
                Err(Why::NothingLeft)
            } else {
                self.has_left(candidate, gives)
            };
            if !self.settle(candidate.campaign, verdict, choice, note) {
                continue;
            }
            groups.push(campaign.terms.group());
            choice.payable = choice.payable.minus(gives).expect("there is room for it");
            choice.granted.grants.push(Grant {
                campaign: candidate.campaign,
                amount: gives,
                platform: campaign.platform_part(gives),
                coupon: candidate.coupon,
            });
        }
    }

    /// Grants the best rebate, of what the payer pays.
    fn rebate(
        &self,
        candidates: &mut Candidates,
        choice: &mut Choice,
        note: &mut impl FnMut(CampaignId, Why),
    ) {
        for candidate in candidates {
            let campaign = self.campaign(candidate.campaign);
            let terms = &*campaign.terms;
            let gives = self.gives(candidate.campaign, terms, choice.payable);
            let gives = gives.min(choice.payable);
            let verdict = if choice.granted.rebate.is_some() {
                Err(Why::AnotherGivesMore)
            } else if gives == Fen::ZERO {
                Err(Why::NothingLeft)
            } else {
                self.has_left(candidate, gives)
            };
            if self.settle(candidate.campaign, verdict, choice, note) {
                let due = match terms.kind {
                    Kind::Rebate { wait_days } if wait_days > 0 => {
                        Some(self.now.plus(i64::from(wait_days).saturating_mul(DAY_MS)))
                    }
                    Kind::Rebate { .. } | Kind::Discount | Kind::Coupon(_) => None,
                };
                choice.granted.rebate = Some(Rebate {
                    campaign: candidate.campaign,
                    amount: gives,
                    platform: campaign.platform_part(gives),
                    due,
                });
            }
        }
    }

    /// Whether a candidate is granted; if not, why goes where it belongs.
    fn settle(
        &self,
        id: CampaignId,
        verdict: Result<(), Why>,
        choice: &mut Choice,
        note: &mut impl FnMut(CampaignId, Why),
    ) -> bool {
        let terms = &*self.campaign(id).terms;
        if verdict.is_ok() {
            if !self.is_held_out(terms) {
                return true;
            }
            note(id, Why::NotEligible);
            choice.granted.held_out.push(id);
            return false;
        }
        if let Err(why) = verdict {
            note(id, why);
            let spent = matches!(why, Why::BudgetSpent | Why::DaySpent | Why::UsersLimit);
            if spent && terms.when_spent == WhenSpent::Tell && !self.is_held_out(terms) {
                choice.told = choice.told.or(Some(id));
            }
            choice.pass_over(id, why);
        }
        false
    }

    /// Whether budgets and limits let a candidate give so much.
    fn has_left(&self, candidate: &Candidate, gives: Fen) -> Result<(), Why> {
        let campaign = self.campaign(candidate.campaign);
        let terms = &*campaign.terms;
        let left = campaign.left();
        #[cfg(feature = "planted")]
        let left = crate::planted::left(candidate.campaign, left);
        // A coupon's own promise is in the budget already.
        if candidate.coupon.is_none() && left < gives {
            return Err(Why::BudgetSpent);
        }
        if campaign
            .left_today(self.today)
            .is_some_and(|left| left < gives)
        {
            return Err(Why::DaySpent);
        }
        if !terms.counts_payers() {
            return Ok(());
        }
        let had = self
            .state
            .campaigns
            .had(candidate.campaign, self.counted(terms));
        let per_user = &terms.per_user;
        let today = if had.day == self.today { had.today } else { 0 };
        let amount = had.amount.plus(gives);
        if per_user.times.is_some_and(|most| had.times >= most)
            || per_user.times_a_day.is_some_and(|most| today >= most)
            || per_user
                .amount
                .is_some_and(|most| amount.is_none_or(|sum| sum > most))
        {
            return Err(Why::UserLimit);
        }
        if had.times == 0 && terms.users.is_some_and(|most| campaign.users >= most) {
            return Err(Why::UsersLimit);
        }
        Ok(())
    }

    /// Whether the payer is in a campaign's control group: for ever in it, or never.
    fn is_held_out(&self, terms: &Terms) -> bool {
        terms.holdout.0 > 0
            && chance(terms.seed, self.payer, 0).rem_euclid(10_000) < u64::from(terms.holdout.0)
    }

    /// The coupon that this payment earns.
    fn earned(&self) -> Option<Earned> {
        let earned = self
            .state
            .campaigns
            .looking_at(self.order.merchant)
            .find(|id| {
                let campaign = self.campaign(*id);
                let terms = &*campaign.terms;
                let brand = self.facts.get(Variable::Brand);
                matches!(terms.kind, Kind::Coupon(coupon)
                if coupon.after.is_some_and(|least| self.order.amount >= least))
                    && terms.brand.is_none_or(|only| i64::from(only.0) == brand)
                    && may_hold_one_more(self.state, self.now, *id, self.user).is_ok()
                    && !self.is_held_out(terms)
            })?;
        Some(Earned {
            campaign: earned,
            until: self.campaign(earned).terms.coupon_until(self.now),
        })
    }
}

/// Why a user is given no coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMore {
    /// It does not run, or has no coupons.
    NotRunning,
    /// All are given, or the budget does not cover another.
    Spent,
    /// The user has had as many as may be, or holds too many of all kinds.
    UserLimit,
}

/// Whether a user can be given one more coupon of a campaign.
pub(crate) fn may_hold_one_more(
    state: &State,
    now: UnixMillis,
    id: CampaignId,
    user: UserId,
) -> Result<(), NoMore> {
    let campaign = state.campaigns.get(id).ok_or(NoMore::NotRunning)?;
    let terms = &*campaign.terms;
    let Kind::Coupon(coupon) = terms.kind else {
        return Err(NoMore::NotRunning);
    };
    if !campaign.runs(now) {
        return Err(NoMore::NotRunning);
    }
    if campaign.coupons >= campaign.coupons_most() || campaign.left() < campaign.worth() {
        return Err(NoMore::Spent);
    }
    let held = state.campaigns.held.get(&user).map_or(0, Vec::len);
    let had = state.campaigns.had(id, state.counted(terms, user)).coupons;
    if had >= coupon.per_user || held >= COUPONS_PER_USER_MAX {
        return Err(NoMore::UserLimit);
    }
    Ok(())
}

impl State {
    /// Whom a campaign counts when this user gets something.
    pub(crate) fn counted(&self, terms: &Terms, user: UserId) -> Payer {
        let shopper = self.shoppers.get(user).expect("every user is a shopper");
        Payer(if terms.per_user.by_person {
            shopper.first
        } else {
            user
        })
    }
}

impl Campaign {
    /// The platform's part of a grant: its share, and what the fund cannot give for having been rounded.
    fn platform_part(&self, amount: Fen) -> Fen {
        let share = self.terms.funding.platform_part(amount);
        let funder = amount.minus(share).expect("a share of it").min(self.fund);
        amount.minus(funder).expect("a part of it")
    }
}

/// A number by chance that stays the same: the payer's n-th of a campaign.
fn chance(seed: u64, payer: Payer, n: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&payer.0.0.to_le_bytes());
    bytes[4..].copy_from_slice(&n.to_le_bytes());
    SipHasher13::new_with_keys(seed, 0x66_6569_7169_616e).hash(&bytes)
}
