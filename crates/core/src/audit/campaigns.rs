//! What the audit knows of campaigns: who pays for them, what they granted, which coupons are good.

use hashbrown::HashMap;

use crate::campaign::grant::{Granted, Part, Returned};
use crate::campaign::step::Step;
use crate::campaign::terms::Funding;
use crate::event::Event;
use crate::ids::{CampaignId, CouponId, EventNumber, MerchantId, UserId};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::order::pay::OrderPaid;
use crate::time::UnixMillis;

#[derive(Default)]
pub(super) struct Campaigns {
    rows: Vec<Campaign>,
    /// Coupons whose end has not come.
    coupons: HashMap<CouponId, Coupon, foldhash::fast::FixedState>,
    /// How many there may be before those that ended are looked for.
    room: usize,
}

pub(super) struct Campaign {
    funding: Funding,
    merchants: Vec<MerchantId>,
    budget: Fen,
    spent: Fen,
    ended: Option<EventNumber>,
    pub subsidy: Fen,
    pub fund: Fen,
    pub pending: Fen,
}

struct Coupon {
    campaign: CampaignId,
    user: UserId,
    until: UnixMillis,
    used: bool,
    void: bool,
    /// What was paid for its use, by whom to whom, and what is left of it.
    subsidy: Option<(EventNumber, MerchantId, MerchantId, Fen)>,
}

impl Campaigns {
    pub fn rows(&self) -> &[Campaign] {
        &self.rows
    }

    pub fn row(&self, id: CampaignId) -> Option<&Campaign> {
        self.rows.get(usize::try_from(id.0).ok()?)
    }

    pub fn row_mut(&mut self, id: CampaignId) -> Option<&mut Campaign> {
        self.rows.get_mut(usize::try_from(id.0).ok()?)
    }

    fn known(&mut self, id: CampaignId) -> Result<&mut Campaign, String> {
        self.row_mut(id)
            .ok_or_else(|| format!("campaign {id} does not exist"))
    }

