//! Set what a brand takes for withdrawals, from now on.
//!
//! Ledger: none. What was asked of the bank before keeps its fee ([`crate::bank::fee`]).

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::bank::fee::WithdrawalTerms;
use crate::command::{Decision, refusals};
use crate::ids::BrandId;
use crate::limits::{BALANCE_MAX, FEE_MAX, WITHDRAWAL_FEE_LEAST_MAX};
use crate::money::Fen;
use crate::state::State;
use crate::time::UnixMillis;

/// Command. Setting the terms that it has already changes nothing and is recorded all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetWithdrawalTerms {
    /// Whose.
    pub brand: BrandId,
    /// From now on.
    pub terms: WithdrawalTerms,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WithdrawalTermsSet {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose.
    #[n(1)]
    pub brand: BrandId,
    /// From now on.
    #[n(2)]
    pub terms: WithdrawalTerms,
}

refusals! {
    /// No such brand. May succeed once it is added.
    BrandNotFound = "there is no such brand",
    /// The free amount is below zero or above what an account may hold. Final.
    FreeOutOfRange = "what is free each month is 0 fen or more",
    /// The rate is above 10 %. Final.
    FeeTooHigh = "a fee is 10 % at most",
    /// The least fee is not within 0 fen … 100 yuan. Final.
    LeastOutOfRange = "the least fee is 0 to 10000 fen",
}

impl SetWithdrawalTerms {
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
    command: &SetWithdrawalTerms,
) -> Decision<WithdrawalTermsSet, Refusal> {
    let terms = command.terms;
    if state.brand(command.brand).is_none() {
        return Decision::Refuse(Refusal::BrandNotFound);
    }
    if !(Fen::ZERO..=BALANCE_MAX).contains(&terms.free_per_month) {
        return Decision::Refuse(Refusal::FreeOutOfRange);
    }
    if terms.rate > FEE_MAX {
        return Decision::Refuse(Refusal::FeeTooHigh);
    }
    if !(Fen::ZERO..=WITHDRAWAL_FEE_LEAST_MAX).contains(&terms.least) {
        return Decision::Refuse(Refusal::LeastOutOfRange);
    }
    Decision::Accept(WithdrawalTermsSet {
        at: now,
        brand: command.brand,
        terms,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &WithdrawalTermsSet) {
    let brand = state.brands.get_mut(usize::from(event.brand.0));
    let brand = brand.expect("the brand was found when deciding");
    brand.withdrawal_terms = Some(event.terms);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::money::BasisPoints;
    use crate::testing::given;

    fn set(brand: u16, free: i64, rate: u16, least: i64) -> crate::Command {
        SetWithdrawalTerms {
            brand: BrandId(brand),
            terms: WithdrawalTerms {
                free_per_month: Fen(free),
                rate: BasisPoints(rate),
                least: Fen(least),
            },
        }
        .into()
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        given([set(0, 0, 0, 0)]).refuses_each([
            (set(99, -1, 1_001, -1), BrandNotFound),
            (set(0, -1, 1_001, -1), FreeOutOfRange),
            (set(0, BALANCE_MAX.0 + 1, 0, 0), FreeOutOfRange),
            (set(0, 0, 1_001, -1), FeeTooHigh),
            (set(0, 0, 1_000, -1), LeastOutOfRange),
            (set(0, 0, 1_000, 10_001), LeastOutOfRange),
        ]);
        given([])
            .when(set(0, BALANCE_MAX.0, 1_000, 10_000))
            .accepts();
    }
}
