//! WeChat Pay v2: XML signed with a shared key, as older SDKs speak it. The rules, the orders and their numbers are
//! those of [`crate::wechat`]; an order made here can be shown and refunded there, and the other way round.
//!
//! Reading order: [`routes`], [`edge`] (the order inside every request), [`xml`] and [`sign`] (what comes in and goes
//! out), [`params`] (reading the fields), then the endpoints: [`place`], [`micropay`], [`query`], [`ending`],
//! [`refund`], [`refund_query`], [`tools`], [`bills`]. What merchants are told: [`crate::notify`].

mod routes;

pub(crate) mod edge;
pub mod sign;
pub mod xml;

mod error;
mod params;

mod kept;
mod micropay;
mod place;

mod ending;
mod query;

mod refund;
mod refund_query;

mod bills;
mod tools;

pub(crate) mod cipher;
pub(crate) mod order_map;
pub(crate) mod refund_map;
mod times;

#[cfg(test)]
mod tests;

pub use routes::routes;
