//! Brands: wallets that the public knows. Users belong to one; merchants accept every one.

pub mod add;
pub mod fund;
pub mod open;
pub mod set_withdrawal_terms;

use minicbor::{Decode, Encode};

use crate::bank::fee::WithdrawalTerms;
use crate::ids::{BrandId, EventNumber};
use crate::money::Fen;
use crate::state::State;

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
    /// Balance of its remittance account.
    #[n(7)]
    pub remittance: Fen,
    /// What it takes for withdrawals; none: nothing.
    #[n(8)]
    pub withdrawal_terms: Option<WithdrawalTerms>,
}

/// What moves from one brand's bank reserve to another's when a user's money does: all of it, as far as
/// the first has so much that is not on its way out. Both lie at the central bank, so that it is a
/// transfer between two of its accounts.
pub(crate) fn reserve_moved(state: &State, from: BrandId, to: BrandId, amount: Fen) -> Fen {
    let brand = state.brand(from).expect("a user's brand exists");
    let free = brand.bank_reserve.minus(brand.transit).unwrap_or_default();
    if from == to {
        Fen::ZERO
    } else {
        amount.min(free)
    }
}

/// Whether a name of a brand or merchant is one: 1 to 64 characters, none of them a control character.
pub(crate) fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= crate::limits::NAME_CHARS_MAX
        && !name.chars().any(char::is_control)
}
