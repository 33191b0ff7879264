//! Codes that shops show, and codes that they charge.

use serde_json::{Value, json};

use crate::world::{Answer, Market, text};

async fn get(m: &Market, who: &str, path: &str) -> Answer {
    m.w.get(m.key(who), path).await
}

async fn read(m: &Market, seen: &Value) -> Value {
    let body = json!({ "text": seen });
    m.ask("mei", "POST /v1/codes/read", body).await.ok()
}

fn media(answer: &Answer) -> &str {
    answer.headers["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn a_shops_code_says_whose_it_is_and_for_how_much() {
    let m = Market::new().await;
    let path = format!("/v1/merchants/{}/code", m.noodles);
    for (query, amount) in [("", Value::Null), ("?amount=1250", json!(1_250))] {
        let code = get(&m, "noodles", &format!("{path}{query}")).await.ok();
        assert_eq!(code["amount"], amount);
        let token = text(&code["token"]);
        assert_eq!(code["link"], json!(format!("http://pay.test/q/m/{token}")));
        for seen in [&code["text"], &code["link"]] {
            let read = read(&m, seen).await;
            assert_eq!(
                [
                    &read["kind"],
                    &read["code"],
                    &read["shop"]["name"],
                    &read["amount"]
                ],
                [
                    &json!("merchant"),
                    &json!(token),
                    &json!("Noodles"),
                    &amount
                ]
            );
        }
        // The same for ever: nothing is stored of it.
        let again = get(&m, "operator", &format!("{path}{query}")).await.ok();
        assert_eq!(again, code);
    }
    m.check([
        ("tea", &format!("GET {path}"), json!({}), 403, "not_allowed"),
        (
            "operator",
            "GET /v1/merchants/mch_99/code",
            json!({}),
            404,
            "merchant_not_found",
        ),
        (
            "noodles",
            &format!("GET {path}?amount=0"),
            json!({}),
            400,
            "query_bad",
        ),
        (
            "noodles",
            &format!("GET {path}?amount=%2B5"),
            json!({}),
            400,
            "query_bad",
        ),
        (
            "noodles",
            &format!("GET {path}?sum=1"),
            json!({}),
            400,
            "query_bad",
        ),
        (
            "noodles",
            &format!("GET {path}?form=x"),
            json!({}),
            400,
            "query_bad",
        ),
        (
            "mei",
            "POST /v1/codes/read",
            json!({ "text": "hello" }),
            422,
            "not_understood",
        ),
    ])
    .await;
}

#[tokio::test]
async fn another_systems_code_is_read() {
    let m = Market::new().await;
    // The example of EMV QRCPS Merchant-Presented Mode, annex.
    let published = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";
    assert_eq!(
        read(&m, &json!(published)).await,
        json!({
            "kind": "foreign", "merchant_name": "BEST TRANSPORT", "city": "BEIJING", "country": "CN",
            "amount": "23.72", "currency": "156", "category": "4111", "fixed": false,
        })
    );
}

#[tokio::test]
async fn a_sticker_comes_as_svg_png_and_pdf() {
    let m = Market::new().await;
    let sticker = |form: &str| format!("/v1/merchants/{}/sticker.{form}", m.noodles);
    let svg = get(&m, "noodles", &sticker("svg?amount=1250")).await;
    assert_eq!(media(&svg), "image/svg+xml");
    assert_eq!(svg.headers["content-security-policy"], "default-src 'none'");
    for word in ["Noodles", "扫码支付", "¥12.50", "sandbox"] {
        assert!(svg.text.contains(word), "{word}: {}", svg.text);
    }
    let open = get(&m, "noodles", &sticker("svg")).await.text;
    assert!(!open.contains('¥'));
    assert_ne!(
        open,
        get(&m, "noodles", &sticker("svg?form=emv")).await.text
    );
    let png = get(&m, "noodles", &sticker("png")).await;
    assert_eq!(
        (media(&png), png.text.get(3..6)),
        ("image/png", Some("PNG"))
    );
    let pdf = get(&m, "noodles", &sticker("pdf")).await;
    assert_eq!(media(&pdf), "application/pdf");
    assert!(pdf.text.starts_with("%PDF-1."));
    for form in ["svg", "png", "pdf"] {
        let (path, wrong) = (sticker(form), format!("GET {}?amount=x", sticker(form)));
        m.check([
            ("tea", &format!("GET {path}"), json!({}), 403, "not_allowed"),
            ("noodles", &wrong, json!({}), 400, "query_bad"),
        ])
        .await;
    }
}

#[tokio::test]
async fn an_order_has_a_code_while_it_is_open() {
    let m = Market::new().await;
    let order = m.order(1_250).await;
    let path = format!("/v1/orders/{order}/code");
    let code = get(&m, "noodles", &path).await.ok();
    let shown = get(&m, "noodles", &format!("/v1/orders/{order}"))
        .await
        .ok();
    assert_eq!(
        (&code["link"], &code["amount"]),
        (&shown["code_url"], &json!(1_250))
    );
    for seen in [&code["text"], &code["link"]] {
        let order = json!({ "kind": "order", "token": code["token"] });
        assert_eq!(read(&m, seen).await, order);
    }
    let pasted_over = text(&code["text"]).replace("Noodles", "Doodles");
    m.check([
        (
            "tea",
            &format!("GET {path}"),
            json!({}),
            404,
            "order_not_found",
        ),
        (
            "mei",
            "POST /v1/codes/read",
            json!({ "text": pasted_over }),
            422,
            "not_understood",
        ),
        (
            "noodles",
            &format!("GET {path}.svg?form=emv"),
            json!({}),
            200,
            "",
        ),
        ("noodles", &format!("GET {path}.png"), json!({}), 200, ""),
        (
            "noodles",
            &format!("GET {path}.png?amount=1"),
            json!({}),
            400,
            "query_bad",
        ),
        (
            "mei",
            "POST /v1/payments",
            json!({ "order_id": order }),
            201,
            "",
        ),
        (
            "noodles",
            &format!("GET {path}"),
            json!({}),
            422,
            "order_not_open",
        ),
        (
            "noodles",
            &format!("GET {path}.svg"),
            json!({}),
            422,
            "order_not_open",
        ),
    ])
    .await;
}

async fn pay_code(m: &Market) -> Value {
    let what = format!("POST /v1/users/{}/pay_codes", m.mei);
    m.ask("mei", &what, json!({})).await.ok()
}

fn charge(fen: i64, code: &Value) -> Value {
    json!({ "amount": fen, "description": "noodles", "pay_code": code })
}

#[tokio::test]
async fn a_pay_code_is_charged_once_however_it_was_scanned() {
    let m = Market::new().await;
    let charges = "POST /v1/charges";
    for (number, form) in [("c1", "code"), ("c2", "cpm")] {
        let code = pay_code(&m).await[form].clone();
        for status in [201, 200] {
            let done = m
                .ask_under(number, "noodles", charges, charge(1_000, &code))
                .await;
            assert_eq!(done.status.as_u16(), status, "{}", done.text);
            let done = done.json();
            assert_eq!(
                (
                    &done["status"],
                    &done["order"]["status"],
                    &done["order"]["number"]
                ),
                (&json!("succeeded"), &json!("paid"), &json!(number))
            );
        }
        m.check([
            (
                "noodles",
                charges,
                charge(1_000, &code),
                422,
                "pay_code_spent",
            ),
            ("tea", charges, charge(1_000, &code), 422, "pay_code_spent"),
        ])
        .await;
        let other = m
            .ask_under(number, "noodles", charges, charge(1_001, &code))
            .await;
        assert_eq!(other.error(), (409, "number_reused".into()));
    }
    assert_eq!(m.w.balance(m.key("mei"), &m.mei).await, 98_000);
    let fresh = pay_code(&m).await["code"].clone();
    let foreign = json!("hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MQ==");
    m.check([
        (
            "noodles",
            charges,
            charge(1, &json!("130456789014333309")),
            422,
            "pay_code_invalid",
        ),
        (
            "noodles",
            charges,
            charge(1, &foreign),
            422,
            "pay_code_invalid",
        ),
        ("noodles", charges, charge(0, &fresh), 400, "body_bad"),
        (
            "noodles",
            charges,
            charge(98_001, &fresh),
            422,
            "balance_short",
        ),
        ("mei", charges, charge(1, &fresh), 403, "not_allowed"),
        ("operator", charges, charge(1, &fresh), 403, "not_allowed"),
    ])
    .await;
}

#[tokio::test]
async fn above_the_limit_the_shopper_is_asked() {
    let m = Market::new().await;
    m.w.fund(&m.mei, "more", 200_000).await;
    let charges = "POST /v1/charges";
    let code = pay_code(&m).await["cpm"].clone();
    let ask = async || {
        m.ask_under("c1", "noodles", charges, charge(150_000, &code))
            .await
    };
    let waits = ask().await.ok();
    assert_eq!(
        (&waits["status"], &waits["order"]["status"]),
        (&json!("awaiting_shopper"), &json!("open"))
    );
    assert_eq!(ask().await.ok(), waits);
    let order = text(&waits["order"]["id"]);
    m.ask(
        "noodles",
        &format!("POST /v1/orders/{order}/close"),
        json!({}),
    )
    .await
    .ok();
    let ended = ask().await.ok();
    assert_eq!(
        (&ended["status"], &ended["order"]["status"]),
        (&json!("ended"), &json!("closed"))
    );
    assert_eq!(m.w.balance(m.key("mei"), &m.mei).await, 300_000);
}
