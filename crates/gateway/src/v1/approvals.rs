//! What one operator began and another must agree to.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use feiqian_core::{BrandId, CampaignId, EventNumber, Number, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Operator;
use super::error::{ApiError, ErrorType};
use super::fields::{Amount, BadText, BrandRef, CampaignRef, Cursor, Time};
use super::input::{Id, Made, PAGE_DEFAULT, Page, Queried, limit};
use super::responses::{Asking, Sending};
use crate::desk::approvals::{self, Asked, Status};
use crate::platform::{Platform, PlatformError};

/// Most approvals that one page looks at; its cursor goes on from there.
const LOOKED_AT_MAX: u64 = 2_000;

/// `apv_3`.
pub struct ApprovalRef(u64);

impl FromStr for ApprovalRef {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let number = text.strip_prefix("apv_").and_then(|text| text.parse().ok());
        number
            .filter(|number| format!("apv_{number}") == text)
            .map(Self)
            .ok_or(BadText("an id here is apv_ and a number"))
    }
}

/// Something that waits for a second operator, or waited.
#[derive(Debug, Serialize, ToSchema)]
pub struct Approval {
    /// `apv_3`.
    id: String,
    at: Time,
    /// Who began it.
    by: String,
    /// `brand_capital` or `campaign_budget`.
    kind: &'static str,
    /// What it is, for people.
    words: String,
    amount: Amount,
    status: Status,
    /// The second operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
}

/// Which approvals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// All if not said.
    #[param(inline, required = false)]
    status: Option<Status>,
    /// Entries of a page, 1 to 100; 20 if not said.
    #[serde(default, deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, required = false)]
    cursor: Option<Cursor>,
}

/// What was made, or waits for a second operator (202).
pub enum MadeOrPending<T> {
    /// It happened.
    Made(Made<T>),
    /// It did not happen yet.
    Pending(Box<Approval>),
}

impl<T: Serialize> IntoResponse for MadeOrPending<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Made(made) => made.into_response(),
            Self::Pending(approval) => (StatusCode::ACCEPTED, Json(*approval)).into_response(),
        }
    }
}

/// Does it if one operator is enough, or if another agreed since.
///
/// # Errors
/// What the rules refuse; 422 `approval_rejected`; 409 for another thing under the same number.
pub async fn do_or_ask(
    platform: &Platform,
    by: Number,
    number: Number,
    asked: Asked,
) -> Result<Result<(EventNumber, bool), Box<Approval>>, ApiError> {
    if asked.needs_nobody_else() {
        return approvals::perform(platform, by, number, asked)
            .await
            .map(Ok);
    }
    let _held = platform.desk.deciding.lock().await;
    let approval = match approvals::begun(platform, by, number)? {
        Some(approval) => approval,
        None => approvals::begin(platform, by, number, asked)?,
    };
    if approval.asked != asked {
        let message = "this number was used for something else";
        let other = ApiError::new(ErrorType::Conflict, "number_reused", message);
        return Err(other.at("Idempotency-Key"));
    }
    match approval.status {
        Status::Open => Ok(Err(Box::new(view(platform, approval).await?))),
        Status::Approved => approvals::perform(platform, by, number, asked)
            .await
            .map(Ok),
        Status::Rejected => {
            let message = "another operator said no; begin anew under another number";
            Err(ApiError::new(
                ErrorType::Refused,
                "approval_rejected",
                message,
            ))
        }
    }
}

async fn view(platform: &Platform, approval: approvals::Approval) -> Result<Approval, ApiError> {
    let (words, amount) = match approval.asked {
        Asked::Capital { brand, amount } => {
            let id = BrandId(brand);
            let name =
                move |state: &feiqian_core::State| state.brand(id).map(|brand| brand.name.clone());
            let name = platform.engine.read(name).await?.unwrap_or_default();
            (format!("Own money for {name} ({})", BrandRef(id)), amount)
        }
        Asked::Budget { campaign, from, to } => {
            let id = CampaignId(campaign);
            let name = move |state: &feiqian_core::State| {
                state.campaign(id).map(|row| row.terms.name.clone())
            };
            let name = platform.engine.read(name).await?.unwrap_or_default();
            let yuan = |fen: i64| format!("{}.{:02}", fen / 100, fen % 100);
            let id = CampaignRef(id);
            let words = format!("Budget of {name} ({id}), now {} yuan", yuan(from));
            (words, to)
        }
    };
    Ok(Approval {
        id: format!("apv_{}", approval.number),
        at: Time(UnixMillis(approval.at)),
        by: approval.by,
        kind: approval.asked.kind(),
        words,
        amount: feiqian_core::Fen(amount).into(),
        status: approval.status,
        decided_by: approval.decided_by,
    })
}

