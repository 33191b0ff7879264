//! Ends a trade from the merchant's side: close what is unpaid, undo whatever became of it (contract 5.26, 5.27).

use std::sync::Arc;

use feiqian_core::order::OrderRef;
use feiqian_core::order::close::CloseOrder;
use feiqian_core::order::reverse::ReverseOrder;
use feiqian_core::{Event, EventNumber, Fen};
use feiqian_store::Store;
use serde_json::{Value, json};

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::query::named;
use super::refusals::trade_not_exist;
use super::trade::{TradeView, time};
use crate::platform::Platform;

/// `alipay.trade.close`.
pub(super) async fn close(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let found = named(&platform, &signed).await?;
    let found = found.ok_or_else(trade_not_exist)?;
    let (merchant, order) = (signed.app.merchant, OrderRef::Id(found.id));
    let command = CloseOrder { merchant, order };
    platform.engine.submit(command).await?;
    let view = TradeView::of(&found);
    Answer::done(&json!({
        "out_trade_no": view.out_trade_no(),
        "trade_no": view.trade_no(&platform),
    }))
}

/// `alipay.trade.cancel`. A number that names nothing is undone already: a till asks when it does not know
/// whether its payment arrived.
pub(super) async fn cancel(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let Some(found) = named(&platform, &signed).await? else {
        let out_trade_no = signed.biz.text_if("out_trade_no", 64)?;
        return Answer::done(&json!({ "out_trade_no": out_trade_no, "retry_flag": "N" }));
    };
    let (merchant, order) = (signed.app.merchant, OrderRef::Id(found.id));
    let command = ReverseOrder { merchant, order };
    let receipt = platform.engine.submit(command).await?;
    let view = TradeView::of(&found);
    let mut answer = json!({
        "out_trade_no": view.out_trade_no(),
        "trade_no": view.trade_no(&platform),
        "retry_flag": "N",
    });
    let store = platform.engine.store().await?;
    if let Some(fields) = answer.as_object_mut() {
        fields.extend(done(&store, receipt.event)?);
    }
    Answer::done(&answer)
}

/// What undoing did; nothing to a trade that had ended before.
fn done(store: &Store, event: EventNumber) -> Result<serde_json::Map<String, Value>, AlipayError> {
    let Some(Event::OrderReversed(reversed)) = store.event(event)? else {
        return Ok(serde_json::Map::new());
    };
    let mut fields = serde_json::Map::new();
    if reversed.amount == Fen::ZERO {
        fields.insert("action".into(), "close".into());
    } else {
        fields.insert("action".into(), "refund".into());
        fields.insert("gmt_refund_pay".into(), time(reversed.at).into());
    }
    Ok(fields)
}
