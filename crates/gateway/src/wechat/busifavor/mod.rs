//! Coupons that a merchant honours at its own till (商家券): `/v3/marketing/busifavor`.
//!
//! No money of them goes through us, but for subsidies that one merchant pays another. A stock runs from its
//! creation on; codes of coupons are the platform's own.

mod callbacks;
mod coupons;
mod create;
mod find;
mod modify;
mod stock_object;
mod stocks;
mod subsidies;
mod tills;

use std::sync::Arc;

use axum::Router;

use super::edge::{get, patch, post};
use crate::platform::Platform;

/// Its endpoints.
pub(super) fn routes() -> Router<Arc<Platform>> {
    let at = |rest: &str| format!("/v3/marketing/busifavor/{rest}");
    Router::new()
        .route(&at("stocks"), post(create::create))
        .route(
            &at("stocks/{stock_id}"),
            get(stocks::detail).merge(patch(modify::modify)),
        )
        .route(&at("stocks/{stock_id}/budget"), patch(stocks::budget))
        .route(&at("coupons/{card_id}/send"), post(coupons::send))
        .route(&at("coupons/use"), post(tills::use_coupon))
        .route(&at("coupons/return"), post(tills::return_coupon))
        .route(&at("coupons/deactivate"), post(tills::deactivate))
        .route(&at("users/{openid}/coupons"), get(coupons::list))
        .route(
            &at("users/{openid}/coupons/{coupon_code}/appids/{appid}"),
            get(coupons::detail),
        )
        .route(
            &at("callbacks"),
            post(callbacks::set).merge(get(callbacks::show)),
        )
        .route(
            &at("subsidy/pay-receipts"),
            post(subsidies::pay).merge(get(subsidies::list)),
        )
        .route(
            &at("subsidy/pay-receipts/{subsidy_receipt_id}"),
            get(subsidies::detail),
        )
        .route(&at("subsidy/return-receipts"), post(subsidies::give_back))
        .route(
            &at("subsidy/return-receipts/{subsidy_return_receipt_id}"),
            get(subsidies::return_detail),
        )
}
