//! Receipts: every part of what one entry moved, and what came after.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::campaign::grant::{Granted, RebateStage, Returned};
use feiqian_core::order::{OrderState, Payment};
use feiqian_core::{Event, EventNumber, Fen, OrderId, RefundId, UserId};
use feiqian_store::OrderStory;
use serde::Serialize;

use super::Shopper;
use super::entries::{self, EntryRef};
use super::moves::{EntryKind, Move};
use super::words::Language;
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::fields::{OrderIdRef, PaymentRef, RefundRef, Time};
use crate::v1::granted::{Names, campaigns_back, campaigns_of};
use crate::v1::input::Id;

/// The receipt of an entry.
#[derive(Debug, Serialize)]
pub struct Receipt {
    entry_id: EntryRef,
    kind: EntryKind,
    at: Time,
    amount: i64,
    title: String,
    parts: Vec<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderIdRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<PaymentRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_number: Option<String>,
    refunds: Vec<Refund>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rebate: Option<Rebate>,
}

/// A part: below zero what made it less.
#[derive(Debug, Serialize)]
pub struct Part {
    label: String,
    amount: i64,
}

impl Part {
    pub(super) fn new(label: impl Into<String>, amount: i64) -> Self {
        Self {
            label: label.into(),
            amount,
        }
    }
}

