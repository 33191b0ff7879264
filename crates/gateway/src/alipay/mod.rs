//! Alipay's classic gateway, `/gateway.do`, as merchants' unmodified SDKs speak it, and its REST protocol ([`v3`]).
//!
//! Reading order: [`routes`], [`edge`] (the order inside every request), [`params`] (what was sent, and the
//! text that was signed), [`caller`] (who sent it), [`methods`] (which method is which), then the methods:
//! [`place`], [`pay`], [`query`], [`ending`], [`refund`], [`pages`], [`fund`], [`certificates`].
//!
//! Below them: [`app`] (keys of a merchant's app), [`trade`] (the trade as it is shown), [`node`] (the answer's
//! exact bytes), [`cipher`] (content in AES), [`money`] (yuan).

mod routes;

mod edge;
pub mod params;

mod caller;
mod methods;

mod pages;
mod pay;
mod place;
mod query;

mod ending;
mod refund;

mod certificates;
mod fund;

pub mod v3;

pub mod app;

mod biz;
mod echo;
pub mod error;
mod refusals;

pub(crate) mod trade;

pub mod cipher;
pub mod money;
pub mod node;

pub(crate) mod returning;

pub(crate) use refund::request_of as refund_number;
pub use routes::routes;
