//! What operators ask of campaigns, and what timers do.

use feiqian_core::brand::fund::FundBrand;
use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::budget::ChangeBudget;
use feiqian_core::campaign::end::EndedBy;
use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::{Benefit, Flaw, Funding, Kind, Terms};
use feiqian_core::campaign::{Status, add, budget, end, give, payout, step, sweep};
use feiqian_core::user::set_traits::SetTraits;
use feiqian_core::user::{UserStatus, set_traits};
use feiqian_core::{Account, CampaignId, Fen, MerchantId, Refusal, brand};

use super::super::campaigns::Campaign;
use super::super::{Books, Verdict, What};
use super::choose::coupon_until;
use super::operators::{happens, is_name};
use super::orders::part;
use super::{eligible, is_amount, refused};

const DAY: i64 = 86_400_000;

/// Money from a merchant into the fund of its campaign, or back.
type Moves = Vec<(Account, Account, i64)>;

impl Books {
    pub(super) fn fund_brand(&self, now: i64, asked: &FundBrand) -> Verdict {
        use brand::fund::Refusal as R;
        let reserve = Account::BankReserve(asked.brand);
        self.numbered(What::BrandFunded(asked.clone()), now, || {
            if asked.brand.0 >= self.brands {
                return Some(R::BrandNotFound);
            }
            (!is_amount(asked.amount)).then_some(R::AmountOutOfRange)
        })
        .map_refusal(R::NumberReused, Refusal::FundBrand)
        .moving(vec![(
            reserve,
            Account::Capital(asked.brand),
            asked.amount.0,
        )])
    }

    pub(super) fn set_traits(&self, now: i64, asked: &SetTraits) -> Verdict {
        let refuse = |refusal| refused(Refusal::SetTraits(refusal));
        let Some(shopper) = self.campaigns.shoppers.get(asked.user.0 as usize) else {
            return refuse(set_traits::Refusal::UserNotFound);
        };
        let known = shopper.person.is_some();
        if known && asked.person.is_some() && asked.person != shopper.person {
            return refuse(set_traits::Refusal::OtherPerson);
        }
        let person = asked.person.filter(|_| !known);
        happens(
            now,
            What::TraitsSet(SetTraits {
                person,
                ..asked.clone()
            }),
        )
    }

    pub(super) fn add_campaign(&self, now: i64, asked: &AddCampaign) -> Verdict {
        use add::Refusal as R;
        let terms = &asked.terms;
        let next = u32::try_from(self.campaigns.rows.len()).unwrap_or(u32::MAX);
        let what = What::CampaignAdded {
            asked: asked.clone(),
            campaign: CampaignId(next),
        };
        self.numbered(what, now, || {
            if let Some(flaw) = flaw(terms, asked.budget) {
                return Some(R::Flawed { flaw });
            }
            if terms.brand.is_some_and(|brand| brand.0 >= self.brands) {
                return Some(R::BrandNotFound);
            }
            let mut named = terms.merchants.clone();
            named.extend(payer_of(terms.funding));
            let known = named
                .iter()
                .all(|merchant| self.merchant(*merchant).is_some());
            (!known).then_some(R::MerchantNotFound)
        })
        .map_refusal(R::NumberReused, Refusal::AddCampaign)
    }

    pub(super) fn step_campaign(&self, now: i64, asked: &StepCampaign) -> Verdict {
        use step::Refusal as R;
        let refuse = |refusal| refused(Refusal::StepCampaign(refusal));
        let id = asked.campaign;
        let Some(row) = self.campaign(id) else {
            return refuse(R::CampaignNotFound);
        };
        let status = row.status;
        let (begins, ends) = match asked.step {
            Step::Approve => (status == Status::Draft, Status::Approved),
            Step::Start => (status == Status::Approved, Status::Running),
            Step::Pause => (status == Status::Running, Status::Paused),
            Step::Resume => (status == Status::Paused, Status::Running),
            Step::End => (status != Status::Ended, Status::Ended),
        };
        if !begins && status == ends {
            return Verdict::Again(row.last);
        }
        if !begins {
            return refuse(R::WrongStatus { status });
        }
        if asked.step != Step::End && row.terms.until.0 <= now {
            return refuse(R::TimeOver);
        }
        let mut moves = Vec::new();
        if asked.step == Step::Approve {
            let funders = funders_part(row, row.budget);
            // A share may be less than half a fen.
            if row.is_ours() && funders < row.budget && asked.by == row.by {
                return refuse(R::SameOperator);
            }
            if let Some(merchant) = row.funded_by() {
                let account = Account::Merchant(merchant);
                let available = self.balance(account);
                if available < funders {
                    return refuse(R::BalanceShort {
                        available: Fen(available),
                    });
                }
                moves = vec![(account, Account::CampaignFund(id), funders)];
            }
        }
        let live = self.campaigns.rows.iter().filter(|row| row.is_live());
        if asked.step == Step::Start && live.count() >= 500 {
            return refuse(R::TooManyRunning);
        }
        if asked.step == Step::End {
            moves = self.fund_back(id, row);
        }
        happens(now, What::CampaignStepped(asked.clone())).moving(moves)
    }

