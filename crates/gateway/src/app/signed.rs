//! A request that moves a shopper's money: signed by their device, so that a stolen cookie pays nothing.
//!
//! `Feiqian-Device-Signature` is over `METHOD\nPATH\nIDEMPOTENCY-KEY\nhex(SHA-256(body))`. The same
//! request again is the same number again, which the rules answer with the first answer.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::{Body, Bytes};
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, HeaderName};
use feiqian_core::Number;
use serde::de::DeserializeOwned;

use super::device;
use super::session::Shopper;
use crate::platform::Platform;
use crate::v1::error::ApiError;
use crate::v1::input::{Input, Key, bad_body};

/// The device's signature, in base64.
pub const SIGNATURE: HeaderName = HeaderName::from_static("feiqian-device-signature");

/// What a signed-in shopper's device has signed.
pub struct SignedShopper<T> {
    /// Who, and at which device.
    pub shopper: Shopper,
    /// `Idempotency-Key`.
    pub number: Number,
    /// The body.
    pub value: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for SignedShopper<T>
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let shopper = Shopper::from_request_parts(&mut parts, state).await?;
        let Key(number) = Key::from_request_parts(&mut parts, state).await?;
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let signature = signature(&parts.headers)?.to_owned();
        let whole = Request::from_parts(parts.clone(), body);
        let body = Bytes::from_request(whole, state).await.map_err(bad_body)?;
        let text = text(method.as_str(), &path, &number, &body);
        let platform = Arc::<Platform>::from_ref(state);
        let device = device::read(&platform, shopper.device)?;
        if !device.is_some_and(|device| device.key.signed(text.as_bytes(), &signature)) {
            return Err(device::bad_signature());
        }
        let request = Request::from_parts(parts, Body::from(body));
        let Input(value) = Input::from_request(request, state).await?;
        Ok(Self {
            shopper,
            number,
            value,
        })
    }
}

fn signature(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(SIGNATURE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| device::bad_signature()),
        _ => Err(device::bad_signature()),
    }
}

/// What the device signs.
fn text(method: &str, path: &str, number: &Number, body: &[u8]) -> String {
    let hash = digest(&SHA256, body);
    let hex: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{method}\n{path}\n{number}\n{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed() {
        // SHA-256 of nothing is known (FIPS 180-4).
        let text = text("POST", "/app/wallet/pin", &Number::new("n1").unwrap(), b"");
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text, format!("POST\n/app/wallet/pin\nn1\n{hash}"));
    }
}
