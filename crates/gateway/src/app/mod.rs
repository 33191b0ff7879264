//! The apps.

pub mod wallet;
