//! Alipay's REST protocol, asked as SDKs ask it: the signature in a header, bare fields in the answer.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_gateway::alipay::app::{SignType, is_signed};
use feiqian_gateway::alipay::cipher::ContentKey;
use serde_json::{Value, json};

use crate::alipay::Shop;
use crate::world::{Answer, Market, text};

static NONCES: AtomicU32 = AtomicU32::new(0);

/// A request, before it is signed.
#[derive(Clone)]
struct Asked {
    verb: &'static str,
    target: String,
    body: String,
    nonce: String,
    timestamp: u128,
    more: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl Asked {
    fn new(verb: &'static str, target: &str, body: String) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            verb,
            target: format!("/v3/alipay/{target}"),
            body,
            nonce: format!("n{}", NONCES.fetch_add(1, Ordering::Relaxed)),
            timestamp: now.unwrap().as_millis(),
            more: "",
            headers: Vec::new(),
        }
    }

    fn post(target: &str, content: &Value) -> Self {
        Self::new("POST", target, content.to_string())
    }

    /// With the key of `shop`.
    fn signed(&self, shop: &Shop) -> Request<Body> {
        let Self {
            nonce,
            timestamp,
            more,
            ..
        } = self;
        let part = format!(
            "app_id={},nonce={nonce},timestamp={timestamp}{more}",
            shop.app_id
        );
        let mut signed = format!("{part}\n{}\n{}\n{}\n", self.verb, self.target, self.body);
        for (name, value) in &self.headers {
            if *name == "alipay-app-auth-token" {
                signed = format!("{signed}{value}\n");
            }
        }
        let sign = shop.sign_text(signed.as_bytes());
        let mut request = Request::builder()
            .method(self.verb)
            .uri(&self.target)
            .header(
                "authorization",
                format!("ALIPAY-SHA256withRSA {part},sign={sign}"),
            );
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(self.body.clone())).unwrap()
    }

    /// The answer, whose signature is right.
    async fn send(&self, m: &Market, shop: &Shop) -> Answer {
        let answer = m.w.send(self.signed(shop)).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        let signed = format!(
            "{}\n{}\n{}\n",
            header("alipay-timestamp"),
            header("alipay-nonce"),
            answer.text
        );
        let sign = STANDARD.decode(header("alipay-signature")).unwrap();
        assert!(
            is_signed(&shop.platform, SignType::Rsa2, signed.as_bytes(), &sign),
            "{}",
            answer.text
        );
        assert!(!header("alipay-trace-id").is_empty());
        answer
    }
}

async fn post(m: &Market, shop: &Shop, target: &str, content: Value) -> Answer {
    Asked::post(target, &content).send(m, shop).await
}

/// Status and code of a refusal, which has a message.
fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert!(!text(&body["message"]).is_empty(), "{body}");
    (answer.status.as_u16(), text(&body["code"]))
}

