//! Statements: what moved an account's money, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{
    Account, CampaignId, Event, EventNumber, MerchantId, OrderId, PacketId, Posting, RefundId,
    RemittanceId, State, TransferId,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask;
use super::auth::Caller;
use super::error::ApiError;
use super::fields::{
    CampaignRef, Cursor, MerchantRef, OrderIdRef, PacketRef, RefundRef, RemittanceRef, Time,
    TransferRef, UserRef,
};
use super::input::{Id, Page, Paging};
use super::responses::Asking;
use crate::platform::Platform;

/// What moved the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// An order was paid.
    Payment,
    /// Part or all of a payment went back.
    Refund,
    /// A payment was undone.
    Reversal,
    /// Money came from the bank.
    TopUp,
    /// Money went to the bank, or is on its way.
    Withdrawal,
    /// The bank declined a withdrawal: the money is back.
    WithdrawalReturned,
    /// A rebate's day came.
    Rebate,
    /// A merchant paid in advance for a campaign, or got the rest back.
    CampaignFunding,
    /// The operator put its own money into a reserve.
    Capital,
    /// A merchant paid another for honouring its coupon.
    Subsidy,
    /// Such a payment went back.
    SubsidyReturned,
    /// A user sent money to a person.
    MoneySent,
    /// Money of a person arrived.
    MoneyReceived,
    /// Sent money is back: taken back, or it could not arrive.
    MoneyReturned,
    /// A red packet was sent.
    PacketSent,
    /// A share of a red packet was taken.
    PacketShare,
    /// What nobody took of a red packet went back.
    PacketReturned,
}

/// A line of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementEntry {
    at: Time,
    kind: EntryKind,
    /// Fen by which the account changed: below zero if it shrank.
    amount: i64,
    /// Of a merchant's account: the fee in it, below zero if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    fee: Option<i64>,
    /// Of a wallet: the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    counterparty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderIdRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_id: Option<RefundRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<TransferRef>,
    /// Of money between persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    remittance_id: Option<RemittanceRef>,
    /// Of a red packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    packet_id: Option<PacketRef>,
    /// Of an advance for a campaign, or a rebate.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<CampaignRef>,
}

/// Lists what moved a wallet's money, newest first
#[utoipa::path(
    get, path = "/v1/users/{id}/statement",
    operation_id = "get_user_statement", tag = "users", params(("id" = UserRef, Path), Paging),
    responses(
        (status = 200, body = Page<StatementEntry>, description = "A page"),
        Asking,
    )
)]
pub async fn of_user(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
    paging: Paging,
) -> Result<Json<Page<StatementEntry>>, ApiError> {
    caller.may_see_user(user)?;
    page(&platform, Account::Wallet(user), paging).await
}

/// Lists what moved a merchant's money, newest first
#[utoipa::path(
    get, path = "/v1/merchants/{id}/statement",
    operation_id = "get_merchant_statement", tag = "merchants", params(("id" = MerchantRef, Path), Paging),
    responses(
        (status = 200, body = Page<StatementEntry>, description = "A page"),
        Asking,
    )
)]
pub async fn of_merchant(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(merchant)): Id<MerchantRef>,
    paging: Paging,
) -> Result<Json<Page<StatementEntry>>, ApiError> {
    caller.may_see_merchant(merchant)?;
    page(&platform, Account::Merchant(merchant), paging).await
}

async fn page(
    platform: &Platform,
    account: Account,
    paging: Paging,
) -> Result<Json<Page<StatementEntry>>, ApiError> {
    let exists = move |state: &State| state.balance(account).is_some();
    if !platform.engine.read(exists).await? {
        return Err(ApiError::not_found("not_found", account.kind()));
    }
    let (limit, before) = (
        paging.limit(),
        paging.cursor.map(|cursor| EventNumber(cursor.0)),
    );
    let read =
        move |store: &feiqian_store::Store| store.entries(account, before, limit.saturating_add(1));
    let rows = ask(platform, read).await?;
    let rows = Page::cut(rows, limit, |(number, _)| Cursor(number.0));
    let mut data = Vec::with_capacity(rows.data.len());
    for (number, event) in &rows.data {
        let Some((mut line, shop)) = entry(account, *number, event) else {
            continue;
        };
        if let (Account::Wallet(_), Some(shop)) = (account, shop) {
            line.counterparty = Some(platform.shop_name(shop).await?);
        }
        data.push(line);
    }
    Ok(Json(Page {
        data,
        next_cursor: rows.next_cursor,
    }))
}

