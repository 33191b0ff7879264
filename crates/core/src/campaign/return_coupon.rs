//! Return a coupon that was used at its merchant's own till: it is good again.
//!
//! Ledger: none. Invariant: a coupon whose subsidy was not given back stays used.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::Status;
use crate::campaign::coupon::CouponState;
use crate::campaign::use_coupon::honoured;
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, CouponId, Digest, MerchantId, Number, UserId};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the merchant's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnCoupon {
    /// Whose till.
    pub merchant: MerchantId,
    /// The merchant's number for this return.
    pub number: Number,
    /// Which coupon.
    pub coupon: CouponId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CouponReturned {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose till.
    #[n(1)]
    pub merchant: MerchantId,
    /// The merchant's number for this return.
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
    /// Who holds it.
    #[n(6)]
    pub user: UserId,
}

refusals! {
    /// The number names something else. Final.
    NumberReused = "this number was used for another coupon",
    /// No such coupon that this merchant honours at its till, or its end has come. Final.
    CouponNotFound = "there is no such coupon of this merchant",
    /// It was not used at a till. May succeed once it is.
    NotUsed = "this coupon was not used",
    /// A subsidy was paid for it. May succeed once that is given back.
    Subsidised {
        /// What is left of it.
        left: Fen
    } = "{left} yuan of this coupon's subsidy were not given back",
    /// Its time is over. Final.
    Over = "this coupon's time is over",
}

impl ReturnCoupon {
    pub(crate) fn key(&self) -> Key {
        key(self.merchant, self.number)
    }

    /// Unlike that of making it void, which has numbers of the same scope.
    fn digest(&self) -> Digest {
        Digest::of(&("return", self.coupon))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl CouponReturned {
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
    command: &ReturnCoupon,
) -> Decision<CouponReturned, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some((coupon, campaign)) = honoured(state, command.merchant, command.coupon) else {
        return Decision::Refuse(Refusal::CouponNotFound);
    };
    if coupon.state != CouponState::UsedOutside {
        return Decision::Refuse(Refusal::NotUsed);
    }
    let left = coupon.subsidy.map_or(Fen::ZERO, |subsidy| subsidy.left());
    if left > Fen::ZERO {
        return Decision::Refuse(Refusal::Subsidised { left });
    }
    if now >= coupon.until || campaign.status == Status::Ended {
        return Decision::Refuse(Refusal::Over);
    }
    Decision::Accept(CouponReturned {
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
pub fn evolve(state: &mut State, event: &CouponReturned) {
    state.campaigns.set_subsidy(event.coupon, None);
    state.campaigns.turn(event.coupon, CouponState::Open);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::campaign::outside_world::{
        COUPON, outside, return_coupon, return_subsidy, subsidise, use_coupon, used,
    };
    use crate::limits::DAY_MS;
    use crate::testing::{FREE_SHOP, SHOP};

    #[test]
    fn a_returned_coupon_is_used_again() {
        used()
            .when(return_coupon(SHOP, "r", COUPON))
            .accepts()
            .when(return_coupon(SHOP, "r", COUPON))
            .answers_again(COUPON.0.next().next())
            .when(use_coupon(SHOP, "again", COUPON))
            .accepts();
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        outside()
            .when(return_coupon(FREE_SHOP, "r", COUPON))
            .refuses(CouponNotFound)
            .when(return_coupon(SHOP, "r", COUPON))
            .refuses(NotUsed);
        used()
            .after_ms(10 * DAY_MS)
            .when(return_coupon(SHOP, "r", COUPON))
            .refuses(Over);
        used()
            .when(subsidise("s", 300))
            .accepts()
            .when(return_coupon(SHOP, "r", COUPON))
            .refuses(Subsidised { left: Fen(300) })
            .when(return_subsidy("b", 300))
            .accepts()
            .when(return_coupon(SHOP, "r", COUPON))
            .accepts();
    }
}
