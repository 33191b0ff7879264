//! Campaigns: discounts, coupons and rebates, as operators make and run them.

pub mod terms;

mod shared_code;

pub mod budget;
pub mod coupons;
pub mod drafts;
pub mod steps;

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::terms::Funding;
use feiqian_core::campaign::{self};
use feiqian_core::{CampaignId, Event, Fen, MerchantId, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::fields::{CampaignRef, Cursor};
use super::input::{Id, Input, Key, Made, Numbered, Page, Paging};
use super::responses::{Asking, Sending};
use super::{ask_now, misplaced};
use crate::access::Role;
use crate::campaigns::cel::RuleError;
use crate::platform::Platform;
use terms::{CampaignTerms, NewCampaign};

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// Written.
    Draft,
    /// Agreed to by a second operator, and funded.
    Approved,
    /// It gives, between its times.
    Running,
    /// It gives nothing for now.
    Paused,
    /// It gives nothing any more.
    Ended,
}

impl From<campaign::Status> for CampaignStatus {
    fn from(status: campaign::Status) -> Self {
        match status {
            campaign::Status::Draft => Self::Draft,
            campaign::Status::Approved => Self::Approved,
            campaign::Status::Running => Self::Running,
            campaign::Status::Paused => Self::Paused,
            campaign::Status::Ended => Self::Ended,
        }
    }
}

/// A campaign. Its amounts are fen.
#[derive(Serialize, ToSchema)]
pub struct Campaign {
    id: CampaignRef,
    status: CampaignStatus,
    /// Who added it.
    added_by: String,
    /// Most that it may have granted and not got back.
    #[schema(minimum = 0)]
    budget: i64,
    /// Granted and not got back, by whoever pays.
    #[schema(minimum = 0)]
    spent: i64,
    /// Promised to open coupons.
    #[schema(minimum = 0)]
    promised: i64,
    /// What can still be granted or promised.
    #[schema(minimum = 0)]
    left: i64,
    /// Of `spent`, what the platform paid.
    #[schema(minimum = 0)]
    subsidy: i64,
    /// What is left of a merchant's advance.
    #[schema(minimum = 0)]
    fund: i64,
    /// Rebates that wait for their day.
    #[schema(minimum = 0)]
    pending: i64,
    /// Payers who got something, where they are counted.
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_u32)]
    users: u32,
    /// Coupons given.
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_u32)]
    coupons: u32,
    terms: CampaignTerms,
}

/// A campaign as it stands.
pub(super) fn view(id: CampaignId, campaign: &campaign::Campaign) -> Campaign {
    Campaign {
        id: id.into(),
        status: campaign.status.into(),
        added_by: campaign.by.as_str().to_owned(),
        budget: campaign.budget.0,
        spent: campaign.spent.0,
        promised: campaign.promised.0,
        left: campaign.left().0,
        subsidy: campaign.subsidy.0,
        fund: campaign.fund.0,
        pending: campaign.pending.0,
        users: campaign.users,
        coupons: campaign.coupons,
        terms: (&*campaign.terms).into(),
    }
}

/// There is no such campaign, or it is nobody's business.
pub(super) fn unknown_campaign() -> ApiError {
    ApiError::not_found("campaign_not_found", "campaign")
}

/// Operators see every campaign; a merchant sees those that it pays for or honours.
fn may_see(role: Role, campaign: &campaign::Campaign) -> bool {
    match (role, campaign.terms.funding) {
        (Role::Operator(_), _) => true,
        (
            Role::Merchant(own),
            Funding::Merchant(merchant)
            | Funding::Shared { merchant, .. }
            | Funding::Outside(merchant),
        ) => MerchantId(own) == merchant,
        (Role::Merchant(_), Funding::Platform) | (Role::User(_), _) => false,
    }
}

/// The campaign as it stands, if this role may see it.
pub(super) async fn find(
    platform: &Platform,
    role: Role,
    id: CampaignId,
) -> Result<Campaign, ApiError> {
    let read = move |state: &State| {
        let campaign = state.campaign(id).filter(|row| may_see(role, row))?;
        Some(view(id, campaign))
    };
    platform
        .engine
        .read(read)
        .await?
        .ok_or_else(unknown_campaign)
}

/// Adds a campaign, as a draft
///
/// Another operator than the one who adds it approves it, if it costs the platform money.
#[utoipa::path(
    post, path = "/v1/campaigns",
    operation_id = "add_campaign", request_body = NewCampaign, tag = "campaigns", params(Numbered),
    responses(
        (status = 201, body = Campaign, description = "Added"),
        (status = 200, body = Campaign, description = "Added before"),
        Sending,
    )
)]
pub async fn add(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewCampaign>,
) -> Result<Made<Campaign>, ApiError> {
    let mut seed = [0; 8];
    aws_lc_rs::rand::fill(&mut seed).map_err(|error| ApiError::internal(&error))?;
    let seed = u64::from_ne_bytes(seed);
    let budget: Fen = new.budget.into();
    // Reading a rule takes milliseconds.
    let terms = tokio::task::spawn_blocking(move || new.terms.into_core(seed)).await;
    let terms = terms.map_err(|error| ApiError::internal(&error))?;
    let terms = Arc::new(terms.map_err(|error: RuleError| ApiError::from(error))?);
    let command = AddCampaign {
        number,
        by,
        budget,
        terms,
    };
    let receipt = platform.engine.submit(command).await?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event adds campaigns"
    )]
    let id = match ask_now(&platform, |store| store.event(receipt.event)).await? {
        Some(Event::CampaignAdded(event)) => event.campaign,
        _ => return Err(misplaced(receipt.event)),
    };
    Ok(Made {
        again: receipt.again,
        value: find(&platform, Role::Operator(by), id).await?,
    })
}

/// Lists campaigns, newest first
///
/// All of them to operators; to a merchant those that it pays for or honours.
#[utoipa::path(
    get, path = "/v1/campaigns",
    operation_id = "list_campaigns", tag = "campaigns", params(Paging),
    responses(
        (status = 200, body = Page<Campaign>, description = "A page"),
        Asking,
    )
)]
pub async fn list(
    Caller(role): Caller,
    Extract(platform): Extract<Arc<Platform>>,
    paging: Paging,
) -> Result<Json<Page<Campaign>>, ApiError> {
    if matches!(role, Role::User(_)) {
        return Err(ApiError::forbidden(
            "campaigns are shown to those who run them",
        ));
    }
    let limit = paging.limit();
    let read = move |state: &State| {
        let before = paging.cursor.map_or(u64::MAX, |cursor| cursor.0);
        let seen = state
            .campaigns()
            .rev()
            .filter(|(id, row)| u64::from(id.0) < before && may_see(role, row));
        seen.take(limit.saturating_add(1))
            .map(|(id, row)| view(id, row))
            .collect()
    };
    let rows: Vec<Campaign> = platform.engine.read(read).await?;
    let cursor = |last: &Campaign| Cursor(last.id.0.0.into());
    Ok(Json(Page::cut(rows, limit, cursor)))
}

/// Shows a campaign
#[utoipa::path(
    get, path = "/v1/campaigns/{id}",
    operation_id = "get_campaign", tag = "campaigns", params(("id" = CampaignRef, Path)),
    responses(
        (status = 200, body = Campaign, description = "The campaign"),
        Asking,
    )
)]
pub async fn show(
    Caller(role): Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(CampaignRef(id)): Id<CampaignRef>,
) -> Result<Json<Campaign>, ApiError> {
    find(&platform, role, id).await.map(Json)
}
