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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BrandId;
    use crate::ledger::Account;
    use crate::testing::{
        MEI, NO_SHOP, ORDER, SHOP, change_fee, create, given, pause, pay, refund,
    };

    #[test]
    fn what_is_not_named_stays() {
        let world = given([change_fee(SHOP, 1_000), pause(SHOP)]);
        let shop = world.state.merchant(SHOP).unwrap();
        assert_eq!((shop.fee, shop.status), (FEE_MAX, MerchantStatus::Paused));
    }

    #[test]
    fn a_paid_order_keeps_its_fee_and_a_paused_shop_refunds() {
        let fee = Account::FeeIncome(BrandId(0));
        given([create("a", 10_000), change_fee(SHOP, 100), pay(ORDER, MEI)])
            .has(fee, 100)
            .when(change_fee(SHOP, 0))
            .accepts()
            .when(pause(SHOP))
            .accepts()
            .when(refund("r", ORDER, 5_000, 10_000))
            .accepts()
            .has(fee, 50)
            .has(Account::Merchant(SHOP), 5_000 - 50);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        given([]).refuses_each([
            (change_fee(NO_SHOP, 1_001), Refusal::MerchantNotFound),
            (change_fee(SHOP, 1_001), Refusal::FeeTooHigh),
        ]);
    }
}
