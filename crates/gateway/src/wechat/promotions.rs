//! What campaigns gave to a payment and a refund gave back to them, as WeChat Pay v3 shows it.
//!
//! A promotion is CASH (充值) when the merchant receives its amount, NOCASH (免充值) when a stock says so of
//! itself: then the merchant sees its own discount as money that never came.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use feiqian_core::campaign::Terms;
use feiqian_core::campaign::grant::{Grant, Part, Returned};
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::{CampaignId, Fen, MerchantId};
use feiqian_engine::Stopped;
use serde::Serialize;

use super::order_object::CURRENCY;
use super::stock_echo::StockEcho;
use crate::platform::Platform;

/// For all goods of an order: single goods have no promotions of their own.
const SCOPE: &str = "GLOBAL";

/// Terms of campaigns that were asked for: they never change.
#[derive(Default)]
pub(crate) struct KnownTerms(RwLock<HashMap<CampaignId, Arc<Terms>>>);

impl KnownTerms {
    /// A campaign's terms, if there is such a campaign.
    pub async fn of(
        &self,
        platform: &Platform,
        id: CampaignId,
    ) -> Result<Option<Arc<Terms>>, Stopped> {
        if let Some(terms) = self.known(id) {
            return Ok(Some(terms));
        }
        let terms = platform
            .engine
            .read(move |state| state.campaign(id).map(|row| row.terms.clone()))
            .await?;
        if let Some(terms) = &terms {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(id, terms.clone());
        }
        Ok(terms)
    }

    fn known(&self, id: CampaignId) -> Option<Arc<Terms>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }
}

/// What campaigns gave to a payment, in the order of its grants.
#[derive(Debug, Default)]
pub(crate) struct Promotions(Vec<Promotion>);

#[derive(Debug)]
struct Promotion {
    grant: Grant,
    terms: Arc<Terms>,
    cash: bool,
}

impl Promotions {
    /// Of an order; none of one that is not paid.
    pub async fn of(platform: &Platform, paid: Option<&OrderPaid>) -> Result<Self, Stopped> {
        let granted = paid.and_then(|paid| paid.granted.as_ref());
        let mut all = Vec::new();
        for grant in granted.iter().flat_map(|granted| &granted.grants) {
            // Every grant's campaign exists.
            if let Some(terms) = platform.wechat.terms.of(platform, grant.campaign).await? {
                all.push(Promotion {
                    grant: *grant,
                    cash: !StockEcho::read(terms.echo.as_deref()).no_cash,
                    terms,
                });
            }
        }
        Ok(Self(all))
    }

    /// All of them.
    pub fn discount(&self) -> i64 {
        self.sum(|promotion| promotion.grant.amount)
    }

    /// Those that the merchant does not receive.
    pub fn no_cash(&self) -> i64 {
        self.sum(|promotion| match promotion.cash {
            true => Fen::ZERO,
            false => promotion.grant.amount,
        })
    }

    /// What the platform gave.
    pub fn of_platform(&self) -> i64 {
        self.sum(|promotion| promotion.grant.platform)
    }

    fn sum(&self, part: impl Fn(&Promotion) -> Fen) -> i64 {
        let parts = self.0.iter().map(|promotion| part(promotion).0);
        parts.fold(0, i64::saturating_add)
    }

    /// As an order of `merchant` shows them.
    pub fn detail(&self, platform: &Platform, merchant: MerchantId) -> Vec<PromotionDetail> {
        let detail = |promotion: &Promotion| {
            let Promotion { grant, terms, cash } = promotion;
            let others = grant.amount.0.saturating_sub(grant.platform.0);
            let own = terms.funding.funder() == Some(merchant);
            let stock_id = platform.ids.stock_id(grant.campaign.0);
            PromotionDetail {
                coupon_id: id_of(platform, grant),
                name: terms.name.clone(),
                scope: SCOPE,
                kind: if *cash { "CASH" } else { "NOCASH" },
                amount: grant.amount.0,
                stock_id,
                wechatpay_contribute: grant.platform.0,
                merchant_contribute: if own { others } else { 0 },
                other_contribute: if own { 0 } else { others },
                currency: CURRENCY,
            }
        };
        self.0.iter().map(detail).collect()
    }

    /// Each coupon's id, whether the merchant receives its amount, and the amount.
    pub fn coupons(&self, platform: &Platform) -> Vec<(String, bool, i64)> {
        let coupon = |promotion: &Promotion| {
            let amount = promotion.grant.amount.0;
            (id_of(platform, &promotion.grant), promotion.cash, amount)
        };
        self.0.iter().map(coupon).collect()
    }

    /// The same of a refund: what went back of each.
    pub fn coupons_returned(
        &self,
        platform: &Platform,
        returned: Option<&Returned>,
    ) -> Vec<(String, bool, i64)> {
        let coupon = |(promotion, part): (&Promotion, &Part)| {
            let amount = part.amount().0;
            (id_of(platform, &promotion.grant), promotion.cash, amount)
        };
        self.0.iter().zip(parts(returned)).map(coupon).collect()
    }

    /// Of a refund of `amount`: what went to whom.
    pub fn returned(&self, amount: Fen, returned: Option<&Returned>) -> Given {
        let mut given = Given {
            payer: returned.map_or(amount.0, |returned| returned.payer.0),
            ..Given::default()
        };
        for (promotion, part) in self.0.iter().zip(parts(returned)) {
            let back = part.amount().0;
            let sum = if promotion.cash {
                &mut given.cash
            } else {
                &mut given.no_cash
            };
            *sum = sum.saturating_add(back);
        }
        given
    }

    /// As a refund shows them.
    pub fn refund_detail(
        &self,
        platform: &Platform,
        returned: Option<&Returned>,
    ) -> Vec<RefundPromotion> {
        let detail = |(promotion, part): (&Promotion, &Part)| RefundPromotion {
            promotion_id: id_of(platform, &promotion.grant),
            scope: SCOPE,
            kind: if promotion.cash { "COUPON" } else { "DISCOUNT" },
            amount: promotion.grant.amount.0,
            refund_amount: part.amount().0,
        };
        self.0.iter().zip(parts(returned)).map(detail).collect()
    }
}

fn parts(returned: Option<&Returned>) -> &[Part] {
    returned.map_or(&[], |returned| &returned.grants)
}

/// 券或者立减优惠id: a discount without a coupon goes by its stock's.
fn id_of(platform: &Platform, grant: &Grant) -> String {
    match grant.coupon {
        Some(coupon) => platform.ids.coupon_id(coupon.0.0),
        None => platform.ids.stock_id(grant.campaign.0),
    }
}

/// Where a refund's amount went, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub payer: i64,
    pub cash: i64,
    pub no_cash: i64,
}

/// On the wire, in an order.
#[derive(Debug, Serialize)]
pub(crate) struct PromotionDetail {
    pub coupon_id: String,
    pub name: String,
    scope: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    pub amount: i64,
    pub stock_id: String,
    pub wechatpay_contribute: i64,
    pub merchant_contribute: i64,
    pub other_contribute: i64,
    currency: &'static str,
}

/// On the wire, in a refund.
#[derive(Debug, Serialize)]
pub(crate) struct RefundPromotion {
    promotion_id: String,
    scope: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    amount: i64,
    refund_amount: i64,
}
