//! The sticker of the shop's own code.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::response::Response;

use crate::app::session::Staff;
use crate::platform::Platform;
use crate::v1::codes::{self, Asked, merchant_qr, sticker, too_long};
use crate::v1::error::ApiError;
use crate::v1::input::Queried;

/// GET sticker.svg
pub async fn svg(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(asked): Queried<Asked>,
) -> Result<Response, ApiError> {
    let sticker = sticker(&platform, staff.merchant, asked).await?;
    sticker.svg().map(codes::svg).ok_or_else(too_long)
}

/// GET sticker.png: the QR code alone.
pub async fn png(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(asked): Queried<Asked>,
) -> Result<Response, ApiError> {
    codes::png(&merchant_qr(&platform, staff.merchant, asked).await?)
}

/// GET sticker.pdf
pub async fn pdf(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(asked): Queried<Asked>,
) -> Result<Response, ApiError> {
    let sticker = sticker(&platform, staff.merchant, asked).await?;
    sticker.pdf().map(codes::pdf).ok_or_else(too_long)
}
