//! Changing a campaign's budget: from what the caller believes it is.

use std::sync::Arc;

use axum::extract::State as Extract;
use feiqian_core::{Event, Fen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::approvals::{Approval, MadeOrPending, do_or_ask};
use super::super::auth::Operator;
use super::super::error::ApiError;
use super::super::fields::{Amount, CampaignRef, Time};
use super::super::input::{Id, Input, Key, Made, Numbered};
use super::super::responses::Sending;
use super::super::{ask_now, misplaced};
use crate::desk::approvals::Asked;
use crate::platform::Platform;

/// From what to what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// What the budget is. If it is another by now, nothing changes (`other_budget`).
    from: Amount,
    /// What it shall be: at least what is granted and promised.
    to: Amount,
}

/// A budget that was changed.
#[derive(Serialize, ToSchema)]
pub struct BudgetChange {
    campaign_id: CampaignRef,
    from: Amount,
    to: Amount,
    at: Time,
}

/// Changes a campaign's budget
///
/// Raised above 100,000 yuan, another operator agrees first.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/budget",
    operation_id = "change_campaign_budget", request_body = NewBudget, tag = "campaigns", params(("id" = CampaignRef, Path), Numbered),
    responses(
        (status = 201, body = BudgetChange, description = "Changed"),
        (status = 200, body = BudgetChange, description = "Changed before"),
        (status = 202, body = Approval, description = "So much needs a second operator: it waits"),
        Sending,
    )
)]
pub async fn change(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(CampaignRef(campaign)): Id<CampaignRef>,
    Key(number): Key,
    Input(new): Input<NewBudget>,
) -> Result<MadeOrPending<BudgetChange>, ApiError> {
    let (from, to): (Fen, Fen) = (new.from.into(), new.to.into());
    let asked = Asked::Budget {
        campaign: campaign.0,
        from: from.0,
        to: to.0,
    };
    let (number, again) = match do_or_ask(&platform, by, number, asked).await? {
        Ok(done) => done,
        Err(approval) => return Ok(MadeOrPending::Pending(approval)),
    };
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event changes budgets"
    )]
    let value = match ask_now(&platform, |store| store.event(number)).await? {
        Some(Event::BudgetChanged(event)) => BudgetChange {
            campaign_id: event.campaign.into(),
            from: event.from.into(),
            to: event.to.into(),
            at: event.at.into(),
        },
        _ => return Err(misplaced(number)),
    };
    Ok(MadeOrPending::Made(Made { again, value }))
}
