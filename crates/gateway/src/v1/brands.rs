//! Brands: the wallets that the public knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::{Event, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::fields::{BrandRef, Name};
use super::input::{Input, Key, Made, Numbered, Page};
use super::responses::{Asking, Sending};
use super::{ask, misplaced};
use crate::platform::Platform;

/// A brand.
#[derive(Serialize, ToSchema)]
pub struct Brand {
    id: BrandRef,
    /// What the public calls it.
    name: String,
}

/// A new brand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBrand {
    /// What the public calls it.
    name: Name,
}

/// Lists all brands
#[utoipa::path(
    get, path = "/v1/brands",
    operation_id = "list_brands", tag = "brands",
    responses(
        (status = 200, body = Page<Brand>, description = "All brands"),
        Asking,
    )
)]
pub async fn list(
    _: Caller,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<Brand>>, ApiError> {
    let read = |state: &State| {
        let brands = state.brands();
        brands
            .map(|(id, brand)| Brand {
                id: id.into(),
                name: brand.name.clone(),
            })
            .collect()
    };
    Ok(Json(Page {
        data: platform.engine.read(read).await?,
        next_cursor: None,
    }))
}

/// Adds a brand
#[utoipa::path(
    post, path = "/v1/brands",
    operation_id = "add_brand", request_body = NewBrand, tag = "brands", params(Numbered),
    responses(
        (status = 201, body = Brand, description = "Added"),
        (status = 200, body = Brand, description = "Added before"),
        Sending,
    )
)]
pub async fn add(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewBrand>,
) -> Result<Made<Brand>, ApiError> {
    let receipt = platform
        .engine
        .submit(AddBrand {
            number,
            name: new.name.0,
        })
        .await?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event adds brands"
    )]
    let value = match ask(&platform, move |store| store.event(receipt.event)).await? {
        Some(Event::BrandAdded(event)) => Brand {
            id: event.brand.into(),
            name: event.name,
        },
        _ => return Err(misplaced(receipt.event)),
    };
    Ok(Made {
        again: receipt.again,
        value,
    })
}
