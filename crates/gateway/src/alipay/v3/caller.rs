//! Proves who sent a request: the app, its certificate's number in certificate mode, the time, the signature over
//! header, verb, target and body, and at last that it is no repetition.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use super::authorization::{self, BadAuthorization, Credential};
use crate::alipay::app::{AppKeys, read_app_id};
use crate::alipay::caller::{check_certificates, invalid};
use crate::alipay::error::{AlipayError, Code};
use crate::platform::{Platform, unix_millis};
use crate::wechat::replay::{Refused, WINDOW_SECONDS};
use crate::wechat::sign::verify;

/// Names the merchant for whom another one's app asks.
pub(super) const APP_AUTH_TOKEN: &str = "alipay-app-auth-token";
const ROOT_CERT_SN: &str = "alipay-root-cert-sn";

/// The app that signed this request.
pub(super) fn prove(
    platform: &Platform,
    parts: &Parts,
    body: &[u8],
) -> Result<Arc<AppKeys>, AlipayError> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(header), None) => header.to_str().unwrap_or_default(),
        (None, _) => {
            return Err(AlipayError::new(
                Code::Missing,
                "isv.missing-signature",
                "HTTP头缺少Authorization",
            ));
        }
        (Some(_), Some(_)) => return Err(malformed(BadAuthorization::Malformed)),
    };
    let credential = authorization::parse(header).map_err(malformed)?;
    let now = unix_millis().0;
    check_time(&credential, now)?;
    let app = match read_app_id(credential.app_id) {
        Some(merchant) => platform.alipay.of(platform, merchant)?,
        None => None,
    };
    let app = app.ok_or_else(|| invalid("isv.invalid-app-id", "应用不存在"))?;
    let root = text(&parts.headers, ROOT_CERT_SN);
    check_certificates(credential.app_cert_sn, root, &app)?;
    let signed = signed_text(&credential, parts, body);
    if !verify(&app.key, &signed, &credential.signature) {
        // Without the body, which may be long.
        let head = signed.len().saturating_sub(body.len());
        let head = String::from_utf8_lossy(&signed[..head.min(signed.len())]);
        return Err(invalid(
            "isv.invalid-signature",
            format!("验签出错，请检查签名私钥与应用公钥是否匹配；待验签字符串的前三行：{head}"),
        ));
    }
    let nonce = format!("alipay {}", credential.nonce);
    let seen = &platform.wechat.nonces;
    match seen.take(
        app.merchant,
        &nonce,
        credential.timestamp / 1_000,
        now / 1_000,
    ) {
        Ok(()) => Ok(app),
        Err(Refused::Used) => Err(invalid(
            "isv.invalid-signature",
            "nonce重复，请每次请求使用新的随机串并重新签名",
        )),
        Err(Refused::Full) => Err(AlipayError::too_often()),
    }
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name).map(HeaderValue::to_str)?;
    value.ok().filter(|value| !value.is_empty())
}

fn check_time(credential: &Credential<'_>, now: i64) -> Result<(), AlipayError> {
    let good_for = credential.expired_seconds.unwrap_or(WINDOW_SECONDS);
    let good_for = good_for.min(WINDOW_SECONDS).saturating_mul(1_000);
    let age = now.saturating_sub(credential.timestamp);
    if age > good_for || age < -WINDOW_SECONDS * 1_000 {
        return Err(invalid(
            "isv.invalid-timestamp",
            "timestamp与当前时间相差过大，须为Unix毫秒",
        ));
    }
    Ok(())
}

fn signed_text(credential: &Credential<'_>, parts: &Parts, body: &[u8]) -> Vec<u8> {
    let target = parts.uri.path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let mut signed = format!("{}\n{}\n{target}\n", credential.text, parts.method).into_bytes();
    signed.extend_from_slice(body);
    signed.push(b'\n');
    if let Some(token) = parts.headers.get(APP_AUTH_TOKEN) {
        signed.extend_from_slice(token.as_bytes());
        signed.push(b'\n');
    }
    signed
}

fn malformed(bad: BadAuthorization) -> AlipayError {
    match bad {
        BadAuthorization::Malformed => invalid("isv.invalid-signature", "Authorization格式错误"),
        BadAuthorization::NoSign => AlipayError::new(
            Code::Missing,
            "isv.missing-signature",
            "Authorization缺少sign",
        ),
        BadAuthorization::Part("app_id") => AlipayError::new(
            Code::Missing,
            "isv.missing-app-id",
            "Authorization缺少app_id",
        ),
        BadAuthorization::Part("timestamp") => invalid(
            "isv.invalid-timestamp",
            "Authorization的timestamp须为Unix毫秒",
        ),
        BadAuthorization::Part(name) => invalid(
            "isv.invalid-parameter",
            format!("Authorization的{name}缺少或无效"),
        ),
    }
}
