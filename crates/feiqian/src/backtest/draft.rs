//! Reads a draft: `{"budget": FEN, "terms": {…}}`, as POST /v1/campaigns takes it, without a rule.

use std::path::Path;

use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent,
};
use feiqian_core::{BasisPoints, Fen};
use feiqian_gateway::v1::fields::{Amount, BrandRef, MerchantRef, Time};
use serde::Deserialize;

use crate::Failure;

/// A draft and its budget.
pub struct Draft {
    pub terms: Terms,
    pub budget: Fen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    budget: Amount,
    terms: FileTerms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTerms {
    name: String,
    kind: FileKind,
    benefit: FileBenefit,
    funding: FileFunding,
    from: Time,
    until: Time,
    minimum: Option<Amount>,
    per_day: Option<Amount>,
    per_payment: Option<Amount>,
    #[serde(default)]
    per_user: FilePerUser,
    users: Option<u32>,
    brand_id: Option<BrandRef>,
    #[serde(default)]
    merchant_ids: Vec<MerchantRef>,
    group: Option<u16>,
    #[serde(default)]
    holdout_bps: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum FileKind {
    Discount,
    Coupon { most: u32, per_user: u32 },
    Rebate { wait_days: u16 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum FileBenefit {
    Fixed(Amount),
    Percent {
        bps: u16,
        cap: Amount,
    },
    Random {
        least: Amount,
        most: Amount,
        mean: Amount,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum FileFunding {
    Platform,
    Merchant(MerchantRef),
    Shared {
        merchant_id: MerchantRef,
        platform_bps: u16,
    },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePerUser {
    times: Option<u32>,
    times_a_day: Option<u32>,
    amount: Option<Amount>,
    #[serde(default)]
    by_person: bool,
}

/// Reads it.
pub fn read(path: &Path) -> Result<Draft, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let file: File =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let budget = file.budget.into();
    let terms = file.terms.into();
    Ok(Draft { terms, budget })
}

impl From<FileTerms> for Terms {
    fn from(file: FileTerms) -> Self {
        let mut merchants: Vec<_> = file.merchant_ids.iter().map(|id| id.0).collect();
        merchants.sort_unstable();
        merchants.dedup();
        Self {
            name: file.name,
            kind: match file.kind {
                FileKind::Discount => Kind::Discount,
                FileKind::Rebate { wait_days } => Kind::Rebate { wait_days },
                FileKind::Coupon { most, per_user } => Kind::Coupon(CouponTerms {
                    days: None,
                    most,
                    per_user,
                    claimed: true,
                    after: None,
                }),
            },
            benefit: match file.benefit {
                FileBenefit::Fixed(fen) => Benefit::Fixed(fen.into()),
                FileBenefit::Percent { bps, cap } => Benefit::Percent {
                    rate: BasisPoints(bps),
                    cap: cap.into(),
                },
                FileBenefit::Random { least, most, mean } => Benefit::Random {
                    least: least.into(),
                    most: most.into(),
                    mean: mean.into(),
                },
            },
            funding: match file.funding {
                FileFunding::Platform => Funding::Platform,
                FileFunding::Merchant(id) => Funding::Merchant(id.0),
                FileFunding::Shared {
                    merchant_id,
                    platform_bps,
                } => Funding::Shared {
                    merchant: merchant_id.0,
                    platform: BasisPoints(platform_bps),
                },
            },
            from: file.from.0,
            until: file.until.0,
            minimum: file.minimum.map_or(Fen::ZERO, Into::into),
            per_day: file.per_day.map(Into::into),
            per_payment: file.per_payment.map(Into::into),
            per_user: PerUser {
                times: file.per_user.times,
                times_a_day: file.per_user.times_a_day,
                amount: file.per_user.amount.map(Into::into),
                by_person: file.per_user.by_person,
            },
            users: file.users,
            brand: file.brand_id.map(|id| id.0),
            merchants,
            rule: None,
            group: file.group,
            holdout: BasisPoints(file.holdout_bps),
            when_spent: WhenSpent::PayWithout,
            // A draft draws the same each time it is tried.
            seed: 0,
            echo: None,
        }
    }
}
