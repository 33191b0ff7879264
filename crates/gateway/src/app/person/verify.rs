//! Real name: name and identity number, checked by who knows them. It raises the limits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::user::set_tier::SetTier;
use feiqian_core::user::set_traits::SetTraits;
use feiqian_core::{State, UserId, user};
use serde::Deserialize;

use super::recovery;
use super::view::{self, Me};
use crate::app::session::Shopper;
use crate::app::{account, blocking, identity};
use crate::platform::{Person, Platform};
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::Name;
use crate::v1::input::Input;
use crate::v1::users::unknown_user;

/// Who it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    name: Name,
    id_number: String,
}

/// Verifies name and identity number. The number is kept as a keyed hash only.
pub async fn verify(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(proof): Input<Proof>,
) -> Result<Json<Me>, ApiError> {
    let user = shopper.user;
    let bad = || {
        let message = "an identity number has 17 digits and a check character that fits";
        ApiError::invalid("id_number_bad", message).at("id_number")
    };
    let number = identity::read(&proof.id_number).ok_or_else(bad)?;
    let read = move |state: &State| Some((state.user(user)?.tier, *state.shopper(user)?));
    let (tier, traits) = platform.engine.read(read).await?.ok_or_else(unknown_user)?;
    if tier != user::Tier::Basic {
        let message = "the name of this account was verified before";
        return Err(ApiError::new(
            ErrorType::Refused,
            "already_verified",
            message,
        ));
    }
    let registry = &platform.apps.outside.registry;
    let matches = registry
        .knows(&proof.name.0, &number)
        .await
        .map_err(|error| {
            tracing::error!(%error, "a name could not be verified");
            let message = "names cannot be verified now; try again later";
            ApiError::new(ErrorType::Unavailable, "verify_unavailable", message)
        })?;
    let (name, last4) = (proof.name.0, number[14..].to_owned());
    blocking(&platform, move |platform| {
        keep(platform, user, matches, name, &last4)
    })
    .await?;
    // Two users with one number are one person to campaigns.
    let known = SetTraits {
        user,
        city: traits.city,
        segment: traits.segment,
        person: Some(platform.persons.of(&number)),
    };
    platform.engine.submit(known).await?;
    let tier = user::Tier::Verified;
    platform.engine.submit(SetTier { user, tier }).await?;
    view::me(&platform, shopper).await.map(Json)
}

fn keep(
    platform: &Platform,
    user: UserId,
    matches: bool,
    name: String,
    last4: &str,
) -> Result<(), ApiError> {
    account::change(platform, user, |account| {
        if let Err(refused) = recovery::prove(account, |_| matches) {
            return Ok(Err(refused));
        }
        account.id_last4 = Some(recovery::last4_hash(platform, user, last4));
        if let Some(before) = platform.person(user)? {
            platform.put_person(user, &Person { name, ..before })?;
        }
        Ok(Ok(()))
    })?
}
