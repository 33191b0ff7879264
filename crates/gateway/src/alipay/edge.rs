//! The order inside every request: read the parameters, prove who sent them, open the content, do the work, and
//! answer with the method's node, signed. What became of it is told by the notifier, from the log.
//!
//! The answer is always HTTP 200, and bears a signature over exactly the bytes of its node, refusals too. Pages
//! (page.pay, wap.pay, app.pay) lead a browser to the cashier instead.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, FromRequest as _, Multipart, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use encoding_rs::UTF_8;
use serde::Serialize;
use serde_json::Value;

use super::app::{AppKeys, certificate_number};
use super::biz::Biz;
use super::caller::{invalid, no_app_auth_token, prove, required};
use super::error::AlipayError;
use super::methods::Method;
use super::node;
use super::params::Params;
use crate::link;
use crate::platform::{MerchantKeys, Platform};
use crate::wechat::edge::BODY_MAX;

/// Node of whatever names no method.
const NO_METHOD: &str = "error_response";
/// Longest name of a method.
const METHOD_MAX: usize = 128;

/// A request that an app has signed.
pub(super) struct Signed {
    /// By whom.
    pub app: Arc<AppKeys>,
    /// Whose app.
    pub merchant: Arc<MerchantKeys>,
    /// What was sent.
    pub params: Params,
    /// The content, opened.
    pub biz: Biz,
}

/// What a method answers.
pub(super) enum Answer {
    /// `10000`.
    Done(Value),
    /// `10003`: the shopper is asked.
    Waiting(Value),
    /// Where the shopper's browser goes on.
    Page(String),
}

impl Answer {
    /// `10000` with this content.
    pub fn done(content: &impl Serialize) -> Result<Self, AlipayError> {
        value(content).map(Self::Done)
    }

    /// `10003` with this content.
    pub fn waiting(content: &impl Serialize) -> Result<Self, AlipayError> {
        value(content).map(Self::Waiting)
    }
}

fn value(content: &impl Serialize) -> Result<Value, AlipayError> {
    serde_json::to_value(content).map_err(|error| AlipayError::system(&error))
}

#[derive(Serialize)]
struct Content {
    code: &'static str,
    msg: &'static str,
    #[serde(flatten)]
    content: Value,
}

/// How an answer is written: what the request asked for.
struct Form {
    node: String,
    ascii: bool,
    certificate: bool,
    page: bool,
}

pub(super) async fn serve(State(platform): State<Arc<Platform>>, request: Request) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    let params = match read(request).await {
        Ok(params) => params,
        Err(refusal) => {
            return answer(
                &platform,
                &Form::of(&Params::default()),
                &Err(refusal),
                None,
            );
        }
    };
    let form = Form::of(&params);
    let app = match prove(&platform, &params) {
        Ok(app) => app,
        // A signature costs more than anything else here: strangers get only so many.
        Err(_) if peer.is_some_and(|peer| platform.limiter.allow_address(peer).is_err()) => {
            let body = node::content(&AlipayError::too_often().body(), true).unwrap_or_default();
            return json(node::answer(&form.node, &body, None, ""));
        }
        Err(refusal) => return answer(&platform, &form, &Err(refusal), None),
    };
    let worked = work(&platform, app.clone(), params).await;
    match worked {
        Ok(Worked::Open(done)) => answer(&platform, &form, &done, None),
        Ok(Worked::Sealed(done)) => answer(&platform, &form, &done, Some(&app)),
        Err(refusal) => answer(&platform, &form, &Err(refusal), None),
    }
}

/// An answer, and whether the request wants it sealed.
enum Worked {
    Open(Result<Answer, AlipayError>),
    Sealed(Result<Answer, AlipayError>),
}

async fn work(
    platform: &Arc<Platform>,
    app: Arc<AppKeys>,
    params: Params,
) -> Result<Worked, AlipayError> {
    platform
        .limiter
        .allow_merchant(app.merchant)
        .map_err(|_| AlipayError::too_often())?;
    if params.text("app_auth_token").is_some() {
        return Err(no_app_auth_token());
    }
    let merchant = platform
        .merchant(app.merchant)
        .await?
        .ok_or_else(AlipayError::unknown)?;
    let method = required(&params, "method", "isv.missing-method")?;
    let method =
        Method::of(&method).ok_or_else(|| invalid("isv.invalid-method", "不存在的方法名"))?;
    if params
        .text("format")
        .is_some_and(|format| !format.eq_ignore_ascii_case("json"))
    {
        return Err(invalid("isv.invalid-format", "format须为JSON"));
    }
    if params.charset().is_none() {
        return Err(invalid("isv.invalid-charset", "charset须为utf-8或gbk"));
    }
    let (biz, sealed) = open(&app, &params)?;
    let signed = Signed {
        app,
        merchant,
        params,
        biz,
    };
    let answer = method.answer(platform.clone(), signed).await;
    Ok(if sealed {
        Worked::Sealed(answer)
    } else {
        Worked::Open(answer)
    })
}

