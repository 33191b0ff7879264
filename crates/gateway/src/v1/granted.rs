//! What campaigns did to a payment, and what a refund gave back of it, with the campaigns' names.

use std::collections::HashMap;

use feiqian_core::campaign::grant::{self, Granted, RebateStage, Returned};
use feiqian_core::{CampaignId, CouponId, EventNumber, Fen, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::fields::{CampaignRef, CouponRef, Time};
use crate::platform::Platform;

/// A discount, or the use of a coupon.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Discount {
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    /// Fen less to pay.
    #[schema(minimum = 1)]
    amount: i64,
    /// The coupon used.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_id: Option<CouponRef>,
}

/// Money back to the wallet.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Rebate {
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    /// Fen.
    #[schema(minimum = 1)]
    amount: i64,
    /// When it arrives, if not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Time>,
    /// Whether it has.
    arrived: bool,
}

/// A coupon that a payment earned.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EarnedCoupon {
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    /// Once it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_id: Option<CouponRef>,
    /// It is good for nothing from here on.
    until: Time,
}

/// Why a campaign does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Another gives more, or as much and ends sooner.
    AnotherGivesMore,
    /// There is not enough of its budget left.
    BudgetSpent,
    /// There is not enough of the day's budget left.
    DaySpent,
    /// The payer had it as often or as much as may be.
    UserLimit,
    /// As many payers had it as may.
    UsersLimit,
    /// The order is too small.
    BelowMinimum,
    /// It is for other payers, merchants or times.
    NotEligible,
    /// Its rule cannot be computed for this payment.
    RuleBroken,
    /// The payer holds no coupon of it.
    NoCoupon,
    /// Others cover all that can be covered.
    NothingLeft,
}

impl From<grant::Why> for Why {
    fn from(why: grant::Why) -> Self {
        match why {
            grant::Why::AnotherGivesMore => Self::AnotherGivesMore,
            grant::Why::BudgetSpent => Self::BudgetSpent,
            grant::Why::DaySpent => Self::DaySpent,
            grant::Why::UserLimit => Self::UserLimit,
            grant::Why::UsersLimit => Self::UsersLimit,
            grant::Why::BelowMinimum => Self::BelowMinimum,
            grant::Why::NotEligible => Self::NotEligible,
            grant::Why::RuleBroken => Self::RuleBroken,
            grant::Why::NoCoupon => Self::NoCoupon,
            grant::Why::NothingLeft => Self::NothingLeft,
        }
    }
}

/// A campaign that does not apply, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PassedOver {
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    why: Why,
}

/// What campaigns do to a payment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Offers {
    /// Fen that the payer pays: the amount less all discounts.
    #[schema(minimum = 1)]
    payable: i64,
    discounts: Vec<Discount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rebate: Option<Rebate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    earned: Option<EarnedCoupon>,
    /// Campaigns that would have applied but for what is said.
    passed_over: Vec<PassedOver>,
}

/// What a refund gave back, part by part.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Breakdown {
    /// Fen to the payer's wallet.
    #[schema(minimum = 0)]
    payer: i64,
    /// To the campaigns.
    campaigns: Vec<GivenBack>,
    /// What was taken back of a rebate.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebate: Option<RebateBack>,
    /// Coupons that are good again.
    coupon_ids: Vec<CouponRef>,
}

/// A campaign's part of a refund.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GivenBack {
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    /// Fen.
    #[schema(minimum = 0)]
    amount: i64,
}

/// What a refund took back of a rebate.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RebateBack {
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    /// Fen, with what is lost.
    #[schema(minimum = 0)]
    amount: i64,
    /// Fen of it that the wallet did not have: the platform's loss.
    #[schema(minimum = 0)]
    lost: i64,
}

/// Campaigns' names.
#[derive(Default)]
pub struct Names(HashMap<CampaignId, String>);

impl Names {
    /// Asks for the names of these.
    pub async fn of(
        platform: &Platform,
        ids: impl IntoIterator<Item = CampaignId>,
    ) -> Result<Self, ApiError> {
        let ids: Vec<_> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let read = move |state: &State| Self::read(state, ids);
        Ok(platform.engine.read(read).await?)
    }

