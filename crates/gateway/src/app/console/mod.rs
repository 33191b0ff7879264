//! What the console asks: `/app/console`. It is a session only; everything else is `/v1`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use feiqian_core::Number;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::blocking;
use super::session::{self, ConsoleOperator, Kind, Who};
use crate::access::Role;
use crate::desk::operators;
use crate::platform::Platform;
use crate::server::App;
use crate::v1::auth::{Anybody, Peer};
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::input::Input;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/app/console/session", post(begin).get(me).delete(end))
}

/// The key that an operator was given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    key: SecretString,
}

/// The operator, as the console shows it.
#[derive(Serialize)]
struct Me {
    name: String,
    sandbox: bool,
    roles: BTreeSet<operators::Role>,
}

async fn begin(
    _: Anybody,
    Peer(peer): Peer,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let key = asked.key.expose_secret();
    let holder = platform.access.role(&platform.vault, key)?;
    let Some(Role::Operator(name)) = holder else {
        platform.limiter.allow_address(peer)?;
        return Err(wrong());
    };
    let me = view(&platform, name)?;
    let who = Who::Operator(name);
    let cookie = blocking(&platform, move |platform| {
        Ok(session::begin(platform, &who)?)
    })
    .await?;
    Ok((StatusCode::CREATED, cookie, Json(me)))
}

async fn me(
    ConsoleOperator(name): ConsoleOperator,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Me>, ApiError> {
    view(&platform, name).map(Json)
}

async fn end(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let end = move |platform: &Platform| Ok(session::end(platform, &headers, Kind::Console)?);
    Ok((StatusCode::NO_CONTENT, blocking(&platform, end).await?))
}

fn view(platform: &Platform, name: Number) -> Result<Me, ApiError> {
    let operator = platform.desk.operators.get(&platform.vault, name)?;
    if operator.closed {
        return Err(wrong());
    }
    Ok(Me {
        name: name.as_str().to_owned(),
        sandbox: platform.is_sandbox(),
        roles: operator.roles,
    })
}

fn wrong() -> ApiError {
    let message = "this is not an operator's key, or not any more";
    ApiError::new(ErrorType::Authentication, "key_unknown", message)
}
