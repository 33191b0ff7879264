//! Who asks: `Authorization: Bearer KEY`, checked before anything else of the request is looked at.
//! The console's session stands for its operator's key ([`crate::app::session`]).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, MatchedPath};
use axum::http::{Extensions, HeaderMap, header, request::Parts};
use feiqian_core::{MerchantId, Number, UserId};

use super::error::{ApiError, ErrorType};
use crate::access::Role;
use crate::app::forgery;
use crate::app::session::{self, Kind, Who};
use crate::desk::trail::Note;
use crate::platform::Platform;

/// Longest key that is looked up.
const KEY_BYTES_MAX: usize = 128;

/// Somebody with a key.
pub struct Caller(pub Role);

/// An operator, by name.
pub struct Operator(pub Number);

/// A merchant.
pub struct Merchant(pub MerchantId);

/// A shopper.
pub struct Shopper(pub UserId);

/// Anybody, with a key or without.
pub struct Anybody;

impl Caller {
    /// An operator, or the shopper in question.
    pub fn may_see_user(&self, user: UserId) -> Result<(), ApiError> {
        match self.0 {
            Role::Operator(_) => Ok(()),
            Role::User(own) if UserId(own) == user => Ok(()),
            Role::User(_) | Role::Merchant(_) => Err(ApiError::forbidden(
                "this key does not open another's wallet",
            )),
        }
    }

    /// The shopper in question: nobody else spends from a wallet.
    pub fn must_be_user(&self, user: UserId) -> Result<(), ApiError> {
        if self.0 == Role::user(user) {
            Ok(())
        } else {
            Err(ApiError::forbidden("only the wallet's owner may do this"))
        }
    }

    /// An operator, or the merchant in question.
    pub fn may_see_merchant(&self, merchant: MerchantId) -> Result<(), ApiError> {
        match self.0 {
            Role::Operator(_) => Ok(()),
            Role::Merchant(own) if MerchantId(own) == merchant => Ok(()),
            Role::User(_) | Role::Merchant(_) => Err(ApiError::forbidden(
                "this key does not open another's account",
            )),
        }
    }
}

/// Where a request comes from, as far as the connection tells.
pub fn peer(extensions: &Extensions) -> IpAddr {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>();
    connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

/// [`peer`], for handlers.
pub struct Peer(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(peer(&parts.extensions)))
    }
}

/// Whose key the headers bear; `None` for none or an unknown one.
pub fn role(platform: &Platform, headers: &HeaderMap) -> Result<Option<Role>, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .and_then(|(scheme, key)| {
            let fits = scheme.eq_ignore_ascii_case("bearer") && key.len() <= KEY_BYTES_MAX;
            fits.then_some(key)
        });
    let Some(key) = key else { return Ok(None) };
    Ok(platform.access.role(&platform.vault, key)?)
}

/// The operator signed in to the console, if its own page asks: one without `Authorization`.
fn console(platform: &Platform, headers: &HeaderMap) -> Result<Option<Role>, ApiError> {
    let asks = headers
        .get(forgery::APP)
        .is_some_and(|app| app == "console");
    if !asks || headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let Some(Who::Operator(name)) = session::find(platform, headers, Kind::Console)? else {
        return Ok(None);
    };
    forgery::check(platform, headers)?;
    Ok(Some(Role::Operator(name)))
}

/// An operator whose roles open this route. The trail learns of it before.
fn admit(platform: &Platform, name: Number, parts: &Parts) -> Result<(), ApiError> {
    let operator = platform.desk.operators.get(&platform.vault, name)?;
    if operator.closed {
        return Err(unknown_key());
    }
    Note::of(&parts.extensions).by(name);
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    if operator.may(&parts.method, route) {
        return Ok(());
    }
    Err(ApiError::forbidden("your roles do not open this"))
}

fn unknown_key() -> ApiError {
    ApiError::new(
        ErrorType::Authentication,
        "key_unknown",
        "send a key that was given to you as Authorization: Bearer KEY",
    )
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let platform = Arc::<Platform>::from_ref(state);
        let role = match role(&platform, &parts.headers)? {
            None => console(&platform, &parts.headers)?,
            known => known,
        };
        let Some(role) = role else {
            platform.limiter.allow_address(peer(&parts.extensions))?;
            return Err(unknown_key());
        };
        if let Role::Operator(name) = role {
            admit(&platform, name, parts)?;
        }
        platform.limiter.allow(role)?;
        Ok(Self(role))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, state).await?.0 {
            Role::Operator(name) => Ok(Self(name)),
            Role::Merchant(_) | Role::User(_) => {
                Err(ApiError::forbidden("only an operator may do this"))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Merchant
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, state).await?.0 {
            Role::Merchant(merchant) => Ok(Self(MerchantId(merchant))),
            Role::Operator(_) | Role::User(_) => {
                Err(ApiError::forbidden("only a merchant may do this"))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Shopper
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, state).await?.0 {
            Role::User(user) => Ok(Self(UserId(user))),
            Role::Operator(_) | Role::Merchant(_) => {
                Err(ApiError::forbidden("only a shopper may do this"))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Anybody
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let platform = Arc::<Platform>::from_ref(state);
        platform.limiter.allow_address(peer(&parts.extensions))?;
        Ok(Self)
    }
}
