//! Merchants: shops that take payments. Their keys lie in the vault.

pub mod add;
pub mod change;

use minicbor::{Decode, Encode};

use crate::ids::EventNumber;
use crate::money::{BasisPoints, Fen};

/// A merchant and its account. The name is in the event that added it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Merchant {
    /// What it is owed.
    #[n(0)]
    pub balance: Fen,
    /// The event that added it.
    #[n(1)]
    pub added: EventNumber,
    /// What is kept of each payment.
    #[n(2)]
    pub fee: BasisPoints,
    /// May it take payments?
    #[n(3)]
    pub status: MerchantStatus,
    /// Its trade.
    #[n(4)]
    pub category: Category,
}

/// May a merchant take payments?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum MerchantStatus {
    /// Yes.
    #[n(0)]
    Active,
    /// Not now; it can still give refunds.
    #[n(1)]
    Paused,
}

/// A merchant category code of ISO 18245: four digits, e.g. 5812 for restaurants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Category(#[n(0)] pub u16);
