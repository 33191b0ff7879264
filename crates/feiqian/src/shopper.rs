//! `feiqian pay` and `feiqian paycode`: act as a shopper of a sandbox, over the native API.

use clap::Args;
use feiqian_gateway::codes::picture::{barcode_svg, qr_svg};
use serde_json::{Value, json};

use crate::Failure;

#[derive(Args)]
pub struct Who {
    /// Base URL of the sandbox
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The shopper: a handle (mei), a Chinese name (韩梅) or a Latin one ("Han Mei")
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Print the server's answer as JSON instead of a line
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct PayOptions {
    #[command(flatten)]
    who: Who,
    /// The link in the merchant's code, as the order's code_url, h5_url or qr_code gave it; a link of Alipay's page.pay or
    /// wap.pay; or the order string of app.pay
    #[arg(value_name = "CODE_URL", required_unless_present = "prepay_id")]
    code_url: Option<String>,
    /// The order's prepay_id, instead of a link
    #[arg(long, value_name = "ID", conflicts_with = "code_url")]
    prepay_id: Option<String>,
}

#[derive(Args)]
pub struct PayCodeOptions {
    #[command(flatten)]
    who: Who,
    /// Print it as a picture instead, as a phone shows it
    #[arg(long, value_enum, value_name = "KIND", conflicts_with = "json")]
    svg: Option<Picture>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Picture {
    /// The 18 digits as Code 128
    Bar,
    /// The 18 digits as QR code
    Qr,
    /// The EMV payload as QR code
    Emv,
}

pub fn pay(options: &PayOptions) -> Result<(), Failure> {
    let order = match (&options.code_url, &options.prepay_id) {
        (Some(text), _) if text.contains("method=alipay.") => {
            json!({ "code_url": cashier(&options.who.server, text)? })
        }
        (Some(url), _) => json!({ "code_url": url }),
        (None, id) => json!({ "prepay_id": id }),
    };
    let payment = run(&options.who, |_| "/v1/payments".into(), &order)?;
    if options.who.json {
        crate::say!("{payment}");
        return Ok(());
    }
    let yuan = payment["payable"]
        .as_i64()
        .map(|fen| feiqian_core::Fen(fen).to_string());
    crate::say!(
        "paid {} yuan to {} ({}), order {}",
        yuan.unwrap_or_default(),
        text(&payment["merchant"]["name"]),
        text(&payment["description"]),
        text(&payment["order_id"]),
    );
    Ok(())
}

pub fn pay_code(options: &PayCodeOptions) -> Result<(), Failure> {
    let path = |user: &str| format!("/v1/users/{user}/pay_codes");
    let answer = run(&options.who, path, &json!({}))?;
    if options.who.json {
        crate::say!("{answer}");
    } else if let Some(picture) = options.svg {
        let svg = match picture {
            Picture::Bar => barcode_svg(text(&answer["code"])),
            Picture::Qr => qr_svg(text(&answer["code"])),
            Picture::Emv => qr_svg(text(&answer["cpm"])),
        };
        crate::say!(
            "{}",
            svg.ok_or("the server's code cannot be drawn")?.trim_end()
        );
    } else {
        let seconds = answer["expires_in"].as_i64().unwrap_or_default();
        crate::say!(
            "pay code of {}, for one use within {seconds} s: {}",
            options.who.name,
            text(&answer["code"])
        );
    }
    Ok(())
}

/// Where a signed request of Alipay leads the shopper: what a browser, or the wallet in an app, does with it.
fn cashier(server: &str, signed: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let request = if signed.starts_with("http") {
            client.get(signed)
        } else {
            let url = format!("{}/gateway.do", server.trim_end_matches('/'));
            let form = "application/x-www-form-urlencoded";
            client
                .post(url)
                .header("content-type", form)
                .body(signed.to_owned())
        };
        let response = request.send().await?;
        let cashier = response.headers().get("location");
        match cashier.and_then(|cashier| cashier.to_str().ok()) {
            Some(cashier) => Ok(cashier.to_owned()),
            None => {
                Err(format!("the shop's request was refused: {}", response.text().await?).into())
            }
        }
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Signs in as the shopper and posts once.
fn run(who: &Who, path: impl Fn(&str) -> String, body: &Value) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let base = who.server.trim_end_matches('/');
        let session = client.post(format!("{base}/v1/sandbox/sessions"));
        let session = answer(&who.server, session.json(&json!({ "as": who.name }))).await?;
        let url = format!("{base}{}", path(text(&session["user_id"])));
        let request = client
            .post(url)
            .bearer_auth(text(&session["key"]))
            .header("Idempotency-Key", random_number()?)
            .json(body);
        answer(&who.server, request).await
    })
}

/// Sends a request and reads the answer, or says why there is none.
pub async fn answer(server: &str, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
    let response = request.send().await.map_err(|error| {
        let why = crate::with_causes(&error);
        format!("no answer from {server}: {why}. Does `feiqian demo` run there?")
    })?;
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let error = &body["error"];
    match error["message"].as_str() {
        Some(message) => Err(format!("{message} ({})", text(&error["code"])).into()),
        None if status.as_u16() == 404 => {
            Err(format!("{server} is not a sandbox of Feiqian").into())
        }
        None => Err(format!("{server} answered {status}").into()),
    }
}

/// A number of a request of its own.
pub fn random_number() -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random numbers on this machine")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
