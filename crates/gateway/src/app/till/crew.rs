//! A shop's people: its owners add and remove them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::MerchantId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::password;
use crate::app::blocking;
use crate::app::session::Staff;
use crate::app::staff::{self, Crew, Member, StaffRole};
use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{BadText, Name};
use crate::v1::input::{Id, Input, Page};

/// Most people of a shop.
pub const MEMBERS_MAX: usize = 100;
/// The highest limit that an owner can set, in fen.
pub const REFUND_LIMIT_MAX: i64 = 100_000_000;

/// `stf_3`: somebody of a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffRef(pub u32);

impl fmt::Display for StaffRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stf_{}", self.0)
    }
}

impl FromStr for StaffRef {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let number = text.strip_prefix("stf_").and_then(|text| text.parse().ok());
        let strict = number.map(Self).filter(|id| id.to_string() == text);
        strict.ok_or(BadText("an id here is stf_ and a number"))
    }
}

impl Serialize for StaffRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Somebody new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    name: Name,
    role: StaffRole,
}

/// Somebody of the shop.
#[derive(Serialize)]
pub struct MemberView {
    id: StaffRef,
    name: String,
    role: StaffRole,
    /// Of somebody new; told this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// The shop's settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopChange {
    refund_limit: i64,
}

/// What was set.
#[derive(Serialize)]
pub struct ShopSettings {
    refund_limit: i64,
}

/// Lists the shop's people.
pub async fn list(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<MemberView>>, ApiError> {
    staff.must_be_owner()?;
    let crew = staff::read(&platform, staff.merchant)?;
    let shown = crew.members.into_iter().map(|member| MemberView {
        id: StaffRef(member.id),
        name: member.name,
        role: member.role,
        password: None,
    });
    Ok(Json(Page {
        data: shown.collect(),
        next_cursor: None,
    }))
}

/// Adds somebody.
pub async fn add(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Input(new): Input<NewMember>,
) -> Result<(StatusCode, Json<MemberView>), ApiError> {
    staff.must_be_owner()?;
    let (id, password) = join(&platform, staff.merchant, &new.name.0, new.role).await?;
    let view = MemberView {
        id,
        name: new.name.0.trim().to_owned(),
        role: new.role,
        password: Some(password.expose_secret().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Removes somebody: their sessions end at once.
pub async fn remove(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Id(StaffRef(id)): Id<StaffRef>,
) -> Result<StatusCode, ApiError> {
    staff.must_be_owner()?;
    let merchant = staff.merchant;
    blocking(&platform, move |platform| {
        staff::change(platform, merchant, |crew| Ok(leave(crew, id)))?
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the shop's settings.
pub async fn change_shop(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Input(new): Input<ShopChange>,
) -> Result<Json<ShopSettings>, ApiError> {
    staff.must_be_owner()?;
    let limit = new.refund_limit;
    if !(0..=REFUND_LIMIT_MAX).contains(&limit) {
        let message = format!("a limit is 0 to {REFUND_LIMIT_MAX} fen");
        return Err(ApiError::invalid("limit_bad", message).at("refund_limit"));
    }
    blocking(&platform, move |platform| {
        staff::change(platform, staff.merchant, |crew| {
            crew.refund_limit = Some(limit);
            Ok(())
        })?;
        Ok(())
    })
    .await?;
    Ok(Json(ShopSettings {
        refund_limit: limit,
    }))
}

/// Makes somebody one of the shop's people; their password is told this once.
///
/// # Errors
/// 422 `name_taken`, `too_many_staff`.
pub async fn join(
    platform: &Arc<Platform>,
    merchant: MerchantId,
    name: &str,
    role: StaffRole,
) -> Result<(StaffRef, SecretString), ApiError> {
    let name = name.trim().to_owned();
    let turn = platform.apps.passwords.turn().await?;
    blocking(platform, move |platform| {
        let _turn = turn;
        let password = password::generate()?;
        let hash = platform.apps.passwords.hash(password.expose_secret())?;
        let joined = staff::change(platform, merchant, |crew| {
            Ok(take_in(crew, name, role, hash))
        })?;
        Ok((joined?, password))
    })
    .await
}

fn take_in(
    crew: &mut Crew,
    name: String,
    role: StaffRole,
    password: crate::app::password::Hash,
) -> Result<StaffRef, ApiError> {
    let refused = |code, message| ApiError::new(ErrorType::Refused, code, message);
    if crew.members.iter().any(|member| member.name == name) {
        let message = "somebody of this shop has this name already";
        return Err(refused("name_taken", message).at("name"));
    }
    if crew.members.len() >= MEMBERS_MAX {
        return Err(refused("too_many_staff", "a shop has at most 100 people"));
    }
    let id = crew.next;
    crew.next = id.saturating_add(1);
    crew.members.push(Member {
        id,
        name,
        role,
        password,
        wrong: 0,
        tried: 0,
    });
    Ok(StaffRef(id))
}

fn leave(crew: &mut Crew, id: u32) -> Result<(), ApiError> {
    if crew.member(id).is_none() {
        return Err(ApiError::not_found(
            "staff_not_found",
            "person in this shop",
        ));
    }
    let others = || crew.members.iter().filter(|member| member.id != id);
    if !others().any(|member| member.role == StaffRole::Owner) {
        let message = "a shop keeps one owner at least";
        return Err(ApiError::new(ErrorType::Refused, "last_owner", message));
    }
    crew.members.retain(|member| member.id != id);
    Ok(())
}
