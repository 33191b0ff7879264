//! A platform in a temporary folder, with a merchant who signs as SDKs do and verifies every answer:
//! for tests.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::Attempt;
use feiqian_core::order::pay::PayOrder;
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    BasisPoints, BrandId, EventNumber, Fen, Mode, Number, OrderId, TransferId, UserId,
};
use feiqian_engine::{Engine, Options};
use feiqian_store::vault::{MasterKey, Vault};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::authorization::SCHEME;
use super::random;
use super::sign::{PlatformKey, request_text, response_text, verify};
use crate::platform::{MerchantCredentials, Person, Platform, unix_seconds};

pub const BASE: &str = "http://127.0.0.1:8080";
pub const NATIVE: &str = "/v3/pay/transactions/native";
pub const CODEPAY: &str = "/v3/pay/transactions/codepay";
pub const REFUNDS: &str = "/v3/refund/domestic/refunds";
pub const LEI: UserId = UserId(0);

pub struct World {
    pub dir: TempDir,
    pub platform: Arc<Platform>,
    pub router: Router,
    pub shop: Merchant,
}

/// A merchant's side.
pub struct Merchant {
    pub credentials: MerchantCredentials,
    key: PlatformKey,
}

/// What a test makes wrong, or unusual, in a request.
#[derive(Clone, Default)]
pub struct Change {
    pub nonce: Option<String>,
    pub timestamp: Option<i64>,
    pub mchid: Option<String>,
    pub serial_no: Option<String>,
    pub signed_target: Option<String>,
    pub signed_body: Option<Vec<u8>>,
    pub authorization: Option<String>,
    pub wechatpay_serial: Option<String>,
    pub user_agent: Option<&'static str>,
}

