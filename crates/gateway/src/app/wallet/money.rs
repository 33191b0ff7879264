//! The routes of what a shopper sees of their money and does with it.
//!
//! Whatever moves money bears the device's signature, and a number that is the same when trying again.

use axum::Router;
use axum::routing::{get, post};

use super::{
    bank, cashier, confirmations, coupons, entries, events, export, home, packets, pay_code,
    payees, receipts, requests, scan, spending, transfers,
};
use crate::server::App;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/app/wallet/home", get(home::show))
        .route("/app/wallet/entries", get(entries::list))
        .route("/app/wallet/entries/{id}", get(receipts::show))
        .route("/app/wallet/spending", get(spending::show))
        .route("/app/wallet/export.csv", get(export::csv))
        .route("/app/wallet/export.pdf", get(export::pdf))
        .route("/app/wallet/orders/{token}", get(cashier::show))
        .route("/app/wallet/orders/{token}/pay", post(cashier::pay))
        .route("/app/wallet/paycode", post(pay_code::issue))
        .route("/app/wallet/scan", post(scan::scan))
        .route(
            "/app/wallet/merchant-codes/{code}/orders",
            post(scan::order),
        )
        .route(
            "/app/wallet/confirmations/{id}/pay",
            post(confirmations::pay),
        )
        .route(
            "/app/wallet/confirmations/{id}/decline",
            post(confirmations::decline),
        )
        .route("/app/wallet/top-ups", post(bank::top_up))
        .route("/app/wallet/withdrawals", post(bank::withdraw))
        .route("/app/wallet/withdrawal-terms", get(bank::terms))
        .route("/app/wallet/bank-transfers", get(bank::list))
        .route("/app/wallet/bank-transfers/{id}", get(bank::show))
        .route("/app/wallet/payees", post(payees::show))
        .route("/app/wallet/transfers", post(transfers::send))
        .route("/app/wallet/transfers/{id}", get(transfers::show))
        .route(
            "/app/wallet/transfers/{id}/take-back",
            post(transfers::take_back),
        )
        .route(
            "/app/wallet/requests",
            get(requests::list).post(requests::make),
        )
        .route("/app/wallet/requests/{id}/pay", post(requests::pay))
        .route("/app/wallet/requests/{id}/decline", post(requests::decline))
        .route("/app/wallet/requests/{id}/cancel", post(requests::cancel))
        .route(
            "/app/wallet/packets",
            get(packets::list).post(packets::send),
        )
        .route("/app/wallet/packets/{token}", get(packets::show))
        .route("/app/wallet/packets/{token}/open", post(packets::open))
        .route("/app/wallet/coupons", get(coupons::list))
        .route("/app/wallet/events", get(events::stream))
}
