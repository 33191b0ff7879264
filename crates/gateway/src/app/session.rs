//! Sessions of browsers: a cookie that scripts cannot read, of which the vault keeps a hash only.
//!
//! They outlive a restart. One ends when nobody used it for a while, when it is old, when it is signed
//! out, and at once when its device is revoked or its cashier removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::{MerchantId, Number, UserId};
use serde::{Deserialize, Serialize};

use super::device::{self, DeviceId};
use super::staff::{self, StaffRole};
use crate::limiter::Asker;
use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use crate::v1::auth::peer;
use crate::v1::error::{ApiError, ErrorType};

const MINUTE: i64 = 60 * 1_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Old sessions are removed every so many sign-ins.
const SWEEP_EVERY: u32 = 1_024;
const PREFIX: &str = "app/session/";

/// Which app a session is of. Each has a cookie of its own, so that one browser may hold all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shopper's.
    Wallet,
    /// A cashier's.
    Till,
    /// An operator's.
    Console,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Wallet => "feiqian-wallet",
            Self::Till => "feiqian-till",
            Self::Console => "feiqian-console",
        }
    }

    /// How long it lasts unused, and in all; milliseconds.
    fn life(self) -> (i64, i64) {
        match self {
            // The device signs in again by itself.
            Self::Wallet => (7 * DAY, 90 * DAY),
            Self::Till => (14 * HOUR, 7 * DAY),
            Self::Console => (HOUR, 12 * HOUR),
        }
    }
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A shopper, at one of their devices.
    Shopper {
        /// The user.
        user: UserId,
        /// The device.
        device: DeviceId,
    },
    /// A cashier or owner of a shop.
    Staff {
        /// The shop.
        merchant: MerchantId,
        /// Which of its people.
        staff: u32,
    },
    /// An operator, by name.
    Operator(Number),
}

impl Who {
    fn kind(&self) -> Kind {
        match self {
            Self::Shopper { .. } => Kind::Wallet,
            Self::Staff { .. } => Kind::Till,
            Self::Operator(_) => Kind::Console,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Holder {
    Shopper { user: u32, device: DeviceId },
    Staff { merchant: u32, staff: u32 },
    Operator(String),
}

/// A session as the vault keeps it; times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Record {
    holder: Holder,
    began: i64,
    seen: i64,
}

impl Record {
    fn who(&self) -> Option<Who> {
        Some(match &self.holder {
            Holder::Shopper { user, device } => Who::Shopper {
                user: UserId(*user),
                device: *device,
            },
            Holder::Staff { merchant, staff } => Who::Staff {
                merchant: MerchantId(*merchant),
                staff: *staff,
            },
            Holder::Operator(name) => Who::Operator(Number::new(name).ok()?),
        })
    }

    fn kind(&self) -> Kind {
        match self.holder {
            Holder::Shopper { .. } => Kind::Wallet,
            Holder::Staff { .. } => Kind::Till,
            Holder::Operator(_) => Kind::Console,
        }
    }

    fn is_over(&self, now: i64) -> bool {
        let (idle, life) = self.kind().life();
        now >= self.seen.saturating_add(idle) || now >= self.began.saturating_add(life)
    }
}

/// Counts sign-ins, to know when to sweep.
#[derive(Default)]
pub struct Begun(AtomicU32);

/// Signs somebody in: the cookie to set.
///
/// # Errors
/// [`PlatformError`] of the vault or without random bytes.
pub fn begin(
    platform: &Platform,
    who: &Who,
) -> Result<[(HeaderName, HeaderValue); 1], PlatformError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PlatformError::Record("random".into()))?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let holder = match who {
        Who::Shopper { user, device } => Holder::Shopper {
            user: user.0,
            device: *device,
        },
        Who::Staff { merchant, staff } => Holder::Staff {
            merchant: merchant.0,
            staff: *staff,
        },
        Who::Operator(name) => Holder::Operator(name.as_str().to_owned()),
    };
    let now = unix_millis().0;
    let record = Record {
        holder,
        began: now,
        seen: now,
    };
    write_record(&platform.vault, &record_name(&token), &record)?;
    let begun = platform.apps.sessions.0.fetch_add(1, Ordering::Relaxed);
    if begun.is_multiple_of(SWEEP_EVERY) {
        sweep(platform, now)?;
    }
    let (_, life) = who.kind().life();
    cookie(platform, who.kind(), &token, life / 1_000)
}

/// Signs out whoever holds the cookie, if anybody; the cookie that clears it.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn end(
    platform: &Platform,
    headers: &HeaderMap,
    kind: Kind,
) -> Result<[(HeaderName, HeaderValue); 1], PlatformError> {
    if let Some(token) = token(platform, headers, kind) {
        platform.vault.remove_secret(&record_name(token))?;
    }
    cookie(platform, kind, "", 0)
}

/// Who is signed in to this app, if anybody.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn find(
    platform: &Platform,
    headers: &HeaderMap,
    kind: Kind,
) -> Result<Option<Who>, PlatformError> {
    let Some(token) = token(platform, headers, kind) else {
        return Ok(None);
    };
    let name = record_name(token);
    let Some(mut record) = read_record::<Record>(&platform.vault, &name)? else {
        return Ok(None);
    };
    let now = unix_millis().0;
    if record.kind() != kind || record.is_over(now) {
        return Ok(None);
    }
    let (idle, _) = kind.life();
    if now >= record.seen.saturating_add(idle / 16) {
        record.seen = now;
        write_record(&platform.vault, &name, &record)?;
    }
    Ok(record.who())
}

