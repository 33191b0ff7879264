//! Notices in Alipay's words (contract 2.8): a form, signed over its decoded values.
//!
//! Every try has the same id and tells the same; its time and signature are fresh.

use feiqian_core::order::refund::OrderRefunded;
use feiqian_core::{Event, OrderId};
use feiqian_store::Store;

use super::deliver::{Failure, Post};
use super::rows::NoticeNumber;
use crate::alipay::app::seller_id;
use crate::alipay::refund_number;
use crate::alipay::returning::{Fields, form, sign};
use crate::alipay::trade::{Buyer, TradeView, time};
use crate::platform::{Platform, unix_millis};
use crate::wechat::find::{self, Found};

/// What whoever is told answers, and nothing else.
pub(super) const ACKNOWLEDGEMENT: &[u8] = b"success";

/// A notice, signed now.
pub(super) async fn post(platform: &Platform, notice: NoticeNumber) -> Result<Post, Failure> {
    let store = platform.engine.store().await.map_err(here)?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of other events"
    )]
    let (found, refund) = match store.event(notice.event).map_err(here)? {
        Some(Event::OrderPaid(paid)) => (order(&store, paid.merchant, paid.order)?, None),
        Some(Event::OrderRefunded(refund)) => {
            let found = order(&store, refund.merchant, refund.order)?;
            (found, Some(refund))
        }
        None if notice.event < platform.engine.durable() => {
            return Err(here("it is not indexed yet"));
        }
        _ => return Err(Failure::Nothing),
    };
    let mut fields = fields(platform, notice, &found, refund.as_deref()).await?;
    sign(platform, &mut fields);
    let kind = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
    Ok(Post {
        headers: vec![("content-type", kind)],
        body: form(&fields).into_bytes(),
    })
}

fn order(
    store: &Store,
    merchant: feiqian_core::MerchantId,
    order: OrderId,
) -> Result<Found, Failure> {
    find::by_id(store, merchant, order)
        .map_err(here)?
        .ok_or(Failure::Nothing)
}

async fn fields(
    platform: &Platform,
    notice: NoticeNumber,
    found: &Found,
    refund: Option<&OrderRefunded>,
) -> Result<Fields, Failure> {
    // Whatever happened to the trade since, this tells of one event.
    let view = TradeView::after(found.id, &found.story, notice.event);
    let merchant = found.story.created.merchant;
    let app = platform.alipay.of(platform, merchant).map_err(here)?;
    let (app, paid) = (
        app.ok_or(Failure::Nothing)?,
        view.paid.ok_or(Failure::Nothing)?,
    );
    let shop = platform.merchant(merchant).await.map_err(here)?;
    let shop = shop.ok_or(Failure::Nothing)?;
    let money = view.money(platform).await.map_err(here)?;
    let money = money.ok_or(Failure::Nothing)?;
    let buyer = Buyer::of(platform, &app, paid.payer).map_err(here)?;
    let echo = view.echo();
    let vouchers = money.vouchers(platform, &shop);
    let bills: Vec<_> = money.bills().collect();
    let mut fields = Fields::from([
        ("notify_time", time(unix_millis())),
        ("notify_type", "trade_status_sync".to_owned()),
        (
            "notify_id",
            platform.ids.notice_id(notice.whole()).replace('-', ""),
        ),
        ("app_id", app.app_id.clone()),
        ("auth_app_id", app.app_id.clone()),
        ("charset", "utf-8".to_owned()),
        ("version", "1.0".to_owned()),
        ("trade_no", view.trade_no(platform)),
        ("out_trade_no", view.out_trade_no().to_owned()),
        ("buyer_id", buyer.buyer_user_id),
        ("buyer_open_id", buyer.buyer_open_id),
        ("buyer_logon_id", buyer.buyer_logon_id.unwrap_or_default()),
        ("seller_id", seller_id(merchant)),
        ("trade_status", view.status.text().to_owned()),
        ("total_amount", view.total().to_string()),
        ("receipt_amount", money.receipt.to_string()),
        ("invoice_amount", money.buyer.to_string()),
        ("buyer_pay_amount", money.buyer.to_string()),
        ("point_amount", "0.00".to_owned()),
        ("subject", view.subject(&echo)),
        ("body", echo.body.unwrap_or_default()),
        ("passback_params", echo.passback_params.unwrap_or_default()),
        ("gmt_create", time(found.story.created.at)),
        ("gmt_payment", time(paid.at)),
        (
            "fund_bill_list",
            serde_json::to_string(&bills).map_err(here)?,
        ),
    ]);
    if !vouchers.is_empty() {
        let vouchers = serde_json::to_string(&vouchers).map_err(here)?;
        fields.insert("voucher_detail_list", vouchers);
    }
    if let Some(refund) = refund {
        let request = refund_number(&refund.number).unwrap_or_default();
        fields.insert("out_biz_no", request.to_owned());
        fields.insert("refund_fee", view.refunded.to_string());
        fields.insert("gmt_refund", time(refund.at));
        fields.insert("gmt_close", view.closed_at.map(time).unwrap_or_default());
    }
    Ok(fields)
}

fn here(error: impl std::fmt::Display) -> Failure {
    Failure::Here(error.to_string())
}
