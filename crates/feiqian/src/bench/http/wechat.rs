//! What one signed WeChat Pay v3 query costs the server. Beside it stands what the cryptography alone
//! costs: one RSA-2048 verification and one signature.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_gateway::wechat::authorization::SCHEME;
use feiqian_gateway::wechat::random;
use feiqian_gateway::wechat::sign::{self, PlatformKey};
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::client::{Connection, Header, Problem, words};
use super::server::Server;
use crate::Failure;
use crate::bench::latency::Latencies;
use crate::bench::report;

const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// Places one order, then asks for it again and again. What a query costs.
pub async fn load(server: &Server, queries: usize, connections: usize) -> Result<Value, Failure> {
    let merchant = Merchant::new(&server.credentials)?;
    merchant.place(server.base_url()).await?;
    let target = format!(
        "/v3/pay/transactions/out-trade-no/bench-http?mchid={}",
        merchant.mchid
    );
    // Signed beforehand, so that the load is on the server.
    let signed: Result<Vec<_>, _> = (0..queries)
        .map(|_| merchant.headers("GET", &target, ""))
        .collect();
    let signed = signed?;
    let cpu = server.cpu_seconds()?;
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for share in signed.chunks(queries.div_ceil(connections.max(1)).max(1)) {
        let connection = Connection::open(server.base_url()).await?;
        tasks.push(tokio::spawn(ask(
            connection,
            target.clone(),
            share.to_vec(),
        )));
    }
    let mut latencies = Latencies::new();
    for task in tasks {
        latencies.add(&task.await??);
    }
    let wall = begin.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
    let count = queries as f64;
    let per_query = (server.cpu_seconds()? - cpu) / count;
    let (verify, sign) = cryptography(&merchant.key);
    let micros = |seconds: f64| report::rounded(seconds * 1e6, 10.0);
    Ok(json!({
        "requests": queries,
        "connections": connections,
        "per_second": (count / wall).round(),
        "ms": report::quantiles(&latencies),
        "server_cpu_us_per_request": micros(per_query),
        "one_verification_us": micros(verify),
        "one_signature_us": micros(sign),
        "ratio_to_verification_plus_signature": report::rounded(per_query / (verify + sign), 100.0),
    }))
}

async fn ask(
    mut connection: Connection,
    target: String,
    signed: Vec<[Header; 2]>,
) -> Result<Latencies, Problem> {
    let mut latencies = Latencies::new();
    for headers in signed {
        let begin = Instant::now();
        connection.send(Method::GET, &target, &headers, "").await?;
        latencies.record(begin.elapsed());
    }
    Ok(latencies)
}

/// Seconds of one verification and of one signature, medians of many.
fn cryptography(key: &PlatformKey) -> (f64, f64) {
    let text = sign::request_text("GET", "/v3/pay/transactions", 1, "nonce", b"");
    let signature = STANDARD.decode(key.sign(&text)).unwrap_or_default();
    let median = |action: &dyn Fn()| {
        let mut times: Vec<f64> = (0..501)
            .map(|_| {
                let begin = Instant::now();
                action();
                begin.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let verify = median(&|| assert!(sign::verify(key.public(), &text, &signature)));
    (
        verify,
        median(&|| drop(std::hint::black_box(key.sign(&text)))),
    )
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
