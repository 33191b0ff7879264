//! The rules of Feiqian: which commands are accepted, what happens then, and where the money goes.
//!
//! Pure and synchronous. It reads no clock, no chance, no file and no environment: time is an
//! argument, everything else is in [`State`]. `decide` reads the state and answers; `evolve` applies
//! an event and cannot refuse. The same events give the same state on every machine.
//!
//! Reading order is the order of the modules below. `order::refund` is the model of a command file.

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

pub mod ids;
pub mod limits;
pub mod money;
pub mod time;

pub mod ledger;
pub mod numbers;
pub mod state;

pub mod command;
pub mod event;

pub mod bank;
pub mod brand;
pub mod campaign;
pub mod merchant;
pub mod order;
pub mod packet;
pub mod remittance;
pub mod request;
pub mod user;

pub mod archive;
pub mod audit;
mod cbor;
pub mod snapshot;
mod table;

#[cfg(feature = "planted")]
pub mod planted;

#[cfg(test)]
mod testing;

pub use command::{Command, Decision, Refusal, Submit, decide};
pub use event::{Event, evolve};
pub use ids::{
    BrandId, CampaignId, CouponId, EventNumber, MerchantId, Number, OrderId, PacketId, RefundId,
    RemittanceId, RequestId, TransferId, UserId,
};
pub use ledger::{Account, Posting, Postings};
pub use money::{BasisPoints, Fen};
pub use state::{Keep, Mode, State};
pub use time::UnixMillis;
