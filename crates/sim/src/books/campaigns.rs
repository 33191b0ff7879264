//! Campaigns, coupons and shoppers in the books.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::grant::{Part, Returned};
use feiqian_core::campaign::shoppers::Person;
use feiqian_core::campaign::step::Step;
use feiqian_core::campaign::terms::{Funding, Kind, Terms, WhenSpent};
use feiqian_core::campaign::{Campaign as Seen, Status};
use feiqian_core::{Account, CampaignId, Command, MerchantId, Number, OrderId, UserId, campaign};

use super::{Books, Fact, What};

const DAY: i64 = 86_400_000;
/// The platform's clock is ahead of UTC by so much.
const ZONE: i64 = 8 * 3_600_000;
/// Days that count as the last 30, today among them.
const ACTIVE: i64 = 30;

/// The day that the platform's clock shows.
pub(super) fn day(at: i64) -> i64 {
    (at + ZONE).div_euclid(DAY)
}

/// The hour that it shows.
pub(super) fn hour(at: i64) -> i64 {
    (at + ZONE).rem_euclid(DAY) / 3_600_000
}

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The event that added it.
    pub added: u64,
    /// Who added it.
    pub by: Number,
    /// As it was written.
    pub terms: Arc<Terms>,
    /// Where it stands.
    pub status: Status,
    /// Fen.
    pub budget: i64,
    /// The newest event that changed its status.
    pub last: u64,
    /// Fen granted and not returned: the platform's part.
    pub platform: i64,
    /// The funder's part.
    pub funder: i64,
    /// Fen granted on each day.
    pub days: BTreeMap<i64, i64>,
    /// Each user's grants: on which day, how many fen.
    pub grants: BTreeMap<UserId, Vec<(i64, i64)>>,
    /// How many coupons each user was given.
    pub given: BTreeMap<UserId, u32>,
}

/// A coupon.
#[derive(Clone, Copy, Debug)]
pub struct Coupon {
    /// Whose benefit.
    pub campaign: CampaignId,
    /// Who holds it.
    pub user: UserId,
    /// It ends here.
    pub until: i64,
    /// It was used, and not given back.
    pub used: bool,
}

/// A user, as campaigns see it.
#[derive(Clone, Debug, Default)]
pub struct Shopper {
    /// On which day it was added.
    pub added: i64,
    /// City tag.
    pub city: u32,
    /// Segment tag.
    pub segment: u16,
    /// Who is behind it.
    pub person: Option<Person>,
    /// Whether it ever paid.
    pub has_paid: bool,
    /// Payments that were not swept: on which day, how many fen.
    pub payments: Vec<(i64, i64)>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Campaigns {
    /// By id.
    pub rows: Vec<Campaign>,
    /// By the event that gave it; without those that were swept or ended with their campaign.
    pub coupons: BTreeMap<u64, Coupon>,
    /// By user.
    pub shoppers: Vec<Shopper>,
    /// Each person's first known user.
    pub persons: BTreeMap<Person, UserId>,
    /// Rebates that wait: campaign, due, the payment's event; and the order.
    pub rebates: BTreeMap<(CampaignId, i64, u64), u64>,
    /// When it was last swept.
    pub swept: i64,
}

impl Campaign {
    fn draft(event: u64, asked: &AddCampaign) -> Self {
        Self {
            added: event,
            by: asked.by,
            terms: asked.terms.clone(),
            status: Status::Draft,
            budget: asked.budget.0,
            last: event,
            platform: 0,
            funder: 0,
            days: BTreeMap::new(),
            grants: BTreeMap::new(),
            given: BTreeMap::new(),
        }
    }

    /// Granted and not returned.
    #[must_use]
    pub fn spent(&self) -> i64 {
        self.platform + self.funder
    }

    /// The merchant that pays in advance.
    #[must_use]
    pub fn funded_by(&self) -> Option<MerchantId> {
        match self.terms.funding {
            Funding::Platform | Funding::Outside(_) => None,
            Funding::Merchant(merchant) | Funding::Shared { merchant, .. } => Some(merchant),
        }
    }

    /// Whether its money goes through us.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(self.terms.funding, Funding::Outside(_))
    }

    /// Whether payments look at it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused)
    }

    /// Whether it gives now.
    #[must_use]
    pub fn gives(&self, now: i64) -> bool {
        self.status == Status::Running && (self.terms.from.0..self.terms.until.0).contains(&now)
    }
}

impl Books {
    /// A campaign by its id.
    #[must_use]
    pub fn campaign(&self, id: CampaignId) -> Option<&Campaign> {
        self.campaigns.rows.get(usize::try_from(id.0).ok()?)
    }

    fn campaign_mut(&mut self, id: CampaignId) -> &mut Campaign {
        &mut self.campaigns.rows[id.0 as usize]
    }

