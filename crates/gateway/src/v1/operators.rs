//! Operators: who runs the installation, by name. What one adds another approves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::Number;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Operator;
use super::error::ApiError;
use super::input::Input;
use super::responses::Sending;
use crate::access::Role;
use crate::platform::Platform;
use secrecy::ExposeSecret;

/// Whom a key is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperator {
    /// A name that the log keeps with what the operator does.
    #[schema(value_type = String, pattern = "^[0-9a-z_-]{1,32}$")]
    name: OperatorName,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct OperatorName(Number);

impl TryFrom<String> for OperatorName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = text.len() <= 32
            && text
                .bytes()
                .all(|byte| plain(byte) || b"_-".contains(&byte));
        let name = Number::new(&text).ok().filter(|_| good);
        name.map(Self)
            .ok_or("an operator's name has 1 to 32 characters of a-z 0-9 _ -")
    }
}

/// An operator's key. It is told this once.
#[derive(Serialize, ToSchema)]
pub struct OperatorKey {
    name: String,
    /// Send it as `Authorization: Bearer KEY`.
    #[schema(pattern = "^fqo_[0-9A-Za-z_-]{43}$")]
    key: String,
}

/// Makes a bearer key for an operator: another one, or another key of one
#[utoipa::path(
    post, path = "/v1/operators",
    operation_id = "make_operator_key", request_body = NewOperator, tag = "operators",
    responses(
        (status = 201, body = OperatorKey, description = "The key"),
        Sending,
    )
)]
pub async fn add(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Input(new): Input<NewOperator>,
) -> Result<(StatusCode, Json<OperatorKey>), ApiError> {
    let name = new.name.0;
    let key = platform
        .access
        .grant(&platform.vault, Role::Operator(name))?;
    tracing::info!(%by, operator = %name, "a key was made for an operator");
    let key = OperatorKey {
        name: name.as_str().to_owned(),
        key: key.expose_secret().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(key)))
}
