//! Whom a phone number or handle reaches.
//!
//! Whether a number is registered is worth money to those who collect numbers. So a look-up takes the same
//! time whatever it finds, and is counted against the person, the device and the address that ask.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State as Extract};
use axum::http::request::Parts;
use feiqian_core::{State, UserId};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use super::{Shopper, names};
use crate::app::device::DeviceId;
use crate::app::phone::{self, Phone};
use crate::limiter::{RetryAfter, network};
use crate::platform::Platform;
use crate::v1::auth::peer;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::input::Input;

/// Look-ups of one person in an hour; as many at once.
pub const PER_PERSON_HOUR: u32 = 60;
/// Look-ups from one device in an hour; as many at once.
pub const PER_DEVICE_HOUR: u32 = 60;
/// Look-ups from one address in an hour, behind which many people may be; as many at once.
pub const PER_ADDRESS_HOUR: u32 = 600;
/// Every look-up takes so long, well above what any of them needs.
const TAKES: Duration = Duration::from_millis(80);

/// How often each has looked up.
pub struct LookUps {
    persons: DefaultKeyedRateLimiter<UserId>,
    devices: DefaultKeyedRateLimiter<DeviceId>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for LookUps {
    fn default() -> Self {
        let quota = |n| Quota::per_hour(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self {
            persons: RateLimiter::keyed(quota(PER_PERSON_HOUR)),
            devices: RateLimiter::keyed(quota(PER_DEVICE_HOUR)),
            addresses: RateLimiter::keyed(quota(PER_ADDRESS_HOUR)),
        }
    }
}

impl LookUps {
    fn allow(&self, asker: Asker) -> Result<(), RetryAfter> {
        fn check<K: Clone + Eq + std::hash::Hash>(
            limiter: &DefaultKeyedRateLimiter<K>,
            key: &K,
        ) -> Result<(), RetryAfter> {
            let now = DefaultClock::default().now();
            let wait = |until: governor::NotUntil<_>| RetryAfter(until.wait_time_from(now));
            limiter.check_key(key).map_err(wait)
        }
        check(&self.persons, &asker.shopper.user)?;
        check(&self.devices, &asker.shopper.device)?;
        check(&self.addresses, &network(asker.address))?;
        if self.addresses.len() > 65_536 {
            self.addresses.retain_recent();
            self.persons.retain_recent();
            self.devices.retain_recent();
        }
        Ok(())
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(peer(&parts.extensions)))
    }
}

/// Who looks up.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// Who, and at which device.
    pub shopper: Shopper,
    /// From where.
    pub address: IpAddr,
}

/// Whom something reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// A user.
    User(UserId),
    /// Whoever registers this number.
    Number(Phone),
    /// Nobody: there is no such handle.
    Nobody,
}

/// Looks up a phone number or `@handle`.
///
/// # Errors
/// 400 `payee_bad`, 429, and of the vault.
pub async fn look_up(platform: &Platform, asker: Asker, to: &str) -> Result<Reached, ApiError> {
    let done = Instant::now() + TAKES;
    platform.look_ups.allow(asker)?;
    let found = match to.trim().strip_prefix('@') {
        Some(handle) => match phone::user_of_handle(platform, handle)? {
            Some(user) => Reached::User(user),
            None => Reached::Nobody,
        },
        None => {
            let bad = |why: &'static str| ApiError::invalid("payee_bad", why).at("to");
            let number: Phone = to.parse().map_err(bad)?;
            match phone::user_of(platform, &number)? {
                Some(user) => Reached::User(user),
                None => Reached::Number(number),
            }
        }
    };
    sleep_until(done).await;
    Ok(found)
}

/// Looks up somebody who must have a wallet.
///
/// # Errors
/// As [`look_up`], and 422 `payee_not_registered`.
pub async fn registered(
    platform: &Platform,
    asker: Asker,
    to: &str,
    param: &str,
) -> Result<UserId, ApiError> {
    match look_up(platform, asker, to).await? {
        Reached::User(user) => Ok(user),
        Reached::Number(_) | Reached::Nobody => Err(nobody().at(param)),
    }
}

/// They have no wallet.
pub(super) fn nobody() -> ApiError {
    let message = "nobody with a wallet has this number or handle";
    ApiError::new(ErrorType::Refused, "payee_not_registered", message)
}

/// Whom money would reach.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whom {
    to: String,
}

/// What may be known of them.
#[derive(Debug, Serialize)]
pub struct Payee {
    to: String,
    registered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
}

/// POST payees
pub async fn show(
    shopper: Shopper,
    Peer(address): Peer,
    Extract(platform): Extract<Arc<Platform>>,
    Input(whom): Input<Whom>,
) -> Result<Json<Payee>, ApiError> {
    let asker = Asker { shopper, address };
    let found = look_up(&platform, asker, &whom.to).await?;
    let (mut masked_name, mut brand) = (None, None);
    if let Reached::User(user) = found {
        masked_name = Some(names::of(&platform, user)?);
        let read = move |state: &State| {
            let brand = state.user(user).map(|row| row.brand)?;
            state.brand(brand).map(|row| row.name.clone())
        };
        brand = platform.engine.read(read).await?;
    }
    Ok(Json(Payee {
        to: whom.to,
        registered: masked_name.is_some(),
        masked_name,
        brand,
    }))
}
