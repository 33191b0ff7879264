//! Users: people with a wallet. Their names and numbers lie in the vault, never here.

pub mod add;
pub mod set_status;

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
