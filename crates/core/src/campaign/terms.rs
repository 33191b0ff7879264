//! What a campaign offers, to whom, and who pays for it. Fixed once it is added; only the budget changes.

use minicbor::{Decode, Encode};

use crate::campaign::rule::Rule;
use crate::ids::{BrandId, MerchantId};
use crate::limits::{
    AMOUNT_MAX, CAMPAIGN_LIFE_MAX_MS, CAMPAIGN_MERCHANTS_MAX, COUPON_DAYS_MAX, DAY_MS,
    ECHO_BYTES_MAX, REBATE_WAIT_DAYS_MAX, TIERS_MAX,
};
use crate::money::{BasisPoints, Fen};
use crate::time::UnixMillis;

/// A campaign as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Terms {
    /// What the public calls it.
    #[n(0)]
    pub name: String,
    /// How it reaches the payer.
    #[n(1)]
    pub kind: Kind,
    /// How much it gives.
    #[n(2)]
    pub benefit: Benefit,
    /// Who pays for it.
    #[n(3)]
    pub funding: Funding,
    /// From when on it gives.
    #[n(4)]
    pub from: UnixMillis,
    /// It ends here; its coupons end with it.
    #[n(5)]
    pub until: UnixMillis,
    /// Smallest order that it applies to.
    #[n(6)]
    pub minimum: Fen,
    /// Most that it gives in one day of the platform's clock; what a refund gives back frees nothing.
    #[n(7)]
    pub per_day: Option<Fen>,
    /// Most that it gives to one payment.
    #[n(8)]
    pub per_payment: Option<Fen>,
    /// What one payer may get.
    #[n(9)]
    pub per_user: PerUser,
    /// How many payers may get something.
    #[n(10)]
    pub users: Option<u32>,
    /// Payers of this brand only.
    #[n(11)]
    pub brand: Option<BrandId>,
    /// Orders of these merchants only, sorted; empty for all.
    #[n(12)]
    pub merchants: Vec<MerchantId>,
    /// What else must hold.
    #[n(13)]
    pub rule: Option<Rule>,
    /// At most one campaign of a group applies to a payment. None: the group of its kind, so that one
    /// discount, one coupon and one rebate go together. Rebates are always in their own group.
    #[n(14)]
    pub group: Option<u16>,
    /// The share of payers who never get it, for comparison.
    #[n(15)]
    pub holdout: BasisPoints,
    /// What becomes of a payment that the campaign would apply to if it had budget left.
    #[n(16)]
    pub when_spent: WhenSpent,
    /// Where its chance begins: draws and control group follow from it. Not shown to anybody.
    #[n(17)]
    pub seed: u64,
    /// What the API that it came by wants echoed, in that API's own form.
    #[n(18)]
    pub echo: Option<String>,
}

/// How a campaign reaches the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Kind {
    /// Less to pay, at once.
    #[n(0)]
    Discount,
    /// Less to pay for who holds a coupon; each is used once.
    #[n(1)]
    Coupon(#[n(0)] CouponTerms),
    /// Money back to the wallet.
    #[n(2)]
    Rebate {
        /// Days that it waits; a refund meanwhile takes it away. 0: at once.
        #[n(0)]
        wait_days: u16,
    },
}

/// How coupons of a campaign come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CouponTerms {
    /// Days from being given until a coupon ends; none: with the campaign.
    #[n(0)]
    pub days: Option<u16>,
    /// How many are given.
    #[n(1)]
    pub most: u32,
    /// How many one payer (or person) is given.
    #[n(2)]
    pub per_user: u32,
    /// Whether shoppers claim it themselves.
    #[n(3)]
    pub claimed: bool,
    /// Given after a payment of at least this amount to one of the campaign's merchants.
    #[n(4)]
    pub after: Option<Fen>,
}

/// How much a campaign gives.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Benefit {
    /// This much.
    #[n(0)]
    Fixed(#[n(0)] Fen),
    /// This share of the amount, down to the fen, at most `cap`.
    #[n(1)]
    Percent {
        /// The share.
        #[n(0)]
        rate: BasisPoints,
        /// At most.
        #[n(1)]
        cap: Fen,
    },
    /// A draw between two bounds. Below or above the mean it is even, and the mean is exact over all draws.
    #[n(2)]
    Random {
        /// At least.
        #[n(0)]
        least: Fen,
        /// At most.
        #[n(1)]
        most: Fen,
        /// On average.
        #[n(2)]
        mean: Fen,
    },
    /// Spend X, get Y: the highest step that the amount reaches. Rising in both.
    #[n(3)]
    Tiers(#[n(0)] Vec<Tier>),
}

/// A step of [`Benefit::Tiers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Tier {
    /// From this amount on.
    #[n(0)]
    pub spend: Fen,
    /// This much.
    #[n(1)]
    pub get: Fen,
}

