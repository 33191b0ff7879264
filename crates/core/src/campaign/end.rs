//! End a campaign whose time or budget is over. A timer asks for it.
//!
//! Ledger: what is left of the fund goes back to who paid it. Its coupons end with it.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::Status;
use crate::command::{Decision, refusals};
use crate::ids::CampaignId;
use crate::ledger::Postings;
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndCampaign {
    /// Which.
    pub campaign: CampaignId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CampaignEnded {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub campaign: CampaignId,
    /// By what.
    #[n(2)]
    pub by: EndedBy,
    /// See the module.
    #[n(3)]
    pub postings: Postings,
}

/// What ended a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum EndedBy {
    /// Its time.
    #[n(0)]
    Time,
    /// Its budget: less is left than it gives.
    #[n(1)]
    Budget,
}

refusals! {
    /// It has time and budget, or has ended already.
    NotOver = "this campaign is not over",
}

impl EndCampaign {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &EndCampaign,
) -> Decision<CampaignEnded, Refusal> {
    let id = command.campaign;
    match state.campaigns.get(id) {
        Some(campaign) if campaign.is_over(now) => Decision::Accept(CampaignEnded {
            at: now,
            campaign: id,
            by: if now >= campaign.terms.until {
                EndedBy::Time
            } else {
                EndedBy::Budget
            },
            postings: campaign.fund_back(id),
        }),
        Some(_) | None => Decision::Refuse(Refusal::NotOver),
    }
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CampaignEnded) {
    state.campaigns.set_status(event.campaign, Status::Ended);
    state.campaigns.row_mut(event.campaign).last = state.next;
}
