//! Brands: wallets that the public knows. Users belong to one; merchants accept every one.

pub mod add;
pub mod fund;
pub mod open;

use minicbor::{Decode, Encode};

use crate::ids::EventNumber;
use crate::money::Fen;

/// A brand and its accounts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Brand {
    /// The event that added it.
    #[n(0)]
    pub added: EventNumber,
    /// What the public calls it.
    #[n(1)]
    pub name: String,
    /// Balance of its bank reserve account.
    #[n(2)]
    pub bank_reserve: Fen,
    /// Balance of its transit account.
    #[n(3)]
    pub transit: Fen,
    /// Balance of its fee income account.
    #[n(4)]
    pub fee_income: Fen,
    /// Balance of its capital account.
    #[n(5)]
    pub capital: Fen,
    /// Balance of its rebate loss account.
    #[n(6)]
    pub rebate_loss: Fen,
}

/// Whether a name of a brand or merchant is one: 1 to 64 characters, none of them a control character.
pub(crate) fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= crate::limits::NAME_CHARS_MAX
        && !name.chars().any(char::is_control)
}
