//! Orders and refunds.

use serde_json::json;

use super::super::world::{BASE, CODEPAY, Change, LEI, Merchant, NATIVE, REFUNDS, World};
use super::{refused, with};
use crate::paycode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_placed_paid_queried_and_refunded() {
    let world = World::new().await;
    let mut body = world.order("order-0001", 1_000);
    body["scene_info"] = json!({ "payer_client_ip": "127.0.0.1", "device_id": "013" });
    let order = world.place(&body).await;

    let unpaid = world.query("order-0001").await;
    assert_eq!(unpaid["trade_state"], "NOTPAY");
    assert_eq!(unpaid["trade_state_desc"], "订单未支付");
    for absent in ["transaction_id", "success_time", "payer", "bank_type"] {
        assert!(unpaid.get(absent).is_none(), "{absent}");
    }
    world.pay(order).await;
    let paid = world.query("order-0001").await;
    let credentials = &world.shop.credentials;
    assert_eq!(
        paid,
        json!({
            "appid": credentials.appid, "mchid": credentials.mchid, "out_trade_no": "order-0001",
            "transaction_id": paid["transaction_id"], "trade_type": "NATIVE",
            "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS",
            "attach": "table 7", "success_time": paid["success_time"],
            "payer": { "openid": world.platform.ids.openid(LEI.0.into(), &credentials.appid) },
            "amount": { "total": 1_000, "payer_total": 1_000, "currency": "CNY", "payer_currency": "CNY" },
            "scene_info": { "device_id": "013" }, "promotion_detail": [],
        })
    );
    let transaction_id = paid["transaction_id"].as_str().unwrap();
    assert!(transaction_id.len() == 28 && transaction_id.starts_with("4200"));
    let by_id = format!(
        "/v3/pay/transactions/id/{transaction_id}?mchid={}",
        credentials.mchid
    );
    assert_eq!(world.get(&by_id).await.json(), paid);

    let first = world
        .post(REFUNDS, &world.refund("r1", "order-0001", 333, 1_000))
        .await;
    assert_eq!(first.status, 200);
    let again = world
        .post(REFUNDS, &world.refund("r1", "order-0001", 333, 1_000))
        .await;
    assert_eq!(again.body, first.body);
    assert_eq!(world.get(&format!("{REFUNDS}/r1")).await.body, first.body);
    let refund = first.json();
    assert_eq!(
        refund["amount"],
        json!({
            "total": 1_000, "refund": 333, "from": [], "payer_total": 1_000, "payer_refund": 333,
            "settlement_refund": 333, "settlement_total": 1_000, "discount_refund": 0, "currency": "CNY",
        })
    );
    assert_eq!(refund["status"], "SUCCESS");
    assert!(refund["refund_id"].as_str().unwrap().starts_with("50"));
    assert_eq!(refund["transaction_id"], transaction_id);
    assert_eq!(world.query("order-0001").await["trade_state"], "REFUND");
    let rest = json!({
        "transaction_id": transaction_id, "out_refund_no": "r2",
        "amount": { "refund": 667, "total": 1_000, "currency": "CNY" },
    });
    assert_eq!(world.post(REFUNDS, &rest).await.status, 200);
    let more = world
        .post(REFUNDS, &world.refund("r3", "order-0001", 1, 1_000))
        .await;
    assert_eq!(more.code(), refused(400, "INVALID_REQUEST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_name_one_order_and_one_refund() {
    let world = World::new().await;
    let first = world.post(NATIVE, &world.order("order-0001", 100)).await;
    let again = world.post(NATIVE, &world.order("order-0001", 100)).await;
    assert_eq!(again.body, first.body);
    for (pointer, other) in [
        ("/amount/total", json!(101)),
        ("/description", json!("x")),
        ("/attach", json!("x")),
    ] {
        let other = with(world.order("order-0001", 100), pointer, other);
        let reply = world.post(NATIVE, &other).await;
        assert_eq!(reply.code(), refused(400, "INVALID_REQUEST"), "{pointer}");
        assert_eq!(
            reply.json()["message"],
            "请求重入时，参数与首次请求时不一致"
        );
    }
    world
        .pay(world.place(&world.order("order-0001", 100)).await)
        .await;
    for total in [100, 101] {
        let reply = world.post(NATIVE, &world.order("order-0001", total)).await;
        assert_eq!(reply.code(), refused(403, "OUT_TRADE_NO_USED"), "{total}");
    }
    world
        .post(REFUNDS, &world.refund("r1", "order-0001", 1, 100))
        .await;
    for bad in [
        world.refund("r1", "order-0001", 2, 100),
        world.refund("r2", "order-0001", 1, 99),
    ] {
        assert_eq!(
            world.post(REFUNDS, &bad).await.code(),
            refused(400, "INVALID_REQUEST")
        );
    }
    world.place(&world.order("unpaid", 100)).await;
    for unknown in ["unpaid", "nothing"] {
        let reply = world
            .post(REFUNDS, &world.refund("r3", unknown, 1, 100))
            .await;
        assert_eq!(
            reply.code(),
            refused(404, "RESOURCE_NOT_EXISTS"),
            "{unknown}"
        );
    }
    let unknown = world.get(&format!("{REFUNDS}/none")).await;
    assert_eq!(unknown.code(), refused(404, "RESOURCE_NOT_EXISTS"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_closed_once_and_not_when_paid() {
    let world = World::new().await;
    let mchid = json!({ "mchid": world.shop.credentials.mchid });
    let close = |number: &str| format!("/v3/pay/transactions/out-trade-no/{number}/close");
    world.place(&world.order("order-0001", 100)).await;
    for _ in 0..2 {
        let reply = world.post(&close("order-0001"), &mchid).await;
        assert_eq!((reply.status.as_u16(), reply.body.len()), (204, 0));
        assert_eq!(reply.header("content-type"), "");
    }
    assert_eq!(world.query("order-0001").await["trade_state"], "CLOSED");
    let again = world.post(NATIVE, &world.order("order-0001", 100)).await;
    assert_eq!(again.code(), refused(400, "ORDER_CLOSED"));
    world.paid(&world.order("order-0002", 100)).await;
    assert_eq!(
        world.post(&close("order-0002"), &mchid).await.code(),
        refused(400, "ORDER_PAID")
    );
    assert_eq!(
        world.post(&close("nothing"), &mchid).await.code(),
        refused(404, "ORDER_NOT_EXIST")
    );
    let other = world
        .post(&close("order-0002"), &json!({ "mchid": "1999999999" }))
        .await;
    assert_eq!(other.code(), refused(403, "NO_AUTH"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pay_code_pays_one_order_and_is_reversed() {
    let world = World::new().await;
    let code = paycode::one_code(&world.platform, LEI).await.unwrap();
    let body = world.codepay("order-0001", 150, &code);
    let first = world.post(CODEPAY, &body).await;
    assert_eq!(first.status, 200, "{}", first.json());
    assert_eq!(first.json()["trade_type"], "MICROPAY");
    assert_eq!(first.json(), world.query("order-0001").await);
    assert_eq!(world.post(CODEPAY, &body).await.body, first.body);
    let other = world
        .post(CODEPAY, &world.codepay("order-0002", 150, &code))
        .await;
    assert_eq!(other.code(), refused(400, "AUTH_CODE_INVALID"));
    let used = world
        .post(CODEPAY, &with(body, "/amount/total", json!(151)))
        .await;
    assert_eq!(used.code(), refused(403, "OUT_TRADE_NO_USED"));

    // As EMV payload it is the same code.
    let code = paycode::one_code(&world.platform, LEI).await.unwrap();
    let code = crate::codes::cpm::write(&code).unwrap();
    let rich = world
        .post(CODEPAY, &world.codepay("order-0003", 100_001, &code))
        .await;
    assert_eq!(rich.code(), refused(202, "USERPAYING"));
    assert_eq!(world.query("order-0003").await["trade_state"], "USERPAYING");

    let credentials = &world.shop.credentials;
    let us = json!({ "appid": credentials.appid, "mchid": credentials.mchid });
    let path = "/v3/pay/transactions/out-trade-no/order-0001";
    let closed = world.post(&format!("{path}/close"), &us).await;
    assert_eq!(closed.code(), refused(400, "INVALID_REQUEST"));
    for _ in 0..2 {
        let reversed = world.post(&format!("{path}/reverse"), &us).await.json();
        assert_eq!(reversed["out_trade_no"], "order-0001");
    }
    assert_eq!(world.query("order-0001").await["trade_state"], "REVOKED");
    let refund = world
        .post(REFUNDS, &world.refund("r", "order-0001", 1, 150))
        .await;
    assert_eq!(refund.code(), refused(400, "INVALID_REQUEST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_product_answers_in_its_own_way() {
    let world = World::new().await;
    let openid = world
        .platform
        .ids
        .openid(LEI.0.into(), &world.shop.credentials.appid);
    let mut jsapi = world.order("order-js", 100);
    let path = |product: &str| format!("/v3/pay/transactions/{product}");
    let missing = world.post(&path("jsapi"), &jsapi).await;
    assert_eq!(missing.code(), refused(400, "PARAM_ERROR"));
    assert_eq!(missing.json()["detail"]["field"], "/payer");
    jsapi["payer"] = json!({ "openid": "o".repeat(28) });
    let unknown = world.post(&path("jsapi"), &jsapi).await;
    assert_eq!(unknown.code(), refused(400, "PARAM_ERROR"));
    assert_eq!(unknown.json()["detail"].get("value"), None);
    jsapi["payer"] = json!({ "openid": openid });
    for (product, body) in [("jsapi", jsapi), ("app", world.order("order-app", 100))] {
        let reply = world.post(&path(product), &body).await.json();
        let prepay_id = reply["prepay_id"].as_str().unwrap();
        assert!(
            world.platform.ids.read_prepay_id(prepay_id).is_some(),
            "{product}"
        );
    }
    let mut h5 = world.order("order-h5", 100);
    assert_eq!(
        world.post(&path("h5"), &h5).await.code(),
        refused(400, "PARAM_ERROR")
    );
    h5["scene_info"] = json!({ "payer_client_ip": "127.0.0.1", "h5_info": { "type": "Wap" } });
    let reply = world.post(&path("h5"), &h5).await.json();
    let h5_url = reply["h5_url"].as_str().unwrap();
    assert!(
        h5_url.starts_with(&format!("{BASE}/q/")) && h5_url.ends_with("?h5=1"),
        "{h5_url}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_cannot_be_are_refused_by_name_and_change_nothing() {
    let world = World::new().await;
    let late = "2020-01-01T00:00:00+08:00";
    let cases = [
        ("/amount/total", json!(0)),
        ("/amount/total", json!(1.5)),
        ("/amount/total", json!("1")),
        ("/amount/currency", json!("USD")),
        ("/amount", json!(null)),
        ("/description", json!("")),
        ("/description", json!("d".repeat(128))),
        ("/out_trade_no", json!("abcde")),
        ("/out_trade_no", json!("a".repeat(33))),
        ("/out_trade_no", json!("abc.def")),
        ("/notify_url", json!("ftp://127.0.0.1/notify")),
        ("/notify_url", json!(null)),
        ("/appid", json!(5)),
        ("/mchid", json!(null)),
        ("/attach", json!("a".repeat(129))),
        ("/time_expire", json!("tomorrow")),
        ("/time_expire", json!(late)),
        ("/scene_info", json!("shop")),
    ];
    for (number, (field, bad)) in cases.into_iter().enumerate() {
        let number = format!("order-{number:04}");
        let mut body = world.order(&number, 100);
        body["time_expire"] = json!(null);
        body["scene_info"] = json!(null);
        let reply = world.post(NATIVE, &with(body, field, bad.clone())).await;
        assert_eq!(reply.code(), refused(400, "PARAM_ERROR"), "{field} {bad}");
        assert_eq!(reply.json()["detail"]["field"], field, "{bad}");
        let query = world.get(&world.query_target(&number)).await;
        assert_eq!(query.code(), refused(404, "ORDER_NOT_EXIST"), "{field}");
    }
    let appid = with(
        world.order("order-app", 100),
        "/appid",
        json!("wx0000000000000000"),
    );
    assert_eq!(
        world.post(NATIVE, &appid).await.code(),
        refused(400, "APPID_MCHID_NOT_MATCH")
    );
    let mchid = with(world.order("order-mch", 100), "/mchid", json!("1999999999"));
    assert_eq!(
        world.post(NATIVE, &mchid).await.code(),
        refused(403, "NO_AUTH")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_finds_only_its_own() {
    let world = World::new().await;
    world.paid(&world.order("order-0001", 100)).await;
    world
        .post(REFUNDS, &world.refund("r1", "order-0001", 1, 100))
        .await;
    let transaction_id = world.query("order-0001").await["transaction_id"].clone();
    let other = Merchant::add(&world.platform, "Tea").await;
    let mchid = &other.credentials.mchid;
    let by_id = transaction_id.as_str().unwrap();
    for (target, code) in [
        (
            format!("/v3/pay/transactions/out-trade-no/order-0001?mchid={mchid}"),
            "ORDER_NOT_EXIST",
        ),
        (
            format!("/v3/pay/transactions/id/{by_id}?mchid={mchid}"),
            "ORDER_NOT_EXIST",
        ),
        (format!("{REFUNDS}/r1"), "RESOURCE_NOT_EXISTS"),
    ] {
        let reply = world
            .send(&other, "GET", &target, Vec::new(), Change::default())
            .await;
        assert_eq!(reply.code(), refused(404, code), "{target}");
    }
    let refund = json!({
        "transaction_id": transaction_id, "out_refund_no": "r9",
        "amount": { "refund": 1, "total": 100, "currency": "CNY" },
    });
    let body = serde_json::to_vec(&refund).unwrap();
    let reply = world
        .send(&other, "POST", REFUNDS, body, Change::default())
        .await;
    assert_eq!(reply.code(), refused(404, "RESOURCE_NOT_EXISTS"));
    // A number that reads like one of ours, but names what is no order.
    let forged = world.platform.ids.transaction_id(1, 0);
    let own = &world.shop.credentials.mchid;
    let reply = world
        .get(&format!("/v3/pay/transactions/id/{forged}?mchid={own}"))
        .await;
    assert_eq!(reply.code(), refused(404, "ORDER_NOT_EXIST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_succeeded_is_not_redirected() {
    let world = World::new().await;
    world.paid(&world.order("order-0001", 100)).await;
    let refund = world
        .post(REFUNDS, &world.refund("r1", "order-0001", 1, 100))
        .await
        .json();
    let id = refund["refund_id"].as_str().unwrap();
    for (id, number, status, code) in [
        (id, "r1", 400, "INVALID_REQUEST"),
        (id, "r2", 404, "RESOURCE_NOT_EXISTS"),
        ("50", "r1", 404, "RESOURCE_NOT_EXISTS"),
    ] {
        let path = format!("{REFUNDS}/{id}/apply-abnormal-refund");
        let body = json!({ "out_refund_no": number, "type": "MERCHANT_BANK_CARD" });
        assert_eq!(
            world.post(&path, &body).await.code(),
            refused(status, code),
            "{number}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_is_told_that_the_shopper_is_asked_and_what_the_answer_was() {
    use feiqian_core::OrderId;
    use feiqian_core::order::decline::DeclineOrder;

    let world = World::new().await;
    let platform = &world.platform;
    paycode::set_unasked(platform, LEI, feiqian_core::Fen(100)).unwrap();
    let waiting = async || {
        let asked = |state: &feiqian_core::State| state.asked(LEI).to_vec();
        platform.engine.read(asked).await.unwrap()
    };
    let code = paycode::one_code(platform, LEI).await.unwrap();
    let body = world.codepay("order-0001", 150, &code);
    for _ in 0..2 {
        let asked = world.post(CODEPAY, &body).await;
        assert_eq!(asked.code(), refused(202, "USERPAYING"));
    }
    assert_eq!(world.query("order-0001").await["trade_state"], "USERPAYING");
    let order: OrderId = waiting().await[0];
    let payer = LEI;
    platform
        .engine
        .submit(DeclineOrder { order, payer })
        .await
        .unwrap();
    assert_eq!(waiting().await, []);
    assert_eq!(world.query("order-0001").await["trade_state"], "PAYERROR");
    let over = world.post(CODEPAY, &body).await;
    assert_eq!(over.code(), refused(400, "ORDER_CLOSED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_devices_codes_pay_until_it_is_revoked_and_guesses_are_counted() {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use feiqian_core::order::spend_code::PayCode;

    // As a phone makes them.
    fn code(key: &paycode::PayCodeKey, later: u64) -> String {
        let secret = STANDARD.decode(&key.secret).unwrap();
        let step = PayCode::step_at(key.server_time) + later;
        let mac = sign(&Key::new(HMAC_SHA256, &secret), &step.to_be_bytes());
        let number = u64::from_be_bytes(mac.as_ref()[..8].try_into().unwrap());
        format!("{}{}{:07}", key.prefix, key.alias, number % 10_000_000)
    }
    let world = World::new().await;
    let platform = &world.platform;
    let first = paycode::issue(platform, LEI, "d_1").await.unwrap();
    let second = paycode::issue(platform, LEI, "d_1").await.unwrap();
    for (number, key) in [("order-0001", &first), ("order-0002", &second)] {
        let body = world.codepay(number, 1, &code(key, 0));
        assert_eq!(world.post(CODEPAY, &body).await.status, 200);
    }
    let early = world.codepay("order-0003", 1, &code(&second, 9));
    let early = world.post(CODEPAY, &early).await;
    assert_eq!(early.code(), refused(400, "AUTH_CODE_INVALID"));
    let third = paycode::issue(platform, LEI, "d_1").await.unwrap();
    let ended = world.codepay("order-0003", 1, &code(&first, 1));
    let ended = world.post(CODEPAY, &ended).await;
    assert_eq!(ended.code(), refused(400, "AUTH_CODE_INVALID"));
    for _ in 0..paycode::attempts::WRONG_PER_KEY {
        let mut guess = code(&third, 0);
        let last = if guess.pop() == Some('0') { '1' } else { '0' };
        guess.push(last);
        let guess = world.codepay("order-0004", 1, &guess);
        let guess = world.post(CODEPAY, &guess).await;
        assert_eq!(guess.code(), refused(400, "AUTH_CODE_INVALID"));
    }
    let right = world.codepay("order-0004", 1, &code(&third, 0));
    let right = world.post(CODEPAY, &right).await;
    assert_eq!(right.code(), refused(429, "FREQUENCY_LIMITED"));
    paycode::revoke(platform, LEI, Some("d_1")).unwrap();
    let lost = world.codepay("order-0005", 1, &code(&second, 1));
    let lost = world.post(CODEPAY, &lost).await;
    assert_eq!(lost.code(), refused(400, "AUTH_CODE_INVALID"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchants_code_is_read_back_and_bears_no_change() {
    use crate::codes::picture::qr_svg;
    use crate::codes::token::Asks;
    use crate::codes::{OrderError, ScanError, Scanned, merchant_code, merchant_link};
    use crate::codes::{emv, order_from_code, scan};
    use feiqian_core::{Fen, Number};

    let world = World::new().await;
    let platform = &world.platform;
    let merchant = world.shop.credentials.merchant;
    for amount in [None, Some(Fen(1_250))] {
        let asks = Asks { merchant, amount };
        let link = merchant_link(platform, asks).unwrap();
        let code = merchant_code(platform, merchant, amount).await.unwrap();
        let code = code.unwrap();
        for text in [&link, &code] {
            let Ok(Scanned::Merchant {
                asks: read, signed, ..
            }) = scan(platform, text)
            else {
                panic!("{text} is not read");
            };
            assert_eq!((read, signed), (asks, true));
            assert!(qr_svg(text).unwrap().starts_with("<svg "));
        }
        // Pasted over: another's shop name, with a right sum.
        let changed = code.replacen("CHINA", "CHINE", 1);
        let (body, _) = changed.split_at(changed.len() - 4);
        let changed = format!("{body}{:04X}", emv::crc16(body.as_bytes()));
        assert_eq!(scan(platform, &changed), Err(ScanError::Forged));
    }
    for bad in ["", "hello", "https://a.cn/q/x", "https://a.cn/x"] {
        assert_eq!(scan(platform, bad), Err(ScanError::NotUnderstood));
    }
    let link = |amount| {
        let link = merchant_link(platform, Asks { merchant, amount }).unwrap();
        link.rsplit_once('/').unwrap().1.to_owned()
    };
    let key = Number::new("k").unwrap();
    let make = async |token: &str, amount| {
        order_from_code(platform, token, amount, Some("tea"), LEI, &key).await
    };
    let (open, fixed) = (link(None), link(Some(Fen(5))));
    let order = make(&open, Some(Fen(5))).await.unwrap();
    assert_eq!(make(&open, Some(Fen(5))).await.unwrap(), order);
    assert!(matches!(
        make(&open, None).await,
        Err(OrderError::AmountMissing)
    ));
    assert!(matches!(
        make(&fixed, Some(Fen(6))).await,
        Err(OrderError::OtherAmount(Fen(5)))
    ));
    assert!(matches!(
        make("x", None).await,
        Err(OrderError::CodeNotFound)
    ));
}
