//! How money of a payment goes back: to the payer, to the campaigns, and of the fee and the rebate.
//!
//! Ledger, in this order: fee income → merchant the fee's share; merchant → wallet the payer's; merchant →
//! each campaign's subsidy and fund theirs (the funder itself, once the campaign has ended); of a rebate
//! what waits, or wallet, → subsidy and fund, and what the wallet does not have from rebate loss.

use crate::campaign::grant::{Grant, Part, Rebate, RebateBack, RebateStage, Returned};
use crate::campaign::{CouponState, Status};
use crate::ids::{CampaignId, CouponId, MerchantId};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::order::{Order, Payment};
use crate::state::State;
use crate::time::UnixMillis;

/// What goes back, and how.
pub(super) struct GivenBack {
    pub fee: Fen,
    /// None when no campaign had a part in it: all is the payer's.
    pub returned: Option<Box<Returned>>,
    pub postings: Postings,
    /// What the merchant must have, with the fee's share.
    pub from_merchant: Fen,
}

/// Gives back `amount` more of a payment of which `amount` is left at least.
pub(super) fn give_back(
    state: &State,
    now: UnixMillis,
    order: &Order,
    paid: &Payment,
    amount: Fen,
) -> GivenBack {
    let refunded = paid
        .refunded
        .plus(amount)
        .expect("within the order's amount");
    let fee = paid
        .fee
        .share(refunded, order.amount)
        .minus(paid.fee_returned)
        .expect("a growing part has a growing share");
    let account = Account::Merchant(order.merchant);
    let wallet = Account::Wallet(paid.payer);
    let postings = Postings::new().with(Account::FeeIncome(paid.brand), account, fee);
    let Some(granted) = &paid.granted else {
        return GivenBack {
            fee,
            returned: None,
            postings: postings.with(account, wallet, amount),
            from_merchant: amount,
        };
    };
    let (payer, parts) = granted.split(order.amount, paid.refunded, refunded);
    let mut postings = postings.with(account, wallet, payer);
    let mut from_merchant = payer;
    for part in &parts {
        let before = postings.len();
        postings = to_campaign(state, postings, account, part);
        from_merchant = postings[before..]
            .iter()
            .fold(from_merchant, |sum, posting| {
                sum.plus(posting.amount).expect("within the order's amount")
            });
    }
    let back = granted.rebate.map(|rebate| {
        let part = rebate.split(order.amount, paid.refunded, refunded);
        let (back, with) = take_back(state, postings.clone(), paid, &rebate, part, payer);
        postings = with;
        back
    });
    let whole = refunded == order.amount;
    let grants = granted.grants.iter().zip(&parts).filter(|_| whole);
    let coupons = grants.filter_map(|(grant, back)| good_again(state, now, grant, back));
    let coupons = coupons.collect();
    let returned = Returned {
        payer,
        grants: parts.into_vec(),
        rebate: back,
        coupons,
    };
    GivenBack {
        fee,
        returned: Some(Box::new(returned)),
        postings,
        from_merchant,
    }
}

/// A grant's coupon that can be used again once the grant's last part is back: its time is not over, and
/// the budget, which may have been granted elsewhere or lowered meanwhile, covers its promise.
fn good_again(state: &State, now: UnixMillis, grant: &Grant, back: &Part) -> Option<CouponId> {
    let id = grant.coupon?;
    let coupon = state.coupon(id)?;
    let campaign = state
        .campaign(coupon.campaign)
        .expect("its campaign exists");
    let left = campaign.left().plus(back.amount());
    let good = matches!(coupon.state, CouponState::Used(_))
        && now < coupon.until
        && campaign.status != Status::Ended
        && left.is_some_and(|left| campaign.worth() <= left);
    good.then_some(id)
}

/// Takes back a part of a rebate. `refunded` goes to the wallet in the same event, before.
fn take_back(
    state: &State,
    postings: Postings,
    paid: &Payment,
    rebate: &Rebate,
    part: Part,
    refunded: Fen,
) -> (RebateBack, Postings) {
    let from = paid.rebate;
    let mut back = RebateBack {
        part,
        from,
        lost: Fen::ZERO,
    };
    if from == RebateStage::Waits {
        let pending = Account::PendingRebate(rebate.campaign);
        return (back, to_campaign(state, postings, pending, &part));
    }
    let wallet = Account::Wallet(paid.payer);
    let has = state
        .balance(wallet)
        .and_then(|balance| balance.plus(refunded));
    let has = has.expect("its payer exists").min(part.amount());
    // The funder first: what is lost is the platform's.
    let funder = part.funder.min(has);
    let platform = part.platform.min(has.minus(funder).expect("a part of it"));
    let lost = Part {
        campaign: part.campaign,
        platform: part.platform.minus(platform).expect("a part of it"),
        funder: part.funder.minus(funder).expect("a part of it"),
    };
    back.lost = lost.amount();
    let had = Part {
        campaign: part.campaign,
        platform,
        funder,
    };
    let postings = to_campaign(state, postings, wallet, &had);
    let loss = Account::RebateLoss(paid.brand);
    (back, to_campaign(state, postings, loss, &lost))
}