/// An answer, whose signature was found to be right.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code.
    pub fn code(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

impl World {
    /// A sandbox with a brand, a merchant with a fee of 0.60 %, and a user with 1,000 yuan.
    pub async fn new() -> Self {
        Self::in_mode(Mode::Sandbox).await
    }

    pub async fn in_mode(mode: Mode) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let platform = open(dir.path(), mode).await;
        let engine = &platform.engine;
        engine
            .submit(AddBrand {
                number: number("b"),
                name: "Red".into(),
            })
            .await
            .unwrap();
        let shop = Merchant::add(&platform, "Noodles").await;
        let person = Person {
            handle: "lilei".into(),
            name: "李雷".into(),
            latin_name: None,
            phone: None,
        };
        let user = AddUser {
            number: number("u"),
            brand: BrandId(0),
            tier: Tier::Full,
        };
        platform.add_user(user, &person).await.unwrap();
        let top_up = TopUp {
            user: LEI,
            number: number("t"),
            amount: Fen(100_000),
        };
        let transfer = TransferId(engine.submit(top_up).await.unwrap().event);
        engine
            .submit(AnswerTransfer {
                transfer,
                answer: Answer::Done,
            })
            .await
            .unwrap();
        let router = super::routes().with_state(platform.clone());
        Self {
            dir,
            platform,
            router,
            shop,
        }
    }

    pub async fn call(&self, method: &str, target: &str, body: Option<&Value>) -> Reply {
        let body = body.map_or_else(Vec::new, |body| serde_json::to_vec(body).unwrap());
        self.send(&self.shop, method, target, body, Change::default())
            .await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Reply {
        self.call("POST", target, Some(body)).await
    }

    pub async fn get(&self, target: &str) -> Reply {
        self.call("GET", target, None).await
    }

    pub async fn get_as(&self, merchant: &Merchant, target: &str) -> Reply {
        self.send(merchant, "GET", target, Vec::new(), Change::default())
            .await
    }

    /// With something wrong, or unusual.
    pub async fn get_with(&self, target: &str, make: impl FnOnce(&mut Change)) -> Reply {
        let mut change = Change::default();
        make(&mut change);
        self.send(&self.shop, "GET", target, Vec::new(), change)
            .await
    }

    /// Signs and sends a request, and verifies the answer's signature.
    pub async fn send(
        &self,
        merchant: &Merchant,
        method: &str,
        target: &str,
        body: Vec<u8>,
        change: Change,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(target);
        let authorization = match change.authorization.clone() {
            Some(authorization) => authorization,
            None => merchant.authorization(method, target, &body, &change),
        };
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        if let Some(serial) = change.wechatpay_serial {
            request = request.header("wechatpay-serial", serial);
        }
        if let Some(agent) = change.user_agent {
            request = request.header("user-agent", agent);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        if !target.starts_with("/v3/billdownload/file") || !reply.status.is_success() {
            assert!(
                self.bears_signature(&reply.headers, &reply.body),
                "{method} {target}"
            );
        }
        reply
    }

    /// Whether headers and body bear the platform's signature, as wechatpayv3 looks at it.
    pub fn bears_signature(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &str| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        let timestamp: i64 = header("wechatpay-timestamp").parse().unwrap();
        let nonce = header("wechatpay-nonce");
        let signature = STANDARD.decode(header("wechatpay-signature")).unwrap();
        let signer = &self.platform.signer;
        let serial = header("wechatpay-serial");
        header("wechatpay-signature-type") == SCHEME
            && !header("request-id").is_empty()
            && (serial == signer.public_key_id || serial == signer.certificate_serial)
            && timestamp.abs_diff(unix_seconds().cast_signed()) < 10
            && verify(
                signer.key.public(),
                &response_text(timestamp, nonce, body),
                &signature,
            )
    }

    /// The body of an order.
    pub fn order(&self, number: &str, total: i64) -> Value {
        json!({
            "appid": self.shop.credentials.appid, "mchid": self.shop.credentials.mchid,
            "description": "牛肉面", "out_trade_no": number, "attach": "table 7",
            "notify_url": "http://127.0.0.1:9/notify", "amount": { "total": total, "currency": "CNY" },
        })
    }

    /// The body of an order by pay code.
    pub fn codepay(&self, number: &str, total: i64, auth_code: &str) -> Value {
        let mut order = self.order(number, total);
        order["payer"] = json!({ "auth_code": auth_code });
        order["scene_info"] = json!({ "device_id": "013", "store_info": { "id": "0001" } });
        order
    }

    pub fn query_target(&self, number: &str) -> String {
        let mchid = &self.shop.credentials.mchid;
        format!("/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}")
    }

    pub async fn query(&self, number: &str) -> Value {
        let reply = self.get(&self.query_target(number)).await;
        assert_eq!(reply.status, 200, "{number}");
        reply.json()
    }

    /// Places an order and gives its id.
    pub async fn place(&self, body: &Value) -> OrderId {
        let reply = self.post(NATIVE, body).await;
        assert_eq!(reply.status, 200, "{:?}", reply.json());
        let code_url = reply.json()["code_url"].as_str().unwrap().to_owned();
        let token = code_url.strip_prefix(&format!("{BASE}/q/")).unwrap();
        OrderId(EventNumber(
            self.platform.ids.read_code_token(token).unwrap(),
        ))
    }

    pub async fn pay(&self, order: OrderId) {
        let attempt = Attempt::of(&number("try"));
        self.platform
            .engine
            .submit(PayOrder {
                order,
                payer: LEI,
                attempt,
                at_most: None,
            })
            .await
            .unwrap();
    }

    /// Places an order and has it paid.
    pub async fn paid(&self, body: &Value) -> OrderId {
        let order = self.place(body).await;
        self.pay(order).await;
        order
    }

    pub fn refund(&self, refund_number: &str, number: &str, refund: i64, total: i64) -> Value {
        json!({
            "out_trade_no": number, "out_refund_no": refund_number, "reason": "七天无理由",
            "amount": { "refund": refund, "total": total, "currency": "CNY" },
        })
    }

    /// Closes everything and opens the folder again.
    pub async fn reopened(self) -> Self {
        let Self {
            dir,
            platform,
            router,
            shop,
        } = self;
        drop(router);
        let (engine, mode) = (platform.engine.clone(), platform.mode);
        drop(platform);
        tokio::task::spawn_blocking(move || engine.stop())
            .await
            .unwrap();
        let platform = open(dir.path(), mode).await;
        let router = super::routes().with_state(platform.clone());
        Self {
            dir,
            platform,
            router,
            shop,
        }
    }
}

pub async fn open(dir: &std::path::Path, mode: Mode) -> Arc<Platform> {
    let (log, vault) = (dir.join("data"), dir.join("vault"));
    let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
    let opened = tokio::task::spawn_blocking(move || {
        // An engine that was dropped may hold its folder for a moment.
        for _ in 0..50 {
            if let Ok(engine) = Engine::open(Options::new(&log, mode)) {
                return (engine, Vault::open(&vault, master).unwrap());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{} cannot be opened", log.display())
    });
    let (engine, vault) = opened.await.unwrap();
    Platform::open(engine, vault, BASE.into()).await.unwrap()
}

impl Merchant {
    pub async fn add(platform: &Platform, name: &str) -> Self {
        let command = AddMerchant {
            number: number(name),
            name: name.into(),
            category: Category(5812),
            fee: BasisPoints(60),
        };
        let (_, credentials) = platform.add_merchant(command, None).await.unwrap();
        let pem = credentials.private_key_pem.as_ref().unwrap();
        let key = PlatformKey::from_pem(pem.expose_secret()).unwrap();
        Self { credentials, key }
    }

    pub fn authorization(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        change: &Change,
    ) -> String {
        let now = unix_seconds().cast_signed();
        let timestamp = change.timestamp.unwrap_or(now);
        let nonce = change.nonce.clone().unwrap_or_else(random::nonce_str);
        let target = change.signed_target.as_deref().unwrap_or(target);
        let body = change.signed_body.as_deref().unwrap_or(body);
        let signature = self
            .key
            .sign(&request_text(method, target, timestamp, &nonce, body));
        let mchid = change.mchid.as_ref().unwrap_or(&self.credentials.mchid);
        let serial_no = change
            .serial_no
            .as_ref()
            .unwrap_or(&self.credentials.serial_no);
        format!(
            "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{timestamp}\",serial_no=\"{serial_no}\""
        )
    }
}
