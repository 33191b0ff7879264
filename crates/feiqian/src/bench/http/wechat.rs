//! WeChat Pay v3 queries.

use feiqian_gateway::wechat::authorization::SCHEME;
use feiqian_gateway::wechat::random;
use feiqian_gateway::wechat::sign::{self, PlatformKey};
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::client::{Connection, Header, Problem, words};
use super::server::Server;
use super::signed::{self, Ask};
use crate::Failure;

const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// Places one order, then asks for it again and again. What a query costs.
pub async fn load(server: &Server, queries: usize, connections: usize) -> Result<Value, Failure> {
    let merchant = Merchant::new(&server.credentials)?;
    merchant.place(server.base_url()).await?;
    let target = format!(
        "/v3/pay/transactions/out-trade-no/bench-http?mchid={}",
        merchant.mchid
    );
    let asks = (0..queries).map(|_| {
        Ok::<_, Problem>(Ask {
            headers: merchant.headers("GET", &target, "")?.into(),
            target: target.clone(),
        })
    });
    let asks = asks.collect::<Result<_, _>>()?;
    signed::load(server, asks, connections, "\"NOTPAY\"").await
}

struct Merchant {
    mchid: String,
    appid: String,
    serial: String,
    key: PlatformKey,
    public_key_id: String,
}

impl Merchant {
    fn new(credentials: &Value) -> Result<Self, Failure> {
        let wechat = &credentials["wechat"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self {
            mchid: text(&wechat["mchid"]),
            appid: text(&wechat["appid"]),
            serial: text(&wechat["merchant_serial_no"]),
            key: PlatformKey::from_pem(&text(&wechat["merchant_private_key_pem"]))?,
            public_key_id: text(&wechat["platform_public_key_id"]),
        })
    }

    fn headers(&self, method: &str, target: &str, body: &str) -> Result<[Header; 2], Problem> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(0);
        let nonce = random::nonce_str();
        let text = sign::request_text(method, target, now, &nonce, body.as_bytes());
        let signature = self.key.sign(&text);
        let authorization = format!(
            "{SCHEME} mchid=\"{}\",nonce_str=\"{nonce}\",timestamp=\"{now}\",serial_no=\"{}\",signature=\"{signature}\"",
            self.mchid, self.serial
        );
        let value = |text: &str| HeaderValue::from_str(text).map_err(words);
        Ok([
            (AUTHORIZATION, value(&authorization)?),
            (SERIAL, value(&self.public_key_id)?),
        ])
    }

    async fn place(&self, base_url: &str) -> Result<(), Failure> {
        let body = json!({
            "appid": self.appid, "mchid": self.mchid, "description": "bench",
            "out_trade_no": "bench-http", "notify_url": "http://127.0.0.1:9/notify",
            "amount": { "total": 100 },
        });
        let target = "/v3/pay/transactions/native";
        let headers = self.headers("POST", target, &body.to_string())?;
        let mut connection = Connection::open(base_url).await?;
        connection
            .json(Method::POST, target, &headers, &body)
            .await?;
        Ok(())
    }
}
