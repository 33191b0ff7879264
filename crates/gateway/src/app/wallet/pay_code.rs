//! Keys for pay codes that the device makes by itself, also without a network.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use serde::Serialize;

use super::{Nothing, SignedShopper};
use crate::app::account;
use crate::paycode::{self, PayCodeKey};
use crate::platform::Platform;
use crate::v1::error::ApiError;
use crate::v1::fields::Time;

/// A fresh key.
#[derive(Serialize)]
struct Issued {
    #[serde(flatten)]
    key: PayCodeKey,
    server_time: Time,
}

/// POST paycode: each request makes another key, so it needs no number; the one before lives on for a day.
pub async fn issue(
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Nothing>,
) -> Result<impl IntoResponse, ApiError> {
    let shopper = signed.shopper;
    // What goes without PIN goes without being asked, and no more.
    let no_pin = account::read(&platform, shopper.user)?.no_pin();
    paycode::set_unasked(&platform, shopper.user, no_pin)?;
    let key = paycode::issue(&platform, shopper.user, &shopper.device.to_string()).await?;
    let server_time = key.server_time.into();
    Ok((StatusCode::CREATED, Json(Issued { key, server_time })))
}
