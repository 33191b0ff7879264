//! The books: totals kept by what follows the log, and the reports made of them.
//!
//! ```text
//! log ─► Totals::read, event by event ─► rows by day and brand ─► income · share · campaign
//!                    └─► checkpoint: position and rows, so that a restart goes on
//! ```
//!
//! A pure fold: no clock, no log, no network. Units: amounts in fen, days of the platform's clock
//! ([`feiqian_core::time::Day`]), shares in basis points. Everything that a brand earned or spent is its payers':
//! the brand of a payment, and of its refunds, is the payer's.
//!
//! Memory is four bytes a user, a row for each day and brand (and category, and campaign) with payments, and for
//! each campaign that has not ended who had something of it.

pub mod period;

pub mod totals;

pub mod campaigns;
pub mod experiment;

pub mod income;
pub mod share;

pub mod campaign;

pub mod checkpoint;

pub use period::{By, Period, Span};
pub use totals::Totals;

/// A share in basis points, half-up; none of nothing.
#[must_use]
pub(crate) fn basis_points(part: u64, whole: u64) -> Option<u32> {
    divided(u128::from(part).saturating_mul(10_000), whole.into())
        .and_then(|share| u32::try_from(share).ok())
}

/// A quotient, half-up; none by nothing.
pub(crate) fn divided(part: u128, by: u128) -> Option<u128> {
    let doubled = part.saturating_mul(2).saturating_add(by);
    doubled.checked_div(by.saturating_mul(2))
}
