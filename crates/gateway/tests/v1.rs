//! The native API over a real engine.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod common;

use axum::body::Body;
use axum::http::Request;
use common::{BASE_URL, World, text};
use feiqian_core::Mode;
use feiqian_core::bank::answer::Answer as BankAnswer;
use serde_json::{Value, json};

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
async fn statements_come_in_pages_newest_first() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, mei_key) = w.user(&brand, "mei").await;
    let (shop, shop_key) = w.shop("Noodles").await;
    w.fund(&mei, "t1", 10_000).await;
    let order = w.order(&shop_key, "a", 1_000).await;
    w.pay(&mei_key, &order, "p1").await.ok();
    let refunds = format!("/v1/orders/{}/refunds", text(&order["id"]));
    w.post(&shop_key, &refunds, "r1", json!({ "amount": 500 }))
        .await
        .ok();
    for (number, answer) in [("w1", BankAnswer::Declined), ("w2", BankAnswer::Done)] {
        let path = format!("/v1/users/{mei}/withdrawals");
        let made = w
            .post(&mei_key, &path, number, json!({ "amount": 100 }))
            .await
            .ok();
        assert_eq!(made["status"], "pending");
        w.answer(&text(&made["id"]), answer).await;
    }
    let mut lines = Vec::new();
    let mut path = format!("/v1/users/{mei}/statement?limit=2");
    loop {
        let page = w.get(&mei_key, &path).await.ok();
        lines.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        assert_eq!(page["data"].as_array().unwrap().len(), 2);
        path = format!("/v1/users/{mei}/statement?limit=2&cursor={cursor}");
    }
    let told: Vec<_> = lines
        .iter()
        .map(|l| (text(&l["kind"]), l["amount"].as_i64().unwrap()))
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|(kind, fen)| (kind.as_str(), *fen))
        .collect();
    assert_eq!(
        told,
        [
            ("withdrawal", -100),
            ("withdrawal_returned", 100),
            ("withdrawal", -100),
            ("refund", 500),
            ("payment", -1_000),
            ("top_up", 10_000),
        ]
    );
    assert_eq!(
        (&lines[4]["counterparty"], &lines[4]["order_id"]),
        (&json!("Noodles"), &order["id"])
    );
    let shops = w
        .get(&shop_key, &format!("/v1/merchants/{shop}/statement"))
        .await
        .ok();
    let nets: Vec<_> = shops["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (&l["amount"], &l["fee"]))
        .collect();
    assert_eq!(nets, [(&json!(-497), &json!(3)), (&json!(994), &json!(-6))]);
    for bad in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1&limit=2",
        "cursor=7",
        "other=1",
        "cursor=",
    ] {
        let answer = w
            .get(&mei_key, &format!("/v1/users/{mei}/statement?{bad}"))
            .await;
        assert_eq!(answer.error(), (400, "query_bad".into()), "{bad}");
    }
}

