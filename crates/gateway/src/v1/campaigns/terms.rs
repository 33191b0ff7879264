//! A campaign's terms as JSON: what is posted is what is shown.

use feiqian_core::campaign::terms::{
    self, CouponTerms, PerUser as CorePerUser, Terms, Tier as CoreTier,
};
use feiqian_core::{BasisPoints, Fen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::fields::{Amount, BrandRef, MerchantRef, Name, RuleText, Time};
use super::shared_code::SharedCode;
use crate::campaigns::cel::{RuleError, compile};

/// A new campaign: a draft, until another operator approves it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// Most that it may have granted and not got back.
    pub budget: Amount,
    /// What it offers. Fixed: only the budget changes later.
    pub terms: CampaignTerms,
}

/// What a campaign offers, to whom, and who pays for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignTerms {
    /// What the public calls it.
    name: Name,
    kind: CampaignKind,
    benefit: Benefit,
    funding: Funding,
    /// From when on it gives.
    from: Time,
    /// It ends here, and its coupons with it. Within two years.
    until: Time,
    /// Smallest order that it applies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<Amount>,
    /// Most that it gives in one day of the platform's clock (UTC+8).
    #[serde(skip_serializing_if = "Option::is_none")]
    per_day: Option<Amount>,
    /// Most that it gives to one payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_payment: Option<Amount>,
    /// What one payer may get.
    #[serde(default, skip_serializing_if = "PerUser::is_default")]
    per_user: PerUser,
    /// How many payers may get something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_u32)]
    users: Option<u32>,
    /// Payers of this brand only.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_id: Option<BrandRef>,
    /// Orders of these merchants only; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    merchant_ids: Vec<MerchantRef>,
    /// What else must hold, in CEL: `hour >= 11 && hour < 14 && weekday <= FRIDAY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleText>,
    /// At most one discount or coupon of a group applies to a payment. Not said: the group of its
    /// kind, so that one discount and one coupon go together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 65535)]
    group: Option<u16>,
    /// Hundredths of a percent of the payers who never get it, for comparison.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(minimum = 0, maximum = 5000)]
    holdout_bps: u16,
    /// What becomes of a payment that it would apply to if it had budget left.
    #[serde(default)]
    when_spent: WhenSpent,
}

/// How it reaches the payer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignKind {
    /// Less to pay, at once.
    Discount,
    /// Less to pay for who holds a coupon; each is used once.
    Coupon(Coupons),
    /// Money back to the wallet.
    Rebate(Wait),
}

/// How coupons come and go.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Coupons {
    /// How many are given.
    #[schema(value_type = i64, minimum = 1, maximum = 4_294_967_295_u32)]
    most: u32,
    /// How many one payer is given.
    #[schema(value_type = i64, minimum = 1, maximum = 4_294_967_295_u32)]
    per_user: u32,
    /// Days from being given until one ends; not said: with the campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u16>,
    /// Whether every shopper may claim one. If not, they are sent, or claimed with a code.
    #[serde(default)]
    claimed: bool,
    /// A word that everybody who knows it claims one with.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<SharedCode>,
    /// One is given after a payment of at least this amount to one of the campaign's merchants.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Amount>,
}

/// When a rebate arrives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Days that it waits; a refund meanwhile takes it away. 0: at once.
    #[schema(minimum = 0, maximum = 180)]
    wait_days: u16,
}

/// How much it gives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Benefit {
    /// This much.
    Fixed(Amount),
    /// A share of the amount, down to the fen.
    Percent(Percent),
    /// A draw between two bounds, with a mean that is exact over all draws.
    Random(Random),
    /// Spend so much, get so much: the highest step that the amount reaches.
    Tiers(Vec<Tier>),
}

/// A share.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Percent {
    /// Hundredths of a percent: 1000 is 10 %.
    #[schema(minimum = 1, maximum = 10000)]
    bps: u16,
    /// At most.
    cap: Amount,
}

