//! Trade bills, and what production does otherwise.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use feiqian_core::{Mode, UnixMillis};
use jiff::civil::Date;
use serde_json::json;

use super::super::times;
use super::super::world::{BASE, CODEPAY, LEI, Merchant, NATIVE, REFUNDS, Reply, World};
use super::refused;
use crate::paycode;
use crate::platform::unix_seconds;

fn today() -> Date {
    times::date(UnixMillis(unix_seconds().cast_signed() * 1_000))
}

/// A payment with a refund, and a payment by code that is reversed.
async fn traded() -> World {
    let world = World::new().await;
    let mut body = world.order("order-0001", 1_000);
    body["description"] = json!("`牛肉,面\n");
    world.paid(&body).await;
    let refund = world.refund("r1", "order-0001", 400, 1_000);
    world.post(REFUNDS, &refund).await;
    let code = paycode::one_code(&world.platform, LEI).await.unwrap();
    let paid = world.codepay("order-0002", 150, &code);
    world.post(CODEPAY, &paid).await;
    let credentials = &world.shop.credentials;
    let us = json!({ "appid": credentials.appid, "mchid": credentials.mchid });
    let path = "/v3/pay/transactions/out-trade-no/order-0002/reverse";
    assert_eq!(world.post(path, &us).await.status, 200);
    world
}

/// The path of an answer's `download_url`.
fn path(applied: &Reply) -> String {
    let applied = applied.json();
    let url = applied["download_url"].as_str().unwrap();
    url.strip_prefix(BASE).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_has_every_payment_refund_and_reversal_and_keeps_its_bytes() {
    let world = traded().await;
    let target = format!("/v3/bill/tradebill?bill_date={}&bill_type=ALL", today());
    let applied = world.get(&target).await;
    world.paid(&world.order("order-late", 77)).await;
    let path = path(&applied);
    assert!(path.starts_with("/v3/billdownload/file?token="));
    let file = world.get(&path).await;
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &file.body);
    let hex = |byte: &u8| format!("{byte:02x}");
    let hash: String = hash.as_ref().iter().map(hex).collect();
    assert_eq!(applied.json()["hash_value"], hash);
    assert_eq!(applied.json()["hash_type"], "SHA1");
    assert_eq!(file.header("content-encoding"), "");

    let text = String::from_utf8(file.body.clone()).unwrap();
    assert!(text.starts_with('\u{feff}') && text.ends_with("\r\n"));
    let lines: Vec<&str> = text.lines().collect();
    let row = |line: &&str| line[1..].split(",`").map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = lines[1..5].iter().map(row).collect();
    let column = |column: usize| {
        rows.iter()
            .map(|row| row[column].as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(column(9), ["SUCCESS", "REFUND", "SUCCESS", "REVOKED"]);
    let (first, second) = ("order-0001", "order-0002");
    assert_eq!(column(6), [first, first, second, second]);
    assert_eq!(column(16), ["0.00", "4.00", "0.00", "1.50"]);
    assert_eq!(column(22), ["0.06", "-0.02", "0.01", "-0.01"]);
    assert_eq!(column(20)[0], "｀牛肉，面 ");
    assert_eq!(lines[6], "`4,`11.50,`5.50,`0.00,`0.04,`11.50,`5.50");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_is_downloaded_zipped_and_by_its_merchant_only() {
    let world = traded().await;
    let target = format!("/v3/bill/tradebill?bill_date={}&tar_type=GZIP", today());
    let path = path(&world.get(&target).await);
    let zipped = world.get(&path).await;
    assert!(path.ends_with("&tartype=gzip") && zipped.body.starts_with(&[0x1f, 0x8b]));
    assert_eq!(zipped.header("content-type"), "application/x-gzip");
    assert_eq!(zipped.header("content-encoding"), "");
    // wechatpay-node-v3 signs the whole address.
    let whole = Some(format!("{BASE}{path}"));
    let whole = world
        .get_with(&path, |change| change.signed_target = whole)
        .await;
    assert_eq!(whole.body, zipped.body);

    let other = Merchant::add(&world.platform, "Tea").await;
    let stolen = world.get_as(&other, &path).await;
    assert_eq!(stolen.code(), refused(403, "NO_AUTH"));
    let guessed = world.get("/v3/billdownload/file?token=guessed").await;
    assert_eq!(guessed.code(), refused(400, "PARAM_ERROR"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_of_no_day_or_of_a_day_without_trade_is_refused() {
    let world = World::new().await;
    let today = today();
    for (query, code) in [
        ("bill_type=ALL".to_owned(), "PARAM_ERROR"),
        ("bill_date=2026-02-30".to_owned(), "PARAM_ERROR"),
        ("bill_date=today".to_owned(), "PARAM_ERROR"),
        (format!("bill_date={today}&bill_type=NONE"), "PARAM_ERROR"),
        (format!("bill_date={today}&tar_type=ZIP"), "PARAM_ERROR"),
        (format!("bill_date={today}"), "NO_STATEMENT_EXIST"),
        ("bill_date=2001-01-01".to_owned(), "NO_STATEMENT_EXIST"),
    ] {
        let reply = world.get(&format!("/v3/bill/tradebill?{query}")).await;
        assert_eq!(reply.code(), refused(400, code), "{query}");
    }
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
    let today = today();
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
