//! Who may do what.

use serde_json::json;

use crate::world::Market;

#[tokio::test]
async fn an_account_is_open_to_its_holder_and_to_operators() {
    let m = Market::new().await;
    for leaf in ["", "/balance", "/statement"] {
        let (wallet, shop) = (
            format!("/v1/users/{}{leaf}", m.mei),
            format!("/v1/merchants/{}{leaf}", m.noodles),
        );
        for (path, opens) in [
            (&wallet, ["mei", "operator"]),
            (&shop, ["noodles", "operator"]),
        ] {
            for who in ["mei", "lei", "noodles", "tea", "operator"] {
                let answer = m.w.get(m.key(who), path).await;
                if opens.contains(&who) {
                    assert_eq!(answer.status, 200, "{who} {path}");
                } else {
                    assert_eq!(answer.error(), (403, "not_allowed".into()), "{who} {path}");
                }
            }
        }
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table of everything")]
async fn nobody_else_spends_sells_or_runs_the_platform() {
    let m = Market::new().await;
    let order = m.order(1_000).await;
    let wallet = |leaf: &str| format!("POST /v1/users/{}/{leaf}", m.mei);
    let pay = json!({ "order_id": order });
    let terms = json!({ "amount": 1, "description": "x" });
    // Not even an operator takes money out of a wallet.
    for who in ["operator", "lei", "noodles"] {
        m.check([
            (
                who,
                &wallet("withdrawals"),
                json!({ "amount": 1 }),
                403,
                "not_allowed",
            ),
            (who, &wallet("pay_codes"), json!({}), 403, "not_allowed"),
        ])
        .await;
    }
    m.check([
        (
            "lei",
            &wallet("top_ups"),
            json!({ "amount": 1 }),
            403,
            "not_allowed",
        ),
        (
            "operator",
            "POST /v1/payments",
            pay.clone(),
            403,
            "not_allowed",
        ),
        ("noodles", "POST /v1/payments", pay, 403, "not_allowed"),
        (
            "operator",
            "POST /v1/orders",
            terms.clone(),
            403,
            "not_allowed",
        ),
        ("mei", "POST /v1/orders", terms, 403, "not_allowed"),
    ])
    .await;
    let runs = [
        "POST /v1/brands",
        "POST /v1/users",
        "POST /v1/merchants",
        "GET /v1/merchants",
        "POST /v1/users/usr_0/keys",
        "POST /v1/users/usr_0/status",
        "DELETE /v1/users/usr_0/person",
        "PUT /v1/users/usr_0/traits",
        "POST /v1/brands/brd_0/capital",
        "PUT /v1/brands/brd_0/withdrawal_terms",
        "PUT /v1/users/usr_0/tier",
        "POST /v1/operators",
        "POST /v1/campaigns",
        "POST /v1/campaigns/cmp_0/approve",
        "POST /v1/campaigns/cmp_0/start",
        "POST /v1/campaigns/cmp_0/pause",
        "POST /v1/campaigns/cmp_0/resume",
        "POST /v1/campaigns/cmp_0/end",
        "POST /v1/campaigns/cmp_0/budget",
        "POST /v1/campaigns/cmp_0/codes",
        "PATCH /v1/merchants/mch_0",
        "POST /v1/merchants/mch_0/keys",
        "GET /v1/notifications",
        "POST /v1/notifications/x/redeliver",
    ];
    for what in runs {
        for who in ["mei", "noodles"] {
            m.check([(who, what, json!({}), 403, "not_allowed")]).await;
        }
    }
}

#[tokio::test]
async fn an_order_is_unknown_to_those_whom_it_does_not_concern() {
    let m = Market::new().await;
    let order = m.order(1_000).await;
    let show = format!("GET /v1/orders/{order}");
    for who in ["mei", "lei", "tea"] {
        m.check([(who, &show, json!({}), 404, "order_not_found")])
            .await;
    }
    m.check([
        (
            "mei",
            "POST /v1/payments",
            json!({ "order_id": order }),
            201,
            "",
        ),
        ("mei", &show, json!({}), 200, ""),
        ("noodles", &show, json!({}), 200, ""),
        ("operator", &show, json!({}), 200, ""),
        ("lei", &show, json!({}), 404, "order_not_found"),
        ("tea", &show, json!({}), 404, "order_not_found"),
        (
            "tea",
            &format!("POST /v1/orders/{order}/refunds"),
            json!({ "amount": 1 }),
            404,
            "order_not_found",
        ),
        (
            "tea",
            &format!("POST /v1/orders/{order}/close"),
            json!({}),
            404,
            "order_not_found",
        ),
    ])
    .await;
}

#[tokio::test]
async fn without_a_key_everything_is_shut() {
    let m = Market::new().await;
    let (path, guess) = (
        format!("/v1/users/{}/balance", m.mei),
        format!("fqo_{}", "A".repeat(43)),
    );
    for key in ["", "nonsense", &guess, &"x".repeat(5_000)] {
        let answer = m.w.get(key, &path).await;
        assert_eq!(answer.error(), (401, "key_unknown".into()), "{key}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}
