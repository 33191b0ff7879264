//! What operators run the platform by: roles, second operators, the trail, applications, the books.

use axum::body::Body;
use axum::http::Request;
use feiqian_store::vault::Vault;
use serde_json::{Value, json};

use crate::world::{Answer, Market, World, text};

/// Another operator's key.
async fn operator(m: &Market, name: &str, roles: Value) -> String {
    let body = json!({ "name": name, "roles": roles });
    let made = m.ask("operator", "POST /v1/operators", body).await;
    text(&made.ok()["key"])
}

/// Asks for a page.
async fn get(m: &Market, who: &str, path: &str) -> Answer {
    m.w.get(m.key(who), path).await
}

/// What the newest entries of the trail say was done.
async fn trail(m: &Market, query: &str) -> Vec<Value> {
    let page = get(m, "operator", &format!("/v1/audit?{query}")).await.ok();
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_role_opens_its_own_doors_only() {
    let m = Market::new().await;
    let support = operator(&m, "susan", json!(["support"])).await;
    let finance = operator(&m, "frank", json!(["finance"])).await;
    let auditor = operator(&m, "anna", json!(["auditor"])).await;
    let freeze = format!("POST /v1/users/{}/status", m.mei);
    let person = format!("/v1/users/{}", m.mei);
    let body = json!({ "status": "frozen", "reason": "asked by the shopper" });
    let capital = json!({ "amount": 100 });
    let fund = "POST /v1/brands/brd_0/capital";
    m.check([
        (&finance, &freeze, body.clone(), 403, "not_allowed"),
        (&auditor, &freeze, body.clone(), 403, "not_allowed"),
        (&support, &freeze, body, 200, ""),
        (&support, fund, capital.clone(), 403, "not_allowed"),
        (&finance, fund, capital, 201, ""),
        (
            &support,
            "POST /v1/operators",
            json!({ "name": "x" }),
            403,
            "not_allowed",
        ),
        (
            &support,
            "POST /v1/campaigns",
            json!({}),
            403,
            "not_allowed",
        ),
    ])
    .await;
    for (who, status) in [(&support, 200), (&finance, 403), (&auditor, 403)] {
        assert_eq!(get(&m, who, &person).await.status, status);
        assert_eq!(get(&m, who, "/v1/merchants").await.status, 200);
    }
    // Another admin may change roles, nobody their own.
    let admin = operator(&m, "ada", json!(["admin"])).await;
    let roles = |name: &str| format!("PUT /v1/operators/{name}/roles");
    m.check([
        (
            &admin,
            &roles("ada"),
            json!({ "roles": ["auditor"] }),
            422,
            "same_operator",
        ),
        (
            &admin,
            &roles("nobody"),
            json!({ "roles": [] }),
            404,
            "operator_not_found",
        ),
        (
            &admin,
            &roles("anna"),
            json!({ "roles": ["finance"] }),
            200,
            "",
        ),
        (&auditor, fund, json!({ "amount": 101 }), 201, ""),
    ])
    .await;
}

#[tokio::test]
async fn a_key_that_was_revoked_opens_nothing() {
    let m = Market::new().await;
    let anna = operator(&m, "anna", json!(["auditor"])).await;
    let bert = operator(&m, "bert", json!(["admin"])).await;
    for key in [anna.as_str(), &bert, "mei", "noodles"] {
        assert_eq!(get(&m, key, "/v1/brands").await.status, 200);
    }
    // Nobody but an admin revokes another's, and nobody else learns whether there is such a key.
    let revoke = |key: &str| json!({ "key": key });
    let what = "POST /v1/keys/revoke";
    m.check([
        ("mei", what, revoke(m.key("noodles")), 204, ""),
        (&anna, what, revoke(m.key("noodles")), 204, ""),
    ])
    .await;
    assert_eq!(get(&m, "noodles", "/v1/brands").await.status, 200);
    m.check([
        ("mei", what, revoke(m.key("mei")), 204, ""),
        (&bert, what, revoke(m.key("noodles")), 204, ""),
        (&bert, what, revoke("fqm_never"), 204, ""),
    ])
    .await;
    for key in ["mei", "noodles"] {
        assert_eq!(
            get(&m, key, "/v1/brands").await.error(),
            (401, "key_unknown".into())
        );
    }
    // An operator who is closed has no key, no session, and no new one.
    let cookie = console(&m.w, &anna).await.ok();
    assert_eq!(cookie["roles"], json!(["auditor"]));
    let signed_in = console(&m.w, &anna).await;
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(in_console(&m.w, cookie, "/v1/brands").await.status, 200);
    m.check([
        (&bert, "DELETE /v1/operators/anna", Value::Null, 200, ""),
        (
            &bert,
            "DELETE /v1/operators/bert",
            Value::Null,
            422,
            "same_operator",
        ),
        (
            &bert,
            "POST /v1/operators",
            json!({ "name": "anna" }),
            422,
            "operator_closed",
        ),
    ])
    .await;
    assert_eq!(get(&m, &anna, "/v1/brands").await.status, 401);
    assert_eq!(in_console(&m.w, cookie, "/v1/brands").await.status, 401);
    assert_eq!(
        in_console(&m.w, cookie, "/app/console/session")
            .await
            .status,
        401
    );
    assert_eq!(
        console(&m.w, &anna).await.error(),
        (401, "key_unknown".into())
    );
    assert_eq!(
        console(&m.w, m.key("tea")).await.error(),
        (401, "key_unknown".into())
    );
}

async fn console(w: &World, key: &str) -> Answer {
    let request = Request::post("/app/console/session")
        .header("Feiqian-App", "console")
        .header("Content-Type", "application/json")
        .body(Body::from(json!({ "key": key }).to_string()));
    w.send(request.unwrap()).await
}

async fn in_console(w: &World, cookie: &str, path: &str) -> Answer {
    let request = Request::get(path)
        .header("Feiqian-App", "console")
        .header("Cookie", cookie)
        .body(Body::empty());
    w.send(request.unwrap()).await
}

#[tokio::test]
async fn money_by_hand_needs_another_operator() {
    let m = Market::new().await;
    let fund = "POST /v1/brands/brd_0/capital";
    let large = json!({ "amount": 10_000_001 });
    let asked = m.ask_under("big", "operator", fund, large.clone()).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let id = text(&asked.json()["id"]);
    let again = m.ask_under("big", "operator", fund, large.clone()).await;
    assert_eq!((again.status.as_u16(), again.json()), (202, asked.json()));
    let other = m
        .ask_under("big", "operator", fund, json!({ "amount": 10_000_002 }))
        .await;
    assert_eq!(other.error(), (409, "number_reused".into()));

    let approve = format!("POST /v1/approvals/{id}/approve");
    let second = operator(&m, "second", json!(["finance"])).await;
    let marketing = operator(&m, "mark", json!(["campaigns"])).await;
    let reserve = async || {
        let balance = get(&m, "operator", "/v1/ledger/trial-balance").await.ok();
        let rows = balance["data"].as_array().unwrap().clone();
        let row = rows.iter().find(|row| row["kind"] == "capital");
        row.map_or(0, |row| row["credit"].as_i64().unwrap())
    };
    assert_eq!(reserve().await, 0, "nothing happened yet");
    m.check([
        ("operator", &approve, Value::Null, 422, "same_operator"),
        (&marketing, &approve, Value::Null, 403, "not_allowed"),
        (
            &second,
            "POST /v1/approvals/apv_9/approve",
            Value::Null,
            404,
            "approval_not_found",
        ),
        (&second, &approve, Value::Null, 200, ""),
        (&second, &approve, Value::Null, 200, ""),
        (
            &second,
            &format!("POST /v1/approvals/{id}/reject"),
            Value::Null,
            422,
            "already_decided",
        ),
    ])
    .await;
    assert_eq!(reserve().await, 10_000_001, "once");
    let done = m.ask_under("big", "operator", fund, large.clone()).await;
    assert_eq!(
        (done.status.as_u16(), &done.json()["amount"]),
        (200, &json!(10_000_001))
    );

    let asked = m
        .ask_under("no", "operator", fund, large.clone())
        .await
        .json();
    let reject = format!("POST /v1/approvals/{}/reject", text(&asked["id"]));
    m.check([(&second, &reject, Value::Null, 200, "")]).await;
    let refused = m.ask_under("no", "operator", fund, large).await;
    assert_eq!(refused.error(), (422, "approval_rejected".into()));
    assert_eq!(reserve().await, 10_000_001);
    let open = get(&m, "operator", "/v1/approvals?status=open").await.ok();
    assert_eq!(open["data"], json!([]));
    let all = get(&m, "operator", "/v1/approvals?limit=1").await.ok();
    assert_eq!(all["data"][0]["status"], "rejected");
    let rest = format!("/v1/approvals?cursor={}", text(&all["next_cursor"]));
    let rest = get(&m, "operator", &rest).await.ok();
    assert_eq!(
        (&rest["data"][0]["id"], &rest["data"][0]["decided_by"]),
        (&json!(id), &json!("second"))
    );
}

#[tokio::test]
async fn the_trail_keeps_what_operators_do_and_breaks_when_touched() {
    let m = Market::new().await;
    let freeze = format!("POST /v1/users/{}/status", m.mei);
    let body = json!({ "status": "frozen", "reason": "lost phone" });
    m.ask("operator", &freeze, body).await.ok();
    m.check([(
        "operator",
        "POST /v1/brands",
        json!({ "name": "" }),
        400,
        "body_bad",
    )])
    .await;
    m.check([(
        "mei",
        "POST /v1/brands",
        json!({ "name": "x" }),
        403,
        "not_allowed",
    )])
    .await;
    get(&m, "operator", &format!("/v1/users/{}", m.mei))
        .await
        .ok();
    get(&m, "operator", "/v1/merchants").await.ok();
    let newest = trail(&m, "limit=3").await;
    let told = |entry: &Value| {
        let subject = entry["subject"].as_str().unwrap_or("-");
        format!("{} {subject} {}", text(&entry["what"]), entry["status"])
    };
    let told: Vec<_> = newest.iter().map(told).collect();
    let mei = &m.mei;
    assert_eq!(
        told,
        [
            format!("GET /v1/users/{{id}} {mei} 200"),
            "POST /v1/brands - 400".into(),
            format!("POST /v1/users/{{id}}/status {mei} 200"),
        ]
    );
    assert_eq!(newest[2]["why"], "lost phone");
    let about = trail(&m, &format!("subject={mei}&by=operator&limit=100")).await;
    assert!(about.len() >= 3, "the making of her key too");
    assert_eq!(trail(&m, "by=nobody").await.len(), 0);

    let check = get(&m, "operator", "/v1/audit/check").await.ok();
    assert!(check.get("broken_at").is_none(), "{check}");
    let vault: &Vault = &m.w.platform.vault;
    let first = &vault.secrets_with_prefix("trail/entry/").unwrap()[1];
    vault.remove_secret(first).unwrap();
    let check = get(&m, "operator", "/v1/audit/check").await.ok();
    assert_eq!(check["broken_at"], "aud_1");
}

#[tokio::test]
async fn a_shop_applies_and_its_owner_signs_in() {
    let m = Market::new().await;
    let apply = async |number: &str, body: Value| {
        let request = Request::post("/app/till/applications")
            .header("Feiqian-App", "till")
            .header("Idempotency-Key", number)
            .header("Content-Type", "application/json")
            .body(Body::from(body.to_string()));
        m.w.send(request.unwrap()).await
    };
    let shop = json!({
        "name": "西门包子", "category": "5812", "contact_name": "赵", "phone": "+8613900000001",
        "owner_name": "Zhao",
    });
    let with = |name: &str, value: &str| {
        let mut shop = shop.clone();
        shop[name] = json!(value);
        shop
    };
    assert_eq!(
        apply("a", with("phone", "12")).await.error(),
        (400, "phone_bad".into())
    );
    assert_eq!(
        apply("a", with("category", "58")).await.error(),
        (400, "body_bad".into())
    );
    let made = apply("a", shop.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(apply("a", shop.clone()).await.status, 200);
    assert_eq!(apply("a", with("name", "Other")).await.status, 409);
    let id = text(&made.json()["id"]);
    let list = get(&m, "operator", "/v1/applications?status=new")
        .await
        .ok();
    assert_eq!(
        (&list["data"][0]["id"], &list["data"][0]["phone"]),
        (&json!(id), &shop["phone"])
    );

    let approve = format!("POST /v1/applications/{id}/approve");
    let auditor = operator(&m, "anna", json!(["auditor"])).await;
    m.check([
        (
            "tea",
            &approve,
            json!({ "fee_bps": 38 }),
            403,
            "not_allowed",
        ),
        (
            &auditor,
            &approve,
            json!({ "fee_bps": 38 }),
            403,
            "not_allowed",
        ),
        (
            "operator",
            &approve,
            json!({ "fee_bps": 3_800 }),
            400,
            "body_bad",
        ),
    ])
    .await;
    let merchant = m
        .ask("operator", &approve, json!({ "fee_bps": 38 }))
        .await
        .ok();
    assert!(merchant["credentials"]["private_key_pem"].is_string());
    let sign_in = json!({
        "shop": merchant["id"], "name": "Zhao", "password": merchant["owner"]["password"],
    });
    let request = Request::post("/app/till/session")
        .header("Feiqian-App", "till")
        .header("Content-Type", "application/json")
        .body(Body::from(sign_in.to_string()));
    let owner = m.w.send(request.unwrap()).await.ok();
    assert_eq!(
        (&owner["role"], &owner["shop"]["name"]),
        (&json!("owner"), &shop["name"])
    );

    let id = text(&apply("b", with("name", "Second")).await.ok()["id"]);
    let reject = format!("POST /v1/applications/{id}/reject");
    let no = json!({ "reason": "no licence" });
    m.check([
        ("operator", &reject, json!({}), 400, "body_bad"),
        ("operator", &reject, no, 200, ""),
        (
            "operator",
            &format!("POST /v1/applications/{id}/approve"),
            json!({ "fee_bps": 1 }),
            422,
            "already_decided",
        ),
    ])
    .await;
}

#[tokio::test]
async fn users_are_found_masked_and_read_with_a_reason() {
    let m = Market::new().await;
    let body = json!({
        "brand_id": "brd_0", "handle": "xiaomei", "name": "王小梅", "phone": "+8613800138000", "tier": "full",
    });
    let user = text(&m.ask("operator", "POST /v1/users", body).await.ok()["id"]);
    let auditor = operator(&m, "anna", json!(["auditor"])).await;
    for q in ["xiaomei", "8000", &user] {
        let found = get(&m, &auditor, &format!("/v1/users?q={q}")).await.ok();
        let row = &found["data"][0];
        assert_eq!(
            (&row["id"], &row["name_masked"], &row["phone_masked"]),
            (&json!(user), &json!("*小梅"), &json!("138****8000")),
            "{q}"
        );
        assert!(!found.to_string().contains("王小梅"));
    }
    let none = get(&m, &auditor, "/v1/users?q=xiao").await.ok();
    assert_eq!(none["data"], json!([]));
    assert_eq!(get(&m, "mei", "/v1/users?q=xiaomei").await.status, 403);
    let read = format!("POST /v1/users/{user}/reads");
    let why = json!({ "why": "complaint 4711" });
    m.check([
        (&auditor, &read, why.clone(), 403, "not_allowed"),
        ("operator", &read, json!({}), 400, "body_bad"),
        (
            "operator",
            "POST /v1/users/usr_99/reads",
            why.clone(),
            404,
            "user_not_found",
        ),
    ])
    .await;
    let person = m.ask("operator", &read, why).await.ok();
    assert_eq!(person["name"], "王小梅");
    let newest = trail(&m, &format!("subject={user}&limit=1")).await;
    assert_eq!(newest[0]["why"], "complaint 4711");
}

#[tokio::test]
async fn debits_are_credits_and_an_order_tells_its_story() {
    let m = Market::new().await;
    let order = m.paid(10_000).await;
    m.ask(
        "noodles",
        &format!("POST /v1/orders/{order}/refunds"),
        json!({ "amount": 4_000 }),
    )
    .await
    .ok();
    let auditor = operator(&m, "anna", json!(["auditor"])).await;
    let balance = get(&m, &auditor, "/v1/ledger/trial-balance").await.ok();
    assert_eq!(balance["debit"], balance["credit"]);
    assert_eq!(balance["debit"], 100_000);
    let line = |kind: &str| {
        let rows = balance["data"].as_array().unwrap();
        rows.iter().find(|row| row["kind"] == kind).unwrap().clone()
    };
    assert_eq!(line("wallet")["credit"], 94_000);
    assert_eq!(line("merchant")["credit"], 5_964);
    assert_eq!(line("fee_income")["credit"], 36);
    assert_eq!(line("bank_reserve")["debit"], 100_000);

    let story = get(&m, &auditor, &format!("/v1/orders/{order}/story"))
        .await
        .ok();
    let kinds: Vec<_> = story["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["kind"]))
        .collect();
    assert_eq!(kinds, ["order_created", "order_paid", "order_refunded"]);
    let postings = story["events"][1]["postings"].as_array().unwrap();
    assert_eq!(
        postings[0],
        json!({ "debit": "wallet-0", "credit": "merchant-0", "amount": 10_000 })
    );
    let entries = get(&m, &auditor, "/v1/ledger/accounts/wallet-0/entries?limit=2")
        .await
        .ok();
    assert_eq!(entries["data"].as_array().unwrap().len(), 2);
    assert_eq!(entries["data"][0]["order_id"], json!(order));
    for (path, status) in [
        ("/v1/ledger/accounts/wallet-99/entries", 404),
        ("/v1/ledger/accounts/purse-0/entries", 404),
        ("/v1/orders/ord_0/story", 404),
    ] {
        assert_eq!(get(&m, &auditor, path).await.status, status, "{path}");
    }
    assert_eq!(
        get(&m, "noodles", "/v1/ledger/trial-balance").await.status,
        403
    );
}

#[tokio::test]
async fn a_draft_is_tried_and_nothing_is_kept() {
    let m = Market::new().await;
    m.paid(10_000).await;
    let terms = json!({
        "name": "Ten off", "kind": "discount", "benefit": { "fixed": 1_000 }, "funding": "platform",
        "from": "2026-01-01T00:00:00Z", "until": "2027-12-01T00:00:00Z", "minimum": 5_000,
    });
    let draft = json!({ "budget": 100_000, "terms": terms });
    let mut flawed = draft.clone();
    flawed["terms"]["rule"] = json!("amount >");
    let check = "POST /v1/campaigns/check";
    m.check([
        ("operator", check, draft.clone(), 204, ""),
        ("operator", check, flawed, 400, "rule_bad"),
        ("mei", check, draft.clone(), 403, "not_allowed"),
    ])
    .await;
    let quote = |fen: i64| json!({ "draft": draft, "amount": fen, "merchant_id": m.noodles });
    let would = m
        .ask("operator", "POST /v1/campaigns/quote", quote(6_000))
        .await
        .ok();
    assert_eq!(
        (&would["payable"], &would["discounts"][0]["campaign"]),
        (&json!(5_000), &json!("Ten off"))
    );
    let would = m
        .ask("operator", "POST /v1/campaigns/quote", quote(4_000))
        .await
        .ok();
    assert_eq!(
        (&would["payable"], &would["passed_over"][0]["campaign"]),
        (&json!(4_000), &json!("Ten off"))
    );
    let past = json!({ "draft": draft, "from": "2026-01-01", "to": "2027-11-30" });
    let past = m
        .ask("operator", "POST /v1/campaigns/backtest", past)
        .await
        .ok();
    assert_eq!(
        (&past["payments"], &past["reached"], &past["granted"]),
        (&json!(1), &json!(1), &json!(1_000))
    );
    let list = get(&m, "operator", "/v1/campaigns").await.ok();
    assert_eq!(list["data"], json!([]));
    let tries = trail(&m, "limit=100").await.into_iter();
    let tries: Vec<_> = tries
        .filter(|entry| text(&entry["what"]).contains("campaigns"))
        .collect();
    assert!(tries.is_empty(), "{tries:?}");
}
