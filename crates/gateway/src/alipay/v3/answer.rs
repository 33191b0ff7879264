//! The answer: bare fields, or `code` and `message`, and headers with a signature over exactly the bytes that go out,
//! refusals too.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::alipay::app::certificate_number;
use crate::alipay::error::{AlipayError, Code};
use crate::platform::{Platform, unix_millis};
use crate::wechat::random;

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What goes out, but for its signature.
pub(super) struct Written {
    status: StatusCode,
    kind: &'static str,
    body: Vec<u8>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: &'a str,
    message: &'a str,
    /// Where to read on: nowhere.
    links: [&'a str; 0],
}

impl Written {
    /// Content as it is, in JSON.
    pub fn content(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            kind: JSON,
            body: body.into_bytes(),
        }
    }

    /// Content in AES, in base64.
    pub fn sealed(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            kind: TEXT,
            body: text.into_bytes(),
        }
    }

    /// A refusal. Never sealed: SDKs read it as JSON.
    pub fn refusal(refusal: &AlipayError) -> Self {
        let body = serde_json::to_vec(&Refusal {
            code: code(refusal.sub_code),
            message: &refusal.sub_msg,
            links: [],
        });
        Self {
            status: status(refusal),
            kind: JSON,
            body: body.expect("texts are JSON"),
        }
    }

    /// With nothing to prove whose it is: signing costs more than anything else here.
    pub fn bare(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let kind = HeaderValue::from_static(self.kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }

    /// Signed. In certificate mode with the number of the platform's certificate.
    pub fn signed(self, platform: &Platform, certificate: bool) -> Response {
        let signer = &platform.signer;
        let (time, nonce) = (unix_millis().0.to_string(), random::nonce_str());
        let mut text = format!("{time}\n{nonce}\n").into_bytes();
        text.extend_from_slice(&self.body);
        text.push(b'\n');
        let mut fields = vec![
            ("alipay-trace-id", random::nonce_str()),
            ("alipay-timestamp", time),
            ("alipay-nonce", nonce),
            ("alipay-signature", signer.key.sign(&text)),
        ];
        if certificate {
            fields.push(("alipay-sn", certificate_number(&signer.certificate_serial)));
        }
        let mut response = self.bare();
        for (name, value) in fields {
            let value = HeaderValue::try_from(value).expect("digits, letters and base64");
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The codes are those of the classic gateway without who is at fault in front.
fn code(sub_code: &str) -> &str {
    let code = sub_code.strip_prefix("isv.").unwrap_or(sub_code);
    code.strip_prefix("aop.").unwrap_or(code)
}

fn status(refusal: &AlipayError) -> StatusCode {
    match (refusal.code, refusal.sub_code) {
        (_, "isv.invalid-signature" | "isv.missing-signature") => StatusCode::UNAUTHORIZED,
        (_, "isv.invalid-method") => StatusCode::NOT_FOUND,
        (Code::Unknown, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (Code::Limited, _) => StatusCode::TOO_MANY_REQUESTS,
        (Code::Permission | Code::Token, _) => StatusCode::FORBIDDEN,
        (Code::Missing | Code::Invalid | Code::Business, _) => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lose_who_is_at_fault() {
        for (sub_code, expected) in [
            ("isv.invalid-app-id", "invalid-app-id"),
            ("aop.ACQ.SYSTEM_ERROR", "ACQ.SYSTEM_ERROR"),
            ("ACQ.TRADE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST"),
        ] {
            assert_eq!(code(sub_code), expected);
        }
    }
}
