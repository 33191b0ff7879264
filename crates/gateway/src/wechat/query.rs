//! Shows an order (contract 4.7).

use std::sync::Arc;

use super::edge::{Answer, Signed};
use super::error::WechatError;
use super::find::{self, Found};
use super::refusals::order_not_exist;
use crate::platform::Platform;

/// `GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=`.
pub(super) async fn by_number(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    signed.check_mchid_in_query()?;
    let found = find::of_path(&platform, &signed).await?;
    show(&platform, &signed, found).await
}

/// `GET /v3/pay/transactions/id/{transaction_id}?mchid=`.
pub(super) async fn by_transaction(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    signed.check_mchid_in_query()?;
    let store = platform.engine.store().await?;
    let (merchant, id) = (signed.merchant.merchant, signed.path("transaction_id"));
    let found = find::by_transaction(&store, &platform, merchant, id)?;
    show(&platform, &signed, found).await
}

async fn show(
    platform: &Platform,
    signed: &Signed,
    found: Option<Found>,
) -> Result<Answer, WechatError> {
    let found = found.ok_or_else(order_not_exist)?;
    Answer::json(&found.view().object(platform, &signed.merchant).await?)
}
