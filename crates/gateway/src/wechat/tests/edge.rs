//! Who is let in, in which form, and what every answer bears.

use secrecy::ExposeSecret as _;

use super::super::aead::ApiV3Key;
use super::super::times;
use super::super::world::{Change, Merchant, NATIVE, REFUNDS, World};
use super::refused;
use crate::platform::unix_seconds;

/// Makes something wrong in a request.
type Forge = Box<dyn Fn(&mut Change)>;

/// Contract, part 6: what servers get wrong that breaks these SDKs, 1 to 17. Every call of these
/// tests also checks 1 to 4 and 12: the five headers on every answer, over exactly its bytes.
///
/// Here 5: another order of parameters, short nonces, a serial in lower case or with zeros.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorization_is_read_in_every_form_that_sdks_send() {
    let world = World::new().await;
    world.place(&world.order("order-0001", 100)).await;
    let target = world.query_target("order-0001");
    let given = world
        .shop
        .authorization("GET", &target, b"", &Change::default());
    let (scheme, fields) = given.split_once(' ').unwrap();
    let mut fields: Vec<&str> = fields.split(',').collect();
    fields.reverse();
    let reversed = format!("{scheme} {}", fields.join(", "));
    let reply = world
        .get_with(&target, |change| change.authorization = Some(reversed))
        .await;
    assert_eq!(reply.status, 200);
    let serial = &world.shop.credentials.serial_no;
    for serial in [serial.to_lowercase(), format!("00{serial}")] {
        let reply = world
            .get_with(&target, |change| change.serial_no = Some(serial))
            .await;
        assert_eq!(reply.status, 200);
    }
    let short = Some("k3j5h2".to_owned());
    assert_eq!(
        world
            .get_with(&target, |change| change.nonce = short)
            .await
            .status,
        200
    );
}

/// 6: the raw target and body; 13: the form of errors; 15: `null` where nothing was signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signature_covers_what_was_sent_or_what_an_sdk_signs_instead() {
    let world = World::new().await;
    world.place(&world.order("order-0001", 100)).await;
    let target = world.query_target("order-0001");
    let odd = format!("{target}&note=a+b:%E4%BD%A0%2f,$");
    assert_eq!(world.get(&odd).await.status, 200);
    let decoded = Some(format!("{target}&note=a+b:你/,$"));
    assert_eq!(
        world
            .get_with(&odd, |change| change.signed_target = decoded)
            .await
            .status,
        200
    );
    let python = world.order("order-0002", 100).to_string();
    let python = python
        .replace("牛肉面", "\\u725b\\u8089 {")
        .replace("\":", "\": ");
    let shop = &world.shop;
    let reply = world
        .send(shop, "POST", NATIVE, python.into(), Change::default())
        .await;
    assert_eq!(reply.status, 200);
    let path = "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/1/cancel";
    for body in ["null", "{}", ""] {
        let change = Change {
            signed_body: Some(Vec::new()),
            ..Change::default()
        };
        let reply = world.send(shop, "POST", path, body.into(), change).await;
        assert_eq!(reply.code(), refused(404, "NOT_FOUND"), "{body}");
    }
}

