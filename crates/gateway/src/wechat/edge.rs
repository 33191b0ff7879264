//! The order inside every WeChat Pay v3 request: **sign** (prove who asks, on the raw bytes),
//! **parse**, **submit**, **answer** (and sign the answer). What became of it is told by the
//! notifier, from the log.
//!
//! An endpoint is a function from [`Signed`] to an [`Answer`]; [`get`] and [`post`] put it in here.
//! Every JSON answer and every empty one is signed, refusals too, over exactly the bytes that go out:
//! nothing may change them afterwards (no compression, no reformatting).

use std::future::Future;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequestParts, Query, RawPathParams, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use bytes::Bytes;
use feiqian_core::order::create::NotifyForm;
use serde::Serialize;
use serde_json::Value;

use super::authorization::same_serial;
use super::callbacks::Callbacks;
use super::caller;
use super::error::{Code, WechatError};
use super::fields::{self, Fields};
use super::promotions::KnownTerms;
use super::random;
use super::replay::Nonces;
use crate::platform::{MerchantKeys, Platform, Signer, unix_seconds};

/// Largest body of a request, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;
/// Bills that are put together at the same time; whoever asks for more waits and asks again.
pub const BILLS_AT_ONCE: usize = 2;

/// Pages of a list begin at this at most.
const OFFSET_MAX: usize = 1_000_000;

const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json; charset=utf-8");

/// What this edge keeps while it runs.
pub struct WechatEdge {
    /// Requests seen.
    pub(crate) nonces: Nonces,
    /// Room for putting bills together.
    pub(crate) bills: Arc<tokio::sync::Semaphore>,
    /// What campaigns offer.
    pub(crate) terms: KnownTerms,
    /// Where merchants want to be told of their coupons.
    pub(crate) callbacks: Callbacks,
}

impl Default for WechatEdge {
    fn default() -> Self {
        let bills = Arc::new(tokio::sync::Semaphore::new(BILLS_AT_ONCE));
        Self {
            nonces: Nonces::default(),
            bills,
            terms: KnownTerms::default(),
            callbacks: Callbacks::default(),
        }
    }
}

/// A request that a merchant has signed.
pub(crate) struct Signed {
    /// Whose.
    pub merchant: Arc<MerchantKeys>,
    /// Under which name of the platform's key the merchant verifies.
    pub form: NotifyForm,
    /// Parameters of the path, decoded.
    path: Vec<(String, String)>,
    /// Parameters of the query, decoded.
    query: Vec<(String, String)>,
    body: Bytes,
}

/// What an endpoint answers.
pub(crate) enum Answer {
    /// 200 with JSON.
    Json(Vec<u8>),
    /// 204.
    Empty,
    /// 200 with a file, which is not signed: its hash was.
    File(&'static str, Vec<u8>),
}

impl Answer {
    /// Compact JSON, as `JSON.stringify` writes it.
    pub fn json(content: &impl Serialize) -> Result<Self, WechatError> {
        serde_json::to_vec(content)
            .map(Self::Json)
            .map_err(|error| WechatError::system(&error))
    }
}

impl Signed {
    /// The body as one JSON object.
    pub fn json(&self) -> Result<Value, WechatError> {
        fields::parse(&self.body)
    }

    /// A parameter of the path; empty if the route has none of this name.
    pub fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A page of a list: how many are left out before it, and how many it has at most.
    pub fn page(&self, usual: usize, most: usize) -> Result<(usize, usize), WechatError> {
        let number = |name: &'static str, usual, range: RangeInclusive<usize>| {
            let Some(text) = self.query(name).filter(|text| !text.is_empty()) else {
                return Ok(usual);
            };
            let found = text.parse().ok().filter(|number| range.contains(number));
            found.ok_or_else(|| {
                let issue = format!("须为{}到{}的整数", range.start(), range.end());
                WechatError::parameter("query", name, None, issue)
            })
        };
        Ok((
            number("offset", 0, 0..=OFFSET_MAX)?,
            number("limit", usual, 1..=most)?,
        ))
    }