/// A part goes back to those who paid for it.
fn to_campaign(state: &State, postings: Postings, from: Account, part: &Part) -> Postings {
    let funder = fund_of(state, part.campaign);
    let postings = postings.with(from, Account::Subsidy(part.campaign), part.platform);
    // A merchant that would give back to itself keeps it.
    match funder {
        Some(to) if to != from => postings.with(from, to, part.funder),
        Some(_) | None => postings,
    }
}

/// Where a funder's part goes: into the fund, or to the funder once there is none.
fn fund_of(state: &State, id: CampaignId) -> Option<Account> {
    let campaign = state.campaign(id).expect("it granted something");
    let funder: MerchantId = campaign.terms.funding.funder()?;
    Some(match campaign.status {
        Status::Ended => Account::Merchant(funder),
        Status::Draft | Status::Approved | Status::Running | Status::Paused => {
            Account::CampaignFund(id)
        }
    })
}

/// Counts what campaigns got back.
pub(crate) fn count(state: &mut State, returned: &Returned) {
    let rebate = returned.rebate.iter().map(|back| &back.part);
    for part in returned.grants.iter().chain(rebate) {
        let row = state.campaigns.row_mut(part.campaign);
        row.spent = row.spent.minus(part.amount()).expect("it was granted");
    }
    for coupon in &returned.coupons {
        state.campaigns.turn(*coupon, CouponState::Open);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::campaign::add::AddCampaign;
    use crate::campaign::budget::ChangeBudget;
    use crate::campaign::give::GiveCoupon;
    use crate::campaign::step::{Step, StepCampaign};
    use crate::campaign::terms::{Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent};
    use crate::command::Command;
    use crate::limits::DAY_MS;
    use crate::money::BasisPoints;
    use crate::testing::{MEI, create, given, nth, number, pay, refund};

    const CAMPAIGN: CampaignId = CampaignId(0);

    /// A coupon of half the amount, at most 1 yuan, in Mei's hands.
    fn half_price(budget: i64) -> [Command; 4] {
        let now = given([]).now;
        let terms = Terms {
            name: "half price".into(),
            kind: Kind::Coupon(CouponTerms {
                days: None,
                most: 9,
                per_user: 9,
                claimed: true,
                after: None,
            }),
            benefit: Benefit::Percent {
                rate: BasisPoints(5_000),
                cap: Fen(100),
            },
            funding: Funding::Platform,
            from: now,
            until: now.plus(DAY_MS),
            minimum: Fen(0),
            per_day: None,
            per_payment: None,
            per_user: PerUser::default(),
            users: None,
            brand: None,
            merchants: Vec::new(),
            rule: None,
            group: None,
            holdout: BasisPoints(0),
            when_spent: WhenSpent::PayWithout,
            seed: 0,
            echo: None,
        };
        let step = |step| StepCampaign {
            campaign: CAMPAIGN,
            step,
            by: number("second"),
        };
        let add = AddCampaign {
            number: number("half"),
            by: number("first"),
            budget: Fen(budget),
            terms: Arc::new(terms),
        };
        let give = GiveCoupon {
            campaign: CAMPAIGN,
            number: number("mei"),
            user: MEI,
            claimed: true,
        };
        [
            add.into(),
            step(Step::Approve).into(),
            step(Step::Start).into(),
            give.into(),
        ]
    }

    /// A coupon promises the most that it can give, and gave less: meanwhile the budget was lowered to
    /// what is used, and what comes back does not cover the promise.
    #[test]
    fn a_coupon_is_not_given_back_beyond_the_budget() {
        let order = crate::ids::OrderId(nth(4));
        let lower = |to| ChangeBudget {
            campaign: CAMPAIGN,
            number: number("lower"),
            by: number("first"),
            from: Fen(100),
            to: Fen(to),
        };
        for (to, open) in [(50, 0), (99, 0), (100, 1)] {
            let world = given(half_price(100))
                .when(create("a", 100))
                .accepts()
                .when(pay(order, MEI))
                .accepts()
                .has(Account::Subsidy(CAMPAIGN), 50)
                .when(lower(to))
                .accepts()
                .when(refund("r", order, 100, 100))
                .accepts()
                .has(Account::Subsidy(CAMPAIGN), 0)
                .has(Account::Wallet(MEI), 100_000);
            assert_eq!(world.state.open_coupons(MEI).len(), open, "{to}");
            let promised = world
                .state
                .campaign(CAMPAIGN)
                .expect("it was added")
                .promised;
            assert_eq!(promised, Fen(100 * i64::try_from(open).expect("few")));
        }
    }
}
