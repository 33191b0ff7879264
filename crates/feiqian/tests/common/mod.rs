//! What the tests of the binary share: servers, folders, and somebody who shops.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

pub const BINARY: &str = env!("CARGO_BIN_EXE_feiqian");

/// A running server, stopped with SIGTERM at the end.
pub struct Server(Child);

impl Server {
    pub fn start(arguments: &[&str]) -> (Self, Vec<String>) {
        let mut child = Command::new(BINARY)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        for line in stdout.lines() {
            lines.push(line.unwrap());
            if lines
                .last()
                .is_some_and(|l| l.contains("Ctrl-C stops") || l.starts_with("Serving"))
            {
                break;
            }
        }
        (Self(child), lines)
    }

    pub fn stop(mut self) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(
            self.0.wait().unwrap().success(),
            "an orderly stop exits with 0"
        );
    }
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL: it gets no chance to tidy up.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
    }
}

pub fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a failing command says; it must exit with 1.
pub fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(name);
        std::fs::write(&path, contents).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

/// A sandbox in the folder `demo`, with its credentials.
pub fn demo(folder: &Folder) -> (Server, Value) {
    demo_in(folder, "demo")
}

/// A sandbox in a folder of this name.
pub fn demo_in(folder: &Folder, name: &str) -> (Server, Value) {
    let (data, file) = (folder.file(name), folder.file("credentials.json"));
    let (server, _) = Server::start(&[
        "demo",
        "--data",
        text(&data),
        "--listen",
        "127.0.0.1:0",
        "--credentials",
        text(&file),
    ]);
    let credentials = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    (server, credentials)
}

/// A shopper and a merchant of a running sandbox, over the native API.
pub struct Shop {
    url: String,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    merchant_key: String,
    shopper: String,
    shopper_key: String,
}

impl Shop {
    fn at_server(credentials: &Value) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            url: string(&credentials["base_url"]),
            runtime,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            merchant_key: String::new(),
            shopper: String::new(),
            shopper_key: String::new(),
        }
    }

    /// Signs in as the shopper mei and as the first merchant.
    pub fn new(credentials: &Value) -> Self {
        let mut shop = Self::at_server(credentials);
        let session = shop.post("", "/v1/sandbox/sessions", "", &json!({ "as": "mei" }));
        shop.shopper = string(&session.1["user_id"]);
        shop.shopper_key = string(&session.1["key"]);
        let operator = credentials["operator_key"].as_str().unwrap();
        let merchants = shop.get(operator, "/v1/merchants").1;
        let merchant = string(&merchants["data"][0]["id"]);
        let made = shop.post(
            operator,
            &format!("/v1/merchants/{merchant}/keys"),
            "",
            &json!({}),
        );
        shop.merchant_key = string(&made.1["key"]);
        shop
    }

    /// The same people on another server: their keys must still be good there.
    pub fn at(self, credentials: &Value) -> Self {
        let url = credentials["base_url"].as_str().unwrap().to_owned();
        Self { url, ..self }
    }

    /// Their ids and keys, for [`Shop::resume`].
    pub fn keys(&self) -> Value {
        json!({
            "merchant_key": self.merchant_key,
            "shopper": self.shopper,
            "shopper_key": self.shopper_key,
        })
    }

    /// The people of an earlier time.
    pub fn resume(credentials: &Value, keys: &Value) -> Self {
        Self {
            merchant_key: string(&keys["merchant_key"]),
            shopper: string(&keys["shopper"]),
            shopper_key: string(&keys["shopper_key"]),
            ..Self::at_server(credentials)
        }
    }

    /// Status and body.
    pub fn post(&self, key: &str, path: &str, number: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).json(body);
        self.send(request.bearer_auth(key), number)
    }

    /// Status and body.
    pub fn get(&self, key: &str, path: &str) -> (u16, Value) {
        self.send(
            self.client
                .get(format!("{}{path}", self.url))
                .bearer_auth(key),
            "",
        )
    }

    /// What Prometheus would read.
    pub fn metrics(&self) -> String {
        let request = self.client.get(format!("{}/metrics", self.url));
        let text = async { request.send().await.unwrap().text().await.unwrap() };
        self.runtime.block_on(text)
    }

    fn send(&self, mut request: reqwest::RequestBuilder, number: &str) -> (u16, Value) {
        if !number.is_empty() {
            request = request.header("Idempotency-Key", number);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            (
                response.status().as_u16(),
                response.json().await.unwrap_or_default(),
            )
        })
    }

    /// Places an order under this number.
    pub fn order(&self, number: &str, fen: i64) -> (u16, Value) {
        let body = json!({ "amount": fen, "description": "noodles" });
        self.post(&self.merchant_key, "/v1/orders", number, &body)
    }

    /// Pays an order.
    pub fn pay_order(&self, order: &str) -> (u16, Value) {
        let body = json!({ "order_id": order });
        self.post(
            &self.shopper_key,
            "/v1/payments",
            &format!("pay-{order}"),
            &body,
        )
    }

    /// Places and pays an order: its id.
    pub fn paid(&self, number: &str, fen: i64) -> String {
        let (status, order) = self.order(number, fen);
        assert_eq!(status, 201, "{order}");
        let order = string(&order["id"]);
        let (status, payment) = self.pay_order(&order);
        assert_eq!(status, 201, "{payment}");
        order
    }

    /// Gives back a part of an order under this number.
    pub fn refund(&self, order: &str, number: &str, fen: i64) -> (u16, Value) {
        let path = format!("/v1/orders/{order}/refunds");
        self.post(&self.merchant_key, &path, number, &json!({ "amount": fen }))
    }

    /// Ends an unpaid order.
    pub fn close(&self, order: &str) -> (u16, Value) {
        let path = format!("/v1/orders/{order}/close");
        self.post(&self.merchant_key, &path, "", &json!({}))
    }

    /// The shopper's last 20 entries.
    pub fn statement(&self) -> Value {
        let path = format!("/v1/users/{}/statement?limit=20", self.shopper);
        let (status, found) = self.get(&self.shopper_key, &path);
        assert_eq!(status, 200, "{found}");
        found["data"].clone()
    }

    /// What an order says: its status, what was paid and what was given back.
    pub fn look(&self, order: &str) -> (String, i64, i64) {
        let (status, found) = self.get(&self.merchant_key, &format!("/v1/orders/{order}"));
        assert_eq!(status, 200, "{found}");
        let refunded = found["payment"]["refunded"].as_i64().unwrap_or_default();
        (
            string(&found["status"]),
            found["amount"].as_i64().unwrap(),
            refunded,
        )
    }

    /// What the shopper has, in fen.
    pub fn balance(&self) -> i64 {
        let path = format!("/v1/users/{}/balance", self.shopper);
        let (status, found) = self.get(&self.shopper_key, &path);
        assert_eq!(status, 200, "{found}");
        found["available"].as_i64().unwrap()
    }
}

pub fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The totals that `feiqian audit` computes; it must pass.
pub fn audit(data: &Path) -> Value {
    serde_json::from_str(&stdout(&run(&["audit", "--data", text(data), "--json"]))).unwrap()
}