/// Who pays for a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Funding {
    /// The platform: each grant is its expense.
    #[n(0)]
    Platform,
    /// A merchant, in advance.
    #[n(1)]
    Merchant(#[n(0)] MerchantId),
    /// Both: the platform its share, half-up to the fen, of each grant, the merchant the rest.
    #[n(2)]
    Shared {
        /// Who pays the rest, in advance.
        #[n(0)]
        merchant: MerchantId,
        /// The platform's share.
        #[n(1)]
        platform: BasisPoints,
    },
    /// Nobody through us: a merchant honours its coupons at its own till.
    #[n(3)]
    Outside(#[n(0)] MerchantId),
}

/// What one payer may get of a campaign, over its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PerUser {
    /// How often.
    #[n(0)]
    pub times: Option<u32>,
    /// How often in one day of the platform's clock.
    #[n(1)]
    pub times_a_day: Option<u32>,
    /// How much.
    #[n(2)]
    pub amount: Option<Fen>,
    /// All accounts of one person count as one payer.
    #[n(3)]
    pub by_person: bool,
}

/// What becomes of a payment when a campaign that would apply has nothing left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WhenSpent {
    /// It is paid without. The campaign ends when its budget is spent.
    #[n(0)]
    PayWithout,
    /// It is refused, so that the payer is told, unless the payer has agreed to an amount. The campaign goes
    /// on until its time is over.
    #[n(1)]
    Tell,
}

impl Funding {
    /// The merchant that pays in advance.
    #[must_use]
    pub fn funder(self) -> Option<MerchantId> {
        match self {
            Self::Merchant(merchant) | Self::Shared { merchant, .. } => Some(merchant),
            Self::Platform | Self::Outside(_) => None,
        }
    }

    /// The platform's part of an amount; the funder's is the rest.
    #[must_use]
    pub fn platform_part(self, amount: Fen) -> Fen {
        match self {
            Self::Platform => amount,
            Self::Shared { platform, .. } => platform.of(amount),
            Self::Merchant(_) | Self::Outside(_) => Fen::ZERO,
        }
    }
}

impl Benefit {
    /// The least that it gives to whom it gives anything.
    #[must_use]
    pub fn least(&self) -> Fen {
        match self {
            Self::Fixed(fen) => *fen,
            Self::Percent { .. } => Fen(1),
            Self::Random { least, .. } => *least,
            Self::Tiers(tiers) => tiers.first().map_or(Fen::ZERO, |tier| tier.get),
        }
    }

    /// The most that it gives.
    #[must_use]
    pub fn most(&self) -> Fen {
        match self {
            Self::Fixed(fen) | Self::Percent { cap: fen, .. } | Self::Random { most: fen, .. } => {
                *fen
            }
            Self::Tiers(tiers) => tiers.last().map_or(Fen::ZERO, |tier| tier.get),
        }
    }

    /// What it gives to an amount; `draw` is any number, even over all of them.
    #[must_use]
    pub fn of(&self, amount: Fen, draw: impl FnOnce() -> u64) -> Fen {
        match self {
            Self::Fixed(fen) => *fen,
            Self::Percent { rate, cap } => {
                let product = i128::from(amount.0).saturating_mul(i128::from(rate.0));
                let floor = i64::try_from(product.div_euclid(10_000)).unwrap_or(i64::MAX);
                Fen(floor).min(*cap)
            }
            Self::Random { least, most, mean } => random(*least, *most, *mean, draw()),
            Self::Tiers(tiers) => tiers
                .iter()
                .rev()
                .find(|tier| tier.spend <= amount)
                .map_or(Fen::ZERO, |tier| tier.get),
        }
    }

    fn is_sound(&self) -> bool {
        let amount = |fen: Fen| fen.is_amount();
        match self {
            Self::Fixed(fen) => amount(*fen),
            Self::Percent { rate, cap } => (1..=10_000).contains(&rate.0) && amount(*cap),
            Self::Random { least, most, mean } => {
                amount(*least) && amount(*most) && least <= mean && mean <= most
            }
            Self::Tiers(tiers) => {
                (1..=TIERS_MAX).contains(&tiers.len())
                    && tiers
                        .iter()
                        .all(|tier| amount(tier.spend) && amount(tier.get))
                    && tiers
                        .windows(2)
                        .all(|two| two[0].spend < two[1].spend && two[0].get < two[1].get)
            }
        }
    }
}

