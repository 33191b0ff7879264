//! What campaigns gave to one payment, and how a refund gives it back.
//!
//! Rounding is cumulative and nested: of what is refunded so far a share is the campaigns', of that a
//! share the first one's, and so on; each part's is a function of the running total alone. So no refund
//! takes a part below what it gave back before, and when all is refunded every part is back to the fen.

use minicbor::{Decode, Encode};
use smallvec::SmallVec;

use crate::ids::{CampaignId, CouponId, EventNumber};
use crate::limits::GRANTS_MAX;
use crate::money::Fen;
use crate::time::UnixMillis;

/// What campaigns did to a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Granted {
    /// Discounts and coupons, the dearest first. Together below the order's amount.
    #[n(0)]
    pub grants: Vec<Grant>,
    /// Money back to the wallet.
    #[n(1)]
    pub rebate: Option<Rebate>,
    /// The coupon that the payment earned; its id is the payment's event.
    #[n(2)]
    pub earned: Option<Earned>,
    /// Campaigns that would have applied, but the payer is in their control group.
    #[n(3)]
    pub held_out: Vec<CampaignId>,
    /// Campaigns that would have applied but for what is said; the dearest few.
    #[n(4)]
    pub passed_over: Vec<PassedOver>,
}

/// A discount or a coupon's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Grant {
    /// Whose.
    #[n(0)]
    pub campaign: CampaignId,
    /// How much less is paid.
    #[n(1)]
    pub amount: Fen,
    /// The platform's part of it; the funder's is the rest.
    #[n(2)]
    pub platform: Fen,
    /// The coupon used.
    #[n(3)]
    pub coupon: Option<CouponId>,
}

/// A rebate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Rebate {
    /// Whose.
    #[n(0)]
    pub campaign: CampaignId,
    /// How much. At most what the payer pays.
    #[n(1)]
    pub amount: Fen,
    /// The platform's part of it; the funder's is the rest.
    #[n(2)]
    pub platform: Fen,
    /// When it reaches the wallet; none: at once.
    #[n(3)]
    pub due: Option<UnixMillis>,
}

/// A coupon earned by a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Earned {
    /// Whose.
    #[n(0)]
    pub campaign: CampaignId,
    /// It ends here.
    #[n(1)]
    pub until: UnixMillis,
}

/// A campaign that would have applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PassedOver {
    /// Which.
    #[n(0)]
    pub campaign: CampaignId,
    /// Why it did not.
    #[n(1)]
    pub why: Why,
}

/// Why a campaign does not apply to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Why {
    /// Another of its group gives more, or as much and ends sooner.
    #[n(0)]
    AnotherGivesMore,
    /// There is not enough of the budget left.
    #[n(1)]
    BudgetSpent,
    /// There is not enough of the day's budget left.
    #[n(2)]
    DaySpent,
    /// The payer, or the person, had it as often or as much as may be.
    #[n(3)]
    UserLimit,
    /// As many payers as may have had it.
    #[n(4)]
    UsersLimit,
    /// The order is below the campaign's minimum, or too small to give anything.
    #[n(5)]
    BelowMinimum,
    /// It is for payers of another brand, for other merchants, or its rule does not hold.
    #[n(6)]
    NotEligible,
    /// The rule cannot be computed for this payment.
    #[n(7)]
    RuleBroken,
    /// The payer holds no coupon of it.
    #[n(8)]
    NoCoupon,
    /// Other campaigns cover all that can be covered.
    #[n(9)]
    NothingLeft,
}

/// What became of a payment's rebate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RebateStage {
    /// There is none, or it waits for its day.
    #[n(0)]
    #[default]
    Waits,
    /// It reached the wallet.
    #[n(1)]
    Arrived,
}

/// What a refund gives back of a payment with grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Returned {
    /// To the payer's wallet.
    #[n(0)]
    pub payer: Fen,
    /// To each campaign of [`Granted::grants`], in their order.
    #[n(1)]
    pub grants: Vec<Part>,
    /// Of the rebate.
    #[n(2)]
    pub rebate: Option<RebateBack>,
    /// Coupons that are good again.
    #[n(3)]
    pub coupons: Vec<CouponId>,
}

/// A campaign's part of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Part {
    /// Whose.
    #[n(0)]
    pub campaign: CampaignId,
    /// To the platform.
    #[n(1)]
    pub platform: Fen,
    /// To the funder.
    #[n(2)]
    pub funder: Fen,
}

/// What a refund takes back of a rebate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RebateBack {
    /// To whom.
    #[n(0)]
    pub part: Part,
    /// From where: what waits, or the wallet as far as it goes.
    #[n(1)]
    pub from: RebateStage,
    /// What the wallet did not have: the platform's loss.
    #[n(2)]
    pub lost: Fen,
}

impl Part {
    /// Both together.
    #[must_use]
    pub fn amount(&self) -> Fen {
        self.platform.plus(self.funder).expect("parts of an amount")
    }
}

