//! Passkeys: who may add one, whom it lets in, and what is not taken for one.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use feiqian_core::Mode;
use serde_json::{Value, json};

use crate::apps::{
    Handset, PHONE, PIN, ask, ask_with, code, cookie_of, pause, register, set_pin, with_mei,
};
use crate::world::{Answer, World, text};

const HOST: &str = "localhost:8080";
const ORIGIN: &str = "http://localhost:8080";
/// Somebody was there, and it was they.
const SEEN: u8 = 0b101;
const NEW: u8 = 0b100_0000;

/// A machine that keeps one passkey. Every part of what it says can be wrong on purpose.
struct Machine {
    pair: EcdsaKeyPair,
    credential: Vec<u8>,
    user_handle: String,
    rp_id: String,
    origin: String,
    kind: Option<&'static str>,
    flags: u8,
    counter: u32,
    after: Vec<u8>,
}

impl Machine {
    fn new(credential: &str) -> Self {
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: credential.into(),
            user_handle: String::new(),
            rp_id: "localhost".into(),
            origin: ORIGIN.into(),
            kind: None,
            flags: SEEN,
            counter: 0,
            after: Vec::new(),
        }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let kind = self.kind.unwrap_or(kind);
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        let counter = self.counter.to_be_bytes();
        [hash.as_ref(), &[flags], &counter].concat()
    }

    fn make(&self, options: &Value) -> Value {
        let client = self.client_data("webauthn.create", &text(&options["challenge"]));
        let mut said = self.authenticator_data(self.flags | NEW);
        said.extend([0; 16]);
        said.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        said.extend(&self.credential);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}, see RFC 9053, 7.1.1.
        let point = self.pair.public_key().as_ref();
        said.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20]);
        said.extend(&point[1..33]);
        said.extend([0x22, 0x58, 0x20]);
        said.extend(&point[33..]);
        said.extend(&self.after);
        json!({
            "label": "Laptop",
            "client_data": BASE64URL.encode(client),
            "authenticator_data": BASE64URL.encode(said),
        })
    }

    fn sign(&self, challenge: &Value, device: &Handset) -> Value {
        let client = self.client_data("webauthn.get", &text(&challenge["challenge"]));
        let said = self.authenticator_data(self.flags);
        let signed = [said.as_slice(), digest(&SHA256, &client).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "credential_id": BASE64URL.encode(&self.credential),
            "user_handle": self.user_handle,
            "client_data": BASE64URL.encode(client),
            "authenticator_data": BASE64URL.encode(said),
            "signature": BASE64URL.encode(signature),
            "device": { "public_key": device.public_key(), "label": "laptop" },
        })
    }
}

/// Asks at `localhost`, signed by the device.
async fn signed(w: &World, by: &Handset, path: &str, body: Value) -> Answer {
    let signature = by.signature(&format!("/app/wallet/{path}"), "n", &body.to_string());
    let headers = [
        ("Feiqian-App", "wallet"),
        ("Host", HOST),
        ("Idempotency-Key", "n"),
        ("Feiqian-Device-Signature", &signature),
    ];
    ask_with(w, &by.cookie, &format!("POST {path}"), body, &headers).await
}

async fn at_localhost(w: &World, cookie: &str, what: &str, body: Value) -> Answer {
    let headers = [("Feiqian-App", "wallet"), ("Host", HOST)];
    ask_with(w, cookie, what, body, &headers).await
}

async fn options(w: &World, by: &Handset) -> Value {
    signed(w, by, "passkeys/new", json!({ "pin": PIN }))
        .await
        .ok()
}

async fn enter(w: &World, machine: &Machine) -> Answer {
    let challenge = at_localhost(w, "", "POST passkeys/challenge", json!({})).await;
    let body = machine.sign(&challenge.ok(), &Handset::new());
    at_localhost(w, "", "POST passkeys/session", body).await
}

/// Somebody with a PIN and a passkey.
async fn with_passkey() -> (World, Handset, Machine) {
    let (w, mei) = with_mei().await;
    set_pin(&w, &mei).await;
    let mut machine = Machine::new("mei's");
    let options = options(&w, &mei).await;
    machine.user_handle = text(&options["user_handle"]);
    let added = signed(&w, &mei, "passkeys", machine.make(&options)).await;
    assert_eq!(added.status, 201, "{}", added.text);
    (w, mei, machine)
}

fn bad() -> (u16, String) {
    (401, "passkey_bad".into())
}