#[tokio::test]
async fn a_trade_lives_in_rest_and_is_the_classic_gateways_too() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let number = json!({ "out_trade_no": "v1" });
    let missing = post(&m, &shop, "trade/query", number.clone()).await;
    assert_eq!(refusal(&missing), (400, "ACQ.TRADE_NOT_EXIST".into()));
    let mut order = Shop::order("v1", "10.00");
    order["notify_url"] = json!("not an address");
    let refused = post(&m, &shop, "trade/precreate", order).await;
    assert_eq!(refusal(&refused), (400, "ACQ.INVALID_PARAMETER".into()));

    let placed = post(&m, &shop, "trade/precreate", Shop::order("v1", "10.00"))
        .await
        .ok();
    assert!(placed.get("code").is_none(), "bare fields: {placed}");
    let code = json!({ "code_url": placed["qr_code"] });
    m.ask("mei", "POST /v1/payments", code).await.ok();
    let paid = post(&m, &shop, "trade/query", number.clone()).await.ok();
    assert_eq!(paid["trade_status"], "TRADE_SUCCESS");
    let classic = shop.call(&m, "alipay.trade.query", number.clone()).await;
    assert_eq!(classic["trade_no"], paid["trade_no"]);

    let refund = json!({ "out_trade_no": "v1", "out_request_no": "r1", "refund_amount": "4.00" });
    for change in ["Y", "N"] {
        let refund = post(&m, &shop, "trade/refund", refund.clone()).await.ok();
        assert_eq!(refund["fund_change"], change);
    }
    let asked = json!({ "out_trade_no": "v1", "out_request_no": "r1" });
    let found = post(&m, &shop, "trade/fastpay/refund/query", asked)
        .await
        .ok();
    assert_eq!(found["refund_amount"], "4.00");
    let account =
        |query: &str| Asked::new("GET", &format!("fund/account/query{query}"), String::new());
    let holds = account("?account_type=ACCTRANS_ACCOUNT")
        .send(&m, &shop)
        .await
        .ok();
    let path = format!("GET /v1/merchants/{}/balance", m.noodles);
    let balance = m.ask("noodles", &path, Value::Null).await.ok();
    let fen = balance["available"].as_i64().unwrap();
    let yuan = format!("{}.{:02}", fen / 100, fen % 100);
    assert_eq!(holds["available_amount"], json!(yuan));
    assert_eq!(account("").send(&m, &shop).await.ok(), holds);
    let others = account("?alipay_user_id=2088000000000001")
        .send(&m, &shop)
        .await;
    let others = refusal(&others);
    assert_eq!(others, (400, "NO_PERMISSION_ACCOUNT".into()));
    let close = post(&m, &shop, "trade/close", number).await;
    assert_eq!(refusal(&close), (400, "ACQ.TRADE_STATUS_ERROR".into()));
}

#[tokio::test]
async fn a_till_waits_and_cancels() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let mut order = Shop::order("v2", "12.50");
    order["auth_code"] = json!(Shop::pay_code(&m).await);
    order["scene"] = json!("bar_code");
    let paid = post(&m, &shop, "trade/pay", order).await.ok();
    assert!(paid.get("gmt_payment").is_some(), "{paid}");
    let number = json!({ "out_trade_no": "v2" });
    let undone = post(&m, &shop, "trade/cancel", number).await.ok();
    assert_eq!(undone["action"], "refund");
}

#[tokio::test]
async fn what_was_not_signed_is_refused() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let merchants = m
        .ask("operator", "GET /v1/merchants", Value::Null)
        .await
        .ok();
    let merchants = merchants["data"].as_array().unwrap();
    let other = merchants.iter().map(|other| text(&other["id"]));
    let other = other.into_iter().find(|id| *id != m.noodles).unwrap();
    let other = Shop::open(&m, &other).await;
    let asked = || Asked::post("trade/query", &json!({ "out_trade_no": "v3" }));
    let known = (400, "ACQ.TRADE_NOT_EXIST".to_owned());
    let unsigned = (401, "invalid-signature".to_owned());

    let once = asked();
    assert_eq!(refusal(&once.send(&m, &shop).await), known);
    assert_eq!(
        refusal(&once.send(&m, &shop).await),
        unsigned,
        "a repetition"
    );
    let more = Asked {
        more: ",expired_seconds=60,extra=a=b",
        ..asked()
    };
    assert_eq!(
        refusal(&more.send(&m, &shop).await),
        known,
        "what else is signed"
    );

    let mut request = asked().signed(&shop);
    *request.body_mut() = Body::from("{\"out_trade_no\":\"v4\"}");
    assert_eq!(refusal(&m.w.send(request).await), unsigned, "another body");
    let mut request = asked().signed(&shop);
    *request.uri_mut() = "/v3/alipay/trade/close".parse().unwrap();
    assert_eq!(refusal(&m.w.send(request).await), unsigned, "another path");
    let (mut forged, genuine) = (asked().signed(&other), asked().signed(&shop));
    let header = forged.headers()["authorization"].to_str().unwrap();
    let header = header.replace(&other.app_id, &shop.app_id);
    forged
        .headers_mut()
        .insert("authorization", header.parse().unwrap());
    assert_eq!(refusal(&m.w.send(forged).await), unsigned, "another's key");
    let (mut parts, body) = genuine.into_parts();
    parts.headers.remove("authorization");
    let bare = Request::from_parts(parts, body);
    assert_eq!(
        refusal(&m.w.send(bare).await),
        (401, "missing-signature".into())
    );

    for (off, more) in [
        (-301_000, ""),
        (301_000, ""),
        (-2_000, ",expired_seconds=1"),
    ] {
        let now = asked();
        let timestamp = now.timestamp.checked_add_signed(off).unwrap();
        let late = Asked {
            timestamp,
            more,
            ..now
        };
        assert_eq!(
            refusal(&late.send(&m, &shop).await),
            (400, "invalid-timestamp".into()),
            "{off}"
        );
    }
    let token = vec![("alipay-app-auth-token", "t".to_owned())];
    let token = Asked {
        headers: token,
        ..asked()
    };
    assert_eq!(
        refusal(&token.send(&m, &shop).await),
        (403, "invalid-app-auth-token".into())
    );
}

