//! Top-ups and withdrawals: asked for now, answered by the bank later.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::bank::answer::Answer;
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::bank::withdraw::Withdraw;
use feiqian_core::{Event, Fen, TransferId, UserId};
use feiqian_engine::Receipt;
use feiqian_store::TransferStory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::error::ApiError;
use super::fields::{Amount, Time, TransferRef, UserRef};
use super::input::{Id, Input, Key, Made, Numbered};
use super::responses::{Asking, Sending};
use super::{ask, misplaced};
use crate::access::Role;
use crate::platform::Platform;

/// Which way the money goes.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// From the bank into the wallet.
    TopUp,
    /// From the wallet to the bank.
    Withdrawal,
}

/// What became of it.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferStatus {
    /// The bank has not answered yet, or nobody knows its answer: it is asked again until it says. Money to be
    /// withdrawn has left the wallet.
    Pending,
    /// The money moved.
    Succeeded,
    /// The bank declined. Money to be withdrawn is back in the wallet.
    Failed,
}

/// A top-up or withdrawal.
#[derive(Serialize, ToSchema)]
pub struct Transfer {
    id: TransferRef,
    user_id: UserRef,
    kind: TransferKind,
    amount: Amount,
    /// On top of the amount, in fen; goes back with it if the bank declines.
    #[schema(minimum = 0)]
    fee: i64,
    status: TransferStatus,
    created_at: Time,
    /// When the bank answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<Time>,
}

/// How much is to be moved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTransfer {
    amount: Amount,
}

/// How much is to be withdrawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    amount: Amount,
    /// The most that it may cost, in fen, as the user was told; refused with `fee_above` if it costs more.
    /// Without it: whatever the brand takes.
    #[schema(minimum = 0)]
    fee_at_most: Option<i64>,
}

/// Asks the bank for a user's money
#[utoipa::path(
    post, path = "/v1/users/{id}/top_ups",
    operation_id = "top_up", request_body = NewTransfer, tag = "transfers", params(("id" = UserRef, Path), Numbered),
    responses(
        (status = 201, body = Transfer, description = "Asked"),
        (status = 200, body = Transfer, description = "Asked before"),
        Sending,
    )
)]
pub async fn top_up(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
    Key(number): Key,
    Input(new): Input<NewTransfer>,
) -> Result<Made<Transfer>, ApiError> {
    caller.may_see_user(user)?;
    let command = TopUp {
        user,
        number,
        amount: new.amount.into(),
    };
    let receipt = platform.engine.submit(command).await?;
    made(&platform, receipt).await
}

/// Sends a user's money to the bank
#[utoipa::path(
    post, path = "/v1/users/{id}/withdrawals",
    operation_id = "withdraw", request_body = NewWithdrawal, tag = "transfers", params(("id" = UserRef, Path), Numbered),
    responses(
        (status = 201, body = Transfer, description = "Asked"),
        (status = 200, body = Transfer, description = "Asked before"),
        Sending,
    )
)]
pub async fn withdraw(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
    Key(number): Key,
    Input(new): Input<NewWithdrawal>,
) -> Result<Made<Transfer>, ApiError> {
    caller.must_be_user(user)?;
    let command = Withdraw {
        user,
        number,
        amount: new.amount.into(),
        fee_at_most: new.fee_at_most.map(Fen),
    };
    let receipt = platform.engine.submit(command).await?;
    made(&platform, receipt).await
}

async fn made(platform: &Platform, receipt: Receipt) -> Result<Made<Transfer>, ApiError> {
    let id = TransferId(receipt.event);
    let story = ask(platform, move |store| store.transfer(id)).await?;
    let value = story.and_then(|story| view(id, &story));
    let value = value.ok_or_else(|| misplaced(receipt.event))?;
    Ok(Made {
        again: receipt.again,
        value,
    })
}

/// Shows a top-up or withdrawal
#[utoipa::path(
    get, path = "/v1/transfers/{id}",
    operation_id = "get_transfer", tag = "transfers", params(("id" = TransferRef, Path)),
    responses(
        (status = 200, body = Transfer, description = "The transfer"),
        Asking,
    )
)]
pub async fn show(
    Caller(role): Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(TransferRef(id)): Id<TransferRef>,
) -> Result<Json<Transfer>, ApiError> {
    let story = ask(&platform, move |store| store.transfer(id)).await?;
    let transfer = story
        .and_then(|story| view(id, &story))
        .filter(|transfer| match role {
            Role::Operator(_) => true,
            Role::User(user) => UserId(user) == transfer.user_id.0,
            Role::Merchant(_) => false,
        });
    transfer
        .map(Json)
        .ok_or_else(|| ApiError::not_found("transfer_not_found", "transfer"))
}

fn view(id: TransferId, story: &TransferStory) -> Option<Transfer> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "these two events begin transfers"
    )]
    let (kind, user, amount, fee, at): (_, UserId, Fen, _, _) = match &story.request {
        Event::TopUpRequested(event) => (
            TransferKind::TopUp,
            event.user,
            event.amount,
            None,
            event.at,
        ),
        Event::WithdrawalRequested(event) => {
            let kind = TransferKind::Withdrawal;
            (kind, event.user, event.amount, event.fee, event.at)
        }
        _ => return None,
    };
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "this event answers transfers"
    )]
    let (status, answered_at) = match &story.answer {
        None => (TransferStatus::Pending, None),
        Some((_, Event::TransferAnswered(event))) => match event.answer {
            Answer::Done => (TransferStatus::Succeeded, Some(event.at.into())),
            Answer::Declined => (TransferStatus::Failed, Some(event.at.into())),
        },
        Some(_) => return None,
    };
    Some(Transfer {
        id: id.into(),
        user_id: user.into(),
        kind,
        amount: amount.into(),
        fee: fee.unwrap_or_default().0,
        status,
        created_at: at.into(),
        answered_at,
    })
}
