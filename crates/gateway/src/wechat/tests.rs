//! The endpoints, asked as SDKs ask them: in this process, over a real engine in a temporary folder.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use feiqian_core::Mode;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::aead::ApiV3Key;
use super::world::{BASE, CODEPAY, Change, LEI, Merchant, NATIVE, REFUNDS, World};
use crate::platform::unix_seconds;

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

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
    let code = world.platform.pay_codes.issue(LEI).unwrap();
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

    let code = world.platform.pay_codes.issue(LEI).unwrap();
    let rich = world
        .post(CODEPAY, &world.codepay("order-0003", 100_001, &code))
        .await;
    assert_eq!(rich.code(), refused(403, "NOT_ENOUGH"));
    assert_eq!(world.query("order-0003").await["trade_state"], "NOTPAY");

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
async fn a_bill_has_every_payment_refund_and_reversal_and_keeps_its_bytes() {
    let world = World::new().await;
    let day = super::times::date(feiqian_core::UnixMillis(
        unix_seconds().cast_signed() * 1_000,
    ));
    let target = |kind: &str| format!("/v3/bill/tradebill?bill_date={day}&bill_type={kind}");
    assert_eq!(
        world.get(&target("ALL")).await.code(),
        refused(400, "NO_STATEMENT_EXIST")
    );
    let mut body = world.order("order-0001", 1_000);
    body["description"] = json!("`牛肉,面\n");
    world.paid(&body).await;
    world
        .post(REFUNDS, &world.refund("r1", "order-0001", 400, 1_000))
        .await;
    let code = world.platform.pay_codes.issue(LEI).unwrap();
    world
        .post(CODEPAY, &world.codepay("order-0002", 150, &code))
        .await;
    let credentials = &world.shop.credentials;
    let us = json!({ "appid": credentials.appid, "mchid": credentials.mchid });
    world
        .post("/v3/pay/transactions/out-trade-no/order-0002/reverse", &us)
        .await;

    let applied = world.get(&target("ALL")).await.json();
    world.paid(&world.order("order-late", 77)).await;
    let path = applied["download_url"]
        .as_str()
        .unwrap()
        .strip_prefix(BASE)
        .unwrap()
        .to_owned();
    assert!(path.starts_with("/v3/billdownload/file?token="));
    let file = world.get(&path).await;
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &file.body);
    let hash: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(applied["hash_value"], hash);
    assert_eq!(applied["hash_type"], "SHA1");
    assert_eq!(file.header("content-encoding"), "");
    let text = String::from_utf8(file.body.clone()).unwrap();
    assert!(text.starts_with('\u{feff}') && text.ends_with("\r\n"));
    let lines: Vec<&str> = text.lines().collect();
    let rows: Vec<Vec<&str>> = lines[1..5]
        .iter()
        .map(|line| line[1..].split(",`").collect())
        .collect();
    let column = |column: usize| rows.iter().map(|row| row[column]).collect::<Vec<_>>();
    assert_eq!(column(9), ["SUCCESS", "REFUND", "SUCCESS", "REVOKED"]);
    assert_eq!(
        column(6),
        ["order-0001", "order-0001", "order-0002", "order-0002"]
    );
    assert_eq!(column(16), ["0.00", "4.00", "0.00", "1.50"]);
    assert_eq!(column(22), ["0.06", "-0.02", "0.01", "-0.01"]);
    assert_eq!(column(20)[0], "｀牛肉，面 ");
    assert_eq!(lines[6], "`4,`11.50,`5.50,`0.00,`0.04,`11.50,`5.50");

    let zipped = world
        .get(&format!("{}&tar_type=GZIP", target("ALL")))
        .await
        .json();
    let path = zipped["download_url"]
        .as_str()
        .unwrap()
        .strip_prefix(BASE)
        .unwrap()
        .to_owned();
    let zipped = world.get(&path).await;
    assert!(path.ends_with("&tartype=gzip") && zipped.body.starts_with(&[0x1f, 0x8b]));
    assert_eq!(zipped.header("content-type"), "application/x-gzip");
    assert_eq!(zipped.header("content-encoding"), "");
    // wechatpay-node-v3 signs the whole address.
    let change = Change {
        signed_target: Some(format!("{BASE}{path}")),
        ..Change::default()
    };
    let whole = world
        .send(&world.shop, "GET", &path, Vec::new(), change)
        .await;
    assert_eq!(whole.body, zipped.body);

    let other = Merchant::add(&world.platform, "Tea").await;
    let stolen = world
        .send(&other, "GET", &path, Vec::new(), Change::default())
        .await;
    assert_eq!(stolen.code(), refused(403, "NO_AUTH"));
    let guessed = world.get("/v3/billdownload/file?token=guessed").await;
    assert_eq!(guessed.code(), refused(400, "PARAM_ERROR"));
    for bad in [
        "bill_type=ALL",
        "bill_date=2026-02-30",
        "bill_date=today&bill_type=ALL",
    ] {
        let reply = world.get(&format!("/v3/bill/tradebill?{bad}")).await;
        assert_eq!(reply.code(), refused(400, "PARAM_ERROR"), "{bad}");
    }
}

