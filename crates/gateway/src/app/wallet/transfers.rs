//! Money from person to person: at once, later unless taken back, or held for whoever registers a number.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::remittance::accept::AcceptRemittance;
use feiqian_core::remittance::send::{Refusal, SendMoney};
use feiqian_core::remittance::take_back::TakeBackRemittance;
use feiqian_core::remittance::{Claim, Delay, To};
use feiqian_core::{RemittanceId, State, UserId};
use feiqian_engine::{Receipt, Rejected};
use feiqian_store::{RemittanceStage, RemittanceStory};
use serde::{Deserialize, Serialize};

use super::moves::MoveState;
use super::payees::{self, Asker, Peer, Reached};
use super::{Nothing, Shopper, SignedShopper, names};
use crate::app::phone::{self, Phone};
use crate::app::pin;
use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, RemittanceRef, Text, Time};
use crate::v1::input::{Id, Made};
use crate::v1::{ask, misplaced};

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From this person.
    Out,
    /// To this person.
    In,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has not reached the payee.
    Waiting,
    /// It has.
    Arrived,
    /// Its sender took it back.
    TakenBack,
    /// Nobody took it, so it went back.
    Returned,
}

/// A transfer as one of the two sees it.
#[derive(Debug, Serialize)]
pub struct Transfer {
    id: RemittanceRef,
    direction: Direction,
    other: String,
    amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    at: Time,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    can_take_back: bool,
}

/// A new transfer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTransfer {
    to: String,
    amount: Amount,
    message: Option<Text<60>>,
    delay_hours: u8,
    pin: Option<String>,
}

/// By what money for this number is claimed: a keyed hash, so that the log holds no number.
fn claim(platform: &Platform, phone: &Phone) -> Result<Claim, PlatformError> {
    let key = platform.vault.derive("claims")?;
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &*key),
        phone.as_str().as_bytes(),
    );
    let mut first = [0; 8];
    first.copy_from_slice(&tag.as_ref()[..8]);
    Ok(Claim(u64::from_be_bytes(first)))
}

/// The number that a claim is of, masked, for the eyes of who sent money to it.
fn claim_name(claim: Claim) -> String {
    format!("app/claim/{:016x}", claim.0)
}

/// Whom a claim is of, masked.
pub(super) fn claimer(platform: &Platform, claim: Claim) -> Result<String, PlatformError> {
    Ok(read_record(&platform.vault, &claim_name(claim))?.unwrap_or_else(|| "*".to_owned()))
}

/// Accepts what waits for a number that has just been registered: all of it, or as much as can be.
///
/// # Errors
/// When engine or vault fail; a transfer that went back meanwhile is none.
pub async fn accept_waiting(
    platform: &Platform,
    phone: &Phone,
    payee: UserId,
) -> Result<(), ApiError> {
    let claim = claim(platform, phone)?;
    let read = move |state: &State| state.held_for(claim).collect::<Vec<_>>();
    for remittance in platform.engine.read(read).await? {
        let accepted = platform.engine.submit(AcceptRemittance {
            remittance,
            claim,
            payee,
        });
        match accepted.await {
            Ok(_) => {}
            Err(Rejected::Refused(refusal)) => {
                tracing::debug!(%remittance, %refusal, "a transfer was not accepted");
            }
            Err(rejected) => return Err(rejected.into()),
        }
    }
    Ok(())
}

fn delayed(payee: UserId, hours: u8) -> Result<To, ApiError> {
    match hours {
        0 => Ok(To::Now(payee)),
        2 => Ok(To::Later(payee, Delay::TwoHours)),
        24 => Ok(To::Later(payee, Delay::Day)),
        _ => {
            let message = "money arrives at once, after 2 hours or after 24";
            Err(ApiError::invalid("delay_bad", message).at("delay_hours"))
        }
    }
}

/// POST transfers
pub async fn send(
    Peer(address): Peer,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<NewTransfer>,
) -> Result<Made<Transfer>, ApiError> {
    let SignedShopper {
        shopper,
        number,
        value: new,
    } = signed;
    let payer = shopper.user;
    let found = payees::look_up(&platform, Asker { shopper, address }, &new.to).await?;
    let to = match &found {
        Reached::User(payee) => delayed(*payee, new.delay_hours)?,
        Reached::Number(phone) => {
            let claim = claim(&platform, phone)?;
            write_record(&platform.vault, &claim_name(claim), &phone.masked())?;
            To::Unregistered(claim)
        }
        Reached::Nobody => return Err(payees::nobody().at("to")),
    };
    pin::check(
        &platform,
        shopper,
        number,
        new.pin.as_deref(),
        new.amount.into(),
    )
    .await?;
    let command = SendMoney {
        payer,
        number,
        to,
        amount: new.amount.into(),
        message: new.message.map(|text| text.0.into()),
        request: None,
    };
    let receipt = submit(&platform, command, &new.to).await?;
    if let (Reached::Number(phone), false) = (&found, receipt.again) {
        // Who registered just now looked for what waits before this was sent.
        if let Some(payee) = phone::user_of(&platform, phone)? {
            accept_waiting(&platform, phone, payee).await?;
        }
    }
    let id = RemittanceId(receipt.event);
    let value = find(&platform, payer, id).await?;
    Ok(Made {
        again: receipt.again,
        value: value.ok_or_else(|| misplaced(receipt.event))?,
    })
}