/// Even within `least..=mean` or within `mean..=most`; which of them, so that the mean is exact.
fn random(least: Fen, most: Fen, mean: Fen, draw: u64) -> Fen {
    let width = |from: Fen, to: Fen| to.0.abs_diff(from.0);
    let whole = width(least, most);
    if whole == 0 {
        return least;
    }
    let (side, place) = (draw >> 32, draw & 0xffff_ffff);
    let scaled = |of: u64| {
        let product = u128::from(place).saturating_mul(u128::from(of)) >> 32;
        i64::try_from(product).unwrap_or(i64::MAX)
    };
    let low =
        (u128::from(side).saturating_mul(u128::from(whole)) >> 32) < u128::from(width(mean, most));
    let (from, to) = if low { (least, mean) } else { (mean, most) };
    Fen(from
        .0
        .saturating_add(scaled(width(from, to).saturating_add(1))))
}

impl Terms {
    /// Whether the terms make sense by themselves; `budget` is the first one.
    #[must_use]
    pub(crate) fn flaw(&self, budget: Fen) -> Option<Flaw> {
        let outside = matches!(self.funding, Funding::Outside(_));
        let optional = |fen: Option<Fen>| fen.is_none_or(Fen::is_amount);
        let sorted = self.merchants.windows(2).all(|two| two[0] < two[1]);
        if !crate::brand::is_name(&self.name) {
            return Some(Flaw::Name);
        }
        if !self.benefit.is_sound() {
            return Some(Flaw::Benefit);
        }
        if !(budget.is_amount() || outside && budget == Fen::ZERO) {
            return Some(Flaw::Budget);
        }
        if self.until <= self.from || self.until > self.from.plus(CAMPAIGN_LIFE_MAX_MS) {
            return Some(Flaw::Times);
        }
        if !(Fen::ZERO..=AMOUNT_MAX).contains(&self.minimum)
            || !optional(self.per_day)
            || !optional(self.per_payment)
            || !optional(self.per_user.amount)
            || self.holdout.0 > 5_000
            || self.merchants.len() > CAMPAIGN_MERCHANTS_MAX
            || !sorted
        {
            return Some(Flaw::Limits);
        }
        let kind = match self.kind {
            Kind::Discount => !outside,
            Kind::Rebate { wait_days } => {
                wait_days <= REBATE_WAIT_DAYS_MAX && self.group.is_none() && !outside
            }
            Kind::Coupon(coupon) => {
                coupon.most > 0
                    && coupon.per_user > 0
                    && coupon
                        .days
                        .is_none_or(|days| (1..=COUPON_DAYS_MAX).contains(&days))
                    && coupon.after.is_none_or(Fen::is_amount)
            }
        };
        if !kind
            || self
                .echo
                .as_ref()
                .is_some_and(|echo| echo.len() > ECHO_BYTES_MAX)
        {
            return Some(Flaw::Kind);
        }
        if self.rule.as_ref().is_some_and(|rule| !rule.is_sound()) {
            return Some(Flaw::Rule);
        }
        None
    }

    /// Whether its money goes through us.
    #[must_use]
    pub fn funding_is_ours(&self) -> bool {
        !matches!(self.funding, Funding::Outside(_))
    }

    /// Whether it has to be known what each payer had.
    #[must_use]
    pub fn counts_payers(&self) -> bool {
        let per_user = &self.per_user;
        per_user.times.is_some()
            || per_user.times_a_day.is_some()
            || per_user.amount.is_some()
            || self.users.is_some()
            || matches!(self.benefit, Benefit::Random { .. })
            || matches!(self.kind, Kind::Coupon(_))
    }

    /// Whether it is for orders of this merchant.
    #[must_use]
    pub fn is_at(&self, merchant: MerchantId) -> bool {
        self.merchants.is_empty() || self.merchants.binary_search(&merchant).is_ok()
    }

    /// When a coupon given now ends.
    #[must_use]
    pub fn coupon_until(&self, now: UnixMillis) -> UnixMillis {
        match self.kind {
            Kind::Coupon(CouponTerms {
                days: Some(days), ..
            }) => now
                .plus(i64::from(days).saturating_mul(DAY_MS))
                .min(self.until),
            Kind::Coupon(_) | Kind::Discount | Kind::Rebate { .. } => self.until,
        }
    }

    /// The most that one payment gets.
    #[must_use]
    pub fn most(&self) -> Fen {
        let most = self.benefit.most();
        self.per_payment.map_or(most, |cap| most.min(cap))
    }

    /// The least that one payment gets, if there is enough of everything.
    #[must_use]
    pub fn least(&self) -> Fen {
        let least = self.benefit.least();
        self.per_payment.map_or(least, |cap| least.min(cap))
    }

    /// What it gives to an amount, before it is seen what is left.
    #[must_use]
    pub fn gives(&self, amount: Fen, draw: impl FnOnce() -> u64) -> Fen {
        let fen = self.benefit.of(amount, draw);
        self.per_payment.map_or(fen, |cap| fen.min(cap))
    }

