//! Subsidies (营销补差): a coupon's merchant pays another, at whose till it was honoured, and what of it comes back.
//!
//! Whoever pays asks: the coupon's merchant for a subsidy, the other for its return.

use std::sync::Arc;

use feiqian_core::campaign::return_subsidy::{ReturnSubsidy, SubsidyReturned};
use feiqian_core::campaign::subsidise::{PaySubsidy, SubsidyPaid};
use feiqian_core::limits::DESCRIPTION_CHARS_MAX;
use feiqian_core::{CouponId, Event, EventNumber, MerchantId, RefundId};
use feiqian_store::Store;
use serde_json::{Value, json};

use super::find;
use super::tills;
use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::{Code, WechatError};
use crate::wechat::fields::Fields;
use crate::wechat::find as orders;
use crate::wechat::ids;
use crate::wechat::refusals::no_coupon;
use crate::wechat::stocks::{merchants, request_number};
use crate::wechat::times::rfc3339;

/// `POST /v3/marketing/busifavor/subsidy/pay-receipts`.
pub(super) async fn pay(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    signed.check_named(fields.text("payer_merchant", 1..=32)?)?;
    let coupon = tills::named(&platform, &signed, &fields, true).await?;
    if coupon.stock.echo.value("subsidy") != Value::Bool(true) {
        return Err(WechatError::new(Code::NoAuth, "批次不允许营销补差"));
    }
    let payee = other(&fields, "payee_merchant")?;
    let store = platform.engine.store().await?;
    let id = fields.text("transaction_id", 1..=32)?;
    let order = orders::by_transaction(&store, &platform, payee, id)?;
    let order = order.ok_or_else(|| none("入账商户没有该订单"))?;
    let command = PaySubsidy {
        payer: signed.merchant.merchant,
        number: request_number(&fields, "out_subsidy_no")?,
        payee,
        coupon: coupon.given.id,
        order: order.id,
        amount: fields.amount("amount")?,
        description: fields
            .text("description", 1..=DESCRIPTION_CHARS_MAX)?
            .into(),
    };
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    let paid = find::subsidy(&store, receipt.event)?.ok_or_else(WechatError::unknown)?;
    Answer::json(&receipt_object(&platform, &store, receipt.event, &paid)?)
}

/// `GET /v3/marketing/busifavor/subsidy/pay-receipts/{subsidy_receipt_id}`.
pub(super) async fn detail(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let id = signed.path("subsidy_receipt_id");
    let missing = || none("补差付款单不存在");
    let number = EventNumber(platform.ids.read_subsidy_id(id).ok_or_else(missing)?);
    let store = platform.engine.store().await?;
    let paid = find::subsidy(&store, number)?.ok_or_else(missing)?;
    let us = signed.merchant.merchant;
    if ![paid.payer, paid.payee].contains(&us) || platform.ids.subsidy_id(number.0, paid.at.0) != id
    {
        return Err(missing());
    }
    Answer::json(&receipt_object(&platform, &store, number, &paid)?)
}

/// `GET /v3/marketing/busifavor/subsidy/pay-receipts?stock_id=&coupon_code=&out_subsidy_no=`.
pub(super) async fn list(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let needed = |name: &'static str| {
        let missing = || WechatError::parameter("query", name, None, "为必填项");
        signed.query(name).ok_or_else(missing)
    };
    let (stock_id, code) = (needed("stock_id")?, needed("coupon_code")?);
    let wanted = signed
        .query("out_subsidy_no")
        .filter(|number| !number.is_empty());
    let coupon = find::by_code(&platform, &signed, code).await?;
    if coupon.stock.id_text(&platform) != stock_id {
        return Err(no_coupon());
    }
    let store = platform.engine.store().await?;
    let mut receipts = Vec::new();
    for (number, event) in &coupon.story {
        if let Event::SubsidyPaid(paid) = event
            && wanted.is_none_or(|wanted| wanted == paid.number.as_str())
        {
            receipts.push(receipt_object(&platform, &store, *number, paid)?);
        }
    }
    Answer::json(&json!({ "pay_receipt_list": receipts }))
}

/// `POST /v3/marketing/busifavor/subsidy/return-receipts`.
pub(super) async fn give_back(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    signed.check_named(fields.text("payer_merchant", 1..=32)?)?;
    let us = signed.merchant.merchant;
    let code = fields.text("coupon_code", 1..=32)?;
    let id = platform.ids.read_coupon_code(code).ok_or_else(no_coupon)?;
    let coupon = CouponId(EventNumber(id));
    let store = platform.engine.store().await?;
    let missing = || none("该商户没有该券的补差入账");
    let paid = last_subsidy(&store, coupon, us)?.ok_or_else(missing)?;
    check_named(&platform, &store, &fields, &paid)?;
    let command = ReturnSubsidy {
        merchant: us,
        number: request_number(&fields, "out_subsidy_return_no")?,
        coupon,
        amount: fields.amount("amount")?,
        description: fields
            .text("description", 1..=DESCRIPTION_CHARS_MAX)?
            .into(),
        refund: refund(&platform, &store, &fields, &paid)?,
    };
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    let returned = find::subsidy_return(&store, receipt.event)?.ok_or_else(WechatError::unknown)?;
    Answer::json(&return_object(&platform, &store, receipt.event, &returned)?)
}