/// A draw.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// At least.
    least: Amount,
    /// At most.
    most: Amount,
    /// On average.
    mean: Amount,
}

/// A step. Steps rise in both.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BenefitTier)]
pub struct Tier {
    /// From this amount on.
    spend: Amount,
    /// This much.
    get: Amount,
}

/// Who pays for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Funding {
    /// The platform: each grant is its expense.
    Platform,
    /// This merchant, in advance.
    Merchant(MerchantRef),
    /// Both.
    Shared(Shared),
    /// Nobody through us: this merchant honours its coupons at its own till.
    Outside(MerchantRef),
}

/// Who pays how much.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Pays the rest, in advance.
    merchant_id: MerchantRef,
    /// The platform's share of each grant, half-up to the fen: 5000 is one half.
    #[schema(minimum = 0, maximum = 10000)]
    platform_bps: u16,
}

/// What one payer may get, over the campaign's life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PerUser {
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_u32)]
    times: Option<u32>,
    /// How often in one day of the platform's clock (UTC+8).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_u32)]
    times_a_day: Option<u32>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    /// All accounts of one person count as one payer.
    #[serde(default)]
    by_person: bool,
}

/// What becomes of a payment when nothing is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenSpent {
    /// It is paid without. The campaign ends when its budget is spent.
    #[default]
    PayWithout,
    /// It is refused, so that the payer is told, unless it says `at_most`.
    Tell,
}

impl PerUser {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl CampaignTerms {
    /// As the rules know them. `seed` is where draws and the control group begin: by chance, and told to
    /// nobody.
    pub fn into_core(self, seed: u64) -> Result<Terms, RuleError> {
        let mut merchants: Vec<_> = self
            .merchant_ids
            .iter()
            .map(|merchant| merchant.0)
            .collect();
        merchants.sort_unstable();
        merchants.dedup();
        let (kind, code) = self.kind.into_core();
        Ok(Terms {
            name: self.name.0,
            kind,
            benefit: self.benefit.into_core(),
            funding: self.funding.into_core(),
            from: self.from.0,
            until: self.until.0,
            minimum: self.minimum.map_or(Fen::ZERO, Into::into),
            per_day: self.per_day.map(Into::into),
            per_payment: self.per_payment.map(Into::into),
            per_user: CorePerUser {
                times: self.per_user.times,
                times_a_day: self.per_user.times_a_day,
                amount: self.per_user.amount.map(Into::into),
                by_person: self.per_user.by_person,
            },
            users: self.users,
            brand: self.brand_id.map(|brand| brand.0),
            merchants,
            rule: self.rule.map(|text| compile(&text.0)).transpose()?,
            group: self.group,
            holdout: BasisPoints(self.holdout_bps),
            when_spent: match self.when_spent {
                WhenSpent::PayWithout => terms::WhenSpent::PayWithout,
                WhenSpent::Tell => terms::WhenSpent::Tell,
            },
            seed,
            echo: code.map(|code| code.echo()),
        })
    }
}

impl From<&Terms> for CampaignTerms {
    fn from(terms: &Terms) -> Self {
        let per_user = &terms.per_user;
        Self {
            name: super::super::fields::Text(terms.name.clone()),
            kind: CampaignKind::of(terms),
            benefit: (&terms.benefit).into(),
            funding: terms.funding.into(),
            from: terms.from.into(),
            until: terms.until.into(),
            minimum: terms.minimum.is_amount().then(|| terms.minimum.into()),
            per_day: terms.per_day.map(Into::into),
            per_payment: terms.per_payment.map(Into::into),
            per_user: PerUser {
                times: per_user.times,
                times_a_day: per_user.times_a_day,
                amount: per_user.amount.map(Into::into),
                by_person: per_user.by_person,
            },
            users: terms.users,
            brand_id: terms.brand.map(Into::into),
            merchant_ids: terms.merchants.iter().copied().map(Into::into).collect(),
            rule: terms
                .rule
                .as_ref()
                .map(|rule| super::super::fields::Text(rule.text.clone())),
            group: terms.group,
            holdout_bps: terms.holdout.0,
            when_spent: match terms.when_spent {
                terms::WhenSpent::PayWithout => WhenSpent::PayWithout,
                terms::WhenSpent::Tell => WhenSpent::Tell,
            },
        }
    }
}

impl CampaignKind {
    fn into_core(self) -> (terms::Kind, Option<SharedCode>) {
        match self {
            Self::Discount => (terms::Kind::Discount, None),
            Self::Rebate(Wait { wait_days }) => (terms::Kind::Rebate { wait_days }, None),
            Self::Coupon(coupons) => {
                let kind = terms::Kind::Coupon(CouponTerms {
                    days: coupons.days,
                    most: coupons.most,
                    per_user: coupons.per_user,
                    claimed: coupons.claimed,
                    after: coupons.after.map(Into::into),
                });
                (kind, coupons.code)
            }
        }
    }

