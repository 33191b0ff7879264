//! The books as operators see them: the trial balance, any account's entries, and an order's whole story.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::ledger::Side;
use feiqian_core::{Account, BrandId, Event, EventNumber, Fen, State};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::ask;
use super::auth::Operator;
use super::error::ApiError;
use super::fields::{Amount, BadText, Cursor, OrderIdRef, Time};
use super::input::{Id, Page, Paging};
use super::notifications::Notification;
use super::order_view::{Order, view};
use super::orders::unknown_order;
use super::responses::Asking;
use crate::access::Role;
use crate::app::blocking;
use crate::platform::Platform;
use crate::server::App;

/// An account by kind and owner: `bank_reserve-0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRef(Account);

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.kind(), self.0.code() >> 8)
    }
}

impl FromStr for AccountRef {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let account = || {
            let (kind, owner) = text.rsplit_once('-')?;
            let owner = owner
                .parse::<u64>()
                .ok()
                .filter(|owner| *owner <= u64::MAX >> 8)?;
            let codes = (0..=u64::from(u8::MAX)).map(|code| (owner << 8) | code);
            let mut accounts = codes.filter_map(Account::from_code);
            accounts.find(|account| account.kind() == kind)
        };
        let account = account().map(Self);
        let strict = account.filter(|account| account.to_string() == text);
        strict.ok_or(BadText("an account is a kind, a hyphen and a number"))
    }
}

impl Serialize for AccountRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A line of the trial balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBalance {
    /// An account, or a kind of which there are many: `wallet`, of all users of a brand.
    account: String,
    /// For people.
    name: String,
    kind: &'static str,
    /// Fen.
    #[schema(minimum = 0)]
    debit: i64,
    /// Fen.
    #[schema(minimum = 0)]
    credit: i64,
}

/// All accounts, each on its side: debits are credits.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    /// Events that it holds.
    #[schema(minimum = 0)]
    events: u64,
    data: Vec<AccountBalance>,
    /// Fen.
    #[schema(minimum = 0)]
    debit: i64,
    /// Fen.
    #[schema(minimum = 0)]
    credit: i64,
}

/// A posting that an account had a part in.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerEntry {
    /// The event's number.
    #[schema(minimum = 0)]
    event: u64,
    at: Time,
    /// What happened.
    kind: &'static str,
    #[schema(value_type = String)]
    debit: AccountRef,
    #[schema(value_type = String)]
    credit: AccountRef,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderIdRef>,
}

/// Money from one account to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostingView {
    #[schema(value_type = String)]
    debit: AccountRef,
    #[schema(value_type = String)]
    credit: AccountRef,
    amount: Amount,
}

/// An event of an order's story.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoryEvent {
    /// Its number.
    #[schema(minimum = 0)]
    event: u64,
    at: Time,
    kind: &'static str,
    postings: Vec<PostingView>,
}

/// All that is known of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderStory)]
pub struct Story {
    order: Order,
    /// Oldest first.
    events: Vec<StoryEvent>,
    /// What its merchant is still to be told, or could not be told.
    notifications: Vec<Notification>,
}

