//! Void a coupon: its merchant takes it out of the user's hands.
//!
//! Ledger: none. Invariant: what is void stays void.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::coupon::CouponState;
use crate::campaign::use_coupon::honoured;
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, CouponId, Digest, MerchantId, Number, UserId};
use crate::limits::REASON_CHARS_MAX;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the merchant's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidCoupon {
    /// Who asks.
    pub merchant: MerchantId,
    /// The merchant's number for it.
    pub number: Number,
    /// Which coupon.
    pub coupon: CouponId,
    /// Why, in the merchant's words.
    pub reason: Option<Box<str>>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CouponVoided {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Who asked.
    #[n(1)]
    pub merchant: MerchantId,
    /// The merchant's number for it.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Which coupon.
    #[n(4)]
    pub coupon: CouponId,
    /// Whose benefit.
    #[n(5)]
    pub campaign: CampaignId,
    /// Who held it.
    #[n(6)]
    pub user: UserId,
    /// Why, in the merchant's words.
    #[n(7)]
    pub reason: Option<Box<str>>,
}

refusals! {
    /// The number names something else. Final.
    NumberReused = "this number was used for another coupon",
    /// No such coupon that this merchant honours at its till, or its end has come. Final.
    CouponNotFound = "there is no such coupon of this merchant",
    /// The reason is longer than its limit. Final.
    TextTooLong = "the reason is too long",
    /// Used already. May succeed once it is given back.
    AlreadyUsed = "this coupon was used already",
    /// Made void under another number. Final.
    AlreadyVoid = "this coupon is void already",
}

impl VoidCoupon {
    pub(crate) fn key(&self) -> Key {
        key(self.merchant, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&("void", self.coupon))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl CouponVoided {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.merchant, self.number), self.digest)
    }
}

fn key(merchant: MerchantId, number: Number) -> Key {
    Key {
        scope: Scope::CouponReturns(merchant),
        number,
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &VoidCoupon,
) -> Decision<CouponVoided, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some((coupon, _)) = honoured(state, command.merchant, command.coupon) else {
        return Decision::Refuse(Refusal::CouponNotFound);
    };
    let fits = |reason: &str| reason.chars().count() <= REASON_CHARS_MAX;
    if !command.reason.as_deref().is_none_or(fits) {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    match coupon.state {
        CouponState::Open => {}
        CouponState::Used(_) | CouponState::UsedOutside => {
            return Decision::Refuse(Refusal::AlreadyUsed);
        }
        CouponState::Void => return Decision::Refuse(Refusal::AlreadyVoid),
    }
    Decision::Accept(CouponVoided {
        at: now,
        merchant: command.merchant,
        number: command.number,
        digest,
        coupon: command.coupon,
        campaign: coupon.campaign,
        user: coupon.user,
        reason: command.reason.clone(),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CouponVoided) {
    state.campaigns.turn(event.coupon, CouponState::Void);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use crate::campaign::outside_world::{
        COUPON, outside, return_coupon, use_coupon, used, void_coupon,
    };
    use crate::campaign::return_coupon::Refusal as Return;
    use crate::testing::{FREE_SHOP, MEI, SHOP};

    #[test]
    fn what_is_void_is_in_nobodys_hands() {
        let world = outside()
            .when(void_coupon(SHOP, "v", COUPON))
            .accepts()
            .when(void_coupon(SHOP, "v", COUPON))
            .answers_again(COUPON.0.next())
            .when(void_coupon(SHOP, "w", COUPON))
            .refuses(AlreadyVoid)
            .when(return_coupon(SHOP, "r", COUPON))
            .refuses(Return::NotUsed);
        assert!(world.state.open_coupons(MEI).is_empty());
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        outside()
            .when(void_coupon(FREE_SHOP, "v", COUPON))
            .refuses(CouponNotFound);
        used()
            .when(void_coupon(SHOP, "v", COUPON))
            .refuses(AlreadyUsed)
            .when(return_coupon(SHOP, "n", COUPON))
            .accepts()
            .when(void_coupon(SHOP, "n", COUPON))
            .refuses(NumberReused)
            .when(void_coupon(SHOP, "v", COUPON))
            .accepts()
            .when(use_coupon(SHOP, "again", COUPON))
            .refuses(crate::campaign::use_coupon::Refusal::Void);
    }
}
