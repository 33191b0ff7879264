//! Alipay's REST protocol, `/v3/alipay/…`: the same methods as the classic gateway's, named by path and verb, with the
//! signature in a header (contract 2.9).
//!
//! Reading order: [`edge`] (the order inside every request), [`authorization`] (what the header says), [`caller`] (who
//! sent it), [`answer`] (the answer and its signature).

mod edge;

pub mod authorization;
mod caller;

mod answer;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use crate::platform::Platform;

/// The methods. SDKs sign the path, so it must be served at the root of a host.
pub fn routes() -> Router<Arc<Platform>> {
    Router::new().route("/v3/alipay/{*method}", any(edge::serve))
}
