//! Places orders: `POST /pay/unifiedorder`, for NATIVE, JSAPI, APP and MWEB.

use std::sync::Arc;

use feiqian_core::limits::{ATTACH_CHARS_MAX, DESCRIPTION_CHARS_MAX};
use feiqian_core::order::create::{Channel, Terms};
use feiqian_core::{Number, UnixMillis, UserId};

use super::edge::{Content, Signed};
use super::error::Refusal;
use super::{kept, times};
use crate::platform::Platform;
use crate::wechat::error::{Code, WechatError};
use crate::wechat::orders;

pub(super) async fn unified_order(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Content, Refusal> {
    let kind = signed.text("trade_type", 16)?;
    let channel = match kind {
        "NATIVE" => Channel::Scan,
        "JSAPI" => Channel::InWallet,
        "APP" => Channel::App,
        "MWEB" => Channel::Browser,
        _ => return Err(Refusal::wrong("trade_type", "须为NATIVE、JSAPI、APP或MWEB")),
    };
    let (number, mut terms) = read(&signed, channel)?;
    terms.notify = signed.notify_if(&platform)?;
    if terms.notify.is_none() {
        return Err(Refusal::lacks("notify_url"));
    }
    if channel == Channel::InWallet {
        terms.only_payer = Some(payer(&platform, &signed)?);
    }
    let merchant = signed.merchant.merchant;
    let receipt = orders::submit(&platform, merchant, number, terms)
        .await
        .map_err(refused)?;
    let link = orders::link(&platform, receipt);
    let prepay_id = platform.ids.prepay_id(receipt.event.0, receipt.at.0);
    let content = Content::default()
        .with(
            "device_info",
            signed.text_if("device_info", 32)?.unwrap_or_default(),
        )
        .with("trade_type", kind)
        .with("prepay_id", prepay_id);
    Ok(match channel {
        Channel::Scan => content.with("code_url", link),
        Channel::Browser => content.with("mweb_url", link + "?h5=1"),
        Channel::InWallet | Channel::App | Channel::PayCode => content,
    })
}

/// The same number with other content has words of its own here.
pub(super) fn refused(error: WechatError) -> Refusal {
    if error.code == Code::InvalidRequest {
        return Refusal::new(
            "INVALID_REQUEST",
            format!("201 商户订单号重复：{}", error.message),
        );
    }
    error.into()
}

/// Number and terms of an order, as far as all products have them.
pub(super) fn read(signed: &Signed, channel: Channel) -> Result<(Number, Terms), Refusal> {
    let number = signed.order_number()?;
    let description = signed.text("body", DESCRIPTION_CHARS_MAX)?.to_owned();
    let amount = signed.amount("total_fee")?;
    signed.currency("fee_type")?;
    signed.text("spbill_create_ip", 64)?;
    time(signed, "time_start")?;
    if signed
        .text_if("deposit", 8)?
        .is_some_and(|flag| flag != "N")
    {
        return Err(Refusal::wrong("deposit", "：不支持押金支付"));
    }
    let attach = signed.text_if("attach", ATTACH_CHARS_MAX)?;
    let terms = Terms {
        amount,
        channel,
        description,
        attach: attach.map(str::to_owned),
        notify: None,
        expires_at: time(signed, "time_expire")?,
        only_payer: None,
        echo: kept::of(signed)?,
    };
    Ok((number, terms))
}

fn time(signed: &Signed, name: &str) -> Result<Option<UnixMillis>, Refusal> {
    let Some(text) = signed.text_if(name, 14)? else {
        return Ok(None);
    };
    let at = times::read(text);
    at.map(Some)
        .ok_or_else(|| Refusal::wrong(name, "须为yyyyMMddHHmmss格式的北京时间"))
}

fn payer(platform: &Platform, signed: &Signed) -> Result<UserId, Refusal> {
    let openid = signed.text("openid", 128)?;
    let user = platform.ids.read_openid(openid, &signed.merchant.appid);
    let user = user.and_then(|user| u32::try_from(user).ok()).map(UserId);
    user.ok_or_else(|| Refusal::wrong("openid", "无效"))
}
