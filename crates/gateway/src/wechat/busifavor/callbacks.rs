//! Where a merchant wants to be told of its own coupons.

use std::sync::Arc;

use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::favor::callbacks::{set_of, show_of};
use crate::wechat::stock_echo::Api;

/// `POST /v3/marketing/busifavor/callbacks`.
pub(super) async fn set(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    set_of(&platform, &signed, Api::Busifavor)
}

/// `GET /v3/marketing/busifavor/callbacks?mchid=`.
pub(super) async fn show(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    show_of(&platform, &signed, Api::Busifavor)
}
