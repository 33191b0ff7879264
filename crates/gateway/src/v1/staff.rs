//! People at a merchant's tills, as operators add them; its owners add further ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Operator;
use super::error::ApiError;
use super::fields::{MerchantRef, Name};
use super::input::{Id, Input, Page};
use super::merchants::find;
use super::responses::{Asking, Sending};
use crate::app::staff::{self, StaffRole};
use crate::app::till::crew::{self, StaffRef};
use crate::platform::Platform;

/// Somebody new at a till.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStaff {
    /// With what they sign in.
    name: Name,
    role: StaffRole,
}

/// Somebody at a till.
#[derive(Serialize, ToSchema)]
#[schema(as = Staff)]
pub struct StaffView {
    /// `stf_0`.
    #[schema(value_type = String)]
    id: StaffRef,
    name: String,
    role: StaffRole,
    /// Of somebody new; told this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Lists who works at a merchant's tills
#[utoipa::path(
    get, path = "/v1/merchants/{id}/staff",
    operation_id = "list_staff", tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 200, body = Page<StaffView>, description = "All of them"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
) -> Result<Json<Page<StaffView>>, ApiError> {
    find(&platform, id).await?;
    let crew = staff::read(&platform, id)?;
    let shown = crew.members.into_iter().map(|member| StaffView {
        id: StaffRef(member.id),
        name: member.name,
        role: member.role,
        password: None,
    });
    Ok(Json(Page {
        data: shown.collect(),
        next_cursor: None,
    }))
}

/// Adds somebody to a merchant's tills and tells the password
#[utoipa::path(
    post, path = "/v1/merchants/{id}/staff",
    operation_id = "add_staff", request_body = NewStaff, tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 201, body = StaffView, description = "Added"),
        Sending,
    )
)]
pub async fn add(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
    Input(new): Input<NewStaff>,
) -> Result<(StatusCode, Json<StaffView>), ApiError> {
    find(&platform, id).await?;
    let (member, password) = crew::join(&platform, id, &new.name.0, new.role).await?;
    let view = StaffView {
        id: member,
        name: new.name.0.trim().to_owned(),
        role: new.role,
        password: Some(password.expose_secret().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(view)))
}
