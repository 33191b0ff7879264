//! Top-ups and withdrawals: asked for now, answered by the bank later.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::bank::answer::Answer;
use feiqian_core::bank::fee::quote;
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::bank::withdraw::Withdraw;
use feiqian_core::bank::{Direction, Transfer};
use feiqian_core::limits::BALANCE_MAX;
use feiqian_core::{Event, Fen, State, TransferId, UnixMillis, UserId};
use feiqian_engine::Receipt;
use feiqian_store::TransferStory;
use serde::{Deserialize, Serialize};

use super::entries::List;
use super::moves::MoveState;
use super::{Shopper, SignedShopper};
use crate::app::pin;
use crate::bank::ANSWERS_WITHIN;
use crate::platform::{Platform, unix_millis};
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, Time, TransferRef};
use crate::v1::input::{Id, Made, Queried};
use crate::v1::{ask, misplaced};

/// Most waiting transfers that are listed.
const LISTED_MAX: usize = 20;

/// Which way the money goes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Into the wallet.
    TopUp,
    /// Out of it.
    Withdrawal,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The bank was asked.
    Pending,
    /// It has not said in time what it did; it is asked again until it does.
    Unknown,
    /// The money moved.
    Done,
    /// It did not, and will not.
    Declined,
}

/// A top-up or withdrawal.
#[derive(Debug, Serialize)]
pub struct BankTransfer {
    id: TransferRef,
    kind: Kind,
    amount: Amount,
    fee: i64,
    status: Status,
    at: Time,
}

/// How much.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTopUp {
    amount: Amount,
}

/// How much, what the shopper was told that it costs, and the PIN if it is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    amount: Amount,
    fee_at_most: Option<i64>,
    pin: Option<String>,
}

/// Of how much.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    amount: Amount,
}

/// What a withdrawal costs.
#[derive(Debug, Serialize)]
pub struct Terms {
    fee: i64,
    free_left: i64,
    fee_basis_points: u16,
}

/// GET withdrawal-terms?amount=: a brand without terms takes nothing, so all that a wallet can hold is free.
pub async fn terms(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(asked): Queried<Asked>,
) -> Result<Json<Terms>, ApiError> {
    let amount = asked.amount.into();
    let now = unix_millis();
    let read = move |state: &State| quote(state, now, user, amount);
    let terms = match platform.engine.read(read).await? {
        Some(quote) => Terms {
            fee: quote.fee.0,
            free_left: quote.free_left.0,
            fee_basis_points: quote.terms.rate.0,
        },
        None => Terms {
            fee: 0,
            free_left: BALANCE_MAX.0,
            fee_basis_points: 0,
        },
    };
    Ok(Json(terms))
}

/// POST top-ups
pub async fn top_up(
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<NewTopUp>,
) -> Result<Made<BankTransfer>, ApiError> {
    let (user, number) = (signed.shopper.user, signed.number);
    let command = TopUp {
        user,
        number,
        amount: signed.value.amount.into(),
    };
    let receipt = platform.engine.submit(command).await?;
    made(&platform, user, receipt).await
}

/// POST withdrawals
pub async fn withdraw(
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<NewWithdrawal>,
) -> Result<Made<BankTransfer>, ApiError> {
    let SignedShopper {
        shopper,
        number,
        value: new,
    } = signed;
    let (user, amount) = (shopper.user, new.amount.into());
    pin::check(&platform, shopper, number, new.pin.as_deref(), amount).await?;
    let command = Withdraw {
        user,
        number,
        amount,
        fee_at_most: new.fee_at_most.map(Fen),
    };
    let receipt = platform.engine.submit(command).await?;
    made(&platform, user, receipt).await
}

fn answered(story: &TransferStory) -> Option<Answer> {
    match &story.answer {
        Some((_, Event::TransferAnswered(event))) => Some(event.answer),
        Some(_) | None => None,
    }
}

/// Of a transfer without an answer. Time alone tells, so it is the same after a restart.
fn waits(at: UnixMillis) -> Status {
    let waited = unix_millis().0.saturating_sub(at.0);
    if u128::try_from(waited).is_ok_and(|waited| waited > ANSWERS_WITHIN.as_millis()) {
        Status::Unknown
    } else {
        Status::Pending
    }
}

/// What became of a withdrawal, for its entry.
pub(super) fn became(story: Option<&TransferStory>) -> MoveState {
    match story.and_then(answered) {
        Some(Answer::Done) => MoveState::Done,
        Some(Answer::Declined) => MoveState::Failed,
        None => MoveState::Pending,
    }
}

fn view(id: TransferId, user: UserId, story: &TransferStory) -> Option<BankTransfer> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "these two events begin transfers"
    )]
    let (kind, owner, amount, fee, at) = match &story.request {
        Event::TopUpRequested(event) => (Kind::TopUp, event.user, event.amount, None, event.at),
        Event::WithdrawalRequested(event) => {
            let kind = Kind::Withdrawal;
            (kind, event.user, event.amount, event.fee, event.at)
        }
        _ => return None,
    };
    (owner == user).then(|| BankTransfer {
        id: id.into(),
        kind,
        amount: amount.into(),
        fee: fee.unwrap_or_default().0,
        status: match answered(story) {
            Some(Answer::Done) => Status::Done,
            Some(Answer::Declined) => Status::Declined,
            None => waits(at),
        },
        at: at.into(),
    })
}

fn waiting(id: TransferId, transfer: &Transfer) -> BankTransfer {
    BankTransfer {
        id: id.into(),
        kind: match transfer.direction {
            Direction::TopUp => Kind::TopUp,
            Direction::Withdrawal => Kind::Withdrawal,
        },
        amount: transfer.amount.into(),
        fee: transfer.fee.unwrap_or_default().0,
        status: waits(transfer.at),
        at: transfer.at.into(),
    }
}

/// GET bank-transfers: the newest that wait for the bank, so that leaving the page loses sight of none.
pub async fn list(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<List<BankTransfer>>, ApiError> {
    let read = move |state: &State| state.pending_transfers_of(user);
    let pending = platform.engine.read(read).await?;
    let newest = pending.iter().rev().take(LISTED_MAX);
    let data = newest.map(|(id, transfer)| waiting(*id, transfer));
    Ok(Json(List::whole(data.collect())))
}

async fn find(
    platform: &Platform,
    user: UserId,
    id: TransferId,
) -> Result<Option<BankTransfer>, ApiError> {
    let story = ask(platform, move |store| store.transfer(id)).await?;
    Ok(story.and_then(|story| view(id, user, &story)))
}

/// GET bank-transfers/{id}
pub async fn show(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Id(TransferRef(id)): Id<TransferRef>,
) -> Result<Json<BankTransfer>, ApiError> {
    let found = find(&platform, user, id).await?;
    let unknown = || ApiError::not_found("transfer_not_found", "transfer");
    found.map(Json).ok_or_else(unknown)
}

async fn made(
    platform: &Platform,
    user: UserId,
    receipt: Receipt,
) -> Result<Made<BankTransfer>, ApiError> {
    let found = find(platform, user, TransferId(receipt.event)).await?;
    Ok(Made {
        again: receipt.again,
        value: found.ok_or_else(|| misplaced(receipt.event))?,
    })
}
