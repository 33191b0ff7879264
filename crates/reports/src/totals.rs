//! The totals, and the fold that keeps them.

use std::collections::BTreeMap;

use feiqian_core::campaign::Status;
use feiqian_core::campaign::grant::{Granted, Returned};
use feiqian_core::campaign::step::Step;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::time::Day;
use feiqian_core::{Account, BrandId, CampaignId, Event, EventNumber, Fen, Postings, UserId};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::campaigns::{Campaign, CampaignDay, parts};
use crate::experiment::Group;
use crate::period::{By, Period};

/// What a brand's payers did on one day. Amounts are fen, of the day of the payment or of the refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct BrandDay {
    /// Payments.
    #[n(0)]
    pub payments: u64,
    /// What their orders cost, discounts included.
    #[n(1)]
    pub volume: i64,
    /// Refunds and undone payments.
    #[n(2)]
    pub refunds: u64,
    /// What of orders' amounts went back.
    #[n(3)]
    pub refunded: i64,
    /// Fees kept, less those given back.
    #[n(4)]
    pub fees: i64,
    /// Rebates that could not be taken back.
    #[n(5)]
    pub losses: i64,
}

/// What a brand's payers paid to merchants of one category on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Trade {
    /// Payments.
    #[n(0)]
    pub payments: u64,
    /// What their orders cost, discounts included.
    #[n(1)]
    pub volume: i64,
}

/// Who of a brand's users paid in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Crowd {
    /// Users who paid.
    #[n(0)]
    pub active: u64,
    /// Of these, for the first time ever.
    #[n(1)]
    pub new: u64,
    /// Of these, who had paid in the period before as well.
    #[n(2)]
    pub retained: u64,
}

/// All totals, of every event before [`next`](Self::next).
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Totals {
    #[n(0)]
    next: EventNumber,
    /// The newest day. Should a clock go back, its events count to this day.
    #[n(1)]
    today: Day,
    /// Names by brand.
    #[n(2)]
    pub(crate) brands: Vec<String>,
    #[n(3)]
    users: Users,
    /// Category codes by merchant.
    #[n(4)]
    categories: Vec<u16>,
    #[n(5)]
    pub(crate) days: BTreeMap<(Day, BrandId), BrandDay>,
    #[n(6)]
    pub(crate) trades: BTreeMap<(Day, BrandId, u16), Trade>,
    #[n(7)]
    pub(crate) crowds: BTreeMap<(Period, BrandId), Crowd>,
    #[n(8)]
    pub(crate) campaigns: Vec<Campaign>,
    /// Campaigns with a control group that have not ended.
    #[n(9)]
    experiments: Vec<CampaignId>,
}

/// Each user's brand, and the last day on which it paid.
#[derive(Clone, Debug, Default)]
struct Users(Vec<User>);

#[derive(Clone, Copy, Debug)]
struct User {
    brand: u16,
    /// Days since 1999-12-31; 0 for never.
    paid: u16,
}

/// 1999-12-31 as a [`Day`].
const DAYS_FROM: i32 = 10_956;
const USER_BYTES: usize = 4;

impl User {
    fn paid(self) -> Option<Day> {
        (self.paid > 0).then(|| Day(DAYS_FROM).plus(self.paid.into()))
    }

    fn set_paid(&mut self, day: Day) {
        let days = day.0.saturating_sub(DAYS_FROM).max(1);
        self.paid = u16::try_from(days).unwrap_or(u16::MAX);
    }
}

fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

fn add(sum: &mut i64, fen: Fen) {
    *sum = sum.saturating_add(fen.0);
}

fn count(sum: &mut u64) {
    *sum = sum.saturating_add(1);
}

impl Totals {
    /// The number of the event to be read next: every one before it is in the totals.
    #[must_use]
    pub fn next(&self) -> EventNumber {
        self.next
    }

    /// The newest day of which anything is known.
    #[must_use]
    pub fn today(&self) -> Day {
        self.today
    }

    /// What the public calls a brand.
    #[must_use]
    pub fn brand_name(&self, brand: BrandId) -> Option<&str> {
        self.brands.get(usize::from(brand.0)).map(String::as_str)
    }

    /// All brands, by id.
    pub fn brands(&self) -> impl Iterator<Item = BrandId> {
        (0..).map(BrandId).take(self.brands.len())
    }

    /// What is kept of a campaign.
    #[must_use]
    pub fn campaign(&self, campaign: CampaignId) -> Option<&Campaign> {
        self.campaigns.get(index(campaign.0))
    }