    pub(super) fn shopper_mut(&mut self, user: UserId) -> &mut Shopper {
        &mut self.campaigns.shoppers[user.0 as usize]
    }

    /// The first known user of the person behind a user.
    #[must_use]
    pub fn first_of(&self, user: UserId) -> UserId {
        let person = self.campaigns.shoppers[user.0 as usize].person;
        let first = person.and_then(|person| self.campaigns.persons.get(&person));
        first.copied().unwrap_or(user)
    }

    /// Whom a campaign counts when this user gets something.
    #[must_use]
    pub fn counted(&self, campaign: &Campaign, user: UserId) -> UserId {
        if campaign.terms.per_user.by_person {
            self.first_of(user)
        } else {
            user
        }
    }

    /// The grants of all users that count as one with this one.
    pub fn had(&self, campaign: &Campaign, user: UserId) -> impl Iterator<Item = (i64, i64)> {
        let one = self.counted(campaign, user);
        let same = campaign.grants.iter();
        let same = same.filter(move |(other, _)| self.counted(campaign, **other) == one);
        same.flat_map(|(_, grants)| grants.iter().copied())
    }

    /// How many coupons they were given.
    #[must_use]
    pub fn coupons_had(&self, campaign: &Campaign, user: UserId) -> u32 {
        let one = self.counted(campaign, user);
        let same = campaign.given.iter();
        let same = same.filter(|(other, _)| self.counted(campaign, **other) == one);
        same.map(|(_, count)| count).sum()
    }

    /// How many payers had something.
    #[must_use]
    pub fn payers(&self, campaign: &Campaign) -> u32 {
        let payers = campaign.grants.keys();
        let payers: BTreeSet<UserId> = payers.map(|user| self.counted(campaign, *user)).collect();
        u32::try_from(payers.len()).unwrap_or(u32::MAX)
    }

    /// What an open coupon takes of the budget.
    #[must_use]
    pub fn worth(campaign: &Campaign) -> i64 {
        let most = super::rules::most(&campaign.terms.benefit);
        let most = campaign
            .terms
            .per_payment
            .map_or(most, |cap| most.min(cap.0));
        if campaign.is_ours() { most } else { 0 }
    }

    /// A user's coupons that were neither used nor swept.
    pub fn held(&self, user: UserId) -> impl Iterator<Item = (u64, &Coupon)> {
        let coupons = self.campaigns.coupons.iter();
        let held = coupons.filter(move |(_, coupon)| coupon.user == user && !coupon.used);
        held.map(|(id, coupon)| (*id, coupon))
    }

    /// Promised to coupons that were neither used nor swept.
    #[must_use]
    pub fn promised(&self, id: CampaignId) -> i64 {
        let coupons = self.campaigns.coupons.values();
        let open = coupons.filter(|coupon| coupon.campaign == id && !coupon.used);
        let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
        self.campaign(id).map_or(0, |row| open * Self::worth(row))
    }

    /// What a campaign can still grant or promise.
    #[must_use]
    pub fn left(&self, id: CampaignId) -> i64 {
        let row = self.campaign(id);
        row.map_or(0, |row| row.budget - row.spent() - self.promised(id))
    }

    /// Whether a campaign's time is over, or its budget.
    #[must_use]
    pub fn is_over(&self, id: CampaignId, now: i64) -> bool {
        let Some(row) = self.campaign(id) else {
            return false;
        };
        let terms = &row.terms;
        let least = super::rules::least(&terms.benefit);
        let least = terms.per_payment.map_or(least, |cap| least.min(cap.0));
        let is_spent = row.status == Status::Running
            && terms.when_spent == WhenSpent::PayWithout
            && row.is_ours()
            && self.promised(id) == 0
            && self.left(id) < least;
        row.is_live() && (terms.until.0 <= now || is_spent)
    }

    /// Since when there is something to sweep, but not within a minute of the last time.
    #[must_use]
    pub fn sweep_from(&self) -> Option<i64> {
        let ends = self.campaigns.coupons.values().map(|coupon| coupon.until);
        let payments = self.campaigns.shoppers.iter();
        let days = payments.flat_map(|shopper| shopper.payments.iter());
        let old = days.map(|(day, _)| (day + ACTIVE) * DAY - ZONE);
        let first = ends.chain(old).min()?;
        Some(first.max(self.campaigns.swept + 60_000))
    }

