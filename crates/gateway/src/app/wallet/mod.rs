//! What the wallet asks: `/app/wallet`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "of all events a few are a wallet's"
)]

pub mod money;

pub mod words;

pub mod home;

pub mod entries;
pub mod moves;
pub mod receipts;

pub mod categories;
pub mod spending;

pub mod export;
pub mod pdf;

pub mod cashier;
pub mod confirmations;
pub mod offers;
pub mod pay_code;
pub mod scan;

pub mod names;
pub mod packets;
pub mod payees;
pub mod requests;
pub mod transfers;

pub mod bank;
pub mod coupons;
pub mod events;

use axum::Router;

use super::session::Shopper;
use super::signed::SignedShopper;
use crate::server::App;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().merge(money::routes())
}

/// A body that says nothing.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
