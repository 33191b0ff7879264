//! Sign-in without password: the device signs a challenge.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use feiqian_core::{State, UserId};
use serde::{Deserialize, Serialize};

use super::view::{self, Brand, Me};
use crate::app::challenges::Purpose;
use crate::app::device::{self, DeviceId};
use crate::app::session::{self, Kind, Shopper, Who};
use crate::app::{account, blocking, forgery};
use crate::platform::{Platform, unix_millis};
use crate::v1::auth::Anybody;
use crate::v1::error::ApiError;
use crate::v1::input::Input;

/// What the app needs before anybody signs in.
#[derive(Serialize)]
pub struct Boot {
    sandbox: bool,
    base_url: String,
    passkeys: bool,
    brands: Vec<Brand>,
    #[serde(skip_serializing_if = "Option::is_none")]
    me: Option<Me>,
}

/// Tells what the app needs first.
pub async fn boot(
    Extract(platform): Extract<Arc<Platform>>,
    request: Request,
) -> Result<Json<Boot>, ApiError> {
    let (mut parts, _) = request.into_parts();
    let passkeys = forgery::domain(&platform, &parts.headers).is_some();
    let me = match Shopper::from_request_parts(&mut parts, &platform).await {
        Ok(shopper) => Some(view::me(&platform, shopper).await?),
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => None,
        Err(error) => return Err(error),
    };
    let read = |state: &State| {
        let brands = state
            .brands()
            .map(|(id, brand)| Brand::new(id, &brand.name));
        brands.collect()
    };
    Ok(Json(Boot {
        sandbox: platform.is_sandbox(),
        base_url: platform.base_url.clone(),
        passkeys,
        brands: platform.engine.read(read).await?,
        me,
    }))
}

/// Which device wants to sign in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    device_id: DeviceId,
}

/// What it shall sign.
#[derive(Serialize)]
pub struct Challenge {
    challenge: String,
}

/// Gives a challenge, to an unknown device too.
pub async fn challenge(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<Asked>,
) -> Result<Json<Challenge>, ApiError> {
    let purpose = Purpose::SignIn(asked.device_id);
    let challenge = platform.apps.challenges.give(purpose, Instant::now())?;
    Ok(Json(Challenge { challenge }))
}

/// The challenge, signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    device_id: DeviceId,
    challenge: String,
    signature: String,
}

/// Signs in.
pub async fn sign_in(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Input(given): Input<SignIn>,
) -> Result<Response, ApiError> {
    let device = given.device_id;
    let challenges = &platform.apps.challenges;
    let is_ours = challenges.take(&given.challenge, Purpose::SignIn(device), Instant::now());
    let text = format!("feiqian-session\n{}", given.challenge);
    let record = device::read(&platform, device)?;
    let signed = |record: &device::DeviceRecord| {
        is_ours && record.key.signed(text.as_bytes(), &given.signature)
    };
    let record = record.filter(signed).ok_or_else(device::bad_signature)?;
    let user = UserId(record.user);
    blocking(&platform, move |platform| seen(platform, user, device)).await?;
    let cookie = session::begin(&platform, &Who::Shopper { user, device })?;
    let me = view::me(&platform, Shopper { user, device }).await?;
    Ok((cookie, Json(me)).into_response())
}

/// Writes down that the device was there, unless it was revoked meanwhile.
fn seen(platform: &Platform, user: UserId, device: DeviceId) -> Result<(), ApiError> {
    let answer = account::change(platform, user, |_| {
        let Some(mut record) = device::read(platform, device)? else {
            return Ok(Err(device::bad_signature()));
        };
        record.seen = Some(unix_millis().0);
        Ok(Ok(device::write(platform, device, &record)?))
    });
    answer?
}

/// Signs out.
pub async fn sign_out(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let cookie = session::end(&platform, &headers, Kind::Wallet)?;
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}
