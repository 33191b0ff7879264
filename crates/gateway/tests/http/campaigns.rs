//! Discounts, coupons and rebates over the native API.

use serde_json::{Value, json};

use crate::world::{Market, text};

const ADD: &str = "POST /v1/campaigns";
const PAY: &str = "POST /v1/payments";

/// Terms that hold now, with these fields besides.
fn terms(more: &Value) -> Value {
    let day = jiff::SignedDuration::from_hours(24);
    let now = jiff::Timestamp::now();
    let mut terms = json!({
        "name": "Lunch 午餐", "kind": "discount", "benefit": { "fixed": 300 }, "funding": "platform",
        "from": (now - day).to_string(), "until": (now + day * 30).to_string(),
    });
    for (name, value) in more.as_object().unwrap() {
        terms[name] = value.clone();
    }
    terms
}

fn coupon(more: &Value) -> Value {
    let mut coupon = json!({ "most": 10, "per_user": 1 });
    for (name, value) in more.as_object().unwrap() {
        coupon[name] = value.clone();
    }
    terms(&json!({ "kind": { "coupon": coupon } }))
}

async fn show(m: &Market, id: &str) -> Value {
    m.w.get(m.key("operator"), &format!("/v1/campaigns/{id}"))
        .await
        .ok()
}

#[tokio::test]
async fn a_discount_is_quoted_granted_and_given_back() {
    let m = Market::new().await;
    let id = m.campaign(1_000, terms(&json!({}))).await;
    let other = m
        .campaign(
            9_000,
            terms(&json!({ "name": "Less", "benefit": { "fixed": 200 } })),
        )
        .await;
    let order = m.order(1_000).await;
    let quote = format!("POST /v1/orders/{order}/quote");
    let quoted = m.ask("mei", &quote, json!({})).await.ok();
    assert_eq!(
        (&quoted["amount"], &quoted["payable"]),
        (&json!(1_000), &json!(700))
    );
    let discount = json!([{ "campaign_id": id, "campaign": "Lunch 午餐", "amount": 300 }]);
    let over = json!([{ "campaign_id": other, "campaign": "Less", "why": "another_gives_more" }]);
    assert_eq!(
        (&quoted["discounts"], &quoted["passed_over"]),
        (&discount, &over)
    );
    assert_eq!(show(&m, &id).await["spent"], 0, "a quote grants nothing");

    let short = json!({ "order_id": order, "at_most": 699 });
    m.check([("mei", PAY, short, 422, "price_changed")]).await;
    let agreed = json!({ "order_id": order, "at_most": 700 });
    let paid = m.ask("mei", PAY, agreed).await.ok();
    assert_eq!(
        (&paid["amount"], &paid["payable"]),
        (&json!(1_000), &json!(700))
    );
    assert_eq!(
        (&paid["discounts"], &paid["passed_over"]),
        (&discount, &over)
    );
    assert_eq!(m.w.balance(m.key("mei"), &m.mei).await, 99_300);
    assert_eq!(m.w.balance(m.key("noodles"), &m.noodles).await, 994);
    let row = show(&m, &id).await;
    assert_eq!(
        (&row["spent"], &row["left"], &row["subsidy"]),
        (&json!(300), &json!(700), &json!(300))
    );
    m.check([("mei", &quote, json!({}), 422, "already_paid")])
        .await;

    let refunds = format!("POST /v1/orders/{order}/refunds");
    let refund = m
        .ask("noodles", &refunds, json!({ "amount": 500 }))
        .await
        .ok();
    let back = json!([{ "campaign_id": id, "campaign": "Lunch 午餐", "amount": 150 }]);
    assert_eq!(
        (
            &refund["breakdown"]["payer"],
            &refund["breakdown"]["campaigns"]
        ),
        (&json!(350), &back)
    );
    let story =
        m.w.get(m.key("mei"), &format!("/v1/orders/{order}"))
            .await
            .ok();
    assert_eq!(story["payment"]["payable"], 700);
    assert_eq!(story["payment"]["discounts"], discount);
    assert_eq!(story["refunds"][0]["breakdown"]["campaigns"], back);
    assert_eq!(show(&m, &id).await["spent"], 150);
}

