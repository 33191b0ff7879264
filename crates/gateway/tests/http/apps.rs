//! The apps: who is let in, what is refused, and what nobody learns.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::{Fen, Mode, Number, UserId};
use feiqian_gateway::access::FIRST_OPERATOR;
use feiqian_gateway::app::account::NO_PIN_DEFAULT;
use feiqian_gateway::app::codes::SANDBOX_PACE;
use feiqian_gateway::app::outside::{Endpoint, Sms};
use feiqian_gateway::app::session::{self, Shopper, Who};
use feiqian_gateway::app::signed::SignedShopper;
use feiqian_gateway::app::{account, device, pin};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::{Answer, BASE_URL, World, text};

pub const PHONE: &str = "138 0013 8000";
pub const PIN: &str = "135790";
const WRONG: &str = "097531";
const ID: &str = "11010519491231002X";

/// What a P-256 key begins with (RFC 5480), the form of its point included.
const SPKI: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

/// A phone with its key.
pub struct Handset {
    pair: EcdsaKeyPair,
    pub cookie: String,
    device: String,
    pub user: String,
}

impl Handset {
    pub fn new() -> Self {
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            cookie: String::new(),
            device: String::new(),
            user: String::new(),
        }
    }

    pub fn public_key(&self) -> String {
        let point = self.pair.public_key().as_ref();
        let head = STANDARD.decode(SPKI).unwrap();
        let key = STANDARD.encode([&head, &point[1..]].concat());
        assert!(key.starts_with(SPKI), "{key}");
        key
    }

    fn sign(&self, text: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), text).unwrap())
    }

    /// Of a signed request.
    pub fn signature(&self, path: &str, number: &str, body: &str) -> String {
        let hash = digest(&SHA256, body.as_bytes());
        let hex: String = hash
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.sign(format!("POST\n{path}\n{number}\n{hex}").as_bytes())
    }

    fn shopper(&self) -> Shopper {
        Shopper {
            user: UserId(self.user.strip_prefix("usr_").unwrap().parse().unwrap()),
            device: self.device.parse().unwrap(),
        }
    }
}

pub async fn ask(w: &World, cookie: &str, what: &str, body: Value) -> Answer {
    ask_with(w, cookie, what, body, &[("Feiqian-App", "wallet")]).await
}

pub async fn ask_with(
    w: &World,
    cookie: &str,
    what: &str,
    body: Value,
    headers: &[(&str, &str)],
) -> Answer {
    let (method, path) = what.split_once(' ').unwrap();
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/app/wallet/{path}")
    };
    let mut request = Request::builder().method(method).uri(path);
    if !cookie.is_empty() {
        request = request.header("Cookie", cookie);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("Content-Type", "application/json");
        Body::from(body.to_string())
    };
    w.send(request.body(body).unwrap()).await
}

/// A code for this phone, as the sandbox shows it.
pub async fn code(w: &World, phone: &str) -> String {
    let sent = ask(w, "", "POST codes", json!({ "phone": phone })).await;
    text(&sent.ok()["sandbox_code"])
}

pub async fn register(w: &World, handset: &mut Handset, body: Value) -> Answer {
    let mut whole = json!({ "device": { "public_key": handset.public_key(), "label": "phone" } });
    for (name, value) in body.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let answer = ask(w, "", "POST register", whole).await;
    if answer.status.is_success() {
        let me = answer.json();
        handset.cookie = cookie_of(&answer);
        handset.device = text(&me["device"]["id"]);
        handset.user = text(&me["user_id"]);
    }
    answer
}

