//! For tests: a merchant's own coupon, honoured at its till.

use std::sync::Arc;

use crate::campaign::add::AddCampaign;
use crate::campaign::coupons::ChangeCoupons;
use crate::campaign::give::GiveCoupon;
use crate::campaign::return_coupon::ReturnCoupon;
use crate::campaign::return_subsidy::ReturnSubsidy;
use crate::campaign::step::{Step, StepCampaign};
use crate::campaign::subsidise::PaySubsidy;
use crate::campaign::terms::{Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent};
use crate::campaign::use_coupon::UseCoupon;
use crate::campaign::void_coupon::VoidCoupon;
use crate::command::Command;
use crate::ids::{CampaignId, CouponId, MerchantId, OrderId, UserId};
use crate::limits::DAY_MS;
use crate::money::{BasisPoints, Fen};
use crate::testing::{
    FREE_SHOP, MEI, ORDER, SHOP, World, create, create_with, given, nth, number, pay, terms,
};
use crate::time::UnixMillis;

/// The coupon that MEI has: one of two, each worth 5 yuan.
pub const COUPON: CouponId = CouponId(nth(7));
pub const CAMPAIGN: CampaignId = CampaignId(0);

/// MEI paid 20 yuan to FREE_SHOP and 10 to SHOP, and holds a coupon of SHOP's, good for 10 days.
pub fn outside() -> World {
    let step = |step| {
        let by = number("shop");
        let campaign = CAMPAIGN;
        Command::from(StepCampaign { campaign, step, by })
    };
    given([
        create_with(FREE_SHOP, "a", terms(2_000)),
        pay(ORDER, MEI),
        create("b", 1_000),
        pay(OrderId(nth(2)), MEI),
        add(),
        step(Step::Approve),
        step(Step::Start),
        give_coupon("1", MEI).into(),
    ])
}

/// The same, and it was used.
pub fn used() -> World {
    outside().when(use_coupon(SHOP, "used", COUPON)).accepts()
}

fn add() -> Command {
    let from = UnixMillis(1_510_329_600_000);
    let terms = Terms {
        name: "5 yuan off".into(),
        kind: Kind::Coupon(CouponTerms {
            days: None,
            most: 2,
            per_user: 5,
            claimed: false,
            after: None,
        }),
        benefit: Benefit::Fixed(Fen(500)),
        funding: Funding::Outside(SHOP),
        from,
        until: from.plus(10 * DAY_MS),
        minimum: Fen::ZERO,
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
    AddCampaign {
        number: number("c"),
        by: number("shop"),
        budget: Fen::ZERO,
        terms: Arc::new(terms),
    }
    .into()
}

pub fn give_coupon(text: &str, user: UserId) -> GiveCoupon {
    GiveCoupon {
        campaign: CAMPAIGN,
        number: number(text),
        user,
        claimed: false,
    }
}

pub fn use_coupon(merchant: MerchantId, text: &str, coupon: CouponId) -> UseCoupon {
    UseCoupon {
        merchant,
        number: number(text),
        coupon,
        user: None,
    }
}

pub fn return_coupon(merchant: MerchantId, text: &str, coupon: CouponId) -> ReturnCoupon {
    ReturnCoupon {
        merchant,
        number: number(text),
        coupon,
    }
}

pub fn void_coupon(merchant: MerchantId, text: &str, coupon: CouponId) -> VoidCoupon {
    VoidCoupon {
        merchant,
        number: number(text),
        coupon,
        reason: None,
    }
}

pub fn paying(text: &str, fen: i64) -> PaySubsidy {
    PaySubsidy {
        payer: SHOP,
        number: number(text),
        payee: FREE_SHOP,
        coupon: COUPON,
        order: ORDER,
        amount: Fen(fen),
        description: "noodles".into(),
    }
}

pub fn subsidise(text: &str, fen: i64) -> Command {
    paying(text, fen).into()
}

pub fn returning(text: &str, fen: i64) -> ReturnSubsidy {
    ReturnSubsidy {
        merchant: FREE_SHOP,
        number: number(text),
        coupon: COUPON,
        amount: Fen(fen),
        description: "given back".into(),
        refund: None,
    }
}

pub fn return_subsidy(text: &str, fen: i64) -> Command {
    returning(text, fen).into()
}

pub fn change_coupons(text: &str, from: u32, to: u32) -> ChangeCoupons {
    ChangeCoupons {
        campaign: CAMPAIGN,
        number: number(text),
        by: number("shop"),
        from,
        to,
    }
}
