//! WeChat Pay v3, as merchants' unmodified SDKs speak it.
//!
//! Reading order: [`authorization`] (who asks), [`sign`] (is it them), [`aead`] and [`oaep`] (what only
//! they may read), [`keys`] (where keys and certificates come from), [`ids`] (what things are called),
//! [`csv`] (the bill). These are pure: no clock, no state; chance only from [`random`].

pub mod authorization;
pub mod sign;

pub mod aead;
pub mod oaep;

pub mod keys;
pub mod random;

pub mod csv;
pub mod ids;

#[cfg(test)]
mod vectors;
