//! The platform's certificate, for certificate mode (`alipay.open.app.alipaycert.download`).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::app::certificate_number;
use super::edge::{Answer, Signed};
use super::error::AlipayError;
use crate::platform::Platform;

pub(super) async fn download(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, AlipayError> {
    let wanted = signed.biz.text("alipay_cert_sn", 64)?;
    let signer = &platform.signer;
    if wanted != certificate_number(&signer.certificate_serial) {
        return Err(AlipayError::business(
            "CERT_NOT_EXIST",
            "支付宝公钥证书不存在",
        ));
    }
    Answer::done(&json!({ "alipay_cert_content": STANDARD.encode(&signer.certificate_pem) }))
}