#[tokio::test]
async fn a_key_opens_what_is_its_holders_only() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let ((mei, mei_key), (lei, lei_key)) =
        (w.user(&brand, "mei").await, w.user(&brand, "lei").await);
    let ((shop, shop_key), (_, other_key)) = (w.shop("Noodles").await, w.shop("Tea").await);
    w.fund(&mei, "t1", 10_000).await;
    let order = w.order(&shop_key, "a", 1_000).await;
    let order_path = format!("/v1/orders/{}", text(&order["id"]));
    let no = (403, "not_allowed".to_owned());

    for path in ["balance", "statement", ""].map(|leaf| format!("/v1/users/{mei}/{leaf}")) {
        let path = path.trim_end_matches('/');
        for key in [&lei_key, &shop_key] {
            assert_eq!(w.get(key, path).await.error(), no, "{path}");
        }
        assert_eq!(w.get(&w.operator, path).await.status, 200);
    }
    for path in ["balance", "statement", ""].map(|leaf| format!("/v1/merchants/{shop}/{leaf}")) {
        let path = path.trim_end_matches('/');
        for key in [&mei_key, &other_key] {
            assert_eq!(w.get(key, path).await.error(), no, "{path}");
        }
        assert_eq!(w.get(&shop_key, path).await.status, 200);
    }
    // Nobody else spends: not even an operator.
    for leaf in ["withdrawals", "pay_codes"] {
        for key in [&w.operator, &lei_key, &shop_key] {
            let path = format!("/v1/users/{mei}/{leaf}");
            assert_eq!(
                w.post(key, &path, "n", json!({ "amount": 1 }))
                    .await
                    .error(),
                no,
                "{leaf}"
            );
        }
    }
    for key in [&w.operator, &shop_key] {
        assert_eq!(w.pay(key, &order, "p").await.error(), no);
    }
    for key in [&w.operator, &mei_key] {
        let body = json!({ "amount": 1, "description": "x" });
        assert_eq!(w.post(key, "/v1/orders", "n", body).await.error(), no);
    }
    // An order is unknown to those whom it does not concern.
    let unknown = (404, "order_not_found".to_owned());
    for key in [&mei_key, &other_key] {
        assert_eq!(w.get(key, &order_path).await.error(), unknown);
    }
    w.pay(&mei_key, &order, "p").await.ok();
    for key in [&lei_key, &other_key] {
        assert_eq!(w.get(key, &order_path).await.error(), unknown);
    }
    let refund = w
        .post(
            &other_key,
            &format!("{order_path}/refunds"),
            "r",
            json!({ "amount": 1 }),
        )
        .await;
    assert_eq!(refund.error(), unknown);
    assert_eq!(
        w.post(&other_key, &format!("{order_path}/close"), "", json!({}))
            .await
            .error(),
        unknown
    );
    for (method, path) in [
        ("POST", "/v1/brands"),
        ("POST", "/v1/users"),
        ("POST", "/v1/merchants"),
    ] {
        for key in [&mei_key, &shop_key] {
            assert_eq!(
                w.with_body(key, method, path, "n", json!({})).await.error(),
                no
            );
        }
    }
    for key in [
        "",
        "nonsense",
        "fqo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = w.get(key, &format!("/v1/users/{lei}/balance")).await;
        assert_eq!(answer.error(), (401, "key_unknown".into()));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    assert!(
        w.get(&w.operator, "/v1/merchants").await.ok()["data"]
            .as_array()
            .unwrap()
            .len()
            == 2
    );
}

#[tokio::test]
async fn the_same_number_is_answered_again_and_other_content_refused() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, mei_key) = w.user(&brand, "mei").await;
    let (_, shop_key) = w.shop("Noodles").await;
    w.fund(&mei, "t0", 100_000).await;
    let order = w.order(&shop_key, "a0", 1_000).await;
    w.pay(&mei_key, &order, "p0").await.ok();
    let user =
        |name: &str| json!({ "brand_id": brand, "handle": "lei", "name": name, "tier": "basic" });
    let shop = |fee: u16| json!({ "name": "Tea", "category": "5812", "fee_bps": fee });
    let amount = |fen: i64| json!({ "amount": fen });
    let terms = |fen: i64| json!({ "amount": fen, "description": "x" });
    let refunds = format!("/v1/orders/{}/refunds", text(&order["id"]));
    let cases: [(&str, String, Value, Value); 7] = [
        (
            &w.operator,
            "/v1/brands".into(),
            json!({ "name": "Blue" }),
            json!({ "name": "Green" }),
        ),
        (
            &w.operator,
            "/v1/users".into(),
            user("Lei"),
            user("Not Lei"),
        ),
        (&w.operator, "/v1/merchants".into(), shop(60), shop(61)),
        (
            &mei_key,
            format!("/v1/users/{mei}/top_ups"),
            amount(5),
            amount(6),
        ),
        (
            &mei_key,
            format!("/v1/users/{mei}/withdrawals"),
            amount(5),
            amount(6),
        ),
        (&shop_key, "/v1/orders".into(), terms(5), terms(6)),
        (&shop_key, refunds, amount(5), amount(6)),
    ];
    for (key, path, body, other) in cases {
        let first = w.post(key, &path, "same", body.clone()).await;
        assert_eq!(first.status, 201, "{path} {}", first.text);
        assert!(first.headers.get("idempotent-replayed").is_none());
        let again = w.post(key, &path, "same", body.clone()).await;
        assert_eq!(
            (again.status.as_u16(), again.json()),
            (200, first.json()),
            "{path}"
        );
        assert_eq!(again.headers["idempotent-replayed"], "true");
        let conflict = w.post(key, &path, "same", other).await;
        assert_eq!(conflict.error(), (409, "number_reused".into()), "{path}");
        assert_eq!(
            w.post(key, &path, "", body.clone()).await.error(),
            (400, "number_missing".into())
        );
        for bad in ["a b", "飞", &"x".repeat(65)] {
            let answer = w.post(key, &path, bad, body.clone()).await;
            assert_eq!(answer.error(), (400, "number_bad".into()), "{bad}");
        }
    }
    let again = w.pay(&mei_key, &order, "p0").await;
    assert_eq!(
        (again.status.as_u16(), &again.ok()["order_id"]),
        (200, &order["id"])
    );
    assert_eq!(
        w.pay(&mei_key, &order, "p1").await.error(),
        (422, "already_paid".into())
    );
}