    /// All campaigns, by id.
    pub fn campaigns(&self) -> impl Iterator<Item = (CampaignId, &Campaign)> {
        (0..).map(CampaignId).zip(&self.campaigns)
    }

    /// Takes the next event in.
    pub fn read(&mut self, event: &Event) {
        self.next = self.next.next();
        self.today = self.today.max(event.at().day());
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "other events change no total"
        )]
        match event {
            Event::BrandAdded(event) => self.brands.push(event.name.clone()),
            Event::UserAdded(event) => self.users.0.push(User {
                brand: event.brand.0,
                paid: 0,
            }),
            Event::MerchantAdded(event) => self.categories.push(event.category.0),
            Event::OrderPaid(event) => self.paid(event),
            Event::OrderRefunded(event) => {
                let brand = self.brand_of(event.payer);
                self.given_back(
                    brand,
                    event.amount,
                    &event.postings,
                    event.returned.as_deref(),
                );
            }
            Event::OrderReversed(event) => {
                if let Some(payer) = payer(&event.postings) {
                    let (brand, returned) = (self.brand_of(payer), event.returned.as_deref());
                    self.given_back(brand, event.amount, &event.postings, returned);
                }
            }
            Event::CouponGiven(event) => {
                let brand = self.brand_of(event.user);
                count(&mut self.campaign_day(event.campaign, brand).coupons_given);
            }
            Event::CouponUsed(event) => {
                let brand = self.brand_of(event.user);
                count(&mut self.campaign_day(event.campaign, brand).coupons_used);
            }
            Event::CampaignAdded(event) => {
                if event.terms.holdout.0 > 0 {
                    self.experiments.push(event.campaign);
                }
                self.campaigns.push(Campaign::of(event));
            }
            Event::CampaignStepped(event) => self.stands(event.campaign, status(event.step)),
            Event::CampaignEnded(event) => self.stands(event.campaign, Status::Ended),
            Event::BudgetChanged(event) => self.campaign_mut(event.campaign).budget = event.to,
            _ => {}
        }
    }

    fn brand_of(&self, user: UserId) -> BrandId {
        let row = self.users.0.get(index(user.0)).expect("who pays was added");
        BrandId(row.brand)
    }

    fn campaign_mut(&mut self, id: CampaignId) -> &mut Campaign {
        self.campaigns
            .get_mut(index(id.0))
            .expect("what grants was added")
    }

    fn campaign_day(&mut self, id: CampaignId, brand: BrandId) -> &mut CampaignDay {
        let today = self.today;
        self.campaign_mut(id)
            .days
            .entry((today, brand))
            .or_default()
    }

    fn stands(&mut self, id: CampaignId, status: Status) {
        self.campaign_mut(id).stands(status);
        if status == Status::Ended {
            self.experiments.retain(|other| *other != id);
        }
    }

    fn paid(&mut self, event: &OrderPaid) {
        let category = self.categories.get(index(event.merchant.0)).copied();
        let key = (
            self.today,
            event.brand,
            category.expect("who is paid was added"),
        );
        let trade = self.trades.entry(key).or_default();
        count(&mut trade.payments);
        add(&mut trade.volume, event.amount);
        let day = self.days.entry((self.today, event.brand)).or_default();
        count(&mut day.payments);
        add(&mut day.volume, event.amount);
        self.earned(&event.postings);
        let is_first = self.meet(event.payer);
        if let Some(granted) = &event.granted {
            self.granted(event, granted, is_first);
        }
        for id in &self.experiments {
            let campaign = self.campaigns.get_mut(index(id.0));
            if let Some(experiment) = campaign.and_then(|row| row.experiment.as_mut()) {
                experiment.paid(event.payer, event.amount);
            }
        }
    }

    /// Fees and losses, as the ledger has them.
    fn earned(&mut self, postings: &Postings) {
        for posting in postings.iter() {
            if let Account::FeeIncome(brand) = posting.credit {
                let day = self.days.entry((self.today, brand)).or_default();
                add(&mut day.fees, posting.amount);
            }
            if let Account::FeeIncome(brand) = posting.debit {
                let day = self.days.entry((self.today, brand)).or_default();
                day.fees = day.fees.saturating_sub(posting.amount.0);
            }
            if let Account::RebateLoss(brand) = posting.debit {
                let day = self.days.entry((self.today, brand)).or_default();
                add(&mut day.losses, posting.amount);
            }
        }
    }

    /// Counts a payer once in each period. Says whether it never paid before.
    fn meet(&mut self, user: UserId) -> bool {
        let row = self
            .users
            .0
            .get_mut(index(user.0))
            .expect("who pays was added");
        let before = row.paid();
        row.set_paid(self.today);
        let brand = BrandId(row.brand);
        if before == row.paid() {
            return false;
        }
        for by in By::ALL {
            let now = by.of(self.today);
            let last = before.map(|day| by.of(day));
            if last == Some(now) {
                continue;
            }
            let crowd = self.crowds.entry((now, brand)).or_default();
            count(&mut crowd.active);
            match last {
                None => count(&mut crowd.new),
                Some(last) if last == now.before() => count(&mut crowd.retained),
                Some(_) => {}
            }
        }
        before.is_none()
    }

    fn granted(&mut self, event: &OrderPaid, granted: &Granted, is_first: bool) {
        let (brand, payer) = (event.brand, event.payer);
        let grants = granted.grants.iter();
        let grants = grants.map(|g| (g.campaign, g.amount, g.platform, g.coupon.is_some()));
        let rebate = granted.rebate.iter();
        let rebate = rebate.map(|r| (r.campaign, r.amount, r.platform, false));
        for (id, amount, platform, coupon) in grants.chain(rebate) {
            let campaign = self.campaign_mut(id);
            let is_met = campaign.users.meet(payer);
            if let Some(experiment) = &mut campaign.experiment {
                experiment.enter(payer, Group::Treated, is_first);
            }
            let day = self.campaign_day(id, brand);
            count(&mut day.payments);
            day.users = day.users.saturating_add(is_met.into());
            day.first_payments = day.first_payments.saturating_add(is_first.into());
            day.coupons_used = day.coupons_used.saturating_add(coupon.into());
            add(&mut day.platform, platform);
            add(&mut day.funder, Fen(amount.0.saturating_sub(platform.0)));
        }
        if let Some(earned) = granted.earned {
            count(&mut self.campaign_day(earned.campaign, brand).coupons_given);
        }
        for id in &granted.held_out {
            if let Some(experiment) = &mut self.campaign_mut(*id).experiment {
                experiment.enter(payer, Group::Control, is_first);
            }
        }
    }

    fn given_back(
        &mut self,
        brand: BrandId,
        amount: Fen,
        postings: &Postings,
        returned: Option<&Returned>,
    ) {
        let day = self.days.entry((self.today, brand)).or_default();
        count(&mut day.refunds);
        add(&mut day.refunded, amount);
        self.earned(postings);
        let Some(returned) = returned else {
            return;
        };
        for part in parts(returned) {
            let day = self.campaign_day(part.campaign, brand);
            add(&mut day.platform_back, part.platform);
            add(&mut day.funder_back, part.funder);
        }
    }
}

