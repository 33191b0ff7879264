//! Finding users without reading who they are, and reading it with a reason that the person sees.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{State, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Operator;
use super::error::ApiError;
use super::fields::{BrandRef, Text, UserRef};
use super::input::{Id, Input, Page, Queried, limit};
use super::responses::{Asking, Sending};
use super::users::{PersonView, Tier, UserStatus, unknown_user};
use crate::app::blocking;
use crate::app::person::reads;
use crate::app::phone::Phone;
use crate::app::wallet::names;
use crate::desk::trail::Note;
use crate::platform::{Person, Platform, PlatformError};

/// People that one search looks at.
const LOOKED_AT_MAX: usize = 200_000;
/// Most that one search finds.
const FOUND_MAX: usize = 30;

/// What is known of whom.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// An id, a handle, a whole name, or the last four digits of a phone number.
    #[param(min_length = 1, max_length = 64)]
    q: String,
    /// Most that are wanted, 1 to 100; 30 are told at most.
    #[serde(default, deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

/// A user, and nothing that names the person.
#[derive(Debug, Serialize, ToSchema)]
pub struct MaskedUser {
    id: UserRef,
    brand_id: BrandRef,
    status: UserStatus,
    tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_masked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_masked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
}

/// Why somebody's data must be read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhyRead {
    /// The person sees it.
    why: Text<120>,
}

/// Finds users by what is known of them; answers are masked
#[utoipa::path(
    get, path = "/v1/users",
    operation_id = "find_users", tag = "users", params(Search),
    responses(
        (status = 200, body = Page<MaskedUser>, description = "Whom it fits, at most 30"),
        Asking,
    )
)]
pub async fn search(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(search): Queried<Search>,
) -> Result<Json<Page<MaskedUser>>, ApiError> {
    let wanted = search.q.trim().to_lowercase();
    if wanted.is_empty() || wanted.chars().count() > 64 {
        return Err(ApiError::invalid("query_bad", "1 to 64 characters").at("q"));
    }
    let limit = FOUND_MAX.min(search.limit.map_or(FOUND_MAX, usize::from));
    let found = blocking(&platform, move |platform| {
        Ok(find(platform, &wanted, limit)?)
    });
    let mut data = Vec::new();
    for (id, person) in found.await? {
        data.extend(masked(&platform, id, person).await?);
    }
    Ok(Json(Page {
        data,
        next_cursor: None,
    }))
}

type Found = (UserId, Option<Person>);

fn find(platform: &Platform, wanted: &str, limit: usize) -> Result<Vec<Found>, PlatformError> {
    if let Ok(UserRef(user)) = wanted.parse() {
        return Ok(vec![(user, platform.person(user)?)]);
    }
    let mut found = Vec::new();
    for number in platform.vault.people().take(LOOKED_AT_MAX) {
        let Ok(user) = u32::try_from(number?).map(UserId) else {
            continue;
        };
        let person = platform.person(user)?;
        if person.as_ref().is_some_and(|person| fits(person, wanted)) {
            found.push((user, person));
            if found.len() >= limit {
                break;
            }
        }
    }
    Ok(found)
}

/// Parts of names fit nobody, so that a search does not list the alphabet.
fn fits(person: &Person, wanted: &str) -> bool {
    let names = [
        Some(&person.handle),
        Some(&person.name),
        person.latin_name.as_ref(),
    ];
    let named = names
        .into_iter()
        .flatten()
        .any(|name| name.to_lowercase() == wanted);
    let four = wanted.len() == 4 && wanted.bytes().all(|byte| byte.is_ascii_digit());
    let phone = person.phone.as_deref();
    named || four && phone.is_some_and(|phone| phone.ends_with(wanted))
}

async fn masked(
    platform: &Platform,
    id: UserId,
    person: Option<Person>,
) -> Result<Option<MaskedUser>, ApiError> {
    let row = move |state: &State| state.user(id).copied();
    let Some(row) = platform.engine.read(row).await? else {
        return Ok(None);
    };
    let phone = person.as_ref().and_then(|person| person.phone.as_deref());
    let phone = phone.and_then(|phone| phone.parse::<Phone>().ok());
    let filled = |text: &String| !text.is_empty();
    Ok(Some(MaskedUser {
        id: id.into(),
        brand_id: row.brand.into(),
        status: row.status.into(),
        tier: row.tier.into(),
        name_masked: person.as_ref().map(|person| names::masked(&person.name)),
        phone_masked: phone.map(|phone| phone.masked()),
        handle: person.map(|person| person.handle).filter(filled),
    }))
}

/// Shows a user, masked
#[utoipa::path(
    get, path = "/v1/users/{id}/masked",
    operation_id = "get_user_masked", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = MaskedUser, description = "The user"),
        Asking,
    )
)]
pub async fn show(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<Json<MaskedUser>, ApiError> {
    let person = platform.person(user)?;
    let masked = masked(&platform, user, person).await?;
    masked.map(Json).ok_or_else(unknown_user)
}

/// Reads who a user is: who read it, when and why is told to that person
#[utoipa::path(
    post, path = "/v1/users/{id}/reads",
    operation_id = "read_person", request_body = WhyRead, tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = PersonView, description = "The person"),
        Sending,
    )
)]
pub async fn read(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    note: Note,
    Id(UserRef(user)): Id<UserRef>,
    Input(asked): Input<WhyRead>,
) -> Result<Json<PersonView>, ApiError> {
    let person = platform.person(user)?;
    let person = person.ok_or_else(unknown_user)?;
    note.why(&asked.why.0);
    blocking(&platform, move |platform| {
        Ok(reads::record_why(
            platform,
            user,
            by,
            "person",
            Some(&asked.why.0),
        )?)
    })
    .await?;
    Ok(Json(person.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_and_four_digits_fit() {
        let mei = Person {
            handle: "mei".into(),
            name: "韩梅".into(),
            latin_name: Some("Han Mei".into()),
            phone: Some("+8613800138000".into()),
        };
        for (wanted, fit) in [
            ("mei", true),
            ("韩梅", true),
            ("han mei", true),
            ("8000", true),
            ("me", false),
            ("韩", false),
            ("000", false),
            ("38000", false),
            ("", false),
        ] {
            assert_eq!(fits(&mei, wanted), fit, "{wanted}");
        }
    }
}
