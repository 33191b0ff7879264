//! What a person changes of their own account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{Fen, State, UserId, user};
use serde::Deserialize;

use super::view::{self, Me};
use crate::app::account::{self, Language, NO_PIN_MAX};
use crate::app::session::Shopper;
use crate::app::{blocking, phone, pin};
use crate::paycode;
use crate::platform::{Person, Platform};
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::Name;
use crate::v1::input::Input;
use crate::v1::users::{Handle, unknown_user};

/// What shall be otherwise from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    name: Option<Name>,
    handle: Option<Handle>,
    no_pin: Option<i64>,
    language: Option<Language>,
    pin: Option<String>,
}

/// Shows the account.
pub async fn show(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Me>, ApiError> {
    view::me(&platform, shopper).await.map(Json)
}

/// Changes it.
pub async fn change(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(change): Input<Change>,
) -> Result<Json<Me>, ApiError> {
    let user = shopper.user;
    if let Some(no_pin) = change.no_pin {
        may_set_no_pin(&platform, user, no_pin, change.pin.as_deref()).await?;
    }
    let tier = platform
        .engine
        .read(move |state: &State| state.user(user).map(|row| row.tier));
    let tier = tier.await?.ok_or_else(unknown_user)?;
    if change.name.is_some() && tier != user::Tier::Basic {
        let message = "this name was verified and stays";
        return Err(ApiError::new(ErrorType::Refused, "name_verified", message).at("name"));
    }
    blocking(&platform, move |platform| apply(platform, user, change)).await?;
    view::me(&platform, shopper).await.map(Json)
}

/// More without PIN wants the PIN.
async fn may_set_no_pin(
    platform: &Arc<Platform>,
    user: UserId,
    no_pin: i64,
    given: Option<&str>,
) -> Result<(), ApiError> {
    if !(0..=NO_PIN_MAX.0).contains(&no_pin) {
        let message = format!("no_pin is 0 to {}", NO_PIN_MAX.0);
        return Err(ApiError::invalid("amount_out_of_range", message).at("no_pin"));
    }
    let account = account::read(platform, user)?;
    if no_pin <= account.no_pin().0 {
        return Ok(());
    }
    if account.pin.is_none() {
        return Err(pin::not_set());
    }
    let given = given.ok_or_else(pin::required)?;
    pin::verify(platform, user, given).await
}

fn apply(platform: &Platform, user: UserId, change: Change) -> Result<(), ApiError> {
    let Change {
        name,
        handle,
        no_pin,
        language,
        ..
    } = change;
    // One handle is given to one person only, whoever asks at the same moment.
    let _held = handle.as_ref().map(|_| platform.apps.handles.hold(0));
    if let Some(handle) = &handle
        && phone::user_of_handle(platform, &handle.0)?.is_some_and(|holder| holder != user)
    {
        let message = "somebody has this handle; choose another";
        return Err(ApiError::new(ErrorType::Refused, "handle_taken", message).at("handle"));
    }
    account::change(platform, user, |account| {
        account.no_pin = no_pin.or(account.no_pin);
        if let Some(no_pin) = no_pin {
            paycode::set_unasked(platform, user, Fen(no_pin))?;
        }
        account.language = language.or(account.language);
        let Some(before) = platform.person(user)? else {
            return Ok(());
        };
        let after = Person {
            name: name.map_or_else(|| before.name.clone(), |name| name.0),
            handle: handle.map_or_else(|| before.handle.clone(), |handle| handle.0),
            ..before.clone()
        };
        if after.handle != before.handle {
            phone::enter(platform, user, None, &after.handle)?;
        }
        if after != before {
            platform.put_person(user, &after)?;
        }
        if after.handle != before.handle {
            phone::leave(platform, user, None, &before.handle)?;
        }
        Ok(())
    })?;
    Ok(())
}
