//! The wallet's money: seen, paid, sent, asked for.

use feiqian_core::Mode;
use feiqian_core::bank::answer::Answer as BankAnswer;
use feiqian_core::order::spend_code::{PayCode, SpendCode};
use feiqian_core::{EventNumber, Fen, MerchantId, OrderId, UnixMillis, UserId};
use feiqian_gateway::codes::merchant_code;
use serde_json::{Value, json};

use crate::hand::Hand;
use crate::world::{Market, World, text};

const PAYEES: &str = "POST /app/wallet/payees";
const TRANSFERS: &str = "POST /app/wallet/transfers";

/// Red with Mei, who has 1,000 yuan, and Lei, who has nothing.
async fn two() -> (World, String, Hand, Hand) {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let mei = Hand::with_money(&w, &brand, "+8613800138000", "王小梅", 100_000).await;
    let lei = Hand::with_money(&w, &brand, "+8613800138001", "Lei Li", 0).await;
    (w, brand, mei, lei)
}

fn told(entry: &Value) -> String {
    let (kind, title) = (text(&entry["kind"]), text(&entry["title"]));
    let state = text(&entry["state"]);
    let (amount, after) = (&entry["amount"], &entry["balance_after"]);
    format!("{kind} {title} {amount} {after} {state}")
}

#[tokio::test]
async fn an_order_is_quoted_paid_refunded_and_on_the_statement() {
    let m = Market::new().await;
    let mei = Hand::with_money(&m.w, "brd_0", "+8613800138000", "王小梅", 20_000).await;
    let now = jiff::Timestamp::now();
    let day = jiff::SignedDuration::from_hours(24);
    let terms = json!({
        "name": "Lunch 午餐", "kind": "discount", "benefit": { "fixed": 300 }, "funding": "platform",
        "from": (now - day).to_string(), "until": (now + day).to_string(), "minimum": 500,
    });
    m.campaign(1_000, terms).await;
    let ask = json!({ "amount": 1_000, "description": "noodles 面" });
    let order = m.ask("noodles", "POST /v1/orders", ask).await.ok();
    let url = text(&order["code_url"]);
    let token = url.rsplit_once('/').unwrap().1;
    let path = format!("/app/wallet/orders/{token}");

    let seen = mei.get(&m.w, &path).await.ok();
    assert_eq!(
        (&seen["status"], &seen["shop"]["name"]),
        (&json!("open"), &json!("Noodles"))
    );
    let quote = &seen["quote"];
    assert_eq!(
        (&quote["discount"], &quote["to_pay"]),
        (&json!(300), &json!(700))
    );
    assert_eq!(quote["parts"][0]["words"], "¥3.00 from ¥5.00");
    assert_eq!(
        (&seen["needs_pin"], &seen["balance"]),
        (&json!(false), &json!(20_000))
    );

    let pay = format!("POST {path}/pay");
    mei.check(
        &m.w,
        [(&pay, json!({ "at_most": 699 }), 422, "price_changed")],
    )
    .await;
    let agreed = json!({ "at_most": 700 });
    let paid = mei.ask_under(&m.w, "p1", &pay, agreed.clone()).await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    let again = mei.ask_under(&m.w, "p1", &pay, agreed).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, paid.json()));
    let receipt = paid.ok();
    let parts = json!([
        { "label": "Price", "amount": 1_000 }, { "label": "Lunch 午餐", "amount": -300 },
        { "label": "Paid", "amount": 700 },
    ]);
    assert_eq!(
        (&receipt["parts"], &receipt["amount"]),
        (&parts, &json!(-700))
    );
    mei.check(
        &m.w,
        [(&pay, json!({ "at_most": 700 }), 422, "already_paid")],
    )
    .await;

    let refund = format!("POST /v1/orders/{}/refunds", text(&order["id"]));
    let body = json!({ "amount": 500, "reason": "cold 冷" });
    m.ask("noodles", &refund, body).await.ok();
    let page = mei.get(&m.w, "/app/wallet/entries").await.ok();
    let lines: Vec<_> = page["data"].as_array().unwrap().iter().map(told).collect();
    let newest_first = [
        "refund Noodles 350 19650 done",
        "payment Noodles -700 19300 done",
        "top_up Bank 20000 20000 done",
    ];
    assert_eq!(lines, newest_first);
    let entry = format!("/app/wallet/entries/{}", text(&receipt["entry_id"]));
    let receipt = mei.get(&m.w, &entry).await.ok();
    assert_eq!(receipt["refunds"][0]["reason"], "cold 冷");
    let other = Hand::register(&m.w, "brd_0", "+8613800138002", "Lei").await;
    assert_eq!(
        other.get(&m.w, &entry).await.error(),
        (404, "entry_not_found".into())
    );
    let seen = mei.get(&m.w, &path).await.ok();
    assert_eq!(
        (&seen["status"], &seen["receipt"]["amount"]),
        (&json!("paid"), &json!(-700))
    );
    assert!(other.get(&m.w, &path).await.ok().get("receipt").is_none());

    let month = &text(&receipt["at"])[..7];
    let china = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let month = if china.strftime("%Y-%m").to_string() == month {
        month.to_owned()
    } else {
        china.strftime("%Y-%m").to_string()
    };
    let spending = mei
        .get(&m.w, &format!("/app/wallet/spending?month={month}"))
        .await
        .ok();
    let dining = json!([{ "category": "dining", "amount": 350, "count": 1 }]);
    assert_eq!(
        (&spending["total"], &spending["categories"]),
        (&json!(350), &dining)
    );
}

