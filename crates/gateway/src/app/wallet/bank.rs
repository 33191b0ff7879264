//! Top-ups and withdrawals: asked for now, answered by the bank later.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use feiqian_core::bank::answer::Answer;
use feiqian_core::bank::fee::quote;
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::bank::withdraw::Withdraw;
use feiqian_core::limits::BALANCE_MAX;
use feiqian_core::{Event, Fen, State, TransferId, UserId};
use feiqian_engine::Receipt;
use feiqian_store::TransferStory;
use serde::{Deserialize, Serialize};

use super::entries::query;
use super::moves::MoveState;
use super::{Shopper, SignedShopper};
use crate::app::pin;
use crate::platform::{Platform, unix_millis};
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, Time, TransferRef};
use crate::v1::input::{Id, Made};
use crate::v1::{ask, misplaced};

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
    /// The bank has not answered.
    Pending,
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

/// How much, and the PIN if it is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    amount: Amount,
    pin: Option<String>,
}

/// Of how much.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    amount: i64,
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
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Terms>, ApiError> {
    let amount = Fen(query(asked)?.amount);
    if !amount.is_amount() {
        let message = "an amount is 1 to 1000000000000 fen";
        return Err(ApiError::invalid("query_bad", message).at("amount"));
    }
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
    };
    let receipt = platform.engine.submit(command).await?;
    made(&platform, user, receipt).await
}

fn status(story: &TransferStory) -> Status {
    match &story.answer {
        Some((_, Event::TransferAnswered(event))) => match event.answer {
            Answer::Done => Status::Done,
            Answer::Declined => Status::Declined,
        },
        Some(_) | None => Status::Pending,
    }
}

/// What became of a withdrawal, for its entry.
pub(super) fn became(story: Option<&TransferStory>) -> MoveState {
    match story.map(status) {
        Some(Status::Done) => MoveState::Done,
        Some(Status::Declined) => MoveState::Failed,
        Some(Status::Pending) | None => MoveState::Pending,
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
        status: status(story),
        at: at.into(),
    })
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
