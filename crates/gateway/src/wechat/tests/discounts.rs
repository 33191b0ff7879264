//! Orders and refunds under a discount that the platform and a merchant pay together.

use std::sync::Arc;

use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::{Benefit, Funding, Kind, PerUser, Terms, WhenSpent};
use feiqian_core::money::BasisPoints;
use feiqian_core::{CampaignId, Fen, MerchantId, UnixMillis};
use serde_json::json;

use super::super::world::{REFUNDS, World, number};
use crate::platform::unix_seconds;

/// 1 yuan off from 5 yuan on; the platform pays 30 %, the merchant the rest.
pub(crate) async fn discount(world: &World) {
    let now = UnixMillis(unix_seconds().cast_signed() * 1_000);
    let terms = Terms {
        name: "立减1元".into(),
        kind: Kind::Discount,
        benefit: Benefit::Fixed(Fen(100)),
        funding: Funding::Shared {
            merchant: MerchantId(0),
            platform: BasisPoints(3_000),
        },
        from: now.plus(-86_400_000),
        until: now.plus(86_400_000),
        minimum: Fen(500),
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
    let engine = &world.platform.engine;
    let add = AddCampaign {
        number: number("c"),
        by: number("ops1"),
        budget: Fen(1_000),
        terms: Arc::new(terms),
    };
    engine.submit(add).await.unwrap();
    for step in [Step::Approve, Step::Start] {
        let (campaign, by) = (CampaignId(0), number("ops2"));
        engine
            .submit(StepCampaign { campaign, step, by })
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_discount_is_shown_by_who_pays_it_and_goes_back_in_parts() {
    let world = World::new().await;
    world.paid(&world.order("order-0000", 10_000)).await;
    discount(&world).await;
    world.paid(&world.order("order-0001", 499)).await;
    let small = world.query("order-0001").await;
    assert_eq!(small["promotion_detail"], json!([]));
    assert_eq!(small["amount"]["payer_total"], 499);

    world.paid(&world.order("order-0002", 1_000)).await;
    let paid = world.query("order-0002").await;
    let stock_id = world.platform.ids.stock_id(0);
    assert_eq!(paid["amount"]["payer_total"], 900);
    assert_eq!(
        paid["promotion_detail"],
        json!([{
            "coupon_id": stock_id, "name": "立减1元", "scope": "GLOBAL", "type": "CASH", "amount": 100,
            "stock_id": stock_id, "wechatpay_contribute": 30, "merchant_contribute": 70,
            "other_contribute": 0, "currency": "CNY",
        }])
    );
    let (mut payer, mut back) = (0, 0);
    for (refund, amount) in [("r1", 1), ("r2", 332), ("r3", 667)] {
        let asked = world.refund(refund, "order-0002", amount, 1_000);
        let refund = world.post(REFUNDS, &asked).await.json();
        let amounts = &refund["amount"];
        let number = |name: &str| amounts[name].as_i64().unwrap();
        let part = refund["promotion_detail"][0]["refund_amount"]
            .as_i64()
            .unwrap();
        assert_eq!(number("payer_total"), 900);
        assert_eq!(number("payer_refund") + part, amount);
        assert_eq!(number("discount_refund"), part);
        // It is paid as money, so all of it is settled.
        assert_eq!(number("settlement_total"), 1_000);
        assert_eq!(number("settlement_refund"), amount);
        assert_eq!(refund["promotion_detail"][0]["type"], "COUPON");
        (payer, back) = (payer + number("payer_refund"), back + part);
    }
    assert_eq!((payer, back), (900, 100));
}
