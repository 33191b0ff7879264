//! Alipay's classic gateway, asked as SDKs ask it: signed parameters in, a signed node out.

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_gateway::alipay::app::{SignType, is_signed, read_public_key};
use feiqian_gateway::alipay::cipher::ContentKey;
use feiqian_gateway::wechat::sign::VerifyingKey;
use serde_json::{Value, json};

use crate::world::{Answer, Market, text};

type Params = BTreeMap<String, String>;

/// A merchant's server.
pub struct Shop {
    pub app_id: String,
    key: RsaKeyPair,
    pub platform: VerifyingKey,
    pub credentials: Value,
}

fn der(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(text).unwrap()
}

/// `yyyy-MM-dd HH:mm:ss` in China, so many hours from now.
fn clock(hours: i64) -> String {
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = i64::try_from(at.unwrap().as_secs()).unwrap() + hours * 3_600;
    let at = jiff::Timestamp::from_second(seconds).unwrap();
    let china = jiff::tz::Offset::constant(8).to_datetime(at);
    format!(
        "{} {:02}:{:02}:{:02}",
        china.date(),
        china.hour(),
        china.minute(),
        china.second()
    )
}

fn form(params: &Params) -> String {
    let pair = |(name, value): (&String, &String)| {
        let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("{name}={value}")
    };
    params.iter().map(pair).collect::<Vec<_>>().join("&")
}

impl Shop {
    /// Gives the merchant an app.
    pub async fn open(m: &Market, merchant: &str) -> Self {
        let path = format!("POST /v1/merchants/{merchant}/alipay_app");
        let credentials = m.ask("operator", &path, json!({})).await.ok();
        let pem = text(&credentials["private_key_pem"]);
        assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"), "PKCS#1");
        Self {
            app_id: text(&credentials["app_id"]),
            key: RsaKeyPair::from_der(&der(&pem)).unwrap(),
            platform: read_public_key(&text(&credentials["platform_public_key_pem"])).unwrap(),
            credentials,
        }
    }

