//! Requests for money: of one person, or of several who split a bill.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::remittance::To;
use feiqian_core::remittance::send::SendMoney;
use feiqian_core::request::ShareState;
use feiqian_core::request::ask::RequestMoney;
use feiqian_core::request::cancel::CancelRequest;
use feiqian_core::request::decline::DeclineShare;
use feiqian_core::{EventNumber, Fen, RequestId, UserId};
use feiqian_store::{List, RequestStage, RequestStory};
use serde::{Deserialize, Serialize};

use super::payees::{self, Asker, Peer};
use super::{Nothing, Shopper, SignedShopper, names};
use crate::app::pin;
use crate::platform::{Platform, PlatformError};
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, Cursor, RequestRef, Text, Time};
use crate::v1::input::{Id, Input, Key, Made, Page, Paging};
use crate::v1::{ask, misplaced};

/// Shares of one request.
const SHARES_MAX: usize = 50;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Somebody has not answered.
    Open,
    /// Everybody has.
    Done,
    /// Who asked takes it back.
    Cancelled,
    /// Its 7 days are over.
    Expired,
}

/// What became of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareStatus {
    /// Not answered.
    Open,
    /// Paid.
    Paid,
    /// Declined.
    Declined,
}

impl From<RequestStage> for Status {
    fn from(stage: RequestStage) -> Self {
        match stage {
            RequestStage::Open => Self::Open,
            RequestStage::Done => Self::Done,
            RequestStage::Cancelled => Self::Cancelled,
            RequestStage::Expired => Self::Expired,
        }
    }
}

impl From<ShareState> for ShareStatus {
    fn from(state: ShareState) -> Self {
        match state {
            ShareState::Open => Self::Open,
            ShareState::Paid => Self::Paid,
            ShareState::Declined => Self::Declined,
        }
    }
}

/// A request as one of its people sees it.
#[derive(Debug, Serialize)]
pub struct MoneyRequest {
    id: RequestRef,
    from: String,
    mine: bool,
    note: String,
    at: Time,
    pub(super) status: Status,
    pub(super) shares: Vec<Share>,
}

/// What is asked of one person.
#[derive(Debug, Serialize)]
pub struct Share {
    who: String,
    pub(super) mine: bool,
    amount: i64,
    pub(super) status: ShareStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
}

/// A new request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    note: Text<60>,
    total: Option<Amount>,
    shares: Vec<NewShare>,
}

/// Of whom, and how much.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewShare {
    to: String,
    amount: Amount,
}

/// With the PIN, if it is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithPin {
    pin: Option<String>,
}

fn unknown() -> ApiError {
    ApiError::not_found("request_not_found", "request")
}

fn id_of(text: &str) -> Result<RequestId, ApiError> {
    let RequestRef(id) = text.parse().map_err(|_| unknown())?;
    Ok(id)
}

fn check_sum(new: &NewRequest) -> Result<(), ApiError> {
    if new.shares.len() > SHARES_MAX {
        let message = "money is asked of 1 to 50 persons";
        return Err(ApiError::invalid("shares_out_of_range", message).at("shares"));
    }
    let amounts = new.shares.iter().map(|share| Fen::from(share.amount).0);
    let sum = amounts.fold(0_i64, i64::saturating_add);
    match new.total {
        Some(total) if Fen::from(total).0 != sum => {
            let message = format!("the shares are {} yuan together", Fen(sum));
            Err(ApiError::invalid("total_differs", message).at("total"))
        }
        Some(_) | None => Ok(()),
    }
}

/// POST requests
pub async fn make(
    shopper: Shopper,
    Peer(address): Peer,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewRequest>,
) -> Result<Made<MoneyRequest>, ApiError> {
    check_sum(&new)?;
    let asker = Asker { shopper, address };
    let mut shares = Vec::with_capacity(new.shares.len());
    for (nth, share) in new.shares.iter().enumerate() {
        let param = format!("shares[{nth}].to");
        let payer = payees::registered(&platform, asker, &share.to, &param).await?;
        shares.push((payer, share.amount.into()));
    }
    let receipt = platform
        .engine
        .submit(RequestMoney {
            asker: shopper.user,
            number,
            shares,
            note: new.note.0.into(),
        })
        .await?;
    made(
        &platform,
        shopper.user,
        RequestId(receipt.event),
        receipt.again,
    )
    .await
}

/// GET requests: of this person and to this person, newest first.
pub async fn list(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    paging: Paging,
) -> Result<Json<Page<MoneyRequest>>, ApiError> {
    let before = paging.cursor.map(|cursor| EventNumber(cursor.0));
    part(&platform, user, before, paging.limit())
        .await
        .map(Json)
}

