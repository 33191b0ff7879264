//! Every request body, path and query of `/v1` and of the WeChat Pay edge, through the whole router,
//! from somebody who may ask: the bytes reach what reads them.
//!
//! An input is a line `who method target number`, then the body. `{open}` and the like in it become
//! what this world has: a new order, a fresh pay code.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, header};
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::Attempt;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    BasisPoints, BrandId, EventNumber, Fen, MerchantId, Mode, Number, OrderId, TransferId, UserId,
};
use feiqian_engine::{Engine, Options};
use feiqian_fuzz::{fuzz, words};
use feiqian_gateway::access::Role;
use feiqian_gateway::codes::token::Asks;
use feiqian_gateway::codes::{Scanned, merchant_code, merchant_link, order_code, scan};
use feiqian_gateway::platform::{MerchantCredentials, Person, Platform};
use feiqian_gateway::server::router;
use feiqian_gateway::wechat::authorization::SCHEME;
use feiqian_gateway::wechat::random;
use feiqian_gateway::wechat::sign::{PlatformKey, request_text};
use feiqian_store::vault::{MasterKey, Vault};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// A world is used so often: sooner or later a case closes its only user.
const CASES_OF_A_WORLD: u64 = 5_000;

const BRAND: BrandId = BrandId(0);
const SHOP: MerchantId = MerchantId(0);
const USER: UserId = UserId(0);

/// What the merchant of the world calls its orders: one that is paid, and those that are open.
const PAID: &str = "paid-1";

struct World {
    _dir: TempDir,
    platform: Arc<Platform>,
    router: Router,
    credentials: MerchantCredentials,
    key: PlatformKey,
    /// Who asks, and their bearer key.
    bearers: [(&'static str, String); 3],
    paid: OrderId,
    cases: u64,
}

impl Drop for World {
    fn drop(&mut self) {
        self.platform.engine.stop();
    }
}

fn unix_seconds() -> i64 {
    Timestamp::now().as_second()
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::new(&dir.path().join("data"), Mode::Sandbox)).unwrap();
        let master = MasterKey::from_hex(&"07".repeat(32)).unwrap();
        let vault = Vault::open(&dir.path().join("vault"), master).unwrap();
        let platform = Platform::open(engine, vault, "http://pay.test".into())
            .await
            .unwrap();
        let credentials = people(&platform).await;
        let paid = order(&platform, PAID).await;
        let pay = PayOrder {
            order: paid,
            payer: USER,
            attempt: Attempt(1),
            at_most: None,
        };
        platform.engine.submit(pay).await.unwrap();
        let pem = credentials.private_key_pem.as_ref().unwrap();
        let key = PlatformKey::from_pem(pem.expose_secret()).unwrap();
        let bearer = |role| {
            let key = platform.access.grant(&platform.vault, role).unwrap();
            key.expose_secret().to_owned()
        };
        Self {
            bearers: [
                ("operator", bearer(Role::first_operator())),
                ("shop", bearer(Role::Merchant(SHOP.0))),
                ("user", bearer(Role::User(USER.0))),
            ],
            paid,
            router: router(platform.clone(), None),
            _dir: dir,
            platform,
            credentials,
            key,
            cases: 0,
        }
    }

    /// The answer's status, and what kind of answer it is.
    async fn ask(&mut self, input: &[u8]) -> (u16, String) {
        self.cases += 1;
        let (line, body) = self.fill(input).await;
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (who, method, target, key) = (word(), word(), word(), word());
        let form = target.starts_with("/q/");
        let kind = if form {
            "x-www-form-urlencoded"
        } else {
            "json"
        };
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::CONTENT_TYPE, format!("application/{kind}"));
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let bearer = self.bearers.iter().find(|(name, _)| *name == who);
        if let Some((_, key)) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        } else if who == "wechat" {
            let signed = self.authorization(method, target, &body);
            request = request.header(header::AUTHORIZATION, signed);
        }
        // What is no request at all is refused before this program sees it.
        let Ok(mut request) = request.body(Body::from(body)) else {
            return (0, String::new());
        };
        let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        assert_ne!(status, 500, "{}", String::from_utf8_lossy(&body));
        assert_eq!(self.platform.engine.failed(), None);
        (status, outcome(&body))
    }

    /// The first line and the body, with what this world has.
    async fn fill(&self, input: &[u8]) -> (String, Vec<u8>) {
        let (fresh, open) = (
            format!("fuzz-{}", self.cases),
            format!("open-{}", self.cases),
        );
        let code = feiqian_gateway::paycode::one_code(&self.platform, USER)
            .await
            .unwrap();
        let soon = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
        let certificate = self.credentials.certificate_pem.replace('\n', "\\n");
        let (ids, of, at) = (
            &self.platform.ids,
            &self.credentials,
            unix_seconds() * 1_000,
        );
        let mut names = vec![
            ("{new}", fresh),
            ("{code}", code),
            ("{soon}", soon),
            ("{certificate}", certificate),
            ("{mchid}", of.mchid.clone()),
            ("{appid}", of.appid.clone()),
            ("{openid}", ids.openid(USER.0.into(), &of.appid)),
            ("{paid}", format!("ord_{}", self.paid)),
            ("{sticker}", sticker(&self.platform).await),
            ("{transaction}", ids.transaction_id(self.paid.0.0, at)),
        ];
        if ["{open}", "{open-number}", "{token}", "{prepay}"]
            .iter()
            .any(|name| has(input, name))
        {
            let id = order(&self.platform, &open).await;
            names.extend([
                ("{open}", format!("ord_{id}")),
                ("{open-number}", open),
                ("{token}", ids.code_token(id.0.0)),
                ("{prepay}", ids.prepay_id(id.0.0, at)),
            ]);
        }
        let mut text = input.to_vec();
        for (name, value) in names {
            while let Some(at) = find(&text, name) {
                text.splice(at..at + name.len(), value.bytes());
            }
        }
        let end = find(&text, "\n").unwrap_or(text.len());
        let body = text.get(end + 1..).unwrap_or_default().to_vec();
        (String::from_utf8_lossy(&text[..end]).into_owned(), body)
    }

    fn authorization(&self, method: &str, target: &str, body: &[u8]) -> String {
        let (now, nonce) = (unix_seconds(), random::nonce_str());
        let text = request_text(method, target, now, &nonce, body);
        let (signature, of) = (self.key.sign(&text), &self.credentials);
        let (mchid, serial_no) = (&of.mchid, &of.serial_no);
        format!(
            "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{now}\",serial_no=\"{serial_no}\""
        )
    }
}

