//! What merchants are told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;

use super::super::cipher;
use super::*;
use crate::notify::{Notifier, Options, Plan};

/// What was heard, and what is answered next; the last answer stays.
#[derive(Clone, Default)]
struct Endpoint {
    heard: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<&'static str>>>,
}

const OK: &str =
    "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg>OK</return_msg></xml>";

impl Endpoint {
    async fn open(answers: &[&'static str]) -> (Self, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let endpoint = Self::default();
        endpoint.answers.lock().unwrap().extend(answers);
        let router = Router::new()
            .route("/notify", post(hear))
            .with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, url)
    }

    async fn wait(&self, count: usize) -> Vec<Fields> {
        for _ in 0..500 {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() >= count {
                let read = |body: &String| xml::read(body.as_bytes()).unwrap();
                return heard.iter().map(read).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not {count} notices within 10 s");
    }
}

async fn hear(State(endpoint): State<Endpoint>, body: String) -> &'static str {
    endpoint.heard.lock().unwrap().push(body);
    let mut answers = endpoint.answers.lock().unwrap();
    if answers.len() > 1 {
        answers.remove(0)
    } else {
        answers[0]
    }
}

fn start(shop: &Shop) -> Notifier {
    let options = Options {
        plan: Plan(vec![Duration::from_millis(50); 9]),
        ..Options::default()
    };
    let dir = shop.world.dir.path().join("notify");
    Notifier::start_with(shop.world.platform.clone(), &dir, options).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_told_signed_as_it_was_ordered_until_it_is_acknowledged_in_xml() {
    let fail = "<xml><return_code>FAIL</return_code></xml>";
    for kind in [SignType::Md5, SignType::HmacSha256] {
        let mut shop = Shop::open().await;
        shop.kind = kind;
        let (endpoint, url) = Endpoint::open(&["", "SUCCESS", fail, OK]).await;
        let notifier = start(&shop);
        shop.paid("n", "1000", &[("notify_url", &url)]).await;
        let heard = endpoint.wait(4).await;
        let query = shop.query("n").await;
        for told in &heard {
            assert!(shop.key().verify(kind, told), "{told:?}");
            for name in [
                "transaction_id",
                "openid",
                "total_fee",
                "cash_fee",
                "time_end",
                "attach",
            ] {
                assert_eq!(told[name], query[name], "{name}");
            }
            let codes = (&*told["return_code"], &*told["result_code"]);
            assert_eq!(codes, ("SUCCESS", "SUCCESS"));
        }
        assert_ne!(heard[0]["nonce_str"], heard[1]["nonce_str"]);
        for _ in 0..200 {
            if notifier.counters().delivered == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let counters = notifier.counters();
        assert_eq!((counters.delivered, counters.failed), (1, 3));
        tokio::task::spawn_blocking(move || notifier.stop())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_is_told_sealed() {
    let shop = Shop::open().await;
    let (endpoint, url) = Endpoint::open(&[OK]).await;
    let notifier = start(&shop);
    shop.paid("n", "1000", &[]).await;
    let refund = [
        ("out_refund_no", "r"),
        ("out_trade_no", "n"),
        ("refund_fee", "300"),
        ("total_fee", "1000"),
        ("notify_url", &*url),
    ];
    let done = shop.ask(REFUND, &refund).await;
    let told = endpoint.wait(1).await.remove(0);
    assert!(!told.contains_key("sign"));
    let plain = cipher::open(&shop.key(), &told["req_info"]).unwrap();
    let inner = plain
        .replace("<root>", "<xml>")
        .replace("</root>", "</xml>");
    let inner = xml::read(inner.as_bytes()).unwrap();
    for name in [
        "refund_id",
        "out_refund_no",
        "out_trade_no",
        "transaction_id",
        "refund_fee",
        "total_fee",
    ] {
        assert_eq!(inner[name], done[name], "{name}");
    }
    assert_eq!(inner["refund_status"], "SUCCESS");
    tokio::task::spawn_blocking(move || notifier.stop())
        .await
        .unwrap();
}