/// A refund of the payment.
#[derive(Debug, Serialize)]
pub struct Refund {
    id: RefundRef,
    at: Time,
    amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Money back for the payment.
#[derive(Debug, Serialize)]
pub struct Rebate {
    amount: i64,
    /// Absent once it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrives_at: Option<Time>,
}

/// GET entries/{id}
pub async fn show(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
    Id(EntryRef(event)): Id<EntryRef>,
) -> Result<Json<Receipt>, ApiError> {
    of_event(&platform, user, language, event).await.map(Json)
}

/// The receipt of the order's payment by this user; none if it was not paid, or by another.
pub(super) async fn of_order(
    platform: &Platform,
    user: UserId,
    language: Language,
    order: OrderId,
) -> Result<Option<Receipt>, ApiError> {
    let story = ask(platform, move |store| store.order(order)).await?;
    let payment = story.and_then(|story| payment(&story));
    match payment.filter(|payment| payment.payer == user) {
        Some(payment) => of_event(platform, user, language, payment.event)
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// How the order was paid, whatever came after.
pub(super) fn payment(story: &OrderStory) -> Option<Payment> {
    match story.order().state {
        OrderState::Paid(payment) | OrderState::Reversed(Some(payment)) => Some(payment),
        OrderState::Open | OrderState::Closed | OrderState::Reversed(None) => None,
    }
}

pub(super) async fn of_event(
    platform: &Platform,
    user: UserId,
    language: Language,
    event: EventNumber,
) -> Result<Receipt, ApiError> {
    let unknown = || ApiError::not_found("entry_not_found", "entry");
    let content = ask(platform, move |store| store.event(event)).await?;
    let content = content.ok_or_else(unknown)?;
    let entry = Move::of(user, event, &content).ok_or_else(unknown)?;
    let mut receipt = Receipt {
        entry_id: EntryRef(event),
        kind: entry.kind,
        at: entry.at.into(),
        amount: entry.amount,
        title: entries::title(platform, language, entry.other).await?,
        parts: Vec::new(),
        note: entries::note(platform, &entry, &content).await?,
        order_id: entry.order.map(Into::into),
        payment_id: entry.order.map(PaymentRef),
        merchant_number: None,
        refunds: Vec::new(),
        rebate: None,
    };
    if let Some(order) = entry.order {
        with_order(platform, &mut receipt, &content, language, order).await?;
    } else {
        receipt.parts = plain_parts(language, &entry);
    }
    Ok(receipt)
}

/// Adds what the order's story tells.
async fn with_order(
    platform: &Platform,
    receipt: &mut Receipt,
    content: &Event,
    language: Language,
    order: OrderId,
) -> Result<(), ApiError> {
    let Some(story) = ask(platform, move |store| store.order(order)).await? else {
        return Ok(());
    };
    receipt.merchant_number = Some(story.created.number.as_str().to_owned());
    let own_parts = match content {
        Event::OrderPaid(paid) => {
            let granted = paid.granted.as_deref();
            let names = Names::of(platform, granted.into_iter().flat_map(campaigns_of)).await?;
            receipt.refunds = refunds(&story);
            receipt.rebate = rebate(&story, granted);
            payment_parts(language, paid.amount, granted, &names)
        }
        Event::OrderRefunded(event) => {
            refund_parts(platform, language, event.amount, event.returned.as_deref()).await?
        }
        Event::OrderReversed(event) => {
            refund_parts(platform, language, event.amount, event.returned.as_deref()).await?
        }
        _ => vec![Part::new(language.pick("Rebate", "返现"), receipt.amount)],
    };
    receipt.parts = own_parts;
    Ok(())
}

/// Price, discounts by campaign, what was paid, and the rebate.
fn payment_parts(
    language: Language,
    amount: Fen,
    granted: Option<&Granted>,
    names: &Names,
) -> Vec<Part> {
    let mut parts = vec![Part::new(language.pick("Price", "订单金额"), amount.0)];
    let Some(granted) = granted else {
        parts.push(Part::new(language.pick("Paid", "实付"), amount.0));
        return parts;
    };
    let discounts = granted.grants.iter();
    parts.extend(discounts.map(|grant| Part::new(names.get(grant.campaign), -grant.amount.0)));
    let paid = amount.minus(granted.discount()).unwrap_or(amount);
    parts.push(Part::new(language.pick("Paid", "实付"), paid.0));
    if let Some(rebate) = granted.rebate {
        let word = language.pick("Rebate", "返现");
        let label = format!("{word} · {}", names.get(rebate.campaign));
        parts.push(Part::new(label, rebate.amount.0));
    }
    parts
}

/// What came back, less what was taken back of a rebate.
async fn refund_parts(
    platform: &Platform,
    language: Language,
    amount: Fen,
    returned: Option<&Returned>,
) -> Result<Vec<Part>, ApiError> {
    let mut parts = vec![Part::new(language.pick("Refunded", "退款金额"), amount.0)];
    let Some(returned) = returned else {
        return Ok(parts);
    };
    let names = Names::of(platform, campaigns_back(returned)).await?;
    let grants = returned.grants.iter();
    parts.extend(grants.map(|part| Part::new(names.get(part.campaign), -part.amount().0)));
    if let Some(back) = returned.rebate
        && back.from == RebateStage::Arrived
    {
        let taken = back.part.amount().minus(back.lost).unwrap_or(Fen::ZERO);
        let label = language.pick("Rebate taken back", "收回返现");
        parts.push(Part::new(label, -taken.0));
    }
    parts.push(Part::new(
        language.pick("To your wallet", "退回钱包"),
        returned.payer.0,
    ));
    Ok(parts)
}

fn plain_parts(language: Language, entry: &Move) -> Vec<Part> {
    let label = match entry.kind {
        EntryKind::TopUp => language.pick("Topped up", "充值"),
        EntryKind::Withdrawal if entry.amount > 0 => language.pick("Given back", "退回"),
        EntryKind::Withdrawal => language.pick("Withdrawn", "提现"),
        EntryKind::TransferOut => language.pick("Sent", "转出"),
        EntryKind::TransferIn => language.pick("Received", "收到"),
        EntryKind::PacketOut => language.pick("Red packet", "发红包"),
        EntryKind::PacketIn => language.pick("Red packet", "收红包"),
        EntryKind::Payment | EntryKind::Refund | EntryKind::Rebate | EntryKind::Other => {
            language.pick("Amount", "金额")
        }
    };
    vec![Part::new(label, entry.amount.saturating_abs())]
}

fn refunds(story: &OrderStory) -> Vec<Refund> {
    let refund = |(number, event): &(EventNumber, Event)| match event {
        Event::OrderRefunded(event) => Some(Refund {
            id: RefundId(*number).into(),
            at: event.at.into(),
            amount: event.amount.0,
            reason: event.reason.as_deref().map(str::to_owned),
        }),
        Event::OrderReversed(event) => Some(Refund {
            id: RefundId(*number).into(),
            at: event.at.into(),
            amount: event.amount.0,
            reason: None,
        }),
        _ => None,
    };
    story.later.iter().filter_map(refund).collect()
}

fn rebate(story: &OrderStory, granted: Option<&Granted>) -> Option<Rebate> {
    let rebate = granted?.rebate?;
    let waits = payment(story).is_some_and(|payment| payment.rebate == RebateStage::Waits);
    Some(Rebate {
        amount: rebate.amount.0,
        arrives_at: rebate.due.filter(|_| waits).map(Into::into),
    })
}
