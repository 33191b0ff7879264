//! Users: people with a wallet. What the platform knows of a person lies in the vault and is told to
//! operators and to that person only.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::user::add::AddUser;
use feiqian_core::user::set_status::SetUserStatus;
use feiqian_core::user::set_tier::SetTier;
use feiqian_core::user::{self};
use feiqian_core::{Account, State, UserId};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Operator};
use super::error::{ApiError, ErrorType};
use super::fields::{BrandRef, Name, Text, UserRef};
use super::input::{Id, Input, Key, Made, Numbered};
use super::responses::{Asking, Sending};
use crate::access::Role;
use crate::app::person::reads;
use crate::codes::cpm;
use crate::desk::trail::Note;
use crate::paycode;
use crate::platform::{Person, Platform};

/// How well the person is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// By phone number only.
    Basic,
    /// By name and one proof.
    Verified,
    /// By name and several proofs.
    Full,
}

impl From<Tier> for user::Tier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Basic => Self::Basic,
            Tier::Verified => Self::Verified,
            Tier::Full => Self::Full,
        }
    }
}

impl From<user::Tier> for Tier {
    fn from(tier: user::Tier) -> Self {
        match tier {
            user::Tier::Basic => Self::Basic,
            user::Tier::Verified => Self::Verified,
            user::Tier::Full => Self::Full,
        }
    }
}

/// May the user move money?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Yes.
    Active,
    /// Not now. Refunds still arrive.
    Frozen,
    /// Never again. Refunds still arrive.
    Closed,
}

impl From<UserStatus> for user::UserStatus {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Active => Self::Active,
            UserStatus::Frozen => Self::Frozen,
            UserStatus::Closed => Self::Closed,
        }
    }
}

impl From<user::UserStatus> for UserStatus {
    fn from(status: user::UserStatus) -> Self {
        match status {
            user::UserStatus::Active => Self::Active,
            user::UserStatus::Frozen => Self::Frozen,
            user::UserStatus::Closed => Self::Closed,
        }
    }
}

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    brand_id: BrandRef,
    /// A short name for commands and links.
    #[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_-]{0,31}$")]
    handle: Handle,
    /// As written on papers.
    name: Name,
    /// In Latin letters, if that is another.
    latin_name: Option<Name>,
    /// With country code (ITU-T E.164).
    #[schema(value_type = Option<String>, pattern = "^[+][1-9][0-9]{6,14}$")]
    phone: Option<Phone>,
    tier: Tier,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Handle(pub String);

impl TryFrom<String> for Handle {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let mut bytes = text.bytes();
        let good = bytes.next().is_some_and(plain)
            && bytes.all(|byte| plain(byte) || b"_-".contains(&byte))
            && text.len() <= 32;
        let why = "a handle has 1 to 32 characters of a-z 0-9 _ -, a letter or digit first";
        good.then_some(Self(text)).ok_or(why)
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Phone(String);

impl TryFrom<String> for Phone {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let good = text.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0')
        });
        good.then_some(Self(text))
            .ok_or("a phone number is + and 7 to 15 digits")
    }
}

/// What the vault knows of a person.
#[derive(Serialize, ToSchema)]
pub struct PersonView {
    handle: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latin_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            handle: person.handle,
            name: person.name,
            latin_name: person.latin_name,
            phone: person.phone,
        }
    }
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct User {
    id: UserRef,
    brand_id: BrandRef,
    status: UserStatus,
    tier: Tier,
    /// Absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<PersonView>,
}

/// A status to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatus {
    status: UserStatus,
    /// For the audit trail.
    reason: Option<Text<120>>,
}

/// How well the person is known from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTier {
    tier: Tier,
    /// For the audit trail.
    reason: Option<Text<120>>,
}

/// A new bearer key. It is told this once.
#[derive(Serialize, ToSchema)]
pub struct NewKey {
    /// Send it as `Authorization: Bearer KEY`.
    #[schema(pattern = "^fq[omu]_[0-9A-Za-z_-]{43}$")]
    key: String,
}

/// A wallet's money.
#[derive(Serialize, ToSchema)]
pub struct Balance {
    user_id: UserRef,
    /// Fen, the hundredth of a yuan.
    #[schema(minimum = 0)]
    available: i64,
}

/// A pay code.
#[derive(Serialize, ToSchema)]
pub struct PayCode {
    /// 18 digits, to be shown as a bar code or QR code. For one payment.
    #[schema(pattern = "^(1[0-5]|2[5-9]|30)[0-9]{16}$")]
    code: String,
    /// The same as EMV consumer-presented payload, for a QR code.
    cpm: String,
    /// Seconds.
    expires_in: u64,
}

/// Adds a user
#[utoipa::path(
    post, path = "/v1/users",
    operation_id = "add_user", request_body = NewUser, tag = "users", params(Numbered),
    responses(
        (status = 201, body = User, description = "Added"),
        (status = 200, body = User, description = "Added before"),
        Sending,
    )
)]
pub async fn add(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewUser>,
) -> Result<Made<User>, ApiError> {
    let person = Person {
        handle: new.handle.0,
        name: new.name.0,
        latin_name: new.latin_name.map(|name| name.0),
        phone: new.phone.map(|phone| phone.0),
    };
    let command = AddUser {
        number,
        brand: new.brand_id.0,
        tier: new.tier.into(),
    };
    let (receipt, user) = platform.add_user(command, &person).await?;
    // The rules do not know the person, so they cannot compare it.
    if platform.person(user)?.is_some_and(|known| known != person) {
        let message = "this number was used for another user";
        let conflict = ApiError::new(ErrorType::Conflict, "number_reused", message);
        return Err(conflict.at("Idempotency-Key"));
    }
    Ok(Made {
        again: receipt.again,
        value: view(&platform, user).await?,
    })
}