impl Granted {
    /// Whether nothing is worth recording.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How much less than the order's amount is paid.
    #[must_use]
    pub fn discount(&self) -> Fen {
        self.grants.iter().fold(Fen::ZERO, |sum, grant| {
            sum.plus(grant.amount).expect("below the order's amount")
        })
    }

    /// What goes back when the refunded total of an order of `amount` grows from `before` to `after`:
    /// to the payer, and to each campaign.
    #[must_use]
    pub fn split(
        &self,
        amount: Fen,
        before: Fen,
        after: Fen,
    ) -> (Fen, SmallVec<[Part; GRANTS_MAX]>) {
        let (old_payer, old) = self.total(amount, before);
        let (payer, mut parts) = self.total(amount, after);
        for (part, old) in parts.iter_mut().zip(&old) {
            part.platform = grown(old.platform, part.platform);
            part.funder = grown(old.funder, part.funder);
        }
        (grown(old_payer, payer), parts)
    }

    /// What has gone back of everything, at a refunded total.
    fn total(&self, amount: Fen, refunded: Fen) -> (Fen, SmallVec<[Part; GRANTS_MAX]>) {
        let mut rest = self.discount();
        let mut back = rest.share(refunded, amount);
        let payer = minus(refunded, back);
        let mut parts = SmallVec::new();
        for grant in &self.grants {
            // Of what the campaigns left together, this one's share.
            let own = if rest > Fen::ZERO {
                grant.amount.share(back, rest)
            } else {
                Fen::ZERO
            };
            parts.push(part(grant.campaign, grant.platform, grant.amount, own));
            rest = minus(rest, grant.amount);
            back = minus(back, own);
        }
        (payer, parts)
    }
}

impl Rebate {
    /// What goes back of it when the refunded total of an order of `amount` grows.
    #[must_use]
    pub fn split(&self, amount: Fen, before: Fen, after: Fen) -> Part {
        let total = |refunded| {
            let back = self.amount.share(refunded, amount);
            part(self.campaign, self.platform, self.amount, back)
        };
        let (old, new) = (total(before), total(after));
        Part {
            campaign: self.campaign,
            platform: grown(old.platform, new.platform),
            funder: grown(old.funder, new.funder),
        }
    }

    /// What is left of it, for the wallet, at a refunded total.
    #[must_use]
    pub fn left(&self, amount: Fen, refunded: Fen) -> Fen {
        minus(self.amount, self.amount.share(refunded, amount))
    }
}

impl Earned {
    /// The coupon earned by the payment of this event.
    #[must_use]
    pub fn coupon(event: EventNumber) -> CouponId {
        CouponId(event)
    }
}

/// `back` of a grant of `amount`, of which `platform` is the platform's.
fn part(campaign: CampaignId, platform: Fen, amount: Fen, back: Fen) -> Part {
    let platform = platform.share(back, amount);
    Part {
        campaign,
        platform,
        funder: minus(back, platform),
    }
}

fn minus(from: Fen, part: Fen) -> Fen {
    from.minus(part).expect("a part of it")
}

fn grown(before: Fen, after: Fen) -> Fen {
    after
        .minus(before)
        .expect("a share of a growing total grows")
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every fen of every part comes back, none twice, in whatever steps.
        #[test]
        fn parts_add_up(
            amount in 2_i64..400,
            weights in proptest::collection::vec((0_i64..200, 0_i64..=10_000), 0..5),
            mut steps in proptest::collection::vec(0_i64..400, 0..20),
        ) {
            let mut room = amount - 1;
            let grants: Vec<Grant> = (0..).zip(&weights).map(|(campaign, (weight, share))| {
                let fen = Fen((*weight).min(room));
                room -= fen.0;
                Grant {
                    campaign: CampaignId(campaign),
                    amount: fen,
                    platform: fen.share(Fen(*share), Fen(10_000)),
                    coupon: None,
                }
            }).filter(|grant| grant.amount > Fen::ZERO).collect();
            let granted = Granted { grants, ..Granted::default() };
            steps.retain(|step| *step < amount);
            steps.push(amount);
            steps.sort_unstable();
            let (mut before, mut payer, mut parts) = (0, 0, vec![(0, 0); granted.grants.len()]);
            for after in steps {
                let (to_payer, split) = granted.split(Fen(amount), Fen(before), Fen(after));
                let sum: i64 = split.iter().map(|part| part.amount().0).sum();
                prop_assert_eq!(to_payer.0 + sum, after - before);
                payer += to_payer.0;
                for (total, part) in parts.iter_mut().zip(&split) {
                    total.0 += part.platform.0;
                    total.1 += part.funder.0;
                }
                before = after;
            }
            prop_assert_eq!(payer, amount - granted.discount().0);
            for (total, grant) in parts.iter().zip(&granted.grants) {
                prop_assert_eq!(*total, (grant.platform.0, grant.amount.0 - grant.platform.0));
            }
        }
    }
}