#[tokio::test]
async fn paths_and_bodies_that_are_none() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let empty = String::new;
    for (verb, target) in [
        ("POST", "trade/nothing"),
        ("POST", "trade.query"),
        ("POST", "trade/page/pay"),
        ("GET", "trade/query?out_trade_no=a"),
        ("PUT", "trade/query"),
    ] {
        let answer = Asked::new(verb, target, empty()).send(&m, &shop).await;
        assert_eq!(
            refusal(&answer),
            (404, "invalid-method".into()),
            "{verb} {target}"
        );
    }
    for (body, code) in [
        ("[]", "invalid-parameter"),
        ("{", "invalid-parameter"),
        ("", "ACQ.INVALID_PARAMETER"),
        ("{\"out_trade_no\":[]}", "ACQ.INVALID_PARAMETER"),
    ] {
        let answer = Asked::new("POST", "trade/query", body.into())
            .send(&m, &shop)
            .await;
        assert_eq!(refusal(&answer), (400, code.into()), "{body}");
    }
}

#[tokio::test]
async fn content_is_sealed_and_certificates_are_named() {
    let m = Market::new().await;
    let shop = Shop::open(&m, &m.noodles).await;
    let key = ContentKey::new(&text(&shop.credentials["encrypt_key"])).unwrap();
    let sealed = |content: &Value| Asked {
        headers: vec![("alipay-encrypt-type", "AES".into())],
        ..Asked::new(
            "POST",
            "trade/precreate",
            key.seal(content.to_string().as_bytes()).unwrap(),
        )
    };
    let answer = sealed(&Shop::order("v5", "1.00")).send(&m, &shop).await;
    let opened: Value = serde_json::from_slice(&key.open(&answer.text).unwrap()).unwrap();
    assert_eq!(opened["out_trade_no"], "v5");
    let refused = sealed(&Shop::order("v5", "0")).send(&m, &shop).await;
    assert_eq!(
        refusal(&refused),
        (400, "ACQ.INVALID_PARAMETER".into()),
        "in the open"
    );
    let broken = Asked {
        body: "{}".into(),
        ..sealed(&json!({}))
    };
    assert_eq!(
        refusal(&broken.send(&m, &shop).await),
        (400, "invalid-encrypt".into())
    );

    let half = vec![("alipay-root-cert-sn", "5e".to_owned())];
    let half = Asked {
        headers: half,
        ..Asked::post("trade/query", &json!({}))
    };
    assert_eq!(
        refusal(&half.send(&m, &shop).await),
        (400, "missing-app-cert-sn".into())
    );
}
