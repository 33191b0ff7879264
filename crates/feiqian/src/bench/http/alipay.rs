//! Queries over Alipay's classic gateway.

use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::UnixMillis;
use feiqian_gateway::wechat::times::bill_time;
use hyper::Method;
use reqwest::Url;
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::client::{Connection, words};
use super::server::Server;
use super::signed::{self, Ask};
use crate::Failure;

/// What an answer says that is no refusal.
const SUCCESS: &str = "\"code\":\"10000\"";

/// Places one order, then asks for it again and again. What a query costs.
pub async fn load(server: &Server, queries: usize, connections: usize) -> Result<Value, Failure> {
    let app = App::new(server)?;
    let number = "bench-alipay";
    let order = json!({ "out_trade_no": number, "total_amount": "1.00", "subject": "bench" });
    let place = app.target("alipay.trade.precreate", &order)?;
    let mut connection = Connection::open(server.base_url()).await?;
    let placed = connection.send(Method::GET, &place, &[], "").await?;
    let placed = String::from_utf8_lossy(&placed);
    if !placed.contains(SUCCESS) {
        return Err(placed.into());
    }
    let order = json!({ "out_trade_no": number });
    let asks = (0..queries).map(|_| {
        let target = app.target("alipay.trade.query", &order)?;
        let headers = Vec::new();
        Ok::<_, Failure>(Ask { target, headers })
    });
    let asks = asks.collect::<Result<_, _>>()?;
    signed::load(server, asks, connections, SUCCESS).await
}

struct App {
    gateway: String,
    id: String,
    key: RsaKeyPair,
}

impl App {
    fn new(server: &Server) -> Result<Self, Failure> {
        let alipay = &server.credentials["alipay"];
        let text = |name: &str| alipay[name].as_str().unwrap_or_default().to_owned();
        let key = PrivatePkcs1KeyDer::from_pem_slice(text("app_private_key_pem").as_bytes());
        Ok(Self {
            gateway: server.base_url().to_owned() + &text("gateway_path"),
            id: text("app_id"),
            key: RsaKeyPair::from_der(key.map_err(words)?.secret_pkcs1_der()).map_err(words)?,
        })
    }

    /// A signed request, as the target of a GET.
    fn target(&self, method: &str, content: &Value) -> Result<String, Failure> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let now = UnixMillis(i64::try_from(now.as_millis())?);
        // In the order of their names, as they are signed.
        let parameters = [
            ("app_id", self.id.clone()),
            ("biz_content", content.to_string()),
            ("charset", "utf-8".to_owned()),
            ("format", "JSON".to_owned()),
            ("method", method.to_owned()),
            ("sign_type", "RSA2".to_owned()),
            ("timestamp", bill_time(now)),
            ("version", "1.0".to_owned()),
        ];
        let pairs = parameters
            .each_ref()
            .map(|(name, value)| format!("{name}={value}"));
        let text = pairs.join("&");
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .map_err(words)?;
        let sign = [("sign", STANDARD.encode(signature))];
        let url = Url::parse_with_params(&self.gateway, parameters.iter().chain(&sign))?;
        Ok(format!(
            "{}?{}",
            url.path(),
            url.query().unwrap_or_default()
        ))
    }
}