/// Lists what waits for a second operator, or waited, newest first
#[utoipa::path(
    get, path = "/v1/approvals",
    operation_id = "list_approvals", tag = "approvals", params(Which),
    responses(
        (status = 200, body = Page<Approval>, description = "A page"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(which): Queried<Which>,
) -> Result<Json<Page<Approval>>, ApiError> {
    let (rows, next_cursor) = rows(&platform, &which)?;
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        data.push(view(&platform, row).await?);
    }
    Ok(Json(Page { data, next_cursor }))
}

type Rows = (Vec<approvals::Approval>, Option<Cursor>);

fn rows(platform: &Platform, which: &Which) -> Result<Rows, PlatformError> {
    let limit = which.limit.unwrap_or(PAGE_DEFAULT);
    let end = approvals::len(platform)?;
    let end = which.cursor.map_or(end, |cursor| cursor.0.min(end));
    let (mut rows, mut next) = (Vec::new(), end);
    for number in (end.saturating_sub(LOOKED_AT_MAX)..end).rev() {
        if rows.len() == usize::from(limit) {
            break;
        }
        next = number;
        let row = approvals::get(platform, number)?;
        rows.extend(row.filter(|row| which.status.is_none_or(|status| row.status == status)));
    }
    Ok((rows, (next > 0).then_some(Cursor(next))))
}

/// Agrees to what another operator began: it happens at once
#[utoipa::path(
    post, path = "/v1/approvals/{id}/approve",
    operation_id = "approve", tag = "approvals", params(("id" = String, Path)),
    responses(
        (status = 200, body = Approval, description = "It happened"),
        Sending,
    )
)]
pub async fn approve(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(ApprovalRef(id)): Id<ApprovalRef>,
) -> Result<Json<Approval>, ApiError> {
    decide(&platform, by, id, Status::Approved).await
}

/// Says no to what another operator began, or takes back what one began
#[utoipa::path(
    post, path = "/v1/approvals/{id}/reject",
    operation_id = "reject", tag = "approvals", params(("id" = String, Path)),
    responses(
        (status = 200, body = Approval, description = "It does not happen"),
        Sending,
    )
)]
pub async fn reject(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(ApprovalRef(id)): Id<ApprovalRef>,
) -> Result<Json<Approval>, ApiError> {
    decide(&platform, by, id, Status::Rejected).await
}

async fn decide(
    platform: &Platform,
    by: Number,
    id: u64,
    status: Status,
) -> Result<Json<Approval>, ApiError> {
    let refused = |code, message| ApiError::new(ErrorType::Refused, code, message);
    let _held = platform.desk.deciding.lock().await;
    let found = approvals::get(platform, id)?;
    let mut approval =
        found.ok_or_else(|| ApiError::not_found("approval_not_found", "approval"))?;
    let operator = platform.desk.operators.get(&platform.vault, by)?;
    if !operator.is(approval.asked.role()) {
        return Err(ApiError::forbidden("your roles do not open this"));
    }
    if status == Status::Approved && approval.by == by.as_str() {
        let message = "whoever began it cannot agree to it";
        return Err(refused("same_operator", message));
    }
    if approval.status == status {
        return view(platform, approval).await.map(Json);
    }
    if approval.status != Status::Open {
        return Err(refused("already_decided", "this was decided already"));
    }
    if status == Status::Approved {
        let bad = || PlatformError::Record(format!("approval {id}"));
        let began = Number::new(&approval.by).map_err(|_| bad())?;
        let key = Number::new(&approval.key).map_err(|_| bad())?;
        approvals::perform(platform, began, key, approval.asked).await?;
    }
    approval.status = status;
    approval.decided_by = Some(by.as_str().to_owned());
    approvals::put(platform, &approval)?;
    view(platform, approval).await.map(Json)
}
