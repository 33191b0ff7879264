//! Operators: who runs the installation, by name. What one adds another approves.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::Number;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Operator};
use super::error::{ApiError, ErrorType};
use super::input::{Id, Input, Page};
use super::responses::{Asking, Sending};
use crate::access::{self, FIRST_OPERATOR};
use crate::app::{blocking, session};
use crate::desk::operators::{self, Operators, Role};
use crate::platform::Platform;

/// Whom a key is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperator {
    /// A name that the log keeps with what the operator does.
    #[schema(value_type = String, pattern = "^[0-9a-z_-]{1,32}$")]
    name: OperatorName,
    /// What somebody new may do; everything if not said. Of somebody known they stay.
    #[schema(value_type = Option<Vec<Role>>)]
    roles: Option<BTreeSet<Role>>,
}

/// An operator's name.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct OperatorName(Number);

impl TryFrom<String> for OperatorName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for OperatorName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = text.len() <= 32
            && text
                .bytes()
                .all(|byte| plain(byte) || b"_-".contains(&byte));
        let name = Number::new(text).ok().filter(|_| good);
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

/// Whether somebody is an operator still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperatorStatus {
    /// Yes.
    Active,
    /// No more: keys and sessions are worth nothing.
    Closed,
}

/// An operator.
#[derive(Serialize, ToSchema)]
#[schema(as = Operator)]
pub struct OperatorView {
    name: String,
    roles: BTreeSet<Role>,
    status: OperatorStatus,
}

/// What an operator may do from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoles {
    #[schema(value_type = Vec<Role>)]
    roles: BTreeSet<Role>,
}

/// A key that is worth nothing from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedKey {
    #[schema(value_type = String)]
    key: SecretString,
}

/// Lists the operators
#[utoipa::path(
    get, path = "/v1/operators",
    operation_id = "list_operators", tag = "operators",
    responses(
        (status = 200, body = Page<OperatorView>, description = "All operators"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<OperatorView>>, ApiError> {
    let mut names = BTreeSet::from_iter(
        Operators::names(&platform.vault)?
            .iter()
            .map(|name| name.as_str().to_owned()),
    );
    names.insert(FIRST_OPERATOR.to_owned());
    let mut data = Vec::with_capacity(names.len());
    for name in names {
        data.extend(Number::new(&name).ok().map(|name| view(&platform, name)));
    }
    Ok(Json(Page {
        data: data.into_iter().collect::<Result<_, _>>()?,
        next_cursor: None,
    }))
}

fn view(platform: &Platform, name: Number) -> Result<OperatorView, ApiError> {
    let operator = platform.desk.operators.get(&platform.vault, name)?;
    Ok(OperatorView {
        name: name.as_str().to_owned(),
        roles: operator.roles,
        status: if operator.closed {
            OperatorStatus::Closed
        } else {
            OperatorStatus::Active
        },
    })
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
    let OperatorName(name) = new.name;
    let _held = platform.desk.deciding.lock().await;
    match Operators::find(&platform.vault, name)? {
        Some(operator) if operator.closed => {
            let message = "this operator was closed; the name stays theirs";
            let closed = ApiError::new(ErrorType::Refused, "operator_closed", message);
            return Err(closed.at("name"));
        }
        Some(_) => {}
        None => {
            let everything = || BTreeSet::from([Role::Admin]);
            let operator = operators::Operator {
                roles: new.roles.unwrap_or_else(everything),
                closed: false,
            };
            platform
                .desk
                .operators
                .put(&platform.vault, name, operator)?;
        }
    }
    let role = access::Role::Operator(name);
    let key = platform.access.grant(&platform.vault, role)?;
    tracing::info!(%by, operator = %name, "a key was made for an operator");
    let key = OperatorKey {
        name: name.as_str().to_owned(),
        key: key.expose_secret().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(key)))
}

/// Changes what an operator may do; nobody does that to themselves
#[utoipa::path(
    put, path = "/v1/operators/{name}/roles",
    operation_id = "set_operator_roles", request_body = NewRoles, tag = "operators", params(("name" = String, Path)),
    responses(
        (status = 200, body = OperatorView, description = "The operator"),
        Sending,
    )
)]
pub async fn set_roles(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OperatorName(name)): Id<OperatorName>,
    Input(new): Input<NewRoles>,
) -> Result<Json<OperatorView>, ApiError> {
    change(&platform, by, name, |operator| operator.roles = new.roles).await
}

/// Closes an operator: keys and sessions are worth nothing at once
#[utoipa::path(
    delete, path = "/v1/operators/{name}",
    operation_id = "close_operator", tag = "operators", params(("name" = String, Path)),
    responses(
        (status = 200, body = OperatorView, description = "The operator"),
        Sending,
    )
)]
pub async fn close(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OperatorName(name)): Id<OperatorName>,
) -> Result<Json<OperatorView>, ApiError> {
    change(&platform, by, name, |operator| operator.closed = true).await
}

async fn change(
    platform: &Platform,
    by: Number,
    name: Number,
    change: impl FnOnce(&mut operators::Operator),
) -> Result<Json<OperatorView>, ApiError> {
    if by == name {
        let message = "another operator does this to you";
        return Err(ApiError::new(ErrorType::Refused, "same_operator", message));
    }
    let _held = platform.desk.deciding.lock().await;
    let known = Operators::find(&platform.vault, name)?.is_some();
    if !known && name.as_str() != FIRST_OPERATOR {
        return Err(ApiError::not_found("operator_not_found", "operator"));
    }
    let mut operator = platform.desk.operators.get(&platform.vault, name)?;
    change(&mut operator);
    platform
        .desk
        .operators
        .put(&platform.vault, name, operator)?;
    view(platform, name).map(Json)
}

/// Revokes a key: one's own, or, by an operator who is an admin, any
///
/// A key that nobody holds is answered alike.
#[utoipa::path(
    post, path = "/v1/keys/revoke",
    operation_id = "revoke_key", request_body = RevokedKey, tag = "operators",
    responses(
        (status = 204, description = "It is worth nothing, now or before"),
        Sending,
    )
)]
pub async fn revoke(
    Caller(role): Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<RevokedKey>,
) -> Result<StatusCode, ApiError> {
    let key = asked.key.expose_secret();
    let holder = platform.access.role(&platform.vault, key)?;
    let admin = match role {
        access::Role::Operator(name) => {
            let operator = platform.desk.operators.get(&platform.vault, name)?;
            operator.is(Role::Admin)
        }
        access::Role::Merchant(_) | access::Role::User(_) => false,
    };
    if admin || holder == Some(role) {
        platform.access.revoke(&platform.vault, key)?;
        // The sessions that it opened are told apart from others by nothing.
        if let Some(access::Role::Operator(name)) = holder {
            let end = move |platform: &Platform| Ok(session::end_all_of(platform, name)?);
            blocking(&platform, end).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
