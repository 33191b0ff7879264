//! Orders created and paid over `/v1`.

use std::time::{Duration, Instant};

use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Connection, Header, Problem, words};
use super::server::Server;
use crate::Failure;
use crate::bench::latency::Latencies;
use crate::bench::{process, report};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// One key may ask two thousand times a second, so there are many.
const MERCHANTS: usize = 16;
/// What each order costs, in fen.
const AMOUNT: u32 = 1_000;

/// Creates orders for a while, then pays them all. What each cost.
pub async fn load(
    server: &Server,
    connections: usize,
    seconds: u64,
) -> Result<(Value, Value), Failure> {
    let clerks = hire(server, connections).await?;
    let (clerks, created) = phase(server, clerks, |clerk| {
        clerk.create(Duration::from_secs(seconds))
    })
    .await?;
    let (_, paid) = phase(server, clerks, Clerk::pay).await?;
    Ok((created, paid))
}

/// Lets all connections work, and tells what it cost.
async fn phase<F>(
    server: &Server,
    clerks: Vec<Clerk>,
    work: impl Fn(Clerk) -> F,
) -> Result<(Vec<Clerk>, Value), Failure>
where
    F: Future<Output = Result<(Clerk, Latencies), Problem>> + Send + 'static,
{
    let own = std::process::id();
    let cpu = || process::cpu_seconds(own).ok_or("this process has no CPU time");
    let (server_before, own_before) = (server.cpu_seconds()?, cpu()?);
    let begin = Instant::now();
    let tasks: Vec<_> = clerks
        .into_iter()
        .map(|clerk| tokio::spawn(work(clerk)))
        .collect();
    let (mut back, mut latencies) = (Vec::new(), Latencies::new());
    for task in tasks {
        let (clerk, own) = task.await??;
        latencies.add(&own);
        back.push(clerk);
    }
    let wall = begin.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let count = latencies.count().max(1) as f64;
    let micros = |seconds: f64| report::rounded(seconds * 1e6 / count, 10.0);
    let figures = json!({
        "requests": latencies.count(),
        "per_second": (count / wall).round(),
        "ms": report::quantiles(&latencies),
        "server_cpu_us_per_request": micros(server.cpu_seconds()? - server_before),
        "generator_cpu_us_per_request": micros(cpu()? - own_before),
    });
    Ok((back, figures))
}

/// A connection on which a merchant takes orders that a shopper then pays.
struct Clerk {
    connection: Connection,
    n: usize,
    merchant: HeaderValue,
    shopper: HeaderValue,
    orders: Vec<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Clerk {
    fn number(&self, n: usize) -> Result<Header, Problem> {
        let number = HeaderValue::from_str(&format!("bench-{}-{n}", self.n)).map_err(words)?;
        Ok((IDEMPOTENCY_KEY, number))
    }

    async fn create(mut self, time: Duration) -> Result<(Self, Latencies), Problem> {
        let mut latencies = Latencies::new();
        let end = Instant::now() + time;
        let body = json!({ "amount": AMOUNT, "description": "bench" }).to_string();
        loop {
            let begin = Instant::now();
            if begin >= end {
                return Ok((self, latencies));
            }
            let key = (AUTHORIZATION, self.merchant.clone());
            let headers = [key, self.number(self.orders.len())?];
            let answer = self
                .connection
                .send(Method::POST, "/v1/orders", &headers, body.clone())
                .await?;
            latencies.record(begin.elapsed());
            let created: Created = serde_json::from_slice(&answer).map_err(words)?;
            self.orders.push(created.id);
        }
    }

    async fn pay(mut self) -> Result<(Self, Latencies), Problem> {
        let mut latencies = Latencies::new();
        for (n, order) in std::mem::take(&mut self.orders).into_iter().enumerate() {
            let begin = Instant::now();
            let key = (AUTHORIZATION, self.shopper.clone());
            let headers = [key, self.number(n)?];
            let body = format!(r#"{{"order_id":"{order}"}}"#);
            self.connection
                .send(Method::POST, "/v1/payments", &headers, body)
                .await?;
            latencies.record(begin.elapsed());
        }
        Ok((self, latencies))
    }
}

/// Connections, with keys for merchants made here and for the sandbox's shoppers, who get money.
async fn hire(server: &Server, connections: usize) -> Result<Vec<Clerk>, Failure> {
    let mut operator = Operator {
        connection: Connection::open(server.base_url()).await?,
        key: bearer(&server.credentials["operator_key"])?,
    };
    let mut merchants = Vec::new();
    for n in 0..MERCHANTS.min(connections) {
        merchants.push(operator.merchant(n).await?);
    }
    let shoppers = operator.shoppers().await?;
    let mut clerks = Vec::new();
    for n in 0..connections {
        clerks.push(Clerk {
            connection: Connection::open(server.base_url()).await?,
            n,
            merchant: merchants[n % merchants.len()].clone(),
            shopper: shoppers[n % shoppers.len()].clone(),
            orders: Vec::new(),
        });
    }
    Ok(clerks)
}

struct Operator {
    connection: Connection,
    key: HeaderValue,
}

impl Operator {
    async fn post(&mut self, target: &str, number: &str, body: Value) -> Result<Value, Problem> {
        let number = HeaderValue::from_str(number).map_err(words)?;
        let headers = [(AUTHORIZATION, self.key.clone()), (IDEMPOTENCY_KEY, number)];
        self.connection
            .json(Method::POST, target, &headers, &body)
            .await
    }

    /// A new merchant's key.
    async fn merchant(&mut self, n: usize) -> Result<HeaderValue, Problem> {
        let body = json!({ "name": format!("Bench {n}"), "category": "5812", "fee_bps": 60 });
        let added = self
            .post("/v1/merchants", &format!("bench-{n}"), body)
            .await?;
        let id = added["id"].as_str().unwrap_or_default();
        let key = self
            .post(&format!("/v1/merchants/{id}/keys"), "unused", json!({}))
            .await?;
        bearer(&key["key"])
    }

    /// The keys of the sandbox's shoppers.
    async fn shoppers(&mut self) -> Result<Vec<HeaderValue>, Problem> {
        let list = self
            .connection
            .json(Method::GET, "/v1/sandbox/shoppers", &[], &json!({}))
            .await?;
        let mut keys = Vec::new();
        for shopper in list["data"].as_array().into_iter().flatten() {
            let id = shopper["user_id"].as_str().unwrap_or_default();
            let money = json!({ "amount": 100_000_000_000_u64 });
            self.post(&format!("/v1/users/{id}/top_ups"), "bench", money)
                .await?;
            let key = self
                .post(&format!("/v1/users/{id}/keys"), "unused", json!({}))
                .await?;
            keys.push(bearer(&key["key"])?);
        }
        if keys.is_empty() {
            return Err("the sandbox has no shoppers".into());
        }
        Ok(keys)
    }
}

fn bearer(key: &Value) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("Bearer {}", key.as_str().unwrap_or_default())).map_err(words)
}