    /// Its group among those of which at most one applies.
    #[must_use]
    pub fn group(&self) -> u32 {
        match (self.group, self.kind) {
            (Some(group), _) => u32::from(group),
            (None, Kind::Discount) => 0x1_0000,
            (None, Kind::Coupon(_)) => 0x1_0001,
            (None, Kind::Rebate { .. }) => 0x1_0002,
        }
    }
}

/// What is wrong with terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The name is empty, too long, or has control characters.
    Name,
    /// Amounts outside 1 fen … 10¹² fen, a share of nothing or above all, a mean outside its bounds, or
    /// steps that do not rise.
    Benefit,
    /// Outside 1 fen … 10¹² fen.
    Budget,
    /// It ends before it begins, or runs longer than two years.
    Times,
    /// A limit is no amount; more than half are held out; merchants are too many or not sorted.
    Limits,
    /// What its kind needs is missing or out of range.
    Kind,
    /// The rule is too long or its steps do not fit together.
    Rule,
}

impl core::fmt::Display for Flaw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Name => "a name has 1 to 64 characters and no control characters",
            Self::Benefit => {
                "what it gives is 1 fen to 1000000000000 fen; a share is above 0 and at most all; a mean \
                 lies within its bounds; steps rise"
            }
            Self::Budget => "a budget is 1 fen to 1000000000000 fen",
            Self::Times => "it ends after it begins and within two years",
            Self::Limits => {
                "a limit is 1 fen to 1000000000000 fen, at most half are held out, and at most 1000 \
                 merchants are named"
            }
            Self::Kind => {
                "a coupon is given at least once, for 1 to 365 days; a rebate waits at most 180 days and \
                 is in no group; only coupons are honoured outside"
            }
            Self::Rule => "the rule is too long, too dear, or does not come out as true or false",
        })
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise"
)]
mod tests {
    use super::*;

    fn fixed(fen: i64) -> Terms {
        Terms {
            name: "fixed".into(),
            kind: Kind::Discount,
            benefit: Benefit::Fixed(Fen(fen)),
            funding: Funding::Platform,
            from: UnixMillis(0),
            until: UnixMillis(1),
            minimum: Fen::ZERO,
            per_day: None,
            per_payment: None,
            per_user: PerUser::default(),
            users: None,
            brand: None,
            merchants: Vec::new(),
            rule: None,
            group: None,
            holdout: BasisPoints(0),
            when_spent: WhenSpent::PayWithout,
            seed: 0,
            echo: None,
        }
    }

    #[test]
    fn a_draw_keeps_its_bounds_and_its_mean() {
        // Even draws: every pair of 256 halves and 256 places.
        for (least, most, mean) in [
            (1, 8_888, 188),
            (5, 5, 5),
            (1, 3, 2),
            (100, 900, 100),
            (0, 9, 9),
        ] {
            let (mut sum, mut count) = (0_i64, 0_i64);
            for side in 0..256_u64 {
                for place in 0..256_u64 {
                    let draw = side << 56 | place << 24;
                    let Fen(fen) = random(Fen(least), Fen(most), Fen(mean), draw);
                    assert!((least..=most).contains(&fen), "{fen}");
                    (sum, count) = (sum + fen, count + 1);
                }
            }
            let found = sum.div_euclid(count);
            assert!((found - mean).abs() <= 1 + most / 64, "{found} for {mean}");
        }
    }

    /// A campaign that is over when less is left than it gives must count what it gives.
    #[test]
    fn the_least_keeps_the_limit_of_a_payment() {
        let mut terms = fixed(100);
        for (cap, least) in [(None, 100), (Some(60), 60), (Some(200), 100)] {
            terms.per_payment = cap.map(Fen);
            assert_eq!(terms.least(), Fen(least), "{cap:?}");
        }
    }

    #[test]
    fn steps_and_shares() {
        let tier = |spend, get| Tier {
            spend: Fen(spend),
            get: Fen(get),
        };
        let tiers = Benefit::Tiers(vec![tier(100, 10), tier(200, 25)]);
        for (amount, gives) in [(99, 0), (100, 10), (199, 10), (200, 25), (9_999, 25)] {
            assert_eq!(tiers.of(Fen(amount), || 0), Fen(gives));
        }
        let percent = Benefit::Percent {
            rate: BasisPoints(1_250),
            cap: Fen(20),
        };
        for (amount, gives) in [(7, 0), (8, 1), (100, 12), (160, 20), (1_000_000, 20)] {
            assert_eq!(percent.of(Fen(amount), || 0), Fen(gives));
        }
    }
}
