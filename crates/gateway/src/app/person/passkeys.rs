//! Passkeys: added by who gives the PIN, listed, removed, and a way in for a browser that is new.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::{UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use super::register::{self, NewDevice};
use super::view;
use crate::app::account::Account;
use crate::app::challenges::Purpose;
use crate::app::device::{DeviceKey, DeviceRecord};
use crate::app::passkey::{self, PASSKEYS_MAX, PasskeyId, PasskeyRecord};
use crate::app::session::{self, Shopper, Who};
use crate::app::signed::SignedShopper;
use crate::app::wallet::Nothing;
use crate::app::webauthn::{self, Wanted};
use crate::app::{account, blocking, forgery, pin};
use crate::platform::{Platform, PlatformError, unix_millis};
use crate::v1::auth::Anybody;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{Name, Time};
use crate::v1::input::{Id, Input, Page};

/// A passkey, as its owner sees it.
#[derive(Serialize)]
pub struct Passkey {
    id: PasskeyId,
    label: String,
    added_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<Time>,
}

impl Passkey {
    fn new(id: PasskeyId, record: PasskeyRecord) -> Self {
        let time = |millis| Time(UnixMillis(millis));
        Self {
            id,
            label: record.label,
            added_at: time(record.added),
            used_at: record.used.map(time),
        }
    }
}

/// Bytes in base64url, as browsers give them.
pub struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bad = |_| serde::de::Error::custom("it is not base64url without padding");
        bytes.map(Self).map_err(bad)
    }
}

/// Lists them.
pub async fn list(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<Passkey>>, ApiError> {
    let data = all_of(&platform, shopper.user)?;
    let data = data
        .into_iter()
        .map(|(id, record)| Passkey::new(id, record));
    Ok(Json(Page {
        data: data.collect(),
        next_cursor: None,
    }))
}

/// Who wants to add one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pin: Option<String>,
}

/// What the browser makes it of.
#[derive(Serialize)]
pub struct Options {
    challenge: String,
    rp_id: String,
    user_handle: String,
    /// Credentials that there are: the same authenticator makes no second one.
    exclude: Vec<String>,
}

/// Begins to add one. It wants the PIN, as a further device does; without one there is nothing to prove that
/// the device is in its owner's hand.
pub async fn begin(
    headers: HeaderMap,
    Extract(platform): Extract<Arc<Platform>>,
    asked: SignedShopper<Asked>,
) -> Result<Json<Options>, ApiError> {
    let rp_id = rp_id(&platform, &headers)?;
    let Shopper { user, device } = asked.shopper;
    if account::read(&platform, user)?.pin.is_none() {
        return Err(pin::not_set());
    }
    let given = asked.value.pin.ok_or_else(pin::required)?;
    pin::verify(&platform, user, &given).await?;
    let exclude = all_of(&platform, user)?
        .into_iter()
        .map(|(_, record)| record.credential);
    let purpose = Purpose::Add(user, device);
    Ok(Json(Options {
        challenge: platform.apps.challenges.give(purpose, Instant::now())?,
        rp_id,
        user_handle: passkey::user_handle(&platform, user),
        exclude: exclude.collect(),
    }))
}

/// What the browser made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    label: Name,
    client_data: Bytes,
    authenticator_data: Bytes,
}

/// Adds it.
pub async fn add(
    headers: HeaderMap,
    Extract(platform): Extract<Arc<Platform>>,
    new: SignedShopper<New>,
) -> Result<(StatusCode, Json<Passkey>), ApiError> {
    let Shopper { user, device } = new.shopper;
    let New {
        label,
        client_data,
        authenticator_data,
    } = new.value;
    let made = with(&platform, &headers, Purpose::Add(user, device), |wanted| {
        webauthn::made(wanted, &client_data.0, &authenticator_data.0)
    })?;
    let id = PasskeyId::of(&made.credential);
    let record = PasskeyRecord {
        user: user.0,
        credential: URL_SAFE_NO_PAD.encode(&made.credential),
        key: made.key,
        label: label.0,
        added: unix_millis().0,
        used: None,
        counter: made.counter,
    };
    let kept = record.clone();
    blocking(&platform, move |platform| keep(platform, id, &kept)).await?;
    Ok((StatusCode::CREATED, Json(Passkey::new(id, record))))
}

fn keep(platform: &Platform, id: PasskeyId, record: &PasskeyRecord) -> Result<(), ApiError> {
    account::change(platform, UserId(record.user), |account| {
        // Somebody else's, or the same again: it is not replaced.
        if passkey::read(platform, id)?.is_some() {
            return Ok(Err(refused(
                "passkey_known",
                "this passkey is there already",
            )));
        }
        if account.passkeys.len() >= PASSKEYS_MAX {
            let message = "this account has as many passkeys as it can have; remove one";
            return Ok(Err(refused("too_many_passkeys", message)));
        }
        passkey::write(platform, id, record)?;
        account.passkeys.push(id);
        Ok(Ok(()))
    })?
}

