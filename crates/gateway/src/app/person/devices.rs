//! Devices: seen, revoked, lost.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use feiqian_core::UserId;
use serde::Deserialize;

use super::codes::PhoneField;
use super::passkeys;
use super::view::Device;
use crate::app::device::DeviceId;
use crate::app::session::{self, Kind, Shopper};
use crate::app::{account, blocking, device, phone};
use crate::platform::Platform;
use crate::v1::auth::Anybody;
use crate::v1::error::ApiError;
use crate::v1::input::{Id, Input, Page};

/// Lists them.
pub async fn list(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<Device>>, ApiError> {
    let mut data = Vec::new();
    for id in account::read(&platform, shopper.user)?.devices {
        if let Some(record) = device::read(&platform, id)? {
            data.push(Device::new(id, record, id == shopper.device));
        }
    }
    Ok(Json(Page {
        data,
        next_cursor: None,
    }))
}

/// Revokes one: its sessions and its pay codes stop at once.
pub async fn revoke(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Id(id): Id<DeviceId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = shopper.user;
    blocking(&platform, move |platform| {
        remove(platform, user, |device| device == id)
    })
    .await?;
    if id != shopper.device {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let cookie = session::end(&platform, &headers, Kind::Wallet)?;
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// Whose devices are lost.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    phone: PhoneField,
    code: String,
}

/// Revokes all devices and passkeys of the account that has the number, if one has it: the answer is the
/// same. It asks for no PIN, because it only ever takes away.
pub async fn lost(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Input(lost): Input<Lost>,
) -> Result<StatusCode, ApiError> {
    let PhoneField(phone) = lost.phone;
    let codes = &platform.apps.codes;
    codes.check(&phone, &lost.code, Instant::now())?;
    if let Some(user) = phone::user_of(&platform, &phone)? {
        blocking(&platform, move |platform| {
            remove(platform, user, |_| true)?;
            account::change(platform, user, |account| {
                passkeys::take_away(platform, account, |_| true)
            })?;
            Ok(())
        })
        .await?;
    }
    codes.used(&phone);
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets the devices that are chosen. One that is not this user's is one that does not exist.
fn remove(
    platform: &Platform,
    user: UserId,
    chosen: impl Fn(DeviceId) -> bool,
) -> Result<(), ApiError> {
    account::change(platform, user, |account| {
        for id in account.devices.extract_if(.., |id| chosen(*id)) {
            device::remove(platform, id)?;
        }
        Ok(())
    })?;
    Ok(())
}