#[tokio::test]
async fn a_passkey_lets_a_new_browser_in_and_it_is_trusted() {
    let (w, mei, mut machine) = with_passkey().await;
    let first = enter(&w, &machine).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let me = first.json();
    assert_eq!(me["user_id"], mei.user);
    assert!(me["device"].get("trusted_from").is_none(), "{me}");
    let cookie = cookie_of(&first);
    let devices = ask(&w, &cookie, "GET devices", Value::Null).await.ok();
    assert_eq!(devices["data"].as_array().unwrap().len(), 2);
    let listed = ask(&w, &mei.cookie, "GET passkeys", Value::Null).await.ok();
    let passkey = &listed["data"][0];
    assert_eq!(passkey["label"], "Laptop");
    assert!(passkey["used_at"].is_string(), "{listed}");

    // One that counts must count on: a copy of it does not.
    machine.counter = 7;
    assert_eq!(enter(&w, &machine).await.status, 201);
    for counter in [7, 6, 0] {
        machine.counter = counter;
        assert_eq!(enter(&w, &machine).await.error(), bad(), "{counter}");
    }
    machine.counter = 8;
    assert_eq!(enter(&w, &machine).await.status, 201);

    let boot = at_localhost(&w, "", "GET boot", Value::Null).await.ok();
    assert_eq!(boot["passkeys"], true);
    let id = text(&passkey["id"]);
    let removed = ask(
        &w,
        &mei.cookie,
        &format!("DELETE passkeys/{id}"),
        Value::Null,
    )
    .await;
    assert_eq!(removed.status, 204);
    machine.counter = 9;
    assert_eq!(enter(&w, &machine).await.error(), bad());
    let still = ask(&w, &cookie, "GET me", Value::Null).await;
    assert!(still.status.is_success(), "its devices stay");
}

#[tokio::test]
async fn only_who_gives_the_pin_at_a_device_adds_one() {
    let (w, mei) = with_mei().await;
    let begin = async |body: Value| signed(&w, &mei, "passkeys/new", body).await.error();
    let pin = json!({ "pin": PIN });
    assert_eq!(begin(pin.clone()).await, (422, "pin_not_set".into()));
    set_pin(&w, &mei).await;
    assert_eq!(begin(json!({})).await, (422, "pin_required".into()));
    let wrong = begin(json!({ "pin": "097531" })).await;
    assert_eq!(wrong, (422, "pin_wrong".into()));
    // A cookie alone adds none.
    let bare = at_localhost(&w, &mei.cookie, "POST passkeys/new", pin.clone()).await;
    assert_eq!(bare.error(), (400, "number_missing".into()));
    // Nor where browsers have none: at an address without https or a domain.
    let headers = [("Feiqian-App", "wallet")];
    for host in [
        vec![],
        vec![("Host", "127.0.0.1:8080")],
        vec![("Host", "evil.test")],
    ] {
        let headers = [headers.to_vec(), host.clone()].concat();
        let boot = ask_with(&w, "", "GET boot", Value::Null, &headers).await;
        assert_eq!(boot.ok()["passkeys"], false, "{host:?}");
        let none = ask_with(&w, "", "POST passkeys/challenge", json!({}), &headers).await;
        assert_eq!(
            none.error(),
            (422, "passkeys_unavailable".into()),
            "{host:?}"
        );
    }

    // What another was given, or for something else, is not taken.
    let machine = Machine::new("mei's");
    let mut lei = Handset::new();
    let lei_code = code(&w, "13900139000").await;
    let body = json!({ "phone": "13900139000", "code": lei_code });
    register(&w, &mut lei, body).await.ok();
    let foreign = machine.make(&options(&w, &mei).await);
    assert_eq!(
        signed(&w, &lei, "passkeys", foreign.clone()).await.error(),
        bad()
    );
    assert_eq!(signed(&w, &mei, "passkeys", foreign).await.error(), bad());
    let for_entry = at_localhost(&w, "", "POST passkeys/challenge", json!({}))
        .await
        .ok();
    let body = machine.make(&for_entry);
    assert_eq!(signed(&w, &mei, "passkeys", body).await.error(), bad());

    // Nor the same one twice, whosever it is.
    let body = machine.make(&options(&w, &mei).await);
    assert_eq!(signed(&w, &mei, "passkeys", body.clone()).await.status, 201);
    assert_eq!(signed(&w, &mei, "passkeys", body).await.error(), bad());
    set_pin(&w, &lei).await;
    for by in [&mei, &lei] {
        let body = machine.make(&options(&w, by).await);
        let again = signed(&w, by, "passkeys", body).await;
        assert_eq!(again.error(), (422, "passkey_known".into()));
    }
    // Whom a passkey is not of can neither see nor remove it.
    let listed = ask(&w, &mei.cookie, "GET passkeys", Value::Null).await.ok();
    let id = text(&listed["data"][0]["id"]);
    ask(
        &w,
        &lei.cookie,
        &format!("DELETE passkeys/{id}"),
        Value::Null,
    )
    .await;
    let theirs = ask(&w, &lei.cookie, "GET passkeys", Value::Null).await.ok();
    assert_eq!(theirs["data"], json!([]));
    let mine = ask(&w, &mei.cookie, "GET passkeys", Value::Null).await.ok();
    assert_eq!(mine, listed);
}

