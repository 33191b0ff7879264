//! Money's way over the native API.

use feiqian_core::Mode;
use feiqian_core::bank::answer::Answer as BankAnswer;
use serde_json::{Value, json};

use crate::world::{BASE_URL, Market, World, text};

#[tokio::test]
async fn money_goes_its_way_and_back() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, mei_key) = w.user(&brand, "mei").await;
    let (shop, shop_key) = w.shop("Noodles 面馆").await;
    w.fund(&mei, "t1", 100_000).await;

    let order = w.order(&shop_key, "a", 9_999).await;
    assert_eq!(
        (&order["status"], &order["number"]),
        (&json!("open"), &json!("a"))
    );
    let url = text(&order["code_url"]);
    assert!(url.starts_with(&format!("{BASE_URL}/q/")), "{url}");
    let paid = w
        .post(&mei_key, "/v1/payments", "p1", json!({ "code_url": url }))
        .await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    let paid = paid.ok();
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["merchant"]["name"], "Noodles 面馆");
    assert_eq!(
        (
            w.balance(&mei_key, &mei).await,
            w.balance(&shop_key, &shop).await
        ),
        (90_001, 9_939)
    );

    let path = format!("/v1/orders/{}/refunds", text(&order["id"]));
    let body = json!({ "amount": 3_333, "reason": "cold 冷" });
    let refund = w.post(&shop_key, &path, "r1", body).await;
    assert_eq!(
        (refund.status.as_u16(), &refund.ok()["fee_returned"]),
        (201, &json!(20))
    );
    assert_eq!(
        (
            w.balance(&mei_key, &mei).await,
            w.balance(&shop_key, &shop).await
        ),
        (93_334, 6_626)
    );

    let path = format!("/v1/orders/{}", text(&order["id"]));
    let story = w.get(&shop_key, &path).await.ok();
    assert_eq!(story["status"], "paid");
    assert_eq!(story["payment"]["refunded"], 3_333);
    assert_eq!(story["refunds"][0]["reason"], "cold 冷");
    let kinds: Vec<_> = story["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["kind"])
        .collect();
    assert_eq!(kinds, ["created", "paid", "refunded"]);
    assert!(story.get("code_url").is_none() && story["payment"].get("payer_id").is_none());
    let story = w.get(&mei_key, &path).await.ok();
    assert_eq!(story["payment"]["payer_id"], json!(mei));
    assert!(
        story["payment"].get("fee").is_none() && story.get("number").is_none(),
        "{story}"
    );
}

#[tokio::test]
async fn a_withdrawal_costs_what_its_brand_takes() {
    let m = Market::new().await;
    let set = "PUT /v1/brands/brd_0/withdrawal_terms";
    let terms = json!({ "free_per_month": 50_000, "fee_bps": 10, "fee_least": 10 });
    let bad = json!({ "free_per_month": 0, "fee_bps": 1_001, "fee_least": 0 });
    m.check([
        ("operator", set, bad, 400, "fee_too_high"),
        (
            "operator",
            "PUT /v1/brands/brd_9/withdrawal_terms",
            terms.clone(),
            404,
            "brand_not_found",
        ),
        ("operator", set, terms.clone(), 200, ""),
    ])
    .await;
    let key = m.key("operator");
    let shown = m.w.get(key, "/v1/brands/brd_0/withdrawal_terms").await;
    assert_eq!(shown.ok(), terms);
    let ask = format!("POST /v1/users/{}/withdrawals", m.mei);
    let told = |most: i64| json!({ "amount": 70_000, "fee_at_most": most });
    let refused = m.ask("mei", &ask, told(19)).await;
    assert_eq!(refused.error(), (422, "fee_above".into()));
    let made = m.ask("mei", &ask, told(20)).await.ok();
    assert_eq!(made["fee"], 20);
    m.w.answer(&text(&made["id"]), BankAnswer::Declined).await;
    let again = m.ask("mei", &ask, json!({ "amount": 50_000 })).await.ok();
    assert_eq!(again["fee"], 0);
    let all = m.ask("mei", &ask, json!({ "amount": 50_000 })).await;
    assert_eq!(all.error(), (422, "balance_short".into()));
}

