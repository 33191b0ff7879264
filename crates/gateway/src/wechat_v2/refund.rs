//! Refunds: `POST /secapi/pay/refund`. No client certificate is asked for, see [`super::ending`].

use std::sync::Arc;

use feiqian_core::limits::REASON_CHARS_MAX;
use feiqian_core::order::OrderRef;
use feiqian_core::order::refund::RefundOrder;

use super::edge::{Content, Signed};
use super::error::Refusal;
use super::refund_map;
use crate::platform::Platform;
use crate::wechat::error::WechatError;
use crate::wechat::refunds::{REFUND_NUMBER_OTHERS, refunded};

pub(super) async fn refund(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let command = read(&platform, &signed).await?;
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    let refund = refunded(&store, receipt.event, store.event(receipt.event)?)?;
    let refund = refund.ok_or_else(WechatError::unknown)?;
    Ok(refund_map::refund(&platform, &refund.view()).await?)
}

async fn read(platform: &Platform, signed: &Signed) -> Result<RefundOrder, Refusal> {
    let number = signed.number_if("out_refund_no", 64, REFUND_NUMBER_OTHERS)?;
    signed.currency("refund_fee_type")?;
    let reason = signed.text_if("refund_desc", REASON_CHARS_MAX)?;
    let order = match signed.text_if("transaction_id", 32)? {
        Some(_) => OrderRef::Id(signed.order(platform).await?.id),
        None => OrderRef::Number(signed.order_number()?),
    };
    Ok(RefundOrder {
        merchant: signed.merchant.merchant,
        number: number.ok_or_else(|| Refusal::lacks("out_refund_no"))?,
        amount: signed.amount("refund_fee")?,
        order_amount: signed.amount("total_fee")?,
        order,
        reason: reason.map(Into::into),
        notify: signed.notify_if(platform)?.map(Box::new),
    })
}
