//! What a merchant's till does with its own coupons: uses them, gives them back, makes them void.

use std::sync::Arc;

use feiqian_core::campaign::return_coupon::ReturnCoupon;
use feiqian_core::campaign::use_coupon::UseCoupon;
use feiqian_core::campaign::void_coupon::VoidCoupon;
use feiqian_core::limits::REASON_CHARS_MAX;
use feiqian_engine::Receipt;
use serde_json::json;

use super::coupons::openid;
use super::find::{self, Coupon};
use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::refusals::no_coupon;
use crate::wechat::stocks::{self, request_number};
use crate::wechat::times::rfc3339;

/// `POST /v3/marketing/busifavor/coupons/use`.
pub(super) async fn use_coupon(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    stocks::time(&fields, "use_time")?;
    signed.check_appid(&fields)?;
    let user = match fields.has("openid") {
        true => Some(openid(&platform, &signed, &fields)?),
        false => None,
    };
    let coupon = named(&platform, &signed, &fields, false).await?;
    let command = UseCoupon {
        merchant: signed.merchant.merchant,
        number: request_number(&fields, "use_request_no")?,
        coupon: coupon.given.id,
        user,
    };
    let receipt = platform.engine.submit(command).await?;
    let openid = platform
        .ids
        .openid(coupon.given.user.0.into(), &signed.merchant.appid);
    Answer::json(&json!({
        "stock_id": coupon.stock.id_text(&platform), "openid": openid,
        "wechatpay_use_time": done(&platform, receipt).await?,
    }))
}

/// `POST /v3/marketing/busifavor/coupons/return`.
pub(super) async fn return_coupon(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let coupon = named(&platform, &signed, &fields, true).await?;
    let command = ReturnCoupon {
        merchant: signed.merchant.merchant,
        number: request_number(&fields, "return_request_no")?,
        coupon: coupon.given.id,
    };
    let receipt = platform.engine.submit(command).await?;
    Answer::json(&json!({ "wechatpay_return_time": done(&platform, receipt).await? }))
}

/// `POST /v3/marketing/busifavor/coupons/deactivate`.
pub(super) async fn deactivate(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let coupon = named(&platform, &signed, &fields, true).await?;
    let reason = fields.text_if("deactivate_reason", 1..=REASON_CHARS_MAX)?;
    let command = VoidCoupon {
        merchant: signed.merchant.merchant,
        number: request_number(&fields, "deactivate_request_no")?,
        coupon: coupon.given.id,
        reason: reason.map(Into::into),
    };
    let receipt = platform.engine.submit(command).await?;
    Answer::json(&json!({ "wechatpay_deactivate_time": done(&platform, receipt).await? }))
}

/// The coupon that a body names, of the stock that it names.
pub(super) async fn named(
    platform: &Platform,
    signed: &Signed,
    fields: &Fields<'_>,
    with_stock: bool,
) -> Result<Coupon, WechatError> {
    let code = fields.text("coupon_code", 1..=32)?;
    let stock = match with_stock {
        true => Some(fields.text("stock_id", 1..=20)?),
        false => fields.text_if("stock_id", 1..=20)?,
    };
    let coupon = find::by_code(platform, signed, code).await?;
    match stock {
        Some(stock) if stock != coupon.stock.id_text(platform) => Err(no_coupon()),
        Some(_) | None => Ok(coupon),
    }
}

/// When it was done, the first time.
async fn done(platform: &Platform, receipt: Receipt) -> Result<String, WechatError> {
    let event = platform.engine.store().await?.event(receipt.event)?;
    Ok(rfc3339(event.map_or(receipt.at, |event| event.at())))
}
