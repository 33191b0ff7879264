//! The web apps, as `npm run build` leaves them in `web/dist`, inside the binary.
//!
//! Files whose names hold a hash of what is in them are kept by browsers for ever; pages are asked for each
//! time. A binary that was built without the apps serves none.

use std::borrow::Cow;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_embed::RustEmbed;

use crate::server::App;
use crate::v1::auth::Anybody;
use crate::v1::error::ApiError;

/// What is there: pages and their files, compressed ones (`.gz`) beside them.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// Stands in a page where its nonce goes (Vite's `html.cspNonce`).
const NONCE: &str = "__CSP_NONCE__";
/// Files that never change: their names hold a hash.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Asked for each time.
const FRESH: &str = "no-cache";
/// What a page may use of the machine: the camera, to scan.
const PERMISSIONS: &str = "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), \
                           display-capture=(), browsing-topics=()";

/// The apps and their files.
pub fn routes() -> Router<App> {
    let mut router = Router::new().route("/assets/{*path}", get(file));
    for app in ["wallet", "till", "console"] {
        let page = move |_: Anybody, request: Request| async move { page(app, &request) };
        let there = Redirect::permanent(&format!("/{app}/"));
        router = router
            .route(
                &format!("/{app}"),
                get(move |_: Anybody| async move { there }),
            )
            .route(&format!("/{app}/"), get(page))
            .route(&format!("/{app}/{{*path}}"), get(page));
    }
    router
}

/// Whether the app is built in.
#[must_use]
pub fn has(app: &str) -> bool {
    Dist::get(&format!("{app}/index.html")).is_some()
}

/// The page of an app, if it is built in: it reads from its address what to show.
///
/// # Errors
/// 500 without random bytes.
pub fn app(app: &str) -> Result<Option<Response>, ApiError> {
    let Some(page) = Dist::get(&format!("{app}/index.html")) else {
        return Ok(None);
    };
    let mut bytes = [0; 18];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| ApiError::internal(&error))?;
    let nonce = STANDARD.encode(bytes);
    let html = String::from_utf8_lossy(&page.data).replace(NONCE, &nonce);
    // A page's own styles are let in one by one; scripts come as files only.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_TYPE, "text/html; charset=utf-8".into()),
        (header::CACHE_CONTROL, FRESH.into()),
        (header::REFERRER_POLICY, "same-origin".into()),
        (
            HeaderName::from_static("permissions-policy"),
            PERMISSIONS.into(),
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin".into(),
        ),
    ];
    Ok(Some((headers, html).into_response()))
}

/// A file of the app, or its page for every other path without an extension.
fn page(name: &str, request: &Request) -> Result<Response, ApiError> {
    let path = request.uri().path().trim_start_matches('/');
    let is_file = path
        .rsplit('/')
        .next()
        .is_some_and(|leaf| leaf.contains('.'));
    if is_file && !path.ends_with(".html") {
        return found(path, request.headers());
    }
    app(name)?.ok_or_else(no_file)
}

async fn file(
    _: Anybody,
    Path(_): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    found(uri.path().trim_start_matches('/'), &headers)
}

fn found(path: &str, asked: &HeaderMap) -> Result<Response, ApiError> {
    let compressed = takes_gzip(asked)
        .then(|| Dist::get(&format!("{path}.gz")))
        .flatten();
    let encoding = compressed.is_some().then_some("gzip");
    let Some(file) = compressed.or_else(|| Dist::get(path)) else {
        return Err(no_file());
    };
    let lasts = if path.starts_with("assets/") {
        FOREVER
    } else {
        FRESH
    };
    let body = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let headers = [
        (header::CONTENT_TYPE, media(path)),
        (header::CACHE_CONTROL, lasts),
        (header::VARY, "Accept-Encoding"),
    ];
    let mut response = (headers, body).into_response();
    if let Some(encoding) = encoding {
        let encoding = HeaderValue::from_static(encoding);
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(|coding| coding.split_once(';').unwrap_or((coding, "")));
    codings.any(|(name, weight)| name.trim() == "gzip" && !weight.replace(' ', "").ends_with("q=0"))
}

/// What a file is, by its name.
fn media(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn no_file() -> ApiError {
    ApiError::not_found("path_not_found", "path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_gzip() {
        for (header, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, header.parse().unwrap());
            assert_eq!(takes_gzip(&headers), takes, "{header}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