/// Sums of one line.
type Lines = BTreeMap<(u8, u64), (String, &'static str, Side, i64)>;

/// Shows all accounts with their balances, wallets summed up by brand and merchants together
#[utoipa::path(
    get, path = "/v1/ledger/trial-balance",
    operation_id = "get_trial_balance", tag = "ledger",
    responses(
        (status = 200, body = TrialBalance, description = "The balance"),
        Asking,
    )
)]
pub async fn trial_balance(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<TrialBalance>, ApiError> {
    Ok(Json(platform.engine.read(balance).await?))
}

fn balance(state: &State) -> TrialBalance {
    let mut lines = Lines::new();
    for (account, amount) in state.balances().filter(|(_, amount)| *amount != Fen::ZERO) {
        let (place, named) = line(state, account);
        let line = lines
            .entry(place)
            .or_insert_with(|| (named, account.kind(), account.side(), 0));
        line.3 = line.3.saturating_add(amount.0);
    }
    let (mut debit, mut credit) = (0_i64, 0_i64);
    let data = lines
        .into_iter()
        .map(|((_, owner), (name, kind, side, sum))| {
            let (left, right) = match side {
                Side::Debit => (sum, 0),
                Side::Credit => (0, sum),
            };
            debit = debit.saturating_add(left);
            credit = credit.saturating_add(right);
            let many = ["wallet", "merchant", "packet"].contains(&kind);
            let account = if many {
                kind.to_owned()
            } else {
                format!("{kind}-{owner}")
            };
            AccountBalance {
                account,
                name,
                kind,
                debit: left,
                credit: right,
            }
        });
    TrialBalance {
        events: state.next_event().0,
        data: data.collect(),
        debit,
        credit,
    }
}

/// Which line an account belongs to, and what that is called.
fn line(state: &State, account: Account) -> ((u8, u64), String) {
    let kind = u8::try_from(account.code() & 0xff).unwrap_or(u8::MAX);
    let owner = account.code() >> 8;
    let brand = |id: BrandId| {
        let name = state.brand(id).map(|brand| brand.name.clone());
        name.unwrap_or_default()
    };
    let owned = |by: String| ((kind, owner), format!("{} · {by}", account.kind()));
    match account {
        Account::Wallet(user) => {
            let id = state.user(user).map_or(BrandId(0), |user| user.brand);
            ((kind, u64::from(id.0)), format!("wallets · {}", brand(id)))
        }
        Account::Merchant(_) => ((kind, 0), "merchants".to_owned()),
        Account::Packet(_) => ((kind, 0), "red packets".to_owned()),
        Account::Transit(id)
        | Account::BankReserve(id)
        | Account::FeeIncome(id)
        | Account::Capital(id)
        | Account::RebateLoss(id)
        | Account::Remittance(id) => owned(brand(id)),
        Account::Subsidy(id) | Account::CampaignFund(id) | Account::PendingRebate(id) => {
            let name = state.campaign(id).map(|row| row.terms.name.clone());
            owned(name.unwrap_or_default())
        }
    }
}

/// Lists what moved an account's money, newest first
///
/// Of fee income, pending rebates and red packets no entries are kept: theirs are those of every payment, rebate
/// and packet.
#[utoipa::path(
    get, path = "/v1/ledger/accounts/{id}/entries",
    operation_id = "list_account_entries", tag = "ledger", params(("id" = String, Path), Paging),
    responses(
        (status = 200, body = Page<LedgerEntry>, description = "A page"),
        Asking,
    )
)]
pub async fn entries(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(AccountRef(account)): Id<AccountRef>,
    paging: Paging,
) -> Result<Json<Page<LedgerEntry>>, ApiError> {
    let exists = move |state: &State| state.balance(account).is_some();
    if !platform.engine.read(exists).await? {
        return Err(ApiError::not_found("not_found", "account"));
    }
    let (limit, before) = (
        paging.limit(),
        paging.cursor.map(|cursor| EventNumber(cursor.0)),
    );
    let read =
        move |store: &feiqian_store::Store| store.entries(account, before, limit.saturating_add(1));
    let rows = ask(&platform, read).await?;
    let rows = Page::cut(rows, limit, |(number, _)| Cursor(number.0));
    let lines = |(number, event): &(EventNumber, Event)| {
        let postings = postings(event).into_iter();
        let ours = postings.filter(|it| it.debit.0 == account || it.credit.0 == account);
        let order_id = event.order().map(Into::into);
        let (event, at, kind) = (number.0, event.at().into(), kind(event));
        ours.map(move |it| LedgerEntry {
            event,
            at,
            kind,
            debit: it.debit,
            credit: it.credit,
            amount: it.amount,
            order_id,
        })
        .collect::<Vec<_>>()
    };
    Ok(Json(Page {
        data: rows.data.iter().flat_map(lines).collect(),
        next_cursor: rows.next_cursor,
    }))
}

fn postings(event: &Event) -> Vec<PostingView> {
    let all = event.postings().into_iter().flat_map(|all| all.iter());
    all.map(|posting| PostingView {
        debit: AccountRef(posting.debit),
        credit: AccountRef(posting.credit),
        amount: posting.amount.into(),
    })
    .collect()
}

