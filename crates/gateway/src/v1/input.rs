//! The parts of a request, read strictly, and answers that say whether they are new.

use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use feiqian_core::Number;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::fields::Cursor;

/// The caller's number of a request: send the same one when trying again.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Set when an answer is the first one, given again.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Entries of a page, if not said.
pub const PAGE_DEFAULT: u16 = 20;
/// Most entries of a page.
pub const PAGE_MAX: u16 = 100;

/// A JSON body.
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(
                ApiError::invalid("not_json", "send the body as application/json")
                    .at("Content-Type")
                    .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            );
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(bad_body)?;
        // serde would take an array for a struct.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(ApiError::invalid("body_bad", "the body is a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let problem = ApiError::invalid("body_bad", said(error.inner()));
            if path == "." {
                problem
            } else {
                problem.at(path)
            }
        })?;
        json.end()
            .map_err(|error| ApiError::invalid("body_bad", said(&error)))?;
        Ok(Self(value))
    }
}

/// What is wrong, without what was sent: that may be a PIN, or somebody's number.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let quotes = text.starts_with("invalid ") || text.starts_with("unknown variant ");
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if quotes => format!("expected {expected}"),
        _ => text,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = media
        .and_then(|media| media.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A body that could not be read.
pub fn bad_body(rejection: BytesRejection) -> ApiError {
    let status = rejection.into_response().status();
    let code = if status == StatusCode::PAYLOAD_TOO_LARGE {
        "body_too_large"
    } else {
        "body_bad"
    };
    let message = format!("a body has at most {} bytes", crate::server::BODY_MAX);
    ApiError::invalid(code, message).with_status(status)
}

/// The query.
pub struct Queried<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Queried<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| ApiError::invalid("query_bad", error.body_text()))
    }
}

/// The id in the path. One that cannot be an id is one that does not exist.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self)
            .ok_or_else(|| ApiError::not_found("not_found", "id").at("id"))
    }
}

/// The `Idempotency-Key` header.
pub struct Key(pub Number);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let bad = |code, message: String| ApiError::invalid(code, message).at("Idempotency-Key");
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            let message = "send one Idempotency-Key: a number of your own for this request";
            return Err(bad("number_missing", message.into()));
        };
        let number = value.to_str().unwrap_or_default();
        Number::new(number)
            .map(Self)
            .map_err(|error| bad("number_bad", error.to_string()))
    }
}

/// `Idempotency-Key`, for the document.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by Key; this is its description")]
pub struct Numbered {
    /// Your own number for this request. Send the same one when trying again: the first answer comes
    /// again. With other content it is refused (409). Numbers of one kind are yours alone.
    #[serde(rename = "Idempotency-Key")]
    #[param(value_type = String, pattern = "^[0-9A-Za-z_\\-|*@.:]{1,64}$", min_length = 1, max_length = 64)]
    key: String,
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// Entries of a page; 20 if not said.
    #[serde(default, deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 100, required = false)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^p_(0|[1-9][0-9]{0,19})$", required = false)]
    pub cursor: Option<Cursor>,
}

/// Entries of a page, 1 to [`PAGE_MAX`].
///
/// # Errors
/// Whatever else.
pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text
        .parse()
        .ok()
        .filter(|limit| plain && (1..=PAGE_MAX).contains(limit));
    number
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("limit is 1 to 100"))
}

impl Paging {
    /// The first page, as long as it may be.
    #[must_use]
    pub fn first() -> Self {
        Self {
            limit: Some(PAGE_MAX),
            cursor: None,
        }
    }

    /// How many entries are wanted.
    pub fn limit(self) -> usize {
        self.limit.unwrap_or(PAGE_DEFAULT).into()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Queried(paging) = Queried::from_request_parts(parts, state).await?;
        Ok(paging)
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Pass it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Of `rows`, one more than wanted if there is a next page; `cursor` gives where that begins,
    /// from the last row shown.
    pub fn cut(mut rows: Vec<T>, wanted: usize, cursor: impl FnOnce(&T) -> Cursor) -> Self {
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Self {
            data: rows,
            next_cursor,
        }
    }

    /// The same page of other things.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(each).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

/// What was made, now (201) or before (200, `Idempotent-Replayed: true`).
pub struct Made<T> {
    /// Whether it had been made before.
    pub again: bool,
    /// It.
    pub value: T,
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let body = Json(self.value);
        if self.again {
            let replayed = [(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"))];
            (StatusCode::OK, replayed, body).into_response()
        } else {
            (StatusCode::CREATED, body).into_response()
        }
    }
}
