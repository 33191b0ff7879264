//! A campaign's steps: approve, start, pause, resume, end. One that was taken already stays taken.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::CampaignId;
use feiqian_core::campaign::step::{Step, StepCampaign};

use super::super::auth::Operator;
use super::super::error::ApiError;
use super::super::fields::CampaignRef;
use super::super::input::Id;
use super::super::responses::Sending;
use super::{Campaign, find};
use crate::access::Role;
use crate::platform::Platform;

async fn step(
    platform: &Platform,
    Operator(by): Operator,
    campaign: CampaignId,
    step: Step,
) -> Result<Json<Campaign>, ApiError> {
    let command = StepCampaign { campaign, step, by };
    platform.engine.submit(command).await?;
    find(platform, Role::Operator(by), campaign).await.map(Json)
}

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident $path:literal $id:literal $step:ident;)+) => { $(
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path,
            operation_id = $id, tag = "campaigns", params(("id" = CampaignRef, Path)),
            responses(
                (status = 200, body = Campaign, description = "The campaign"),
                Sending,
            )
        )]
        pub async fn $name(
            operator: Operator,
            Extract(platform): Extract<Arc<Platform>>,
            Id(CampaignRef(id)): Id<CampaignRef>,
        ) -> Result<Json<Campaign>, ApiError> {
            step(&platform, operator, id, Step::$step).await
        }
    )+ };
}

steps! {
    /// Approves a draft: a merchant that pays for it pays now
    ///
    /// Another operator than the one who added it must, if it costs the platform money.
    approve "/v1/campaigns/{id}/approve" "approve_campaign" Approve;
    /// Starts an approved campaign
    start "/v1/campaigns/{id}/start" "start_campaign" Start;
    /// Pauses a running campaign
    pause "/v1/campaigns/{id}/pause" "pause_campaign" Pause;
    /// Resumes a paused campaign
    resume "/v1/campaigns/{id}/resume" "resume_campaign" Resume;
    /// Ends a campaign for good: what is left of a merchant's advance goes back
    end "/v1/campaigns/{id}/end" "end_campaign" End;
}
