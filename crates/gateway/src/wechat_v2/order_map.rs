//! An order as v2 shows it: in the answer to a query and to a pay code, and in a payment's notice.

use feiqian_core::order::pay::OrderPaid;
use feiqian_engine::Stopped;

use super::edge::Content;
use super::times::stamp;
use crate::platform::{MerchantKeys, Platform};
use crate::wechat::echo::Echo;
use crate::wechat::order_object::{BANK_TYPE, CURRENCY, OrderView, trade_type};
use crate::wechat::promotions::Promotions;

/// As a query shows it, paid or not.
pub(super) async fn order(
    platform: &Platform,
    merchant: &MerchantKeys,
    view: &OrderView<'_>,
) -> Result<Content, Stopped> {
    let state = Content::default()
        .with("trade_state", view.state.text())
        .with("trade_state_desc", view.state.description());
    Ok(state.and(paid(platform, merchant, view).await?))
}

/// As a pay code's answer and a notice show it.
pub(crate) async fn paid(
    platform: &Platform,
    merchant: &MerchantKeys,
    view: &OrderView<'_>,
) -> Result<Content, Stopped> {
    let (created, terms) = (&view.story.created, &view.story.created.terms);
    let echo = Echo::read(terms.echo.as_deref());
    let content = Content::default()
        .with("device_info", echo.device_id.unwrap_or_default())
        .with("trade_type", trade_type(terms.channel))
        .with("total_fee", terms.amount.0)
        .with("fee_type", CURRENCY)
        .with("out_trade_no", created.number.as_str())
        .with("attach", terms.attach.as_deref().unwrap_or_default());
    match view.paid {
        Some(paid) => Ok(content.and(payment(platform, merchant, view, paid).await?)),
        None => Ok(content),
    }
}

async fn payment(
    platform: &Platform,
    merchant: &MerchantKeys,
    view: &OrderView<'_>,
    paid: &OrderPaid,
) -> Result<Content, Stopped> {
    let promotions = Promotions::of(platform, Some(paid)).await?;
    let total = view.story.created.terms.amount.0;
    let mut content = Content::default()
        .with(
            "openid",
            platform.ids.openid(paid.payer.0.into(), &merchant.appid),
        )
        // There is nothing here that a shopper could subscribe to.
        .with("is_subscribe", "N")
        .with("bank_type", BANK_TYPE)
        .with("cash_fee", total.saturating_sub(promotions.discount()))
        .with("cash_fee_type", CURRENCY)
        .with("transaction_id", view.transaction_id(platform))
        .with("time_end", stamp(paid.at));
    let coupons = promotions.coupons(platform);
    if coupons.is_empty() {
        return Ok(content);
    }
    content.add(
        "settlement_total_fee",
        total.saturating_sub(promotions.no_cash()),
    );
    content.add("coupon_fee", promotions.discount());
    content.add("coupon_count", coupons.len());
    for (place, (id, cash, amount)) in coupons.into_iter().enumerate() {
        content.add(format!("coupon_type_{place}"), coupon_type(cash));
        content.add(format!("coupon_id_{place}"), id);
        content.add(format!("coupon_fee_{place}"), amount);
    }
    Ok(content)
}

/// 充值 or 非充值.
pub(super) const fn coupon_type(cash: bool) -> &'static str {
    if cash { "CASH" } else { "NO_CASH" }
}
