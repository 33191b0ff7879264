//! Registration: a new account for a phone number, or a further device of the account that has it.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use feiqian_core::user::Tier;
use feiqian_core::user::add::AddUser;
use feiqian_core::{BrandId, Number, State, UserId};
use serde::{Deserialize, Serialize};

use super::codes::PhoneField;
use super::view;
use crate::app::device::{DeviceId, DeviceKey, DeviceRecord};
use crate::app::phone::{self, Phone};
use crate::app::session::{self, Shopper, Who};
use crate::app::wallet::transfers;
use crate::app::{account, blocking, device, pin};
use crate::platform::{Person, Platform, read_record, unix_millis, write_record};
use crate::v1::auth::Anybody;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{BrandRef, Name};
use crate::v1::input::Input;

/// Devices of one account.
pub const DEVICES_MAX: usize = 10;
/// How long a device that came without PIN to an account that was there spends little.
pub const NEW_FOR_MS: i64 = 24 * 60 * 60 * 1_000;
/// Letters of a handle that is made up: none that is taken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567895";

/// Who registers, and at which device.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    phone: PhoneField,
    code: String,
    brand_id: Option<BrandRef>,
    name: Option<Name>,
    device: NewDevice,
    pin: Option<String>,
}

/// A device that wants to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    pub(super) public_key: String,
    pub(super) label: Name,
}

/// What is being registered, until the account is there: the same user, however often it is tried.
#[derive(Serialize, Deserialize)]
struct Begun {
    number: String,
    brand: u16,
}

/// Registers, or adds the device.
pub async fn register(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Input(new): Input<Register>,
) -> Result<Response, ApiError> {
    let PhoneField(phone) = new.phone.clone();
    let key = DeviceKey::from_spki(&new.device.public_key)?;
    // One registration of a number at a time: the second finds the account of the first.
    let _held = platform.apps.registering.hold(&phone).await;
    platform
        .apps
        .codes
        .check(&phone, &new.code, Instant::now())?;
    let (user, trusted) = match phone::user_of(&platform, &phone)? {
        Some(user) => (user, is_trusted(&platform, user, new.pin.as_deref()).await?),
        None => {
            let user = add(&platform, &phone, &new).await?;
            transfers::accept_waiting(&platform, &phone, user).await?;
            (user, true)
        }
    };
    let trusted_from = (!trusted).then(|| unix_millis().0.saturating_add(NEW_FOR_MS));
    let record = DeviceRecord::new(user, key, new.device.label.0, trusted_from);
    let device = blocking(&platform, move |platform| attach(platform, user, &record)).await?;
    platform.apps.codes.used(&phone);
    let cookie = session::begin(&platform, &Who::Shopper { user, device })?;
    let me = view::me(&platform, Shopper { user, device }).await?;
    Ok((StatusCode::CREATED, cookie, Json(me)).into_response())
}

/// Whether a further device of an account may spend at once: its PIN was given. One without PIN, or with
/// one that is locked, takes the device in but lets it spend little for a day.
async fn is_trusted(
    platform: &Arc<Platform>,
    user: UserId,
    given: Option<&str>,
) -> Result<bool, ApiError> {
    let account = account::read(platform, user)?;
    if account.pin.is_none() || account.wrong_pins >= pin::TRIES {
        return Ok(false);
    }
    let given = given.ok_or_else(pin::required)?;
    pin::verify(platform, user, given).await.map(|()| true)
}

/// Adds a device to the account.
pub(super) fn attach(
    platform: &Platform,
    user: UserId,
    record: &DeviceRecord,
) -> Result<DeviceId, ApiError> {
    account::change(platform, user, |account| {
        if account.devices.len() >= DEVICES_MAX {
            let message = "this account has as many devices as it can have; revoke one";
            let full = ApiError::new(ErrorType::Refused, "too_many_devices", message);
            return Ok(Err(full));
        }
        let id = DeviceId::random()?;
        device::write(platform, id, record)?;
        account.devices.push(id);
        Ok(Ok(id))
    })?
}

/// A new user for this number.
async fn add(platform: &Arc<Platform>, phone: &Phone, new: &Register) -> Result<UserId, ApiError> {
    let brand = brand(platform, new.brand_id).await?;
    let entry = format!(
        "app/registering/{}",
        phone::keyed(platform, "phone", phone.as_str())
    );
    let begun = match read_record::<Begun>(&platform.vault, &entry)? {
        Some(begun) => begun,
        None => {
            let begun = Begun {
                number: format!("app-{}", random_letters(20)?),
                brand: brand.0,
            };
            write_record(&platform.vault, &entry, &begun)?;
            begun
        }
    };
    let command = AddUser {
        number: Number::new(&begun.number).map_err(|error| ApiError::internal(&error))?,
        brand: BrandId(begun.brand),
        tier: Tier::Basic,
    };
    let person = Person {
        handle: format!("fq{}", random_letters(8)?),
        name: new
            .name
            .as_ref()
            .map_or_else(String::new, |name| name.0.clone()),
        latin_name: None,
        phone: Some(phone.as_str().to_owned()),
    };
    // It enters phone and handle into the index.
    let (_, user) = platform.add_user(command, &person).await?;
    platform.vault.remove_secret(&entry)?;
    Ok(user)
}

/// The brand that was named, or the only one there is.
async fn brand(platform: &Platform, named: Option<BrandRef>) -> Result<BrandId, ApiError> {
    let missing = |message: &str| ApiError::invalid("brand_missing", message).at("brand_id");
    let read = move |state: &State| match named {
        Some(BrandRef(brand)) => state.brand(brand).map(|_| brand),
        None => {
            let mut all = state.brands().map(|(brand, _)| brand);
            all.next().filter(|_| all.next().is_none())
        }
    };
    let found = platform.engine.read(read).await?;
    found.ok_or_else(|| missing("name the brand whose wallet it shall be"))
}

fn random_letters(count: usize) -> Result<String, ApiError> {
    let mut bytes = vec![0; count];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| ApiError::internal(&error))?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    Ok(bytes.into_iter().map(letter).collect())
}
