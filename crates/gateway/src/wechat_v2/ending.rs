//! Ends an order from the merchant's side: close what is unpaid, undo what a pay code paid. No client certificate is
//! asked for: the signature is proof enough, and over plain HTTP there is none.

use std::sync::Arc;

use feiqian_core::order::OrderRef;
use feiqian_core::order::close::CloseOrder;
use feiqian_core::order::create::Channel;
use feiqian_core::order::reverse::ReverseOrder;

use super::edge::{Content, Signed};
use super::error::Refusal;
use crate::platform::Platform;
use crate::wechat::find;
use crate::wechat::order_object::TradeState;

/// `POST /pay/closeorder`.
pub(super) async fn close(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let (merchant, number) = (signed.merchant.merchant, signed.order_number()?);
    let found = find::by_number(&*platform.engine.store().await?, merchant, number)?;
    let found = found.ok_or_else(Refusal::no_order)?;
    if found.story.created.terms.channel == Channel::PayCode {
        let message = "付款码支付订单不能关闭，请调用撤销订单接口";
        return Err(Refusal::new("INVALID_REQUEST", message));
    }
    if found.view().state == TradeState::Closed {
        return Err(Refusal::new("ORDERCLOSED", "订单已关闭，无法重复关闭"));
    }
    let order = OrderRef::Id(found.id);
    platform
        .engine
        .submit(CloseOrder { merchant, order })
        .await?;
    Ok(Content::default().with("result_msg", "OK"))
}

/// `POST /secapi/pay/reverse`.
pub(super) async fn reverse(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let found = signed.order(&platform).await?;
    if found.story.created.terms.channel != Channel::PayCode {
        let message = "仅付款码支付订单可以撤销，其他订单请关闭或申请退款";
        return Err(Refusal::new("TRADE_ERROR", message));
    }
    let (merchant, order) = (signed.merchant.merchant, OrderRef::Id(found.id));
    platform
        .engine
        .submit(ReverseOrder { merchant, order })
        .await?;
    // It is undone, for good.
    Ok(Content::default().with("recall", "N"))
}