/// Removes one. Browsers that it let in stay until they are revoked.
pub async fn remove(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Id(id): Id<PasskeyId>,
) -> Result<StatusCode, ApiError> {
    blocking(&platform, move |platform| {
        account::change(platform, shopper.user, |account| {
            take_away(platform, account, |passkey| passkey == id)
        })?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets those that are chosen. One that is not this account's is one that does not exist.
pub(super) fn take_away(
    platform: &Platform,
    account: &mut Account,
    chosen: impl Fn(PasskeyId) -> bool,
) -> Result<(), PlatformError> {
    for id in account.passkeys.extract_if(.., |id| chosen(*id)) {
        passkey::remove(platform, id)?;
    }
    Ok(())
}

/// What a passkey shall sign.
#[derive(Serialize)]
pub struct Challenge {
    challenge: String,
    rp_id: String,
}

/// Gives a challenge to a browser that is new.
pub async fn challenge(
    _: Anybody,
    headers: HeaderMap,
    Extract(platform): Extract<Arc<Platform>>,
    Input(Nothing {}): Input<Nothing>,
) -> Result<Json<Challenge>, ApiError> {
    let rp_id = rp_id(&platform, &headers)?;
    let challenge = platform
        .apps
        .challenges
        .give(Purpose::Enter, Instant::now())?;
    Ok(Json(Challenge { challenge, rp_id }))
}

/// The challenge, signed, and the device that shall be let in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    credential_id: Bytes,
    user_handle: String,
    client_data: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
    device: NewDevice,
}

/// Lets the browser's device in, as one that may spend at once: whoever holds the passkey was verified.
pub async fn sign_in(
    _: Anybody,
    headers: HeaderMap,
    Extract(platform): Extract<Arc<Platform>>,
    Input(given): Input<SignIn>,
) -> Result<Response, ApiError> {
    let key = DeviceKey::from_spki(&given.device.public_key)?;
    let id = PasskeyId::of(&given.credential_id.0);
    let record = passkey::read(&platform, id)?;
    let counter = with(&platform, &headers, Purpose::Enter, |wanted| {
        // One that is not known uses its challenge up as well.
        let record = record.as_ref();
        let key = record.map_or(&key, |record| &record.key);
        let counter = webauthn::signed(
            wanted,
            key,
            &given.client_data.0,
            &given.authenticator_data.0,
            &given.signature.0,
        )?;
        record.map(|_| counter)
    })?;
    let user = record.map(|record| UserId(record.user));
    let owner = |user: &UserId| passkey::user_handle(&platform, *user) == given.user_handle;
    let user = user.filter(owner).ok_or_else(bad)?;
    let device = DeviceRecord::new(user, key, given.device.label.0, None);
    let device = blocking(&platform, move |platform| {
        count(platform, user, id, counter)?;
        register::attach(platform, user, &device)
    })
    .await?;
    let cookie = session::begin(&platform, &Who::Shopper { user, device })?;
    let me = view::me(&platform, Shopper { user, device }).await?;
    Ok((StatusCode::CREATED, cookie, Json(me)).into_response())
}

/// Writes down that it was used, unless it was removed meanwhile, or is a copy.
fn count(platform: &Platform, user: UserId, id: PasskeyId, counter: u32) -> Result<(), ApiError> {
    account::change(platform, user, |_| {
        let Some(mut record) = passkey::read(platform, id)? else {
            return Ok(Err(bad()));
        };
        if !webauthn::follows(record.counter, counter) {
            tracing::warn!(%user, "a passkey counts backwards: it may have been copied");
            return Ok(Err(bad()));
        }
        record.counter = counter;
        record.used = Some(unix_millis().0);
        passkey::write(platform, id, &record)?;
        Ok(Ok(()))
    })?
}

/// What fits this request, by `check`.
fn with<T>(
    platform: &Platform,
    headers: &HeaderMap,
    purpose: Purpose,
    check: impl FnOnce(&Wanted<'_>) -> Option<T>,
) -> Result<T, ApiError> {
    let wanted = Wanted {
        rp_id: &rp_id(platform, headers)?,
        is_own: &|origin| forgery::is_own(platform, headers, origin),
        take: &|challenge| {
            platform
                .apps
                .challenges
                .take(challenge, purpose, Instant::now())
        },
    };
    check(&wanted).ok_or_else(bad)
}

fn all_of(
    platform: &Platform,
    user: UserId,
) -> Result<Vec<(PasskeyId, PasskeyRecord)>, PlatformError> {
    let mut all = Vec::new();
    for id in account::read(platform, user)?.passkeys {
        all.extend(passkey::read(platform, id)?.map(|record| (id, record)));
    }
    Ok(all)
}

fn rp_id(platform: &Platform, headers: &HeaderMap) -> Result<String, ApiError> {
    let message = "passkeys need https and a domain; this address has none";
    forgery::domain(platform, headers)
        .map(str::to_owned)
        .ok_or_else(|| refused("passkeys_unavailable", message))
}

fn bad() -> ApiError {
    let message = "this passkey does not fit, or is not known here; nothing was done";
    ApiError::new(ErrorType::Authentication, "passkey_bad", message)
}

fn refused(code: &'static str, message: &str) -> ApiError {
    ApiError::new(ErrorType::Refused, code, message)
}