async fn part(
    platform: &Platform,
    user: UserId,
    before: Option<EventNumber>,
    limit: usize,
) -> Result<Page<MoneyRequest>, ApiError> {
    let rows = ask(platform, move |store| {
        store.list(List::Requests(user), before, limit.saturating_add(1))
    })
    .await?;
    let rows = Page::cut(rows, limit, |(number, _)| Cursor(number.0));
    let mut data = Vec::with_capacity(rows.data.len());
    for (number, _) in &rows.data {
        data.extend(find(platform, user, RequestId(*number)).await?);
    }
    Ok(Page {
        data,
        next_cursor: rows.next_cursor,
    })
}

/// Those of the newest that wait for this person's money.
pub(super) async fn waiting(
    platform: &Platform,
    user: UserId,
) -> Result<Vec<MoneyRequest>, ApiError> {
    let newest = part(platform, user, None, SHARES_MAX).await?.data;
    let waits = |request: &MoneyRequest| {
        let mut shares = request.shares.iter();
        request.status == Status::Open
            && shares.any(|share| share.mine && share.status == ShareStatus::Open)
    };
    Ok(newest.into_iter().filter(waits).collect())
}

/// POST requests/{id}/pay
pub async fn pay(
    Id(id): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<WithPin>,
) -> Result<Made<MoneyRequest>, ApiError> {
    let SignedShopper {
        shopper,
        number,
        value,
    } = signed;
    let (id, payer) = (id_of(&id)?, shopper.user);
    let story = ask(&platform, move |store| store.request(id)).await?;
    let asked = story.ok_or_else(unknown)?.asked;
    let share = asked.shares.iter().find(|(user, _)| *user == payer);
    let amount = share.map(|(_, amount)| *amount).ok_or_else(unknown)?;
    pin::check(&platform, shopper, number, value.pin.as_deref(), amount).await?;
    let receipt = platform
        .engine
        .submit(SendMoney {
            payer,
            number,
            to: To::Now(asked.asker),
            amount,
            message: Some(asked.note.clone()),
            request: Some(id),
        })
        .await?;
    made(&platform, payer, id, receipt.again).await
}

/// POST requests/{id}/decline
pub async fn decline(
    Id(id): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Nothing>,
) -> Result<Made<MoneyRequest>, ApiError> {
    let (request, payer) = (id_of(&id)?, signed.shopper.user);
    let before = find(&platform, payer, request).await?.ok_or_else(unknown)?;
    let mut mine = before.shares.iter().filter(|share| share.mine);
    if mine.any(|share| share.status == ShareStatus::Declined) {
        return Ok(Made {
            again: true,
            value: before,
        });
    }
    let receipt = platform
        .engine
        .submit(DeclineShare { request, payer })
        .await?;
    made(&platform, payer, request, receipt.again).await
}

/// POST requests/{id}/cancel
pub async fn cancel(
    Id(id): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Nothing>,
) -> Result<Made<MoneyRequest>, ApiError> {
    let (request, asker) = (id_of(&id)?, signed.shopper.user);
    let before = find(&platform, asker, request).await?.ok_or_else(unknown)?;
    if before.mine && before.status == Status::Cancelled {
        return Ok(Made {
            again: true,
            value: before,
        });
    }
    let receipt = platform
        .engine
        .submit(CancelRequest { request, asker })
        .await?;
    made(&platform, asker, request, receipt.again).await
}

async fn made(
    platform: &Platform,
    user: UserId,
    id: RequestId,
    again: bool,
) -> Result<Made<MoneyRequest>, ApiError> {
    let value = find(platform, user, id).await?;
    let value = value.ok_or_else(|| misplaced(id.0))?;
    Ok(Made { again, value })
}

/// The request, if this user asked or is asked.
async fn find(
    platform: &Platform,
    user: UserId,
    id: RequestId,
) -> Result<Option<MoneyRequest>, ApiError> {
    let story = ask(platform, move |store| store.request(id)).await?;
    let concerns = |story: &RequestStory| {
        let mut payers = story.asked.shares.iter().map(|(payer, _)| *payer);
        story.asked.asker == user || payers.any(|payer| payer == user)
    };
    match story.filter(concerns) {
        Some(story) => Ok(Some(view(platform, user, id, &story)?)),
        None => Ok(None),
    }
}

fn view(
    platform: &Platform,
    user: UserId,
    id: RequestId,
    story: &RequestStory,
) -> Result<MoneyRequest, PlatformError> {
    let asked = &story.asked;
    let mut shares = Vec::with_capacity(asked.shares.len());
    for (share, at) in story.shares() {
        shares.push(Share {
            who: names::of(platform, share.payer)?,
            mine: share.payer == user,
            amount: share.amount.0,
            status: share.state.into(),
            at: at.map(Into::into),
        });
    }
    Ok(MoneyRequest {
        id: id.into(),
        from: names::of(platform, asked.asker)?,
        mine: asked.asker == user,
        note: asked.note.to_string(),
        at: asked.at.into(),
        status: story.stage().into(),
        shares,
    })
}
