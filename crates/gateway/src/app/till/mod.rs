//! What the till asks: `/app/till`.

use axum::Router;

use crate::server::App;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
}
