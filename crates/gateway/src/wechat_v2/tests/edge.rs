//! Signatures, and requests that cannot be.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_merchants_key_signs() {
    let shop = Shop::open().await;
    let good = shop.signed(shop.fields(&order("n", "100")));
    let with = |name: &str, value: &str| {
        let mut fields = good.clone();
        fields.insert(name.to_owned(), value.to_owned());
        fields
    };
    let sign = &good["sign"];
    for wrong in [
        with("total_fee", "1"),
        with("sign", ""),
        with("sign", &sign[..31]),
        with("sign", &"0".repeat(32)),
        with("sign_type", "HMAC-SHA256"),
        with("sign", &"A".repeat(64)),
        with("more", "1"),
    ] {
        let answer = shop.send(UNIFIED, &wrong).await;
        assert_eq!(said(&answer), ("FAIL", "签名错误"), "{wrong:?}");
        assert!(!answer.contains_key("sign"));
    }
    for (wrong, message) in [
        (with("sign_type", "RSA"), "sign_type须为MD5或HMAC-SHA256"),
        (with("mch_id", "1"), "商户号不存在"),
    ] {
        assert_eq!(said(&shop.send(UNIFIED, &wrong).await), ("FAIL", message));
    }
    let unknown = shop.query("n").await;
    assert_eq!(
        said(&unknown),
        refused("ORDERNOTEXIST"),
        "nothing was placed"
    );
    // Digits in lower case, and empty fields, are as good.
    let mut lower = with("sign", &sign.to_lowercase());
    lower.insert("goods_tag".into(), String::new());
    assert_eq!(shop.send(UNIFIED, &lower).await["result_code"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_merchants_key_and_app_are_refused() {
    let shop = Shop::open().await;
    let other = Merchant::add(&shop.world.platform, "Tea").await;
    let mut fields = shop.fields(&[("out_trade_no", "n")]);
    let sign = key_of(&other).sign(SignType::Md5, pairs(&fields));
    fields.insert("sign".into(), sign);
    assert_eq!(said(&shop.send(QUERY, &fields).await), ("FAIL", "签名错误"));
    let foreign = [("out_trade_no", "n"), ("appid", &*other.credentials.appid)];
    let reply = shop.ask(QUERY, &foreign).await;
    assert_eq!(said(&reply), refused("APPID_MCHID_NOT_MATCH"));
    let partner = [("out_trade_no", "n"), ("sub_mch_id", "1")];
    assert_eq!(said(&shop.ask(QUERY, &partner).await), refused("NOAUTH"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_refused_with_status_200() {
    let shop = Shop::open().await;
    let doctype =
        "<!DOCTYPE xml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><xml><mch_id>&x;</mch_id></xml>";
    for (body, message) in [
        ("", "post数据为空"),
        ("{}", "XML格式错误"),
        ("<xml></xml>", "缺少参数mch_id"),
        ("<xml><mch_id>1</mch_id></xml>", "缺少参数sign"),
        (doctype, "XML格式错误：不支持DTD"),
    ] {
        let answer = xml::read(&shop.post(UNIFIED, body.into()).await).unwrap();
        assert_eq!(said(&answer), ("FAIL", message), "{body}");
    }
    let long = shop.post(UNIFIED, vec![b'x'; xml::XML_MAX + 1]).await;
    assert_eq!(
        said(&xml::read(&long).unwrap()),
        ("FAIL", "XML格式错误：超过64KiB")
    );
    let request = Request::builder().uri(UNIFIED).body(Body::empty()).unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(said(&xml::read(&body).unwrap()), ("FAIL", "请使用post方法"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_cannot_be_are_refused_by_name_and_change_nothing() {
    let shop = Shop::open().await;
    for (name, value, code) in [
        ("body", "", "LACK_PARAMS"),
        ("total_fee", "", "LACK_PARAMS"),
        ("out_trade_no", "", "LACK_PARAMS"),
        ("spbill_create_ip", "", "LACK_PARAMS"),
        ("notify_url", "", "LACK_PARAMS"),
        ("trade_type", "", "LACK_PARAMS"),
        ("nonce_str", "", "LACK_PARAMS"),
        ("appid", "", "LACK_PARAMS"),
        ("total_fee", "0", "PARAM_ERROR"),
        ("total_fee", "1.5", "PARAM_ERROR"),
        ("total_fee", "-1", "PARAM_ERROR"),
        ("total_fee", "+1", "PARAM_ERROR"),
        ("total_fee", "9999999999999", "PARAM_ERROR"),
        ("fee_type", "USD", "PARAM_ERROR"),
        ("out_trade_no", "a b", "PARAM_ERROR"),
        ("trade_type", "MICROPAY", "PARAM_ERROR"),
        ("notify_url", "ftp://127.0.0.1/", "PARAM_ERROR"),
        ("time_expire", "tomorrow", "PARAM_ERROR"),
        ("time_expire", "20200101000000", "PARAM_ERROR"),
        ("deposit", "Y", "PARAM_ERROR"),
    ] {
        let reply = shop.unified("n", "100", &[(name, value)]).await;
        assert_eq!(said(&reply), refused(code), "{name}={value}: {reply:?}");
        assert!(!reply["err_code_des"].is_empty());
    }
    let long = "店".repeat(128);
    let reply = shop.unified("n", "100", &[("body", &long)]).await;
    assert_eq!(said(&reply), refused("PARAM_ERROR"));
    assert_eq!(said(&shop.query("n").await), refused("ORDERNOTEXIST"));
}
