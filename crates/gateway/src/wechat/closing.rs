//! Ends an order from the merchant's side: close what is unpaid, undo what a pay code paid (contract
//! 4.6, 4.8).

use std::sync::Arc;

use feiqian_core::order::OrderRef;
use feiqian_core::order::close::CloseOrder;
use feiqian_core::order::create::Channel;
use feiqian_core::order::reverse::ReverseOrder;
use serde_json::json;

use super::edge::{Answer, Signed};
use super::error::{Code, WechatError};
use super::fields::Fields;
use super::find::{self, Found};
use super::refusals::order_not_exist;
use crate::platform::Platform;

/// `POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close`.
pub(super) async fn close(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    signed.check_mchid(&Fields::of(&body)?)?;
    let found = named(&platform, &signed).await?;
    if found.story.created.terms.channel == Channel::PayCode {
        let message = "付款码支付订单不能关闭，请调用撤销订单接口";
        return Err(WechatError::new(Code::InvalidRequest, message));
    }
    let (merchant, order) = (signed.merchant.merchant, OrderRef::Id(found.id));
    platform
        .engine
        .submit(CloseOrder { merchant, order })
        .await?;
    Ok(Answer::Empty)
}

/// `POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse`.
pub(super) async fn reverse(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    signed.check_mchid(&fields)?;
    signed.check_appid(&fields)?;
    let found = named(&platform, &signed).await?;
    if found.story.created.terms.channel != Channel::PayCode {
        let message = "仅付款码支付订单可以撤销，其他订单请关闭或申请退款";
        return Err(WechatError::new(Code::InvalidRequest, message));
    }
    let (merchant, order) = (signed.merchant.merchant, OrderRef::Id(found.id));
    platform
        .engine
        .submit(ReverseOrder { merchant, order })
        .await?;
    Answer::json(&json!({
        "appid": signed.merchant.appid,
        "mchid": signed.merchant.mchid,
        "out_trade_no": found.story.created.number.as_str(),
    }))
}

async fn named(platform: &Platform, signed: &Signed) -> Result<Found, WechatError> {
    find::of_path(platform, signed)
        .await?
        .ok_or_else(order_not_exist)
}