    fn params(&self, method: &str, biz: &Value) -> Params {
        [
            ("app_id", self.app_id.as_str()),
            ("method", method),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("timestamp", &clock(0)),
            ("version", "1.0"),
            ("biz_content", &biz.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn sign(&self, params: &Params) -> String {
        let pairs = params.iter().filter(|(name, _)| *name != "sign");
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.sign_text(pairs.join("&").as_bytes())
    }

    pub fn sign_text(&self, text: &[u8]) -> String {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .unwrap();
        STANDARD.encode(signature)
    }

    fn signed(&self, mut params: Params) -> Params {
        params.insert("sign".into(), self.sign(&params));
        params
    }

    /// Posts a form.
    async fn send(&self, m: &Market, params: &Params) -> Answer {
        let request = Request::post("/gateway.do").header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded;charset=utf-8",
        );
        m.w.send(request.body(Body::from(form(params))).unwrap())
            .await
    }

    /// Calls a method, with something changed before it is signed.
    async fn call_with(
        &self,
        m: &Market,
        method: &str,
        biz: Value,
        change: impl FnOnce(&mut Params),
    ) -> Value {
        let mut params = self.params(method, &biz);
        change(&mut params);
        let params = self.signed(params);
        let answer = self.send(m, &params).await;
        self.node(&answer, &params["method"])
    }

    pub async fn call(&self, m: &Market, method: &str, biz: Value) -> Value {
        self.call_with(m, method, biz, |_| {}).await
    }

    /// The content of the method's node, whose signature is right as SDKs look at it.
    fn node(&self, answer: &Answer, method: &str) -> Value {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let begin = format!("{{\"{}_response\":", method.replace('.', "_"));
        let rest = answer.text.strip_prefix(&begin);
        let rest = rest.unwrap_or_else(|| panic!("{begin} {}", answer.text));
        let (content, sign) = rest.rsplit_once(",\"sign\":\"").unwrap();
        let content = content.split(",\"alipay_cert_sn\"").next().unwrap();
        let sign = STANDARD.decode(sign.strip_suffix("\"}").unwrap()).unwrap();
        assert!(
            is_signed(&self.platform, SignType::Rsa2, content.as_bytes(), &sign),
            "{rest}"
        );
        serde_json::from_str(content).unwrap()
    }

    pub fn order(number: &str, yuan: &str) -> Value {
        json!({ "out_trade_no": number, "total_amount": yuan, "subject": "牛肉面" })
    }

    /// Places an order by code and has it paid by Mei.
    async fn paid(&self, m: &Market, number: &str, yuan: &str) -> Value {
        let placed = self
            .call(m, "alipay.trade.precreate", Self::order(number, yuan))
            .await;
        let code = json!({ "code_url": placed["qr_code"] });
        m.ask("mei", "POST /v1/payments", code).await.ok();
        self.call(m, "alipay.trade.query", json!({ "out_trade_no": number }))
            .await
    }

    pub async fn pay_code(m: &Market) -> String {
        let path = format!("POST /v1/users/{}/pay_codes", m.mei);
        text(&m.ask("mei", &path, json!({})).await.ok()["code"])
    }
}

fn code(node: &Value) -> (&str, &str) {
    (
        node["code"].as_str().unwrap(),
        node["sub_code"].as_str().unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_code_is_scanned_paid_and_refunded() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let missing = shop
        .call(&m, "alipay.trade.query", json!({ "out_trade_no": "a1" }))
        .await;
    assert_eq!(code(&missing), ("40004", "ACQ.TRADE_NOT_EXIST"));

    let placed = shop
        .call(&m, "alipay.trade.precreate", Shop::order("a1", "88.80"))
        .await;
    assert_eq!(
        (code(&placed), &placed["out_trade_no"]),
        (("10000", ""), &json!("a1"))
    );
    let again = shop
        .call(&m, "alipay.trade.precreate", Shop::order("a1", "88.80"))
        .await;
    assert_eq!(again["qr_code"], placed["qr_code"]);
    let other = shop
        .call(&m, "alipay.trade.precreate", Shop::order("a1", "88.81"))
        .await;
    assert_eq!(code(&other), ("40004", "ACQ.CONTEXT_INCONSISTENT"));
    let waits = shop
        .call(&m, "alipay.trade.query", json!({ "out_trade_no": "a1" }))
        .await;
    assert_eq!(waits["trade_status"], "WAIT_BUYER_PAY");

    m.ask(
        "mei",
        "POST /v1/payments",
        json!({ "code_url": placed["qr_code"] }),
    )
    .await
    .ok();
    let paid = shop
        .call(&m, "alipay.trade.query", json!({ "out_trade_no": "a1" }))
        .await;
    assert_eq!(
        (&paid["trade_status"], &paid["total_amount"]),
        (&json!("TRADE_SUCCESS"), &json!("88.80"))
    );
    assert_eq!(
        paid["fund_bill_list"],
        json!([{ "fund_channel": "ALIPAYACCOUNT", "amount": "88.80" }])
    );
    assert_eq!(paid["trade_no"], waits["trade_no"]);
    let by_trade_no = shop
        .call(
            &m,
            "alipay.trade.query",
            json!({ "trade_no": paid["trade_no"] }),
        )
        .await;
    assert_eq!(by_trade_no["out_trade_no"], "a1");
    let late = shop
        .call(&m, "alipay.trade.precreate", Shop::order("a1", "88.80"))
        .await;
    assert_eq!(code(&late), ("40004", "ACQ.TRADE_HAS_SUCCESS"));
    let close = shop
        .call(&m, "alipay.trade.close", json!({ "out_trade_no": "a1" }))
        .await;
    assert_eq!(code(&close), ("40004", "ACQ.TRADE_STATUS_ERROR"));

    let refund = |request: &str, yuan: &str| {
        let biz = json!({ "out_trade_no": "a1", "out_request_no": request, "refund_amount": yuan });
        shop.call(&m, "alipay.trade.refund", biz)
    };
    let first = refund("r1", "8.80").await;
    let fee = |node: &Value| (text(&node["fund_change"]), text(&node["refund_fee"]));
    assert_eq!(fee(&first), ("Y".into(), "8.80".into()));
    let second = refund("r2", "70").await;
    assert_eq!(
        fee(&second),
        ("Y".into(), "78.80".into()),
        "the running total"
    );
    assert_eq!(
        fee(&refund("r1", "8.80").await),
        ("N".into(), "78.80".into())
    );
    assert_eq!(
        code(&refund("r1", "8.81").await),
        ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST")
    );
    assert_eq!(
        code(&refund("r3", "10.01").await),
        ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    );

    let query = |request: &str| {
        let biz = json!({ "out_trade_no": "a1", "out_request_no": request });
        shop.call(&m, "alipay.trade.fastpay.refund.query", biz)
    };
    let found = query("r1").await;
    assert_eq!(
        (&found["refund_amount"], &found["refund_status"]),
        (&json!("8.80"), &json!("REFUND_SUCCESS"))
    );
    let none = query("r9").await;
    assert_eq!(
        (code(&none), none.get("refund_amount")),
        (("10000", ""), None)
    );

    refund("r4", "10.00").await;
    let over = shop
        .call(&m, "alipay.trade.query", json!({ "out_trade_no": "a1" }))
        .await;
    assert_eq!(over["trade_status"], "TRADE_CLOSED");
}

#[tokio::test]
async fn a_refund_number_is_its_trades_own() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    for number in ["b1", "b2"] {
        shop.paid(&m, number, "10.00").await;
        let biz = json!({ "out_trade_no": number, "out_request_no": "same", "refund_amount": "4" });
        let refund = shop.call(&m, "alipay.trade.refund", biz).await;
        assert_eq!(
            (&refund["fund_change"], &refund["refund_fee"]),
            (&json!("Y"), &json!("4.00"))
        );
    }
    // Without one the trade's own number is meant.
    let biz = json!({ "out_trade_no": "b1", "refund_amount": 6 });
    for change in ["Y", "N"] {
        let refund = shop.call(&m, "alipay.trade.refund", biz.clone()).await;
        assert_eq!(
            (&refund["fund_change"], &refund["refund_fee"]),
            (&json!(change), &json!("10.00"))
        );
    }
}

#[tokio::test]
async fn a_till_scans_waits_and_cancels() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let pay = async |number: &str, yuan: &str, auth_code: &str| {
        let mut biz = Shop::order(number, yuan);
        biz["auth_code"] = json!(auth_code);
        biz["scene"] = json!("bar_code");
        shop.call(&m, "alipay.trade.pay", biz).await
    };
    let auth_code = Shop::pay_code(&m).await;
    let paid = pay("c1", "12.50", &auth_code).await;
    assert_eq!(
        (code(&paid), &paid["buyer_pay_amount"]),
        (("10000", ""), &json!("12.50"))
    );
    assert!(
        paid["gmt_payment"].is_string() && paid["buyer_user_id"].is_string(),
        "{paid}"
    );
    assert_eq!(
        code(&pay("c1", "12.50", &auth_code).await),
        ("40004", "ACQ.TRADE_HAS_SUCCESS")
    );
    let bad = pay("c2", "1.00", "281234567890123456").await;
    assert_eq!(code(&bad), ("40004", "ACQ.PAYMENT_AUTH_CODE_INVALID"));

    // So much that the shopper is asked; the till gives up.
    m.w.fund(&m.mei, "more", 500_000).await;
    let auth_code = Shop::pay_code(&m).await;
    let asked = pay("c3", "1500", &auth_code).await;
    assert_eq!(
        (code(&asked), &asked["out_trade_no"]),
        (("10003", ""), &json!("c3")),
        "{asked}"
    );
    assert_eq!(code(&pay("c3", "1500", &auth_code).await).0, "10003");
    let cancel = async |number: &str| {
        shop.call(&m, "alipay.trade.cancel", json!({ "out_trade_no": number }))
            .await
    };
    for _ in 0..2 {
        let undone = cancel("c3").await;
        assert_eq!(
            (&undone["action"], &undone["retry_flag"]),
            (&json!("close"), &json!("N"))
        );
        assert_eq!(cancel("c1").await["action"], "refund");
    }
    let unknown = cancel("c9").await;
    assert_eq!(
        (code(&unknown), unknown.get("action")),
        (("10000", ""), None)
    );
    assert_eq!(
        code(&pay("c3", "1500", &auth_code).await),
        ("40004", "ACQ.TRADE_HAS_CLOSE")
    );
}

#[tokio::test]
async fn an_order_is_for_its_buyer_and_can_be_closed() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let buyer = shop.paid(&m, "d0", "1.00").await;
    for (field, number) in [("buyer_id", "d1"), ("buyer_open_id", "d2")] {
        let shown = if field == "buyer_id" {
            "buyer_user_id"
        } else {
            field
        };
        let mut biz = Shop::order(number, "5.00");
        biz[field] = buyer[shown].clone();
        let made = shop.call(&m, "alipay.trade.create", biz).await;
        assert!(made["trade_no"].is_string(), "{made}");
        let closed = shop
            .call(
                &m,
                "alipay.trade.close",
                json!({ "trade_no": made["trade_no"] }),
            )
            .await;
        assert_eq!(
            (code(&closed), &closed["out_trade_no"]),
            (("10000", ""), &json!(number))
        );
        let query = shop
            .call(&m, "alipay.trade.query", json!({ "out_trade_no": number }))
            .await;
        assert_eq!(query["trade_status"], "TRADE_CLOSED");
    }
    let mut nobody = Shop::order("d3", "5.00");
    nobody["buyer_id"] = json!("2088000000000000");
    let refused = shop.call(&m, "alipay.trade.create", nobody).await;
    assert_eq!(code(&refused), ("40004", "ACQ.BUYER_NOT_EXIST"));
}

