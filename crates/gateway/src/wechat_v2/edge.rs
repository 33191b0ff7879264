//! The order inside every request: read the XML, prove by its signature who sent it, do the work, and answer in XML,
//! signed as the request was. What became of it is told by the notifier, from the log.
//!
//! The answer is always HTTP 200. There is no guard against a request that comes twice, as the protocol has no time
//! in it: what changes something has a number, and the same number again changes nothing.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};

use super::error::Refusal;
use super::sign::SignType;
use super::xml::{self, Fields, XML_MAX, XmlError};
use crate::platform::{MerchantKeys, Platform};
use crate::wechat::caller;
use crate::wechat::edge::too_often;
use crate::wechat::random;

/// A request that a merchant has signed.
pub(super) struct Signed {
    /// Whose.
    pub merchant: Arc<MerchantKeys>,
    /// How, and so the answer.
    pub kind: SignType,
    /// What was sent.
    pub fields: Fields,
}

/// Fields of an answer or notice, in the order in which they are written. Empty ones are left out.
#[derive(Default)]
pub(crate) struct Content(Vec<(String, String)>);

#[allow(
    clippy::needless_pass_by_value,
    reason = "numbers and texts are told alike, without a reference sign before each"
)]
impl Content {
    /// With one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.add(name, value);
        self
    }

    /// One more.
    pub fn add(&mut self, name: impl Into<String>, value: impl ToString) {
        let value = xml::plain(&value.to_string());
        if !value.is_empty() {
            self.0.push((name.into(), value));
        }
    }

    /// Those of another behind them.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As a document, signed.
    pub fn signed(mut self, merchant: &MerchantKeys, kind: SignType) -> String {
        let sign = merchant.api_v2_key.sign(kind, self.pairs());
        self.add("sign", sign);
        xml::write("xml", self.pairs())
    }
}

/// An endpoint.
pub(super) fn post<W, A>(work: W) -> MethodRouter<Arc<Platform>>
where
    W: Fn(Arc<Platform>, Signed) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Content, Refusal>> + Send + 'static,
{
    let serve = move |State(platform): State<Arc<Platform>>, request: Request| async move {
        let signed = match admit(&platform, request).await {
            Ok(signed) => signed,
            Err(refusal) => return document(unheard(&refusal)),
        };
        let (merchant, kind) = (signed.merchant.clone(), signed.kind);
        let answer = match signed.check() {
            Ok(()) => work(platform, signed).await,
            Err(refusal) => Err(refusal),
        };
        document(match answer {
            Ok(content) => envelope(&merchant, "SUCCESS")
                .and(content)
                .signed(&merchant, kind),
            Err(Refusal::Refused(code, description)) => envelope(&merchant, "FAIL")
                .with("err_code", code)
                .with("err_code_des", description)
                .signed(&merchant, kind),
            Err(refusal @ Refusal::Unheard(_)) => unheard(&refusal),
        })
    };
    routing::post(serve).fallback(other_method)
}

/// An endpoint that answers with a file; refusals are unsigned and have no codes.
pub(super) fn file<W, A>(work: W) -> MethodRouter<Arc<Platform>>
where
    W: Fn(Arc<Platform>, Signed) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<(&'static str, Vec<u8>), Refusal>> + Send + 'static,
{
    let serve = move |State(platform): State<Arc<Platform>>, request: Request| async move {
        let answer = match admit(&platform, request).await {
            Ok(signed) => match signed.check() {
                Ok(()) => work(platform, signed).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok((kind, bytes)) => (StatusCode::OK, [(CONTENT_TYPE, kind)], bytes).into_response(),
            Err(refusal) => document(unheard(&refusal)),
        }
    };
    routing::post(serve).fallback(other_method)
}

async fn other_method() -> Response {
    document(unheard(&Refusal::unheard("请使用post方法")))
}

fn envelope(merchant: &MerchantKeys, result: &str) -> Content {
    Content::default()
        .with("return_code", "SUCCESS")
        .with("return_msg", "OK")
        .with("appid", &merchant.appid)
        .with("mch_id", &merchant.mchid)
        .with("nonce_str", random::nonce_str())
        .with("result_code", result)
}

fn unheard(refusal: &Refusal) -> String {
    let (message, code) = match refusal {
        Refusal::Unheard(message) => (message, ""),
        Refusal::Refused(code, message) => (message, *code),
    };
    let content = Content::default()
        .with("return_code", "FAIL")
        .with("return_msg", message)
        .with("error_code", code);
    xml::write("xml", content.pairs())
}

fn document(body: String) -> Response {
    let kind = [(CONTENT_TYPE, "text/xml; charset=utf-8")];
    (StatusCode::OK, kind, body).into_response()
}

/// Reads the request and proves who sent it.
async fn admit(platform: &Platform, request: Request) -> Result<Signed, Refusal> {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    let body = to_bytes(request.into_body(), XML_MAX).await;
    let fields = xml::read(&body.map_err(|_| XmlError::TooLong)?)?;
    let signed = prove(platform, fields).await;
    if signed.is_err() && is_guessing(platform, peer) {
        return Err(Refusal::unheard("请求频率过高，请稍后再试"));
    }
    let signed = signed?;
    platform
        .limiter
        .allow_merchant(signed.merchant.merchant)
        .map_err(|_| Refusal::from(too_often()))?;
    Ok(signed)
}

/// Whether an address has sent more wrong signatures than mistakes explain.
fn is_guessing(platform: &Platform, peer: Option<IpAddr>) -> bool {
    peer.is_some_and(|peer| platform.limiter.allow_address(peer).is_err())
}

async fn prove(platform: &Platform, fields: Fields) -> Result<Signed, Refusal> {
    let lacking = |name| Refusal::unheard(format!("缺少参数{name}"));
    let named = fields.get("mch_id").ok_or_else(|| lacking("mch_id"))?;
    if !fields.contains_key("sign") {
        return Err(lacking("sign"));
    }
    let kind = SignType::of(&fields);
    let kind = kind.ok_or_else(|| Refusal::unheard("sign_type须为MD5或HMAC-SHA256"))?;
    let merchant = caller::merchant(platform, named).await?;
    let merchant = merchant.ok_or_else(|| Refusal::unheard("商户号不存在"))?;
    let key = &merchant.api_v2_key;
    if !key.verify(kind, &fields) && !before_encoding(&fields).is_some_and(|f| key.verify(kind, &f))
    {
        return Err(Refusal::unheard("签名错误"));
    }
    Ok(Signed {
        merchant,
        kind,
        fields,
    })
}

/// `long_url` is signed as it is and sent percent-encoded.
fn before_encoding(fields: &Fields) -> Option<Fields> {
    let decoded = caller::decoded(fields.get("long_url")?)?;
    let mut fields = fields.clone();
    fields.insert("long_url".into(), decoded);
    Some(fields)
}

impl Signed {
    /// What every request has.
    fn check(&self) -> Result<(), Refusal> {
        let appid = self.text("appid", 32)?;
        if appid != self.merchant.appid {
            return Err(Refusal::new("APPID_MCHID_NOT_MATCH", "appid与mch_id不匹配"));
        }
        self.text("nonce_str", 32)?;
        // Money would go to another than the one named.
        for name in ["sub_mch_id", "sub_appid"] {
            if self.text_if(name, 32)?.is_some() {
                return Err(Refusal::new("NOAUTH", "不支持服务商模式"));
            }
        }
        Ok(())
    }
}
