//! Notices to a small server on this machine that answers as told.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use feiqian_core::order::OrderRef;
use feiqian_core::order::create::{Channel, CreateOrder, Notify, NotifyForm, Terms};
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::{Fen, OrderId};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Notifier, Options, Plan};
use crate::wechat::aead::ApiV3Key;
use crate::wechat::sign::verify;
use crate::wechat::world::{Change, NATIVE, REFUNDS, World, number};

/// Each answer once; then 200. A status of 0 answers too late.
type Answers = HashMap<String, Vec<u16>>;

#[derive(Clone)]
struct Shop {
    heard: Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Answers>>,
    address: String,
}

impl Shop {
    async fn open(answers: &[(&str, &[u16])]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self {
            heard: Arc::default(),
            answers: Arc::new(Mutex::new(
                answers
                    .iter()
                    .map(|(name, answers)| ((*name).into(), answers.to_vec()))
                    .collect(),
            )),
            address: format!("http://{}", listener.local_addr().unwrap()),
        };
        let router = Router::new()
            .route("/notify/{name}", post(hear))
            .with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        shop
    }

    fn url(&self, name: &str) -> String {
        format!("{}/notify/{name}", self.address)
    }

    fn heard(&self, name: &str) -> Vec<(HeaderMap, Bytes)> {
        let heard = self.heard.lock().unwrap();
        let of = heard.iter().filter(|(found, ..)| found == name);
        of.map(|(_, headers, body)| (headers.clone(), body.clone()))
            .collect()
    }

    async fn wait(&self, name: &str, count: usize) -> Vec<(HeaderMap, Bytes)> {
        until(|| self.heard(name).len() >= count).await;
        self.heard(name)
    }
}

async fn hear(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shop.heard
        .lock()
        .unwrap()
        .push((name.clone(), headers, body));
    let answer = {
        let mut answers = shop.answers.lock().unwrap();
        answers
            .get_mut(&name)
            .filter(|left| !left.is_empty())
            .map_or(200, |left| left.remove(0))
    };
    match answer {
        0 => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            StatusCode::OK.into_response()
        }
        // What only Alipay's notices are acknowledged by.
        299 => "success".into_response(),
        302 => Redirect::temporary(&shop.url("elsewhere")).into_response(),
        status => StatusCode::from_u16(status).unwrap().into_response(),
    }
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not come to hold within 10 s");
}

/// Fifty milliseconds after each of so many failures.
fn options(tries: usize) -> Options {
    Options {
        plan: Plan(vec![Duration::from_millis(50); tries]),
        alipay: Plan(vec![Duration::from_millis(50); tries]),
        answer_within: Duration::from_millis(700),
    }
}

fn start(world: &World, options: Options) -> Notifier {
    Notifier::start_with(
        world.platform.clone(),
        &world.dir.path().join("notify"),
        options,
    )
    .unwrap()
}

async fn stop(notifier: Notifier) {
    tokio::task::spawn_blocking(move || notifier.stop())
        .await
        .unwrap();
}

async fn pay(world: &World, number: &str, url: &str) {
    let mut order = world.order(number, 1_000);
    order["notify_url"] = json!(url);
    world.paid(&order).await;
}

