//! Change how many coupons a campaign gives, from what the caller believes it is.
//!
//! Ledger: none; what coupons promise is kept by the budget. Invariant: no fewer than are given already.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::Status;
use crate::campaign::terms::Kind;
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, Digest, Number};
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the caller's, unlike those of the budget's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeCoupons {
    /// Which campaign's.
    pub campaign: CampaignId,
    /// Send the same one when trying again.
    pub number: Number,
    /// Who asks.
    pub by: Number,
    /// How many it is.
    pub from: u32,
    /// How many it shall be.
    pub to: u32,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CouponsChanged {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which campaign's.
    #[n(1)]
    pub campaign: CampaignId,
    /// The caller's number.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Who asked.
    #[n(4)]
    pub by: Number,
    /// How many it was.
    #[n(5)]
    pub from: u32,
    /// How many it is.
    #[n(6)]
    pub to: u32,
}

refusals! {
    /// The number names another change. Final.
    NumberReused = "this number was used for another change",
    /// No such campaign, or it has no coupons. Final.
    CampaignNotFound = "there is no such campaign with coupons",
    /// It has ended. Final.
    Ended = "this campaign has ended",
    /// It is another number by now: look again.
    OtherCount {
        /// How many it is.
        most: u32
    } = "this campaign gives {most} coupons",
    /// None, or fewer than are given already.
    BelowGiven {
        /// How many are given.
        given: u32
    } = "{given} coupons are given already",
}

impl ChangeCoupons {
    pub(crate) fn key(&self) -> Key {
        key(self.campaign, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&("coupons", self.from, self.to))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl CouponsChanged {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.campaign, self.number), self.digest)
    }
}

fn key(campaign: CampaignId, number: Number) -> Key {
    Key {
        scope: Scope::Budgets(campaign),
        number,
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ChangeCoupons,
) -> Decision<CouponsChanged, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let campaign = state.campaigns.get(command.campaign);
    let coupon = campaign.filter(|row| matches!(row.terms.kind, Kind::Coupon(_)));
    let Some(campaign) = coupon else {
        return Decision::Refuse(Refusal::CampaignNotFound);
    };
    if campaign.status == Status::Ended {
        return Decision::Refuse(Refusal::Ended);
    }
    let most = campaign.coupons_most();
    if command.from != most {
        return Decision::Refuse(Refusal::OtherCount { most });
    }
    let given = campaign.coupons;
    if command.to == 0 || command.to < given {
        return Decision::Refuse(Refusal::BelowGiven { given });
    }
    Decision::Accept(CouponsChanged {
        at: now,
        campaign: command.campaign,
        number: command.number,
        digest,
        by: command.by,
        from: most,
        to: command.to,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CouponsChanged) {
    state.campaigns.row_mut(event.campaign).coupons_most = Some(event.to);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::campaign::give;
    use crate::campaign::outside_world::{CAMPAIGN, change_coupons, give_coupon, outside};
    use crate::testing::{LEI, MEI, NOBODY};

    #[test]
    fn more_can_be_given_and_no_fewer_than_were() {
        let none = change_coupons("n", 2, 3);
        outside()
            .when(give_coupon("2", LEI))
            .accepts()
            .when(give_coupon("3", LEI))
            .refuses(give::Refusal::Spent)
            .when(change_coupons("c", 3, 4))
            .refuses(OtherCount { most: 2 })
            .when(change_coupons("c", 2, 1))
            .refuses(BelowGiven { given: 2 })
            .when(none.clone())
            .accepts()
            .when(change_coupons("n", 2, 9))
            .refuses(NumberReused)
            .when(give_coupon("3", LEI))
            .accepts()
            .when(give_coupon("4", MEI))
            .refuses(give::Refusal::Spent)
            .when(give_coupon("5", NOBODY))
            .refuses(give::Refusal::UserNotFound);
        let unknown = ChangeCoupons {
            campaign: CampaignId(CAMPAIGN.0 + 1),
            ..none
        };
        outside().when(unknown).refuses(CampaignNotFound);
    }
}