#[tokio::test]
async fn the_statement_is_filtered_and_comes_in_pages() {
    let (w, _, mei, lei) = two().await;
    for (amount, message) in [(100, "tea 茶"), (200, "rice"), (300, "tea again")] {
        let body =
            json!({ "to": lei.phone, "amount": amount, "message": message, "delay_hours": 0 });
        mei.ask(&w, TRANSFERS, body).await.ok();
    }
    let mut path = "/app/wallet/entries?limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = mei.get(&w, &path).await.ok();
        seen.extend(page["data"].as_array().unwrap().iter().map(told));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/app/wallet/entries?limit=1&cursor={cursor}");
    }
    let newest_first = [
        "transfer_out L** L** -300 99400 done",
        "transfer_out L** L** -200 99700 done",
        "transfer_out L** L** -100 99900 done",
        "top_up Bank 100000 100000 done",
    ];
    assert_eq!(seen, newest_first);
    for (query, found) in [
        ("kind=transfer_out", 3),
        ("kind=payment", 0),
        ("q=tea", 2),
        ("q=2.00", 1),
        ("kind=top_up&q=bank", 1),
        ("from=2020-01-01T00:00:00Z", 4),
        ("to=2020-01-01T00:00:00Z", 0),
    ] {
        let page = mei
            .get(&w, &format!("/app/wallet/entries?{query}"))
            .await
            .ok();
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{query}");
    }
    for bad in [
        "limit=0",
        "limit=101",
        "cursor=p_01",
        "kind=x",
        "from=today",
        "x=1",
    ] {
        let answer = mei.get(&w, &format!("/app/wallet/entries?{bad}")).await;
        assert_eq!(answer.error(), (400, "query_bad".into()), "{bad}");
    }
}

