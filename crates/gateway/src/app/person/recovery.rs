//! The PIN: set, changed, and unlocked by what the account knows of its person.
//!
//! An account that is known by phone number only is recovered by a one-time code; one whose name was
//! verified wants the name as well, and the last four of the identity number where it is known.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::user::Tier;
use feiqian_core::{State, UserId};
use serde::Deserialize;

use super::view::{self, Me};
use crate::app::account::{self, Account};
use crate::app::password::Hash;
use crate::app::phone::{self, Phone};
use crate::app::session::Shopper;
use crate::app::{blocking, pin};
use crate::platform::{Person, Platform, unix_millis};
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::input::Input;
use crate::v1::users::unknown_user;

/// Proofs that may fail in a day.
pub const PROOFS: u8 = 5;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A PIN from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPin {
    pin: String,
    old_pin: Option<String>,
}

/// Sets the PIN, or changes it by the old one.
pub async fn set(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(new): Input<NewPin>,
) -> Result<StatusCode, ApiError> {
    pin::is_fit(&new.pin)?;
    let user = shopper.user;
    let had = account::read(&platform, user)?.pin;
    if had.is_some() {
        let old = new.old_pin.ok_or_else(|| pin::required().at("old_pin"))?;
        pin::verify(&platform, user, &old).await?;
    }
    let hash = hash(&platform, new.pin).await?;
    blocking(&platform, move |platform| {
        account::change(platform, user, |account| {
            // Whoever asks twice at the same moment sets it once.
            if account.pin != had {
                let message = "the PIN was changed meanwhile";
                return Ok(Err(ApiError::new(
                    ErrorType::Refused,
                    "pin_changed",
                    message,
                )));
            }
            account.pin = Some(hash);
            Ok(Ok(()))
        })?
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What proves who it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    phone_code: String,
    name: Option<String>,
    id_last4: Option<String>,
    pin: String,
}

/// Unlocks the PIN, or replaces one that was forgotten.
pub async fn unlock(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(given): Input<Unlock>,
) -> Result<Json<Me>, ApiError> {
    pin::is_fit(&given.pin)?;
    let user = shopper.user;
    let person = platform.person(user)?.ok_or_else(unknown_user)?;
    let phone = person.phone.as_deref().and_then(|phone| phone.parse().ok());
    let phone: Phone = phone.ok_or_else(unknown_user)?;
    let codes = &platform.apps.codes;
    codes.check(&phone, &given.phone_code, Instant::now())?;
    let tier = platform
        .engine
        .read(move |state: &State| state.user(user).map(|row| row.tier));
    let tier = tier.await?.ok_or_else(unknown_user)?;
    let hash = hash(&platform, given.pin).await?;
    let (name, last4) = (given.name, given.id_last4);
    blocking(&platform, move |platform| {
        account::change(platform, user, |account| {
            Ok(prove(account, |account| {
                let last4 = last4
                    .as_deref()
                    .map(|text| last4_hash(platform, user, text));
                is_proven(account, tier, &person, name.as_deref(), last4.as_deref())
            })
            .map(|()| {
                account.pin = Some(hash);
                account.wrong_pins = 0;
            }))
        })?
    })
    .await?;
    codes.used(&phone);
    view::me(&platform, shopper).await.map(Json)
}

/// Counts proofs that fail, and refuses further ones for a day after too many.
pub(super) fn prove(
    account: &mut Account,
    proof: impl FnOnce(&Account) -> bool,
) -> Result<(), ApiError> {
    let (failed, last) = account.failed_proofs;
    let now = unix_millis().0;
    let recent = now < last.saturating_add(DAY_MS);
    if recent && failed >= PROOFS {
        let message = "too many wrong proofs; try again tomorrow";
        return Err(ApiError::new(ErrorType::Refused, "proof_locked", message));
    }
    if proof(account) {
        account.failed_proofs = (0, 0);
        return Ok(());
    }
    let before = if recent { failed } else { 0 };
    account.failed_proofs = (before + 1, now);
    let message = "name and number do not belong to this account";
    Err(ApiError::new(ErrorType::Refused, "proof_wrong", message))
}

fn is_proven(
    account: &Account,
    tier: Tier,
    person: &Person,
    name: Option<&str>,
    last4: Option<&str>,
) -> bool {
    let named = || name.is_some_and(|name| name.trim() == person.name);
    let numbered = account.id_last4.is_none() || account.id_last4.as_deref() == last4;
    match tier {
        Tier::Basic => true,
        Tier::Verified | Tier::Full => named() && numbered,
    }
}

/// The last four of an identity number, as the account keeps them.
pub(super) fn last4_hash(platform: &Platform, user: UserId, last4: &str) -> String {
    let last4 = last4.trim().to_uppercase();
    phone::keyed(platform, "id last4", &format!("{user}\n{last4}"))
}

async fn hash(platform: &Arc<Platform>, pin: String) -> Result<Hash, ApiError> {
    let turn = platform.apps.passwords.turn().await?;
    blocking(platform, move |platform| {
        let _turn = turn;
        Ok(platform.apps.passwords.hash(&pin)?)
    })
    .await
}