#[tokio::test]
async fn a_second_operator_approves_and_steps_stay_taken() {
    let m = Market::new().await;
    let body = json!({ "budget": 1_000, "terms": terms(&json!({})) });
    let added = m.ask("operator", ADD, body).await.ok();
    assert_eq!(
        (&added["status"], &added["added_by"]),
        (&json!("draft"), &json!("operator"))
    );
    let step = |step: &str| format!("POST /v1/campaigns/{}/{step}", text(&added["id"]));
    let second = m
        .ask(
            "operator",
            "POST /v1/operators",
            json!({ "name": "second" }),
        )
        .await
        .ok();
    let second = text(&second["key"]);
    m.check([
        (
            "operator",
            &step("approve"),
            json!({}),
            422,
            "same_operator",
        ),
        ("operator", &step("start"), json!({}), 422, "wrong_status"),
        (&second, &step("approve"), json!({}), 200, ""),
        (&second, &step("approve"), json!({}), 200, ""),
        ("operator", &step("start"), json!({}), 200, ""),
        ("operator", &step("pause"), json!({}), 200, ""),
        ("operator", &step("resume"), json!({}), 200, ""),
        ("operator", &step("end"), json!({}), 200, ""),
        ("operator", &step("start"), json!({}), 422, "wrong_status"),
        (
            "operator",
            "POST /v1/campaigns/cmp_9/end",
            json!({}),
            404,
            "campaign_not_found",
        ),
        (
            "operator",
            "POST /v1/operators",
            json!({ "name": "A b" }),
            400,
            "body_bad",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_budget_changes_from_what_it_is() {
    let m = Market::new().await;
    let id = m.campaign(1_000, terms(&json!({}))).await;
    m.paid(1_000).await;
    let change = format!("POST /v1/campaigns/{id}/budget");
    let to = |from: i64, to: i64| json!({ "from": from, "to": to });
    m.check([
        ("operator", &change, to(900, 2_000), 422, "other_budget"),
        ("operator", &change, to(1_000, 299), 422, "below_used"),
        ("operator", &change, to(1_000, 0), 400, "body_bad"),
    ])
    .await;
    let first = m.ask_under("b", "operator", &change, to(1_000, 300)).await;
    let again = m.ask_under("b", "operator", &change, to(1_000, 300)).await;
    assert_eq!(
        (first.status.as_u16(), again.status.as_u16()),
        (201, 200),
        "{}",
        first.text
    );
    assert_eq!(first.json(), again.json());
    let other = m.ask_under("b", "operator", &change, to(300, 400)).await;
    assert_eq!(other.error(), (409, "number_reused".into()));
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in a table")]
async fn coupons_are_sent_claimed_and_coded() {
    let m = Market::new().await;
    let claim = format!("POST /v1/users/{}/coupons/claim", m.mei);
    let lei = text(
        &m.ask(
            "operator",
            "POST /v1/sandbox/sessions",
            json!({ "as": "lei" }),
        )
        .await
        .ok()["user_id"],
    );
    let lei_claim = format!("POST /v1/users/{lei}/coupons/claim");
    let free = m
        .campaign(10_000, coupon(&json!({ "claimed": true })))
        .await;
    let word = m
        .campaign(10_000, coupon(&json!({ "code": "SPRING26" })))
        .await;
    let coded = m.campaign(10_000, coupon(&json!({}))).await;
    let made = m
        .ask(
            "operator",
            &format!("POST /v1/campaigns/{coded}/codes"),
            json!({ "count": 3 }),
        )
        .await
        .ok();
    let code = |n: usize| json!({ "code": made["codes"][n] });
    m.check([
        ("mei", &claim, json!({ "campaign_id": free }), 201, ""),
        (
            "mei",
            &claim,
            json!({ "campaign_id": free }),
            422,
            "user_limit",
        ),
        (
            "mei",
            &claim,
            json!({ "campaign_id": word }),
            422,
            "not_claimed",
        ),
        (
            "mei",
            &claim,
            json!({ "campaign_id": "cmp_9" }),
            404,
            "campaign_not_found",
        ),
        ("mei", &claim, json!({ "code": "spring26" }), 201, ""),
        (
            "mei",
            &claim,
            json!({ "code": "SPRING27" }),
            404,
            "code_not_found",
        ),
        ("mei", &claim, code(0), 201, ""),
        ("mei", &claim, code(0), 200, ""),
        ("mei", &claim, code(1), 422, "user_limit"),
        ("lei", &lei_claim, code(0), 422, "code_used"),
        ("lei", &lei_claim, code(1), 201, ""),
        ("lei", &claim, code(2), 403, "not_allowed"),
        ("operator", &claim, code(2), 403, "not_allowed"),
        ("mei", &claim, json!({}), 400, "body_bad"),
    ])
    .await;
    // One number of each shopper's own, also where two have the same.
    let body = json!({ "campaign_id": m.campaign(900, coupon(&json!({ "claimed": true }))).await });
    for (who, what) in [("mei", &claim), ("lei", &lei_claim)] {
        for status in [201, 200] {
            let answer = m.ask_under("one", who, what, body.clone()).await;
            assert_eq!(answer.status, status, "{}", answer.text);
        }
    }
    let held =
        m.w.get(m.key("mei"), &format!("/v1/users/{}/coupons", m.mei))
            .await
            .ok();
    assert_eq!(held["data"].as_array().unwrap().len(), 4);
    assert_eq!(show(&m, &free).await["promised"], 300);
    assert_eq!(
        show(&m, &word).await["terms"]["kind"]["coupon"]["code"],
        "SPRING26"
    );

    let order = m.paid(1_000).await;
    let story =
        m.w.get(m.key("mei"), &format!("/v1/orders/{order}"))
            .await
            .ok();
    assert_eq!(
        story["payment"]["discounts"][0]["coupon_id"],
        held["data"][0]["id"]
    );
}

#[tokio::test]
async fn a_merchant_gives_the_coupons_that_it_pays_for() {
    let m = Market::new().await;
    m.paid(10_000).await;
    let mut own = coupon(&json!({}));
    own["funding"] = json!({ "merchant": m.noodles });
    let own = m.campaign(3_000, own).await;
    let ours = m.campaign(3_000, coupon(&json!({}))).await;
    let give = |id: &str| format!("POST /v1/campaigns/{id}/coupons");
    let to = |user: &str| json!({ "user_id": user });
    m.check([
        ("noodles", &give(&own), to(&m.mei), 201, ""),
        ("tea", &give(&own), to(&m.mei), 404, "campaign_not_found"),
        (
            "noodles",
            &give(&ours),
            to(&m.mei),
            404,
            "campaign_not_found",
        ),
        ("mei", &give(&own), to(&m.mei), 403, "not_allowed"),
        (
            "operator",
            &give(&ours),
            to("usr_99"),
            422,
            "user_not_found",
        ),
        (
            "noodles",
            &format!("GET /v1/campaigns/{own}"),
            json!({}),
            200,
            "",
        ),
        (
            "noodles",
            &format!("GET /v1/campaigns/{ours}"),
            json!({}),
            404,
            "campaign_not_found",
        ),
        ("mei", "GET /v1/campaigns", json!({}), 403, "not_allowed"),
        ("noodles", ADD, json!({}), 403, "not_allowed"),
    ])
    .await;
    let count = async |who: &str| {
        let page = m.w.get(m.key(who), "/v1/campaigns").await.ok();
        page["data"].as_array().unwrap().len()
    };
    assert_eq!(
        (
            count("operator").await,
            count("noodles").await,
            count("tea").await
        ),
        (2, 1, 0)
    );
    let lines =
        m.w.get(
            m.key("noodles"),
            &format!("/v1/merchants/{}/statement", m.noodles),
        )
        .await
        .ok();
    let first = &lines["data"][0];
    assert_eq!(
        (&first["kind"], &first["amount"], &first["campaign_id"]),
        (&json!("campaign_funding"), &json!(-3_000), &json!(own))
    );
}

#[tokio::test]
async fn one_person_has_one_share_and_a_spent_campaign_tells() {
    let m = Market::new().await;
    let lei = text(
        &m.ask(
            "operator",
            "POST /v1/sandbox/sessions",
            json!({ "as": "lei" }),
        )
        .await
        .ok()["user_id"],
    );
    m.w.fund(&lei, "lei", 10_000).await;
    for (user, identity) in [
        (&m.mei, "11010519491231002X"),
        (&lei, "110105 19491231 002x"),
    ] {
        let traits = json!({ "city": 310_100, "segment": 3, "identity": identity });
        let set = m
            .ask("operator", &format!("PUT /v1/users/{user}/traits"), traits)
            .await
            .ok();
        assert_eq!(
            (&set["person_known"], &set["city"]),
            (&json!(true), &json!(310_100))
        );
    }
    let once = json!({
        "per_user": { "times": 1, "by_person": true }, "rule": "city == 310100 && segment in [3, 4]",
    });
    m.campaign(900, terms(&once)).await;
    m.paid(1_000).await;
    let pay = async |who: &str| {
        let order = m.order(1_000).await;
        m.ask(who, PAY, json!({ "order_id": order })).await
    };
    let paid = pay("lei").await.ok();
    assert_eq!(paid["payable"], 1_000);
    assert_eq!(paid["passed_over"][0]["why"], "user_limit");

    let tell = terms(&json!({ "when_spent": "tell", "benefit": { "fixed": 400 } }));
    m.campaign(400, tell).await;
    assert_eq!(pay("lei").await.ok()["payable"], 600);
    assert_eq!(pay("lei").await.error(), (422, "campaign_spent".into()));
    let order = m.order(1_000).await;
    let quote = m
        .ask("lei", &format!("POST /v1/orders/{order}/quote"), json!({}))
        .await
        .ok();
    assert_eq!(
        (&quote["told"], &quote["payable"]),
        (&json!("cmp_1"), &json!(1_000))
    );
    m.check([(
        "lei",
        PAY,
        json!({ "order_id": order, "at_most": 1_000 }),
        201,
        "",
    )])
    .await;
}

#[tokio::test]
async fn terms_that_make_no_sense_are_told() {
    let m = Market::new().await;
    for (more, code, param) in [
        (json!({ "rule": "hours > 3" }), "rule_bad", "terms.rule"),
        (
            json!({ "benefit": { "fixed": 0 } }),
            "body_bad",
            "terms.benefit",
        ),
        (json!({ "benefit": { "tiers": [] } }), "terms_bad", "terms"),
        (json!({ "holdout_bps": 5_001 }), "terms_bad", "terms"),
        (
            json!({ "kind": { "rebate": { "wait_days": 181 } } }),
            "terms_bad",
            "terms",
        ),
        (json!({ "kind": "gift" }), "body_bad", "terms.kind"),
        (json!({ "colour": "red" }), "body_bad", "terms.colour"),
    ] {
        let body = json!({ "budget": 1_000, "terms": terms(&more) });
        let answer = m.ask("operator", ADD, body).await;
        assert_eq!(answer.error(), (400, code.into()), "{more} {}", answer.text);
        let at = answer.json()["error"]["param"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(at.starts_with(param), "{more}: {at}");
    }
    let nobody = terms(&json!({ "funding": { "merchant": "mch_99" } }));
    let body = json!({ "budget": 1_000, "terms": nobody });
    m.check([("operator", ADD, body, 422, "merchant_not_found")])
        .await;
}

#[tokio::test]
async fn capital_is_put_once() {
    let m = Market::new().await;
    let fund = "POST /v1/brands/brd_0/capital";
    for status in [201, 200] {
        let answer = m
            .ask_under("c", "operator", fund, json!({ "amount": 500 }))
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["amount"]),
            (status, &json!(500))
        );
    }
    m.check([
        (
            "operator",
            "POST /v1/brands/brd_9/capital",
            json!({ "amount": 5 }),
            404,
            "brand_not_found",
        ),
        ("mei", fund, json!({ "amount": 5 }), 403, "not_allowed"),
    ])
    .await;
}

/// What is shown can be posted again.
#[tokio::test]
async fn terms_come_back_as_they_were_sent() {
    let m = Market::new().await;
    let all = terms(&json!({
        "kind": { "coupon": { "most": 5, "per_user": 2, "days": 7, "claimed": true, "code": "TEA2026", "after": 900 } },
        "benefit": { "random": { "least": 100, "most": 888, "mean": 188 } },
        "funding": { "shared": { "merchant_id": m.noodles, "platform_bps": 2_500 } },
        "minimum": 1_000, "per_day": 9_000, "per_payment": 500, "users": 8, "brand_id": "brd_0",
        "per_user": { "times": 3, "times_a_day": 1, "amount": 900, "by_person": true },
        "merchant_ids": [m.noodles], "rule": "hour < 14", "group": 7, "holdout_bps": 500, "when_spent": "tell",
    }));
    let body = json!({ "budget": 1_000, "terms": all });
    let first = m.ask_under("same", "operator", ADD, body.clone()).await;
    let again = m.ask_under("same", "operator", ADD, body).await;
    assert_eq!(
        (first.status.as_u16(), again.status.as_u16()),
        (201, 200),
        "{}",
        first.text
    );
    assert_eq!(first.json(), again.json());
    let mut shown = first.json()["terms"].clone();
    for time in ["from", "until"] {
        let at = |value: &Value| {
            text(value)
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_millisecond()
        };
        assert_eq!(at(&shown[time]), at(&all[time]));
        shown[time] = all[time].clone();
    }
    assert_eq!(shown, all);
    let other = json!({ "budget": 1_001, "terms": all });
    let other = m.ask_under("same", "operator", ADD, other).await;
    assert_eq!(other.error(), (409, "number_reused".into()));
}

/// Each recipe of the manual is taken as it stands.
#[tokio::test]
async fn the_recipes_of_the_manual_are_taken() {
    let m = Market::new().await;
    let manual = include_str!("../../../../docs/CAMPAIGNS.md");
    let recipes: Vec<Value> = manual
        .split("```json\n")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap())
        .collect();
    assert!(recipes.len() >= 8, "{}", recipes.len());
    for recipe in recipes {
        let answer = m.ask("operator", ADD, recipe.clone()).await;
        assert_eq!(answer.status, 201, "{recipe}: {}", answer.text);
    }
}
