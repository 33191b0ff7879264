//! Whose wallet it is: registration, sign-in, devices, PIN, settings. Under `/app/wallet`, before any money.

pub mod codes;
pub mod register;
pub mod sign_in;

pub mod me;
pub mod view;

pub mod devices;
pub mod passkeys;
pub mod recovery;

pub mod reads;
pub mod verify;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::server::App;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/app/wallet/boot", get(sign_in::boot))
        .route("/app/wallet/codes", post(codes::send))
        .route("/app/wallet/register", post(register::register))
        .route("/app/wallet/challenge", post(sign_in::challenge))
        .route(
            "/app/wallet/session",
            post(sign_in::sign_in).delete(sign_in::sign_out),
        )
        .route("/app/wallet/me", get(me::show).patch(me::change))
        .route("/app/wallet/devices", get(devices::list))
        .route("/app/wallet/devices/{id}", delete(devices::revoke))
        .route(
            "/app/wallet/passkeys",
            get(passkeys::list).post(passkeys::add),
        )
        .route("/app/wallet/passkeys/new", post(passkeys::begin))
        .route("/app/wallet/passkeys/challenge", post(passkeys::challenge))
        .route("/app/wallet/passkeys/session", post(passkeys::sign_in))
        .route("/app/wallet/passkeys/{id}", delete(passkeys::remove))
        .route("/app/wallet/lost", post(devices::lost))
        .route("/app/wallet/pin", post(recovery::set))
        .route("/app/wallet/pin/unlock", post(recovery::unlock))
        .route("/app/wallet/verify", post(verify::verify))
        .route("/app/wallet/reads", get(reads::list))
}