    /// Those of these.
    pub fn read(state: &State, ids: impl IntoIterator<Item = CampaignId>) -> Self {
        let named = ids.into_iter().filter_map(|id| {
            let campaign = state.campaign(id)?;
            Some((id, campaign.terms.name.clone()))
        });
        Self(named.collect())
    }

    /// The name of one of them.
    pub fn get(&self, id: CampaignId) -> String {
        self.0.get(&id).cloned().unwrap_or_default()
    }
}

/// All campaigns that a payment tells of.
pub fn campaigns_of(granted: &Granted) -> impl Iterator<Item = CampaignId> {
    let grants = granted.grants.iter().map(|grant| grant.campaign);
    let rebate = granted.rebate.iter().map(|rebate| rebate.campaign);
    let earned = granted.earned.iter().map(|earned| earned.campaign);
    let over = granted.passed_over.iter().map(|over| over.campaign);
    grants.chain(rebate).chain(earned).chain(over)
}

/// All campaigns that a refund tells of.
pub fn campaigns_back(returned: &Returned) -> impl Iterator<Item = CampaignId> {
    let grants = returned.grants.iter().map(|part| part.campaign);
    grants.chain(returned.rebate.iter().map(|back| back.part.campaign))
}

impl Offers {
    /// Of a payment of `amount`; `paid` is its event, if it happened.
    pub fn of(
        amount: Fen,
        granted: Option<&Granted>,
        stage: RebateStage,
        paid: Option<EventNumber>,
        names: &Names,
    ) -> Self {
        let nothing = Granted::default();
        let granted = granted.unwrap_or(&nothing);
        let discounts = granted.grants.iter().map(|grant| Discount {
            campaign_id: grant.campaign.into(),
            campaign: names.get(grant.campaign),
            amount: grant.amount.0,
            coupon_id: grant.coupon.map(Into::into),
        });
        Self {
            payable: amount.minus(granted.discount()).unwrap_or(amount).0,
            discounts: discounts.collect(),
            rebate: granted.rebate.map(|rebate| Rebate {
                campaign_id: rebate.campaign.into(),
                campaign: names.get(rebate.campaign),
                amount: rebate.amount.0,
                due: rebate.due.map(Into::into),
                arrived: stage == RebateStage::Arrived,
            }),
            earned: granted.earned.map(|earned| EarnedCoupon {
                campaign_id: earned.campaign.into(),
                campaign: names.get(earned.campaign),
                coupon_id: paid.map(|event| CouponId(event).into()),
                until: earned.until.into(),
            }),
            passed_over: granted
                .passed_over
                .iter()
                .map(|over| PassedOver::of(over.campaign, over.why, names))
                .collect(),
        }
    }

    /// With all reasons, not only those that an event keeps.
    pub fn with_passed_over(mut self, all: Vec<PassedOver>) -> Self {
        self.passed_over = all;
        self
    }
}

impl PassedOver {
    /// A campaign and why it does not apply.
    pub fn of(campaign: CampaignId, why: grant::Why, names: &Names) -> Self {
        Self {
            campaign_id: campaign.into(),
            campaign: names.get(campaign),
            why: why.into(),
        }
    }
}

impl Breakdown {
    /// Of a refund with campaigns in it.
    pub fn of(returned: &Returned, names: &Names) -> Self {
        let campaigns = returned.grants.iter().map(|part| GivenBack {
            campaign_id: part.campaign.into(),
            campaign: names.get(part.campaign),
            amount: part.amount().0,
        });
        Self {
            payer: returned.payer.0,
            campaigns: campaigns.collect(),
            rebate: returned.rebate.map(|back| RebateBack {
                campaign_id: back.part.campaign.into(),
                campaign: names.get(back.part.campaign),
                amount: back.part.amount().0,
                lost: back.lost.0,
            }),
            coupon_ids: returned.coupons.iter().copied().map(Into::into).collect(),
        }
    }
}
