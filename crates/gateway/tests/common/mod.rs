//! A whole platform in a temporary folder, asked through its router.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use feiqian_core::bank::answer::{Answer as BankAnswer, AnswerTransfer};
use feiqian_core::{EventNumber, Mode, TransferId};
use feiqian_engine::{Engine, Options};
use feiqian_gateway::access::Role;
use feiqian_gateway::platform::Platform;
use feiqian_gateway::server::router;
use feiqian_store::vault::{MasterKey, Vault};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub const BASE_URL: &str = "http://pay.test";

pub struct World {
    pub dir: TempDir,
    pub platform: Arc<Platform>,
    pub router: Router,
    pub operator: String,
    pub peer: SocketAddr,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The body of a success.
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.json()
    }

    /// Status and code of an error, whose shape is checked.
    pub fn error(&self) -> (u16, String) {
        let json = self.json();
        let error = &json["error"];
        for field in ["type", "code", "message"] {
            assert!(error[field].is_string(), "{}", self.text);
        }
        (
            self.status.as_u16(),
            error["code"].as_str().unwrap().to_owned(),
        )
    }
}

pub async fn open(dir: &Path, mode: Mode) -> Arc<Platform> {
    let engine = Engine::open(Options::new(&dir.join("data"), mode)).unwrap();
    let vault = Vault::open(
        &dir.join("vault"),
        MasterKey::from_hex(&"07".repeat(32)).unwrap(),
    );
    Platform::open(engine, vault.unwrap(), BASE_URL.into())
        .await
        .unwrap()
}

impl World {
    pub async fn new(mode: Mode) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let platform = open(dir.path(), mode).await;
        let key = platform
            .access
            .grant(&platform.vault, Role::Operator)
            .unwrap();
        let operator = key.expose_secret().to_owned();
        let router = router(platform.clone(), None);
        let peer = SocketAddr::from(([127, 0, 0, 1], 9));
        Self {
            dir,
            platform,
            router,
            operator,
            peer,
        }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    pub async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(
            with_key(key, Request::get(path))
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub async fn post(&self, key: &str, path: &str, number: &str, body: Value) -> Answer {
        self.with_body(key, "POST", path, number, body).await
    }

    pub async fn with_body(
        &self,
        key: &str,
        method: &str,
        path: &str,
        number: &str,
        body: Value,
    ) -> Answer {
        let mut request = with_key(key, Request::builder().method(method).uri(path))
            .header("Content-Type", "application/json");
        if !number.is_empty() {
            request = request.header("Idempotency-Key", number);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    pub async fn delete(&self, key: &str, path: &str) -> Answer {
        self.send(
            with_key(key, Request::delete(path))
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// A brand of this name.
    pub async fn brand(&self, name: &str) -> String {
        let made = self
            .post(&self.operator, "/v1/brands", name, json!({ "name": name }))
            .await;
        text(&made.ok()["id"])
    }

    /// A user of a brand with this handle, and a key of theirs.
    pub async fn user(&self, brand: &str, handle: &str) -> (String, String) {
        let body = json!({ "brand_id": brand, "handle": handle, "name": handle, "tier": "full" });
        let user = text(
            &self
                .post(&self.operator, "/v1/users", handle, body)
                .await
                .ok()["id"],
        );
        let key = self
            .post(
                &self.operator,
                &format!("/v1/users/{user}/keys"),
                "",
                json!({}),
            )
            .await;
        (user, text(&key.ok()["key"]))
    }

    /// A merchant of this name with a fee of 0.60 %, and a key of theirs.
    pub async fn shop(&self, name: &str) -> (String, String) {
        let body = json!({ "name": name, "category": "5812", "fee_bps": 60 });
        let number: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let made = self
            .post(&self.operator, "/v1/merchants", &number, body)
            .await;
        let shop = text(&made.ok()["id"]);
        let path = format!("/v1/merchants/{shop}/keys");
        let key = self.post(&self.operator, &path, "", json!({})).await;
        (shop, text(&key.ok()["key"]))
    }

    /// Tops a wallet up; the bank answers at once.
    pub async fn fund(&self, user: &str, number: &str, fen: i64) {
        let path = format!("/v1/users/{user}/top_ups");
        let made = self
            .post(&self.operator, &path, number, json!({ "amount": fen }))
            .await;
        self.answer(&text(&made.ok()["id"]), BankAnswer::Done).await;
    }

    pub async fn answer(&self, transfer: &str, answer: BankAnswer) {
        let number = transfer.strip_prefix("trf_").unwrap().parse().unwrap();
        let transfer = TransferId(EventNumber(number));
        self.platform
            .engine
            .submit(AnswerTransfer { transfer, answer })
            .await
            .unwrap();
    }

    /// An order of this shop's key.
    pub async fn order(&self, shop_key: &str, number: &str, fen: i64) -> Value {
        let body = json!({ "amount": fen, "description": "noodles 面" });
        self.post(shop_key, "/v1/orders", number, body).await.ok()
    }

    /// Pays an order by its id.
    pub async fn pay(&self, key: &str, order: &Value, number: &str) -> Answer {
        self.post(
            key,
            "/v1/payments",
            number,
            json!({ "order_id": order["id"] }),
        )
        .await
    }

    pub async fn balance(&self, key: &str, of: &str) -> i64 {
        let list = if of.starts_with("usr_") {
            "users"
        } else {
            "merchants"
        };
        let answer = self.get(key, &format!("/v1/{list}/{of}/balance")).await;
        answer.ok()["available"].as_i64().unwrap()
    }
}

fn with_key(key: &str, request: axum::http::request::Builder) -> axum::http::request::Builder {
    if key.is_empty() {
        request
    } else {
        request.header("Authorization", format!("Bearer {key}"))
    }
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

impl Drop for World {
    fn drop(&mut self) {
        self.platform.engine.stop();
    }
}