/// Shows an order's whole story: events, postings, and notices that did not arrive yet
#[utoipa::path(
    get, path = "/v1/orders/{id}/story",
    operation_id = "get_order_story", tag = "ledger", params(("id" = OrderIdRef, Path)),
    responses(
        (status = 200, body = Story, description = "The story"),
        Asking,
    )
)]
pub async fn story(
    Operator(by): Operator,
    Extract(app): Extract<App>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<Story>, ApiError> {
    let platform = &app.platform;
    let story = ask(platform, move |store| store.order(id)).await?;
    let story = story.ok_or_else(unknown_order)?;
    let begun = ask(platform, move |store| store.event(id.0)).await?;
    let all = begun.iter().map(|event| (id.0, event));
    let all = all.chain(story.later.iter().map(|(number, event)| (*number, event)));
    let events: Vec<_> = all.map(|(number, event)| told(number, event)).collect();
    let numbers: Vec<_> = events
        .iter()
        .map(|event| EventNumber(event.event))
        .collect();
    let notifications = match app.notifier.clone() {
        None => Vec::new(),
        Some(notifier) => {
            let notices = move |_: &Platform| {
                let found = notifier.of_events(&numbers);
                found.map_err(|error| ApiError::internal(&error))
            };
            blocking(platform, notices).await?
        }
    };
    Ok(Json(Story {
        order: view(platform, id, &story, Role::Operator(by)).await?,
        events,
        notifications: notifications.into_iter().map(Into::into).collect(),
    }))
}

fn told(number: EventNumber, event: &Event) -> StoryEvent {
    StoryEvent {
        event: number.0,
        at: event.at().into(),
        kind: kind(event),
        postings: postings(event),
    }
}

/// What happened, in a word.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Opened(_) => "opened",
        Event::BrandAdded(_) => "brand_added",
        Event::BrandFunded(_) => "brand_funded",
        Event::WithdrawalTermsSet(_) => "withdrawal_terms_set",
        Event::UserAdded(_) => "user_added",
        Event::UserStatusSet(_) => "user_status_set",
        Event::UserTierSet(_) => "user_tier_set",
        Event::TraitsSet(_) => "traits_set",
        Event::MerchantAdded(_) => "merchant_added",
        Event::MerchantChanged(_) => "merchant_changed",
        Event::TopUpRequested(_) => "top_up_requested",
        Event::WithdrawalRequested(_) => "withdrawal_requested",
        Event::TransferAnswered(_) => "transfer_answered",
        Event::OrderCreated(_) => "order_created",
        Event::OrderPaid(_) => "order_paid",
        Event::OrderClosed(_) => "order_closed",
        Event::OrderExpired(_) => "order_expired",
        Event::OrderReversed(_) => "order_reversed",
        Event::OrderRefunded(_) => "order_refunded",
        Event::OrderDeclined(_) => "order_declined",
        Event::CodeSpent(_) => "code_spent",
        Event::CampaignAdded(_) => "campaign_added",
        Event::CampaignStepped(_) => "campaign_stepped",
        Event::BudgetChanged(_) => "budget_changed",
        Event::CampaignEnded(_) => "campaign_ended",
        Event::CouponGiven(_) => "coupon_given",
        Event::CouponUsed(_) => "coupon_used",
        Event::CouponReturned(_) => "coupon_returned",
        Event::CouponVoided(_) => "coupon_voided",
        Event::CouponsChanged(_) => "coupons_changed",
        Event::RebatePaid(_) => "rebate_paid",
        Event::SubsidyPaid(_) => "subsidy_paid",
        Event::SubsidyReturned(_) => "subsidy_returned",
        Event::Swept(_) => "swept",
        Event::PacketSent(_) => "packet_sent",
        Event::ShareGrabbed(_) => "share_grabbed",
        Event::PacketExpired(_) => "packet_expired",
        Event::MoneySent(_) => "money_sent",
        Event::RemittanceArrived(_) => "remittance_arrived",
        Event::RemittanceTakenBack(_) => "remittance_taken_back",
        Event::RemittanceAccepted(_) => "remittance_accepted",
        Event::RemittanceReturned(_) => "remittance_returned",
        Event::MoneyRequested(_) => "money_requested",
        Event::ShareDeclined(_) => "share_declined",
        Event::RequestCancelled(_) => "request_cancelled",
        Event::RequestExpired(_) => "request_expired",
    }
}

#[cfg(test)]
mod tests {
    use feiqian_core::{CampaignId, UserId};

    use super::*;

    #[test]
    fn an_account_is_read_as_it_is_written() {
        for account in [
            Account::Wallet(UserId(u32::MAX)),
            Account::BankReserve(BrandId(7)),
            Account::Subsidy(CampaignId(0)),
        ] {
            let text = AccountRef(account).to_string();
            assert_eq!(
                text.parse::<AccountRef>().unwrap(),
                AccountRef(account),
                "{text}"
            );
        }
        for bad in [
            "",
            "wallet",
            "wallet-",
            "wallet-01",
            "wallet-4294967296",
            "purse-1",
            "wallet-+1",
        ] {
            assert!(bad.parse::<AccountRef>().is_err(), "{bad}");
        }
    }
}