/// `GET /v3/marketing/busifavor/subsidy/return-receipts/{subsidy_return_receipt_id}`.
pub(super) async fn return_detail(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let id = signed.path("subsidy_return_receipt_id");
    let missing = || none("补差回退单不存在");
    let number = platform
        .ids
        .read_subsidy_return_id(id)
        .ok_or_else(missing)?;
    let (number, store) = (EventNumber(number), platform.engine.store().await?);
    let returned = find::subsidy_return(&store, number)?.ok_or_else(missing)?;
    let us = signed.merchant.merchant;
    let made = platform.ids.subsidy_return_id(number.0, returned.at.0);
    if ![returned.merchant, returned.payer].contains(&us) || made != id {
        return Err(missing());
    }
    Answer::json(&return_object(&platform, &store, number, &returned)?)
}

fn none(message: &'static str) -> WechatError {
    WechatError::new(Code::ResourceNotExists, message)
}

/// Another merchant that a field names.
fn other(fields: &Fields<'_>, name: &str) -> Result<MerchantId, WechatError> {
    let texts = [fields.text(name, 1..=32)?];
    let found = merchants(fields, name, &texts)?;
    found
        .first()
        .copied()
        .ok_or_else(|| fields.wrong(name, "无效的商户号"))
}

/// The newest subsidy of a coupon that a merchant got.
fn last_subsidy(
    store: &Store,
    coupon: CouponId,
    payee: MerchantId,
) -> Result<Option<SubsidyPaid>, WechatError> {
    let story = store.coupon(coupon)?.into_iter().rev();
    #[allow(clippy::wildcard_enum_match_arm, reason = "one event pays subsidies")]
    let mut subsidies = story.filter_map(|(_, event)| match event {
        Event::SubsidyPaid(paid) if paid.payee == payee => Some(*paid),
        _ => None,
    });
    Ok(subsidies.next())
}

/// What a return names must be the subsidy's.
fn check_named(
    platform: &Platform,
    store: &Store,
    fields: &Fields<'_>,
    paid: &SubsidyPaid,
) -> Result<(), WechatError> {
    let object = receipt_object(platform, store, EventNumber(0), paid)?;
    for name in ["stock_id", "transaction_id"] {
        if object[name] != fields.text(name, 1..=32)? {
            return Err(fields.wrong(name, "与补差付款单不一致"));
        }
    }
    if fields.text("payee_merchant", 1..=32)? != ids::mchid(paid.payer.0.into()) {
        return Err(fields.wrong("payee_merchant", "与补差付款单的扣款商户不一致"));
    }
    Ok(())
}

/// The refund that a return names, of the subsidy's order.
fn refund(
    platform: &Platform,
    store: &Store,
    fields: &Fields<'_>,
    paid: &SubsidyPaid,
) -> Result<Option<RefundId>, WechatError> {
    let Some(text) = fields.text_if("refund_id", 1..=32)? else {
        return Ok(None);
    };
    let wrong = || fields.wrong("refund_id", "不是该订单的退款单");
    let number = EventNumber(platform.ids.read_refund_id(text).ok_or_else(wrong)?);
    #[allow(clippy::wildcard_enum_match_arm, reason = "one event refunds")]
    match store.event(number)? {
        Some(Event::OrderRefunded(refund))
            if refund.order == paid.order
                && platform.ids.refund_id(number.0, refund.at.0) == text =>
        {
            Ok(Some(RefundId(number)))
        }
        _ => Err(wrong()),
    }
}

fn receipt_object(
    platform: &Platform,
    store: &Store,
    number: EventNumber,
    paid: &SubsidyPaid,
) -> Result<Value, WechatError> {
    let given = crate::wechat::favor::find::as_given(store, paid.coupon)?;
    let given = given.ok_or_else(WechatError::unknown)?;
    let story = store.order(paid.order)?.ok_or_else(WechatError::unknown)?;
    let order = (paid.order.0.0, story.created.at.0);
    Ok(json!({
        "subsidy_receipt_id": platform.ids.subsidy_id(number.0, paid.at.0),
        "stock_id": platform.ids.stock_id(given.campaign.0),
        "coupon_code": platform.ids.coupon_code(paid.coupon.0.0),
        "transaction_id": platform.ids.transaction_id(order.0, order.1),
        "payer_merchant": ids::mchid(paid.payer.0.into()),
        "payee_merchant": ids::mchid(paid.payee.0.into()),
        "amount": paid.amount.0,
        "description": paid.description,
        "status": "SUCCESS",
        "success_time": rfc3339(paid.at),
        "out_subsidy_no": paid.number.as_str(),
        "create_time": rfc3339(paid.at),
    }))
}

fn return_object(
    platform: &Platform,
    store: &Store,
    number: EventNumber,
    returned: &SubsidyReturned,
) -> Result<Value, WechatError> {
    let paid = find::subsidy(store, returned.subsidy)?.ok_or_else(WechatError::unknown)?;
    let receipt = receipt_object(platform, store, returned.subsidy, &paid)?;
    let mut object = json!({
        "subsidy_return_receipt_id": platform.ids.subsidy_return_id(number.0, returned.at.0),
        "payer_merchant": ids::mchid(returned.merchant.0.into()),
        "payee_merchant": ids::mchid(returned.payer.0.into()),
        "amount": returned.amount.0,
        "description": returned.description,
        "status": "SUCCESS",
        "return_done_time": rfc3339(returned.at),
        "return_create_time": rfc3339(returned.at),
        "out_subsidy_return_no": returned.number.as_str(),
    });
    for name in [
        "stock_id",
        "coupon_code",
        "transaction_id",
        "subsidy_receipt_id",
    ] {
        object[name] = receipt[name].clone();
    }
    if let Some(refund) = returned.refund
        && let Some(event) = store.event(refund.0)?
    {
        object["refund_id"] = platform.ids.refund_id(refund.0.0, event.at().0).into();
    }
    Ok(object)
}