/// A brand, a shop and a user with much money.
async fn people(platform: &Platform) -> MerchantCredentials {
    let (one, engine) = (number("one"), &platform.engine);
    let name = "Red".into();
    engine.submit(AddBrand { number: one, name }).await.unwrap();
    let shop = AddMerchant {
        number: one,
        name: "面".into(),
        category: Category(5812),
        fee: BasisPoints(60),
    };
    let (_, credentials) = platform.add_merchant(shop, None).await.unwrap();
    let person = Person {
        handle: "mei".into(),
        name: "韩梅".into(),
        latin_name: None,
        phone: None,
    };
    let user = AddUser {
        number: one,
        brand: BRAND,
        tier: Tier::Full,
    };
    platform.add_user(user, &person).await.unwrap();
    let (user, amount) = (USER, Fen(1_000_000_000));
    let number = one;
    let asked = engine
        .submit(TopUp {
            user,
            number,
            amount,
        })
        .await
        .unwrap();
    let (transfer, answer) = (TransferId(asked.event), Answer::Done);
    engine
        .submit(AnswerTransfer { transfer, answer })
        .await
        .unwrap();
    credentials
}

/// The shop's code for a fixed amount, as EMV payload.
async fn sticker(platform: &Platform) -> String {
    let made = merchant_code(platform, SHOP, Some(Fen(1_250))).await;
    made.unwrap().unwrap()
}

/// A new order.
async fn order(platform: &Platform, name: &str) -> OrderId {
    let terms = Terms {
        amount: Fen(10_000),
        channel: Channel::Scan,
        description: "noodles".into(),
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
    };
    let create = CreateOrder {
        merchant: SHOP,
        number: number(name),
        terms: terms.into(),
    };
    // Refused where a case has paused the shop: then there is no such order.
    let created = platform.engine.submit(create).await;
    OrderId(created.map_or(EventNumber(0), |receipt| receipt.event))
}

fn find(text: &[u8], name: &str) -> Option<usize> {
    text.windows(name.len())
        .position(|window| window == name.as_bytes())
}

fn has(text: &[u8], name: &str) -> bool {
    find(text, name).is_some()
}

/// Code and message of an error, with what WeChat Pay says of the field; the names of what else is
/// answered.
fn outcome(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = json.get("error").unwrap_or(&json);
    let texts = [
        &error["code"],
        &error["message"],
        &json["detail"]["field"],
        &json["detail"]["issue"],
    ];
    let texts = texts.map(|text| words(text.as_str().unwrap_or_default()));
    let names = json
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    let names: Vec<&str> = names.map(String::as_str).collect();
    format!("{} {}", texts.join(" "), names.join(" "))
}

fn requests(target: &str) {
    let runtime = Runtime::new().unwrap();
    let mut world = None;
    fuzz(target, [], |input| {
        let fresh = world
            .take()
            .filter(|world: &World| world.cases < CASES_OF_A_WORLD);
        let mut asked = fresh.unwrap_or_else(|| runtime.block_on(World::new()));
        let answer = runtime.block_on(asked.ask(input));
        world = Some(asked);
        answer
    });
}

#[test]
fn v1() {
    requests("v1");
}

#[test]
fn wechat() {
    requests("wechat");
}

/// Scanned texts: what is read as ours is what we made, however it was changed on the way.
#[test]
fn scanned() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let platform = &*world.platform;
    let asks = Asks {
        merchant: SHOP,
        amount: Some(Fen(1_250)),
    };
    let link = merchant_link(platform, asks).unwrap();
    let order = platform.ids.code_token(world.paid.0.0);
    let made = runtime.block_on(order_code(platform, world.paid, SHOP, Fen(10_000)));
    let seeds = [
        runtime.block_on(sticker(platform)),
        link,
        made.unwrap().unwrap(),
        format!("http://pay.test/q/{order}"),
        "http://pay.test/q/u/mei".to_owned(),
    ];
    fuzz("scanned", seeds.map(String::into_bytes), |bytes| {
        let scanned = scan(platform, &String::from_utf8_lossy(bytes));
        match &scanned {
            Ok(Scanned::Merchant { asks: read, .. }) => assert_eq!(*read, asks),
            Ok(Scanned::Order(token)) => assert_eq!(*token, order),
            Ok(Scanned::Packet(_) | Scanned::User(_) | Scanned::Foreign(_)) | Err(_) => {}
        }
        match scanned {
            Ok(known) => words(&format!("{known:?}")),
            Err(error) => words(&error.to_string()),
        }
    });
}
