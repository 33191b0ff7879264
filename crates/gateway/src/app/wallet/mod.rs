//! The wallet: what a shopper sees of their money, and what they do with it.
//!
//! The shapes are those of `web/src/shared/api.ts`. Every request bears the session's cookie; whatever moves
//! money bears the device's signature besides, and a number that is the same when trying again.

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
pub mod offers;

pub mod bank;
pub mod coupons;
pub mod events;

use axum::Router;
use axum::routing::get;

pub(crate) use crate::v1::auth::Shopper;

use crate::server::App;

/// The routes below `/app/wallet`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/home", get(home::show))
        .route("/entries", get(entries::list))
        .route("/entries/{id}", get(receipts::show))
        .route("/spending", get(spending::show))
        .route("/export.csv", get(export::csv))
        .route("/export.pdf", get(export::pdf))
        .route("/orders/{token}", get(cashier::show))
        .route("/bank-transfers/{id}", get(bank::show))
        .route("/coupons", get(coupons::list))
        .route("/events", get(events::stream))
}
