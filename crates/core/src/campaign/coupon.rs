//! Coupons: a promise of one use of a campaign's benefit, held by a user.
//!
//! A coupon is known here until its end has come and it is swept away; after that nothing can be done
//! with it, and the log tells its story.

use minicbor::{Decode, Encode};

use crate::campaign::Campaigns;
use crate::ids::{CampaignId, CouponId, EventNumber, MerchantId, OrderId, UserId};
use crate::money::Fen;
use crate::time::UnixMillis;

/// A coupon.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Coupon {
    /// Whose benefit.
    #[n(0)]
    pub campaign: CampaignId,
    /// Who holds it.
    #[n(1)]
    pub user: UserId,
    /// It is good for nothing from here on.
    #[n(2)]
    pub until: UnixMillis,
    /// What became of it.
    #[n(3)]
    pub state: CouponState,
    /// What its merchant paid another for its use.
    #[n(4)]
    pub subsidy: Option<Subsidy>,
}

/// What a coupon's merchant paid another, at whose till it was honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Subsidy {
    /// The event that paid it.
    #[n(0)]
    pub event: EventNumber,
    /// Who paid.
    #[n(1)]
    pub payer: MerchantId,
    /// Who got it.
    #[n(2)]
    pub payee: MerchantId,
    /// How much.
    #[n(3)]
    pub amount: Fen,
    /// Given back of it. Never above the amount.
    #[n(4)]
    pub returned: Fen,
}

impl Subsidy {
    /// What was not given back.
    #[must_use]
    pub fn left(&self) -> Fen {
        self.amount.minus(self.returned).expect("within the amount")
    }
}

/// What became of a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CouponState {
    /// It can be used.
    #[n(0)]
    Open,
    /// Used to pay this order.
    #[n(1)]
    Used(#[n(0)] OrderId),
    /// Used at its merchant's own till.
    #[n(2)]
    UsedOutside,
    /// Made void by its merchant.
    #[n(3)]
    Void,
}

impl Coupon {
    /// Whether it can be used now.
    #[must_use]
    pub fn is_good(&self, now: UnixMillis) -> bool {
        self.state == CouponState::Open && now < self.until
    }
}

impl Campaigns {
    /// Puts a new coupon into its user's hands: its promise counts from now on.
    pub fn hold(&mut self, id: CouponId, coupon: Coupon) {
        let place = crate::state::index(coupon.campaign.0);
        self.ends.entry(coupon.campaign).or_default().push_back(id);
        self.rows[place].coupons = self.rows[place].coupons.saturating_add(1);
        self.held.entry(coupon.user).or_default().push(id);
        self.promise(coupon.campaign);
        self.coupons.insert(id, coupon);
    }

    /// Changes a coupon's state: an open one is promised and held, another is not.
    pub fn turn(&mut self, id: CouponId, state: CouponState) {
        let coupon = self
            .coupons
            .get_mut(id)
            .expect("the coupon was found when deciding");
        let before = core::mem::replace(&mut coupon.state, state);
        let (campaign, user) = (coupon.campaign, coupon.user);
        match (before == CouponState::Open, state == CouponState::Open) {
            (true, false) => {
                self.release(campaign);
                self.drop_held(user, id);
            }
            (false, true) => {
                self.promise(campaign);
                self.held.entry(user).or_default().push(id);
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Sets what was paid for a coupon's use.
    pub fn set_subsidy(&mut self, id: CouponId, subsidy: Option<Subsidy>) {
        let coupon = self
            .coupons
            .get_mut(id)
            .expect("the coupon was found when deciding");
        coupon.subsidy = subsidy;
    }

    /// Lets go of a coupon whose time is over.
    pub fn forget_coupon(&mut self, id: CouponId) {
        if let Some(coupon) = self.coupons.remove(id)
            && coupon.state == CouponState::Open
        {
            self.release(coupon.campaign);
            self.drop_held(coupon.user, id);
        }
    }

    fn drop_held(&mut self, user: UserId, id: CouponId) {
        if let Some(held) = self.held.get_mut(&user) {
            held.retain(|other| *other != id);
            if held.is_empty() {
                self.held.remove(&user);
            }
        }
    }

    fn promise(&mut self, campaign: CampaignId) {
        let row = self.row_mut(campaign);
        row.promised = row.promised.plus(row.worth()).expect("within the budget");
        assert!(row.is_within_budget(), "a promise is within the budget");
    }

    fn release(&mut self, campaign: CampaignId) {
        let row = self.row_mut(campaign);
        row.promised = row.promised.minus(row.worth()).expect("it was promised");
    }
}

impl super::Campaign {
    /// What a coupon of it takes of the budget while it is open.
    #[must_use]
    pub fn worth(&self) -> Fen {
        if self.terms.funding_is_ours() {
            self.terms.most()
        } else {
            Fen::ZERO
        }
    }
}
