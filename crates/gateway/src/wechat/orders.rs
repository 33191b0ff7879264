//! Places orders: `native`, `jsapi`, `app`, `h5` (contract 4.1 to 4.4).

use std::sync::Arc;

use feiqian_core::limits::{ATTACH_CHARS_MAX, DESCRIPTION_CHARS_MAX, NOTIFY_URL_CHARS_MAX};
use feiqian_core::order::create::{self, Channel, CreateOrder, Notify, Terms};
use feiqian_core::{Fen, MerchantId, Number, OrderId, UserId};
use feiqian_engine::{Receipt, Rejected};
use serde_json::json;

use super::echo::Echo;
use super::edge::{Answer, Signed};
use super::error::WechatError;
use super::fields::Fields;
use super::find;
use super::order_object::TradeState;
use super::refusals::{order_closed, out_trade_no_used};
use super::times;
use crate::notify::address;
use crate::platform::Platform;

/// Shortest notification address of WeChat Pay.
pub(crate) const NOTIFY_URL_CHARS_MIN: usize = 8;

/// `POST /v3/pay/transactions/native`: a code for the shopper to scan.
pub(super) async fn native(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let receipt = place(&platform, &signed, Channel::Scan).await?;
    Answer::json(&json!({ "code_url": link(&platform, receipt) }))
}

/// `POST /v3/pay/transactions/jsapi`: for a shopper inside the wallet.
pub(super) async fn jsapi(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let receipt = place(&platform, &signed, Channel::InWallet).await?;
    prepaid(&platform, receipt)
}

/// `POST /v3/pay/transactions/app`: for a shopper in the merchant's app.
pub(super) async fn app(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let receipt = place(&platform, &signed, Channel::App).await?;
    prepaid(&platform, receipt)
}

/// `POST /v3/pay/transactions/h5`: for a shopper in a phone's browser.
pub(super) async fn h5(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let receipt = place(&platform, &signed, Channel::Browser).await?;
    Answer::json(&json!({ "h5_url": link(&platform, receipt) + "?h5=1" }))
}

fn prepaid(platform: &Platform, receipt: Receipt) -> Result<Answer, WechatError> {
    let prepay_id = platform.ids.prepay_id(receipt.event.0, receipt.at.0);
    Answer::json(&json!({ "prepay_id": prepay_id }))
}

/// Where an order is paid.
pub(crate) fn link(platform: &Platform, receipt: Receipt) -> String {
    format!(
        "{}/q/{}",
        platform.base_url,
        platform.ids.code_token(receipt.event.0)
    )
}

async fn place(
    platform: &Platform,
    signed: &Signed,
    channel: Channel,
) -> Result<Receipt, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let (number, terms) = read(platform, signed, &fields, channel)?;
    submit(platform, signed.merchant.merchant, number, terms).await
}

/// Places an order, or finds the one that its number names already.
pub(crate) async fn submit(
    platform: &Platform,
    merchant: MerchantId,
    number: Number,
    terms: Terms,
) -> Result<Receipt, WechatError> {
    let placed = platform
        .engine
        .submit(CreateOrder {
            merchant,
            number,
            terms: terms.into(),
        })
        .await;
    let id = match &placed {
        Ok(receipt) if receipt.again => Some(OrderId(receipt.event)),
        Err(Rejected::Refused(create::Refusal::NumberReused)) => None,
        Ok(_)
        | Err(Rejected::Refused(_) | Rejected::Busy | Rejected::DiskFull | Rejected::Unknown) => {
            return Ok(placed?);
        }
    };
    // The number names an order already. What became of that decides, whatever was asked now.
    let store = platform.engine.store().await?;
    let found = match id {
        Some(id) => find::by_id(&store, merchant, id)?,
        None => find::by_number(&store, merchant, number)?,
    };
    match found.map(|found| found.view().state) {
        Some(TradeState::Success | TradeState::Refund) => Err(out_trade_no_used()),
        Some(TradeState::Closed | TradeState::Revoked | TradeState::PayError) => {
            Err(order_closed())
        }
        Some(TradeState::NotPay | TradeState::UserPaying) | None => Ok(placed?),
    }
}

