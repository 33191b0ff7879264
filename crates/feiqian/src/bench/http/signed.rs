//! Signed requests, and what one of them costs the server. Beside it stands what the cryptography alone costs: one
//! RSA-2048 verification and one signature.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_gateway::wechat::sign::{self, PlatformKey};
use hyper::Method;
use serde_json::{Value, json};

use super::client::{Connection, Header, Problem};
use super::server::Server;
use crate::Failure;
use crate::bench::latency::Latencies;
use crate::bench::report;

/// A GET that is signed already, so that the load is on the server.
pub struct Ask {
    /// What for.
    pub target: String,
    /// Of its signature.
    pub headers: Vec<Header>,
}

/// Asks all of it. An answer without `expected` in it is a problem.
pub async fn load(
    server: &Server,
    mut asks: Vec<Ask>,
    connections: usize,
    expected: &'static str,
) -> Result<Value, Failure> {
    let requests = asks.len();
    let cpu = server.cpu_seconds()?;
    let begin = Instant::now();
    let mut tasks = Vec::new();
    let share = requests.div_ceil(connections.max(1)).max(1);
    while !asks.is_empty() {
        let rest = asks.split_off(share.min(asks.len()));
        let connection = Connection::open(server.base_url()).await?;
        tasks.push(tokio::spawn(ask(connection, asks, expected)));
        asks = rest;
    }
    let mut latencies = Latencies::new();
    for task in tasks {
        latencies.add(&task.await??);
    }
    let wall = begin.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
    let count = requests as f64;
    let each = (server.cpu_seconds()? - cpu) / count;
    let key = server.credentials["wechat"]["merchant_private_key_pem"].as_str();
    let (verify, sign) = cryptography(&PlatformKey::from_pem(key.unwrap_or_default())?)?;
    let micros = |seconds: f64| report::rounded(seconds * 1e6, 10.0);
    Ok(json!({
        "requests": requests,
        "connections": connections,
        "per_second": (count / wall).round(),
        "ms": report::quantiles(&latencies),
        "server_cpu_us_per_request": micros(each),
        "one_verification_us": micros(verify),
        "one_signature_us": micros(sign),
        "ratio_to_verification_plus_signature": report::rounded(each / (verify + sign), 100.0),
    }))
}

async fn ask(
    mut connection: Connection,
    asks: Vec<Ask>,
    expected: &'static str,
) -> Result<Latencies, Problem> {
    let mut latencies = Latencies::new();
    for Ask { target, headers } in asks {
        let begin = Instant::now();
        let answer = connection.send(Method::GET, &target, &headers, "").await?;
        latencies.record(begin.elapsed());
        if !answer
            .windows(expected.len())
            .any(|part| part == expected.as_bytes())
        {
            return Err(String::from_utf8_lossy(&answer).into_owned());
        }
    }
    Ok(latencies)
}

/// Seconds of one verification and of one signature: medians of many, on all cores at once, because
/// a core is slower while its neighbour is busy, as it is under the load.
fn cryptography(key: &PlatformKey) -> Result<(f64, f64), Failure> {
    let text = sign::request_text("GET", "/v3/pay/transactions", 1, "nonce", b"");
    let signature = STANDARD.decode(key.sign(&text))?;
    let verify = on_all_cores(&|| assert!(sign::verify(key.public(), &text, &signature)))?;
    let sign = on_all_cores(&|| drop(std::hint::black_box(key.sign(&text))))?;
    Ok((verify, sign))
}

fn on_all_cores(action: &(dyn Fn() + Sync)) -> Result<f64, Failure> {
    let median = || {
        let mut times: Vec<f64> = (0..1_001)
            .map(|_| {
                let begin = Instant::now();
                action();
                begin.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let cores = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(median)).collect();
        let mut sum = 0.0;
        for thread in threads {
            sum += thread.join().map_err(|_| "the cryptography panicked")?;
        }
        #[allow(clippy::cast_precision_loss, reason = "a count of cores")]
        Ok(sum / cores as f64)
    })
}
