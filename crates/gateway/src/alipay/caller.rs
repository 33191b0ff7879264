//! Proves who sent a request: the app, its certificate's number in certificate mode, the time, the signature
//! over all that was sent.
//!
//! A repeated request is no error: Alipay's requests carry nothing that is used once, and SDKs send two equal
//! ones within a second. What changes something is told from a repetition by the merchant's own numbers.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::app::{AppKeys, SignType, is_signed, read_app_id};
use super::error::{AlipayError, Code};
use super::params::Params;
use crate::platform::{Platform, unix_millis};
use crate::wechat::times::read_bill_time;

/// How far a request's time may be off: SDKs send the time of the client's own zone, without saying which.
const TIME_WITHIN_MS: u64 = 24 * 60 * 60 * 1_000;

/// The app that signed these parameters.
pub(super) fn prove(platform: &Platform, params: &Params) -> Result<Arc<AppKeys>, AlipayError> {
    let app_id = required(params, "app_id", "isv.missing-app-id")?;
    let kind = sign_type(params)?;
    let sign = required(params, "sign", "isv.missing-signature")?;
    let timestamp = required(params, "timestamp", "isv.missing-timestamp")?;
    let Some(at) = read_bill_time(&timestamp) else {
        return Err(invalid(
            "isv.invalid-timestamp",
            "timestamp须为yyyy-MM-dd HH:mm:ss",
        ));
    };
    if at.0.abs_diff(unix_millis().0) > TIME_WITHIN_MS {
        return Err(invalid(
            "isv.invalid-timestamp",
            "timestamp与当前时间相差超过24小时",
        ));
    }
    required(params, "version", "isv.missing-version")?;
    let app = match read_app_id(&app_id) {
        Some(merchant) => platform.alipay.of(platform, merchant)?,
        None => None,
    };
    let app = app.ok_or_else(|| invalid("isv.invalid-app-id", "应用不存在"))?;
    let (own, root) = (
        params.text("app_cert_sn"),
        params.text("alipay_root_cert_sn"),
    );
    check_certificates(own.as_deref(), root.as_deref(), &app)?;
    let signature = STANDARD.decode(sign.as_bytes()).unwrap_or_default();
    let signed =
        |with_empty| is_signed(&app.key, kind, &params.signed_text(with_empty), &signature);
    if signed(false) || params.has_empty() && signed(true) {
        return Ok(app);
    }
    let text = params.signed_text(params.has_empty());
    Err(invalid(
        "isv.invalid-signature",
        format!(
            "验签出错，请检查签名私钥与应用公钥是否匹配；待验签字符串：{}",
            String::from_utf8_lossy(&text)
        ),
    ))
}

/// A parameter that must be there.
pub(super) fn required(
    params: &Params,
    name: &str,
    sub_code: &'static str,
) -> Result<String, AlipayError> {
    let missing = || AlipayError::new(Code::Missing, sub_code, format!("缺少参数{name}"));
    Ok(params.text(name).ok_or_else(missing)?.into_owned())
}

pub(super) fn invalid(
    sub_code: &'static str,
    sub_msg: impl Into<std::borrow::Cow<'static, str>>,
) -> AlipayError {
    AlipayError::new(Code::Invalid, sub_code, sub_msg)
}

/// An app that asks for another merchant: nobody can have agreed to that here.
pub(super) fn no_app_auth_token() -> AlipayError {
    AlipayError::new(
        Code::Token,
        "aop.invalid-app-auth-token",
        "无效的应用授权令牌：不支持第三方应用代调用",
    )
}

fn sign_type(params: &Params) -> Result<SignType, AlipayError> {
    match required(params, "sign_type", "isv.missing-signature-type")?.as_str() {
        "RSA2" => Ok(SignType::Rsa2),
        "RSA" => Ok(SignType::Rsa),
        _ => Err(invalid(
            "isv.invalid-signature-type",
            "sign_type须为RSA2或RSA",
        )),
    }
}

/// In certificate mode both certificates are named: the app's, and who vouches for ours.
pub(super) fn check_certificates(
    own: Option<&str>,
    root: Option<&str>,
    app: &AppKeys,
) -> Result<(), AlipayError> {
    if own.is_none() && root.is_none() {
        return Ok(());
    }
    match own {
        None => {
            return Err(AlipayError::new(
                Code::Missing,
                "isv.missing-app-cert-sn",
                "缺少参数app_cert_sn",
            ));
        }
        Some(own) if own != app.certificate_sn => {
            return Err(invalid(
                "isv.app-cert-not-exist",
                "应用公钥证书不存在或已更换",
            ));
        }
        Some(_) => {}
    }
    let Some(root) = root else {
        return Err(AlipayError::new(
            Code::Missing,
            "isv.missing-alipay-root-cert-sn",
            "缺少参数alipay_root_cert_sn",
        ));
    };
    // The client may know other roots beside ours.
    if root.split('_').any(|number| number == app.root_sn) {
        return Ok(());
    }
    Err(invalid(
        "isv.invalid-alipay-root-cert-sn",
        "根证书序列号不匹配，请更换根证书",
    ))
}
