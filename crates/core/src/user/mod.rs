//! Users: people with a wallet. Their names and numbers lie in the vault, never here.

pub mod add;
pub mod limits;
pub mod set_status;
pub mod set_tier;
pub mod set_traits;

use minicbor::{Decode, Encode};

use crate::ids::BrandId;
use crate::money::Fen;

/// A user and the wallet. Kept small: there are ten million of them in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct User {
    /// Balance of the wallet.
    #[n(0)]
    pub balance: Fen,
    /// Whose wallet it is.
    #[n(1)]
    pub brand: BrandId,
    /// May it move money?
    #[n(2)]
    pub status: UserStatus,
    /// How well the person is known.
    #[n(3)]
    pub tier: Tier,
}

/// Bytes of a packed user: balance (8, little endian), brand (2), status, tier.
const PACKED_BYTES: usize = 12;

impl User {
    /// For snapshots.
    pub(crate) fn pack(&self) -> [u8; PACKED_BYTES] {
        let mut bytes = [0; PACKED_BYTES];
        bytes[..8].copy_from_slice(&self.balance.0.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.brand.0.to_le_bytes());
        bytes[10] = match self.status {
            UserStatus::Active => 0,
            UserStatus::Frozen => 1,
            UserStatus::Closed => 2,
        };
        bytes[11] = match self.tier {
            Tier::Basic => 0,
            Tier::Verified => 1,
            Tier::Full => 2,
        };
        bytes
    }

    /// The user of packed bytes.
    pub(crate) fn unpack(bytes: [u8; PACKED_BYTES]) -> Option<Self> {
        let [balance @ .., b0, b1, status, tier] = bytes;
        Some(Self {
            balance: Fen(i64::from_le_bytes(balance)),
            brand: BrandId(u16::from_le_bytes([b0, b1])),
            status: match status {
                0 => UserStatus::Active,
                1 => UserStatus::Frozen,
                2 => UserStatus::Closed,
                _ => return None,
            },
            tier: match tier {
                0 => Tier::Basic,
                1 => Tier::Verified,
                2 => Tier::Full,
                _ => return None,
            },
        })
    }
}

/// May a user move money?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum UserStatus {
    /// Yes.
    #[n(0)]
    Active,
    /// Not now. Refunds still arrive.
    #[n(1)]
    Frozen,
    /// Never again. Refunds still arrive.
    #[n(2)]
    Closed,
}

/// How well the person behind a user is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Tier {
    /// By phone number only.
    #[n(0)]
    Basic,
    /// By name and one proof.
    #[n(1)]
    Verified,
    /// By name and several proofs.
    #[n(2)]
    Full,
}