    /// What time asks for besides orders, in the order in which it is asked for.
    #[must_use]
    pub fn due_besides_orders(&self, now: i64) -> Vec<Command> {
        let rebates = self.campaigns.rebates.iter();
        let rebates = rebates
            .filter(|((_, due, _), _)| *due <= now)
            .map(|(_, order)| {
                let order = OrderId(Self::number(*order));
                campaign::payout::PayRebate { order }.into()
            });
        let ids = (0..).map(CampaignId).take(self.campaigns.rows.len());
        let over = ids.filter(|id| self.is_over(*id, now));
        let over = over.map(|campaign| campaign::end::EndCampaign { campaign }.into());
        let sweep = self.sweep_from().filter(|from| *from <= now);
        self.due_of_packets(now)
            .chain(rebates)
            .chain(over)
            .chain(self.due_of_people(now))
            .chain(sweep.map(|_| campaign::sweep::Sweep.into()))
            .collect()
    }

    /// Writes down what happened to campaigns and what they look at.
    #[allow(clippy::too_many_lines, reason = "a few lines for each kind")]
    pub(super) fn record_campaign(&mut self, event: u64, fact: &Fact) {
        match &fact.what {
            What::UserAdded(_) => self.campaigns.shoppers.push(Shopper {
                added: day(fact.at),
                ..Shopper::default()
            }),
            What::TraitsSet(asked) => {
                let shopper = self.shopper_mut(asked.user);
                (shopper.city, shopper.segment) = (asked.city, asked.segment);
                if let Some(person) = asked.person {
                    shopper.person = Some(person);
                    self.campaigns.persons.entry(person).or_insert(asked.user);
                }
            }
            What::CampaignAdded { asked, .. } => {
                self.campaigns.rows.push(Campaign::draft(event, asked));
            }
            What::CampaignStepped(asked) => {
                let status = match asked.step {
                    Step::Approve => Status::Approved,
                    Step::Start | Step::Resume => Status::Running,
                    Step::Pause => Status::Paused,
                    Step::End => Status::Ended,
                };
                self.set_status(event, asked.campaign, status);
            }
            What::CampaignEnded { campaign, .. } => {
                self.set_status(event, *campaign, Status::Ended);
            }
            What::BudgetChanged(asked) => self.campaign_mut(asked.campaign).budget = asked.to.0,
            What::CouponGiven { asked, until } => {
                self.hold(event, asked.campaign, asked.user, *until);
            }
            What::OrderPaid { .. } => self.record_grants(event, fact),
            What::OrderReversed { returned, .. } | What::OrderRefunded { returned, .. } => {
                if let Some(returned) = returned {
                    self.record_returned(returned);
                }
            }
            What::RebatePaid { order, .. } => {
                self.campaigns.rebates.retain(|_, waits| waits != order);
            }
            What::Swept => {
                self.campaigns.swept = fact.at;
                self.campaigns
                    .coupons
                    .retain(|_, coupon| fact.at < coupon.until);
                let today = day(fact.at);
                for shopper in &mut self.campaigns.shoppers {
                    shopper.payments.retain(|(day, _)| today < day + ACTIVE);
                }
            }
            What::Opened(_)
            | What::TierSet(_)
            | What::MoneySent(_)
            | What::RemittanceArrived { .. }
            | What::RemittanceBack { .. }
            | What::MoneyRequested(_)
            | What::ShareDeclined { .. }
            | What::RequestEnded { .. }
            | What::BrandAdded(_)
            | What::BrandFunded(_)
            | What::UserStatusSet(_)
            | What::MerchantAdded(_)
            | What::MerchantChanged(_)
            | What::TopUpRequested(_)
            | What::WithdrawalRequested { .. }
            | What::WithdrawalTermsSet(_)
            | What::CodeSpent { .. }
            | What::OrderDeclined { .. }
            | What::PacketSent(_)
            | What::ShareGrabbed { .. }
            | What::PacketExpired { .. }
            | What::TransferAnswered { .. }
            | What::OrderCreated { .. }
            | What::OrderClosed { .. }
            | What::OrderExpired { .. } => {}
        }
    }

    fn set_status(&mut self, event: u64, id: CampaignId, status: Status) {
        let row = self.campaign_mut(id);
        (row.status, row.last) = (status, event);
        if status == Status::Ended {
            let coupons = &mut self.campaigns.coupons;
            coupons.retain(|_, coupon| coupon.campaign != id);
        }
    }

    fn hold(&mut self, event: u64, campaign: CampaignId, user: UserId, until: i64) {
        *self.campaign_mut(campaign).given.entry(user).or_default() += 1;
        let coupon = Coupon {
            campaign,
            user,
            until,
            used: false,
        };
        self.campaigns.coupons.insert(event, coupon);
    }

