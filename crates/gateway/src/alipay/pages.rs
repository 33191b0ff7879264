//! Pages: a browser, or the merchant's app, sends the shopper here with a signed request, and goes on to the
//! cashier (contract 5.30).

use std::sync::Arc;

use feiqian_core::limits::NOTIFY_URL_CHARS_MAX;
use feiqian_core::order::create::Channel;
use feiqian_engine::Receipt;

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::place::{Order, link, place};
use crate::notify::address;
use crate::platform::Platform;

/// `alipay.trade.page.pay`: a browser on a computer.
pub(super) async fn page(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    cashier(
        &platform,
        &signed,
        Channel::Browser,
        "alipay.trade.page.pay.return",
    )
    .await
}

/// `alipay.trade.wap.pay`: a browser on a phone.
pub(super) async fn wap(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    cashier(
        &platform,
        &signed,
        Channel::Browser,
        "alipay.trade.wap.pay.return",
    )
    .await
}

/// `alipay.trade.app.pay`: the order string that the merchant's app hands to the wallet.
pub(super) async fn app(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    cashier(
        &platform,
        &signed,
        Channel::App,
        "alipay.trade.app.pay.return",
    )
    .await
}

async fn cashier(
    platform: &Platform,
    signed: &Signed,
    channel: Channel,
    method: &str,
) -> Result<Answer, AlipayError> {
    let return_url = return_url(platform, signed)?;
    let order = Order::with(platform, signed, channel, None, |echo| {
        echo.method = return_url.is_some().then(|| method.to_owned());
        echo.return_url = return_url;
        Ok(())
    })?;
    let receipt: Receipt = place(platform, signed, &order).await?;
    Ok(Answer::Page(link(platform, receipt)))
}

fn return_url(platform: &Platform, signed: &Signed) -> Result<Option<String>, AlipayError> {
    let Some(url) = signed.params.text("return_url") else {
        return Ok(None);
    };
    if url.chars().count() > NOTIFY_URL_CHARS_MAX {
        return Err(AlipayError::field("return_url", "长度不能超过256"));
    }
    if let Err(bad) = address::check(&url, address::Reach::of(platform)) {
        return Err(AlipayError::field("return_url", bad.issue()));
    }
    Ok(Some(url.into_owned()))
}