    /// What is left of the fund goes back to who paid it.
    fn fund_back(&self, id: CampaignId, row: &Campaign) -> Moves {
        let fund = Account::CampaignFund(id);
        let back = |merchant| (fund, Account::Merchant(merchant), self.balance(fund));
        row.funded_by().map(back).into_iter().collect()
    }

    pub(super) fn change_budget(&self, now: i64, asked: &ChangeBudget) -> Verdict {
        use budget::Refusal as R;
        let id = asked.campaign;
        let mut moves = Vec::new();
        self.numbered(What::BudgetChanged(asked.clone()), now, || {
            let Some(row) = self.campaign(id) else {
                return Some(R::CampaignNotFound);
            };
            if row.status == Status::Ended {
                return Some(R::Ended);
            }
            if asked.from.0 != row.budget {
                return Some(R::OtherBudget {
                    budget: Fen(row.budget),
                });
            }
            if !is_amount(asked.to) {
                return Some(R::AmountOutOfRange);
            }
            let used = row.spent() + self.promised(id);
            if asked.to.0 < used {
                return Some(R::BelowUsed { used: Fen(used) });
            }
            let merchant = row.funded_by().filter(|_| row.status != Status::Draft)?;
            let (account, fund) = (Account::Merchant(merchant), Account::CampaignFund(id));
            let more = funders_part(row, asked.to.0) - funders_part(row, row.budget);
            let available = self.balance(account);
            if more > available {
                return Some(R::BalanceShort {
                    available: Fen(available),
                });
            }
            moves = vec![
                (account, fund, more),
                (fund, account, (-more).min(self.balance(fund))),
            ];
            None
        })
        .map_refusal(R::NumberReused, Refusal::ChangeBudget)
        .moving(moves)
    }

    pub(super) fn give_coupon(&self, now: i64, asked: &GiveCoupon) -> Verdict {
        use give::Refusal as R;
        let row = self.campaign(asked.campaign);
        let until = row.map_or(0, |row| coupon_until(row, now));
        let what = What::CouponGiven {
            asked: asked.clone(),
            until,
        };
        self.numbered(what, now, || {
            let Some((row, terms)) = row.and_then(|row| Some((row, row.coupon_terms()?))) else {
                return Some(R::CampaignNotFound);
            };
            let Some(user) = self.user(asked.user) else {
                return Some(R::UserNotFound);
            };
            if user.status != UserStatus::Active {
                return Some(R::UserNotActive);
            }
            if row.terms.brand.is_some_and(|only| only != user.brand) {
                return Some(R::OtherBrand);
            }
            if asked.claimed && !terms.claimed {
                return Some(R::NotClaimed);
            }
            self.no_more(now, asked.campaign, asked.user)
        })
        .map_refusal(R::NumberReused, Refusal::GiveCoupon)
    }

    pub(super) fn end_campaign(&self, now: i64, id: CampaignId) -> Verdict {
        let row = self.campaign(id).filter(|_| self.is_over(id, now));
        let Some(row) = row else {
            return refused(Refusal::EndCampaign(end::Refusal::NotOver));
        };
        let by = if row.terms.until.0 <= now {
            EndedBy::Time
        } else {
            EndedBy::Budget
        };
        happens(now, What::CampaignEnded { campaign: id, by }).moving(self.fund_back(id, row))
    }

