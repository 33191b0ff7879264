//! What only a sandbox has: its shoppers and shops by name, and a key to play any shopper.
//!
//! In production none of these routes exists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::{Json, Router};
use feiqian_core::{State, UserId};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Role;
use crate::link;
use crate::platform::{Platform, PlatformError, read_record, write_record};
use crate::server::App;
use crate::v1::auth::Anybody;
use crate::v1::error::ApiError;
use crate::v1::fields::{Name, UserRef};
use crate::v1::input::{Input, Page, Paging};
use crate::v1::merchants::{self, Merchant};
use crate::v1::responses::Open;

/// Most shoppers that are listed.
pub const SHOPPERS_MAX: usize = 100;
/// Most names whose shopper is remembered.
const NAMES_MAX: usize = 10_000;

/// The shoppers that were played, by the name that was asked for.
#[derive(Default)]
pub struct Sessions {
    known: Mutex<HashMap<String, UserId>>,
    making: Mutex<()>,
}

/// A shopper of the sandbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SandboxShopper {
    /// A short name: `as` of a session.
    pub handle: String,
    /// The name.
    pub name: String,
    /// The name in Latin letters, if that is another.
    pub latin_name: Option<String>,
    /// The brand of the wallet.
    pub brand: String,
    /// The user.
    pub user_id: UserRef,
    /// Fen in the wallet.
    #[schema(minimum = 0)]
    pub balance: i64,
}

/// Whom to play.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// A shopper's handle, name or Latin name.
    r#as: Name,
}

/// A key to play a shopper. Always the same one for one shopper.
#[derive(Serialize, ToSchema)]
pub struct Session {
    #[schema(pattern = "^fqu_[0-9A-Za-z_-]{43}$")]
    key: String,
    user_id: UserRef,
}

/// The documented routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list_shoppers))
        .routes(routes!(list_merchants))
        .routes(routes!(new_session))
}

/// The pages on which anybody plays a shopper.
pub fn pages() -> Router<App> {
    link::sandbox_routes()
}

/// Lists the sandbox's first shoppers
#[utoipa::path(
    get, path = "/v1/sandbox/shoppers",
    operation_id = "list_sandbox_shoppers", tag = "sandbox", security(()),
    responses(
        (status = 200, body = Page<SandboxShopper>, description = "The shoppers"),
        Open,
    )
)]
async fn list_shoppers(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<SandboxShopper>>, ApiError> {
    Ok(Json(Page {
        data: shoppers(&platform).await?,
        next_cursor: None,
    }))
}

/// Lists the sandbox's shops
#[utoipa::path(
    get, path = "/v1/sandbox/merchants",
    operation_id = "list_sandbox_merchants", tag = "sandbox", security(()), params(Paging),
    responses(
        (status = 200, body = Page<Merchant>, description = "A page"),
        Open,
    )
)]
async fn list_merchants(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    paging: Paging,
) -> Result<Json<Page<Merchant>>, ApiError> {
    merchants::page(&platform, paging).await.map(Json)
}

/// Gives a key to play a shopper
#[utoipa::path(
    post, path = "/v1/sandbox/sessions",
    operation_id = "open_sandbox_session", request_body = NewSession, tag = "sandbox", security(()),
    responses(
        (status = 201, body = Session, description = "The key"),
        Open,
    )
)]
async fn new_session(
    _: Anybody,
    Extract(app): Extract<App>,
    Input(new): Input<NewSession>,
) -> Result<(StatusCode, Json<Session>), ApiError> {
    let App {
        platform, sessions, ..
    } = app;
    // Looking for a name looks at everybody.
    let session = tokio::task::spawn_blocking(move || sessions.open(&platform, &new.r#as.0)).await;
    let session = session.map_err(|error| ApiError::internal(&error))??;
    let unknown = || ApiError::not_found("shopper_not_found", "shopper").at("as");
    session
        .map(|session| (StatusCode::CREATED, Json(session)))
        .ok_or_else(unknown)
}

/// The first shoppers, with their balances.
pub async fn shoppers(platform: &Platform) -> Result<Vec<SandboxShopper>, ApiError> {
    let mut people = Vec::new();
    for number in platform.vault.people().take(SHOPPERS_MAX) {
        let Ok(user) = u32::try_from(number?).map(UserId) else {
            continue;
        };
        if let Some(person) = platform.person(user)? {
            people.push((user, person));
        }
    }
    let read = move |state: &State| {
        let rows = people.into_iter().filter_map(|(id, person)| {
            let user = state.user(id)?;
            Some(SandboxShopper {
                // Who registered may have given none.
                name: Some(person.name)
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(|| person.handle.clone()),
                handle: person.handle,
                latin_name: person.latin_name,
                brand: state.brand(user.brand)?.name.clone(),
                user_id: id.into(),
                balance: user.balance.0,
            })
        });
        rows.collect()
    };
    Ok(platform.engine.read(read).await?)
}

impl Sessions {
    fn open(&self, platform: &Platform, name: &str) -> Result<Option<Session>, PlatformError> {
        let Some(user) = self.find(platform, name)? else {
            return Ok(None);
        };
        // One at a time, so that a shopper never gets two keys.
        let _held = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let record = format!("sandbox/session/{user}");
        let key = match read_record::<String>(&platform.vault, &record)? {
            Some(key) => key,
            None => {
                let key = platform.access.grant(&platform.vault, Role::user(user))?;
                let key = key.expose_secret().to_owned();
                write_record(&platform.vault, &record, &key)?;
                key
            }
        };
        Ok(Some(Session {
            key,
            user_id: user.into(),
        }))
    }

    fn find(&self, platform: &Platform, name: &str) -> Result<Option<UserId>, PlatformError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(user) = known().get(name) {
            return Ok(Some(*user));
        }
        let found = platform.find_person(name)?;
        if let Some(user) = found {
            let mut known = known();
            if known.len() >= NAMES_MAX {
                known.clear();
            }
            known.insert(name.to_owned(), user);
        }
        Ok(found)
    }
}