    /// The app named in the query must be the merchant's.
    pub fn check_appid_in_query(&self) -> Result<(), WechatError> {
        match self.query("appid") {
            Some(named) => self.check_app(named),
            None => Err(WechatError::parameter("query", "appid", None, "为必填项")),
        }
    }

    /// An app must be the merchant's.
    pub fn check_app(&self, named: &str) -> Result<(), WechatError> {
        if named == self.merchant.appid {
            return Ok(());
        }
        Err(WechatError::new(
            Code::AppidMchidNotMatch,
            "appid与mchid不匹配",
        ))
    }

    /// The merchant named in the body must be the one that signed.
    pub fn check_mchid(&self, fields: &Fields<'_>) -> Result<(), WechatError> {
        let named = fields.text("mchid", 1..=32)?;
        self.check_named(named)
    }

    /// The merchant named in the query must be the one that signed.
    pub fn check_mchid_in_query(&self) -> Result<(), WechatError> {
        match self.query("mchid") {
            Some(named) => self.check_named(named),
            None => Err(WechatError::parameter("query", "mchid", None, "为必填项")),
        }
    }

    /// A merchant must be the one that signed.
    pub fn check_named(&self, named: &str) -> Result<(), WechatError> {
        if named == self.merchant.mchid {
            return Ok(());
        }
        Err(WechatError::new(
            Code::NoAuth,
            "请求中的商户号与签名的商户号不一致",
        ))
    }

    /// The app named in the body must be the merchant's.
    pub fn check_appid(&self, fields: &Fields<'_>) -> Result<(), WechatError> {
        self.check_app(fields.text("appid", 1..=32)?)
    }
}

/// An endpoint asked with GET.
pub(crate) fn get<W, A>(work: W) -> MethodRouter<Arc<Platform>>
where
    W: Fn(Arc<Platform>, Signed) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Answer, WechatError>> + Send + 'static,
{
    routing::get(move |State(platform), request| serve(platform, request, work))
}

/// An endpoint asked with POST.
pub(crate) fn post<W, A>(work: W) -> MethodRouter<Arc<Platform>>
where
    W: Fn(Arc<Platform>, Signed) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Answer, WechatError>> + Send + 'static,
{
    routing::post(move |State(platform), request| serve(platform, request, work))
}

/// An endpoint asked with PATCH.
pub(crate) fn patch<W, A>(work: W) -> MethodRouter<Arc<Platform>>
where
    W: Fn(Arc<Platform>, Signed) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Answer, WechatError>> + Send + 'static,
{
    routing::patch(move |State(platform), request| serve(platform, request, work))
}

/// Whatever there is no endpoint for.
pub(crate) async fn not_found(State(platform): State<Arc<Platform>>, request: Request) -> Response {
    let refused =
        |_, _| async { Err(WechatError::new(Code::NotFound, "请求的接口不存在")) };
    serve(platform, request, refused).await
}

/// An endpoint asked with another method.
pub(crate) async fn method_not_allowed(
    State(platform): State<Arc<Platform>>,
    request: Request,
) -> Response {
    let refused =
        |_, _| async { Err(WechatError::new(Code::MethodNotAllowed, "请求方法不支持")) };
    serve(platform, request, refused).await
}

async fn serve<W, A>(platform: Arc<Platform>, request: Request, work: W) -> Response
where
    W: Fn(Arc<Platform>, Signed) -> A + Send,
    A: Future<Output = Result<Answer, WechatError>> + Send,
{
    let form = form(&platform.signer, request.headers());
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    let answer = match admit(&platform, request, form).await {
        Ok(signed) => work(platform.clone(), signed).await,
        // A signature costs more than anything else here: strangers get only so many.
        Err(refusal)
            if refusal.code == Code::SignError
                && peer.is_some_and(|peer| platform.limiter.allow_address(peer).is_err()) =>
        {
            let refusal = too_often();
            return (refusal.code.status(), [JSON], refusal.body()).into_response();
        }
        Err(refusal) => Err(refusal),
    };
    let (status, body) = match answer {
        Ok(Answer::Json(body)) => (StatusCode::OK, body),
        Ok(Answer::Empty) => (StatusCode::NO_CONTENT, Vec::new()),
        Ok(Answer::File(content_type, bytes)) => return file(content_type, bytes),
        Err(refusal) => (refusal.code.status(), refusal.body()),
    };
    signed_response(&platform.signer, form, status, body)
}

