//! What the console asks: `/app/console`.

use axum::Router;

use crate::server::App;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
}