/// Shows a user
#[utoipa::path(
    get, path = "/v1/users/{id}",
    operation_id = "get_user", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = User, description = "The user"),
        Asking,
    )
)]
pub async fn show(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    note: Note,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<Json<User>, ApiError> {
    caller.may_see_user(user)?;
    if let Caller(Role::Operator(by)) = caller {
        exists(&platform, user).await?;
        note.reads_person();
        reads::record(&platform, user, by, "person")?;
    }
    view(&platform, user).await.map(Json)
}

async fn view(platform: &Platform, id: UserId) -> Result<User, ApiError> {
    let user = platform
        .engine
        .read(move |state: &State| state.user(id).copied())
        .await?;
    let user = user.ok_or_else(unknown_user)?;
    let person = platform.person(id)?.map(PersonView::from);
    Ok(User {
        id: id.into(),
        brand_id: user.brand.into(),
        status: user.status.into(),
        tier: user.tier.into(),
        person,
    })
}

/// There is no such user.
pub fn unknown_user() -> ApiError {
    ApiError::not_found("user_not_found", "user")
}

/// Freezes, thaws or closes a user
#[utoipa::path(
    post, path = "/v1/users/{id}/status",
    operation_id = "set_user_status", request_body = NewStatus, tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = User, description = "The user"),
        Sending,
    )
)]
pub async fn set_status(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    note: Note,
    Id(UserRef(user)): Id<UserRef>,
    Input(new): Input<NewStatus>,
) -> Result<Json<User>, ApiError> {
    if let Some(reason) = &new.reason {
        note.why(&reason.0);
    }
    platform
        .engine
        .submit(SetUserStatus {
            user,
            status: new.status.into(),
        })
        .await?;
    view(&platform, user).await.map(Json)
}

/// Sets how well the person is known
///
/// The tier says what the user may pay at once, in a day and in a year.
#[utoipa::path(
    put, path = "/v1/users/{id}/tier",
    operation_id = "set_user_tier", request_body = NewTier, tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = User, description = "The user"),
        Sending,
    )
)]
pub async fn set_tier(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    note: Note,
    Id(UserRef(user)): Id<UserRef>,
    Input(new): Input<NewTier>,
) -> Result<Json<User>, ApiError> {
    if let Some(reason) = &new.reason {
        note.why(&reason.0);
    }
    let tier = new.tier.into();
    platform.engine.submit(SetTier { user, tier }).await?;
    view(&platform, user).await.map(Json)
}

/// Makes a bearer key for a user
#[utoipa::path(
    post, path = "/v1/users/{id}/keys",
    operation_id = "make_user_key", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 201, body = NewKey, description = "The key"),
        Asking,
    )
)]
pub async fn new_key(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<(StatusCode, Json<NewKey>), ApiError> {
    exists(&platform, user).await?;
    grant(&platform, Role::user(user))
}

/// Makes a key.
pub fn grant(platform: &Platform, role: Role) -> Result<(StatusCode, Json<NewKey>), ApiError> {
    let key = platform.access.grant(&platform.vault, role)?;
    let key = NewKey {
        key: key.expose_secret().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(key)))
}

async fn exists(platform: &Platform, user: UserId) -> Result<(), ApiError> {
    let found = platform
        .engine
        .read(move |state: &State| state.user(user).is_some())
        .await?;
    if found { Ok(()) } else { Err(unknown_user()) }
}

/// Erases what the platform knows of a person; wallet and history stay
#[utoipa::path(
    delete, path = "/v1/users/{id}/person",
    operation_id = "erase_person", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 204, description = "Erased, now or before"),
        Asking,
    )
)]
pub async fn erase(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<StatusCode, ApiError> {
    exists(&platform, user).await?;
    // It rewrites tables, so it takes a while.
    let erase = move || {
        paycode::revoke(&platform, user, None)?;
        platform.erase_person(user)
    };
    let erased = tokio::task::spawn_blocking(erase).await;
    erased.map_err(|error| ApiError::internal(&error))??;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells a wallet's balance, exact at the moment of asking
#[utoipa::path(
    get, path = "/v1/users/{id}/balance",
    operation_id = "get_user_balance", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = Balance, description = "The balance"),
        Asking,
    )
)]
pub async fn balance(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<Json<Balance>, ApiError> {
    caller.may_see_user(user)?;
    let read = move |state: &State| state.balance(Account::Wallet(user));
    let available = platform.engine.read(read).await?.ok_or_else(unknown_user)?;
    Ok(Json(Balance {
        user_id: user.into(),
        available: available.0,
    }))
}

/// Makes a pay code for a till to scan
#[utoipa::path(
    post, path = "/v1/users/{id}/pay_codes",
    operation_id = "make_pay_code", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 201, body = PayCode, description = "The code"),
        Asking,
    )
)]
pub async fn pay_code(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<(StatusCode, Json<PayCode>), ApiError> {
    caller.must_be_user(user)?;
    exists(&platform, user).await?;
    let code = paycode::one_code(&platform, user).await?;
    let code = PayCode {
        cpm: cpm::write(&code).unwrap_or_default(),
        code,
        expires_in: paycode::LIFE_SECONDS,
    };
    Ok((StatusCode::CREATED, Json(code)))
}
