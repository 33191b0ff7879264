//! Use a coupon at its merchant's own till.
//!
//! Ledger: none; no money goes through us. Invariant: a coupon is used once, unless it is given back.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::coupon::{Coupon, CouponState};
use crate::campaign::terms::Funding;
use crate::campaign::{Campaign, Status};
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, CouponId, Digest, MerchantId, Number, UserId};
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the merchant's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseCoupon {
    /// Whose till.
    pub merchant: MerchantId,
    /// The merchant's number for this use.
    pub number: Number,
    /// Which coupon.
    pub coupon: CouponId,
    /// Who shows it, if the till knows.
    pub user: Option<UserId>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CouponUsed {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose till.
    #[n(1)]
    pub merchant: MerchantId,
    /// The merchant's number for this use.
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
}

refusals! {
    /// The number names another use. Final.
    NumberReused = "this number was used for another coupon",
    /// No such coupon that this merchant honours at its till, or its end has come. Final.
    CouponNotFound = "there is no such coupon of this merchant",
    /// Another user holds it. Final.
    OtherUser = "another user holds this coupon",
    /// Used already. May succeed once it is given back.
    AlreadyUsed = "this coupon was used already",
    /// Made void. Final.
    Void = "this coupon is void",
    /// Its time has not begun, or is over.
    NotNow = "this coupon is not good now",
}

impl UseCoupon {
    pub(crate) fn key(&self) -> Key {
        key(self.merchant, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.coupon, self.user))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl CouponUsed {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.merchant, self.number), self.digest)
    }
}

fn key(merchant: MerchantId, number: Number) -> Key {
    Key {
        scope: Scope::CouponUses(merchant),
        number,
    }
}

/// A coupon that a merchant honours at its own till, with its campaign, while it is known.
pub(super) fn honoured(
    state: &State,
    merchant: MerchantId,
    coupon: CouponId,
) -> Option<(&Coupon, &Campaign)> {
    let coupon = state.coupon(coupon)?;
    let campaign = state.campaigns.get(coupon.campaign)?;
    let Funding::Outside(owner) = campaign.terms.funding else {
        return None;
    };
    let named = campaign.terms.merchants.binary_search(&merchant).is_ok();
    (owner == merchant || named).then_some((coupon, campaign))
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &UseCoupon,
) -> Decision<CouponUsed, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some((coupon, campaign)) = honoured(state, command.merchant, command.coupon) else {
        return Decision::Refuse(Refusal::CouponNotFound);
    };
    if command.user.is_some_and(|user| user != coupon.user) {
        return Decision::Refuse(Refusal::OtherUser);
    }
    match coupon.state {
        CouponState::Open => {}
        CouponState::Used(_) | CouponState::UsedOutside => {
            return Decision::Refuse(Refusal::AlreadyUsed);
        }
        CouponState::Void => return Decision::Refuse(Refusal::Void),
    }
    // Pausing stops giving; what was given is honoured.
    if now < campaign.terms.from || now >= coupon.until || campaign.status == Status::Ended {
        return Decision::Refuse(Refusal::NotNow);
    }
    Decision::Accept(CouponUsed {
        at: now,
        merchant: command.merchant,
        number: command.number,
        digest,
        coupon: command.coupon,
        campaign: coupon.campaign,
        user: coupon.user,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CouponUsed) {
    state.campaigns.turn(event.coupon, CouponState::UsedOutside);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::campaign::outside_world::{COUPON, outside, use_coupon, void_coupon};
    use crate::limits::DAY_MS;
    use crate::testing::{FREE_SHOP, LEI, MEI, SHOP};

    #[test]
    fn a_coupon_is_used_once_and_answered_again() {
        outside()
            .when(use_coupon(SHOP, "u", COUPON))
            .accepts()
            .when(use_coupon(SHOP, "u", COUPON))
            .answers_again(COUPON.0.next())
            .when(use_coupon(SHOP, "other", COUPON))
            .refuses(AlreadyUsed)
            .when(use_coupon(SHOP, "u", CouponId(COUPON.0.next())))
            .refuses(NumberReused);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let shown_by = |user| UseCoupon {
            merchant: SHOP,
            number: crate::testing::number("u"),
            coupon: COUPON,
            user: Some(user),
        };
        outside()
            .when(use_coupon(FREE_SHOP, "u", COUPON))
            .refuses(CouponNotFound)
            .when(shown_by(LEI))
            .refuses(OtherUser)
            .when(shown_by(MEI))
            .accepts();
        outside()
            .when(void_coupon(SHOP, "v", COUPON))
            .accepts()
            .after_ms(10 * DAY_MS)
            .when(use_coupon(SHOP, "u", COUPON))
            .refuses(Void);
        outside()
            .after_ms(10 * DAY_MS)
            .when(use_coupon(SHOP, "u", COUPON))
            .refuses(NotNow);
    }
}
