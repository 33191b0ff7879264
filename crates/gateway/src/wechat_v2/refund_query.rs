//! Shows refunds: `POST /pay/refundquery`, one refund by either of its numbers, or those of an order, ten at a time.

use std::sync::Arc;

use feiqian_core::order::refund::OrderRefunded;
use feiqian_core::{Event, EventNumber};

use super::edge::{Content, Signed};
use super::error::Refusal;
use super::refund_map;
use crate::platform::Platform;
use crate::wechat::find::{self, Found};
use crate::wechat::refund_object::RefundView;
use crate::wechat::refunds::{self, REFUND_NUMBER_OTHERS};

/// Refunds of one answer.
const PAGE: usize = 10;

pub(super) async fn query(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let (order, only) = named(&platform, &signed).await?;
    let refunds: Vec<_> = of_order(&order)
        .filter(|(number, _)| only.is_none_or(|only| only == *number))
        .collect();
    let total = refunds.len();
    let offset = offset(&signed)?;
    let mut shown = Content::default();
    let mut count = 0_usize;
    for (place, (number, refund)) in refunds.into_iter().skip(offset).take(PAGE).enumerate() {
        let view = RefundView {
            number,
            refund,
            order: &order,
        };
        let promotions = view.promotions(&platform).await?;
        if place == 0 {
            shown = refund_map::of_order(&platform, &view, &promotions);
        }
        shown = shown.and(refund_map::listed(&platform, &view, &promotions, place));
        count = place.saturating_add(1);
    }
    if count == 0 {
        return Err(no_refund());
    }
    let counts = Content::default()
        .with("total_refund_count", total)
        .with("refund_count", count);
    Ok(counts.and(shown))
}

/// The order, and the refund if one is named: our refund number goes first, then the merchant's, then the order's.
async fn named(
    platform: &Platform,
    signed: &Signed,
) -> Result<(Found, Option<EventNumber>), Refusal> {
    let merchant = signed.merchant.merchant;
    if let Some(id) = signed.text_if("refund_id", 32)? {
        let number = platform.ids.read_refund_id(id).map(EventNumber);
        let number = number.ok_or_else(no_refund)?;
        let store = platform.engine.store().await?;
        let refund = refunds::refunded(&store, number, store.event(number)?)?;
        // Reading cannot prove that the text is one of ours; making it anew does.
        let refund = refund.filter(|refund| {
            refund.refund.merchant == merchant && refund.view().refund_id(platform) == id
        });
        return Ok((refund.ok_or_else(no_refund)?.order, Some(number)));
    }
    if let Some(number) = signed.number_if("out_refund_no", 64, REFUND_NUMBER_OTHERS)? {
        let refund = refunds::by_number(platform, merchant, number.as_str()).await?;
        let refund = refund.ok_or_else(no_refund)?;
        return Ok((refund.order, Some(refund.number)));
    }
    if signed.text_if("transaction_id", 32)?.is_some() {
        return Ok((signed.order(platform).await?, None));
    }
    let number = signed.order_number()?;
    let found = find::by_number(&*platform.engine.store().await?, merchant, number)?;
    Ok((found.ok_or_else(no_refund)?, None))
}

fn of_order(order: &Found) -> impl Iterator<Item = (EventNumber, &OrderRefunded)> {
    order.story.later.iter().filter_map(|(number, event)| {
        #[allow(clippy::wildcard_enum_match_arm, reason = "only this event refunds")]
        match event {
            Event::OrderRefunded(refund) => Some((*number, &**refund)),
            _ => None,
        }
    })
}

fn offset(signed: &Signed) -> Result<usize, Refusal> {
    let Some(text) = signed.text_if("offset", 8)? else {
        return Ok(0);
    };
    let offset = text.parse();
    offset.map_err(|_| Refusal::wrong("offset", "须为非负整数"))
}

fn no_refund() -> Refusal {
    Refusal::new("REFUNDNOTEXIST", "退款订单查询失败，退款单不存在")
}
