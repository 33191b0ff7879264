//! What one operator began and another must agree to: money by hand, and budgets above a limit.
//!
//! Nothing has happened until then. Who agrees does it, under the number of the first request, so that doing it
//! twice does it once.

use feiqian_core::brand::fund::FundBrand;
use feiqian_core::campaign::budget::ChangeBudget;
use feiqian_core::{BrandId, CampaignId, EventNumber, Fen, Number};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operators::Role;
use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use crate::v1::error::ApiError;

/// Money by hand above this needs a second operator: 100,000 yuan.
pub const CAPITAL_ALONE_MAX: Fen = Fen(10_000_000);
/// A budget raised above this needs a second operator: 100,000 yuan.
pub const BUDGET_ALONE_MAX: Fen = Fen(10_000_000);
const NEXT: &str = "approval/next";

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApprovalStatus)]
pub enum Status {
    /// It waits.
    Open,
    /// It happened.
    Approved,
    /// It will not happen.
    Rejected,
}

/// What is to happen; amounts are fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// The operator's own money for a brand's reserve.
    Capital {
        /// Whose reserve.
        brand: u16,
        /// How much.
        amount: i64,
    },
    /// A campaign's budget.
    Budget {
        /// Which.
        campaign: u32,
        /// What it is.
        from: i64,
        /// What it shall be.
        to: i64,
    },
}

impl Asked {
    /// Whether one operator is enough.
    #[must_use]
    pub fn needs_nobody_else(self) -> bool {
        match self {
            Self::Capital { amount, .. } => Fen(amount) <= CAPITAL_ALONE_MAX,
            Self::Budget { from, to, .. } => to <= from || Fen(to) <= BUDGET_ALONE_MAX,
        }
    }

    /// Who can agree.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Capital { .. } => Role::Finance,
            Self::Budget { .. } => Role::Campaigns,
        }
    }

    /// In a word that names its kind.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Capital { .. } => "brand_capital",
            Self::Budget { .. } => "campaign_budget",
        }
    }
}

/// An approval as the vault keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Which.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who began it.
    pub by: String,
    /// The number of that request.
    pub key: String,
    /// What is to happen.
    pub asked: Asked,
    /// What became of it.
    pub status: Status,
    /// The other operator.
    pub decided_by: Option<String>,
}

/// Where the request stands that an operator made under this number, if it needs another one.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn begun(
    platform: &Platform,
    by: Number,
    key: Number,
) -> Result<Option<Approval>, PlatformError> {
    match read_record::<u64>(&platform.vault, &named(by, key))? {
        Some(number) => get(platform, number),
        None => Ok(None),
    }
}

/// Begins one. One at a time.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn begin(
    platform: &Platform,
    by: Number,
    key: Number,
    asked: Asked,
) -> Result<Approval, PlatformError> {
    let vault = &platform.vault;
    let number = len(platform)?;
    let approval = Approval {
        number,
        at: unix_millis().0,
        by: by.as_str().to_owned(),
        key: key.as_str().to_owned(),
        asked,
        status: Status::Open,
        decided_by: None,
    };
    put(platform, &approval)?;
    write_record(vault, NEXT, &number.saturating_add(1))?;
    write_record(vault, &named(by, key), &number)?;
    Ok(approval)
}

/// The approval of a number.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn get(platform: &Platform, number: u64) -> Result<Option<Approval>, PlatformError> {
    read_record(&platform.vault, &record(number))
}

/// Keeps what became of it.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn put(platform: &Platform, approval: &Approval) -> Result<(), PlatformError> {
    write_record(&platform.vault, &record(approval.number), approval)
}

/// How many there are: their numbers are below.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn len(platform: &Platform) -> Result<u64, PlatformError> {
    Ok(read_record(&platform.vault, NEXT)?.unwrap_or_default())
}

/// Does what is asked, in the name of who began it: the event, and whether it had happened before.
///
/// # Errors
/// What the rules refuse.
pub async fn perform(
    platform: &Platform,
    by: Number,
    number: Number,
    asked: Asked,
) -> Result<(EventNumber, bool), ApiError> {
    let receipt = match asked {
        Asked::Capital { brand, amount } => {
            let command = FundBrand {
                brand: BrandId(brand),
                number,
                amount: Fen(amount),
            };
            platform.engine.submit(command).await?
        }
        Asked::Budget { campaign, from, to } => {
            let command = ChangeBudget {
                campaign: CampaignId(campaign),
                number,
                by,
                from: Fen(from),
                to: Fen(to),
            };
            platform.engine.submit(command).await?
        }
    };
    Ok((receipt.event, receipt.again))
}

fn record(number: u64) -> String {
    format!("approval/entry/{number:020}")
}

fn named(by: Number, key: Number) -> String {
    format!("approval/key/{}/{}", by.as_str(), key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_sums_need_another_and_a_smaller_budget_nobody() {
        let capital = |amount| Asked::Capital { brand: 0, amount }.needs_nobody_else();
        let budget = |from, to| {
            let campaign = 0;
            Asked::Budget { campaign, from, to }.needs_nobody_else()
        };
        let (limit, above) = (CAPITAL_ALONE_MAX.0, CAPITAL_ALONE_MAX.0 + 1);
        assert_eq!((capital(limit), capital(above)), (true, false));
        assert_eq!((budget(1, limit), budget(1, above)), (true, false));
        assert!(budget(2 * above, above));
    }
}
