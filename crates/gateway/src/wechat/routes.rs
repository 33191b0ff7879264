//! Which path leads to which endpoint.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use super::edge::{get, method_not_allowed, not_found, post};
use super::{bills, busifavor, certificates, closing, codepay, favor, orders, query, refunds};
use crate::platform::Platform;

/// Everything under `/v3`. It must be served at the root of a host: SDKs sign the path.
pub fn routes() -> Router<Arc<Platform>> {
    Router::new()
        .route("/v3/pay/transactions/native", post(orders::native))
        .route("/v3/pay/transactions/jsapi", post(orders::jsapi))
        .route("/v3/pay/transactions/app", post(orders::app))
        .route("/v3/pay/transactions/h5", post(orders::h5))
        .route("/v3/pay/transactions/codepay", post(codepay::codepay))
        .route(
            "/v3/pay/transactions/id/{transaction_id}",
            get(query::by_transaction),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}",
            get(query::by_number),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}/close",
            post(closing::close),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse",
            post(closing::reverse),
        )
        .route("/v3/refund/domestic/refunds", post(refunds::refund))
        .route(
            "/v3/refund/domestic/refunds/{out_refund_no}",
            get(refunds::query),
        )
        .route(
            // The path names the refund by our id here; the router wants one name for a place.
            "/v3/refund/domestic/refunds/{out_refund_no}/apply-abnormal-refund",
            post(refunds::redirect),
        )
        .route("/v3/bill/tradebill", get(bills::trade_bill))
        .route("/v3/billdownload/file", get(bills::download))
        .route("/v3/certificates", get(certificates::certificates))
        .merge(favor::routes())
        .merge(busifavor::routes())
        .method_not_allowed_fallback(method_not_allowed)
        .route("/v3", any(not_found))
        .route("/v3/{*rest}", any(not_found))
}