/// Sends. When the payee registered between two tries of one request, the first try is answered.
async fn submit(platform: &Platform, command: SendMoney, to: &str) -> Result<Receipt, ApiError> {
    let first = platform.engine.submit(command.clone()).await;
    let reused = matches!(first, Err(Rejected::Refused(Refusal::NumberReused)));
    if let (true, Ok(phone)) = (reused, to.parse::<Phone>()) {
        let to = To::Unregistered(claim(platform, &phone)?);
        // The number is used, so this is that request or it is refused.
        return Ok(platform.engine.submit(SendMoney { to, ..command }).await?);
    }
    Ok(first?)
}

/// GET transfers/{id}
pub async fn show(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Id(RemittanceRef(id)): Id<RemittanceRef>,
) -> Result<Json<Transfer>, ApiError> {
    let found = find(&platform, user, id).await?;
    found.map(Json).ok_or_else(unknown)
}

/// POST transfers/{id}/take-back
pub async fn take_back(
    Id(id): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Nothing>,
) -> Result<Made<Transfer>, ApiError> {
    let payer = signed.shopper.user;
    let RemittanceRef(remittance) = id.parse().map_err(|_| unknown())?;
    let before = find(&platform, payer, remittance).await?;
    let before = before
        .filter(|transfer| transfer.direction == Direction::Out)
        .ok_or_else(unknown)?;
    if before.status == Status::TakenBack {
        return Ok(Made {
            again: true,
            value: before,
        });
    }
    let command = TakeBackRemittance { payer, remittance };
    let receipt = platform.engine.submit(command).await?;
    let value = find(&platform, payer, remittance).await?;
    Ok(Made {
        again: receipt.again,
        value: value.ok_or_else(|| misplaced(receipt.event))?,
    })
}

fn unknown() -> ApiError {
    ApiError::not_found("transfer_not_found", "transfer")
}

/// The transfer, if this user is one of the two.
pub(super) async fn find(
    platform: &Platform,
    user: UserId,
    id: RemittanceId,
) -> Result<Option<Transfer>, ApiError> {
    let story = ask(platform, move |store| store.remittance(id)).await?;
    match story {
        Some(story) => Ok(view(platform, user, id, &story)?),
        None => Ok(None),
    }
}

impl Status {
    fn of(stage: RemittanceStage) -> Self {
        match stage {
            RemittanceStage::Waiting(_) => Self::Waiting,
            RemittanceStage::Arrived(..) => Self::Arrived,
            RemittanceStage::TakenBack(_) => Self::TakenBack,
            RemittanceStage::Returned(_) => Self::Returned,
        }
    }
}

/// Whom it reached, or is to reach.
fn payee(story: &RemittanceStory) -> Option<UserId> {
    match story.stage() {
        RemittanceStage::Arrived(payee, _) => Some(payee),
        RemittanceStage::Waiting(_)
        | RemittanceStage::TakenBack(_)
        | RemittanceStage::Returned(_) => story.sent.to.payee(),
    }
}

/// What became of what left the wallet, for its entry.
pub(super) fn became(story: Option<&RemittanceStory>) -> MoveState {
    match story.map(RemittanceStory::stage) {
        Some(RemittanceStage::Arrived(..)) => MoveState::Done,
        Some(RemittanceStage::TakenBack(_) | RemittanceStage::Returned(_)) => MoveState::Failed,
        Some(RemittanceStage::Waiting(_)) | None => MoveState::Pending,
    }
}

/// Who it goes to, as its sender may know.
pub(super) fn payee_shown(
    platform: &Platform,
    story: &RemittanceStory,
) -> Result<String, PlatformError> {
    match (payee(story), story.sent.to) {
        (Some(payee), _) => names::of(platform, payee),
        (None, To::Unregistered(claim)) => claimer(platform, claim),
        (None, To::Now(_) | To::Later(..)) => Ok("*".to_owned()),
    }
}

fn view(
    platform: &Platform,
    user: UserId,
    id: RemittanceId,
    story: &RemittanceStory,
) -> Result<Option<Transfer>, PlatformError> {
    let sent = &story.sent;
    let direction = if sent.payer == user {
        Direction::Out
    } else if payee(story) == Some(user) {
        Direction::In
    } else {
        return Ok(None);
    };
    let stage = story.stage();
    let due = match stage {
        RemittanceStage::Waiting(due) => Some(due),
        RemittanceStage::Arrived(..)
        | RemittanceStage::TakenBack(_)
        | RemittanceStage::Returned(_) => None,
    };
    Ok(Some(Transfer {
        id: id.into(),
        direction,
        other: match direction {
            Direction::Out => payee_shown(platform, story)?,
            Direction::In => names::of(platform, sent.payer)?,
        },
        amount: sent.amount.0,
        message: sent.message.as_deref().map(str::to_owned),
        at: sent.at.into(),
        status: Status::of(stage),
        due_at: due.map(Into::into),
        can_take_back: direction == Direction::Out && due.is_some_and(|due| unix_millis() < due),
    }))
}