/// Whose wallet a payment was given back to; none if nothing was.
fn payer(postings: &Postings) -> Option<UserId> {
    postings.iter().find_map(|posting| match posting.credit {
        Account::Wallet(user) => Some(user),
        Account::Merchant(_)
        | Account::Transit(_)
        | Account::BankReserve(_)
        | Account::FeeIncome(_)
        | Account::Capital(_)
        | Account::RebateLoss(_)
        | Account::Subsidy(_)
        | Account::CampaignFund(_)
        | Account::PendingRebate(_)
        | Account::Remittance(_)
        | Account::Packet(_) => None,
    })
}

fn status(step: Step) -> Status {
    match step {
        Step::Approve => Status::Approved,
        Step::Start | Step::Resume => Status::Running,
        Step::Pause => Status::Paused,
        Step::End => Status::Ended,
    }
}

impl<C> Encode<C> for Users {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let pack = |user: &User| {
            let ([a, b], [c, d]) = (user.brand.to_le_bytes(), user.paid.to_le_bytes());
            [a, b, c, d]
        };
        let rows: Vec<[u8; USER_BYTES]> = self.0.iter().map(pack).collect();
        e.bytes(rows.as_flattened())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Users {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let (rows, []) = d.bytes()?.as_chunks() else {
            return Err(decode::Error::message("rows of users are cut"));
        };
        let unpack = |[a, b, c, d]: &[u8; USER_BYTES]| User {
            brand: u16::from_le_bytes([*a, *b]),
            paid: u16::from_le_bytes([*c, *d]),
        };
        Ok(Self(rows.iter().map(unpack).collect()))
    }
}