#[tokio::test]
async fn the_statement_is_a_file() {
    let (w, _, mei, lei) = two().await;
    let body = json!({ "to": lei.phone, "amount": 100, "message": "=1+1", "delay_hours": 0 });
    mei.ask(&w, TRANSFERS, body).await.ok();
    let now = jiff::Timestamp::now();
    let hour = jiff::SignedDuration::from_hours(1);
    let time = format!("from={}&to={}", now - hour, now + hour);
    let file = mei.get(&w, &format!("/app/wallet/export.csv?{time}")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = file
        .text
        .trim_start_matches('\u{feff}')
        .split("\r\n")
        .collect();
    assert!(file.text.starts_with("\u{feff}Time,Kind"), "{}", file.text);
    assert!(
        lines[1].contains("Top-up,Bank,,1000.00,1000.00,done"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].contains("Transfer out,L** L**,'=1+1,-1.00,999.00,done"),
        "{}",
        lines[2]
    );
    let late = format!("from={}&to={}", now, now - hour);
    for (query, code) in [
        (late.as_str(), "query_bad"),
        ("from=2026-01-01T00:00:00Z", "query_bad"),
    ] {
        let answer = mei
            .get(&w, &format!("/app/wallet/export.csv?{query}"))
            .await;
        assert_eq!(answer.error(), (400, code.into()));
    }
}

#[tokio::test]
async fn money_goes_to_a_person_at_once_later_or_back() {
    let (w, _, mei, lei) = two().await;
    let payee = mei
        .ask(&w, PAYEES, json!({ "to": "138 0013 8001" }))
        .await
        .ok();
    assert_eq!(
        (&payee["registered"], &payee["masked_name"]),
        (&json!(true), &json!("L** L**"))
    );
    let body = json!({ "to": lei.phone, "amount": 100, "message": "茶", "delay_hours": 0 });
    let sent = mei.ask_under(&w, "t1", TRANSFERS, body.clone()).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let again = mei.ask_under(&w, "t1", TRANSFERS, body).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, sent.json()));
    assert_eq!(
        (sent.json()["status"].clone(), lei.balance(&w).await),
        (json!("arrived"), 100)
    );

    let body = json!({ "to": lei.phone, "amount": 200, "delay_hours": 24 });
    let sent = mei.ask(&w, TRANSFERS, body).await.ok();
    let path = format!("/app/wallet/transfers/{}", text(&sent["id"]));
    assert_eq!(
        (&sent["status"], &sent["can_take_back"]),
        (&json!("waiting"), &json!(true))
    );
    let home = mei.get(&w, "/app/wallet/home").await.ok();
    assert_eq!(
        (&home["balance"], &home["on_the_way"]),
        (&json!(99_700), &json!(200))
    );
    let seen = lei.get(&w, &path).await.ok();
    assert_eq!(
        (&seen["direction"], &seen["other"]),
        (&json!("in"), &json!("*小梅"))
    );
    let take_back = format!("POST {path}/take-back");
    lei.check(&w, [(&take_back, json!({}), 404, "transfer_not_found")])
        .await;
    for status in [201, 200] {
        let back = mei.ask(&w, &take_back, json!({})).await;
        assert_eq!(
            (back.status.as_u16(), &back.json()["status"]),
            (status, &json!("taken_back"))
        );
    }
    assert_eq!(mei.balance(&w).await, 99_900);
    let entry = mei.get(&w, "/app/wallet/entries?limit=2").await.ok();
    let lines: Vec<_> = entry["data"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(
        lines,
        [
            "transfer_out L** L** 200 99900 returned",
            "transfer_out L** L** -200 99700 failed",
        ]
    );
    let stranger = Hand::register(&w, "brd_0", "+8613800138009", "X").await;
    assert_eq!(
        stranger.get(&w, &path).await.error(),
        (404, "transfer_not_found".into())
    );
}

#[tokio::test]
async fn money_waits_for_who_registers() {
    let (w, brand, mei, _) = two().await;
    let body = json!({ "to": "+8613900139000", "amount": 300, "delay_hours": 0 });
    let payee = mei
        .ask(&w, PAYEES, json!({ "to": "+8613900139000" }))
        .await
        .ok();
    assert_eq!(payee["registered"], false);
    let sent = mei.ask_under(&w, "t", TRANSFERS, body.clone()).await.ok();
    assert_eq!(
        (&sent["status"], &sent["other"]),
        (&json!("waiting"), &json!("139****9000"))
    );
    let hua = Hand::register(&w, &brand, "+8613900139000", "花").await;
    assert_eq!(hua.balance(&w).await, 300);
    let again = mei.ask_under(&w, "t", TRANSFERS, body).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["status"]),
        (200, &json!("arrived"))
    );
    let path = format!("/app/wallet/transfers/{}", text(&sent["id"]));
    assert_eq!(hua.get(&w, &path).await.ok()["other"], "*小梅");
}

