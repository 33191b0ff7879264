//! Requests that another site makes a browser send are refused.
//!
//! The cookies are `SameSite=Strict`. Besides, whatever changes something must bear the header
//! `Feiqian-App`, which no foreign page can send without a preflight that nobody here answers, and
//! what the browser says of the page behind it (`Origin`, `Sec-Fetch-Site`) must be our own.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};

/// Names the app that asks: `wallet`, `till` or `console`.
pub const APP: HeaderName = HeaderName::from_static("feiqian-app");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const NAMES: [&str; 3] = ["wallet", "till", "console"];

/// Around every route of the apps.
pub async fn refuse(
    State(platform): State<Arc<Platform>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match check(&platform, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// A request that may change something comes from our own page.
pub fn check(platform: &Platform, headers: &HeaderMap) -> Result<(), ApiError> {
    let own = |origin: &str| is_own(platform, headers, origin);
    if !text(headers, &APP).is_some_and(|name| NAMES.contains(&name)) {
        return Err(forged("header_missing", "send the header Feiqian-App").at("Feiqian-App"));
    }
    let foreign = headers.contains_key(header::ORIGIN)
        && !text(headers, &header::ORIGIN).is_some_and(own)
        || headers.contains_key(&SEC_FETCH_SITE)
            && text(headers, &SEC_FETCH_SITE) != Some("same-origin");
    if foreign {
        return Err(forged(
            "origin_foreign",
            "this may be asked by our own pages only",
        ));
    }
    Ok(())
}

/// The public address; in a sandbox also this machine under the name by which it was asked.
pub(crate) fn is_own(platform: &Platform, headers: &HeaderMap, origin: &str) -> bool {
    let here = || {
        let host = text(headers, &header::HOST)?;
        let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&name_of(host));
        Some(loopback && origin.strip_prefix("http://") == Some(host))
    };
    origin == origin_of(&platform.base_url) || platform.is_sandbox() && here() == Some(true)
}

/// The domain that browsers bind passkeys to: the public address's, where it is https and no number; in a
/// sandbox also `localhost`, if that is how it was asked.
pub(crate) fn domain<'a>(platform: &'a Platform, headers: &'a HeaderMap) -> Option<&'a str> {
    let asked = text(headers, &header::HOST).map(name_of);
    if platform.is_sandbox() && asked == Some("localhost") {
        return asked;
    }
    let host = origin_of(&platform.base_url).strip_prefix("https://")?;
    let name = name_of(host);
    let is_number = name.starts_with('[') || name.parse::<IpAddr>().is_ok();
    (!is_number).then_some(name)
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    host.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name)
}

/// Scheme, host and port of an address (RFC 6454).
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}

/// The header's one value.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn forged(code: &'static str, message: &str) -> ApiError {
    ApiError::new(ErrorType::Permission, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_before_the_path() {
        for (url, origin) in [
            ("https://pay.test", "https://pay.test"),
            ("https://pay.test:8443/wallet", "https://pay.test:8443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }
}
