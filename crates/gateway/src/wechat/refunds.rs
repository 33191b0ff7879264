//! Refunds (contract 4.9 to 4.11).

use std::sync::Arc;

use feiqian_core::limits::{NOTIFY_URL_CHARS_MAX, REASON_CHARS_MAX};
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::OrderRef;
use feiqian_core::order::refund::{OrderRefunded, RefundOrder};
use feiqian_core::{Event, EventNumber, MerchantId, Number};
use feiqian_store::Store;

use super::edge::{Answer, Signed};
use super::error::{Code, WechatError};
use super::fields::Fields;
use super::find::{self, Found};
use super::orders;
use super::refund_object::RefundView;
use crate::platform::Platform;

/// Characters of an `out_refund_no` beyond digits and letters.
pub(crate) const REFUND_NUMBER_OTHERS: &[u8] = b"_-|*@";

/// `POST /v3/refund/domestic/refunds`.
pub(super) async fn refund(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let command = read(&platform, &signed, &Fields::of(&body)?).await?;
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    match refunded(&store, receipt.event, store.event(receipt.event)?)? {
        Some(refund) => refund.answer(&platform).await,
        None => Err(WechatError::unknown()),
    }
}

/// `GET /v3/refund/domestic/refunds/{out_refund_no}`.
pub(super) async fn query(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let merchant = signed.merchant.merchant;
    let refund = by_number(&platform, merchant, signed.path("out_refund_no")).await?;
    refund
        .ok_or_else(refund_not_exists)?
        .answer(&platform)
        .await
}

/// `POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund`: redirects a refund that its
/// payer's bank did not take. Refunds go to wallets, which take them always, so there are none.
pub(super) async fn redirect(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let number = refund_number(&Fields::of(&body)?)?;
    let refund = by_number(&platform, signed.merchant.merchant, number.as_str()).await?;
    let refund = refund.ok_or_else(refund_not_exists)?;
    if refund.view().refund_id(&platform) != signed.path("out_refund_no") {
        return Err(refund_not_exists());
    }
    Err(WechatError::new(
        Code::InvalidRequest,
        "退款单状态不是退款异常，不能发起异常退款",
    ))
}

async fn read(
    platform: &Platform,
    signed: &Signed,
    fields: &Fields<'_>,
) -> Result<RefundOrder, WechatError> {
    let number = refund_number(fields)?;
    let amount = fields.object("amount")?;
    amount.currency()?;
    let reason = fields.text_if("reason", 0..=REASON_CHARS_MAX)?;
    let notify = match fields.text_if("notify_url", 8..=NOTIFY_URL_CHARS_MAX)? {
        Some(url) => Some(Box::new(orders::notify(platform, signed, fields, url)?)),
        None => None,
    };
    Ok(RefundOrder {
        merchant: signed.merchant.merchant,
        number,
        amount: amount.amount("refund")?,
        order_amount: amount.amount("total")?,
        order: order(platform, signed, fields).await?,
        reason: reason.filter(|reason| !reason.is_empty()).map(Into::into),
        notify,
    })
}

fn refund_number(fields: &Fields<'_>) -> Result<Number, WechatError> {
    let text = fields.code("out_refund_no", 1..=64, REFUND_NUMBER_OTHERS)?;
    Number::new(text).map_err(|error| fields.wrong("out_refund_no", error.to_string()))
}

/// Of the two names of an order, WeChat Pay's own goes first.
async fn order(
    platform: &Platform,
    signed: &Signed,
    fields: &Fields<'_>,
) -> Result<OrderRef, WechatError> {
    if !fields.has("transaction_id") {
        return Ok(OrderRef::Number(orders::order_number(fields)?));
    }
    let id = fields.text("transaction_id", 1..=32)?;
    let store = platform.engine.store().await?;
    let found = find::by_transaction(&store, platform, signed.merchant.merchant, id)?;
    let missing = || WechatError::new(Code::ResourceNotExists, "订单不存在");
    Ok(OrderRef::Id(found.ok_or_else(missing)?.id))
}

/// A refund with its order, from the store.
pub(crate) struct Refunded {
    pub number: EventNumber,
    pub refund: OrderRefunded,
    pub order: Found,
}

impl Refunded {
    pub fn view(&self) -> RefundView<'_> {
        RefundView {
            number: self.number,
            refund: &self.refund,
            order: &self.order,
        }
    }

    async fn answer(&self, platform: &Platform) -> Result<Answer, WechatError> {
        let view = self.view();
        let promotions = view.promotions(platform).await?;
        Answer::json(&view.object(platform, &promotions))
    }
}

/// By the merchant's number (`out_refund_no`).
pub(crate) async fn by_number(
    platform: &Platform,
    merchant: MerchantId,
    text: &str,
) -> Result<Option<Refunded>, WechatError> {
    let Ok(number) = Number::new(text) else {
        return Ok(None);
    };
    let key = Key {
        scope: Scope::Refunds(merchant),
        number,
    };
    let store = platform.engine.store().await?;
    match store.number(&key)? {
        Some((number, event)) => refunded(&store, number, Some(event)),
        None => Ok(None),
    }
}

/// The refund that an event tells of.
pub(crate) fn refunded(
    store: &Store,
    number: EventNumber,
    event: Option<Event>,
) -> Result<Option<Refunded>, WechatError> {
    let Some(Event::OrderRefunded(refund)) = event else {
        return Ok(None);
    };
    let order = find::by_id(store, refund.merchant, refund.order)?;
    Ok(order.map(|order| Refunded {
        number,
        refund: *refund,
        order,
    }))
}

fn refund_not_exists() -> WechatError {
    WechatError::new(Code::ResourceNotExists, "退款单不存在")
}