#[tokio::test]
async fn what_cannot_be_proven_is_refused_in_the_methods_node() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let query = json!({ "out_trade_no": "e1" });
    let method = "alipay.trade.query";
    let set = |name: &'static str, value: &str| {
        let value = value.to_owned();
        move |params: &mut Params| drop(params.insert(name.into(), value))
    };
    for (name, value, expected) in [
        (
            "app_id",
            "2021000000009999",
            ("40002", "isv.invalid-app-id"),
        ),
        ("app_id", "", ("40001", "isv.missing-app-id")),
        ("sign_type", "MD5", ("40002", "isv.invalid-signature-type")),
        ("sign_type", "", ("40001", "isv.missing-signature-type")),
        ("timestamp", "", ("40001", "isv.missing-timestamp")),
        (
            "timestamp",
            "2026-01-01T00:00:00",
            ("40002", "isv.invalid-timestamp"),
        ),
        ("timestamp", &clock(-25), ("40002", "isv.invalid-timestamp")),
        ("timestamp", &clock(25), ("40002", "isv.invalid-timestamp")),
        ("version", "", ("40001", "isv.missing-version")),
        ("format", "XML", ("40002", "isv.invalid-format")),
        ("charset", "latin1", ("40002", "isv.invalid-charset")),
        ("encrypt_type", "DES", ("40002", "isv.invalid-encrypt-type")),
        ("encrypt_type", "AES", ("40002", "isv.invalid-encrypt")),
        ("biz_content", "[]", ("40002", "isv.invalid-parameter")),
        (
            "method",
            "alipay.trade.nothing",
            ("40002", "isv.invalid-method"),
        ),
        ("app_cert_sn", "00", ("40002", "isv.app-cert-not-exist")),
        (
            "alipay_root_cert_sn",
            "00",
            ("40001", "isv.missing-app-cert-sn"),
        ),
    ] {
        let node = shop
            .call_with(&m, method, query.clone(), set(name, value))
            .await;
        assert_eq!(code(&node), expected, "{name}={value} {node}");
        assert!(
            node["msg"].is_string() && node["sub_msg"].is_string(),
            "{node}"
        );
    }
    // A client on a clock of another zone is let in.
    for hours in [-8, 12] {
        let node = shop
            .call_with(&m, method, query.clone(), set("timestamp", &clock(hours)))
            .await;
        assert_eq!(code(&node).1, "ACQ.TRADE_NOT_EXIST");
    }
    // Altered, unsigned, signed by somebody else.
    let (tea, _) = m.w.shop("Other").await;
    let other = Shop::open(&m, &tea).await;
    let mut altered = shop.signed(shop.params(method, &query));
    altered.insert(
        "biz_content".into(),
        json!({ "out_trade_no": "e2" }).to_string(),
    );
    let foreign = other.signed(shop.params(method, &query));
    let mut unsigned = foreign.clone();
    unsigned.remove("sign");
    for (params, expected) in [
        (altered, ("40002", "isv.invalid-signature")),
        (foreign, ("40002", "isv.invalid-signature")),
        (unsigned, ("40001", "isv.missing-signature")),
    ] {
        let node = shop.node(&shop.send(&m, &params).await, method);
        assert_eq!(code(&node), expected);
    }
    // Nobody's method is told in a node of its own.
    let mut nothing = shop.params(method, &query);
    nothing.remove("method");
    let answer = shop.send(&m, &shop.signed(nothing)).await;
    assert!(
        answer.text.starts_with("{\"error_response\":{"),
        "{}",
        answer.text
    );
    // Another merchant's trade is none.
    shop.paid(&m, "e3", "3.00").await;
    for method in ["query", "close", "refund"] {
        let biz = json!({ "out_trade_no": "e3", "refund_amount": "1" });
        let node = other.call(&m, &format!("alipay.trade.{method}"), biz).await;
        assert_eq!(code(&node), ("40004", "ACQ.TRADE_NOT_EXIST"), "{method}");
    }
}