/// Each breaks one part.
type Harm = (&'static str, fn(&mut Machine));
const HARMS: [Harm; 9] = [
    ("another domain", |m| m.rp_id = "evil.test".into()),
    ("another page", |m| m.origin = "http://evil.test".into()),
    ("a page beside it", |m| {
        m.origin = "http://localhost:8081".into()
    }),
    ("another ceremony", |m| m.kind = Some("payment.get")),
    ("nobody there", |m| m.flags = 0b100),
    ("nobody verified", |m| m.flags = 0b001),
    ("nothing set", |m| m.flags = 0),
    ("copied though it cannot be", |m| m.flags = SEEN | 0b1_0000),
    ("another key", |m| m.pair = Machine::new("").pair),
];

#[tokio::test]
async fn whatever_does_not_fit_is_refused() {
    let (w, mei, mut machine) = with_passkey().await;
    for (name, harm) in HARMS {
        let pair = std::mem::replace(&mut machine.pair, Machine::new("").pair);
        let good = || Machine {
            user_handle: machine.user_handle.clone(),
            ..Machine::new("mei's")
        };
        let mut broken = Machine { pair, ..good() };
        harm(&mut broken);
        assert_eq!(enter(&w, &broken).await.error(), bad(), "{name}");
        // The key is not lost on the way: only the last harm takes it.
        machine.pair = broken.pair;
    }
    for (name, harm) in HARMS.into_iter().take(HARMS.len() - 1) {
        let mut fresh = Machine::new(name);
        harm(&mut fresh);
        let body = fresh.make(&options(&w, &mei).await);
        let added = signed(&w, &mei, "passkeys", body).await;
        assert_eq!(added.error(), bad(), "{name}");
    }
    let mut longer = Machine::new("longer");
    longer.after = vec![0];
    let body = longer.make(&options(&w, &mei).await);
    assert_eq!(signed(&w, &mei, "passkeys", body).await.error(), bad());
    let empty = Machine::new("").make(&options(&w, &mei).await);
    assert_eq!(signed(&w, &mei, "passkeys", empty).await.error(), bad());
    // Cut anywhere, it is refused and nothing falls over.
    let body = Machine::new("cut").make(&options(&w, &mei).await);
    let whole = BASE64URL.decode(text(&body["authenticator_data"])).unwrap();
    for length in (0..whole.len()).step_by(5) {
        let mut cut = Machine::new("cut").make(&options(&w, &mei).await);
        cut["authenticator_data"] = json!(BASE64URL.encode(&whole[..length]));
        assert_eq!(
            signed(&w, &mei, "passkeys", cut).await.error(),
            bad(),
            "{length}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_is_good_once_and_for_its_owner() {
    let (w, _, machine) = with_passkey().await;
    let challenge = at_localhost(&w, "", "POST passkeys/challenge", json!({}))
        .await
        .ok();
    let body = machine.sign(&challenge, &Handset::new());
    let session = async |body: Value| at_localhost(&w, "", "POST passkeys/session", body).await;
    assert_eq!(session(body.clone()).await.status, 201);
    assert_eq!(session(body.clone()).await.error(), bad(), "replayed");
    // Who is asked for, and every signed part.
    for field in [
        "user_handle",
        "credential_id",
        "client_data",
        "authenticator_data",
        "signature",
    ] {
        let challenge = at_localhost(&w, "", "POST passkeys/challenge", json!({}))
            .await
            .ok();
        let mut changed = machine.sign(&challenge, &Handset::new());
        changed[field] = body[field].clone();
        if changed[field] == machine.sign(&challenge, &Handset::new())[field] {
            changed[field] = json!("AAAA");
        }
        assert_eq!(session(changed).await.error(), bad(), "{field}");
    }
    let mut made_up = body;
    made_up["signature"] = json!("=");
    assert_eq!(session(made_up).await.error(), (400, "body_bad".into()));
}

#[tokio::test]
async fn a_lost_or_erased_account_keeps_none() {
    let (w, mei, machine) = with_passkey().await;
    pause().await;
    let sent = code(&w, PHONE).await;
    let lost = json!({ "phone": PHONE, "code": sent });
    assert_eq!(ask(&w, "", "POST lost", lost).await.status, 204);
    assert_eq!(enter(&w, &machine).await.error(), bad());

    let (other, mei_too, machine) = with_passkey().await;
    assert_eq!(mei.user, mei_too.user);
    let path = format!("/v1/users/{}/person", mei_too.user);
    assert_eq!(other.delete(&other.operator, &path).await.status, 204);
    assert_eq!(enter(&other, &machine).await.error(), bad());
    let kept = other.platform.vault.secrets_with_prefix("app/passkey/");
    assert_eq!(kept.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn in_production_they_are_bound_to_the_public_domain() {
    let boot = async |url: &str| {
        let w = World::at(url, Mode::Production).await;
        at_localhost(&w, "", "GET boot", Value::Null).await.ok()["passkeys"].clone()
    };
    assert_eq!(boot("https://pay.test:8443").await, true);
    for url in [
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443",
        "http://pay.test",
    ] {
        assert_eq!(boot(url).await, false, "{url}");
    }
    let w = World::at("https://pay.test:8443", Mode::Production).await;
    let given = at_localhost(&w, "", "POST passkeys/challenge", json!({})).await;
    assert_eq!(given.ok()["rp_id"], "pay.test");
}