/// Signs an operator out of every browser.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn end_all_of(platform: &Platform, operator: Number) -> Result<(), PlatformError> {
    for name in platform.vault.secrets_with_prefix(PREFIX)? {
        let record = read_record::<Record>(&platform.vault, &name)?;
        if record.is_some_and(|record| record.who() == Some(Who::Operator(operator))) {
            platform.vault.remove_secret(&name)?;
        }
    }
    Ok(())
}

/// Removes what is over, and what cannot be read any more.
fn sweep(platform: &Platform, now: i64) -> Result<(), PlatformError> {
    for name in platform.vault.secrets_with_prefix(PREFIX)? {
        let record = read_record::<Record>(&platform.vault, &name)?;
        if record.is_some_and(|record| record.is_over(now)) {
            platform.vault.remove_secret(&name)?;
        }
    }
    Ok(())
}

fn record_name(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(hash.as_ref()))
}

fn is_secure(platform: &Platform) -> bool {
    platform.base_url.starts_with("https://")
}

/// `__Host-`: no other host, path or unencrypted page can set it (RFC 6265bis, 4.1.3.2).
fn cookie_name(platform: &Platform, kind: Kind) -> String {
    let prefix = if is_secure(platform) { "__Host-" } else { "" };
    format!("{prefix}{}", kind.name())
}

fn cookie(
    platform: &Platform,
    kind: Kind,
    token: &str,
    seconds: i64,
) -> Result<[(HeaderName, HeaderValue); 1], PlatformError> {
    let name = cookie_name(platform, kind);
    let secure = if is_secure(platform) { "; Secure" } else { "" };
    let text =
        format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let value = HeaderValue::from_str(&text).map_err(|_| PlatformError::Record("cookie".into()))?;
    Ok([(header::SET_COOKIE, value)])
}

fn token<'a>(platform: &Platform, headers: &'a HeaderMap, kind: Kind) -> Option<&'a str> {
    let name = cookie_name(platform, kind);
    let values = headers.get_all(header::COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    // A token is 32 bytes in base64.
    pairs
        .find(|(key, value)| *key == name && value.len() == 43)
        .map(|(_, value)| value)
}

/// A shopper who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shopper {
    /// The user.
    pub user: UserId,
    /// The device that signed in.
    pub device: DeviceId,
}

/// Somebody of a shop who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staff {
    /// The shop.
    pub merchant: MerchantId,
    /// Which of its people.
    pub staff: u32,
    /// What they may do.
    pub role: StaffRole,
}

impl Staff {
    /// Only an owner may do this.
    ///
    /// # Errors
    /// 403 for a cashier.
    pub fn must_be_owner(&self) -> Result<(), ApiError> {
        match self.role {
            StaffRole::Owner => Ok(()),
            StaffRole::Cashier => Err(ApiError::forbidden("only an owner of the shop may do this")),
        }
    }
}

/// An operator who is signed in to the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleOperator(pub Number);

impl<S: Send + Sync> FromRequestParts<S> for Shopper
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let platform = Arc::<Platform>::from_ref(state);
        let found = find(&platform, &parts.headers, Kind::Wallet)?;
        if let Some(Who::Shopper { user, device }) = found
            && device::is_good(&platform, user, device)?
        {
            platform.limiter.allow_asker(Asker::Device(device.0))?;
            platform.limiter.allow_asker(Asker::User(user.0))?;
            return Ok(Self { user, device });
        }
        platform.limiter.allow_address(peer(&parts.extensions))?;
        Err(nobody())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Staff
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let platform = Arc::<Platform>::from_ref(state);
        let found = find(&platform, &parts.headers, Kind::Till)?;
        if let Some(Who::Staff { merchant, staff }) = found
            && let Some(member) = staff::read(&platform, merchant)?.member(staff)
        {
            platform
                .limiter
                .allow_asker(Asker::Staff(merchant.0, staff))?;
            return Ok(Self {
                merchant,
                staff,
                role: member.role,
            });
        }
        platform.limiter.allow_address(peer(&parts.extensions))?;
        Err(nobody())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ConsoleOperator
where
    Arc<Platform>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let platform = Arc::<Platform>::from_ref(state);
        if let Some(Who::Operator(name)) = find(&platform, &parts.headers, Kind::Console)? {
            platform
                .limiter
                .allow(crate::access::Role::Operator(name))?;
            return Ok(Self(name));
        }
        platform.limiter.allow_address(peer(&parts.extensions))?;
        Err(nobody())
    }
}

fn nobody() -> ApiError {
    ApiError::new(
        ErrorType::Authentication,
        "session_missing",
        "nobody is signed in here, or not any more; sign in",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_unused_and_by_age() {
        let session = |seen| Record {
            holder: Holder::Operator("anna".into()),
            began: 0,
            seen,
        };
        assert!(!session(0).is_over(HOUR - 1));
        assert!(session(0).is_over(HOUR));
        assert!(!session(12 * HOUR - 2).is_over(12 * HOUR - 1));
        assert!(session(12 * HOUR - 1).is_over(12 * HOUR));
    }
}
