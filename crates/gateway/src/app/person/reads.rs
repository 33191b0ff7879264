//! Which operator read what of a person, for that person to see.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{Number, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use crate::app::session::Shopper;
use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use crate::v1::error::ApiError;
use crate::v1::fields::Time;
use crate::v1::input::Page;

/// The newest that are kept of a person.
pub const READS_MAX: usize = 500;
/// The same operator reading the same within this time reads once.
const ONCE_MS: i64 = 60 * 1_000;

/// A read as the vault keeps it.
#[derive(Serialize, Deserialize)]
struct Record {
    at: i64,
    by: String,
    what: String,
    #[serde(default)]
    why: Option<String>,
}

/// A read as the person sees it.
#[derive(Serialize)]
pub struct Read {
    at: Time,
    by: String,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Writes down that an operator reads `what` of a person; before it is shown to them.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn record(
    platform: &Platform,
    user: UserId,
    by: Number,
    what: &str,
) -> Result<(), PlatformError> {
    record_why(platform, user, by, what, None)
}

/// As [`record`], and why, in the operator's words.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn record_why(
    platform: &Platform,
    user: UserId,
    by: Number,
    what: &str,
    why: Option<&str>,
) -> Result<(), PlatformError> {
    let _held = platform.apps.accounts.hold(user.0);
    let name = record_name(user);
    let mut all = read_record::<Vec<Record>>(&platform.vault, &name)?.unwrap_or_default();
    let now = unix_millis().0;
    let same = |read: &Record| {
        let said = (read.by.as_str(), read.what.as_str(), read.why.as_deref());
        said == (by.as_str(), what, why) && now < read.at.saturating_add(ONCE_MS)
    };
    if all.iter().rev().take(10).any(same) {
        return Ok(());
    }
    all.push(Record {
        at: now,
        by: by.as_str().to_owned(),
        what: what.to_owned(),
        why: why.map(str::to_owned),
    });
    let old = all.len().saturating_sub(READS_MAX);
    all.drain(..old);
    write_record(&platform.vault, &name, &all)
}

/// Lists them, the newest first.
pub async fn list(
    shopper: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<Read>>, ApiError> {
    let name = record_name(shopper.user);
    let all = read_record::<Vec<Record>>(&platform.vault, &name)?.unwrap_or_default();
    let shown = all.into_iter().rev().map(|read| Read {
        at: Time(UnixMillis(read.at)),
        by: read.by,
        what: read.what,
        why: read.why,
    });
    Ok(Json(Page {
        data: shown.collect(),
        next_cursor: None,
    }))
}

fn record_name(user: UserId) -> String {
    format!("app/reads/{user}")
}
