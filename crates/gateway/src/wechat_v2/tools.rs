//! Two small tools of v2.

use std::sync::Arc;

use super::edge::{Content, Signed};
use super::error::Refusal;
use crate::paycode::{Verified, verify};
use crate::platform::{Platform, unix_millis};
use crate::wechat::codepay::AUTH_CODE_MAX;

/// Longest address.
const URL_MAX: usize = 512;

/// `POST /tools/shorturl`: our own links are as short as they get, and others are not shortened.
pub(super) async fn short_url(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let sent = signed.text("long_url", URL_MAX)?;
    let decoded = crate::wechat::caller::decoded(sent);
    let ours = format!("{}/q/", platform.base_url);
    let link = [Some(sent), decoded.as_deref()]
        .into_iter()
        .flatten()
        .find(|link| link.starts_with(&ours));
    let link = link.ok_or_else(|| Refusal::wrong("long_url", "须为统一下单返回的code_url"))?;
    Ok(Content::default().with("short_url", link))
}

/// `POST /tools/authcodetoopenid`: who shows a pay code. Nothing is spent by that.
pub(super) async fn openid_of_code(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Content, Refusal> {
    let merchant = &signed.merchant;
    let code = signed.text("auth_code", AUTH_CODE_MAX)?;
    let Verified { payer, .. } = verify(&platform, merchant.merchant, code, unix_millis())??;
    let openid = platform.ids.openid(payer.0.into(), &merchant.appid);
    Ok(Content::default().with("openid", openid))
}
