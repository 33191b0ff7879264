//! A report from a running server, over the native API.

use feiqian_gateway::reports::tables::{self, Asked};
use feiqian_gateway::v1::fields::{BrandRef, CampaignRef};
use serde_json::Value;

use super::{Form, Question, Source};
use crate::Failure;

/// The environment variable that holds the operator's key when no file does.
const OPERATOR_KEY: &str = "FEIQIAN_OPERATOR_KEY";

pub fn report(source: &Source, question: &Question, form: &Form) -> Result<String, Failure> {
    let key = key(source)?;
    let (path, mut query) = match question {
        Question::Income(asked) => ("income".to_owned(), periods(asked)),
        Question::Share(asked) => ("share".to_owned(), periods(asked)),
        Question::Campaign(id) => (format!("campaigns/{}", CampaignRef(*id)), Vec::new()),
    };
    match form {
        Form::Json => {}
        Form::Csv(table) => {
            query.push(("format", "csv".to_owned()));
            query.extend(table.iter().map(|table| ("table", table.clone())));
        }
    }
    // Every value is of letters, digits, `_` and `-`, or the server says that it knows no such table.
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let base = source.server.trim_end_matches('/');
    let url = format!("{base}/v1/reports/{path}?{}", query.join("&"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let response = client
            .get(url)
            .bearer_auth(key)
            .send()
            .await
            .map_err(|error| {
                let why = crate::with_causes(&error);
                format!("no answer from {base}: {why}. Does a server run there?")
            })?;
        let status = response.status();
        let text = response.text().await?;
        if status.is_success() {
            return Ok(text);
        }
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = body["error"]["message"].as_str();
        Err(message
            .map_or_else(|| format!("{base} answered {status}"), str::to_owned)
            .into())
    })
}

fn periods(asked: &Asked) -> Vec<(&'static str, String)> {
    let mut query = vec![("by", asked.by.name().to_owned())];
    query.extend(
        asked
            .brand
            .map(|brand| ("brand", BrandRef(brand).to_string())),
    );
    query.extend(asked.span.from.map(|day| ("from", tables::written(day))));
    query.extend(asked.span.to.map(|day| ("to", tables::written(day))));
    query
}

fn key(source: &Source) -> Result<String, Failure> {
    match (&source.key_file, std::env::var(OPERATOR_KEY)) {
        (Some(path), _) => {
            let key = std::fs::read_to_string(path);
            let key = key.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Ok(key.trim().to_owned())
        }
        (None, Ok(key)) => Ok(key),
        (None, Err(_)) => Err(format!(
            "name the operator's key with --key-file (operator.key in the data folder), or set {OPERATOR_KEY}; \
             or read a folder with --data"
        )
        .into()),
    }
}
