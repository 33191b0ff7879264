//! Every refusal has its status and code.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::Market;

const PAY: &str = "POST /v1/payments";
const ORDERS: &str = "POST /v1/orders";

fn pay(order: &str) -> Value {
    json!({ "order_id": order })
}

fn amount(fen: i64) -> Value {
    json!({ "amount": fen })
}

/// The terms of an order with one more field.
fn terms(field: &str, value: Value) -> Value {
    let mut terms = json!({ "amount": 10, "description": "x" });
    terms[field] = value;
    terms
}

#[tokio::test]
async fn of_payments() {
    let m = Market::new().await;
    let (large, order) = (m.order(100_001).await, m.order(10).await);
    let for_mei = terms("only_payer", json!(m.mei));
    let for_mei = m.ask("noodles", ORDERS, for_mei).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (shop, status) = (
        format!("PATCH /v1/merchants/{}", m.noodles),
        format!("POST /v1/users/{}/status", m.mei),
    );
    m.check([
        ("mei", PAY, pay("ord_99999"), 404, "order_not_found"),
        (
            "mei",
            PAY,
            json!({ "code_url": "AAAAAAAAAAAAAAAAAAAA" }),
            404,
            "order_not_found",
        ),
        (
            "mei",
            PAY,
            json!({ "code_url": "https://elsewhere/q/x" }),
            404,
            "order_not_found",
        ),
        (
            "mei",
            PAY,
            json!({ "prepay_id": "wx1" }),
            404,
            "order_not_found",
        ),
        ("mei", PAY, pay(&large), 422, "balance_short"),
        (
            "noodles",
            &format!("POST /v1/orders/{large}/close"),
            json!({}),
            200,
            "",
        ),
        ("mei", PAY, pay(&large), 422, "order_closed"),
        ("lei", PAY, pay(&for_mei), 422, "other_payer"),
        ("operator", &shop, json!({ "status": "paused" }), 200, ""),
        ("mei", PAY, pay(&order), 422, "merchant_not_active"),
        ("operator", &shop, json!({ "status": "active" }), 200, ""),
        ("operator", &status, json!({ "status": "frozen" }), 200, ""),
        ("mei", PAY, pay(&order), 422, "payer_not_active"),
        ("operator", &status, json!({ "status": "active" }), 200, ""),
        ("mei", PAY, pay(&order), 201, ""),
        ("mei", PAY, pay(&order), 422, "already_paid"),
    ])
    .await;
}

#[tokio::test]
async fn of_payments_that_come_too_late() {
    let m = Market::new().await;
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(400);
    let order = m
        .ask(
            "noodles",
            ORDERS,
            terms("expires_at", json!(soon.to_string())),
        )
        .await
        .ok();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The timer may have closed it already.
    let (status, code) = m
        .ask("mei", PAY, json!({ "order_id": order["id"] }))
        .await
        .error();
    assert!(
        status == 422 && ["order_expired", "order_closed"].contains(&code.as_str()),
        "{code}"
    );
}

#[tokio::test]
async fn of_payments_that_name_nothing_or_two_things() {
    let m = Market::new().await;
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
        m.check([("mei", PAY, bad, 400, "body_bad")]).await;
    }
}

#[tokio::test]
async fn of_orders() {
    let m = Market::new().await;
    let past = json!("2020-01-01T00:00:00Z");
    m.check([
        (
            "noodles",
            ORDERS,
            terms("expires_at", past),
            422,
            "expiry_out_of_range",
        ),
        (
            "noodles",
            ORDERS,
            terms("only_payer", json!("usr_999")),
            422,
            "payer_not_found",
        ),
        (
            "noodles",
            ORDERS,
            terms("amount", json!(0)),
            400,
            "body_bad",
        ),
        (
            "noodles",
            ORDERS,
            terms("amount", json!(1_000_000_000_001_i64)),
            400,
            "body_bad",
        ),
        (
            "noodles",
            ORDERS,
            terms("amount", json!(1.5)),
            400,
            "body_bad",
        ),
        (
            "noodles",
            ORDERS,
            terms("description", json!("面".repeat(128))),
            400,
            "body_bad",
        ),
        (
            "noodles",
            ORDERS,
            terms("notify", json!("x")),
            400,
            "body_bad",
        ),
    ])
    .await;
}

#[tokio::test]
async fn of_refunds() {
    let m = Market::new().await;
    let order = m.order(100).await;
    let refunds = format!("POST /v1/orders/{order}/refunds");
    m.check([
        ("noodles", &refunds, amount(1), 422, "not_paid"),
        ("mei", PAY, pay(&order), 201, ""),
        ("noodles", &refunds, amount(101), 422, "above_refundable"),
        (
            "noodles",
            &format!("POST /v1/orders/{order}/close"),
            json!({}),
            422,
            "already_paid",
        ),
    ])
    .await;
    let shop = format!("PATCH /v1/merchants/{}", m.noodles);
    m.check([
        (
            "operator",
            &shop,
            json!({ "status": "paused", "fee_bps": 7 }),
            200,
            "",
        ),
        (
            "noodles",
            ORDERS,
            terms("amount", json!(1)),
            422,
            "merchant_not_active",
        ),
        ("noodles", &refunds, amount(1), 201, ""),
        (
            "operator",
            &shop,
            json!({ "fee_bps": 1_001 }),
            400,
            "body_bad",
        ),
        (
            "operator",
            "PATCH /v1/merchants/mch_99",
            json!({ "fee_bps": 1 }),
            404,
            "merchant_not_found",
        ),
    ])
    .await;
}

#[tokio::test]
async fn of_users_and_their_transfers() {
    let m = Market::new().await;
    let wallet = |leaf: &str| format!("POST /v1/users/{}/{leaf}", m.mei);
    let user = json!({ "brand_id": "brd_9", "handle": "x", "name": "x", "tier": "full" });
    m.check([
        ("operator", "POST /v1/users", user, 422, "brand_not_found"),
        (
            "mei",
            &wallet("withdrawals"),
            amount(100_001),
            422,
            "balance_short",
        ),
        (
            "operator",
            &wallet("status"),
            json!({ "status": "closed" }),
            200,
            "",
        ),
        (
            "operator",
            &wallet("status"),
            json!({ "status": "active" }),
            422,
            "user_closed",
        ),
        ("mei", &wallet("top_ups"), amount(1), 422, "user_not_active"),
        (
            "mei",
            &wallet("withdrawals"),
            amount(1),
            422,
            "user_not_active",
        ),
        (
            "operator",
            "POST /v1/users/usr_999/top_ups",
            amount(1),
            404,
            "user_not_found",
        ),
    ])
    .await;
}

#[tokio::test]
async fn of_what_is_not_there() {
    let m = Market::new().await;
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
        m.check([("operator", &format!("GET {path}"), json!({}), 404, code)])
            .await;
    }
    for bad in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1&limit=2",
        "cursor=7",
        "other=1",
        "cursor=",
    ] {
        let statement = format!("GET /v1/users/{}/statement?{bad}", m.mei);
        m.check([("mei", &statement, json!({}), 400, "query_bad")])
            .await;
    }
    m.check([
        (
            "operator",
            "GET /v1/notifications?state=dead",
            json!({}),
            503,
            "notifier_off",
        ),
        (
            "operator",
            "GET /v1/notifications?state=alive",
            json!({}),
            400,
            "query_bad",
        ),
    ])
    .await;
}
