//! Pay codes: the till scanned the shopper's code, and the order is placed and paid at once
//! (`alipay.trade.pay`, contract 5.23).
//!
//! Above what the shopper lets pass unasked the answer is `10003`: the till queries the trade until it is paid or
//! closed, or cancels it.

use std::sync::Arc;

use feiqian_core::order::create::Channel;
use serde::Serialize;

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::place::Order;
use super::refusals::{context_inconsistent, has_closed, has_succeeded, trade_not_exist};
use super::trade::{Status, TradeObject, TradeView, time};
use crate::paycode::charge::{Charged, charge};
use crate::platform::Platform;
use crate::wechat::find;

/// Longest text that is taken for a pay code.
const AUTH_CODE_MAX: usize = 128;
const SCENES: [&str; 3] = ["bar_code", "wave_code", "security_code"];

#[derive(Serialize)]
struct Paid {
    #[serde(flatten)]
    trade: TradeObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    gmt_payment: Option<String>,
}

pub(super) async fn pay(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let auth_code = signed.biz.text("auth_code", AUTH_CODE_MAX)?;
    if let Some(scene) = signed.biz.text_if("scene", 32)?
        && !SCENES.contains(&scene.as_str())
    {
        return Err(AlipayError::field(
            "scene",
            "须为bar_code、wave_code或security_code",
        ));
    }
    let order = Order::read(&platform, &signed, Channel::PayCode, None)?;
    let merchant = signed.app.merchant;
    let store = platform.engine.store().await?;
    if let Some(earlier) = find::by_number(&store, merchant, order.number)? {
        let same = *earlier.story.created.terms == order.terms_again(&earlier.story.created);
        let view = TradeView::of(&earlier);
        match view.status {
            Status::Success | Status::Finished => return Err(has_succeeded()),
            Status::Closed => return Err(has_closed()),
            Status::WaitBuyerPay if !same => return Err(context_inconsistent()),
            Status::WaitBuyerPay if view.asked => {
                return Answer::waiting(&shown(&platform, &signed, &view).await?);
            }
            // It may wait for money still.
            Status::WaitBuyerPay => {}
        }
    }
    drop(store);
    let terms = order.terms(&platform, &signed).await?;
    let (order, charged) =
        charge::<AlipayError>(&platform, merchant, order.number, terms, &auth_code).await?;
    let store = platform.engine.store().await?;
    let found = find::by_id(&store, merchant, order)?.ok_or_else(trade_not_exist)?;
    let shown = shown(&platform, &signed, &TradeView::of(&found)).await?;
    match charged {
        Charged::Paid => Answer::done(&shown),
        Charged::Asked => Answer::waiting(&shown),
    }
}

async fn shown(
    platform: &Platform,
    signed: &Signed,
    view: &TradeView<'_>,
) -> Result<Paid, AlipayError> {
    Ok(Paid {
        trade: view.object(platform, &signed.app, &signed.merchant).await?,
        gmt_payment: view.paid.map(|paid| time(paid.at)),
    })
}
