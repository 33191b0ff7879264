//! What the wallet asks: `/app/wallet`.

use axum::Router;

use crate::server::App;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
}