#[tokio::test]
async fn parameters_come_from_anywhere_and_in_any_charset() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let (method, biz) = ("alipay.trade.query", json!({ "out_trade_no": "f1" }));
    let signed = shop.signed(shop.params(method, &biz));
    let all = form(&signed);
    let split = signed.clone().split_off("c");
    let first: Params = signed
        .clone()
        .into_iter()
        .filter(|(name, _)| !split.contains_key(name))
        .collect();
    let mut parts = String::new();
    for (name, value) in &signed {
        parts +=
            &format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    parts += "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--B--\r\n";
    let plain = "application/x-www-form-urlencoded";
    for (http, target, kind, body) in [
        ("GET", format!("/gateway.do?{all}"), plain, String::new()),
        ("POST", format!("/gateway.do?{all}"), plain, String::new()),
        (
            "POST",
            format!("/gateway.do?{}", form(&split)),
            plain,
            form(&first),
        ),
        (
            "POST",
            format!("http://pay.test/gateway.do?{}", form(&split)),
            plain,
            form(&first),
        ),
        (
            "POST",
            "/gateway.do".into(),
            "multipart/form-data; boundary=B",
            parts,
        ),
    ] {
        let request = Request::builder()
            .method(http)
            .uri(&target)
            .header(header::CONTENT_TYPE, kind);
        let answer = m.w.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            code(&shop.node(&answer, method)).1,
            "ACQ.TRADE_NOT_EXIST",
            "{http} {target}"
        );
    }
    // Empty values may be signed or not.
    let mut empty = shop.params(method, &biz);
    empty.insert("app_auth_token".into(), String::new());
    let with_empty = shop.signed(empty);
    let mut without_empty = signed;
    without_empty.insert("app_auth_token".into(), String::new());
    for params in [with_empty, without_empty] {
        let node = shop.node(&shop.send(&m, &params).await, method);
        assert_eq!(code(&node).1, "ACQ.TRADE_NOT_EXIST");
    }
    let for_another = shop.call_with(&m, method, json!({ "out_trade_no": "f1" }), |params| {
        params.insert("app_auth_token".into(), "t".into());
    });
    assert_eq!(
        code(&for_another.await),
        ("20001", "aop.invalid-app-auth-token")
    );
    // In GBK an answer is plain ASCII, which both charsets have.
    let gbk = shop.call_with(&m, "alipay.trade.precreate", json!({}), |params| {
        params.insert("charset".into(), "GBK".into());
        params.insert(
            "biz_content".into(),
            "{\"out_trade_no\":\"f2\",\"total_amount\":\"1\",\"subject\":\"x\"}".into(),
        );
    });
    assert_eq!(code(&gbk.await).0, "10000");
    // Braces in texts would lead one SDK astray.
    let mut braces = Shop::order("f3", "1.00");
    braces["body"] = json!("}{\"\\");
    shop.call(&m, "alipay.trade.precreate", braces).await;
    let params = shop.signed(shop.params(method, &json!({ "out_trade_no": "f3" })));
    let answer = shop.send(&m, &params).await;
    assert!(
        answer.text.contains(r#""body":"\u007d\u007b\"\\""#),
        "{}",
        answer.text
    );
    assert_eq!(shop.node(&answer, method)["body"], "}{\"\\");
}

#[tokio::test]
async fn content_in_aes_is_opened_and_sealed() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let key = ContentKey::new(&text(&shop.credentials["encrypt_key"])).unwrap();
    for (yuan, expected) in [("1.00", "10000"), ("0", "40004")] {
        let sealed = key
            .seal(Shop::order("g1", yuan).to_string().as_bytes())
            .unwrap();
        let node = shop.call_with(&m, "alipay.trade.precreate", json!({}), |params| {
            params.insert("biz_content".into(), sealed);
            params.insert("encrypt_type".into(), "AES".into());
        });
        let plain = key.open(&text(&node.await)).unwrap();
        let node: Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(code(&node).0, expected);
    }
}

#[tokio::test]
async fn a_repeated_request_has_the_same_end() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let mut order = Shop::order("h1", "1.00");
    for (timeout, expected) in [("90m", "10000"), ("90m", "10000"), ("91m", "40004")] {
        order["timeout_express"] = json!(timeout);
        let placed = shop.call(&m, "alipay.trade.precreate", order.clone()).await;
        assert_eq!(code(&placed).0, expected, "{timeout} {placed}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
