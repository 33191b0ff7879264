//! One path for everything classic; one for each method of the REST protocol.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use super::edge::serve;
use super::v3;
use crate::platform::Platform;

/// Where SDKs send everything.
pub const GATEWAY: &str = "/gateway.do";

/// The gateway, where the method of HTTP says nothing since SDKs differ, and the REST protocol.
pub fn routes() -> Router<Arc<Platform>> {
    Router::new().route(GATEWAY, any(serve)).merge(v3::routes())
}
