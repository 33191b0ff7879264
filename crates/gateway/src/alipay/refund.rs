//! Refunds and their query (contract 5.28, 5.29).
//!
//! A refund's number is unique within its trade, not among all of a merchant's. So the number that the rules
//! know has the trade's in front: `trade:out_request_no`, or `trade|digest` where that would be too long.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::limits::{NUMBER_CHARS_MAX, REASON_CHARS_MAX};
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::OrderRef;
use feiqian_core::order::create::NotifyForm;
use feiqian_core::order::refund::{OrderRefunded, RefundOrder};
use feiqian_core::{Event, Number, OrderId};
use serde::Serialize;

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::place::notify;
use super::query::named;
use super::refusals::trade_not_exist;
use super::trade::{Back, Buyer, FundBill, TradeView, time};
use crate::platform::Platform;
use crate::wechat::find::{self, Found};

/// Characters of a `refund_reason`; the rules keep fewer.
const REASON_MAX: usize = 256;

#[derive(Serialize)]
struct Refunded {
    trade_no: String,
    out_trade_no: String,
    #[serde(flatten)]
    buyer: Buyer,
    /// `Y` if this call moved money.
    fund_change: &'static str,
    /// Of all refunds of the trade so far.
    refund_fee: String,
    gmt_refund_pay: String,
    store_name: String,
    #[serde(flatten)]
    parts: Parts,
}

#[derive(Serialize)]
struct Parts {
    send_back_fee: String,
    present_refund_buyer_amount: String,
    present_refund_discount_amount: String,
    present_refund_mdiscount_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_detail_item_list: Option<Vec<FundBill>>,
}

#[derive(Serialize)]
struct Queried {
    trade_no: String,
    out_trade_no: String,
    out_request_no: String,
    total_amount: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    refund: Option<Given>,
}

#[derive(Serialize)]
struct Given {
    refund_amount: String,
    refund_status: &'static str,
    gmt_refund_pay: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_reason: Option<String>,
    #[serde(flatten)]
    parts: Parts,
}

/// `alipay.trade.refund`.
pub(super) async fn refund(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let biz = &signed.biz;
    let amount = biz.amount("refund_amount")?;
    let request = biz.number_if("out_request_no")?;
    let reason = biz.text_if("refund_reason", REASON_MAX)?;
    let reason = reason.map(|text| text.chars().take(REASON_CHARS_MAX).collect::<String>());
    let found = named(&platform, &signed).await?;
    let found = found.ok_or_else(trade_not_exist)?;
    let created = &found.story.created;
    // Told where the order is told, if the refund says nothing else.
    let notify = notify(&platform, &signed)?.or_else(|| {
        let notify = created.terms.notify.clone();
        notify.filter(|notify| notify.form == NotifyForm::Alipay)
    });
    let command = RefundOrder {
        merchant: signed.app.merchant,
        number: number_of(found.id, request.as_ref().unwrap_or(&created.number)),
        order: OrderRef::Id(found.id),
        amount,
        order_amount: created.terms.amount,
        reason: reason.map(Into::into),
        notify: notify.map(Box::new),
    };
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    let Some(Event::OrderRefunded(refund)) = store.event(receipt.event)? else {
        return Err(AlipayError::unknown());
    };
    let found = find::by_id(&store, signed.app.merchant, found.id)?;
    let found = found.ok_or_else(AlipayError::unknown)?;
    let view = TradeView::of(&found);
    Answer::done(&Refunded {
        trade_no: view.trade_no(&platform),
        out_trade_no: view.out_trade_no().to_owned(),
        buyer: Buyer::of(&platform, &signed.app, refund.payer)?,
        fund_change: if receipt.again { "N" } else { "Y" },
        refund_fee: view.refunded.to_string(),
        gmt_refund_pay: time(refund.at),
        store_name: signed.merchant.name.clone(),
        parts: parts(&platform, &signed, &view, &refund).await?,
    })
}

