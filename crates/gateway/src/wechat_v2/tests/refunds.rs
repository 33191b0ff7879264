//! Refunds, and the day's bill.

use super::*;
use crate::platform::unix_millis;

async fn refund(shop: &Shop, number: &str, order: &str, amount: &str, total: &str) -> Fields {
    let fields = [
        ("out_refund_no", number),
        ("out_trade_no", order),
        ("refund_fee", amount),
        ("total_fee", total),
        ("refund_desc", "七天无理由"),
    ];
    shop.ask(REFUND, &fields).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_refunded_in_parts() {
    let shop = Shop::open().await;
    shop.paid("n", "1000", &[]).await;
    let first = refund(&shop, "r0", "n", "300", "1000").await;
    assert_eq!(first["result_code"], "SUCCESS", "{first:?}");
    for (name, value) in [
        ("out_refund_no", "r0"),
        ("out_trade_no", "n"),
        ("refund_fee", "300"),
        ("total_fee", "1000"),
        ("cash_fee", "1000"),
        ("cash_refund_fee", "300"),
        ("settlement_refund_fee", "300"),
        ("coupon_refund_fee", "0"),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    let again = refund(&shop, "r0", "n", "300", "1000").await;
    assert_eq!(again["refund_id"], first["refund_id"]);
    assert_eq!(
        said(&refund(&shop, "r0", "n", "301", "1000").await),
        refused("REFUND_FEE_MISMATCH")
    );
    assert_eq!(
        said(&refund(&shop, "r1", "n", "1", "999").await),
        refused("REFUND_FEE_MISMATCH")
    );
    let above = refund(&shop, "r1", "n", "701", "1000").await;
    assert_eq!(said(&above), ("FAIL", "invalid refund_fee"));
    assert_eq!(shop.query("n").await["trade_state"], "REFUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_are_listed_ten_at_a_time_and_found_by_every_number() {
    let shop = Shop::open().await;
    shop.paid("n", "1000", &[]).await;
    let first = refund(&shop, "r0", "n", "300", "1000").await;
    for number in 1..=11 {
        refund(&shop, &format!("r{number}"), "n", "1", "1000").await;
    }
    let list = shop.ask(REFUND_QUERY, &[("out_trade_no", "n")]).await;
    assert_eq!(
        (&*list["total_refund_count"], &*list["refund_count"]),
        ("12", "10")
    );
    assert_eq!(
        (&*list["out_refund_no_0"], &*list["out_refund_no_9"]),
        ("r0", "r9")
    );
    assert_eq!(list["refund_recv_accout_0"], "支付用户零钱");
    assert_eq!(list["refund_success_time_0"].len(), 19);
    let rest = [("out_trade_no", "n"), ("offset", "10")];
    let rest = shop.ask(REFUND_QUERY, &rest).await;
    assert_eq!(
        (&*rest["refund_count"], &*rest["out_refund_no_1"]),
        ("2", "r11")
    );
    let transaction = shop.query("n").await["transaction_id"].clone();
    for named in [
        ("out_refund_no", "r0"),
        ("refund_id", &first["refund_id"]),
        ("transaction_id", &transaction),
    ] {
        let found = shop.ask(REFUND_QUERY, &[named]).await;
        assert_eq!(found["refund_id_0"], first["refund_id"], "{named:?}");
        assert_eq!(found["refund_status_0"], "SUCCESS");
    }
    for named in [
        ("out_refund_no", "x"),
        ("refund_id", "50300000000000000000000000000"),
        ("refund_id", "x"),
        ("out_trade_no", "x"),
        ("transaction_id", "x"),
    ] {
        let code = if named.0 == "transaction_id" {
            "ORDERNOTEXIST"
        } else {
            "REFUNDNOTEXIST"
        };
        assert_eq!(
            said(&shop.ask(REFUND_QUERY, &[named]).await),
            refused(code),
            "{named:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coupons_are_told_in_orders_and_refunds() {
    let shop = Shop::open().await;
    // The discount's budget comes from what the shop has.
    shop.paid("before", "10000", &[]).await;
    crate::wechat::tests::discounts::discount(&shop.world).await;
    shop.paid("n", "1000", &[]).await;
    let paid = shop.query("n").await;
    for (name, value) in [
        ("total_fee", "1000"),
        ("cash_fee", "900"),
        ("coupon_fee", "100"),
        ("coupon_count", "1"),
        ("coupon_fee_0", "100"),
        ("coupon_type_0", "CASH"),
        ("settlement_total_fee", "1000"),
    ] {
        assert_eq!(paid[name], value, "{name}");
    }
    let half = refund(&shop, "r", "n", "500", "1000").await;
    for (name, value) in [
        ("refund_fee", "500"),
        ("cash_refund_fee", "450"),
        ("coupon_refund_fee", "50"),
        ("coupon_refund_count", "1"),
        ("coupon_refund_fee_0", "50"),
    ] {
        assert_eq!(half[name], value, "{name}");
    }
    assert_eq!(half["coupon_refund_id_0"], paid["coupon_id_0"]);
    let list = shop.ask(REFUND_QUERY, &[("out_trade_no", "n")]).await;
    assert_eq!(list["coupon_refund_fee_0_0"], "50");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_paid_is_not_refunded_and_others_see_nothing() {
    let shop = Shop::open().await;
    shop.unified("unpaid", "100", &[]).await;
    for unknown in ["unpaid", "unknown"] {
        let reply = refund(&shop, "r", unknown, "1", "100").await;
        assert_eq!(said(&reply), refused("ORDERNOTEXIST"));
    }
    shop.paid("n", "100", &[]).await;
    let done = refund(&shop, "r", "n", "100", "100").await;
    let other = Shop {
        world: World {
            shop: Merchant::add(&shop.world.platform, "Tea").await,
            ..shop.world
        },
        ..shop
    };
    for (path, named) in [
        (QUERY, ("out_trade_no", "n")),
        (QUERY, ("transaction_id", &*done["transaction_id"])),
        (REFUND_QUERY, ("refund_id", &done["refund_id"])),
        (REFUND_QUERY, ("out_refund_no", "r")),
        (REVERSE, ("out_trade_no", "n")),
        (CLOSE, ("out_trade_no", "n")),
    ] {
        let reply = other.ask(path, &[named]).await;
        assert_eq!(reply["result_code"], "FAIL", "{path} {named:?}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_days_bill_is_a_file_and_its_refusals_are_not_signed() {
    let shop = Shop::open().await;
    let today = super::super::times::stamp(unix_millis())[..8].to_owned();
    let bill = async |day: &str, more: Pairs<'_>| {
        let fields = shop.fields(&[&[("bill_date", day)][..], more].concat());
        let fields = shop.signed(fields);
        let document = xml::write("xml", pairs(&fields)).into_bytes();
        shop.post("/pay/downloadbill", document).await
    };
    let none = xml::read(&bill(&today, &[]).await).unwrap();
    assert_eq!(said(&none), ("FAIL", "No Bill Exist"));
    assert_eq!(none["error_code"], "20002");
    shop.paid("n", "100", &[]).await;
    let text = String::from_utf8(bill(&today, &[("bill_type", "ALL")]).await).unwrap();
    assert!(text.contains(",`n,") && text.ends_with("\r\n"), "{text}");
    assert_eq!(
        bill(&today, &[("tar_type", "GZIP")]).await[..2],
        [0x1f, 0x8b]
    );
    for bad in ["2026", "20261301", "2026-1-1"] {
        let reply = xml::read(&bill(bad, &[]).await).unwrap();
        assert_eq!(said(&reply), ("FAIL", "invalid bill_date"));
    }
}
