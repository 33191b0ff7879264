//! Which path leads to which endpoint.

use std::sync::Arc;

use axum::Router;

use super::edge::{file, post};
use super::{bills, ending, micropay, place, query, refund, refund_query, tools};
use crate::platform::Platform;

/// Paths as published, without a prefix.
pub fn routes() -> Router<Arc<Platform>> {
    Router::new()
        .route("/pay/unifiedorder", post(place::unified_order))
        .route("/pay/orderquery", post(query::order))
        .route("/pay/closeorder", post(ending::close))
        .route("/pay/micropay", post(micropay::micropay))
        .route("/secapi/pay/reverse", post(ending::reverse))
        .route("/secapi/pay/refund", post(refund::refund))
        .route("/pay/refundquery", post(refund_query::query))
        .route("/tools/shorturl", post(tools::short_url))
        .route("/tools/authcodetoopenid", post(tools::openid_of_code))
        .route("/pay/downloadbill", file(bills::download))
}
