//! What the three apps ask: `/app/wallet`, `/app/till` and `/app/console`.
//!
//! A browser is let in by a cookie ([`session`]); what moves a shopper's money bears a signature of
//! the shopper's device as well ([`signed`]), and above the person's own limit the PIN ([`pin`]). A
//! request that changes something must come from our own pages ([`forgery`]). The shapes are those of
//! `web/src/shared/api.ts`; errors are those of `/v1`.

pub mod forgery;
pub mod session;

pub mod challenges;
pub mod device;
pub mod passkey;
pub mod signed;
pub mod webauthn;

pub mod account;
pub mod password;
pub mod phone;
pub mod pin;
pub mod staff;

pub mod codes;
pub mod identity;
pub mod outside;
pub mod person;

pub mod console;
pub mod till;
pub mod wallet;

use std::sync::Arc;

use aws_lc_rs::hmac::{HMAC_SHA256, Key};
use axum::Router;
use axum::middleware::from_fn_with_state;
use feiqian_store::vault::{Vault, VaultError};

use crate::platform::Platform;
use crate::server::App;
use crate::v1::error::ApiError;

/// What the apps share while the server runs.
pub struct Apps {
    /// Names entries of the vault by what must not be read off them, as a phone number.
    pub(crate) index: Key,
    /// Hashes PINs and passwords.
    pub(crate) passwords: password::Passwords,
    /// One change of an account at a time.
    pub(crate) accounts: account::Locks,
    /// One change of a shop's people at a time.
    pub(crate) crews: account::Locks,
    /// One handle is given away at a time.
    pub(crate) handles: account::Locks,
    /// One refund at a till at a time, so that small ones add up.
    pub(crate) refunding: tokio::sync::Mutex<()>,
    /// What tills asked for lately.
    pub(crate) asked: till::asked::Asked,
    /// One closing of a shift at a time.
    pub(crate) shifts: tokio::sync::Mutex<()>,
    /// One registration of a phone number at a time.
    pub(crate) registering: phone::Turns,
    /// One-time codes that are out.
    pub(crate) codes: codes::Codes,
    /// Challenges that are out.
    pub(crate) challenges: challenges::Challenges,
    /// Who is asked outside.
    pub(crate) outside: outside::Outside,
    /// Sign-ins since the start.
    pub(crate) sessions: session::Begun,
}

impl Apps {
    /// With keys of its own from the vault.
    ///
    /// # Errors
    /// [`VaultError::Crypto`].
    pub fn new(vault: &Vault, outside: outside::Outside) -> Result<Self, VaultError> {
        Ok(Self {
            index: Key::new(HMAC_SHA256, &*vault.derive("app index")?),
            passwords: password::Passwords::new(vault.derive("app passwords")?),
            accounts: account::Locks::default(),
            crews: account::Locks::default(),
            handles: account::Locks::default(),
            refunding: tokio::sync::Mutex::default(),
            asked: till::asked::Asked::default(),
            shifts: tokio::sync::Mutex::default(),
            registering: phone::Turns::default(),
            codes: codes::Codes::new(if outside.sms.shows() {
                codes::SANDBOX_PACE
            } else {
                codes::PACE
            }),
            challenges: challenges::Challenges::default(),
            outside,
            sessions: session::Begun::default(),
        })
    }
}

/// The routes of all three apps, behind the defence against forged requests.
pub fn routes(app: &App) -> Router<App> {
    Router::new()
        .merge(person::routes())
        .merge(wallet::routes())
        .merge(till::routes())
        .merge(console::routes())
        .layer(from_fn_with_state(app.platform.clone(), forgery::refuse))
}

/// Runs what waits for the disk or computes for long off the runtime's threads. It is carried through
/// even if whoever asked has gone.
pub async fn blocking<T: Send + 'static>(
    platform: &Arc<Platform>,
    work: impl FnOnce(&Platform) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let platform = platform.clone();
    let done = tokio::task::spawn_blocking(move || work(&platform)).await;
    done.map_err(|error| ApiError::internal(&error))?
}
