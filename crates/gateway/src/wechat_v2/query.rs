//! Shows an order: `POST /pay/orderquery`.

use std::sync::Arc;

use super::edge::{Content, Signed};
use super::error::Refusal;
use super::order_map;
use crate::platform::Platform;

pub(super) async fn order(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let found = signed.order(&platform).await?;
    Ok(order_map::order(&platform, &signed.merchant, &found.view()).await?)
}