fn open(world: &World, body: &Bytes) -> Value {
    let notice: Value = serde_json::from_slice(body).unwrap();
    let resource = &notice["resource"];
    let text = |name: &str| resource[name].as_str().unwrap();
    let key = ApiV3Key::new(world.shop.credentials.api_v3_key.expose_secret()).unwrap();
    let opened = key
        .open(text("nonce"), text("associated_data"), text("ciphertext"))
        .unwrap();
    serde_json::from_slice(&opened).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_sent_again_until_it_is_acknowledged() {
    let world = World::new().await;
    let shop = Shop::open(&[("a", &[500, 0, 302, 204])]).await;
    let notifier = start(&world, options(9));
    pay(&world, "order-0001", &shop.url("a")).await;
    let refund = world.refund("r1", "order-0001", 400, 1_000);
    let paid = world.query("order-0001").await;
    world.post(REFUNDS, &refund).await;
    let tries = shop.wait("a", 4).await;

    let (_, first) = &tries[0];
    let notice: Value = serde_json::from_slice(first).unwrap();
    assert_eq!(
        first.len(),
        notice.to_string().len(),
        "compact JSON without escapes"
    );
    assert_eq!(notice["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(notice["resource_type"], "encrypt-resource");
    assert_eq!(notice["summary"], "支付成功");
    assert_eq!(notice["create_time"], paid["success_time"]);
    assert_eq!(notice["resource"]["algorithm"], "AEAD_AES_256_GCM");
    assert_eq!(notice["resource"]["original_type"], "transaction");
    for (headers, body) in &tries {
        assert!(world.bears_signature(headers, body));
        assert_eq!(headers["content-type"], "application/json");
        let again: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&again["id"], &again["create_time"]),
            (&notice["id"], &notice["create_time"])
        );
        // Also after the refund.
        assert_eq!(open(&world, body), paid);
    }
    assert_ne!(tries[0].0["wechatpay-nonce"], tries[1].0["wechatpay-nonce"]);
    assert_ne!(
        tries[0].0["wechatpay-signature"],
        tries[1].0["wechatpay-signature"]
    );
    until(|| notifier.counters().pending == 0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shop.heard("a").len(), 4);
    assert_eq!(shop.heard("elsewhere").len(), 0);
    let counters = notifier.counters();
    assert_eq!(
        (counters.delivered, counters.failed, counters.dead),
        (1, 3, 0)
    );
    stop(notifier).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_are_told_and_the_key_is_named_as_the_merchant_knows_it() {
    let world = World::new().await;
    let shop = Shop::open(&[]).await;
    let notifier = start(&world, options(1));
    let mut order = world.order("order-0001", 1_000);
    order["notify_url"] = json!(shop.url("paid"));
    let body = serde_json::to_vec(&order).unwrap();
    let agent = || Change {
        user_agent: Some("wechatpay python sdk v2"),
        ..Change::default()
    };
    let placed = world.send(&world.shop, "POST", NATIVE, body, agent()).await;
    let token = placed.json()["code_url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let order = world.platform.ids.read_code_token(&token).unwrap();
    world
        .pay(feiqian_core::OrderId(feiqian_core::EventNumber(order)))
        .await;
    let mut refund = world.refund("r1", "order-0001", 400, 1_000);
    refund["notify_url"] = json!(shop.url("refund"));
    let refunded = world.post(REFUNDS, &refund).await.json();

    let signer = &world.platform.signer;
    let (headers, _) = &shop.wait("paid", 1).await[0];
    assert_eq!(
        headers["wechatpay-serial"],
        signer.certificate_serial.as_str()
    );
    let (headers, body) = &shop.wait("refund", 1).await[0];
    assert_eq!(headers["wechatpay-serial"], signer.public_key_id.as_str());
    let notice: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(notice["event_type"], "REFUND.SUCCESS");
    assert_eq!(notice["resource"]["associated_data"], "refund");
    assert_eq!(
        open(&world, body),
        json!({
            "mchid": world.shop.credentials.mchid, "out_trade_no": "order-0001",
            "transaction_id": refunded["transaction_id"], "out_refund_no": "r1",
            "refund_id": refunded["refund_id"], "refund_status": "SUCCESS",
            "success_time": refunded["success_time"], "user_received_account": "支付用户零钱",
            "amount": { "total": 1_000, "refund": 400, "payer_total": 1_000, "payer_refund": 400 },
        })
    );
    stop(notifier).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_answer_delays_no_other() {
    let world = World::new().await;
    let slow = Shop::open(&[("slow", &[0; 100])]).await;
    let well = Shop::open(&[]).await;
    let notifier = start(&world, options(100));
    for number in 0..20 {
        pay(&world, &format!("slow-{number:04}"), &slow.url("slow")).await;
    }
    pay(&world, "well-0001", &well.url("well")).await;
    let begun = std::time::Instant::now();
    well.wait("well", 1).await;
    assert!(
        begun.elapsed() < Duration::from_millis(600),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        slow.heard("slow").len() <= 8,
        "{}",
        slow.heard("slow").len()
    );
    stop(notifier).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_out_of_tries_is_kept_and_can_be_sent_again() {
    let world = World::new().await;
    let shop = Shop::open(&[("a", &[500, 500, 500])]).await;
    let notifier = start(&world, options(2));
    pay(&world, "order-0001", &shop.url("a")).await;
    until(|| notifier.counters().dead == 1).await;
    let dead = notifier.dead(10).unwrap().remove(0);
    assert_eq!((dead.tries, dead.url.as_str()), (3, shop.url("a").as_str()));
    assert_eq!(
        dead.last_error.as_deref(),
        Some("answered with HTTP status 500")
    );
    assert_eq!(notifier.counters().pending, 0);
    let sent: Value = serde_json::from_slice(&shop.heard("a")[0].1).unwrap();
    assert_eq!(sent["id"], dead.id.as_str());

    assert!(
        !notifier
            .redeliver("00000000-0000-0000-0000-000000000000")
            .unwrap()
    );
    assert!(notifier.redeliver(&dead.id).unwrap());
    shop.wait("a", 4).await;
    until(|| notifier.counters().pending == 0).await;
    assert_eq!(notifier.counters().dead, 0);
    // One that was acknowledged, too.
    assert!(notifier.redeliver(&dead.id).unwrap());
    shop.wait("a", 5).await;
    until(|| notifier.counters().pending == 0).await;
    stop(notifier).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_nothing_and_repeats_nothing_acknowledged() {
    let mut world = World::new().await;
    let shop = Shop::open(&[("late", &[500])]).await;
    let patient = Options {
        plan: Plan(vec![Duration::from_millis(1_500); 3]),
        ..options(0)
    };
    let notifier = start(&world, patient.clone());
    pay(&world, "order-0001", &shop.url("early")).await;
    pay(&world, "order-0002", &shop.url("late")).await;
    shop.wait("early", 1).await;
    shop.wait("late", 1).await;
    until(|| notifier.counters().pending == 1 && notifier.counters().failed == 1).await;
    stop(notifier).await;
    // Paid while nobody tells.
    pay(&world, "order-0003", &shop.url("meanwhile")).await;

    world = world.reopened().await;
    let notifier = start(&world, patient.clone());
    shop.wait("meanwhile", 1).await;
    shop.wait("late", 2).await;
    until(|| notifier.counters().pending == 0).await;
    stop(notifier).await;

    let notifier = start(&world, patient);
    pay(&world, "order-0004", &shop.url("last")).await;
    shop.wait("last", 1).await;
    for (name, count) in [("early", 1), ("late", 2), ("meanwhile", 1), ("last", 1)] {
        assert_eq!(shop.heard(name).len(), count, "{name}");
    }
    stop(notifier).await;
}

/// The log tells of a payment a moment before the store can show its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_notice_is_lost_when_the_store_is_behind_the_log() {
    let world = World::new().await;
    let shop = Shop::open(&[]).await;
    let notifier = start(&world, options(1));
    let numbers: Vec<String> = (0..100)
        .map(|number| format!("order-{number:04}"))
        .collect();
    let url = shop.url("all");
    for some in numbers.chunks(10) {
        let mut order = world.order(&some[0], 1);
        order["notify_url"] = json!(url);
        for number in some {
            order["out_trade_no"] = json!(number);
            world.paid(&order).await;
        }
    }
    shop.wait("all", numbers.len()).await;
    until(|| notifier.counters().pending == 0).await;
    let counters = notifier.counters();
    assert_eq!(
        (counters.delivered, counters.failed, counters.dead),
        (100, 0, 0)
    );
    stop(notifier).await;
}

/// An order of Alipay that is told to this endpoint, paid.
async fn pay_alipay(world: &World, url: String) -> OrderId {
    let terms = Terms {
        amount: Fen(1_234),
        channel: Channel::Scan,
        description: "牛肉面 100% &=+".into(),
        attach: None,
        notify: Some(Notify {
            url,
            form: NotifyForm::Alipay,
        }),
        expires_at: None,
        only_payer: None,
        echo: None,
    };
    let merchant = world.shop.credentials.merchant;
    let order = CreateOrder {
        merchant,
        number: number("ali-1"),
        terms: terms.into(),
    };
    let order = OrderId(world.platform.engine.submit(order).await.unwrap().event);
    world.pay(order).await;
    order
}

fn fields(body: &Bytes) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(body).unwrap();
    let url = reqwest::Url::parse(&format!("http://shop?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}

/// As SDKs look at it: all fields but two, in the order of their names, decoded.
fn bears_signature(world: &World, mut fields: BTreeMap<String, String>) -> bool {
    let sign = STANDARD.decode(fields.remove("sign").unwrap()).unwrap();
    assert_eq!(fields.remove("sign_type").as_deref(), Some("RSA2"));
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let key = world.platform.signer.key.public();
    verify(key, pairs.join("&").as_bytes(), &sign)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_of_alipay_is_a_signed_form_and_only_success_acknowledges_it() {
    let world = World::new().await;
    let merchant = world.shop.credentials.merchant;
    crate::alipay::app::register(&world.platform, merchant, None).unwrap();
    let shop = Shop::open(&[("a", &[500, 200, 204, 299])]).await;
    let notifier = start(&world, options(9));
    let order = pay_alipay(&world, shop.url("a")).await;
    let heard = shop.wait("a", 4).await;
    until(|| notifier.counters().delivered == 1).await;
    assert_eq!(notifier.counters().failed, 3, "no other answer is one");
    let first = fields(&heard[0].1);
    for (headers, body) in &heard {
        assert!(
            headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("application/x-www-form-urlencoded")
        );
        let told = fields(body);
        assert!(told.values().all(|value| !value.is_empty()), "{told:?}");
        assert_eq!(told["notify_id"], first["notify_id"]);
        assert!(bears_signature(&world, told));
    }
    let named = ["trade_status", "out_trade_no", "total_amount", "subject"]
        .map(|name| first[name].as_str());
    assert_eq!(
        named,
        ["TRADE_SUCCESS", "ali-1", "12.34", "牛肉面 100% &=+"]
    );
    let mut altered = first;
    altered.insert("total_amount".into(), "0.01".into());
    assert!(!bears_signature(&world, altered));

    let refund = RefundOrder {
        merchant,
        number: number("1:r1"),
        order: OrderRef::Id(order),
        amount: Fen(234),
        order_amount: Fen(1_234),
        reason: None,
        notify: Some(Box::new(Notify {
            url: shop.url("b"),
            form: NotifyForm::Alipay,
        })),
    };
    world.platform.engine.submit(refund).await.unwrap();
    let told = fields(&shop.wait("b", 1).await[0].1);
    let named = ["trade_status", "refund_fee", "out_biz_no"].map(|name| told[name].as_str());
    assert_eq!(named, ["TRADE_SUCCESS", "2.34", "r1"]);
    stop(notifier).await;
}