#[tokio::test]
async fn every_refusal_of_a_payment_has_its_code() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let ((mei, mei_key), (lei, lei_key)) =
        (w.user(&brand, "mei").await, w.user(&brand, "lei").await);
    let (shop, shop_key) = w.shop("Noodles").await;
    w.fund(&mei, "t", 1_000).await;
    let pay = async |key: &str, order: &Value| w.pay(key, order, "p").await.error();
    let refused = |code: &str| (422, code.to_owned());
    assert_eq!(
        pay(&mei_key, &json!({ "id": "ord_99999" })).await,
        (404, "order_not_found".into())
    );
    let order = w.order(&shop_key, "a", 1_001).await;
    assert_eq!(pay(&mei_key, &order).await, refused("balance_short"));
    w.post(
        &shop_key,
        &format!("/v1/orders/{}/close", text(&order["id"])),
        "",
        json!({}),
    )
    .await
    .ok();
    assert_eq!(pay(&mei_key, &order).await, refused("order_closed"));
    let body = json!({ "amount": 10, "description": "x", "only_payer": mei });
    let order = w.post(&shop_key, "/v1/orders", "b", body).await.ok();
    assert_eq!(pay(&lei_key, &order).await, refused("other_payer"));
    let paused = json!({ "status": "paused" });
    let merchant = format!("/v1/merchants/{shop}");
    w.with_body(&w.operator, "PATCH", &merchant, "", paused)
        .await
        .ok();
    assert_eq!(pay(&mei_key, &order).await, refused("merchant_not_active"));
    w.post(
        &w.operator,
        &format!("/v1/users/{mei}/status"),
        "",
        json!({ "status": "frozen" }),
    )
    .await
    .ok();
    assert_eq!(pay(&mei_key, &order).await, refused("payer_not_active"));
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(400);
    w.with_body(
        &w.operator,
        "PATCH",
        &merchant,
        "",
        json!({ "status": "active" }),
    )
    .await
    .ok();
    let body = json!({ "amount": 10, "description": "x", "expires_at": soon.to_string() });
    let order = w.post(&shop_key, "/v1/orders", "c", body).await.ok();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let code = pay(&lei_key, &order).await.1;
    assert!(
        ["order_expired", "order_closed"].contains(&code.as_str()),
        "{code}"
    );
    for bad in [
        json!({}),
        json!({ "order_id": "ord_1", "code_url": "x" }),
        json!({ "order_id": 1 }),
        json!({ "order_id": "1" }),
        json!({ "code_url": "" }),
        json!([{ "order_id": "ord_1" }]),
        json!([]),
        json!(null),
    ] {
        let answer = w.post(&mei_key, "/v1/payments", "p", bad.clone()).await;
        assert_eq!(answer.error(), (400, "body_bad".into()), "{bad}");
    }
    for unknown in [
        "AAAAAAAAAAAAAAAAAAAA",
        "https://elsewhere/q/AAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = w
            .post(
                &mei_key,
                "/v1/payments",
                "p",
                json!({ "code_url": unknown }),
            )
            .await;
        assert_eq!(answer.error(), (404, "order_not_found".into()));
    }
    drop(lei);
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
async fn every_other_refusal_has_its_code() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, mei_key) = w.user(&brand, "mei").await;
    let (shop, shop_key) = w.shop("Noodles").await;
    w.fund(&mei, "t", 1_000).await;
    let order = w.order(&shop_key, "a", 100).await;
    let (path, operator) = (
        format!("/v1/orders/{}", text(&order["id"])),
        w.operator.clone(),
    );
    let transfers = |leaf: &str| format!("/v1/users/{mei}/{leaf}");
    let refunds = format!("{path}/refunds");
    let said =
        async |key: &str, path: &str, body: Value| w.post(key, path, "new", body).await.error();
    let refused = |code: &str| (422, code.to_owned());
    let amount = |fen: i64| json!({ "amount": fen });
    assert_eq!(
        said(&shop_key, &refunds, amount(1)).await,
        refused("not_paid")
    );
    w.pay(&mei_key, &order, "p").await.ok();
    assert_eq!(
        said(&shop_key, &refunds, amount(101)).await,
        refused("above_refundable")
    );
    assert_eq!(
        said(&shop_key, &format!("{path}/close"), json!({})).await,
        refused("already_paid")
    );
    assert_eq!(
        said(&mei_key, &transfers("withdrawals"), amount(901)).await,
        refused("balance_short")
    );
    let user = json!({ "brand_id": "brd_9", "handle": "x", "name": "x", "tier": "full" });
    assert_eq!(
        said(&operator, "/v1/users", user).await,
        refused("brand_not_found")
    );
    let terms = |extra: Value| {
        let mut body = json!({ "amount": 1, "description": "x" });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    let past = json!({ "expires_at": "2020-01-01T00:00:00Z" });
    assert_eq!(
        said(&shop_key, "/v1/orders", terms(past)).await,
        refused("expiry_out_of_range")
    );
    let nobody = json!({ "only_payer": "usr_999" });
    assert_eq!(
        said(&shop_key, "/v1/orders", terms(nobody)).await,
        refused("payer_not_found")
    );
    let merchant = format!("/v1/merchants/{shop}");
    w.with_body(
        &operator,
        "PATCH",
        &merchant,
        "",
        json!({ "status": "paused", "fee_bps": 7 }),
    )
    .await
    .ok();
    assert_eq!(
        said(&shop_key, "/v1/orders", amount(1)).await,
        (400, "body_bad".into())
    );
    assert_eq!(
        said(&shop_key, "/v1/orders", terms(json!({}))).await,
        refused("merchant_not_active")
    );
    let status = transfers("status");
    w.post(&operator, &status, "", json!({ "status": "closed" }))
        .await
        .ok();
    assert_eq!(
        said(&operator, &status, json!({ "status": "active" })).await,
        refused("user_closed")
    );
    assert_eq!(
        said(&mei_key, &transfers("top_ups"), amount(1)).await,
        refused("user_not_active")
    );
    for (path, code) in [
        ("/v1/users/usr_999", "user_not_found"),
        ("/v1/users/usr_999/balance", "user_not_found"),
        ("/v1/users/usr_x", "not_found"),
        ("/v1/merchants/mch_999", "merchant_not_found"),
        ("/v1/orders/ord_1", "order_not_found"),
        ("/v1/orders/ord_18446744073709551615", "order_not_found"),
        ("/v1/transfers/trf_0", "transfer_not_found"),
        ("/v1/nothing", "path_not_found"),
    ] {
        assert_eq!(
            w.get(&operator, path).await.error(),
            (404, code.into()),
            "{path}"
        );
    }
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

#[tokio::test]
async fn bodies_and_methods_are_limited() {
    let w = World::new(Mode::Production).await;
    let large = json!({ "name": "x".repeat(1 << 20) });
    let answer = w.post(&w.operator, "/v1/brands", "n", large).await;
    assert_eq!(answer.error(), (413, "body_too_large".into()));
    let request = |media: &'static str, body: &'static str| {
        Request::post("/v1/brands")
            .header("Authorization", format!("Bearer {}", w.operator))
            .header("Idempotency-Key", "n")
            .header("Content-Type", media)
            .body(Body::from(body))
            .unwrap()
    };
    let form = w
        .send(request("application/x-www-form-urlencoded", "name=Red"))
        .await;
    assert_eq!(form.error(), (415, "not_json".into()));
    for bad in [
        "",
        "{",
        "{\"name\":\"Red\"} x",
        "{\"name\":\"Red\",\"name\":\"Blue\"}",
        "\u{1}",
    ] {
        let answer = w
            .send(request("application/json; charset=utf-8", bad))
            .await;
        assert_eq!(answer.error(), (400, "body_bad".into()), "{bad:?}");
    }
    let unknown = w
        .with_body(&w.operator, "PUT", "/v1/brands", "", json!({}))
        .await;
    assert_eq!(unknown.error(), (405, "method_not_allowed".into()));
    assert_eq!(unknown.headers["allow"], "GET,HEAD,POST");
    assert_eq!(unknown.headers["x-content-type-options"], "nosniff");
    assert_eq!(unknown.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn requests_are_counted_and_limited() {
    let mut w = World::new(Mode::Production).await;
    w.peer = ([192, 0, 2, 1], 1).into();
    let mut last = None;
    for _ in 0..300 {
        let answer = w.get("fqu_guess", "/v1/brands").await;
        last = Some(answer.error());
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], "1");
            break;
        }
    }
    assert_eq!(last, Some((429, "too_many_requests".into())));
    assert_eq!(w.get("", "/openapi.json").await.status, 429);
    // Whoever has a key has a bucket of their own.
    assert_eq!(w.get(&w.operator, "/v1/brands").await.status, 200);
    w.peer = ([192, 0, 2, 2], 1).into();
    assert_eq!(w.get("", "/metrics").await.error().0, 401);
    let metrics = w.get(&w.operator, "/metrics").await;
    assert!(
        metrics.text.contains("feiqian_durable_events 1\n"),
        "{}",
        metrics.text
    );
    let counted = "feiqian_http_requests_total{method=\"GET\",route=\"/v1/brands\",status=\"401\"}";
    assert!(metrics.text.contains(counted), "{}", metrics.text);
    assert_eq!(w.get("", "/health").await.ok()["status"], "ok");
    assert_eq!(w.get("", "/ready").await.ok()["status"], "ready");
    w.platform.engine.stop();
    assert_eq!(w.get("", "/ready").await.status, 503);
    assert_eq!(
        w.get(&w.operator, "/v1/brands").await.error(),
        (503, "stopped".into())
    );
}

#[tokio::test]
async fn the_document_names_what_it_refers_to() {
    for (mode, sandbox) in [(Mode::Sandbox, true), (Mode::Production, false)] {
        let w = World::new(mode).await;
        let document = w.get("", "/openapi.json").await.ok();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.contains_key("/v1/sandbox/sessions"), sandbox);
        assert!(paths.len() >= 20);
        let operations = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values());
        let mut ids: Vec<_> = operations
            .map(|operation| text(&operation["operationId"]))
            .collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "an operation's id is its own");
        for operation in paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert_ne!(
                    response["description"].as_str(),
                    None,
                    "{status} of {operation}"
                );
            }
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let whole = document.to_string();
        for reference in whole.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is not described");
        }
    }
}