    /// Checks what an event says of campaigns, and remembers what it changes.
    #[allow(clippy::too_many_lines, reason = "a few lines for each kind of event")]
    pub fn check(&mut self, number: EventNumber, event: &Event) -> Result<(), String> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "the others are of no campaign"
        )]
        match event {
            Event::CampaignAdded(event) => {
                super::accounts::expect_id(event.campaign.0.into(), self.rows.len(), "campaign")?;
                self.rows.push(Campaign {
                    funding: event.terms.funding,
                    merchants: event.terms.merchants.clone(),
                    budget: event.budget,
                    spent: Fen::ZERO,
                    ended: None,
                    subsidy: Fen::ZERO,
                    fund: Fen::ZERO,
                    pending: Fen::ZERO,
                });
            }
            Event::CampaignStepped(event) if event.step == Step::End => {
                self.known(event.campaign)?.end(number)?;
            }
            Event::CampaignEnded(event) => self.known(event.campaign)?.end(number)?,
            Event::BudgetChanged(event) => {
                let row = self.known(event.campaign)?;
                if row.budget != event.from || event.to < row.spent {
                    return Err(format!(
                        "the budget was {}, {} spent",
                        row.budget, row.spent
                    ));
                }
                row.budget = event.to;
            }
            Event::CouponGiven(event) => {
                self.known(event.campaign)?;
                self.give(
                    CouponId(number),
                    event.campaign,
                    event.user,
                    event.until,
                    event.at,
                );
            }
            Event::OrderPaid(event) => {
                if let Some(granted) = &event.granted {
                    self.grant(number, event, granted)?;
                }
            }
            Event::OrderRefunded(event) => self.take_back(event.returned.as_deref())?,
            Event::OrderReversed(event) => self.take_back(event.returned.as_deref())?,
            _ => self.check_outside(number, event)?,
        }
        Ok(())
    }

    /// The same, of coupons at their merchants' own tills.
    fn check_outside(&mut self, number: EventNumber, event: &Event) -> Result<(), String> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "the others are of no coupon"
        )]
        match event {
            Event::CouponUsed(event) => {
                let (owner, at) = (event.merchant, event.at);
                let coupon = self.outside(event.coupon, event.campaign, event.user, owner, at)?;
                if coupon.used || coupon.void {
                    return Err(format!("coupon {} cannot be used", event.coupon));
                }
                coupon.used = true;
            }
            Event::CouponReturned(event) => {
                let (owner, at) = (event.merchant, event.at);
                let coupon = self.outside(event.coupon, event.campaign, event.user, owner, at)?;
                let subsidised = coupon
                    .subsidy
                    .take()
                    .is_some_and(|(.., left)| left > Fen::ZERO);
                if !coupon.used || subsidised {
                    return Err(format!("coupon {} cannot be given back", event.coupon));
                }
                coupon.used = false;
            }
            Event::CouponVoided(event) => {
                // One whose end has come may be made void, and may have been let go of here.
                if let Some(coupon) = self.coupons.get_mut(&event.coupon) {
                    if coupon.used || coupon.void || coupon.user != event.user {
                        return Err(format!("coupon {} cannot be void", event.coupon));
                    }
                    coupon.void = true;
                }
            }
            Event::SubsidyPaid(event) => {
                let subsidy = (number, event.payer, event.payee, event.amount);
                let Some(coupon) = self.coupons.get_mut(&event.coupon) else {
                    return Ok(());
                };
                if !coupon.used || coupon.subsidy.replace(subsidy).is_some() {
                    return Err(format!("coupon {} cannot be subsidised", event.coupon));
                }
                let own = Funding::Outside(event.payer);
                let campaign = coupon.campaign;
                if event.payer == event.payee || self.known(campaign)?.funding != own {
                    return Err("its payer cannot subsidise it".into());
                }
            }
            Event::SubsidyReturned(event) => {
                let Some(coupon) = self.coupons.get_mut(&event.coupon) else {
                    return Ok(());
                };
                let paid = (event.subsidy, event.payer, event.merchant);
                let left = match &mut coupon.subsidy {
                    Some((number, payer, payee, left)) if (*number, *payer, *payee) == paid => left,
                    Some(_) | None => return Err("there is no such subsidy".into()),
                };
                let less = left
                    .minus(event.amount)
                    .filter(|_| event.amount > Fen::ZERO);
                *left = less.ok_or("more of a subsidy goes back than was paid")?;
            }
            Event::CouponsChanged(event) => {
                self.known(event.campaign)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn give(
        &mut self,
        id: CouponId,
        campaign: CampaignId,
        user: UserId,
        until: UnixMillis,
        now: UnixMillis,
    ) {
        if self.coupons.len() >= self.room {
            self.coupons.retain(|_, coupon| coupon.until > now);
            self.room = self.coupons.len().saturating_mul(2).max(1_024);
        }
        let coupon = Coupon {
            campaign,
            user,
            until,
            used: false,
            void: false,
            subsidy: None,
        };
        self.coupons.insert(id, coupon);
    }

    /// A coupon that is good at a merchant's own till.
    fn outside(
        &mut self,
        id: CouponId,
        campaign: CampaignId,
        user: UserId,
        at_till: MerchantId,
        now: UnixMillis,
    ) -> Result<&mut Coupon, String> {
        let row = self.known(campaign)?;
        let own = match row.funding {
            Funding::Outside(owner) => owner == at_till || row.merchants.contains(&at_till),
            Funding::Platform | Funding::Merchant(_) | Funding::Shared { .. } => false,
        };
        if !own || row.ended.is_some() {
            return Err(format!("coupon {id} is not good at merchant {at_till}"));
        }
        let coupon = self
            .coupons
            .get_mut(&id)
            .filter(|coupon| coupon.until > now);
        let coupon = coupon.ok_or_else(|| format!("coupon {id} does not exist"))?;
        if (coupon.campaign, coupon.user) != (campaign, user) {
            return Err(format!("coupon {id} is another user's"));
        }
        Ok(coupon)
    }

    fn grant(
        &mut self,
        number: EventNumber,
        event: &OrderPaid,
        granted: &Granted,
    ) -> Result<(), String> {
        let mut discount = Fen::ZERO;
        for grant in &granted.grants {
            self.spend(grant.campaign, grant.amount, grant.platform)?;
            discount = discount.plus(grant.amount).ok_or("the grants overflow")?;
            let Some(id) = grant.coupon else { continue };
            let coupon = self.coupons.get_mut(&id);
            let coupon = coupon.ok_or_else(|| format!("coupon {id} does not exist"))?;
            let right = (coupon.campaign, coupon.user) == (grant.campaign, event.payer);
            if !right || coupon.used || coupon.void || coupon.until <= event.at {
                return Err(format!("coupon {id} is not good for this payment"));
            }
            coupon.used = true;
        }
        if discount >= event.amount {
            return Err("campaigns grant all of its amount".into());
        }
        if let Some(rebate) = granted.rebate {
            self.spend(rebate.campaign, rebate.amount, rebate.platform)?;
        }
        if let Some(earned) = granted.earned {
            self.known(earned.campaign)?;
            let (user, at) = (event.payer, event.at);
            self.give(CouponId(number), earned.campaign, user, earned.until, at);
        }
        Ok(())
    }

    fn spend(&mut self, id: CampaignId, amount: Fen, platform: Fen) -> Result<(), String> {
        let row = self.known(id)?;
        let funded = row.funding.funder().is_some() || platform == amount;
        if row.ended.is_some() || amount < Fen(1) || platform > amount || !funded {
            return Err(format!("campaign {id} cannot grant {amount} yuan so"));
        }
        let spent = row.spent.plus(amount).filter(|spent| *spent <= row.budget);
        row.spent = spent.ok_or_else(|| format!("campaign {id} passes its budget"))?;
        Ok(())
    }

    fn take_back(&mut self, returned: Option<&Returned>) -> Result<(), String> {
        let Some(returned) = returned else {
            return Ok(());
        };
        let rebate = returned.rebate.iter().map(|back| &back.part);
        for part in returned.grants.iter().chain(rebate) {
            let row = self.known(part.campaign)?;
            let back = part.platform.plus(part.funder);
            let spent = back.and_then(|back| row.spent.minus(back));
            row.spent = spent.ok_or("more goes back than was granted")?;
        }
        for id in &returned.coupons {
            let coupon = self.coupons.get_mut(id).filter(|coupon| coupon.used);
            coupon
                .ok_or_else(|| format!("coupon {id} was not used"))?
                .used = false;
        }
        Ok(())
    }

    /// What of the merchant's own money is in a payment's grants.
    pub fn own_part(&self, granted: &Granted, merchant: MerchantId) -> Fen {
        granted.grants.iter().fold(Fen::ZERO, |sum, grant| {
            let funder = self
                .row(grant.campaign)
                .and_then(|row| row.funding.funder());
            let own = grant.amount.minus(grant.platform);
            let own = own.filter(|_| funder == Some(merchant)).unwrap_or_default();
            sum.plus(own).unwrap_or(sum)
        })
    }

    /// The postings of an event of a campaign itself.
    pub fn expected(&self, event: &Event) -> Result<Postings, String> {
        let funder = |id: CampaignId| {
            let row = self.row(id);
            let row = row.ok_or_else(|| format!("campaign {id} does not exist"))?;
            Ok::<_, String>((row, row.funding.funder()))
        };
        let fund = Account::CampaignFund;
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "the others are of no campaign"
        )]
        let (id, step) = match event {
            Event::CampaignStepped(event) => (event.campaign, Some(event.step)),
            Event::CampaignEnded(event) => (event.campaign, Some(Step::End)),
            Event::BudgetChanged(event) => (event.campaign, None),
            _ => return Ok(Postings::new()),
        };
        let (row, Some(funder)) = funder(id)? else {
            return Ok(Postings::new());
        };
        let merchant = Account::Merchant(funder);
        let part = |budget: Fen| {
            let platform = row.funding.platform_part(budget);
            budget.minus(platform).unwrap_or_default()
        };
        Ok(match (step, event) {
            (Some(Step::Approve), _) => Postings::new().with(merchant, fund(id), part(row.budget)),
            (Some(Step::End), _) => Postings::new().with(fund(id), merchant, row.fund),
            (None, Event::BudgetChanged(event)) if !event.postings.is_empty() => {
                let (old, new) = (part(event.from), part(event.to));
                let (more, less) = (new.minus(old), old.minus(new));
                Postings::new()
                    .with(merchant, fund(id), more.unwrap_or_default())
                    .with(fund(id), merchant, less.unwrap_or_default().min(row.fund))
            }
            _ => Postings::new(),
        })
    }

    /// Postings of parts that go back from an account, as it was before an event.
    pub fn back(
        &self,
        before: EventNumber,
        postings: Postings,
        from: Account,
        part: &Part,
    ) -> Result<Postings, String> {
        let id = part.campaign;
        let row = self.row(id);
        let row = row.ok_or_else(|| format!("campaign {id} does not exist"))?;
        let postings = postings.with(from, Account::Subsidy(id), part.platform);
        let Some(funder) = row.funding.funder() else {
            return Ok(postings);
        };
        let has_ended = row.ended.is_some_and(|ended| ended < before);
        let to = if has_ended {
            Account::Merchant(funder)
        } else {
            Account::CampaignFund(id)
        };
        Ok(if to == from {
            postings
        } else {
            postings.with(from, to, part.funder)
        })
    }
}

impl Campaign {
    fn end(&mut self, number: EventNumber) -> Result<(), String> {
        match self.ended.replace(number) {
            None => Ok(()),
            Some(_) => Err("it has ended already".into()),
        }
    }

    /// Checks, when all is read, that what is spent is what its accounts hold.
    pub fn close(&self, id: usize) -> Result<(), String> {
        if self.funding.funder().is_none() && self.subsidy != self.spent {
            let (subsidy, spent) = (self.subsidy, self.spent);
            return Err(format!(
                "campaign {id} granted {spent} yuan, but its subsidy is {subsidy}"
            ));
        }
        Ok(())
    }
}