pub fn cookie_of(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// A sandbox with a brand, and somebody registered in it.
pub async fn with_mei() -> (World, Handset) {
    let w = World::new(Mode::Sandbox).await;
    w.brand("Red").await;
    let mut mei = Handset::new();
    let code = code(&w, PHONE).await;
    let body = json!({ "phone": PHONE, "code": code, "name": "梅" });
    let made = register(&w, &mut mei, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (w, mei)
}

pub async fn set_pin(w: &World, mei: &Handset) {
    let set = ask(w, &mei.cookie, "POST pin", json!({ "pin": PIN })).await;
    assert_eq!(set.status, 204, "{}", set.text);
}

/// Lets the pause between two codes of a phone pass.
pub async fn pause() {
    tokio::time::sleep(SANDBOX_PACE.pause).await;
}

#[tokio::test]
async fn somebody_registers_and_signs_in_with_the_device_alone() {
    let (w, mei) = with_mei().await;
    let me = ask(&w, &mei.cookie, "GET me", Value::Null).await.ok();
    assert_eq!(
        (&me["name"], &me["phone_masked"], &me["tier"], &me["pin"]),
        (
            &json!("梅"),
            &json!("138****8000"),
            &json!("basic"),
            &json!("none")
        )
    );
    assert_eq!(me["limits"]["single"], 50_000);
    assert!(me["device"].get("trusted_from").is_none());
    let boot = ask(&w, &mei.cookie, "GET boot", Value::Null).await.ok();
    assert_eq!((&boot["sandbox"], &boot["me"]), (&json!(true), &me));
    let out = ask(&w, &mei.cookie, "DELETE session", Value::Null).await;
    assert_eq!(out.status, 204);
    assert!(cookie_of(&out).ends_with('='));
    let gone = ask(&w, &mei.cookie, "GET me", Value::Null).await;
    assert_eq!(gone.error(), (401, "session_missing".into()));
    let boot = ask(&w, &mei.cookie, "GET boot", Value::Null).await.ok();
    assert!(boot.get("me").is_none());

    let device = json!({ "device_id": mei.device });
    let challenge = ask(&w, "", "POST challenge", device.clone()).await.ok();
    let challenge = text(&challenge["challenge"]);
    let signature = mei.sign(format!("feiqian-session\n{challenge}").as_bytes());
    let body = json!({ "device_id": mei.device, "challenge": challenge, "signature": signature });
    let signed_in = ask(&w, "", "POST session", body.clone()).await;
    assert_eq!(signed_in.ok()["user_id"], mei.user);
    let cookie = cookie_of(&signed_in);
    assert!(
        ask(&w, &cookie, "GET me", Value::Null)
            .await
            .status
            .is_success()
    );
    // A challenge is good once, and for its device's key only.
    let again = ask(&w, "", "POST session", body.clone()).await;
    assert_eq!(again.error(), (401, "signature_bad".into()));
    let challenge = ask(&w, "", "POST challenge", device).await.ok();
    let mut forged = body;
    forged["challenge"] = challenge["challenge"].clone();
    let forged = ask(&w, "", "POST session", forged).await;
    assert_eq!(forged.error(), (401, "signature_bad".into()));
}

#[tokio::test]
async fn a_cookie_is_for_this_server_alone() {
    let (w, mei) = with_mei().await;
    let set = {
        let who = Who::Operator(Number::new("anna").unwrap());
        let [(_, cookie)] = session::begin(&w.platform, &who).unwrap();
        cookie.to_str().unwrap().to_owned()
    };
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age="] {
        assert!(set.contains(part), "{set}");
    }
    // Tried without TLS; with it, see below.
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    // One app's cookie opens no other.
    let token = mei.cookie.split_once('=').unwrap().1;
    for name in ["feiqian-console", "feiqian-till", "__Host-feiqian-wallet"] {
        let cookie = format!("{name}={token}");
        let answer = ask(&w, &cookie, "GET me", Value::Null).await;
        assert_eq!(answer.status, 401, "{name}");
    }

    let w = World::at("https://pay.test", Mode::Sandbox).await;
    let who = Who::Operator(Number::new("anna").unwrap());
    let [(_, set)] = session::begin(&w.platform, &who).unwrap();
    let set = set.to_str().unwrap();
    assert!(
        set.starts_with("__Host-feiqian-console=") && set.ends_with("; Secure"),
        "{set}"
    );
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let (w, mei) = with_mei().await;
    let change = async |headers: &[(&str, &str)]| {
        let body = json!({ "language": "zh" });
        let answer = ask_with(&w, &mei.cookie, "PATCH me", body, headers).await;
        if answer.status.is_success() {
            return (200, String::new());
        }
        answer.error()
    };
    let app = ("Feiqian-App", "wallet");
    let missing = (403, "header_missing".to_owned());
    let foreign = (403, "origin_foreign".to_owned());
    for (headers, answer) in [
        (vec![], missing.clone()),
        (vec![("Feiqian-App", "other")], missing.clone()),
        (vec![app, app], missing),
        (vec![app, ("Origin", "https://evil.test")], foreign.clone()),
        (vec![app, ("Origin", "null")], foreign.clone()),
        (
            vec![app, ("Origin", "http://pay.test.evil.test")],
            foreign.clone(),
        ),
        (
            vec![app, ("Origin", BASE_URL), ("Sec-Fetch-Site", "cross-site")],
            foreign.clone(),
        ),
        (vec![app, ("Sec-Fetch-Site", "same-site")], foreign.clone()),
        (
            vec![app, ("Origin", "http://evil.test"), ("Host", "evil.test")],
            foreign,
        ),
        (
            vec![app, ("Origin", BASE_URL), ("Sec-Fetch-Site", "same-origin")],
            (200, String::new()),
        ),
        (
            vec![
                app,
                ("Origin", "http://localhost:5173"),
                ("Host", "localhost:5173"),
            ],
            (200, String::new()),
        ),
    ] {
        assert_eq!(change(&headers).await, answer, "{headers:?}");
    }
    for what in [
        "POST codes",
        "POST register",
        "POST session",
        "POST lost",
        "DELETE session",
    ] {
        let answer = ask_with(&w, "", what, json!({}), &[]).await;
        assert_eq!(answer.error(), (403, "header_missing".into()), "{what}");
    }
}

#[tokio::test]
async fn nothing_is_open_without_a_session() {
    let w = World::new(Mode::Sandbox).await;
    for what in [
        "GET me",
        "PATCH me",
        "GET devices",
        "DELETE devices/dev_x",
        "POST pin",
        "POST pin/unlock",
        "POST verify",
        "GET reads",
    ] {
        for cookie in [
            "",
            "feiqian-wallet=x",
            &format!("feiqian-wallet={}", "A".repeat(43)),
        ] {
            let answer = ask(&w, cookie, what, json!({})).await;
            assert_eq!(
                answer.error(),
                (401, "session_missing".into()),
                "{what} {cookie}"
            );
        }
    }
}

#[tokio::test]
async fn a_signature_is_good_for_one_request() {
    let (w, mei) = with_mei().await;
    let handler = async |signed: SignedShopper<Value>| {
        format!("{} {}", signed.number, signed.value["amount"])
    };
    let router = Router::new()
        .route("/pay", post(handler))
        .route("/other", post(handler))
        .with_state(w.platform.clone());
    let signature = mei.signature("/pay", "n1", r#"{"amount":1}"#);
    let stranger = Handset::new().signature("/pay", "n1", r#"{"amount":1}"#);
    let send = async |path: &str, number: &str, body: &'static str, signature: &str| {
        let request = Request::post(path)
            .header("Content-Type", "application/json")
            .header("Cookie", &mei.cookie)
            .header("Idempotency-Key", number)
            .header("Feiqian-Device-Signature", signature)
            .body(Body::from(body));
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        answer.status().as_u16()
    };
    let body = r#"{"amount":1}"#;
    // The same request again is the same number again.
    assert_eq!(send("/pay", "n1", body, &signature).await, 200);
    assert_eq!(send("/pay", "n1", body, &signature).await, 200);
    assert_eq!(send("/pay", "n2", body, &signature).await, 401);
    assert_eq!(send("/other", "n1", body, &signature).await, 401);
    assert_eq!(send("/pay", "n1", r#"{"amount":9}"#, &signature).await, 401);
    assert_eq!(send("/pay", "n1", body, &stranger).await, 401);
    assert_eq!(send("/pay", "n1", body, "").await, 401);
}

#[tokio::test]
async fn five_wrong_pins_lock_it_however_they_come() {
    let (w, mei) = with_mei().await;
    let shopper = mei.shopper();
    let number = Number::new("n").unwrap();
    let check = async |given: Option<&str>, fen: i64| {
        let checked = pin::check(&w.platform, shopper, number, given, Fen(fen)).await;
        checked.map_err(|error| error.code())
    };
    let small = NO_PIN_DEFAULT.0;
    assert_eq!(check(None, small).await, Ok(()));
    assert_eq!(check(None, small + 1).await, Err("pin_not_set"));
    assert_eq!(check(Some(PIN), 1).await, Err("pin_not_set"));
    set_pin(&w, &mei).await;
    assert_eq!(check(None, small).await, Ok(()));
    assert_eq!(check(None, small + 1).await, Err("pin_required"));
    for _ in 0..2 {
        for _ in 1..pin::TRIES {
            assert_eq!(check(Some(WRONG), 1).await, Err("pin_wrong"));
        }
        assert_eq!(
            check(Some(PIN), small + 1).await,
            Ok(()),
            "a right one counts anew"
        );
    }
    // Many at once get no more tries.
    let mut all = Vec::new();
    for _ in 0..12 {
        let platform = w.platform.clone();
        all.push(tokio::spawn(async move {
            let checked = pin::check(&platform, shopper, number, Some(WRONG), Fen(1)).await;
            checked.unwrap_err().code()
        }));
    }
    let mut wrong = 0;
    for answer in all {
        wrong += i32::from(answer.await.unwrap() == "pin_wrong");
    }
    assert_eq!(wrong, 4, "the fifth locks it");
    let kept = account::read(&w.platform, shopper.user).unwrap();
    assert_eq!(kept.wrong_pins, pin::TRIES, "on the disk");
    for given in [Some(PIN), Some(WRONG), None] {
        assert_eq!(check(given, 1).await, Err("pin_locked"));
    }
    let change = json!({ "pin": "864209", "old_pin": PIN });
    let change = ask(&w, &mei.cookie, "POST pin", change).await;
    assert_eq!(change.error(), (422, "pin_locked".into()));
    let me = ask(&w, &mei.cookie, "GET me", Value::Null).await.ok();
    assert_eq!(me["pin"], "locked");

    pause().await;
    let code = code(&w, PHONE).await;
    let body = json!({ "phone_code": code, "pin": "864209" });
    let me = ask(&w, &mei.cookie, "POST pin/unlock", body).await.ok();
    assert_eq!(me["pin"], "set");
    assert_eq!(check(Some("864209"), small + 1).await, Ok(()));
    assert_eq!(check(Some(PIN), 1).await, Err("pin_wrong"));
}

#[tokio::test]
async fn a_pin_gone_wrong_outlives_a_restart() {
    let (w, mei) = with_mei().await;
    set_pin(&w, &mei).await;
    let number = Number::new("n").unwrap();
    for _ in 0..3 {
        let checked = pin::check(&w.platform, mei.shopper(), number, Some(WRONG), Fen(1)).await;
        assert_eq!(checked.unwrap_err().code(), "pin_wrong");
    }
    let w = w.restarted().await;
    let me = ask(&w, &mei.cookie, "GET me", Value::Null).await;
    assert_eq!(me.ok()["pin"], "set", "nobody is signed out");
    for code in ["pin_wrong", "pin_locked"] {
        let checked = pin::check(&w.platform, mei.shopper(), number, Some(WRONG), Fen(1)).await;
        assert_eq!(checked.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_revoked_device_stops_at_once() {
    let (w, mei) = with_mei().await;
    set_pin(&w, &mei).await;
    let mut second = Handset::new();
    pause().await;
    let code = code(&w, PHONE).await;
    let body = json!({ "phone": PHONE, "code": code });
    let without = register(&w, &mut second, body).await;
    assert_eq!(without.error(), (422, "pin_required".into()));
    let body = json!({ "phone": PHONE, "code": code, "pin": WRONG });
    let wrong = register(&w, &mut second, body).await;
    assert_eq!(wrong.error(), (422, "pin_wrong".into()));
    let body = json!({ "phone": PHONE, "code": code, "pin": PIN });
    let added = register(&w, &mut second, body).await;
    assert_eq!(added.ok()["user_id"], mei.user);
    let devices = ask(&w, &mei.cookie, "GET devices", Value::Null).await.ok();
    assert_eq!(devices["data"].as_array().unwrap().len(), 2);

    // Another's device is one that does not exist.
    let mut lei = Handset::new();
    let other = self::code(&w, "13900139000").await;
    let body = json!({ "phone": "13900139000", "code": other });
    register(&w, &mut lei, body).await.ok();
    let revoke = format!("DELETE devices/{}", second.device);
    ask(&w, &lei.cookie, &revoke, Value::Null).await;
    assert!(
        ask(&w, &second.cookie, "GET me", Value::Null)
            .await
            .status
            .is_success()
    );

    let revoked = ask(&w, &mei.cookie, &revoke, Value::Null).await;
    assert_eq!(revoked.status, 204);
    let gone = ask(&w, &second.cookie, "GET me", Value::Null).await;
    assert_eq!(gone.error(), (401, "session_missing".into()));
    let Shopper { user, device } = second.shopper();
    assert!(!device::is_good(&w.platform, user, device).unwrap());
    let number = Number::new("n").unwrap();
    let paid = pin::check(&w.platform, second.shopper(), number, None, Fen(1)).await;
    assert!(paid.is_err());
    let challenge = json!({ "device_id": second.device });
    let challenge = ask(&w, "", "POST challenge", challenge).await.ok();
    let challenge = text(&challenge["challenge"]);
    let signature = second.sign(format!("feiqian-session\n{challenge}").as_bytes());
    let body =
        json!({ "device_id": second.device, "challenge": challenge, "signature": signature });
    let again = ask(&w, "", "POST session", body).await;
    assert_eq!(again.error(), (401, "signature_bad".into()));

    // A lost phone: from any other one, with the number alone.
    pause().await;
    let code = self::code(&w, PHONE).await;
    let lost = ask(&w, "", "POST lost", json!({ "phone": PHONE, "code": code })).await;
    assert_eq!(lost.status, 204);
    assert_eq!(
        ask(&w, &mei.cookie, "GET me", Value::Null).await.status,
        401
    );
    assert!(
        ask(&w, &lei.cookie, "GET me", Value::Null)
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn a_new_device_without_pin_spends_little_for_a_day() {
    let (w, mei) = with_mei().await;
    let mut second = Handset::new();
    pause().await;
    let code = code(&w, PHONE).await;
    let added = register(&w, &mut second, json!({ "phone": PHONE, "code": code })).await;
    assert!(added.ok()["device"]["trusted_from"].is_string());
    // Setting a PIN does not make it trusted.
    set_pin(&w, &second).await;
    let check = async |by: &Handset, number: &str, fen: i64| {
        let number = Number::new(number).unwrap();
        let checked = pin::check(&w.platform, by.shopper(), number, Some(PIN), Fen(fen)).await;
        checked.map_err(|error| error.code())
    };
    let most = pin::NEW_DEVICE_MAX.0;
    assert_eq!(check(&second, "a", most + 1).await, Err("new_device_limit"));
    assert_eq!(check(&second, "a", most - 1).await, Ok(()));
    assert_eq!(
        check(&second, "a", most - 1).await,
        Ok(()),
        "the same one counts once"
    );
    assert_eq!(check(&second, "b", 2).await, Err("new_device_limit"));
    assert_eq!(check(&second, "b", 1).await, Ok(()));
    assert_eq!(check(&second, "c", 1).await, Err("new_device_limit"));
    assert_eq!(check(&mei, "d", most * 2).await, Ok(()));
}

#[tokio::test]
async fn nobody_learns_whose_number_is_known() {
    let (w, _) = with_mei().await;
    pause().await;
    let stranger = "13900139000";
    let mut answers = Vec::new();
    for phone in [PHONE, stranger] {
        let sent = ask(&w, "", "POST codes", json!({ "phone": phone })).await;
        let mut body = sent.ok();
        let code = text(&body["sandbox_code"]);
        body["sandbox_code"] = json!(code.len());
        let soon = ask(&w, "", "POST codes", json!({ "phone": phone })).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let mut handset = Handset::new();
        let register = register(&w, &mut handset, json!({ "phone": phone, "code": wrong })).await;
        let lost = ask(
            &w,
            "",
            "POST lost",
            json!({ "phone": phone, "code": wrong }),
        )
        .await;
        let good = ask(&w, "", "POST lost", json!({ "phone": phone, "code": code })).await;
        answers.push((
            (sent.status, body),
            (soon.error(), register.error(), register.text, lost.text),
            (good.status, good.text),
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].1.0, (429, "too_many_requests".into()));
    assert_eq!(answers[0].1.1, (422, "code_wrong".into()));
    // Nor which device is known.
    let known = ask(
        &w,
        "",
        "POST challenge",
        json!({ "device_id": format!("dev_{}", "A".repeat(22)) }),
    );
    assert_eq!(text(&known.await.ok()["challenge"]).len(), 43);
}

#[tokio::test]
async fn codes_are_few_for_an_address() {
    let mut w = World::new(Mode::Sandbox).await;
    w.peer = ([192, 0, 2, 1], 1).into();
    let mut last = 200;
    for n in 0..20 {
        let phone = format!("139001390{n:02}");
        let sent = ask(&w, "", "POST codes", json!({ "phone": phone })).await;
        last = sent.status.as_u16();
        assert_eq!(last == 429, n >= 10, "{n}");
    }
    assert_eq!(last, 429);
    w.peer = ([192, 0, 2, 2], 1).into();
    let sent = ask(&w, "", "POST codes", json!({ "phone": "13900139099" })).await;
    assert_eq!(sent.status, 200);
}

#[tokio::test]
async fn in_production_codes_go_to_the_phone_only() {
    let w = World::new(Mode::Production).await;
    let sent = ask(&w, "", "POST codes", json!({ "phone": PHONE })).await;
    assert_eq!(sent.error(), (503, "code_not_sent".into()));
    assert!(!sent.text.contains("sandbox_code"));
}

#[tokio::test]
async fn a_real_name_raises_the_limits_and_guards_the_pin() {
    let (w, mei) = with_mei().await;
    set_pin(&w, &mei).await;
    let verify = async |number: &str| {
        let body = json!({ "name": "李梅", "id_number": number });
        ask(&w, &mei.cookie, "POST verify", body).await
    };
    let bad = verify("110105194912310021").await;
    assert_eq!(bad.error(), (400, "id_number_bad".into()));
    let me = verify(ID).await.ok();
    assert_eq!(
        (&me["tier"], &me["name"]),
        (&json!("verified"), &json!("李梅"))
    );
    assert_eq!(me["limits"]["single"], 500_000);
    assert_eq!(verify(ID).await.error(), (422, "already_verified".into()));
    let renamed = ask(&w, &mei.cookie, "PATCH me", json!({ "name": "王" })).await;
    assert_eq!(renamed.error(), (422, "name_verified".into()));

    pause().await;
    let code = code(&w, PHONE).await;
    let unlock = async |name: &str, last4: &str| {
        let body = json!({ "phone_code": code, "pin": "864209", "name": name, "id_last4": last4 });
        ask(&w, &mei.cookie, "POST pin/unlock", body).await
    };
    assert_eq!(
        unlock("梅", "002X").await.error(),
        (422, "proof_wrong".into())
    );
    assert_eq!(unlock("李梅", "002x").await.ok()["pin"], "set");
    pause().await;
    let code = self::code(&w, PHONE).await;
    for _ in 0..5 {
        let body =
            json!({ "phone_code": code, "pin": "864209", "name": "李梅", "id_last4": "0000" });
        let answer = ask(&w, &mei.cookie, "POST pin/unlock", body).await;
        assert_eq!(answer.error(), (422, "proof_wrong".into()));
    }
    let body = json!({ "phone_code": code, "pin": "864209", "name": "李梅", "id_last4": "002X" });
    let answer = ask(&w, &mei.cookie, "POST pin/unlock", body).await;
    assert_eq!(answer.error(), (422, "proof_locked".into()));
}

#[tokio::test]
async fn settings_are_kept_and_checked() {
    let (w, mei) = with_mei().await;
    let patch = async |body: Value| ask(&w, &mei.cookie, "PATCH me", body).await;
    let me = patch(json!({ "handle": "mei-8", "language": "zh", "no_pin": 0 }))
        .await
        .ok();
    assert_eq!(
        (&me["handle"], &me["language"], &me["limits"]["no_pin"]),
        (&json!("mei-8"), &json!("zh"), &json!(0))
    );
    let raise = json!({ "no_pin": 50_000 });
    assert_eq!(
        patch(raise.clone()).await.error(),
        (422, "pin_not_set".into())
    );
    set_pin(&w, &mei).await;
    assert_eq!(patch(raise).await.error(), (422, "pin_required".into()));
    let raised = patch(json!({ "no_pin": 50_000, "pin": PIN })).await.ok();
    assert_eq!(raised["limits"]["no_pin"], 50_000);
    let above = patch(json!({ "no_pin": 100_001, "pin": PIN })).await;
    assert_eq!(above.error(), (400, "amount_out_of_range".into()));
    let weak = json!({ "pin": "123456", "old_pin": PIN });
    let weak = ask(&w, &mei.cookie, "POST pin", weak).await;
    assert_eq!(weak.error(), (422, "pin_weak".into()));

    let mut lei = Handset::new();
    let code = code(&w, "13900139000").await;
    register(
        &w,
        &mut lei,
        json!({ "phone": "13900139000", "code": code }),
    )
    .await
    .ok();
    let taken = ask(&w, &lei.cookie, "PATCH me", json!({ "handle": "mei-8" })).await;
    assert_eq!(taken.error(), (422, "handle_taken".into()));
    patch(json!({ "handle": "mei-9" })).await.ok();
    ask(&w, &lei.cookie, "PATCH me", json!({ "handle": "mei-8" }))
        .await
        .ok();
}

#[tokio::test]
async fn who_read_ones_data_is_told() {
    let (w, mei) = with_mei().await;
    let reads = async || ask(&w, &mei.cookie, "GET reads", Value::Null).await.ok();
    assert_eq!(reads().await["data"], json!([]));
    w.get(&w.operator, &format!("/v1/users/{}", mei.user))
        .await
        .ok();
    let read = &reads().await["data"][0];
    assert_eq!(
        (&read["by"], &read["what"]),
        (&json!(FIRST_OPERATOR), &json!("person"))
    );
    assert!(read["at"].is_string());
}

#[tokio::test]
async fn erased_is_erased() {
    let (w, mei) = with_mei().await;
    let erased = w
        .delete(&w.operator, &format!("/v1/users/{}/person", mei.user))
        .await;
    assert_eq!(erased.status, 204);
    assert_eq!(
        ask(&w, &mei.cookie, "GET me", Value::Null).await.status,
        401
    );
    pause().await;
    let mut again = Handset::new();
    let code = code(&w, PHONE).await;
    let body = json!({ "phone": PHONE, "code": code });
    let made = register(&w, &mut again, body).await;
    assert_ne!(made.ok()["user_id"], mei.user);
}

#[tokio::test]
async fn the_console_asks_v1_with_its_session() {
    let w = World::new(Mode::Production).await;
    let who = Who::Operator(Number::new("anna").unwrap());
    let [(_, set)] = session::begin(&w.platform, &who).unwrap();
    let cookie = set.to_str().unwrap().split(';').next().unwrap();
    let get = async |headers: &[(&str, &str)]| {
        let answer = ask_with(&w, cookie, "GET /v1/brands", Value::Null, headers).await;
        answer.status.as_u16()
    };
    assert_eq!(get(&[("Feiqian-App", "console")]).await, 200);
    assert_eq!(get(&[]).await, 401);
    assert_eq!(get(&[("Feiqian-App", "wallet")]).await, 401);
    let bearer = ("Authorization", "Bearer fqo_x");
    assert_eq!(get(&[("Feiqian-App", "console"), bearer]).await, 401);
    let foreign = ("Origin", "https://evil.test");
    assert_eq!(get(&[("Feiqian-App", "console"), foreign]).await, 403);
}

#[tokio::test]
async fn every_page_has_a_strict_policy() {
    let w = World::new(Mode::Sandbox).await;
    for path in [
        "/",
        "/q/x",
        "/q/x/plain",
        "/q/m/x",
        "/wallet/",
        "/till/",
        "/console/users",
    ] {
        let page = w.get("", path).await;
        let kind = page.headers["content-type"].to_str().unwrap();
        if !kind.starts_with("text/html") {
            assert_eq!(page.error(), (404, "path_not_found".into()), "{path}");
            continue;
        }
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path} {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path} {policy}");
        assert!(!policy.contains("unsafe"), "{path} {policy}");
        assert!(!page.text.contains("__CSP_NONCE__"), "{path}");
    }
    for path in ["/assets/%2e%2e/secret.js", "/assets/none.js"] {
        assert_eq!(w.get("", path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_message_gateway_is_asked_again_a_few_times_under_one_number() {
    use std::sync::{Arc, Mutex};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    let answer = async move |headers: axum::http::HeaderMap, body: String| {
        let number = headers["idempotency-key"].to_str().unwrap().to_owned();
        let mut seen = kept.lock().unwrap();
        assert_eq!(headers["authorization"], "Bearer token");
        seen.push((number, body.clone()));
        match (body.contains("bad"), seen.len()) {
            (true, _) => axum::http::StatusCode::BAD_REQUEST,
            (false, 1) => axum::http::StatusCode::SERVICE_UNAVAILABLE,
            (false, _) => axum::http::StatusCode::NO_CONTENT,
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sms", listener.local_addr().unwrap());
    let router = Router::new().route("/sms", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    assert!(Endpoint::new("http://sms.test/", "token".into()).is_err());
    let gateway = Endpoint::new(&url, "token".into()).unwrap();
    let phone = PHONE.parse().unwrap();
    gateway.send(&phone, "hello").await.unwrap();
    let tries = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0], tries[1]);
    assert_eq!(tries[0].1, r#"{"phone":"+8613800138000","text":"hello"}"#);
    gateway.send(&phone, "bad").await.unwrap_err();
    assert_eq!(seen.lock().unwrap().len(), 1, "a refusal is final");
}
