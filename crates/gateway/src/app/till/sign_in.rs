//! Signing in at a till, and out; one's own password.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use feiqian_core::MerchantId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::crew::StaffRef;
use super::{password, shifts};
use crate::app::blocking;
use crate::app::session::{self, Kind, Staff, Who};
use crate::app::staff::{self, StaffRole};
use crate::platform::Platform;
use crate::v1::auth::Anybody;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{MerchantRef, Name};
use crate::v1::input::Input;
use crate::wechat::ids::{mchid, read_mchid};

/// Who signs in where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The shop's id (`mch_0`) or number (`1900000000`).
    shop: Name,
    name: Name,
    password: SecretString,
}

/// Somebody of a shop, as the till shows them.
#[derive(Serialize)]
pub struct StaffView {
    id: StaffRef,
    name: String,
    role: StaffRole,
    shop: ShopView,
    sandbox: bool,
    refund_limit: i64,
}

#[derive(Serialize)]
struct ShopView {
    id: MerchantRef,
    name: String,
    number: String,
}

/// An old password and the one in its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    old: SecretString,
    new: SecretString,
}

/// Signs in.
pub async fn begin(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let shop = shop_of(&platform, asked.shop.0.trim()).await?;
    let name = asked.name.0.trim().to_owned();
    let staff = password::prove(&platform, shop, name, asked.password).await?;
    let who = Who::Staff {
        merchant: staff.merchant,
        staff: staff.staff,
    };
    let cookie = blocking(&platform, move |platform| {
        shifts::running(platform, &staff)?;
        Ok(session::begin(platform, &who)?)
    })
    .await?;
    Ok((
        StatusCode::CREATED,
        cookie,
        Json(view(&platform, staff).await?),
    ))
}

/// Signs out.
pub async fn end(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let end = move |platform: &Platform| Ok(session::end(platform, &headers, Kind::Till)?);
    Ok((StatusCode::NO_CONTENT, blocking(&platform, end).await?))
}

/// Tells who is signed in.
pub async fn me(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<StaffView>, ApiError> {
    view(&platform, staff).await.map(Json)
}

/// Changes one's own password.
pub async fn change_password(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<NewPassword>,
) -> Result<StatusCode, ApiError> {
    use secrecy::ExposeSecret;
    password::is_fit(asked.new.expose_secret()).map_err(|error| error.at("new"))?;
    let crew = staff::read(&platform, staff.merchant)?;
    let name = crew.member(staff.staff).map(|member| member.name.clone());
    let proved = password::prove(
        &platform,
        Some(staff.merchant),
        name.unwrap_or_default(),
        asked.old,
    );
    proved.await.map_err(|error| {
        if error.status() == StatusCode::UNAUTHORIZED {
            let message = "this is not your password";
            ApiError::new(ErrorType::Refused, "password_wrong", message).at("old")
        } else {
            error
        }
    })?;
    let turn = platform.apps.passwords.turn().await?;
    blocking(&platform, move |platform| {
        let _turn = turn;
        let hash = platform.apps.passwords.hash(asked.new.expose_secret())?;
        staff::change(platform, staff.merchant, |crew| {
            let own = |member: &&mut staff::Member| member.id == staff.staff;
            if let Some(member) = crew.members.iter_mut().find(own) {
                member.password = hash;
            }
            Ok(())
        })?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The shop of an id or number, if there is one.
async fn shop_of(platform: &Platform, text: &str) -> Result<Option<MerchantId>, ApiError> {
    let by_number = || {
        let number = read_mchid(text)?;
        u32::try_from(number).ok().map(MerchantId)
    };
    let id = text.parse::<MerchantRef>().ok().map(|id| id.0);
    let Some(merchant) = id.or_else(by_number) else {
        return Ok(None);
    };
    let known = move |state: &feiqian_core::State| state.merchant(merchant).is_some();
    Ok(platform.engine.read(known).await?.then_some(merchant))
}

async fn view(platform: &Platform, staff: Staff) -> Result<StaffView, ApiError> {
    let crew = staff::read(platform, staff.merchant)?;
    let name = crew.member(staff.staff).map(|member| member.name.clone());
    Ok(StaffView {
        id: StaffRef(staff.staff),
        name: name.unwrap_or_default(),
        role: staff.role,
        shop: ShopView {
            id: staff.merchant.into(),
            name: platform.shop_name(staff.merchant).await?,
            number: mchid(staff.merchant.0.into()),
        },
        sandbox: platform.is_sandbox(),
        refund_limit: crew.refund_limit().0,
    })
}
