//! Money: whole minor units, checked arithmetic, one way of rounding.

use core::fmt;

use minicbor::{Decode, Encode};

use crate::limits::{AMOUNT_MAX, AMOUNT_MIN, BALANCE_MAX};

/// An amount in fen, the hundredth of a yuan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Fen(#[n(0)] pub i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, unless it passes [`BALANCE_MAX`].
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = self.0.checked_add(other.0)?;
        (sum <= BALANCE_MAX.0).then_some(Self(sum))
    }

    /// The difference, unless it falls below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        let difference = self.0.checked_sub(other.0)?;
        (difference >= 0).then_some(Self(difference))
    }

    /// Whether it may be the amount of an order, refund, top-up or withdrawal.
    #[must_use]
    pub fn is_amount(self) -> bool {
        (AMOUNT_MIN..=AMOUNT_MAX).contains(&self)
    }

    /// `self × part / whole`, half-up to the fen. `part` is within `0..=whole`, `whole` above zero.
    ///
    /// Shares of a growing `part` are taken as differences of this, so that they add up to `self`
    /// exactly when `part` reaches `whole` (cumulative rounding).
    #[must_use]
    pub fn share(self, part: Self, whole: Self) -> Self {
        assert!(
            whole > Self::ZERO && part >= Self::ZERO && part <= whole,
            "a share is a fraction"
        );
        let doubled = i128::from(self.0)
            .saturating_mul(i128::from(part.0))
            .saturating_mul(2)
            .saturating_add(i128::from(whole.0));
        let rounded = doubled.div_euclid(i128::from(whole.0).saturating_mul(2));
        Self(i64::try_from(rounded).expect("a fraction of an i64 is an i64"))
    }
}

impl fmt::Display for Fen {
    /// In yuan, as people write it: `12.34`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        // Whole text first, so that a width in the format string holds.
        f.pad(&format!(
            "{sign}{}.{:02}",
            fen.div_euclid(100),
            fen.rem_euclid(100)
        ))
    }
}

/// A rate in hundredths of a percent: 60 is 0.60 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct BasisPoints(#[n(0)] pub u16);

impl BasisPoints {
    /// This rate of `amount`, half-up to the fen.
    #[must_use]
    pub fn of(self, amount: Fen) -> Fen {
        amount.share(Fen(i64::from(self.0.min(10_000))), Fen(10_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fee_is_half_up_to_the_fen() {
        let rate = BasisPoints(60);
        for (amount, fee) in [
            (1, 0),
            (83, 0),
            (84, 1),
            (100, 1),
            (249, 1),
            (250, 2),
            (10_000, 60),
            (12_345, 74),
        ] {
            assert_eq!(rate.of(Fen(amount)), Fen(fee), "0.60 % of {amount}");
        }
        assert_eq!(BasisPoints(1_000).of(AMOUNT_MAX), Fen(100_000_000_000));
    }

    #[test]
    fn amounts_are_shown_in_yuan() {
        assert_eq!(Fen(1_234).to_string(), "12.34");
        assert_eq!(Fen(-5).to_string(), "-0.05");
    }
}
