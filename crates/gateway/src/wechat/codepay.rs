//! Pay codes: the till scanned the shopper's code, and the order is placed and paid at once
//! (`POST /v3/pay/transactions/codepay`, contract 4.5).
//!
//! The code is looked at last and is used up by looking, so everything that can be refused without it
//! is refused before. It never becomes part of the order.

use std::sync::Arc;

use feiqian_core::OrderId;
use feiqian_core::order::Attempt;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::pay::PayOrder;

use super::edge::{Answer, Signed};
use super::error::WechatError;
use super::fields::Fields;
use super::find::{self, Found};
use super::order_object::TradeState;
use super::orders;
use super::refusals::{order_closed, order_not_exist, other_terms, out_trade_no_used};
use crate::platform::Platform;

/// Longest text that is taken for a pay code.
const AUTH_CODE_MAX: usize = 128;

pub(super) async fn codepay(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let auth_code = fields
        .object("payer")?
        .text("auth_code", 1..=AUTH_CODE_MAX)?;
    let (number, terms) = orders::read(&platform, &signed, &fields, Channel::PayCode)?;
    let merchant = signed.merchant.merchant;

    let store = platform.engine.store().await?;
    if let Some(earlier) = find::by_number(&store, merchant, number)?
        && is_answered(&earlier, &terms)?
    {
        return Answer::json(&earlier.view().object(&platform, &signed.merchant).await?);
    }
    let payer = platform.pay_codes.redeem(auth_code)?;
    let created = platform
        .engine
        .submit(CreateOrder {
            merchant,
            number,
            terms: terms.into(),
        })
        .await?;
    let order = OrderId(created.event);
    // Named after the order: a till that repeats its request pays once.
    let attempt = Attempt::of(&number);
    platform
        .engine
        .submit(PayOrder {
            order,
            payer,
            attempt,
            at_most: None,
        })
        .await?;

    let store = platform.engine.store().await?;
    let paid = find::by_id(&store, merchant, order)?.ok_or_else(order_not_exist)?;
    Answer::json(&paid.view().object(&platform, &signed.merchant).await?)
}

/// Whether the number's order is the one asked for and paid. It may also wait for money still.
fn is_answered(earlier: &Found, terms: &Terms) -> Result<bool, WechatError> {
    let same = *earlier.story.created.terms == *terms;
    match earlier.view().state {
        TradeState::Success | TradeState::Refund if same => Ok(true),
        TradeState::Success | TradeState::Refund => Err(out_trade_no_used()),
        TradeState::Closed | TradeState::Revoked => Err(order_closed()),
        TradeState::NotPay if same => Ok(false),
        TradeState::NotPay => Err(other_terms()),
    }
}