/// Reads the request and proves who sent it.
async fn admit(
    platform: &Platform,
    request: Request,
    form: NotifyForm,
) -> Result<Signed, WechatError> {
    let (mut parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body).await?;
    let merchant = caller::prove(platform, &parts, &body).await?;
    platform
        .limiter
        .allow_merchant(merchant.merchant)
        .map_err(|_| too_often())?;
    let path = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(path) => path
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        Err(_) => return Err(WechatError::parameter("path", "", None, "不是UTF-8编码")),
    };
    let query = query(&parts)?;
    Ok(Signed {
        merchant,
        form,
        path,
        query,
        body,
    })
}

pub(crate) fn too_often() -> WechatError {
    WechatError::new(Code::FrequencyLimited, "请求频率过高，请稍后再试")
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, WechatError> {
    let too_large = || WechatError::new(Code::TooLarge, "请求体超过1MiB");
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > BODY_MAX)
    {
        return Err(too_large());
    }
    // The other reason to fail is that the peer has gone, and it will not read this.
    to_bytes(body, BODY_MAX).await.map_err(|_| too_large())
}

fn query(parts: &Parts) -> Result<Vec<(String, String)>, WechatError> {
    match Query::try_from_uri(&parts.uri) {
        Ok(Query(query)) => Ok(query),
        Err(_) => Err(WechatError::parameter("query", "", None, "不是UTF-8编码")),
    }
}

/// User agents whose requests, when they name no key of ours, are answered under the certificate.
///
/// PyPI `wechatpayv3` names the public key on every request in public-key mode, so its silence means
/// certificate mode, where it refuses the public key's name. npm `wechatpay-node-v3`, which calls itself
/// by an address, fetches certificates for names that it does not know, and knows no public keys.
const SILENCE_MEANS_CERTIFICATE: [&str; 2] = ["wechatpay python sdk", "127.0.0.1"];

/// Under which of its two names an answer or notice announces the platform's key: what the request's
/// `Wechatpay-Serial` names; if that names neither, the public key, which is what new merchants use.
///
/// Some SDKs need an exception: see [`SILENCE_MEANS_CERTIFICATE`].
pub(crate) fn form(signer: &Signer, headers: &HeaderMap) -> NotifyForm {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let named = text(HeaderName::from_static("wechatpay-serial"));
    if named == Some(signer.public_key_id.as_str()) {
        return NotifyForm::WechatPublicKey;
    }
    let certificate = named.is_some_and(|named| same_serial(named, &signer.certificate_serial));
    let agent = text(USER_AGENT).unwrap_or_default();
    if certificate
        || SILENCE_MEANS_CERTIFICATE
            .iter()
            .any(|sdk| agent.starts_with(sdk))
    {
        return NotifyForm::WechatCertificate;
    }
    NotifyForm::WechatPublicKey
}

/// The name itself, exactly as SDKs compare it.
pub(crate) fn serial(signer: &Signer, form: NotifyForm) -> &str {
    match form {
        NotifyForm::WechatPublicKey
        | NotifyForm::Alipay
        | NotifyForm::WechatXmlMd5
        | NotifyForm::WechatXmlHmac => &signer.public_key_id,
        NotifyForm::WechatCertificate => &signer.certificate_serial,
    }
}

fn signed_response(
    signer: &Signer,
    form: NotifyForm,
    status: StatusCode,
    body: Vec<u8>,
) -> Response {
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let signed = signer.key.signed_headers(serial(signer, form), now, &body);
    let content = (!body.is_empty()).then_some(JSON);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some((name, value)) = content {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in signed.pairs() {
        let value = HeaderValue::try_from(value).expect("digits, letters and base64");
        headers.insert(HeaderName::from_static(name), value);
    }
    response
}

fn file(content_type: &'static str, bytes: Vec<u8>) -> Response {
    let request_id = HeaderName::from_static("request-id");
    let headers = [
        (CONTENT_TYPE, content_type.to_owned()),
        (request_id, random::request_id()),
    ];
    (StatusCode::OK, headers, bytes).into_response()
}
