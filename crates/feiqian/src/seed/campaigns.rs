//! The sandbox's campaigns. They run at shops of their own, so that what an integrator tries at the first two
//! shops costs what it says.

use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent,
};
use feiqian_core::limits::DAY_MS;
use feiqian_core::{BasisPoints, CampaignId, Fen, MerchantId, Number, UnixMillis, UserId};
use feiqian_gateway::campaigns::cel;
use feiqian_gateway::platform::Platform;

use crate::Failure;

/// Who adds them, and who approves them.
const OPERATORS: [&str; 2] = ["operator", "second"];
/// The shop that pays for its own coupons.
const BOOKS: MerchantId = MerchantId(2);
const COUPON: CampaignId = CampaignId(2);

/// A random discount on weekday lunches, a rebate on first payments.
pub async fn add(platform: &Platform, from: UnixMillis) -> Result<(), Failure> {
    let lunch = Terms {
        benefit: Benefit::Random {
            least: Fen(50),
            most: Fen(888),
            mean: Fen(188),
        },
        rule: Some(cel::compile(
            "weekday <= FRIDAY && hour >= 11 && hour < 14 && category in [5812, 5814] && amount >= 1000",
        )?),
        per_user: PerUser {
            times_a_day: Some(1),
            by_person: true,
            ..PerUser::default()
        },
        per_day: Some(Fen(20_000)),
        holdout: BasisPoints(1_000),
        merchants: vec![MerchantId(5), MerchantId(6)],
        ..terms("工作日午餐随机立减 Weekday lunch", from)
    };
    let welcome = Terms {
        kind: Kind::Rebate { wait_days: 1 },
        benefit: Benefit::Fixed(Fen(500)),
        rule: Some(cel::compile("first_payment && amount >= 1000")?),
        merchants: (3..=6).map(MerchantId).collect(),
        ..terms("首笔返现 First payment back", from)
    };
    run(platform, CampaignId(0), Fen(500_000), lunch).await?;
    run(platform, CampaignId(1), Fen(100_000), welcome).await
}

/// A bookshop's coupon, which it pays for with what it earned.
pub async fn add_coupon(platform: &Platform, from: UnixMillis) -> Result<(), Failure> {
    let books = Terms {
        kind: Kind::Coupon(CouponTerms {
            days: Some(90),
            most: 1_000,
            per_user: 1,
            claimed: true,
            after: None,
        }),
        benefit: Benefit::Fixed(Fen(1_000)),
        funding: Funding::Merchant(BOOKS),
        minimum: Fen(5_000),
        merchants: vec![BOOKS],
        ..terms("书店满50减10 Ten off fifty", from)
    };
    run(platform, COUPON, Fen(30_000), books).await
}

/// Gives a shopper the bookshop's coupon.
pub async fn give(platform: &Platform, user: UserId) -> Result<(), Failure> {
    let give = GiveCoupon {
        campaign: COUPON,
        number: Number::new(&format!("seed-coupon-{user}"))?,
        user,
        claimed: true,
    };
    platform.engine.submit(give).await?;
    Ok(())
}

async fn run(
    platform: &Platform,
    campaign: CampaignId,
    budget: Fen,
    terms: Terms,
) -> Result<(), Failure> {
    let [by, second] = OPERATORS;
    let add = AddCampaign {
        number: Number::new(&format!("seed-campaign-{campaign}"))?,
        by: Number::new(by)?,
        budget,
        terms: terms.into(),
    };
    if platform.engine.submit(add).await?.again {
        return Ok(());
    }
    for step in [Step::Approve, Step::Start] {
        let by = Number::new(second)?;
        let step = StepCampaign { campaign, step, by };
        platform.engine.submit(step).await?;
    }
    Ok(())
}

fn terms(name: &str, from: UnixMillis) -> Terms {
    Terms {
        name: name.into(),
        kind: Kind::Discount,
        benefit: Benefit::Fixed(Fen(1)),
        funding: Funding::Platform,
        from,
        until: from.plus(365 * DAY_MS),
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
        // Play money: what shoppers draw may be known.
        seed: 1_111,
        echo: None,
    }
}
