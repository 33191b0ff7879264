//! Pay codes: the till scanned the shopper's code, and the order is placed and paid at once
//! (`POST /v3/pay/transactions/codepay`, contract 4.5).
//!
//! The code is looked at last, so everything that can be refused without it is refused before. Above what
//! the shopper lets pass unasked the answer is `USERPAYING`: the till queries the order until it is paid or
//! failed, or reverses it.

use std::sync::Arc;

use feiqian_core::order::create::{Channel, Terms};
use feiqian_core::{MerchantId, Number};

use super::edge::{Answer, Signed};
use super::error::WechatError;
use super::fields::Fields;
use super::find::{self, Found};
use super::order_object::TradeState;
use super::orders;
use super::refusals::{order_closed, order_not_exist, other_terms, out_trade_no_used, user_paying};
use crate::paycode::charge::{Charged, charge};
use crate::platform::Platform;

/// Longest text that is taken for a pay code.
pub(crate) const AUTH_CODE_MAX: usize = 128;

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
    let paid = pay(&platform, merchant, number, terms, auth_code).await?;
    Answer::json(&paid.view().object(&platform, &signed.merchant).await?)
}

/// Places and pays an order by a code; the order of the same request before, if that is paid.
pub(crate) async fn pay(
    platform: &Platform,
    merchant: MerchantId,
    number: Number,
    terms: Terms,
    auth_code: &str,
) -> Result<Found, WechatError> {
    let store = platform.engine.store().await?;
    if let Some(earlier) = find::by_number(&store, merchant, number)?
        && is_answered(&earlier, &terms)?
    {
        return Ok(earlier);
    }
    let (order, charged) =
        charge::<WechatError>(platform, merchant, number, terms, auth_code).await?;
    if charged == Charged::Asked {
        return Err(user_paying());
    }
    let store = platform.engine.store().await?;
    find::by_id(&store, merchant, order)?.ok_or_else(order_not_exist)
}

/// Whether the number's order is the one asked for and paid. It may also wait for money still.
fn is_answered(earlier: &Found, terms: &Terms) -> Result<bool, WechatError> {
    let same = *earlier.story.created.terms == *terms;
    match earlier.view().state {
        TradeState::Success | TradeState::Refund if same => Ok(true),
        TradeState::Success | TradeState::Refund => Err(out_trade_no_used()),
        TradeState::Closed | TradeState::Revoked | TradeState::PayError => Err(order_closed()),
        TradeState::UserPaying if same => Err(user_paying()),
        TradeState::NotPay if same => Ok(false),
        TradeState::NotPay | TradeState::UserPaying => Err(other_terms()),
    }
}
