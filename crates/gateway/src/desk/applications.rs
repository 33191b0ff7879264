//! Shops that apply to become merchants.

use feiqian_core::Number;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};

/// Applications that may wait at once; further ones are turned away.
pub const WAITING_MAX: u64 = 10_000;
const NEXT: &str = "application/next";

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApplicationStatus)]
pub enum Status {
    /// Nobody has looked at it.
    New,
    /// Somebody looks at it.
    Reviewing,
    /// It is a merchant.
    Approved,
    /// It is none.
    Rejected,
}

/// What a shop writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// What the public calls it.
    pub name: String,
    /// ISO 18245.
    pub category: u16,
    /// Whom to talk to.
    pub contact_name: String,
    /// Their number.
    pub phone: String,
    /// With what its owner will sign in to the till.
    pub owner_name: String,
}

/// An application as the vault keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    /// Which.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The applicant's number for it.
    pub key: String,
    /// What the shop wrote.
    pub shop: Shop,
    /// What became of it.
    pub status: Status,
    /// What the shop is told.
    pub note: Option<String>,
    /// Who looked at it last.
    pub by: Option<String>,
    /// The fee and the merchant that it became.
    pub merchant: Option<u32>,
}

/// How many there are and wait.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Counts {
    all: u64,
    waiting: u64,
}

/// Takes an application; the same again is answered again. None: too many wait. One at a time.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn add(
    platform: &Platform,
    key: &Number,
    shop: Shop,
) -> Result<Option<(Application, bool)>, PlatformError> {
    let vault = &platform.vault;
    let named = format!("application/key/{}", key.as_str());
    if let Some(number) = read_record::<u64>(vault, &named)?
        && let Some(earlier) = get(platform, number)?
    {
        return Ok(Some((earlier, true)));
    }
    let mut counts = read_record::<Counts>(vault, NEXT)?.unwrap_or_default();
    if counts.waiting >= WAITING_MAX {
        return Ok(None);
    }
    let application = Application {
        number: counts.all,
        at: unix_millis().0,
        key: key.as_str().to_owned(),
        shop,
        status: Status::New,
        note: None,
        by: None,
        merchant: None,
    };
    counts.all = counts.all.saturating_add(1);
    counts.waiting = counts.waiting.saturating_add(1);
    write_record(vault, &record(application.number), &application)?;
    write_record(vault, NEXT, &counts)?;
    write_record(vault, &named, &application.number)?;
    Ok(Some((application, false)))
}

/// The application of a number.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn get(platform: &Platform, number: u64) -> Result<Option<Application>, PlatformError> {
    read_record(&platform.vault, &record(number))
}

/// Keeps what became of it.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn put(platform: &Platform, application: &Application) -> Result<(), PlatformError> {
    let waits = |status| matches!(status, Status::New | Status::Reviewing);
    let before = get(platform, application.number)?;
    write_record(&platform.vault, &record(application.number), application)?;
    if before.is_some_and(|before| waits(before.status)) && !waits(application.status) {
        let mut counts = read_record::<Counts>(&platform.vault, NEXT)?.unwrap_or_default();
        counts.waiting = counts.waiting.saturating_sub(1);
        write_record(&platform.vault, NEXT, &counts)?;
    }
    Ok(())
}

/// How many there are, whatever became of them: their numbers are below.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn len(platform: &Platform) -> Result<u64, PlatformError> {
    Ok(read_record::<Counts>(&platform.vault, NEXT)?
        .unwrap_or_default()
        .all)
}

fn record(number: u64) -> String {
    format!("application/entry/{number:020}")
}