/// Number and terms of an order, as far as all products have them.
pub(super) fn read(
    platform: &Platform,
    signed: &Signed,
    fields: &Fields<'_>,
    channel: Channel,
) -> Result<(Number, Terms), WechatError> {
    let number = order_number(fields)?;
    let description = fields
        .text("description", 1..=DESCRIPTION_CHARS_MAX)?
        .to_owned();
    let amount = amount(fields)?;
    let notify = match channel {
        Channel::PayCode => None,
        Channel::Scan | Channel::InWallet | Channel::App | Channel::Browser => {
            let url = fields.text("notify_url", NOTIFY_URL_CHARS_MIN..=NOTIFY_URL_CHARS_MAX)?;
            Some(notify(platform, signed, fields, url)?)
        }
    };
    check_scene(fields, channel)?;
    let only_payer = match channel {
        Channel::InWallet => Some(payer(platform, signed, fields)?),
        Channel::Scan | Channel::App | Channel::Browser | Channel::PayCode => None,
    };
    let attach = fields.text_if("attach", 0..=ATTACH_CHARS_MAX)?;
    let terms = Terms {
        amount,
        channel,
        description,
        attach: attach
            .filter(|attach| !attach.is_empty())
            .map(str::to_owned),
        notify,
        expires_at: expiry(fields)?,
        only_payer,
        echo: Echo::of(fields)?.write(fields)?,
    };
    signed.check_mchid(fields)?;
    signed.check_appid(fields)?;
    Ok((number, terms))
}

/// `out_trade_no`.
pub(super) fn order_number(fields: &Fields<'_>) -> Result<Number, WechatError> {
    let text = fields.code("out_trade_no", 6..=32, b"_-|*")?;
    Number::new(text).map_err(|error| fields.wrong("out_trade_no", error.to_string()))
}

fn amount(fields: &Fields<'_>) -> Result<Fen, WechatError> {
    let amount = fields.object("amount")?;
    amount.currency()?;
    amount.amount("total")
}

fn expiry(fields: &Fields<'_>) -> Result<Option<feiqian_core::UnixMillis>, WechatError> {
    let Some(text) = fields.text_if("time_expire", 1..=64)? else {
        return Ok(None);
    };
    match times::read(text) {
        Some(at) => Ok(Some(at)),
        None => Err(fields.wrong(
            "time_expire",
            "须为RFC 3339格式，如2018-06-08T10:34:56+08:00",
        )),
    }
}

/// Whom to tell, and under which name of our key: the one this merchant verifies answers by.
pub(super) fn notify(
    platform: &Platform,
    signed: &Signed,
    fields: &Fields<'_>,
    url: &str,
) -> Result<Notify, WechatError> {
    if let Err(bad) = address::check(url, address::Reach::of(platform)) {
        return Err(fields.wrong("notify_url", bad.issue()));
    }
    Ok(Notify {
        url: url.to_owned(),
        form: signed.form,
    })
}

fn payer(platform: &Platform, signed: &Signed, fields: &Fields<'_>) -> Result<UserId, WechatError> {
    let payer = fields.object("payer")?;
    let openid = payer.text("openid", 1..=128)?;
    let user = platform.ids.read_openid(openid, &signed.merchant.appid);
    let user = user.and_then(|user| u32::try_from(user).ok()).map(UserId);
    user.ok_or_else(|| payer.wrong("openid", "无效的openid"))
}

/// The scene, which some products need.
fn check_scene(fields: &Fields<'_>, channel: Channel) -> Result<(), WechatError> {
    match channel {
        Channel::Scan | Channel::InWallet | Channel::App => {
            fields.object_if("scene_info")?;
        }
        Channel::Browser => {
            let scene = fields.object("scene_info")?;
            scene.text("payer_client_ip", 1..=45)?;
            scene.object("h5_info")?.text("type", 1..=32)?;
        }
        Channel::PayCode => {
            fields.object("scene_info")?;
        }
    }
    Ok(())
}