/// 4 and 17: the key's name is the one that the request names; the merchant's own serial is nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_name_the_key_as_the_sdk_knows_it() {
    let world = World::new().await;
    let (signer, own) = (&world.platform.signer, &world.shop.credentials.serial_no);
    let (key, certificate) = (&signer.public_key_id, &signer.certificate_serial);
    let (python, node) = (Some("wechatpay python sdk v2"), Some("127.0.0.1"));
    for (named, agent, answered) in [
        (Some(key), python, key),
        (Some(certificate), None, certificate),
        (None, None, key),
        (None, python, certificate),
        (None, node, certificate),
        (Some(own), None, key),
        (Some(own), node, certificate),
    ] {
        let change = |change: &mut Change| {
            change.wechatpay_serial = named.cloned();
            change.user_agent = agent;
        };
        let reply = world.get_with("/v3/certificates", change).await;
        assert_eq!(
            reply.header("wechatpay-serial"),
            answered,
            "{named:?} {agent:?}"
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
        let at = times::read(item[name].as_str().unwrap()).unwrap();
        assert_eq!(at.0, seconds * 1_000, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_prove_it_is_not_let_in() {
    let world = World::new().await;
    let target = "/v3/certificates";
    let now = unix_seconds().cast_signed();
    let whole = world
        .shop
        .authorization("GET", target, b"", &Change::default());
    let cut = whole[..whole.len() - 20].to_owned();
    let forgeries: [(&str, Forge); 11] = [
        (
            "no header",
            Box::new(|change| change.authorization = Some(String::new())),
        ),
        (
            "another scheme",
            Box::new(|change| change.authorization = Some("Bearer fqm_x".into())),
        ),
        (
            "a cut header",
            Box::new(move |change| change.authorization = Some(cut.clone())),
        ),
        (
            "another body",
            Box::new(|change| change.signed_body = Some(b"{}".into())),
        ),
        (
            "another target",
            Box::new(|change| change.signed_target = Some("/v3".into())),
        ),
        (
            "an old time",
            Box::new(move |change| change.timestamp = Some(now - 360)),
        ),
        (
            "a time to come",
            Box::new(move |change| change.timestamp = Some(now + 360)),
        ),
        (
            "milliseconds",
            Box::new(move |change| change.timestamp = Some(now * 1_000)),
        ),
        (
            "an unknown merchant",
            Box::new(|change| change.mchid = Some("1999999999".into())),
        ),
        (
            "no merchant of ours",
            Box::new(|change| change.mchid = Some("1234567890".into())),
        ),
        (
            "another serial",
            Box::new(|change| change.serial_no = Some("F".repeat(40))),
        ),
    ];
    for (name, forge) in forgeries {
        let reply = world.get_with(target, forge).await;
        assert_eq!(reply.code(), refused(401, "SIGN_ERROR"), "{name}");
        assert!(!reply.json()["message"].as_str().unwrap().is_empty());
    }
    let other = Merchant::add(&world.platform, "Tea").await;
    let mchid = Some(world.shop.credentials.mchid.clone());
    let as_us = Change {
        mchid,
        ..Change::default()
    };
    let reply = world.send(&other, "GET", target, Vec::new(), as_us).await;
    assert_eq!(reply.code(), refused(401, "SIGN_ERROR"));
    let other_body = |change: &mut Change| change.signed_body = Some(b"x".into());
    let told = world.get_with(target, other_body).await.json();
    assert_eq!(told["detail"]["sign_information"]["url"], target);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_taken_once() {
    let world = World::new().await;
    let once = |change: &mut Change| change.nonce = Some("once".into());
    let target = "/v3/certificates";
    assert_eq!(world.get_with(target, once).await.status, 200);
    assert_eq!(
        world.get_with(target, once).await.code(),
        refused(401, "SIGN_ERROR")
    );
    let unknown = world.query_target("order-0001");
    assert_eq!(
        world.get_with(&unknown, once).await.code(),
        refused(401, "SIGN_ERROR")
    );
    // Another merchant may have thought of the same one.
    let other = Merchant::add(&world.platform, "Tea").await;
    let same = Change {
        nonce: Some("once".into()),
        ..Change::default()
    };
    assert_eq!(
        world
            .send(&other, "GET", target, Vec::new(), same)
            .await
            .status,
        200
    );
    // A refused request does not use up its nonce.
    let forged = |change: &mut Change| {
        change.nonce = Some("twice".into());
        change.signed_body = Some(b"x".into());
    };
    assert_eq!(world.get_with(target, forged).await.status, 401);
    let twice = |change: &mut Change| change.nonce = Some("twice".into());
    assert_eq!(world.get_with(target, twice).await.status, 200);
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
