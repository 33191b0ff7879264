//! A whole platform in a temporary folder, asked through its router.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

async fn platform(dir: &Path, engine: Engine, url: &str) -> Arc<Platform> {
    let vault = Vault::open(
        &dir.join("vault"),
        MasterKey::from_hex(&"07".repeat(32)).unwrap(),
    );
    Platform::open(engine, vault.unwrap(), url.into())
        .await
        .unwrap()
}

impl World {
    pub async fn new(mode: Mode) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(&dir.path().join("data"), mode);
        Self::of(dir, Engine::open(options).unwrap()).await
    }

    /// Reached at this address.
    pub async fn at(url: &str, mode: Mode) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(&dir.path().join("data"), mode);
        Self::of_at(dir, Engine::open(options).unwrap(), url).await
    }

    /// With this engine.
    pub async fn of(dir: TempDir, engine: Engine) -> Self {
        Self::of_at(dir, engine, BASE_URL).await
    }

    /// Stopped and started again.
    pub async fn restarted(mut self) -> Self {
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let mode = self.platform.mode;
        drop(self);
        let options = Options::new(&dir.path().join("data"), mode);
        Self::of(dir, Engine::open(options).unwrap()).await
    }

    async fn of_at(dir: TempDir, engine: Engine, url: &str) -> Self {
        let platform = platform(dir.path(), engine, url).await;
        let key = platform
            .access
            .grant(&platform.vault, Role::first_operator())
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
        // Pictures are no text; what is looked at of them is.
        let text = String::from_utf8_lossy(&bytes).into_owned();
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

/// A brand with two shoppers and two shops. Mei has 100,000 fen.
pub struct Market {
    pub w: World,
    pub mei: String,
    pub noodles: String,
    keys: HashMap<&'static str, String>,
    numbers: AtomicU32,
}

/// Who asks, what (`POST /v1/orders`), with which body, and what the answer is: status and, of an
/// error, its code.
pub type Row<'a> = (&'a str, &'a str, Value, u16, &'a str);

impl Market {
    pub async fn new() -> Self {
        Self::of(World::new(Mode::Sandbox).await).await
    }

    /// In this world.
    pub async fn of(w: World) -> Self {
        let brand = w.brand("Red").await;
        let (mei, mei_key) = w.user(&brand, "mei").await;
        let (_, lei_key) = w.user(&brand, "lei").await;
        let (noodles, noodles_key) = w.shop("Noodles").await;
        let (_, tea_key) = w.shop("Tea").await;
        w.fund(&mei, "first", 100_000).await;
        let keys = HashMap::from([
            ("operator", w.operator.clone()),
            ("mei", mei_key),
            ("lei", lei_key),
            ("noodles", noodles_key),
            ("tea", tea_key),
        ]);
        Self {
            w,
            mei,
            noodles,
            keys,
            numbers: AtomicU32::new(0),
        }
    }

    /// The key of one of them; an unknown name is taken for a key itself.
    pub fn key<'a>(&'a self, who: &'a str) -> &'a str {
        self.keys.get(who).map_or(who, String::as_str)
    }

    /// Asks under this number.
    pub async fn ask_under(&self, number: &str, who: &str, what: &str, body: Value) -> Answer {
        let (method, path) = what.split_once(' ').expect("a method and a path");
        self.w
            .with_body(self.key(who), method, path, number, body)
            .await
    }

    /// Asks under a number of its own.
    pub async fn ask(&self, who: &str, what: &str, body: Value) -> Answer {
        let number = format!("n{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        self.ask_under(&number, who, what, body).await
    }

    /// Asks one after the other and compares the answers.
    pub async fn check<const N: usize>(&self, rows: [Row<'_>; N]) {
        for (who, what, body, status, code) in rows {
            let answer = self.ask(who, what, body.clone()).await;
            if code.is_empty() {
                assert_eq!(
                    answer.status.as_u16(),
                    status,
                    "{who} {what}: {}",
                    answer.text
                );
            } else {
                assert_eq!(
                    answer.error(),
                    (status, code.to_owned()),
                    "{who} {what} {body}"
                );
            }
        }
    }

    /// A campaign that runs: added by one operator, approved by another. Its id.
    pub async fn campaign(&self, budget: i64, terms: Value) -> String {
        let body = json!({ "budget": budget, "terms": terms });
        let id = text(&self.ask("operator", "POST /v1/campaigns", body).await.ok()["id"]);
        let second = json!({ "name": "second" });
        let second = self
            .ask("operator", "POST /v1/operators", second)
            .await
            .ok();
        let second = text(&second["key"]);
        for step in ["approve", "start"] {
            let what = format!("POST /v1/campaigns/{id}/{step}");
            self.ask(&second, &what, json!({})).await.ok();
        }
        id
    }

    /// A new order of Noodles': its id.
    pub async fn order(&self, fen: i64) -> String {
        let terms = json!({ "amount": fen, "description": "noodles" });
        text(&self.ask("noodles", "POST /v1/orders", terms).await.ok()["id"])
    }

    /// A new order of Noodles' that Mei has paid: its id.
    pub async fn paid(&self, fen: i64) -> String {
        let order = self.order(fen).await;
        self.ask("mei", "POST /v1/payments", json!({ "order_id": order }))
            .await
            .ok();
        order
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
