//! Change a merchant's fee or status.
//!
//! Ledger: none. Invariant: orders already paid keep the fee that was frozen on them.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::MerchantId;
use crate::limits::FEE_MAX;
use crate::merchant::MerchantStatus;
use crate::money::BasisPoints;
use crate::state::{State, index};
use crate::time::UnixMillis;

/// Command. What is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeMerchant {
    /// Which.
    pub merchant: MerchantId,
    /// From now on kept of each payment.
    pub fee: Option<BasisPoints>,
    /// From now on.
    pub status: Option<MerchantStatus>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MerchantChanged {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub merchant: MerchantId,
    /// From now on kept of each payment.
    #[n(2)]
    pub fee: Option<BasisPoints>,
    /// From now on.
    #[n(3)]
    pub status: Option<MerchantStatus>,
}

refusals! {
    /// No such merchant. Final.
    MerchantNotFound = "there is no such merchant",
    /// Above [`FEE_MAX`]. Final.
    FeeTooHigh = "a fee is at most 1000 basis points",
}

impl ChangeMerchant {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ChangeMerchant,
) -> Decision<MerchantChanged, Refusal> {
    if state.merchant(command.merchant).is_none() {
        return Decision::Refuse(Refusal::MerchantNotFound);
    }
    if command.fee.is_some_and(|fee| fee > FEE_MAX) {
        return Decision::Refuse(Refusal::FeeTooHigh);
    }
    Decision::Accept(MerchantChanged {
        at: now,
        merchant: command.merchant,
        fee: command.fee,
        status: command.status,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &MerchantChanged) {
    let row = state
        .merchants
        .get_mut(index(event.merchant.0))
        .expect("the merchant was found when deciding");
    row.fee = event.fee.unwrap_or(row.fee);
    row.status = event.status.unwrap_or(row.status);
}
