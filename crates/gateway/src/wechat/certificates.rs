//! `GET /v3/certificates`: the platform's certificate, sealed for the merchant that asks (contract
//! 2.3). Served to every merchant, also those that use the public key.

use std::sync::Arc;

use feiqian_core::UnixMillis;
use serde_json::json;

use super::aead::ALGORITHM;
use super::edge::{Answer, Signed};
use super::error::WechatError;
use super::times::rfc3339;
use crate::platform::Platform;

/// SDKs skip certificates whose associated data is empty.
const ASSOCIATED_DATA: &str = "certificate";

pub(super) async fn certificates(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let signer = &platform.signer;
    let key = &signed.merchant.api_v3_key;
    let sealed = key.seal(ASSOCIATED_DATA, signer.certificate_pem.as_bytes());
    let time = |seconds: i64| rfc3339(UnixMillis(seconds.saturating_mul(1_000)));
    Answer::json(&json!({ "data": [{
        "serial_no": signer.certificate_serial,
        "effective_time": time(signer.not_before),
        "expire_time": time(signer.not_after),
        "encrypt_certificate": {
            "algorithm": ALGORITHM,
            "nonce": sealed.nonce,
            "associated_data": ASSOCIATED_DATA,
            "ciphertext": sealed.ciphertext,
        },
    }] }))
}
