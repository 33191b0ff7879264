//! The same number twice: one effect.

use serde_json::{Value, json};

use crate::world::Market;

/// The first answer comes again; other content is refused; a request without a number is none.
async fn once(m: &Market, who: &str, what: &str, body: Value, other: Value) {
    let first = m.ask_under("same", who, what, body.clone()).await;
    assert_eq!(first.status, 201, "{what} {}", first.text);
    assert!(first.headers.get("idempotent-replayed").is_none());
    let again = m.ask_under("same", who, what, body.clone()).await;
    assert_eq!(
        (again.status.as_u16(), again.json()),
        (200, first.json()),
        "{what}"
    );
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let conflict = m.ask_under("same", who, what, other).await;
    assert_eq!(conflict.error(), (409, "number_reused".into()), "{what}");
    let missing = m.ask_under("", who, what, body.clone()).await;
    assert_eq!(missing.error(), (400, "number_missing".into()), "{what}");
    for bad in ["a b", "飞", &"x".repeat(65)] {
        let answer = m.ask_under(bad, who, what, body.clone()).await;
        assert_eq!(answer.error(), (400, "number_bad".into()), "{bad}");
    }
}

#[tokio::test]
async fn of_everything_that_is_made() {
    let m = Market::new().await;
    let order = m.paid(1_000).await;
    let lei =
        |name: &str| json!({ "brand_id": "brd_0", "handle": "l", "name": name, "tier": "basic" });
    let shop = |fee: u16| json!({ "name": "Rice", "category": "5812", "fee_bps": fee });
    let amount = |fen: i64| json!({ "amount": fen });
    let terms = |fen: i64| json!({ "amount": fen, "description": "x" });
    let name = |name: &str| json!({ "name": name });
    let wallet = |leaf: &str| format!("POST /v1/users/{}/{leaf}", m.mei);
    once(
        &m,
        "operator",
        "POST /v1/brands",
        name("Blue"),
        name("Green"),
    )
    .await;
    once(&m, "operator", "POST /v1/users", lei("Lei"), lei("Not Lei")).await;
    once(&m, "operator", "POST /v1/merchants", shop(60), shop(61)).await;
    once(&m, "mei", &wallet("top_ups"), amount(5), amount(6)).await;
    once(&m, "mei", &wallet("withdrawals"), amount(5), amount(6)).await;
    once(&m, "noodles", "POST /v1/orders", terms(5), terms(6)).await;
    once(
        &m,
        "noodles",
        &format!("POST /v1/orders/{order}/refunds"),
        amount(5),
        amount(6),
    )
    .await;
}

#[tokio::test]
async fn of_a_payment() {
    let m = Market::new().await;
    let pay = json!({ "order_id": m.order(1_000).await });
    let first = m
        .ask_under("p", "mei", "POST /v1/payments", pay.clone())
        .await;
    let again = m
        .ask_under("p", "mei", "POST /v1/payments", pay.clone())
        .await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    assert_eq!(first.json(), again.json());
    for who in ["mei", "lei"] {
        m.check([(who, "POST /v1/payments", pay.clone(), 422, "already_paid")])
            .await;
    }
    assert_eq!(m.w.balance(m.key("mei"), &m.mei).await, 99_000);
}
