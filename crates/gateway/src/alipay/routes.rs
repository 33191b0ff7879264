//! One path for everything.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use super::edge::serve;
use crate::platform::Platform;

/// Where SDKs send everything.
pub const GATEWAY: &str = "/gateway.do";

/// The gateway. Which method of HTTP is used says nothing: SDKs differ.
pub fn routes() -> Router<Arc<Platform>> {
    Router::new().route(GATEWAY, any(serve))
}