    fn record_grants(&mut self, event: u64, fact: &Fact) {
        let What::OrderPaid {
            asked,
            amount,
            granted,
            ..
        } = &fact.what
        else {
            return;
        };
        let today = day(fact.at);
        let shopper = self.shopper_mut(asked.payer);
        shopper.has_paid = true;
        shopper.payments.push((today, *amount));
        let Some(granted) = granted else { return };
        let grants = granted.grants.iter();
        let grants = grants.map(|grant| (grant.campaign, grant.amount.0, grant.platform.0));
        let rebate = granted.rebate.iter();
        let rebate = rebate.map(|rebate| (rebate.campaign, rebate.amount.0, rebate.platform.0));
        for (id, amount, platform) in grants.chain(rebate) {
            let row = self.campaign_mut(id);
            row.platform += platform;
            row.funder += amount - platform;
            *row.days.entry(today).or_default() += amount;
            row.grants
                .entry(asked.payer)
                .or_default()
                .push((today, amount));
        }
        for coupon in granted.grants.iter().filter_map(|grant| grant.coupon) {
            if let Some(coupon) = self.campaigns.coupons.get_mut(&coupon.0.0) {
                coupon.used = true;
            }
        }
        if let Some(rebate) = granted.rebate
            && let Some(due) = rebate.due
        {
            let key = (rebate.campaign, due.0, event);
            self.campaigns.rebates.insert(key, asked.order.0.0);
        }
        if let Some(earned) = granted.earned {
            self.hold(event, earned.campaign, asked.payer, earned.until.0);
        }
    }

    fn record_returned(&mut self, returned: &Returned) {
        let rebate = returned.rebate.iter().map(|back| &back.part);
        for Part {
            campaign,
            platform,
            funder,
        } in returned.grants.iter().chain(rebate)
        {
            let row = self.campaign_mut(*campaign);
            row.platform -= platform.0;
            row.funder -= funder.0;
        }
        for coupon in &returned.coupons {
            if let Some(coupon) = self.campaigns.coupons.get_mut(&coupon.0.0) {
                coupon.used = false;
            }
        }
    }

    /// Conservation: what campaigns granted and did not get back is what their accounts say, and never
    /// more than the budget; what waits is what pending rebates hold.
    ///
    /// # Errors
    /// Says what does not add up.
    pub fn check_campaigns(&self) -> Result<(), String> {
        for (id, row) in (0..).map(CampaignId).zip(&self.campaigns.rows) {
            let subsidy = self.balance(Account::Subsidy(id));
            if subsidy != row.platform {
                let granted = row.platform;
                return Err(format!(
                    "campaign {id} granted {granted}, but its subsidy is {subsidy}"
                ));
            }
            let used = row.spent() + self.promised(id);
            if used > row.budget || row.platform < 0 || row.funder < 0 {
                return Err(format!("campaign {id} used {used} fen: {row:?}"));
            }
            let waits: i64 = self.rebates_of(id).sum();
            let pending = self.balance(Account::PendingRebate(id));
            if waits != pending {
                return Err(format!(
                    "{waits} fen of campaign {id} wait, but {pending} are pending"
                ));
            }
        }
        Ok(())
    }

    /// What is left of each rebate of a campaign that waits.
    fn rebates_of(&self, id: CampaignId) -> impl Iterator<Item = i64> {
        let waits = self.campaigns.rebates.iter();
        let waits = waits.filter(move |((of, _, _), _)| *of == id);
        waits.filter_map(|(_, order)| {
            let paid = self.orders.get(order)?.paid.as_ref()?;
            let rebate = paid.granted.as_ref()?.rebate?;
            Some(rebate.amount.0 - paid.returned.rebate)
        })
    }

    /// Whether what was seen of a campaign is what it is.
    ///
    /// # Errors
    /// Says how they differ.
    pub fn compare_campaign(&self, id: CampaignId, seen: &Seen) -> Result<(), String> {
        let Some(row) = self.campaign(id) else {
            return Err(format!("campaign {id} was never added"));
        };
        let given: u32 = row.given.values().sum();
        let money = (row.budget, row.spent(), self.promised(id));
        let head = (row.added, row.by, &row.terms, row.status, row.last, given);
        let seen_money = (seen.budget.0, seen.spent.0, seen.promised.0);
        let seen_head = (
            seen.added.0,
            seen.by,
            &seen.terms,
            seen.status,
            seen.last.0,
            seen.coupons,
        );
        let today = row.days.last_key_value();
        let today = today.map_or((0, 0), |(day, fen)| (*day, *fen));
        let counts = row.status != Status::Ended && super::rules::counts_payers(&row.terms);
        let same = head == seen_head
            && money == seen_money
            && today == (i64::from(seen.day.0), seen.day_spent.0)
            && (!counts || self.payers(row) == seen.users);
        if same {
            return Ok(());
        }
        Err(format!(
            "campaign {id} is {seen:?}, but it should be {money:?}, {today:?}, {row:?}"
        ))
    }
}

impl Campaign {
    /// How its coupons come and go, if it has any.
    #[must_use]
    pub fn coupon_terms(&self) -> Option<campaign::terms::CouponTerms> {
        match self.terms.kind {
            Kind::Coupon(terms) => Some(terms),
            Kind::Discount | Kind::Rebate { .. } => None,
        }
    }
}