/// The line of an event, and the shop in it; none if it moved nothing of this account.
#[allow(
    clippy::too_many_lines,
    reason = "a line or two for each kind of event"
)]
fn entry(
    account: Account,
    number: EventNumber,
    event: &Event,
) -> Option<(StatementEntry, Option<MerchantId>)> {
    let postings = event.postings()?;
    let signed = |posting: &Posting| match account {
        own if own == posting.debit => -posting.amount.0,
        own if own == posting.credit => posting.amount.0,
        _ => 0,
    };
    let is_fee = |posting: &&Posting| {
        matches!(posting.debit, Account::FeeIncome(_))
            || matches!(posting.credit, Account::FeeIncome(_))
    };
    let fee = match account {
        Account::Merchant(_) => Some(postings.iter().filter(is_fee).map(signed).sum()),
        Account::Wallet(_)
        | Account::Transit(_)
        | Account::BankReserve(_)
        | Account::FeeIncome(_)
        | Account::Capital(_)
        | Account::RebateLoss(_)
        | Account::Subsidy(_)
        | Account::CampaignFund(_)
        | Account::PendingRebate(_)
        | Account::Remittance(_)
        | Account::Packet(_) => None,
    };
    let (kind, shop, order) = match event {
        Event::OrderPaid(e) => (EntryKind::Payment, Some(e.merchant), Some(e.order)),
        Event::OrderRefunded(e) => (EntryKind::Refund, Some(e.merchant), Some(e.order)),
        Event::OrderReversed(e) => (EntryKind::Reversal, Some(e.merchant), Some(e.order)),
        Event::WithdrawalRequested(_) => (EntryKind::Withdrawal, None, None),
        Event::TransferAnswered(_) if postings.iter().any(from_transit) => {
            (EntryKind::WithdrawalReturned, None, None)
        }
        Event::TransferAnswered(_) => (EntryKind::TopUp, None, None),
        Event::RebatePaid(e) => (EntryKind::Rebate, None, Some(e.order)),
        Event::CampaignStepped(_) | Event::CampaignEnded(_) | Event::BudgetChanged(_) => {
            (EntryKind::CampaignFunding, None, None)
        }
        Event::BrandFunded(_) => (EntryKind::Capital, None, None),
        Event::SubsidyPaid(_) => (EntryKind::Subsidy, None, None),
        Event::SubsidyReturned(_) => (EntryKind::SubsidyReturned, None, None),
        Event::MoneySent(e) if account == Account::Wallet(e.payer) => {
            (EntryKind::MoneySent, None, None)
        }
        Event::MoneySent(_) | Event::RemittanceArrived(_) | Event::RemittanceAccepted(_) => {
            (EntryKind::MoneyReceived, None, None)
        }
        Event::RemittanceTakenBack(_) | Event::RemittanceReturned(_) => {
            (EntryKind::MoneyReturned, None, None)
        }
        Event::PacketSent(_) => (EntryKind::PacketSent, None, None),
        Event::ShareGrabbed(_) => (EntryKind::PacketShare, None, None),
        Event::PacketExpired(_) => (EntryKind::PacketReturned, None, None),
        Event::CampaignAdded(_)
        | Event::UserTierSet(_)
        | Event::WithdrawalTermsSet(_)
        | Event::MoneyRequested(_)
        | Event::ShareDeclined(_)
        | Event::RequestCancelled(_)
        | Event::RequestExpired(_)
        | Event::CouponGiven(_)
        | Event::CouponUsed(_)
        | Event::CouponReturned(_)
        | Event::CouponVoided(_)
        | Event::CouponsChanged(_)
        | Event::Swept(_)
        | Event::TraitsSet(_)
        | Event::Opened(_)
        | Event::BrandAdded(_)
        | Event::UserAdded(_)
        | Event::UserStatusSet(_)
        | Event::MerchantAdded(_)
        | Event::MerchantChanged(_)
        | Event::TopUpRequested(_)
        | Event::OrderCreated(_)
        | Event::OrderClosed(_)
        | Event::OrderExpired(_)
        | Event::CodeSpent(_)
        | Event::OrderDeclined(_) => return None,
    };
    let line = StatementEntry {
        at: event.at().into(),
        kind,
        amount: postings.iter().map(signed).sum(),
        fee,
        counterparty: None,
        order_id: order.map(|order: OrderId| order.into()),
        refund_id: (kind == EntryKind::Refund).then(|| RefundId(number).into()),
        transfer_id: transfer_of(number, event).map(Into::into),
        remittance_id: remittance_of(number, event).map(Into::into),
        packet_id: packet_of(number, event).map(Into::into),
        campaign_id: campaign_of(event).map(Into::into),
    };
    Some((line, shop))
}

/// The campaign that an event is about; a payment may be about several.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "other events are about none"
)]
fn campaign_of(event: &Event) -> Option<CampaignId> {
    match event {
        Event::CampaignStepped(e) => Some(e.campaign),
        Event::CampaignEnded(e) => Some(e.campaign),
        Event::BudgetChanged(e) => Some(e.campaign),
        Event::RebatePaid(e) => Some(e.campaign),
        _ => None,
    }
}

/// The red packet that an event sent or goes on with.
fn packet_of(number: EventNumber, event: &Event) -> Option<PacketId> {
    let sent = matches!(event, Event::PacketSent(_)).then(|| PacketId::new(number));
    sent.flatten().or_else(|| event.packet())
}

fn from_transit(posting: &Posting) -> bool {
    matches!(posting.debit, Account::Transit(_))
}

fn remittance_of(number: EventNumber, event: &Event) -> Option<RemittanceId> {
    let sent = matches!(event, Event::MoneySent(_)).then_some(RemittanceId(number));
    sent.or_else(|| event.remittance())
}

fn transfer_of(number: EventNumber, event: &Event) -> Option<TransferId> {
    let begun = matches!(event, Event::WithdrawalRequested(_)).then_some(TransferId(number));
    begun.or_else(|| event.transfer())
}
