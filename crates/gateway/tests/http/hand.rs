//! A shopper with a wallet in hand: a device key, a cookie, and the requests that the app would send.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::bank::answer::Answer as BankAnswer;
use serde_json::{Value, json};

use crate::world::{Answer, World, text};

/// What stands before a point of P-256 in a `SubjectPublicKeyInfo` (RFC 5480).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

pub struct Hand {
    pub user: String,
    pub phone: String,
    cookie: String,
    key: EcdsaKeyPair,
    numbers: AtomicU32,
}

fn sign(key: &EcdsaKeyPair, text: &str) -> String {
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    STANDARD.encode(signature.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hand {
    /// Registers this number.
    pub async fn register(w: &World, brand: &str, phone: &str, name: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let spki = [&P256, key.public_key().as_ref()].concat();
        let sent = plain(w, "POST", "/app/wallet/codes", json!({ "phone": phone })).await;
        let body = json!({
            "phone": phone, "code": sent.ok()["sandbox_code"], "brand_id": brand, "name": name,
            "device": { "public_key": STANDARD.encode(&spki), "label": "phone" },
        });
        let made = plain(w, "POST", "/app/wallet/register", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let cookie = made.headers[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self {
            user: text(&made.json()["user_id"]),
            phone: phone.to_owned(),
            cookie,
            key,
            numbers: AtomicU32::new(0),
        }
    }

    /// Registers, sets a PIN, and has this much money.
    pub async fn with_money(w: &World, brand: &str, phone: &str, name: &str, fen: i64) -> Self {
        let hand = Self::register(w, brand, phone, name).await;
        hand.ask(w, "POST /app/wallet/pin", json!({ "pin": "135790" }))
            .await;
        if fen > 0 {
            let made = hand
                .ask(w, "POST /app/wallet/top-ups", json!({ "amount": fen }))
                .await;
            w.answer(&text(&made.ok()["id"]), BankAnswer::Done).await;
        }
        hand
    }

    pub async fn get(&self, w: &World, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        w.send(request.body(Body::empty()).unwrap()).await
    }

    /// Asks under this number, signed.
    pub async fn ask_under(&self, w: &World, number: &str, what: &str, body: Value) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let body = body.to_string();
        let hash = hex(digest(&SHA256, body.as_bytes()).as_ref());
        let signature = sign(&self.key, &format!("{method}\n{path}\n{number}\n{hash}"));
        self.send(w, number, what, body, &signature).await
    }

    /// Asks with whatever signature.
    pub async fn send(
        &self,
        w: &World,
        number: &str,
        what: &str,
        body: String,
        signature: &str,
    ) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Feiqian-App", "wallet")
            .header("Idempotency-Key", number)
            .header("Feiqian-Device-Signature", signature);
        w.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Asks under a number of its own, signed.
    pub async fn ask(&self, w: &World, what: &str, body: Value) -> Answer {
        let nth = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.ask_under(w, &format!("{}-{nth}", self.user), what, body)
            .await
    }

    pub async fn balance(&self, w: &World) -> i64 {
        let home = self.get(w, "/app/wallet/home").await.ok();
        home["balance"].as_i64().unwrap()
    }

    /// Asks each in turn and compares status and code.
    pub async fn check<const N: usize>(&self, w: &World, rows: [(&str, Value, u16, &str); N]) {
        for (what, body, status, code) in rows {
            let answer = self.ask(w, what, body.clone()).await;
            assert_eq!(answer.error(), (status, code.to_owned()), "{what} {body}");
        }
    }
}

/// A request of somebody who is not signed in.
async fn plain(w: &World, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("Feiqian-App", "wallet");
    w.send(request.body(Body::from(body.to_string())).unwrap())
        .await
}