#[tokio::test]
async fn a_bill_is_split() {
    let (w, brand, mei, lei) = two().await;
    let hua = Hand::with_money(&w, &brand, "+8613900139000", "花", 1_000).await;
    let shares = json!([
        { "to": mei.phone, "amount": 300 }, { "to": hua.phone, "amount": 200 },
    ]);
    let body = json!({ "note": "hotpot 火锅", "total": 500, "shares": shares });
    let made = lei
        .ask_under(&w, "r1", "POST /app/wallet/requests", body.clone())
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = lei
        .ask_under(&w, "r1", "POST /app/wallet/requests", body)
        .await;
    assert_eq!((again.status.as_u16(), again.json()), (200, made.json()));
    let path = format!("POST /app/wallet/requests/{}", text(&made.json()["id"]));
    let home = mei.get(&w, "/app/wallet/home").await.ok();
    assert_eq!(home["requests"][0]["note"], "hotpot 火锅");

    let paid = mei
        .ask_under(&w, "s1", &format!("{path}/pay"), json!({}))
        .await
        .ok();
    assert_eq!(
        (&paid["shares"][0]["status"], &paid["status"]),
        (&json!("paid"), &json!("open"))
    );
    mei.check(
        &w,
        [(&format!("{path}/decline"), json!({}), 422, "share_settled")],
    )
    .await;
    let declined = hua
        .ask(&w, &format!("{path}/decline"), json!({}))
        .await
        .ok();
    assert_eq!(declined["status"], "done");
    assert_eq!(lei.balance(&w).await, 300);
    lei.check(
        &w,
        [(
            &format!("{path}/cancel"),
            json!({}),
            422,
            "request_not_open",
        )],
    )
    .await;
    let listed = hua.get(&w, "/app/wallet/requests").await.ok();
    assert_eq!(listed["data"][0]["shares"][1]["mine"], true);
    let home = mei.get(&w, "/app/wallet/home").await.ok();
    assert_eq!(home["requests"], json!([]));

    let to = |phone: &str, amount: i64| json!({ "to": phone, "amount": amount });
    let ask = |shares: Value| json!({ "note": "n", "shares": shares });
    let requests = "POST /app/wallet/requests";
    let wrong = json!({ "note": "n", "total": 9, "shares": [to(&mei.phone, 1)] });
    lei.check(
        &w,
        [
            (requests, wrong, 400, "total_differs"),
            (
                requests,
                ask(json!([to("+8613700137000", 1)])),
                422,
                "payee_not_registered",
            ),
            (requests, ask(json!([])), 400, "shares_out_of_range"),
            (requests, ask(json!([to(&lei.phone, 1)])), 422, "of_oneself"),
        ],
    )
    .await;
    let stranger = Hand::register(&w, &brand, "+8613800138009", "X").await;
    stranger
        .check(
            &w,
            [
                (&format!("{path}/pay"), json!({}), 404, "request_not_found"),
                (
                    &format!("{path}/decline"),
                    json!({}),
                    404,
                    "request_not_found",
                ),
                (
                    &format!("{path}/cancel"),
                    json!({}),
                    404,
                    "request_not_found",
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn above_the_own_limit_the_pin_is_asked() {
    let (w, _, mei, lei) = two().await;
    let send =
        |pin: Value| json!({ "to": lei.phone, "amount": 20_001, "delay_hours": 0, "pin": pin });
    mei.check(
        &w,
        [
            (TRANSFERS, send(Value::Null), 422, "pin_required"),
            (TRANSFERS, send(json!("000001")), 422, "pin_wrong"),
        ],
    )
    .await;
    mei.ask(&w, TRANSFERS, send(json!("135790"))).await.ok();
    assert_eq!(lei.balance(&w).await, 20_001);
}

#[tokio::test]
async fn without_the_device_nothing_moves() {
    let (w, _, mei, lei) = two().await;
    let body = json!({ "to": lei.phone, "amount": 100, "delay_hours": 0 }).to_string();
    for signature in ["", "AAAA", &"A".repeat(88)] {
        let answer = mei.send(&w, "x", TRANSFERS, body.clone(), signature).await;
        assert_eq!(answer.error(), (401, "signature_bad".into()));
    }
    assert_eq!((mei.balance(&w).await, lei.balance(&w).await), (100_000, 0));
}

#[tokio::test]
async fn nobody_collects_numbers() {
    let (w, _, mei, _) = two().await;
    let mut answers = Vec::new();
    for nth in 0..70 {
        let to = json!({ "to": format!("+86139001390{nth:02}") });
        answers.push(mei.ask(&w, PAYEES, to).await.status.as_u16());
    }
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 60);
    assert_eq!(answers.last(), Some(&429));
}

#[tokio::test]
async fn the_bank_takes_and_gives_back() {
    let (w, _, mei, lei) = two().await;
    let made = mei
        .ask_under(
            &w,
            "w",
            "POST /app/wallet/withdrawals",
            json!({ "amount": 500 }),
        )
        .await;
    let made = made.ok();
    assert_eq!(
        (&made["status"], &made["kind"]),
        (&json!("pending"), &json!("withdrawal"))
    );
    let path = format!("/app/wallet/bank-transfers/{}", text(&made["id"]));
    assert_eq!(
        lei.get(&w, &path).await.error(),
        (404, "transfer_not_found".into())
    );
    let home = mei.get(&w, "/app/wallet/home").await.ok();
    assert_eq!(
        (&home["balance"], &home["on_the_way"]),
        (&json!(99_500), &json!(500))
    );
    assert_eq!(home["recent"][0]["state"], "pending");
    w.answer(&text(&made["id"]), BankAnswer::Declined).await;
    assert_eq!(mei.get(&w, &path).await.ok()["status"], "declined");
    assert_eq!(mei.balance(&w).await, 100_000);
}

#[tokio::test]
async fn a_red_packet_goes_round() {
    let (w, brand, mei, lei) = two().await;
    let hua = Hand::register(&w, &brand, "+8613900139000", "花").await;
    let new = |shares: u16| json!({ "kind": "lucky", "total": 1_000, "shares": shares, "message": "发财" });
    let packets = "POST /app/wallet/packets";
    let sent = mei.ask_under(&w, "p", packets, new(2)).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let again = mei.ask_under(&w, "p", packets, new(2)).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, sent.json()));
    assert_eq!(
        mei.ask_under(&w, "p", packets, new(3)).await.error(),
        (409, "number_reused".into())
    );
    let path = format!("/app/wallet/packets/{}", text(&sent.json()["token"]));
    let seen = lei.get(&w, &path).await.ok();
    assert_eq!(
        (&seen["from"], &seen["message"]),
        (&json!("*小梅"), &json!("发财"))
    );
    assert!(
        seen.get("total").is_none() && seen["draws"] == json!([]),
        "{seen}"
    );
    assert_eq!(
        mei.get(&w, "/app/wallet/home").await.ok()["on_the_way"],
        1_000
    );

    let open = format!("POST {path}/open");
    for hand in [&lei, &hua] {
        let opened = hand.ask_under(&w, "o", &open, json!({})).await;
        assert_eq!(opened.status, 201, "{}", opened.text);
        assert_eq!(hand.ask_under(&w, "o2", &open, json!({})).await.status, 200);
    }
    mei.check(&w, [(&open, json!({}), 422, "packet_empty")])
        .await;
    let over = mei.get(&w, &path).await.ok();
    assert_eq!(
        (&over["status"], &over["opened"]),
        (&json!("empty"), &json!(2))
    );
    let draws = over["draws"].as_array().unwrap();
    let sum: i64 = draws
        .iter()
        .map(|draw| draw["amount"].as_i64().unwrap())
        .sum();
    let luckiest = draws.iter().filter(|draw| draw["luckiest"] == true).count();
    assert_eq!((sum, luckiest), (1_000, 1));
    assert_eq!(lei.balance(&w).await + hua.balance(&w).await, 1_000);
    for hand in [&mei, &lei] {
        let listed = hand.get(&w, "/app/wallet/packets").await.ok();
        assert_eq!(listed["data"][0]["token"], over["token"]);
    }
    let altered = path.replace("/packets/", "/packets/A");
    assert_eq!(
        lei.get(&w, &altered).await.error(),
        (404, "packet_not_found".into())
    );
    let scanned = lei
        .ask(&w, "POST /app/wallet/scan", json!({ "text": over["link"] }))
        .await;
    assert_eq!(
        scanned.ok(),
        json!({ "kind": "packet", "token": over["token"] })
    );
    let scan = "POST /app/wallet/scan";
    lei.check(
        &w,
        [(scan, json!({ "text": "hello" }), 422, "not_understood")],
    )
    .await;
}

#[tokio::test]
async fn nobody_sees_a_wallet_without_signing_in() {
    let w = World::new(Mode::Sandbox).await;
    for path in [
        "home",
        "entries",
        "entries/e_0",
        "spending?month=2026-11",
        "orders/x",
        "coupons",
        "events",
        "requests",
        "packets",
        "packets/x",
        "transfers/rmt_0",
        "bank-transfers/trf_0",
        "withdrawal-terms?amount=1",
        "export.csv?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
    ] {
        let answer = w.get("", &format!("/app/wallet/{path}")).await;
        assert_eq!(answer.error(), (401, "session_missing".into()), "{path}");
    }
}

#[tokio::test]
async fn a_till_waits_for_the_shoppers_consent() {
    let m = Market::new().await;
    let mei = Hand::with_money(&m.w, "brd_0", "+8613800138000", "王小梅", 20_000).await;
    let key = mei
        .ask(&m.w, "POST /app/wallet/paycode", json!({}))
        .await
        .ok();
    assert_eq!(
        (&key["step_seconds"], &key["no_confirm_max"]),
        (&json!(30), &json!(20_000))
    );
    let scan = |alias: u32, order: &str| {
        let merchant = m.noodles.strip_prefix("mch_").unwrap().parse().unwrap();
        let order = order.strip_prefix("ord_").unwrap().parse().unwrap();
        let payer = mei.user.strip_prefix("usr_").unwrap().parse().unwrap();
        let now = jiff::Timestamp::now().as_millisecond();
        SpendCode {
            merchant: MerchantId(merchant),
            order: OrderId(EventNumber(order)),
            code: PayCode {
                alias,
                step: PayCode::step_at(UnixMillis(now)),
            },
            payer: UserId(payer),
            unasked: Fen(500),
        }
    };
    let confirm =
        |order: &str, what: &str| format!("POST /app/wallet/confirmations/{order}/{what}");
    let (first, second) = (m.order(1_000).await, m.order(2_000).await);
    for (alias, order) in [(1, &first), (2, &second)] {
        m.w.platform
            .engine
            .submit(scan(alias, order))
            .await
            .unwrap();
    }
    let home = mei.get(&m.w, "/app/wallet/home").await.ok();
    let waits = home["confirmations"].as_array().unwrap();
    let ids: Vec<_> = waits
        .iter()
        .map(|waits| waits["order_id"].clone())
        .collect();
    assert_eq!(ids, [json!(first), json!(second)]);
    assert_eq!(waits[0]["quote"]["to_pay"], 1_000);

    let other = Hand::register(&m.w, "brd_0", "+8613800138002", "Lei").await;
    let pay = confirm(&first, "pay");
    let agreed = json!({ "at_most": 1_000 });
    other
        .check(
            &m.w,
            [
                (&pay, agreed.clone(), 404, "order_not_found"),
                (
                    &confirm(&second, "decline"),
                    json!({}),
                    404,
                    "order_not_found",
                ),
            ],
        )
        .await;
    for status in [201, 200] {
        let paid = mei.ask_under(&m.w, "c1", &pay, agreed.clone()).await;
        assert_eq!(
            (paid.status.as_u16(), &paid.json()["amount"]),
            (status, &json!(-1_000))
        );
    }
    let declined = mei.ask(&m.w, &confirm(&second, "decline"), json!({})).await;
    assert_eq!(declined.status, 204, "{}", declined.text);
    mei.check(
        &m.w,
        [(
            &confirm(&second, "pay"),
            json!({ "at_most": 2_000 }),
            422,
            "order_closed",
        )],
    )
    .await;
    let home = mei.get(&m.w, "/app/wallet/home").await.ok();
    assert_eq!(
        (&home["confirmations"], &home["balance"]),
        (&json!([]), &json!(19_000))
    );
}

#[tokio::test]
async fn a_sticker_is_scanned_and_paid() {
    let m = Market::new().await;
    let mei = Hand::with_money(&m.w, "brd_0", "+8613800138000", "王小梅", 20_000).await;
    let shop = MerchantId(m.noodles.strip_prefix("mch_").unwrap().parse().unwrap());
    let made = merchant_code(&m.w.platform, shop, None)
        .await
        .unwrap()
        .unwrap();
    let scan = "POST /app/wallet/scan";
    let seen = mei.ask(&m.w, scan, json!({ "text": made })).await.ok();
    assert_eq!(
        (&seen["kind"], &seen["shop"]["name"]),
        (&json!("merchant"), &json!("Noodles"))
    );
    let orders = format!(
        "POST /app/wallet/merchant-codes/{}/orders",
        text(&seen["code"])
    );
    mei.check(&m.w, [(&orders, json!({}), 400, "amount_missing")])
        .await;
    let body = json!({ "amount": 800, "note": "two bowls" });
    let first = mei.ask_under(&m.w, "o", &orders, body.clone()).await.ok();
    assert_eq!(mei.ask_under(&m.w, "o", &orders, body).await.ok(), first);
    let path = format!("/app/wallet/orders/{}", text(&first["token"]));
    let seen = mei.get(&m.w, &path).await.ok();
    assert_eq!(
        (&seen["amount"], &seen["description"]),
        (&json!(800), &json!("two bowls"))
    );
    mei.ask(&m.w, &format!("POST {path}/pay"), json!({ "at_most": 800 }))
        .await
        .ok();

    let fixed = merchant_code(&m.w.platform, shop, Some(Fen(500)))
        .await
        .unwrap()
        .unwrap();
    let seen = mei.ask(&m.w, scan, json!({ "text": fixed })).await.ok();
    let orders = format!(
        "POST /app/wallet/merchant-codes/{}/orders",
        text(&seen["code"])
    );
    let pasted_over = made.replace("Noodles", "Doodles");
    mei.check(
        &m.w,
        [
            (&orders, json!({ "amount": 501 }), 422, "other_amount"),
            (
                "POST /app/wallet/merchant-codes/x/orders",
                json!({ "amount": 1 }),
                404,
                "code_not_found",
            ),
            (scan, json!({ "text": pasted_over }), 422, "not_understood"),
            (
                scan,
                json!({ "text": "http://pay.test/q/p/nonsense" }),
                422,
                "not_understood",
            ),
        ],
    )
    .await;
}
