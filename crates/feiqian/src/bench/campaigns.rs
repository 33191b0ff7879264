//! Campaigns for a load: half of the payments get a discount, one in ten uses a coupon.

use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, Tier, WhenSpent,
};
use feiqian_core::limits::{AMOUNT_MAX, DAY_MS};
use feiqian_core::{BasisPoints, CampaignId, Command, Fen, MerchantId, Number, UnixMillis, UserId};

use feiqian_gateway::campaigns::cel;

use super::payment::{Numbers, fresh};
use crate::Failure;

/// Campaigns repeat after so many.
const ROUND: u32 = 10;
/// One in so many users gets a coupon.
pub const COUPON_EACH: u32 = 8;

/// The commands that make `count` campaigns run.
pub fn run_all(count: u32) -> Result<Vec<Command>, Failure> {
    let mut commands = Vec::new();
    let mut numbers = Numbers::new(&format!("campaign-{:x}", fresh()));
    let now = i64::try_from(fresh())?;
    for n in 0..count {
        let campaign = CampaignId(n);
        commands.push(
            AddCampaign {
                number: numbers.number(n.into()),
                by: name("bench")?,
                budget: AMOUNT_MAX,
                terms: terms(n, count, now)?.into(),
            }
            .into(),
        );
        for step in [Step::Approve, Step::Start] {
            let by = name("second")?;
            commands.push(StepCampaign { campaign, step, by }.into());
        }
    }
    Ok(commands)
}

/// The commands that give their coupons to users, one campaign after the other.
pub fn coupons(count: u32, wallets: u32) -> impl Iterator<Item = Command> {
    let mut numbers = Numbers::new(&format!("coupon-{:x}", fresh()));
    let givers = count.div_ceil(ROUND).max(1);
    (0..wallets).step_by(COUPON_EACH as usize).map(move |user| {
        let campaign = CampaignId((user / COUPON_EACH) % givers * ROUND);
        GiveCoupon {
            campaign,
            number: numbers.number(user.into()),
            user: UserId(user),
            claimed: false,
        }
        .into()
    })
}

fn name(text: &str) -> Result<Number, Failure> {
    Ok(Number::new(text)?)
}

/// Of ten, one gives coupons, one a rebate on first payments at one hour, two give discounts to everybody for
/// a range of amounts, and six to regulars of a thousand shops. The ranges cover half of all payments.
#[allow(clippy::too_many_lines, reason = "terms have many fields")]
fn terms(n: u32, count: u32, now: i64) -> Result<Terms, Failure> {
    let ranges = i64::from(count.div_ceil(ROUND) * 2);
    let place = i64::from(n / ROUND * 2 + (n % ROUND).saturating_sub(2));
    let (from, to) = (
        25_000 + 25_000 * place / ranges,
        25_000 + 25_000 * (place + 1) / ranges,
    );
    let mut merchants = Vec::new();
    let (kind, rule): (_, String) = match n % ROUND {
        0 => {
            let coupon = CouponTerms {
                days: Some(30),
                most: u32::MAX,
                per_user: 1,
                claimed: true,
                after: None,
            };
            (Kind::Coupon(coupon), "amount >= 1000".into())
        }
        1 => (
            Kind::Rebate { wait_days: 7 },
            format!("first_payment && hour == {} && tier == FULL", n % 24),
        ),
        2 | 3 => (
            Kind::Discount,
            format!(
                "amount >= {from} && amount < {} && payments_30d < 1000 && category in [5411, 5812, 5814]",
                to + 1
            ),
        ),
        _ => {
            let first = (n / ROUND * 6 + n % ROUND - 4) * 1_000;
            merchants.extend((first..first + 1_000).map(MerchantId));
            let regulars = "payments_30d >= 20 && spend_30d / payments_30d >= 20000";
            (Kind::Discount, regulars.into())
        }
    };
    let benefit = match n % 4 {
        0 => Benefit::Fixed(Fen(500)),
        1 => Benefit::Percent {
            rate: BasisPoints(500),
            cap: Fen(2_000),
        },
        2 => Benefit::Random {
            least: Fen(10),
            most: Fen(8_800),
            mean: Fen(300),
        },
        _ => Benefit::Tiers(vec![
            Tier {
                spend: Fen(10_000),
                get: Fen(300),
            },
            Tier {
                spend: Fen(30_000),
                get: Fen(1_200),
            },
        ]),
    };
    // Of a coupon that is worth little, there are enough for everybody.
    let benefit = match kind {
        Kind::Coupon(_) => Benefit::Fixed(Fen(200)),
        Kind::Discount | Kind::Rebate { .. } => benefit,
    };
    Ok(Terms {
        name: format!("Campaign {n}"),
        kind,
        benefit,
        funding: Funding::Platform,
        from: UnixMillis(now - DAY_MS),
        until: UnixMillis(now + 30 * DAY_MS),
        minimum: Fen(0),
        per_day: Some(AMOUNT_MAX),
        per_payment: None,
        per_user: PerUser {
            times: Some(1_000),
            ..PerUser::default()
        },
        users: None,
        brand: None,
        merchants,
        rule: Some(cel::compile(&rule)?),
        group: None,
        holdout: BasisPoints(0),
        when_spent: WhenSpent::PayWithout,
        seed: n.into(),
        echo: None,
    })
}
