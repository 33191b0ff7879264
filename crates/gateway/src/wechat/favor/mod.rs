//! Coupons that a merchant pays for and shoppers use when they pay (代金券): `/v3/marketing/favor`.
//!
//! A stock is a campaign of the merchant that creates it, paid from its balance in advance. It approves its
//! own stocks: they cost the platform nothing.

mod coupons;
mod create;
mod flow_rows;
mod flows;
mod steps;
mod stocks;

pub(crate) mod callbacks;
pub(crate) mod coupon_object;
pub(crate) mod find;
pub(crate) mod send;

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;

use super::edge::{get, post};
use crate::platform::Platform;

pub(super) use flows::{Flow, FlowKind, write};

/// Its endpoints.
pub(super) fn routes() -> Router<Arc<Platform>> {
    let stock = |rest: &str| format!("/v3/marketing/favor/stocks/{{stock_id}}{rest}");
    let callbacks: MethodRouter<_> = post(callbacks::set).merge(get(callbacks::show));
    Router::new()
        .route("/v3/marketing/favor/coupon-stocks", post(create::create))
        .route("/v3/marketing/favor/stocks", get(stocks::list))
        .route(&stock(""), get(stocks::detail))
        .route(&stock("/items"), get(stocks::items))
        .route(&stock("/merchants"), get(stocks::merchants))
        .route(&stock("/start"), post(steps::start))
        .route(&stock("/pause"), post(steps::pause))
        .route(&stock("/restart"), post(steps::restart))
        .route(&stock("/use-flow"), get(flows::uses))
        .route(&stock("/refund-flow"), get(flows::refunds))
        .route(
            "/v3/marketing/favor/users/{openid}/coupons",
            post(send::send).merge(get(coupons::list)),
        )
        .route(
            "/v3/marketing/favor/users/{openid}/coupons/{coupon_id}",
            get(coupons::detail),
        )
        .route("/v3/marketing/favor/callbacks", callbacks)
}
