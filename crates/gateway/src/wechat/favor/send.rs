//! Gives a user a coupon: `POST /v3/marketing/favor/users/{openid}/coupons`.

use std::sync::Arc;

use feiqian_core::UserId;
use feiqian_core::campaign::give::GiveCoupon;
use serde_json::json;

use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::{Stock, refuse_all, request_number};

pub(super) async fn send(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let number = request_number(&fields, "out_request_no")?;
    // A stock's coupons all have its own value.
    refuse_all(&fields, &["coupon_value", "coupon_minimum"])?;
    signed.check_appid(&fields)?;
    signed.check_named(fields.text("stock_creator_mchid", 1..=32)?)?;
    let stock_id = fields.text("stock_id", 1..=20)?;
    let stock = Stock::own(&platform, &signed, Api::Favor, stock_id).await?;
    let command = GiveCoupon {
        campaign: stock.id,
        number,
        user: user(&platform, &signed)?,
        claimed: false,
    };
    let receipt = platform.engine.submit(command).await?;
    Answer::json(&json!({ "coupon_id": platform.ids.coupon_id(receipt.event.0) }))
}

/// The user that the path names.
pub(crate) fn user(platform: &Platform, signed: &Signed) -> Result<UserId, WechatError> {
    read_user(platform, signed, signed.path("openid"))
        .ok_or_else(|| WechatError::parameter("path", "openid", None, "无效的openid"))
}

/// A user by the openid of the merchant's app.
pub(crate) fn read_user(platform: &Platform, signed: &Signed, openid: &str) -> Option<UserId> {
    let user = platform.ids.read_openid(openid, &signed.merchant.appid)?;
    u32::try_from(user).ok().map(UserId)
}
