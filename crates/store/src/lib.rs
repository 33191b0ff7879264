//! What follows the log: indexes for every question, and the vault for what must never be in the log.

pub mod vault;
