//! Where a merchant wants to be told that its coupons are used.

use std::sync::Arc;

use serde_json::json;

use crate::platform::{Platform, unix_seconds};
use crate::wechat::callbacks::Callback;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::{Code, WechatError};
use crate::wechat::fields::Fields;
use crate::wechat::orders;
use crate::wechat::stock_echo::Api;
use crate::wechat::times::rfc3339;

/// `POST /v3/marketing/favor/callbacks`.
pub(super) async fn set(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    set_of(&platform, &signed, Api::Favor)
}

/// `GET /v3/marketing/favor/callbacks?mchid=`.
pub(super) async fn show(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    show_of(&platform, &signed, Api::Favor)
}

/// Sets an API's address.
pub(crate) fn set_of(
    platform: &Platform,
    signed: &Signed,
    api: Api,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let url = fields.text("notify_url", 8..=256)?;
    let notify = orders::notify(platform, signed, &fields, url)?;
    let on = fields.flag_if("switch")?.unwrap_or(true);
    if fields.has("mchid") {
        signed.check_mchid(&fields)?;
    }
    let callback = Callback {
        url: notify.url,
        on,
        certificate: notify.form == feiqian_core::order::create::NotifyForm::WechatCertificate,
    };
    let merchant = signed.merchant.merchant;
    platform
        .wechat
        .callbacks
        .set(platform, api, merchant, callback)?;
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let now = feiqian_core::UnixMillis(now.saturating_mul(1_000));
    Answer::json(&json!({
        "update_time": rfc3339(now), "notify_url": url, "mchid": signed.merchant.mchid,
    }))
}

/// Shows an API's address.
pub(crate) fn show_of(
    platform: &Platform,
    signed: &Signed,
    api: Api,
) -> Result<Answer, WechatError> {
    signed.check_mchid_in_query()?;
    let merchant = signed.merchant.merchant;
    match platform.wechat.callbacks.get(platform, api, merchant)? {
        Some(callback) => Answer::json(&json!({
            "notify_url": callback.url, "mchid": signed.merchant.mchid,
        })),
        None => Err(WechatError::new(
            Code::ResourceNotExists,
            "未设置消息通知地址",
        )),
    }
}