    pub(super) fn pay_rebate(&self, now: i64, id: u64) -> Verdict {
        let waits = self.campaigns.rebates.iter();
        let mut waits = waits.filter(|((_, due, _), order)| **order == id && *due <= now);
        let paid = self.orders.get(&id).and_then(|order| order.paid.as_ref());
        let (Some(((campaign, _, _), _)), Some(paid)) = (waits.next(), paid) else {
            return refused(Refusal::PayRebate(payout::Refusal::NotDue));
        };
        let granted = paid.granted.as_ref().and_then(|granted| granted.rebate);
        let amount = granted.map_or(0, |rebate| rebate.amount.0) - paid.returned.rebate;
        let (campaign, payer) = (*campaign, paid.payer);
        let what = What::RebatePaid {
            order: id,
            campaign,
            payer,
            amount,
        };
        let pending = Account::PendingRebate(campaign);
        happens(now, what).moving(vec![(pending, Account::Wallet(payer), amount)])
    }

    pub(super) fn sweep(&self, now: i64) -> Verdict {
        if self.sweep_from().is_some_and(|from| from <= now) {
            return happens(now, What::Swept);
        }
        refused(Refusal::Sweep(sweep::Refusal::NotDue))
    }
}

fn payer_of(funding: Funding) -> Option<MerchantId> {
    match funding {
        Funding::Platform => None,
        Funding::Merchant(merchant)
        | Funding::Shared { merchant, .. }
        | Funding::Outside(merchant) => Some(merchant),
    }
}

/// What the funder pays of a budget.
fn funders_part(row: &Campaign, budget: i64) -> i64 {
    match row.terms.funding {
        Funding::Platform | Funding::Outside(_) => 0,
        Funding::Merchant(_) => budget,
        Funding::Shared { platform, .. } => {
            budget - part(budget, i64::from(platform.0.min(10_000)), 10_000)
        }
    }
}

/// What is wrong with terms, the first of it.
fn flaw(terms: &Terms, budget: Fen) -> Option<Flaw> {
    let outside = matches!(terms.funding, Funding::Outside(_));
    let absent_or_amount = |fen: Option<Fen>| fen.is_none_or(is_amount);
    let life = terms.until.0.saturating_sub(terms.from.0);
    let sorted = terms.merchants.windows(2).all(|two| two[0] < two[1]);
    let limits = (0..=1_000_000_000_000).contains(&terms.minimum.0)
        && [terms.per_day, terms.per_payment, terms.per_user.amount]
            .into_iter()
            .all(absent_or_amount)
        && terms.holdout.0 <= 5_000
        && terms.merchants.len() <= 1_000
        && sorted;
    let kind = match terms.kind {
        Kind::Discount => !outside,
        Kind::Rebate { wait_days } => wait_days <= 180 && terms.group.is_none() && !outside,
        Kind::Coupon(coupon) => {
            coupon.most >= 1
                && coupon.per_user >= 1
                && coupon.days.is_none_or(|days| (1..=365).contains(&days))
                && absent_or_amount(coupon.after)
        }
    };
    let echo = terms.echo.as_ref().map_or(0, String::len);
    [
        (is_name(&terms.name), Flaw::Name),
        (is_sound(&terms.benefit), Flaw::Benefit),
        (is_amount(budget) || outside && budget.0 == 0, Flaw::Budget),
        ((1..=2 * 366 * DAY).contains(&life), Flaw::Times),
        (limits, Flaw::Limits),
        (kind && echo <= 8_192, Flaw::Kind),
        (
            terms.rule.as_ref().is_none_or(eligible::is_sound),
            Flaw::Rule,
        ),
    ]
    .into_iter()
    .find_map(|(holds, flaw)| (!holds).then_some(flaw))
}

fn is_sound(benefit: &Benefit) -> bool {
    match benefit {
        Benefit::Fixed(fen) => is_amount(*fen),
        Benefit::Percent { rate, cap } => (1..=10_000).contains(&rate.0) && is_amount(*cap),
        Benefit::Random { least, most, mean } => {
            is_amount(*least) && is_amount(*most) && (least.0..=most.0).contains(&mean.0)
        }
        Benefit::Tiers(tiers) => {
            let rising = |two: &[feiqian_core::campaign::terms::Tier]| {
                two[0].spend < two[1].spend && two[0].get < two[1].get
            };
            (1..=10).contains(&tiers.len())
                && tiers
                    .iter()
                    .all(|tier| is_amount(tier.spend) && is_amount(tier.get))
                && tiers.windows(2).all(rising)
        }
    }
}