/// The content, and whether it was sealed.
fn open(app: &AppKeys, params: &Params) -> Result<(Biz, bool), AlipayError> {
    let text = params.text("biz_content");
    match params.text("encrypt_type").as_deref() {
        None => Ok((Biz::read(text.as_deref())?, false)),
        Some(kind) if kind.eq_ignore_ascii_case("AES") => {
            let wrong = || {
                invalid(
                    "isv.invalid-encrypt",
                    "biz_content解密失败，请检查接口内容加密密钥",
                )
            };
            let plain = match text {
                None => return Ok((Biz::default(), true)),
                Some(text) => app.content_key.open(&text).map_err(|_| wrong())?,
            };
            let charset = params.charset().unwrap_or(UTF_8);
            let plain = charset.decode_without_bom_handling_and_without_replacement(&plain);
            Ok((Biz::read(Some(&plain.ok_or_else(wrong)?))?, true))
        }
        Some(_) => Err(invalid("isv.invalid-encrypt-type", "encrypt_type须为AES")),
    }
}

/// Parameters of the query and of the body.
async fn read(request: Request) -> Result<Params, AlipayError> {
    let mut params = Params::default();
    let query = request.uri().query().unwrap_or_default();
    params.add_form(query.as_bytes())?;
    if is_multipart(request.headers()) {
        return read_parts(request, params).await;
    }
    let body = to_bytes(request.into_body(), BODY_MAX).await;
    let body = body.map_err(|_| invalid("isv.invalid-parameter", "请求体超过1MiB"))?;
    params.add_form(&body)?;
    Ok(params)
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// Files are not signed, and no method here takes any: they are read over.
async fn read_parts(request: Request, mut params: Params) -> Result<Params, AlipayError> {
    let broken = || invalid("isv.invalid-parameter", "multipart请求体无法解析");
    let parts = Multipart::from_request(request, &()).await;
    let mut parts = parts.map_err(|_| broken())?;
    while let Some(part) = parts.next_field().await.map_err(|_| broken())? {
        let name = part.name().map(|name| name.as_bytes().to_vec());
        let is_file = part.file_name().is_some();
        let value = part.bytes().await.map_err(|_| broken())?;
        if let Some(name) = name.filter(|_| !is_file) {
            params.add(name, value.to_vec())?;
        }
    }
    Ok(params)
}

impl Form {
    fn of(params: &Params) -> Self {
        let method = params.text("method").filter(|method| {
            let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._".contains(&c);
            method.len() <= METHOD_MAX && method.bytes().all(plain)
        });
        Self {
            node: method.as_ref().map_or(NO_METHOD.into(), |method| {
                format!("{}_response", method.replace('.', "_"))
            }),
            ascii: params.charset() != Some(UTF_8),
            certificate: params.text("app_cert_sn").is_some(),
            page: method
                .and_then(|method| Method::of(&method))
                .is_some_and(Method::is_page),
        }
    }
}

/// Writes and signs an answer; sealed for `app` if it asked for that.
fn answer(
    platform: &Platform,
    form: &Form,
    answer: &Result<Answer, AlipayError>,
    app: Option<&AppKeys>,
) -> Response {
    let content = match answer {
        Ok(Answer::Page(url)) => {
            return (StatusCode::FOUND, [(LOCATION, url.clone())]).into_response();
        }
        Err(refusal) if form.page => {
            return link::refused(
                platform,
                refusal.page_status(),
                refusal.sub_code,
                &refusal.sub_msg,
            );
        }
        Ok(Answer::Done(content)) => written("10000", "Success", content, form),
        Ok(Answer::Waiting(content)) => {
            written("10003", " order success pay inprocess", content, form)
        }
        Err(refusal) => node::content(&refusal.body(), form.ascii),
    };
    let content = match (content, app) {
        (Ok(content), None) => Ok(content),
        (Ok(content), Some(app)) => app
            .content_key
            .seal(content.as_bytes())
            .map(|sealed| format!("\"{sealed}\""))
            .map_err(|error| AlipayError::system(&error)),
        (Err(error), _) => Err(AlipayError::system(&error)),
    };
    let content = content.unwrap_or_else(|refusal| {
        node::content(&refusal.body(), form.ascii).expect("texts are JSON")
    });
    let sign = platform.signer.key.sign(content.as_bytes());
    let certificate = form
        .certificate
        .then(|| certificate_number(&platform.signer.certificate_serial));
    json(node::answer(
        &form.node,
        &content,
        certificate.as_deref(),
        &sign,
    ))
}

fn written(
    code: &'static str,
    msg: &'static str,
    content: &Value,
    form: &Form,
) -> serde_json::Result<String> {
    let content = content.clone();
    node::content(&Content { code, msg, content }, form.ascii)
}

fn json(body: String) -> Response {
    let headers = [(CONTENT_TYPE, "application/json; charset=utf-8")];
    (StatusCode::OK, headers, body).into_response()
}
