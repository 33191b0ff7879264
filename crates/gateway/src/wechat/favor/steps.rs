//! Starts, pauses and restarts a stock.

use std::sync::Arc;

use feiqian_core::campaign::Status;
use feiqian_core::campaign::step::{Refusal, Step, StepCampaign};
use feiqian_engine::Rejected;
use serde_json::json;

use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::Stock;
use crate::wechat::times::rfc3339;

/// `POST /v3/marketing/favor/stocks/{stock_id}/start`: its budget leaves the merchant's balance.
pub(super) async fn start(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    if stock.row.status == Status::Draft {
        fund(&platform, &stock).await?;
    }
    step(&platform, &stock, Step::Start, "start_time").await
}

/// `POST /v3/marketing/favor/stocks/{stock_id}/pause`.
pub(super) async fn pause(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    step(&platform, &stock, Step::Pause, "pause_time").await
}

/// `POST /v3/marketing/favor/stocks/{stock_id}/restart`.
pub(super) async fn restart(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    step(&platform, &stock, Step::Resume, "restart_time").await
}

async fn named(platform: &Platform, signed: &Signed) -> Result<Stock, WechatError> {
    let body = signed.json()?;
    signed.check_named(Fields::of(&body)?.text("stock_creator_mchid", 1..=32)?)?;
    Stock::own(platform, signed, Api::Favor, signed.path("stock_id")).await
}

/// Approves it. Whoever asked at the same moment may have been first: starting it decides.
async fn fund(platform: &Platform, stock: &Stock) -> Result<(), WechatError> {
    match platform.engine.submit(command(stock, Step::Approve)).await {
        Ok(_) | Err(Rejected::Refused(Refusal::WrongStatus { .. })) => Ok(()),
        Err(rejected) => Err(rejected.into()),
    }
}

fn command(stock: &Stock, step: Step) -> StepCampaign {
    StepCampaign {
        campaign: stock.id,
        step,
        by: stock.row.by,
    }
}

async fn step(
    platform: &Platform,
    stock: &Stock,
    step: Step,
    name: &'static str,
) -> Result<Answer, WechatError> {
    let receipt = platform.engine.submit(command(stock, step)).await?;
    let event = platform.engine.store().await?.event(receipt.event)?;
    let at = event.map_or(receipt.at, |event| event.at());
    Answer::json(&json!({ name: rfc3339(at), "stock_id": stock.id_text(platform) }))
}
