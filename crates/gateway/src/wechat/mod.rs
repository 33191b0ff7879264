//! WeChat Pay v3, as merchants' unmodified SDKs speak it.
//!
//! Reading order: [`routes`] (the endpoints), [`edge`] (the order inside each), [`caller`] (who asks),
//! then the endpoints: orders, codepay, query, closing, refunds, bills, certificates, and the coupons of
//! [`favor`] and [`busifavor`].
//!
//! Below them what is pure (no clock, no state; chance only from [`random`]): [`authorization`] and
//! [`sign`] (signatures), [`aead`] and [`oaep`] (what only one merchant may read), [`keys`] (where
//! keys and certificates come from), [`ids`] (what things are called), [`csv`] (the bill).

mod routes;

pub(crate) mod caller;
pub mod edge;
pub mod error;
mod fields;
pub(crate) mod refusals;
pub mod replay;

mod closing;
pub(crate) mod codepay;
pub(crate) mod orders;
mod query;

pub(crate) mod echo;
pub(crate) mod find;
pub(crate) mod order_object;

pub(crate) mod refund_object;
pub(crate) mod refunds;

pub(crate) mod busifavor;
pub(crate) mod callbacks;
pub(crate) mod favor;
pub(crate) mod promotions;
pub(crate) mod stock_echo;
pub(crate) mod stocks;

mod bill_rows;
pub mod bill_token;
pub mod bills;

mod certificates;
pub mod times;

pub mod authorization;
pub mod sign;

pub mod aead;
pub mod oaep;

pub mod keys;
pub mod random;

pub mod csv;
pub mod ids;

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) mod vectors;
#[cfg(test)]
pub(crate) mod world;

pub use routes::routes;
