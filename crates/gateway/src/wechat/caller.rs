//! Proves who sent a request (contract 2.1): `Authorization`, the time, the merchant, its
//! certificate's serial, the signature over the raw bytes, and at last that it is no repetition.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use feiqian_core::MerchantId;

use super::authorization::{self, AuthorizationError, Credential, Parameter, same_serial};
use super::edge::too_often;
use super::error::{Code, Detail, SignInformation, WechatError};
use super::ids;
use super::replay::{Refused, WINDOW_SECONDS};
use super::sign::{request_text, verify};
use crate::platform::{MerchantKeys, Platform, unix_seconds};

/// The path whose full address SDKs sign when it comes back to them as `download_url`.
pub(crate) const DOWNLOAD_PATH: &str = "/v3/billdownload/file";

/// The merchant that signed this request.
pub(super) async fn prove(
    platform: &Platform,
    parts: &Parts,
    body: &[u8],
) -> Result<Arc<MerchantKeys>, WechatError> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(header), None) => header.to_str(),
        (None, _) => return Err(refused("HTTP头缺少Authorization")),
        (Some(_), Some(_)) => return Err(refused("HTTP头有多个Authorization")),
    };
    let header = header.map_err(|_| refused("Authorization含有非ASCII字符"))?;
    let credential = authorization::parse(header).map_err(malformed)?;
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    if credential.timestamp.abs_diff(now) > WINDOW_SECONDS.unsigned_abs() {
        return Err(refused(
            "Authorization中的timestamp与当前时间相差超过5分钟，须为Unix秒",
        ));
    }
    let Some(merchant) = merchant(platform, credential.mchid).await? else {
        return Err(refused("商户号不存在"));
    };
    if !same_serial(credential.serial_no, &merchant.serial_no) {
        return Err(refused(
            "商户证书序列号有误，请使用签名私钥对应证书的序列号",
        ));
    }
    check_signature(platform, parts, body, &credential, &merchant)?;
    let nonce = credential.nonce_str;
    match platform
        .wechat
        .nonces
        .take(merchant.merchant, nonce, credential.timestamp, now)
    {
        Ok(()) => Ok(merchant),
        Err(Refused::Used) => Err(refused("nonce_str重复，请每次请求使用新的随机串并重新签名")),
        Err(Refused::Full) => Err(too_often()),
    }
}

/// The merchant of a number, if there is one.
pub(crate) async fn merchant(
    platform: &Platform,
    mchid: &str,
) -> Result<Option<Arc<MerchantKeys>>, WechatError> {
    let Some(number) = ids::read_mchid(mchid).and_then(|number| u32::try_from(number).ok()) else {
        return Ok(None);
    };
    Ok(platform.merchant(MerchantId(number)).await?)
}

/// What was sent is tried first, as it was sent. Three habits of SDKs are tried after it: the target
/// signed before it was percent-encoded, a bill's full address signed, and `null` or `{}` sent where
/// nothing was signed (contract 1.1, 1.2).
fn check_signature(
    platform: &Platform,
    parts: &Parts,
    body: &[u8],
    credential: &Credential<'_>,
    merchant: &MerchantKeys,
) -> Result<(), WechatError> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut targets = vec![Cow::Borrowed(target)];
    targets.extend(decoded(target).map(Cow::Owned));
    if parts.uri.path() == DOWNLOAD_PATH {
        targets.push(format!("{}{target}", platform.base_url).into());
    }
    let bodies: &[&[u8]] = if matches!(body, b"null" | b"{}") {
        &[body, b""]
    } else {
        &[body]
    };
    let method = parts.method.as_str();
    let text = |target: &str, body: &[u8]| {
        request_text(
            method,
            target,
            credential.timestamp,
            credential.nonce_str,
            body,
        )
    };
    for target in &targets {
        for body in bodies {
            if verify(&merchant.key, &text(target, body), &credential.signature) {
                return Ok(());
            }
        }
    }
    let expected = text(target, body);
    let before_body = expected.len().saturating_sub(body.len().saturating_add(1));
    Err(mismatch(SignInformation {
        method: method.to_owned(),
        url: target.to_owned(),
        truncated_sign_message: String::from_utf8_lossy(&expected[..before_body]).into_owned(),
        sign_message_length: expected.len(),
    }))
}

/// The percent-decoded target, if that is another text.
pub(crate) fn decoded(target: &str) -> Option<String> {
    if !target.contains('%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(target.len());
    let mut rest = target.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn refused(message: impl Into<Cow<'static, str>>) -> WechatError {
    WechatError::new(Code::SignError, message)
}

fn mismatch(information: SignInformation) -> WechatError {
    let detail = Detail {
        field: "signature".into(),
        value: None,
        issue: "sign not match".into(),
        location: "authorization",
        sign_information: Some(information),
    };
    let message = "签名错误，请检查签名串的五行内容、签名私钥与证书是否匹配";
    WechatError {
        detail: Some(Box::new(detail)),
        ..refused(message)
    }
}

fn malformed(error: AuthorizationError) -> WechatError {
    let name = Parameter::name;
    refused(match error {
        AuthorizationError::TooLong => "Authorization过长".into(),
        AuthorizationError::Scheme => format!("Authorization须以{}开头", authorization::SCHEME),
        AuthorizationError::Malformed { at } => format!("Authorization第{at}字节处格式错误"),
        AuthorizationError::Unknown { at } => format!("Authorization第{at}字节处有未知参数"),
        AuthorizationError::Duplicate(parameter) => {
            format!("Authorization中{}重复", name(parameter))
        }
        AuthorizationError::Value(parameter) => {
            format!("Authorization中{}的值无效", name(parameter))
        }
        AuthorizationError::Missing(parameter) => format!("Authorization缺少{}", name(parameter)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_decoded_once_and_only_where_it_can_be() {
        assert_eq!(decoded("/a?b=c"), None);
        assert_eq!(
            decoded("/a?b=%E5%BA%97&c=%2525"),
            Some("/a?b=店&c=%25".into())
        );
        assert_eq!(decoded("/%zz%4"), Some("/%zz%4".into()));
        assert_eq!(decoded("/%ff"), None);
        assert_eq!(decoded("/%+f"), Some("/%+f".into()));
    }
}
