//! `feiqian bench http`: what one signed WeChat Pay v3 query costs the server.
//!
//! The server runs in a process of its own; its CPU time is what the operating system says. Beside it
//! stands what the cryptography alone costs: one RSA-2048 verification and one signature.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use feiqian_gateway::wechat::sign::{self, PlatformKey};
use serde_json::{Value, json};

use super::latency::Latencies;
use super::process;
use crate::Failure;

#[derive(Args)]
pub struct Options {
    /// Queries to send
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
    /// Keep-alive connections to send them over
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let dir = std::env::temp_dir().join(format!("feiqian-bench-http-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let mut server = serve(&dir)?;
    let result = measure(options, &dir, server.id());
    server.kill()?;
    server.wait()?;
    std::fs::remove_dir_all(&dir)?;
    let figures = result?;
    if options.json {
        crate::say!("{figures}");
    } else if let Some(figures) = figures.as_object() {
        for (name, value) in figures {
            crate::say!("{:<44} {value}", name.replace('_', " "));
        }
    }
    Ok(())
}

fn serve(dir: &Path) -> Result<Child, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .arg("demo")
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(dir.join("data"))
        .arg("--credentials")
        .arg(dir.join("credentials.json"))
        .stdout(Stdio::null())
        .spawn()?;
    Ok(child)
}

fn measure(options: &Options, dir: &Path, pid: u32) -> Result<Value, Failure> {
    let credentials = wait_for_credentials(&dir.join("credentials.json"))?;
    let merchant = Merchant::new(&credentials)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (per_request, latencies, wall) = runtime.block_on(merchant.load(options, pid))?;
    let (verify, sign) = cryptography(&merchant.key);
    let micros = |seconds: f64| (seconds * 1e7).round() / 10.0;
    let ms = |share| (latencies.quantile(share).as_secs_f64() * 1e5).round() / 100.0;
    Ok(json!({
        "machine": process::machine(),
        "requests": options.requests,
        "connections": options.connections,
        "wechat_v3_queries_per_second": (options.requests as u64 * 1_000)
            / u64::try_from(wall.as_millis())?.max(1),
        "latency_ms": { "p50": ms(0.5), "p99": ms(0.99) },
        "server_cpu_us_per_request": micros(per_request),
        "one_verification_us": micros(verify),
        "one_signature_us": micros(sign),
        "ratio_to_verification_plus_signature": (per_request / (verify + sign) * 100.0).round() / 100.0,
    }))
}

fn wait_for_credentials(path: &Path) -> Result<Value, Failure> {
    let patience = Instant::now() + Duration::from_secs(60);
    while Instant::now() < patience {
        if let Ok(text) = std::fs::read_to_string(path) {
            return Ok(serde_json::from_str(&text)?);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("the server did not start within a minute".into())
}

/// Seconds of one verification and of one signature, medians of many.
fn cryptography(key: &PlatformKey) -> (f64, f64) {
    let text = sign::request_text("GET", "/v3/pay/transactions", 1, "nonce", b"");
    let signature = decode(&key.sign(&text));
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

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap_or_default()
}

struct Merchant {
    base: String,
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
            base: text(&credentials["base_url"]),
            mchid: text(&wechat["mchid"]),
            appid: text(&wechat["appid"]),
            serial: text(&wechat["merchant_serial_no"]),
            key: PlatformKey::from_pem(&text(&wechat["merchant_private_key_pem"]))?,
            public_key_id: text(&wechat["platform_public_key_id"]),
        })
    }

    fn authorization(&self, method: &str, target: &str, body: &str) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(0);
        let nonce = feiqian_gateway::wechat::random::nonce_str();
        let text = sign::request_text(method, target, now, &nonce, body.as_bytes());
        let signature = self.key.sign(&text);
        format!(
            "{} mchid=\"{}\",nonce_str=\"{nonce}\",timestamp=\"{now}\",serial_no=\"{}\",signature=\"{signature}\"",
            feiqian_gateway::wechat::authorization::SCHEME,
            self.mchid,
            self.serial
        )
    }

    /// Places one order, then asks for it again and again. Answers the server's CPU seconds per query.
    async fn load(&self, o: &Options, pid: u32) -> Result<(f64, Latencies, Duration), Failure> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(o.connections)
            .build()?;
        self.place(&client).await?;
        let target = format!(
            "/v3/pay/transactions/out-trade-no/bench-http?mchid={}",
            self.mchid
        );
        // Signed beforehand, so that the load is on the server.
        let signed: Vec<_> = (0..o.requests)
            .map(|_| self.authorization("GET", &target, ""))
            .collect();
        let url = format!("{}{target}", self.base);
        let cpu = process::cpu_seconds(pid).ok_or("the server is gone")?;
        let begin = Instant::now();
        let mut tasks = Vec::new();
        for share in signed.chunks(o.requests.div_ceil(o.connections.max(1)).max(1)) {
            let (client, url, share) = (client.clone(), url.clone(), share.to_vec());
            let serial = self.public_key_id.clone();
            tasks.push(tokio::spawn(async move {
                query(&client, &url, &serial, share).await
            }));
        }
        let mut latencies = Latencies::new();
        for task in tasks {
            for took in task.await?.map_err(|error| error.to_string())? {
                latencies.record(took);
            }
        }
        let wall = begin.elapsed();
        let used = process::cpu_seconds(pid).ok_or("the server is gone")? - cpu;
        #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
        Ok((used / o.requests as f64, latencies, wall))
    }

    async fn place(&self, client: &reqwest::Client) -> Result<(), Failure> {
        let body = json!({
            "appid": self.appid, "mchid": self.mchid, "description": "bench",
            "out_trade_no": "bench-http", "notify_url": "http://127.0.0.1:9/notify",
            "amount": { "total": 100 },
        })
        .to_string();
        let target = "/v3/pay/transactions/native";
        let answer = client
            .post(format!("{}{target}", self.base))
            .header("Authorization", self.authorization("POST", target, &body))
            .header("Wechatpay-Serial", &self.public_key_id)
            .body(body)
            .send()
            .await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("the order was refused: {}", answer.text().await?).into()),
        }
    }
}

async fn query(
    client: &reqwest::Client,
    url: &str,
    serial: &str,
    signed: Vec<String>,
) -> Result<Vec<Duration>, reqwest::Error> {
    let mut times = Vec::with_capacity(signed.len());
    for authorization in signed {
        let begin = Instant::now();
        let request = client.get(url).header("Authorization", authorization);
        let answer = request.header("Wechatpay-Serial", serial).send().await?;
        answer.error_for_status()?.bytes().await?;
        times.push(begin.elapsed());
    }
    Ok(times)
}
