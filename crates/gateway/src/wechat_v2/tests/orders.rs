//! Orders: placed, paid, shown, ended.

use super::*;
use crate::paycode;
use crate::wechat::world::{BASE, LEI};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_placed_paid_and_shown_under_both_signatures() {
    let mut shop = Shop::open().await;
    for kind in [SignType::Md5, SignType::HmacSha256] {
        shop.kind = kind;
        let number = format!("order-{kind:?}");
        let placed = shop
            .unified(&number, "1000", &[("device_info", "013")])
            .await;
        assert_eq!(placed["result_code"], "SUCCESS", "{placed:?}");
        assert_eq!(
            (&*placed["trade_type"], &*placed["device_info"]),
            ("NATIVE", "013")
        );
        assert!(placed["code_url"].starts_with(&format!("{BASE}/q/")));
        assert_eq!(placed["prepay_id"].len(), crate::wechat::ids::PREPAY_ID_LEN);
        let unpaid = shop.query(&number).await;
        assert_eq!(unpaid["trade_state"], "NOTPAY");
        assert!(!unpaid.contains_key("transaction_id") && !unpaid.contains_key("time_end"));

        shop.paid(&number, "1000", &[("device_info", "013")]).await;
        let paid = shop.query(&number).await;
        let appid = &shop.world.shop.credentials.appid;
        let openid = shop.world.platform.ids.openid(LEI.0.into(), appid);
        for (name, value) in [
            ("trade_state", "SUCCESS"),
            ("trade_state_desc", "支付成功"),
            ("total_fee", "1000"),
            ("cash_fee", "1000"),
            ("fee_type", "CNY"),
            ("bank_type", "OTHERS"),
            ("is_subscribe", "N"),
            ("attach", "table 7"),
            ("device_info", "013"),
            ("out_trade_no", &number),
            ("openid", &openid),
            ("trade_type", "NATIVE"),
        ] {
            assert_eq!(paid[name], value, "{name}");
        }
        assert_eq!(paid["time_end"].len(), 14);
        let by_id = shop
            .ask(QUERY, &[("transaction_id", &paid["transaction_id"])])
            .await;
        assert_eq!(by_id["out_trade_no"], number);
        // It is the same order in v3.
        let v3 = shop.world.query(&number).await;
        assert_eq!(v3["transaction_id"], *paid["transaction_id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_names_one_order() {
    let shop = Shop::open().await;
    let detail = (
        "detail",
        r#"{"goods_detail":[{"goods_id":"1","quantity":1,"price":1}]}"#,
    );
    let first = shop.unified("n", "100", &[detail]).await;
    let again = shop
        .unified("n", "100", &[detail, ("spbill_create_ip", "::1")])
        .await;
    assert_eq!(again["code_url"], first["code_url"]);
    for other in [
        ("total_fee", "101"),
        ("body", "x"),
        ("attach", "x"),
        ("attach", ""),
        ("product_id", "1"),
        ("detail", "x"),
        ("notify_url", "http://127.0.0.1:9/other"),
        ("trade_type", "APP"),
        ("limit_pay", "no_credit"),
    ] {
        let reply = shop.unified("n", "100", &[detail, other]).await;
        assert_eq!(said(&reply), refused("INVALID_REQUEST"), "{other:?}");
        assert!(
            reply["err_code_des"].contains("201 商户订单号重复"),
            "{reply:?}"
        );
    }
    shop.paid("n", "100", &[detail]).await;
    for total in ["100", "101"] {
        let reply = shop.unified("n", total, &[detail]).await;
        assert_eq!(said(&reply), refused("ORDERPAID"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_product_answers_in_its_own_way() {
    let shop = Shop::open().await;
    let js = ("trade_type", "JSAPI");
    assert_eq!(
        said(&shop.unified("js", "1", &[js]).await),
        refused("LACK_PARAMS")
    );
    let wrong = shop.unified("js", "1", &[js, ("openid", "nobody")]).await;
    assert_eq!(said(&wrong), refused("PARAM_ERROR"));
    let appid = &shop.world.shop.credentials.appid;
    let openid = shop.world.platform.ids.openid(LEI.0.into(), appid);
    let placed = shop.unified("js", "1", &[js, ("openid", &openid)]).await;
    assert!(!placed.contains_key("code_url") && placed["prepay_id"].starts_with("wx"));
    let placed = shop.unified("app", "1", &[("trade_type", "APP")]).await;
    assert!(!placed.contains_key("code_url") && placed["prepay_id"].starts_with("wx"));
    let placed = shop.unified("web", "1", &[("trade_type", "MWEB")]).await;
    assert!(placed["mweb_url"].starts_with(BASE) && placed["mweb_url"].ends_with("?h5=1"));
    let short = shop
        .ask(
            "/tools/shorturl",
            &[("long_url", &format!("{BASE}/q/x%20y"))],
        )
        .await;
    assert_eq!(short["short_url"], format!("{BASE}/q/x%20y"));
    let other = shop
        .ask("/tools/shorturl", &[("long_url", "https://example.com/")])
        .await;
    assert_eq!(said(&other), refused("PARAM_ERROR"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_to_be_shortened_is_signed_before_it_is_encoded() {
    let shop = Shop::open().await;
    let link = format!("{BASE}/q/abc");
    let mut fields = shop.signed(shop.fields(&[("long_url", &link)]));
    fields.insert(
        "long_url".into(),
        link.replace(':', "%3A").replace('/', "%2F"),
    );
    let answer = shop.send("/tools/shorturl", &fields).await;
    assert_eq!(answer["short_url"], link);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unpaid_orders_are_closed_once() {
    let shop = Shop::open().await;
    let close = async |number: &str| shop.ask(CLOSE, &[("out_trade_no", number)]).await;
    shop.unified("n", "100", &[]).await;
    let closed = close("n").await;
    assert_eq!(
        (&*closed["result_code"], &*closed["result_msg"]),
        ("SUCCESS", "OK")
    );
    assert_eq!(shop.query("n").await["trade_state"], "CLOSED");
    assert_eq!(said(&close("n").await), refused("ORDERCLOSED"));
    assert_eq!(
        said(&shop.unified("n", "100", &[]).await),
        refused("ORDERCLOSED")
    );
    assert_eq!(said(&close("unknown").await), refused("ORDERNOTEXIST"));
    assert_eq!(said(&shop.query("unknown").await), refused("ORDERNOTEXIST"));
    shop.paid("paid", "100", &[]).await;
    assert_eq!(said(&close("paid").await), refused("ORDERPAID"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pay_code_pays_one_order_and_is_reversed() {
    let shop = Shop::open().await;
    let platform = &shop.world.platform;
    let charge = async |number: &str, total: &str, code: &str| {
        shop.ask(
            MICROPAY,
            &[&order(number, total)[..], &[("auth_code", code)]].concat(),
        )
        .await
    };
    let code = paycode::one_code(platform, LEI).await.unwrap();
    assert_eq!(code.len(), 18);
    let who = shop
        .ask("/tools/authcodetoopenid", &[("auth_code", &code)])
        .await;
    let first = charge("a", "150", &code).await;
    assert_eq!(first["result_code"], "SUCCESS", "{first:?}");
    assert_eq!(
        (&*first["trade_type"], &*first["total_fee"]),
        ("MICROPAY", "150")
    );
    assert_eq!(who["openid"], first["openid"]);
    let again = charge("a", "150", &code).await;
    assert_eq!(again["transaction_id"], first["transaction_id"]);
    assert_eq!(said(&charge("a", "151", &code).await), refused("ORDERPAID"));
    assert_eq!(
        said(&charge("b", "150", &code).await),
        refused("AUTH_CODE_INVALID")
    );
    assert_eq!(
        said(&charge("c", "150", "130000000000000000").await),
        refused("AUTH_CODE_INVALID")
    );
    let spent = shop
        .ask("/tools/authcodetoopenid", &[("auth_code", "1")])
        .await;
    assert_eq!(said(&spent), refused("AUTH_CODE_INVALID"));

    let code = paycode::one_code(platform, LEI).await.unwrap();
    assert_eq!(
        said(&charge("d", "100001", &code).await),
        refused("USERPAYING")
    );
    assert_eq!(shop.query("d").await["trade_state"], "USERPAYING");

    let reverse = async |number: &str| shop.ask(REVERSE, &[("out_trade_no", number)]).await;
    assert_eq!(
        said(&shop.ask(CLOSE, &[("out_trade_no", "a")]).await),
        refused("INVALID_REQUEST")
    );
    for _ in 0..2 {
        assert_eq!(reverse("a").await["recall"], "N");
        assert_eq!(reverse("d").await["recall"], "N");
    }
    assert_eq!(shop.query("a").await["trade_state"], "REVOKED");
    assert_eq!(said(&reverse("unknown").await), refused("ORDERNOTEXIST"));
    shop.unified("n", "1", &[]).await;
    assert_eq!(said(&reverse("n").await), refused("TRADE_ERROR"));
}
