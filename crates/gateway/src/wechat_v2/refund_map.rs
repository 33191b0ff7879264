//! A refund as v2 shows it: in its answer, in a query's list, and in its notice.

use feiqian_engine::Stopped;

use super::edge::Content;
use super::order_map::coupon_type;
use crate::platform::Platform;
use crate::wechat::order_object::CURRENCY;
use crate::wechat::promotions::Promotions;
use crate::wechat::refund_object::{CHANNEL, RECEIVED_BY, RefundView};
use crate::wechat::times::bill_time;

/// Money goes back to the wallet at once.
const SUCCESS: &str = "SUCCESS";
/// From what the merchant has.
const ACCOUNT: &str = "REFUND_SOURCE_RECHARGE_FUNDS";

/// What of its order every refund repeats.
pub(super) fn of_order(
    platform: &Platform,
    view: &RefundView<'_>,
    promotions: &Promotions,
) -> Content {
    let (total, _) = view.amounts();
    Content::default()
        .with("transaction_id", view.order.view().transaction_id(platform))
        .with("out_trade_no", view.order.story.created.number.as_str())
        .with("total_fee", total)
        .with(
            "settlement_total_fee",
            total.saturating_sub(promotions.no_cash()),
        )
        .with("fee_type", CURRENCY)
        .with("cash_fee", total.saturating_sub(promotions.discount()))
}

/// As a refund is answered.
pub(super) async fn refund(platform: &Platform, view: &RefundView<'_>) -> Result<Content, Stopped> {
    let promotions = view.promotions(platform).await?;
    let (_, amount) = view.amounts();
    let given = view.given(&promotions);
    let mut content = of_order(platform, view, &promotions)
        .with("out_refund_no", view.refund.number.as_str())
        .with("refund_id", view.refund_id(platform))
        .with("refund_channel", CHANNEL)
        .with("refund_fee", amount)
        .with(
            "settlement_refund_fee",
            amount.saturating_sub(given.no_cash),
        )
        .with("cash_refund_fee", given.payer)
        .with("coupon_refund_fee", amount.saturating_sub(given.payer));
    coupons(&mut content, platform, view, &promotions, "");
    Ok(content)
}

/// As a query lists it at a place.
pub(super) fn listed(
    platform: &Platform,
    view: &RefundView<'_>,
    promotions: &Promotions,
    place: usize,
) -> Content {
    let (_, amount) = view.amounts();
    let given = view.given(promotions);
    let mut content = Content::default();
    let mut add = |name: &str, value: String| content.add(format!("{name}_{place}"), value);
    add("out_refund_no", view.refund.number.as_str().to_owned());
    add("refund_id", view.refund_id(platform));
    add("refund_channel", CHANNEL.to_owned());
    add("refund_fee", amount.to_string());
    let settled = amount.saturating_sub(given.no_cash);
    add("settlement_refund_fee", settled.to_string());
    let coupons_back = amount.saturating_sub(given.payer);
    add("coupon_refund_fee", coupons_back.to_string());
    add("refund_status", SUCCESS.to_owned());
    add("refund_account", ACCOUNT.to_owned());
    add("refund_recv_accout", RECEIVED_BY.to_owned());
    add("refund_success_time", bill_time(view.refund.at));
    coupons(
        &mut content,
        platform,
        view,
        promotions,
        &format!("_{place}"),
    );
    content
}

fn coupons(
    content: &mut Content,
    platform: &Platform,
    view: &RefundView<'_>,
    promotions: &Promotions,
    suffix: &str,
) {
    let coupons = promotions.coupons_returned(platform, view.refund.returned.as_deref());
    content.add(format!("coupon_refund_count{suffix}"), coupons.len());
    for (place, (id, cash, amount)) in coupons.into_iter().enumerate() {
        content.add(format!("coupon_type{suffix}_{place}"), coupon_type(cash));
        content.add(format!("coupon_refund_id{suffix}_{place}"), id);
        content.add(format!("coupon_refund_fee{suffix}_{place}"), amount);
    }
}

/// What a notice seals.
pub(crate) async fn notice(platform: &Platform, view: &RefundView<'_>) -> Result<Content, Stopped> {
    let promotions = view.promotions(platform).await?;
    let (total, amount) = view.amounts();
    let given = view.given(&promotions);
    Ok(Content::default()
        .with("transaction_id", view.order.view().transaction_id(platform))
        .with("out_trade_no", view.order.story.created.number.as_str())
        .with("refund_id", view.refund_id(platform))
        .with("out_refund_no", view.refund.number.as_str())
        .with("total_fee", total)
        .with(
            "settlement_total_fee",
            total.saturating_sub(promotions.no_cash()),
        )
        .with("refund_fee", amount)
        .with(
            "settlement_refund_fee",
            amount.saturating_sub(given.no_cash),
        )
        .with("refund_status", SUCCESS)
        .with("success_time", bill_time(view.refund.at))
        .with("refund_recv_accout", RECEIVED_BY)
        .with("refund_account", ACCOUNT)
        .with("refund_request_source", "API"))
}
