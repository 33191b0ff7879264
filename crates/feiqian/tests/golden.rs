//! Data folders of released versions: every build opens them and finds all that was in them.
//!
//! `golden/VERSION.tar.gz` is a sandbox's whole data folder, as that release left it when it was killed
//! some time after an orderly stop: log, vault, notices, a store and a snapshot that lag behind the
//! log. `golden/VERSION.json` is what its clients had been told. Archives never change; a release adds
//! its own:
//!
//! ```text
//! cargo test --release -p feiqian --test golden -- --ignored
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::{Attempt, OrderRef};
use feiqian_core::{EventNumber, Fen, MerchantId, Mode, Number, OrderId, UnixMillis, UserId};
use feiqian_engine::{Engine, Options, Rejected};
use serde_json::{Value, json};

mod common;

use common::{Folder, Shop, audit, demo, string, text};

const VERSIONS: [&str; 1] = ["0.1.0"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// A copy of a version's folder as the sandbox `demo`, and what is known of it.
fn unpack(version: &str) -> (Folder, Value) {
    let folder = Folder::new();
    let archive = golden(&format!("{version}.tar.gz"));
    tar(&["-xzf", text(&archive), "-C", text(&folder.file(""))]);
    let told = fs::read(golden(&format!("{version}.json"))).unwrap();
    (folder, serde_json::from_slice(&told).unwrap())
}

/// Of what merchants and the operator were given.
fn hash(credentials: &Value) -> Value {
    let given = ["wechat", "wechat_other", "operator_key"].map(|key| &credentials[key]);
    json!(blake3::hash(json!(given).to_string().as_bytes()).to_string())
}

fn tar(arguments: &[&str]) {
    assert!(
        Command::new("tar")
            .args(arguments)
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn an_old_folder_is_served() {
    for version in VERSIONS {
        let (folder, told) = unpack(version);
        let data = folder.file("demo");
        // What a later version also says is not in what was told then.
        let audited = audit(&data);
        for (what, sum) in told["audit"].as_object().unwrap() {
            assert_eq!(&audited[what], sum, "{version} {what}");
        }
        let (server, credentials) = demo(&folder);
        assert_eq!(hash(&credentials), told["credentials"], "{version}");
        let shop = Shop::resume(&credentials, &told["shop"]);
        assert_eq!(json!(shop.balance()), told["balance"], "{version}");
        for (order, state) in told["orders"].as_object().unwrap() {
            let (status, amount, refunded) = shop.look(order);
            // An unpaid order's time is over by now.
            let status = if status == "expired" { "open" } else { &status };
            assert_eq!(
                &json!([status, amount, refunded]),
                state,
                "{version} {order}"
            );
        }
        assert_eq!(
            shop.order("old", 1_234).1["id"],
            told["old"],
            "{version}: an old number still names its order"
        );
        let statement = shop.statement();
        assert_eq!(statement, told["statement"], "{version}");
        server.stop();
        assert_eq!(audit(&data)["paid"], told["audit"]["paid"]);
    }
}

/// With the engine alone, whose clock can stand at that time: a year later nothing may be refunded.
#[tokio::test]
async fn an_old_folder_goes_on() {
    for version in VERSIONS {
        let (folder, told) = unpack(version);
        let data = folder.file("demo");
        let now = UnixMillis(told["at"].as_i64().unwrap() + 3_600_000);
        let mut options = Options::new(&data, Mode::Sandbox);
        options.clock = Arc::new(move || now);
        let engine = Engine::open(options).unwrap();
        let order = |name: &str| {
            let id = string(&told[name]);
            OrderId(EventNumber(
                id.strip_prefix("ord_").unwrap().parse().unwrap(),
            ))
        };
        let refund = |number: &str, fen: i64| RefundOrder {
            merchant: MerchantId(0),
            number: Number::new(number).unwrap(),
            order: OrderRef::Id(order("old")),
            amount: Fen(fen),
            order_amount: Fen(1_234),
            reason: None,
            notify: None,
        };
        let before = engine.durable();
        // 234 fen of it were given back then, under the number "old-refund".
        let again = engine.submit(refund("old-refund", 234)).await.unwrap();
        assert!(again.again && again.event < before, "{version}");
        assert!(matches!(
            engine.submit(refund("too-much", 1_001)).await,
            Err(Rejected::Refused(_))
        ));
        assert!(!engine.submit(refund("rest", 1_000)).await.unwrap().again);
        let pay = PayOrder {
            order: order("open"),
            payer: UserId(0),
            attempt: Attempt::of(&Number::new("late").unwrap()),
            at_most: None,
        };
        assert!(!engine.submit(pay).await.unwrap().again, "{version}");
        engine.stop();
        drop(engine);
        let found = audit(&data);
        assert_eq!(
            found["refunds"].as_i64(),
            told["audit"]["refunds"].as_i64().map(|n| n + 1)
        );
        assert_eq!(
            found["payments"].as_i64(),
            told["audit"]["payments"].as_i64().map(|n| n + 1)
        );
    }
}

#[test]
#[ignore = "makes the archive of this release"]
fn make_the_folder_of_this_release() {
    let version = env!("CARGO_PKG_VERSION");
    let archive = golden(&format!("{version}.tar.gz"));
    assert!(!archive.exists(), "a released folder never changes");
    let folder = Folder::new();
    let (server, credentials) = demo(&folder);
    let shop = Shop::new(&credentials);
    let old = shop.paid("old", 1_234);
    assert_eq!(shop.refund(&old, "old-refund", 234).0, 201);
    let gone = shop.paid("all-refunded", 50);
    assert_eq!(shop.refund(&gone, "all", 50).0, 201);
    let open = string(&shop.order("open", 77).1["id"]);
    let closed = string(&shop.order("closed", 78).1["id"]);
    assert_eq!(shop.close(&closed).0, 200);
    server.stop();

    // Snapshot and store end here; the log goes on.
    let (server, credentials) = demo(&folder);
    let shop = shop.at(&credentials);
    let later = shop.paid("later", 999);
    assert_eq!(shop.refund(&later, "later-refund", 1).0, 201);
    assert_eq!(shop.refund(&old, "no-such-amount", 5_000).0, 422);
    let orders: serde_json::Map<_, _> = [&old, &gone, &open, &closed, &later]
        .map(|order| (order.clone(), json!(shop.look(order))))
        .into_iter()
        .collect();
    let (balance, statement) = (shop.balance(), shop.statement());
    server.kill();

    let data = folder.file("demo");
    drop(fs::remove_file(data.join("backup.sock")));
    let at = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let told = json!({
        "at": u64::try_from(at).unwrap(),
        "audit": audit(&data),
        "credentials": hash(&credentials),
        "shop": shop.keys(),
        "old": old,
        "open": open,
        "orders": orders,
        "balance": balance,
        "statement": statement,
    });
    fs::write(golden(&format!("{version}.json")), format!("{told:#}\n")).unwrap();
    tar(&["-czf", text(&archive), "-C", text(&folder.file("")), "demo"]);
}