    fn of(terms: &Terms) -> Self {
        match terms.kind {
            terms::Kind::Discount => Self::Discount,
            terms::Kind::Rebate { wait_days } => Self::Rebate(Wait { wait_days }),
            terms::Kind::Coupon(coupons) => Self::Coupon(Coupons {
                most: coupons.most,
                per_user: coupons.per_user,
                days: coupons.days,
                claimed: coupons.claimed,
                code: SharedCode::of(terms),
                after: coupons.after.map(Into::into),
            }),
        }
    }
}

impl Benefit {
    fn into_core(self) -> terms::Benefit {
        match self {
            Self::Fixed(amount) => terms::Benefit::Fixed(amount.into()),
            Self::Percent(Percent { bps, cap }) => terms::Benefit::Percent {
                rate: BasisPoints(bps),
                cap: cap.into(),
            },
            Self::Random(Random { least, most, mean }) => terms::Benefit::Random {
                least: least.into(),
                most: most.into(),
                mean: mean.into(),
            },
            Self::Tiers(tiers) => {
                let tiers = tiers.into_iter().map(|tier| CoreTier {
                    spend: tier.spend.into(),
                    get: tier.get.into(),
                });
                terms::Benefit::Tiers(tiers.collect())
            }
        }
    }
}

impl From<&terms::Benefit> for Benefit {
    fn from(benefit: &terms::Benefit) -> Self {
        match benefit {
            terms::Benefit::Fixed(amount) => Self::Fixed((*amount).into()),
            terms::Benefit::Percent { rate, cap } => Self::Percent(Percent {
                bps: rate.0,
                cap: (*cap).into(),
            }),
            terms::Benefit::Random { least, most, mean } => Self::Random(Random {
                least: (*least).into(),
                most: (*most).into(),
                mean: (*mean).into(),
            }),
            terms::Benefit::Tiers(tiers) => {
                let tiers = tiers.iter().map(|tier| Tier {
                    spend: tier.spend.into(),
                    get: tier.get.into(),
                });
                Self::Tiers(tiers.collect())
            }
        }
    }
}

impl Funding {
    fn into_core(self) -> terms::Funding {
        match self {
            Self::Platform => terms::Funding::Platform,
            Self::Merchant(merchant) => terms::Funding::Merchant(merchant.0),
            Self::Shared(shared) => terms::Funding::Shared {
                merchant: shared.merchant_id.0,
                platform: BasisPoints(shared.platform_bps),
            },
            Self::Outside(merchant) => terms::Funding::Outside(merchant.0),
        }
    }
}

impl From<terms::Funding> for Funding {
    fn from(funding: terms::Funding) -> Self {
        match funding {
            terms::Funding::Platform => Self::Platform,
            terms::Funding::Merchant(merchant) => Self::Merchant(merchant.into()),
            terms::Funding::Shared { merchant, platform } => Self::Shared(Shared {
                merchant_id: merchant.into(),
                platform_bps: platform.0,
            }),
            terms::Funding::Outside(merchant) => Self::Outside(merchant.into()),
        }
    }
}
