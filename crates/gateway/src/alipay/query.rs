//! Shows a trade (`alipay.trade.query`, contract 5.25), and finds the trade that a request names.

use std::sync::Arc;

use feiqian_core::{EventNumber, OrderId};
use feiqian_store::Store;
use serde::Serialize;

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::refusals::trade_not_exist;
use super::trade::{TradeObject, TradeView, time};
use crate::platform::Platform;
use crate::wechat::find::{self, Found};

#[derive(Serialize)]
struct Queried {
    #[serde(flatten)]
    trade: TradeObject,
    trade_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_pay_date: Option<String>,
}

pub(super) async fn query(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let found = named(&platform, &signed).await?;
    let found = found.ok_or_else(trade_not_exist)?;
    let view = TradeView::of(&found);
    Answer::done(&Queried {
        trade: view
            .object(&platform, &signed.app, &signed.merchant)
            .await?,
        trade_status: view.status.text(),
        send_pay_date: view.paid.map(|paid| time(paid.at)),
    })
}

/// The trade that `trade_no` names, or else `out_trade_no`.
pub(super) async fn named(
    platform: &Platform,
    signed: &Signed,
) -> Result<Option<Found>, AlipayError> {
    let trade_no = signed.biz.text_if("trade_no", 64)?;
    let number = signed.biz.number_if("out_trade_no")?;
    let store = platform.engine.store().await?;
    match (trade_no, number) {
        (Some(text), _) => by_trade_no(&store, platform, signed, &text),
        (None, Some(number)) => Ok(find::by_number(&store, signed.app.merchant, number)?),
        (None, None) => Err(AlipayError::field("out_trade_no", "与trade_no不能同时为空")),
    }
}

fn by_trade_no(
    store: &Store,
    platform: &Platform,
    signed: &Signed,
    text: &str,
) -> Result<Option<Found>, AlipayError> {
    let Some(number) = platform.ids.read_trade_no(text) else {
        return Ok(None);
    };
    let found = find::by_id(store, signed.app.merchant, OrderId(EventNumber(number)))?;
    // Reading cannot prove that the text is one of ours; making it anew does.
    Ok(found.filter(|found| TradeView::of(found).trade_no(platform) == text))
}