/// `alipay.trade.fastpay.refund.query`. A number without a refund is answered without an amount.
pub(super) async fn query(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let request = signed.biz.number_if("out_request_no")?;
    let request = request.ok_or_else(|| AlipayError::field("out_request_no", "不能为空"))?;
    let found = named(&platform, &signed).await?;
    let found = found.ok_or_else(trade_not_exist)?;
    let view = TradeView::of(&found);
    let refund = match by_number(&platform, &signed, &found, &request).await? {
        Some(refund) => Some(Given {
            refund_amount: refund.amount.to_string(),
            refund_status: "REFUND_SUCCESS",
            gmt_refund_pay: time(refund.at),
            refund_reason: refund.reason.as_deref().map(str::to_owned),
            parts: parts(&platform, &signed, &view, &refund).await?,
        }),
        None => None,
    };
    Answer::done(&Queried {
        trade_no: view.trade_no(&platform),
        out_trade_no: view.out_trade_no().to_owned(),
        out_request_no: request.as_str().to_owned(),
        total_amount: view.total().to_string(),
        refund,
    })
}

async fn by_number(
    platform: &Platform,
    signed: &Signed,
    found: &Found,
    request: &Number,
) -> Result<Option<OrderRefunded>, AlipayError> {
    let key = Key {
        scope: Scope::Refunds(signed.app.merchant),
        number: number_of(found.id, request),
    };
    let store = platform.engine.store().await?;
    Ok(match store.number(&key)? {
        Some((_, Event::OrderRefunded(refund))) => Some(*refund),
        Some(_) | None => None,
    })
}

async fn parts(
    platform: &Platform,
    signed: &Signed,
    view: &TradeView<'_>,
    refund: &OrderRefunded,
) -> Result<Parts, AlipayError> {
    let money = view.money(platform).await?;
    let back: Back = money.ok_or_else(AlipayError::unknown)?.back(refund);
    let detail = signed.biz.asks_for("refund_detail_item_list");
    Ok(Parts {
        send_back_fee: back.merchant.to_string(),
        present_refund_buyer_amount: back.buyer.to_string(),
        present_refund_discount_amount: back.discount.to_string(),
        present_refund_mdiscount_amount: back.mdiscount.to_string(),
        refund_detail_item_list: detail.then(|| back.bills().collect()),
    })
}

/// The number that the rules know.
fn number_of(order: OrderId, request: &Number) -> Number {
    let plain = format!("{}:{request}", order.0.0);
    let text = if plain.len() <= NUMBER_CHARS_MAX {
        plain
    } else {
        let hash = digest(&SHA256, request.as_str().as_bytes());
        format!("{}|{}", order.0.0, URL_SAFE_NO_PAD.encode(hash))
    };
    Number::new(&text).expect("at most 20 digits, a mark and 43 letters")
}

/// The merchant's own number of a refund; none if it was too long to be kept.
pub(crate) fn request_of(number: &Number) -> Option<&str> {
    number.as_str().split_once(':').map(|(_, request)| request)
}

#[cfg(test)]
mod tests {
    use feiqian_core::EventNumber;

    use super::*;

    #[test]
    fn a_number_is_unique_within_its_trade() {
        let order = |number| OrderId(EventNumber(number));
        let number = |text: &str| Number::new(text).unwrap();
        let short = number_of(order(7), &number("a:b"));
        assert_eq!((short.as_str(), request_of(&short)), ("7:a:b", Some("a:b")));
        let widest = number(&"r".repeat(NUMBER_CHARS_MAX));
        let long = number_of(order(u64::MAX), &widest);
        assert_eq!((long.as_str().len(), request_of(&long)), (64, None));
        assert_ne!(long, number_of(order(u64::MAX), &number(&"s".repeat(64))));
        assert_ne!(number_of(order(1), &widest), number_of(order(2), &widest));
    }
}
