//! Give a user a coupon: sent by an operator or a merchant, or claimed by the user.
//!
//! Ledger: none; its worth is promised from the budget, so that a coupon in hand is always honoured.
//! Invariant: one number gives one coupon for ever; a campaign's unique codes are such numbers.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::choose::{NoMore, may_hold_one_more};
use crate::campaign::coupon::{Coupon, CouponState};
use crate::campaign::terms::Kind;
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, CouponId, Digest, Number, UserId};
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command. The coupon's id is its event's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveCoupon {
    /// Whose benefit.
    pub campaign: CampaignId,
    /// The giver's number, or the code claimed with; the same one when trying again.
    pub number: Number,
    /// To whom.
    pub user: UserId,
    /// Whether the user asks for it, rather than somebody who may give it.
    pub claimed: bool,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CouponGiven {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose benefit.
    #[n(1)]
    pub campaign: CampaignId,
    /// The giver's number.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// To whom.
    #[n(4)]
    pub user: UserId,
    /// It ends here.
    #[n(5)]
    pub until: UnixMillis,
}

refusals! {
    /// The number gave another user a coupon. Final.
    NumberReused = "this number or code was used already",
    /// No such campaign, or it has no coupons. Final.
    CampaignNotFound = "there is no such campaign with coupons",
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// Frozen or closed. May succeed once thawed.
    UserNotActive = "this user gets no coupons now",
    /// It is for users of another brand. Final.
    OtherBrand = "this campaign is for users of another brand",
    /// Users do not claim it. Final.
    NotClaimed = "coupons of this campaign are sent, not claimed",
    /// It does not run, or not now. May succeed later.
    NotRunning = "this campaign gives no coupons now",
    /// All are given. May succeed with a larger budget.
    Spent = "all coupons of this campaign are given",
    /// The user, or the person, has had as many as may be.
    UserLimit = "this user has had as many coupons as may be",
}

impl GiveCoupon {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Coupons(self.campaign),
            number: self.number,
        }
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl CouponGiven {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Coupons(self.campaign),
                number: self.number,
            },
            self.digest,
        )
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &GiveCoupon,
) -> Decision<CouponGiven, Refusal> {
    let digest = Digest::of(&command.user);
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let campaign = state.campaigns.get(command.campaign);
    let Some((terms, Kind::Coupon(coupon))) = campaign.map(|row| (&row.terms, row.terms.kind))
    else {
        return Decision::Refuse(Refusal::CampaignNotFound);
    };
    let Some(user) = state.user(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status != UserStatus::Active {
        return Decision::Refuse(Refusal::UserNotActive);
    }
    if terms.brand.is_some_and(|brand| brand != user.brand) {
        return Decision::Refuse(Refusal::OtherBrand);
    }
    if command.claimed && !coupon.claimed {
        return Decision::Refuse(Refusal::NotClaimed);
    }
    match may_hold_one_more(state, now, command.campaign, command.user) {
        Ok(()) => Decision::Accept(CouponGiven {
            at: now,
            campaign: command.campaign,
            number: command.number,
            digest,
            user: command.user,
            until: terms.coupon_until(now),
        }),
        Err(NoMore::NotRunning) => Decision::Refuse(Refusal::NotRunning),
        Err(NoMore::Spent) => Decision::Refuse(Refusal::Spent),
        Err(NoMore::UserLimit) => Decision::Refuse(Refusal::UserLimit),
    }
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CouponGiven) {
    let id = CouponId(state.next);
    hold(state, id, event.campaign, event.user, event.until);
}

/// Puts a coupon into a user's hands.
pub(crate) fn hold(
    state: &mut State,
    id: CouponId,
    campaign: CampaignId,
    user: UserId,
    until: UnixMillis,
) {
    let row = state.campaign(campaign).expect("found when deciding");
    let payer = state.counted(&row.terms, user);
    let had = state.campaigns.had_mut(campaign, payer);
    had.coupons = had.coupons.saturating_add(1);
    let coupon = Coupon {
        campaign,
        user,
        until,
        state: CouponState::Open,
        subsidy: None,
    };
    state.campaigns.hold(id, coupon);
}
