//! Shows a merchant's own stock, and changes how many coupons it gives.

use std::sync::Arc;

use feiqian_core::Event;
use feiqian_core::campaign::coupons::ChangeCoupons;
use serde_json::json;

use super::create::COUPONS_MAX;
use super::stock_object::object;
use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::{Stock, refuse_all, request_number};

/// The stock that the path names.
pub(super) async fn named(platform: &Platform, signed: &Signed) -> Result<Stock, WechatError> {
    Stock::own(platform, signed, Api::Busifavor, signed.path("stock_id")).await
}

/// `GET /v3/marketing/busifavor/stocks/{stock_id}`.
pub(super) async fn detail(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    Answer::json(&object(&platform, &stock)?)
}

/// `PATCH /v3/marketing/busifavor/stocks/{stock_id}/budget`.
pub(super) async fn budget(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    refuse_all(
        &fields,
        &["target_max_coupons_by_day", "current_max_coupons_by_day"],
    )?;
    let number = request_number(&fields, "modify_budget_request_no")?;
    let to = fields.integer("target_max_coupons", 1..=COUPONS_MAX)?;
    let from = fields.integer_if("current_max_coupons", 1..=COUPONS_MAX)?;
    let stock = named(&platform, &signed).await?;
    let count = |count: i64| u32::try_from(count).expect("its range was looked at");
    let command = ChangeCoupons {
        campaign: stock.id,
        number,
        by: stock.row.by,
        from: from.map_or(stock.row.coupons_most(), count),
        to: count(to),
    };
    let receipt = platform.engine.submit(command).await?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event changes the number of coupons"
    )]
    match platform.engine.store().await?.event(receipt.event)? {
        Some(Event::CouponsChanged(event)) => Answer::json(&json!({ "max_coupons": event.to })),
        _ => Err(WechatError::unknown()),
    }
}