/// Contract, part 6: what servers get wrong that breaks these SDKs, 1 to 17. Every call of these
/// tests also checks 1 to 4 and 12: the five headers on every answer, over exactly its bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_taken_in_every_form_that_sdks_send() {
    let world = World::new().await;
    world.place(&world.order("order-0001", 100)).await;
    let target = world.query_target("order-0001");
    let send = async |change: Change| {
        world
            .send(&world.shop, "GET", &target, Vec::new(), change)
            .await
            .status
            .as_u16()
    };
    // 5: another order of parameters, short nonces, a serial in lower case or with zeros.
    let given = world
        .shop
        .authorization("GET", &target, b"", &Change::default());
    let (scheme, fields) = given.split_once(' ').unwrap();
    let mut fields: Vec<&str> = fields.split(',').collect();
    fields.reverse();
    let authorization = Some(format!("{scheme} {}", fields.join(", ")));
    assert_eq!(
        send(Change {
            authorization,
            ..Change::default()
        })
        .await,
        200
    );
    let serial = &world.shop.credentials.serial_no;
    for serial_no in [serial.to_lowercase(), format!("00{serial}")] {
        assert_eq!(
            send(Change {
                serial_no: Some(serial_no),
                ..Change::default()
            })
            .await,
            200
        );
    }
    assert_eq!(
        send(Change {
            nonce: Some("k3j5h2".into()),
            ..Change::default()
        })
        .await,
        200
    );
    // 6: the raw target, and what was signed before it was percent-encoded; the raw body.
    let odd = format!("{target}&note=a+b:%E4%BD%A0%2f,$");
    assert_eq!(world.get(&odd).await.status, 200);
    let signed_target = Some(format!("{target}&note=a+b:你/,$"));
    let change = Change {
        signed_target,
        ..Change::default()
    };
    assert_eq!(
        world
            .send(&world.shop, "GET", &odd, Vec::new(), change)
            .await
            .status,
        200
    );
    let python = world
        .order("order-0002", 100)
        .to_string()
        .replace("牛肉面", "\\u725b\\u8089 {");
    let python = python.replace("\":", "\": ");
    let reply = world
        .send(
            &world.shop,
            "POST",
            NATIVE,
            python.into(),
            Change::default(),
        )
        .await;
    assert_eq!(reply.status, 200);
    // 15: `null` where nothing was signed. 13: an error has its form where there is no endpoint too.
    for body in ["null", "{}", ""] {
        let change = Change {
            signed_body: Some(Vec::new()),
            ..Change::default()
        };
        let path = "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/1/cancel";
        let reply = world
            .send(&world.shop, "POST", path, body.into(), change)
            .await;
        assert_eq!(reply.code(), refused(404, "NOT_FOUND"), "{body}");
    }
    // 4, 17: the key's name is the one that the request names; the merchant's own serial is nothing.
    let signer = &world.platform.signer;
    let python = Some("wechatpay python sdk v2");
    let (key, certificate) = (&signer.public_key_id, &signer.certificate_serial);
    for (named, user_agent, answered) in [
        (Some(key), python, key),
        (Some(certificate), None, certificate),
        (None, None, key),
        (None, python, certificate),
        (Some(serial), None, key),
    ] {
        let wechatpay_serial = named.cloned();
        let change = Change {
            wechatpay_serial,
            user_agent,
            ..Change::default()
        };
        let reply = world
            .send(&world.shop, "GET", &target, Vec::new(), change)
            .await;
        assert_eq!(
            reply.header("wechatpay-serial"),
            answered,
            "{named:?} {user_agent:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_open_with_the_merchants_key() {
    let world = World::new().await;
    let listed = world
        .get("/v3/certificates?algorithm_type=RSA")
        .await
        .json();
    let (item, signer) = (&listed["data"][0], &world.platform.signer);
    assert_eq!(item["serial_no"], signer.certificate_serial.as_str());
    let sealed = &item["encrypt_certificate"];
    let key = ApiV3Key::new(world.shop.credentials.api_v3_key.expose_secret()).unwrap();
    let text = |name: &str| sealed[name].as_str().unwrap();
    let opened = key
        .open(text("nonce"), "certificate", text("ciphertext"))
        .unwrap();
    assert_eq!(opened, signer.certificate_pem.as_bytes());
    for (name, seconds) in [
        ("effective_time", signer.not_before),
        ("expire_time", signer.not_after),
    ] {
        let at = super::times::read(item[name].as_str().unwrap()).unwrap();
        assert_eq!(at.0, seconds * 1_000, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_prove_it_is_not_let_in() {
    let world = World::new().await;
    world.place(&world.order("order-0001", 100)).await;
    let target = world.query_target("order-0001");
    let now = unix_seconds().cast_signed();
    let whole = world
        .shop
        .authorization("GET", &target, b"", &Change::default());
    let text = |text: &str| Some(text.to_owned());
    let forgeries = [
        Change {
            authorization: text(""),
            ..Change::default()
        },
        Change {
            authorization: text("Bearer fqm_x"),
            ..Change::default()
        },
        Change {
            authorization: Some(whole[..whole.len() - 20].into()),
            ..Change::default()
        },
        Change {
            signed_body: Some(b"{}".into()),
            ..Change::default()
        },
        Change {
            signed_target: text("/v3/certificates"),
            ..Change::default()
        },
        Change {
            timestamp: Some(now - 360),
            ..Change::default()
        },
        Change {
            timestamp: Some(now + 360),
            ..Change::default()
        },
        Change {
            timestamp: Some(now * 1_000),
            ..Change::default()
        },
        Change {
            mchid: text("1999999999"),
            ..Change::default()
        },
        Change {
            mchid: text("1234567890"),
            ..Change::default()
        },
        Change {
            serial_no: Some("F".repeat(40)),
            ..Change::default()
        },
    ];
    for (place, change) in forgeries.into_iter().enumerate() {
        let reply = world
            .send(&world.shop, "GET", &target, Vec::new(), change)
            .await;
        assert_eq!(reply.code(), refused(401, "SIGN_ERROR"), "{place}");
    }
    let other = Merchant::add(&world.platform, "Tea").await;
    let as_us = Change {
        mchid: Some(world.shop.credentials.mchid.clone()),
        ..Change::default()
    };
    let reply = world.send(&other, "GET", &target, Vec::new(), as_us).await;
    assert_eq!(reply.code(), refused(401, "SIGN_ERROR"));
    let nonce = Change {
        nonce: text("once"),
        ..Change::default()
    };
    assert_eq!(
        world
            .send(&world.shop, "GET", &target, Vec::new(), nonce.clone())
            .await
            .status,
        200
    );
    let reply = world
        .send(&world.shop, "GET", &target, Vec::new(), nonce.clone())
        .await;
    assert_eq!(reply.code(), refused(401, "SIGN_ERROR"));
    let own = format!(
        "/v3/pay/transactions/out-trade-no/order-0001?mchid={}",
        other.credentials.mchid
    );
    let reply = world.send(&other, "GET", &own, Vec::new(), nonce).await;
    assert_eq!(reply.code(), refused(404, "ORDER_NOT_EXIST"));
    let mismatch = Change {
        signed_body: Some(b"x".into()),
        ..Change::default()
    };
    let reply = world
        .send(&world.shop, "GET", &target, Vec::new(), mismatch)
        .await
        .json();
    assert_eq!(reply["detail"]["sign_information"]["url"], target.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_or_too_large_is_refused_in_the_same_form() {
    let world = World::new().await;
    for (method, target, status, code) in [
        ("GET", "/v3/no/such/path", 404, "NOT_FOUND"),
        ("GET", "/v3", 404, "NOT_FOUND"),
        ("POST", "/v3/pay/transactions/telepathy", 404, "NOT_FOUND"),
        ("DELETE", NATIVE, 405, "METHOD_NOT_ALLOWED"),
        ("GET", REFUNDS, 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/v3/certificates", 405, "METHOD_NOT_ALLOWED"),
    ] {
        assert_eq!(
            world.call(method, target, None).await.code(),
            refused(status, code),
            "{target}"
        );
    }
    for odd in ["%2e%2e", "%00", "%E8%AE%A2", &"a".repeat(4_000)] {
        let reply = world.get(&world.query_target(odd)).await;
        assert_eq!(reply.code(), refused(404, "ORDER_NOT_EXIST"), "{odd}");
    }
    assert_eq!(
        world.get(&world.query_target("%ff")).await.code(),
        refused(400, "PARAM_ERROR")
    );
    let no_mchid = world
        .get("/v3/pay/transactions/out-trade-no/order-0001")
        .await;
    assert_eq!(no_mchid.code(), refused(400, "PARAM_ERROR"));
    let large = world.order(&"a".repeat(1_048_576), 1);
    assert_eq!(
        world.post(NATIVE, &large).await.code(),
        refused(413, "INVALID_REQUEST")
    );
    for bad in [&b"[]"[..], b"null", b"{\"appid\":", b"\xff"] {
        let reply = world
            .send(&world.shop, "POST", NATIVE, bad.into(), Change::default())
            .await;
        assert_eq!(reply.code(), refused(400, "PARAM_ERROR"), "{bad:?}");
    }
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
async fn production_tells_only_public_addresses_and_has_no_bill_of_today() {
    let world = World::in_mode(Mode::Production).await;
    let mut order = world.order("order-0001", 100);
    for bad in [
        "http://127.0.0.1:9/notify",
        "https://shop.example.com/notify?a=b",
    ] {
        order["notify_url"] = json!(bad);
        let reply = world.post(NATIVE, &order).await;
        assert_eq!(reply.code(), refused(400, "PARAM_ERROR"), "{bad}");
        assert_eq!(reply.json()["detail"]["field"], "/notify_url");
    }
    order["notify_url"] = json!("https://shop.example.com/notify");
    world.paid(&order).await;
    let now = feiqian_core::UnixMillis(unix_seconds().cast_signed() * 1_000);
    let today = super::times::date(now);
    for (day, code) in [
        (today, "STATEMENT_CREATING"),
        (today.tomorrow().unwrap(), "NO_STATEMENT_EXIST"),
        (today.yesterday().unwrap(), "NO_STATEMENT_EXIST"),
        (today - jiff::Span::new().months(4), "NO_STATEMENT_EXIST"),
    ] {
        let reply = world
            .get(&format!("/v3/bill/tradebill?bill_date={day}"))
            .await;
        assert_eq!(reply.code(), refused(400, code), "{day}");
    }
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