#[tokio::test]
async fn statements_come_in_pages_newest_first() {
    let m = Market::new().await;
    let order = m.paid(1_000).await;
    m.ask(
        "noodles",
        &format!("POST /v1/orders/{order}/refunds"),
        json!({ "amount": 500 }),
    )
    .await
    .ok();
    for answer in [BankAnswer::Declined, BankAnswer::Done] {
        let asked = format!("POST /v1/users/{}/withdrawals", m.mei);
        let made = m.ask("mei", &asked, json!({ "amount": 100 })).await.ok();
        assert_eq!(made["status"], "pending");
        m.w.answer(&text(&made["id"]), answer).await;
    }
    let lines = all_lines(&m, &format!("/v1/users/{}/statement?limit=2", m.mei)).await;
    let told = |line: &Value| format!("{} {}", text(&line["kind"]), line["amount"]);
    let told: Vec<_> = lines.iter().map(told).collect();
    let newest_first = [
        "withdrawal -100",
        "withdrawal_returned 100",
        "withdrawal -100",
        "refund 500",
        "payment -1000",
        "top_up 100000",
    ];
    assert_eq!(told, newest_first);
    assert_eq!(
        (&lines[4]["counterparty"], &lines[4]["order_id"]),
        (&json!("Noodles"), &json!(order))
    );

    let shops =
        m.w.get(
            m.key("noodles"),
            &format!("/v1/merchants/{}/statement", m.noodles),
        )
        .await
        .ok();
    let net = |line: &Value| (line["amount"].as_i64(), line["fee"].as_i64());
    let nets: Vec<_> = shops["data"].as_array().unwrap().iter().map(net).collect();
    assert_eq!(nets, [(Some(-497), Some(3)), (Some(994), Some(-6))]);
}

/// Follows the cursors to the end.
async fn all_lines(m: &Market, path: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = m.w.get(m.key("mei"), &next).await.ok();
        lines.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            return lines;
        };
        assert_eq!(page["data"].as_array().unwrap().len(), 2);
        next = format!("{path}&cursor={cursor}");
    }
}

#[tokio::test]
async fn a_prepay_id_pays_for_two_hours() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, mei_key) = w.user(&brand, "mei").await;
    let (_, shop_key) = w.shop("Noodles").await;
    w.fund(&mei, "t", 1_000).await;
    let order = w.order(&shop_key, "a", 10).await;
    let number = text(&order["id"])
        .strip_prefix("ord_")
        .unwrap()
        .parse()
        .unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    let prepay = |age: i64| json!({ "prepay_id": w.platform.ids.prepay_id(number, now - age) });
    let late = w
        .post(&mei_key, "/v1/payments", "p", prepay(7_260_000))
        .await;
    assert_eq!(late.error(), (422, "prepay_id_expired".into()));
    let paid = w
        .post(&mei_key, "/v1/payments", "p", prepay(7_100_000))
        .await
        .ok();
    assert_eq!(paid["order_id"], order["id"]);
}

#[tokio::test]
async fn an_erased_person_stays_erased() {
    let w = World::new(Mode::Production).await;
    let brand = w.brand("Red").await;
    let body = json!({ "brand_id": brand, "handle": "mei", "name": "梅", "latin_name": "Mei",
        "phone": "+8613800138000", "tier": "verified" });
    let user = w
        .post(&w.operator, "/v1/users", "mei", body.clone())
        .await
        .ok();
    assert_eq!(
        (&user["person"]["name"], &user["person"]["phone"]),
        (&json!("梅"), &body["phone"])
    );
    let path = format!("/v1/users/{}", text(&user["id"]));
    for _ in 0..2 {
        let erased = w.delete(&w.operator, &format!("{path}/person")).await;
        assert_eq!(erased.status, 204, "{}", erased.text);
    }
    assert!(w.get(&w.operator, &path).await.ok().get("person").is_none());
    let again = w.post(&w.operator, "/v1/users", "mei", body).await;
    assert!(again.ok().get("person").is_none(), "{}", again.text);
    for (field, bad) in [
        ("handle", "Mei"),
        ("handle", ""),
        ("phone", "138"),
        ("name", " "),
        ("tier", "x"),
    ] {
        let mut body = json!({ "brand_id": "brd_0", "handle": "m", "name": "m", "tier": "full" });
        body[field] = json!(bad);
        let answer = w.post(&w.operator, "/v1/users", "n", body).await;
        assert_eq!(answer.error(), (400, "body_bad".into()), "{field} {bad:?}");
        assert_eq!(answer.json()["error"]["param"], field);
    }
}

#[tokio::test]
async fn a_merchant_may_bring_its_certificate() {
    let w = World::new(Mode::Production).await;
    let body = json!({ "name": "Tea", "category": "0763", "fee_bps": 0 });
    let made = w
        .post(&w.operator, "/v1/merchants", "a", body.clone())
        .await
        .ok();
    assert_eq!(
        (&made["category"], &made["mchid"]),
        (&json!("0763"), &json!("1900000000"))
    );
    assert!(text(&made["credentials"]["private_key_pem"]).contains("PRIVATE KEY"));
    // In production the private key is told once.
    let again = w
        .post(&w.operator, "/v1/merchants", "a", body.clone())
        .await
        .ok();
    assert!(again["credentials"].get("private_key_pem").is_none());
    let mut own = body;
    own["certificate_pem"] = made["credentials"]["certificate_pem"].clone();
    let brought = w
        .post(&w.operator, "/v1/merchants", "b", own.clone())
        .await
        .ok();
    assert_eq!(
        brought["credentials"]["certificate_pem"],
        own["certificate_pem"]
    );
    own["certificate_pem"] = json!("nonsense");
    let bad = w.post(&w.operator, "/v1/merchants", "c", own).await;
    assert_eq!(bad.error(), (400, "certificate_bad".into()));
}
