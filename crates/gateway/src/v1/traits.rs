//! What campaigns may know of a user: city, segment, and which users are one person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::State;
use feiqian_core::user::set_traits::SetTraits;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Operator;
use super::error::ApiError;
use super::fields::{Identity, UserRef};
use super::input::{Id, Input};
use super::responses::Sending;
use super::users::unknown_user;
use crate::platform::Platform;

/// Traits from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTraits {
    /// City tag, as rules use it (`city == 310100`); 0 for none.
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_u32)]
    city: u32,
    /// Segment tag; 0 for none.
    #[schema(minimum = 0, maximum = 65535)]
    segment: u16,
    /// What proves who it is, for example a number of an identity card. Kept as a keyed hash only; two
    /// users with the same one are one person. Not said: as before. Known once, it stays.
    identity: Option<Identity>,
}

/// A user's traits.
#[derive(Serialize, ToSchema)]
pub struct Traits {
    user_id: UserRef,
    #[schema(value_type = i64, minimum = 0, maximum = 4_294_967_295_u32)]
    city: u32,
    #[schema(minimum = 0)]
    segment: u16,
    /// Whether it is known who it is.
    person_known: bool,
}

/// Sets what campaigns may know of a user
#[utoipa::path(
    put, path = "/v1/users/{id}/traits",
    operation_id = "set_user_traits", request_body = NewTraits, tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = Traits, description = "The traits"),
        Sending,
    )
)]
pub async fn set(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
    Input(new): Input<NewTraits>,
) -> Result<Json<Traits>, ApiError> {
    let command = SetTraits {
        user,
        city: new.city,
        segment: new.segment,
        person: new.identity.map(|text| platform.persons.of(&text.0)),
    };
    platform.engine.submit(command).await?;
    let read = move |state: &State| {
        state.shopper(user).map(|shopper| Traits {
            user_id: user.into(),
            city: shopper.city,
            segment: shopper.segment,
            person_known: shopper.has_person,
        })
    };
    let traits = platform.engine.read(read).await?;
    traits.map(Json).ok_or_else(unknown_user)
}
