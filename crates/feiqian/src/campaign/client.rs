//! Asks a server with somebody's bearer key.

use serde_json::{Value, json};

use super::{Operator, Server};
use crate::Failure;

pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    /// For an operator, with a key from a file.
    pub fn of(who: &Operator) -> Result<Self, Failure> {
        let read = |path: &std::path::Path| {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let key = match &who.key_file {
            Some(path) => read(path)?.trim().to_owned(),
            None => {
                let credentials: Value = serde_json::from_str(&read(&who.credentials)?)?;
                operator_key(&credentials, who.operator.as_deref()).ok_or_else(|| {
                    let file = who.credentials.display();
                    let name = who.operator.as_deref().unwrap_or("first one");
                    format!("{file} has no operator {name}")
                })?
            }
        };
        Self::new(&who.server, key)
    }

    /// For a sandbox's shopper.
    pub async fn shopper(server: &Server, name: &str) -> Result<Self, Failure> {
        let nobody = Self::new(server, String::new())?;
        let asked = json!({ "as": name });
        let session = nobody.post("/v1/sandbox/sessions", None, &asked).await?;
        let key = session["key"].as_str().unwrap_or_default().to_owned();
        Self::new(server, key)
    }

    fn new(server: &Server, key: String) -> Result<Self, Failure> {
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base: server.server.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.base);
        self.answer(self.http.get(url)).await
    }

    /// Posts, under this number or one of its own.
    pub async fn post(
        &self,
        path: &str,
        number: Option<&str>,
        body: &Value,
    ) -> Result<Value, Failure> {
        let number = number.map_or_else(crate::shopper::random_number, |own| Ok(own.to_owned()))?;
        let url = format!("{}{path}", self.base);
        let request = self
            .http
            .post(url)
            .header("Idempotency-Key", number)
            .json(body);
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let request = if self.key.is_empty() {
            request
        } else {
            request.bearer_auth(&self.key)
        };
        crate::shopper::answer(&self.base, request).await
    }
}

/// The key of an operator by name; without a name that of the first.
fn operator_key(credentials: &Value, name: Option<&str>) -> Option<String> {
    let key = match name {
        None => &credentials["operator_key"],
        Some(name) => {
            let mut operators = credentials["operators"].as_array()?.iter();
            &operators.find(|operator| operator["name"] == name)?["api_key"]
        }
    };
    key.as_str().map(str::to_owned)
}
