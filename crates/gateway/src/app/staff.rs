//! Who works the tills of a shop: its owners and cashiers, each with a password of their own.

use feiqian_core::{Fen, MerchantId};
use serde::{Deserialize, Serialize};

use super::password::Hash;
use crate::platform::{Platform, PlatformError, read_record, write_record};

/// A cashier's refunds above this need an owner, unless the shop says otherwise.
pub const REFUND_LIMIT_DEFAULT: Fen = Fen(20_000);

/// What somebody of a shop may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Everything.
    Owner,
    /// Charging, and refunds up to the limit.
    Cashier,
}

/// Somebody of a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which; never given to another.
    pub id: u32,
    /// What they sign in with.
    pub name: String,
    /// What they may do.
    pub role: StaffRole,
    /// Of the password.
    pub password: Hash,
    /// Wrong passwords since the last right one.
    #[serde(default)]
    pub wrong: u8,
    /// When the last password was given, in milliseconds since 1970.
    #[serde(default)]
    pub tried: i64,
}

/// The people of a shop, as the vault keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crew {
    /// The id that is given next.
    pub next: u32,
    /// Those who are there now.
    pub members: Vec<Member>,
    /// Fen; the default if not chosen.
    pub refund_limit: Option<i64>,
}

impl Crew {
    /// The member of this id.
    #[must_use]
    pub fn member(&self, id: u32) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// A cashier's refunds above this need an owner.
    #[must_use]
    pub fn refund_limit(&self) -> Fen {
        self.refund_limit.map_or(REFUND_LIMIT_DEFAULT, Fen)
    }
}

/// The people of a shop; nobody if none were added.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn read(platform: &Platform, merchant: MerchantId) -> Result<Crew, PlatformError> {
    Ok(read_record(&platform.vault, &record_name(merchant))?.unwrap_or_default())
}

/// Changes them: what `change` leaves is durable before this returns. Nobody else changes them meanwhile.
/// Waits for the disk: not on the runtime's threads.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn change<T>(
    platform: &Platform,
    merchant: MerchantId,
    change: impl FnOnce(&mut Crew) -> Result<T, PlatformError>,
) -> Result<T, PlatformError> {
    let _held = platform.apps.crews.hold(merchant.0);
    let before = read(platform, merchant)?;
    let mut crew = before.clone();
    let answer = change(&mut crew)?;
    if crew != before {
        write_record(&platform.vault, &record_name(merchant), &crew)?;
    }
    Ok(answer)
}

fn record_name(merchant: MerchantId) -> String {
    format!("app/staff/{merchant}")
}
