//! What a person sees of their own account.

use feiqian_core::limits::AMOUNT_MAX;
use feiqian_core::user::limits::{Limits as TierLimits, spent};
use feiqian_core::{BrandId, Fen, State, UnixMillis};
use serde::Serialize;

use crate::app::account::{self, Language, NO_PIN_MAX};
use crate::app::device::{self, DeviceId, DeviceRecord};
use crate::app::phone::Phone;
use crate::app::pin;
use crate::app::session::Shopper;
use crate::platform::{Platform, unix_millis};
use crate::v1::error::ApiError;
use crate::v1::fields::{BrandRef, Time, UserRef};
use crate::v1::users::{Tier, UserStatus, unknown_user};

/// A brand.
#[derive(Serialize)]
pub struct Brand {
    id: BrandRef,
    name: String,
}

impl Brand {
    /// Of this name.
    #[must_use]
    pub fn new(id: BrandId, name: &str) -> Self {
        Self {
            id: id.into(),
            name: name.to_owned(),
        }
    }
}

/// Somebody who is signed in.
#[derive(Serialize)]
pub struct Me {
    user_id: UserRef,
    brand: Brand,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    phone_masked: String,
    tier: Tier,
    status: UserStatus,
    limits: Limits,
    pin: PinState,
    device: Device,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
}

/// Fen. A tier without limits has those of an amount.
#[derive(Serialize)]
struct Limits {
    single: i64,
    daily: i64,
    yearly: i64,
    spent_today: i64,
    spent_this_year: i64,
    no_pin: i64,
    no_pin_max: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum PinState {
    None,
    Set,
    Locked,
}

/// A device.
#[derive(Serialize)]
pub struct Device {
    id: DeviceId,
    label: String,
    added_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<Time>,
    current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_from: Option<Time>,
}

impl Device {
    /// `current`: whether it is the one that asks.
    #[must_use]
    pub fn new(id: DeviceId, record: DeviceRecord, current: bool) -> Self {
        let time = |millis| Time(UnixMillis(millis));
        let still = |then: &i64| *then > unix_millis().0;
        Self {
            id,
            label: record.label,
            added_at: time(record.added),
            last_seen_at: record.seen.map(time),
            current,
            trusted_from: record.trusted_from.filter(still).map(time),
        }
    }
}

/// Everything of the person who asks.
pub async fn me(platform: &Platform, shopper: Shopper) -> Result<Me, ApiError> {
    let Shopper { user, device } = shopper;
    let now = unix_millis();
    let read = move |state: &State| {
        let row = *state.user(user)?;
        let brand = Brand::new(row.brand, &state.brand(row.brand)?.name);
        Some((row, brand, spent(state, now, user)))
    };
    let found = platform.engine.read(read).await?;
    let (row, brand, spent) = found.ok_or_else(unknown_user)?;
    let account = account::read(platform, user)?;
    let record = device::read(platform, device)?.ok_or_else(unknown_user)?;
    let person = platform.person(user)?;
    let phone = person.as_ref().and_then(|person| person.phone.as_deref());
    let masked = phone.and_then(|phone| phone.parse::<Phone>().ok());
    let present = |text: String| (!text.is_empty()).then_some(text);
    let (name, handle) = person.clone().map_or_else(Default::default, |person| {
        (present(person.name), present(person.handle))
    });
    Ok(Me {
        user_id: user.into(),
        brand,
        name,
        handle,
        phone_masked: masked.map_or_else(String::new, |phone| phone.masked()),
        tier: row.tier.into(),
        status: row.status.into(),
        limits: limits(row.tier.limits(), spent, account.no_pin()),
        pin: match account.pin {
            None => PinState::None,
            Some(_) if account.wrong_pins >= pin::TRIES => PinState::Locked,
            Some(_) => PinState::Set,
        },
        device: Device::new(device, record, true),
        language: account.language,
    })
}

fn limits(of_tier: Option<TierLimits>, spent: (Fen, Fen), no_pin: Fen) -> Limits {
    let TierLimits {
        single,
        daily,
        yearly,
    } = of_tier.unwrap_or(TierLimits {
        single: AMOUNT_MAX,
        daily: AMOUNT_MAX,
        yearly: AMOUNT_MAX,
    });
    let (today, this_year) = spent;
    Limits {
        single: single.0,
        daily: daily.0,
        yearly: yearly.0,
        spent_today: today.0,
        spent_this_year: this_year.0,
        no_pin: no_pin.0,
        no_pin_max: NO_PIN_MAX.0,
    }
}
