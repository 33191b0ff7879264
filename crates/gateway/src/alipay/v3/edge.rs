//! The order inside every request: prove who sent it on the raw bytes, open the content, do the work, sign the answer.
//!
//! What one app's requests ask for is done as the classic gateway does it. A trade that waits for the shopper
//! (`10003` there) is answered here with 200 and the trade without `gmt_payment`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::answer::Written;
use super::caller::{APP_AUTH_TOKEN, prove, text};
use crate::alipay::app::AppKeys;
use crate::alipay::biz::Biz;
use crate::alipay::caller::{invalid, no_app_auth_token};
use crate::alipay::edge::{Answer, Signed};
use crate::alipay::error::AlipayError;
use crate::alipay::methods::Method;
use crate::alipay::node;
use crate::alipay::params::Params;
use crate::platform::Platform;
use crate::wechat::edge::BODY_MAX;

const PREFIX: &str = "/v3/";
const ENCRYPT_TYPE: &str = "alipay-encrypt-type";
/// What the classic gateway takes beside the content is a field of the content here.
const BESIDE: [&str; 2] = ["notify_url", "return_url"];
/// Longer ones are refused by the methods, in characters.
const BESIDE_MAX: usize = 4_096;

pub(super) async fn serve(State(platform): State<Arc<Platform>>, request: Request) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        let refusal = invalid("isv.invalid-parameter", "请求体超过1MiB");
        return Written::refusal(&refusal).bare();
    };
    let app = match prove(&platform, &parts, &body) {
        Ok(app) => app,
        // A signature costs more than anything else here: strangers get only so many.
        Err(_) if peer.is_some_and(|peer| platform.limiter.allow_address(peer).is_err()) => {
            return Written::refusal(&AlipayError::too_often()).bare();
        }
        Err(refusal) => return Written::refusal(&refusal).signed(&platform, false),
    };
    let certificate = text(&parts.headers, "alipay-root-cert-sn").is_some();
    let written = work(&platform, app, &parts, &body).await;
    let written = written.unwrap_or_else(|refusal| Written::refusal(&refusal));
    written.signed(&platform, certificate)
}

async fn work(
    platform: &Arc<Platform>,
    app: Arc<AppKeys>,
    parts: &Parts,
    body: &[u8],
) -> Result<Written, AlipayError> {
    platform
        .limiter
        .allow_merchant(app.merchant)
        .map_err(|_| AlipayError::too_often())?;
    if parts.headers.contains_key(APP_AUTH_TOKEN) {
        return Err(no_app_auth_token());
    }
    let merchant = platform.merchant(app.merchant).await?;
    let merchant = merchant.ok_or_else(AlipayError::unknown)?;
    let method = method(parts)?;
    let sealed = is_sealed(parts)?;
    let biz = match parts.uri.query().filter(|_| body.is_empty()) {
        Some(query) => of_query(query)?,
        None => Biz::read(content(&app, body, sealed)?.as_deref())?,
    };
    let signed = Signed {
        app: app.clone(),
        merchant,
        params: beside(&biz)?,
        biz,
    };
    let content = match method.answer(platform.clone(), signed).await? {
        Answer::Done(content) | Answer::Waiting(content) => content,
        Answer::Page(_) => return Err(unknown_method()),
    };
    let content = node::content(&content, false).map_err(|error| AlipayError::system(&error))?;
    if !sealed {
        return Ok(Written::content(content));
    }
    let sealed = app.content_key.seal(content.as_bytes());
    Ok(Written::sealed(
        sealed.map_err(|error| AlipayError::system(&error))?,
    ))
}

/// The method that path and verb name.
fn method(parts: &Parts) -> Result<Method, AlipayError> {
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let name = path.replace('/', ".");
    Method::of(&name)
        .filter(|method| !path.contains('.') && method.verb() == Some(&parts.method))
        .ok_or_else(unknown_method)
}

fn unknown_method() -> AlipayError {
    invalid("isv.invalid-method", "不存在的接口，请检查路径与请求方法")
}

fn is_sealed(parts: &Parts) -> Result<bool, AlipayError> {
    match text(&parts.headers, ENCRYPT_TYPE) {
        None => Ok(false),
        Some(kind) if kind.eq_ignore_ascii_case("AES") => Ok(true),
        Some(_) => Err(invalid(
            "isv.invalid-encrypt-type",
            "alipay-encrypt-type须为AES",
        )),
    }
}

/// The body's text, opened; none of an empty one.
fn content(app: &AppKeys, body: &[u8], sealed: bool) -> Result<Option<String>, AlipayError> {
    if body.is_empty() {
        return Ok(None);
    }
    let no_text = |_| invalid("isv.invalid-parameter", "请求体须为UTF-8的JSON对象");
    let body = String::from_utf8(body.to_vec()).map_err(no_text)?;
    if !sealed {
        return Ok(Some(body));
    }
    let wrong = || {
        invalid(
            "isv.invalid-encrypt",
            "请求体解密失败，请检查接口内容加密密钥",
        )
    };
    let plain = app.content_key.open(&body).map_err(|_| wrong())?;
    String::from_utf8(plain).map(Some).map_err(|_| wrong())
}

fn of_query(query: &str) -> Result<Biz, AlipayError> {
    let mut params = Params::default();
    params.add_form(query.as_bytes())?;
    Ok(Biz::of_params(&params))
}

/// As the classic gateway has them.
fn beside(biz: &Biz) -> Result<Params, AlipayError> {
    let mut params = Params::default();
    for name in BESIDE {
        if let Some(text) = biz.text_if(name, BESIDE_MAX)? {
            params.add(name.into(), text.into_bytes())?;
        }
    }
    Ok(params)
}
