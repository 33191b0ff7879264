//! What the wallet keeps of its owner besides the person: devices, PIN, and choices.

use std::sync::{Mutex, MutexGuard, PoisonError};

use feiqian_core::{Fen, UserId};
use serde::{Deserialize, Serialize};

use super::device::{self, DeviceId};
use super::passkey::{self, PasskeyId};
use super::password::Hash;
use crate::platform::{Platform, PlatformError, read_record, write_record};

/// Payments up to this go without PIN unless the person chooses otherwise.
pub const NO_PIN_DEFAULT: Fen = Fen(20_000);
/// The most that a person may let go without PIN.
pub const NO_PIN_MAX: Fen = Fen(100_000);
/// Accounts that can be changed at once.
const LOCKS: usize = 64;

/// The language of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

/// An account as the vault keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Not revoked; the oldest first.
    pub devices: Vec<DeviceId>,
    /// Not removed; the oldest first.
    #[serde(default)]
    pub passkeys: Vec<PasskeyId>,
    /// None until it is set.
    pub pin: Option<Hash>,
    /// Wrong PINs since the last right one.
    pub wrong_pins: u8,
    /// Fen; the default if not chosen.
    pub no_pin: Option<i64>,
    /// Of the app.
    pub language: Option<Language>,
    /// Keyed hash of the last four characters of the identity number, once it is known.
    pub id_last4: Option<String>,
    /// Proofs of who it is that failed: how many, and when the last was, in milliseconds since 1970.
    #[serde(default)]
    pub failed_proofs: (u8, i64),
}

impl Account {
    /// Payments up to this go without PIN.
    #[must_use]
    pub fn no_pin(&self) -> Fen {
        self.no_pin.map_or(NO_PIN_DEFAULT, Fen)
    }
}

/// One change of an account at a time.
pub(crate) struct Locks([Mutex<()>; LOCKS]);

impl Default for Locks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Locks {
    pub(crate) fn hold(&self, id: u32) -> MutexGuard<'_, ()> {
        // Guards no data of its own, so a panic elsewhere leaves nothing half done.
        self.0[id as usize % LOCKS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account; an empty one of a user who has none yet.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn read(platform: &Platform, user: UserId) -> Result<Account, PlatformError> {
    Ok(read_record(&platform.vault, &record_name(user))?.unwrap_or_default())
}

/// Changes the account: what `change` leaves is durable before this returns. Nobody else changes it or
/// its devices meanwhile. Waits for the disk: not on the runtime's threads.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn change<T>(
    platform: &Platform,
    user: UserId,
    change: impl FnOnce(&mut Account) -> Result<T, PlatformError>,
) -> Result<T, PlatformError> {
    let _held = platform.apps.accounts.hold(user.0);
    let before = read(platform, user)?;
    let mut account = before.clone();
    let answer = change(&mut account)?;
    if account != before {
        write_record(&platform.vault, &record_name(user), &account)?;
    }
    Ok(answer)
}

/// Forgets the account, its devices and its passkeys. Waits for the disk: not on the runtime's threads.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub(crate) fn forget(platform: &Platform, user: UserId) -> Result<(), PlatformError> {
    let _held = platform.apps.accounts.hold(user.0);
    let account = read(platform, user)?;
    for id in account.devices {
        device::remove(platform, id)?;
    }
    for id in account.passkeys {
        passkey::remove(platform, id)?;
    }
    Ok(platform.vault.remove_secret(&record_name(user))?)
}

fn record_name(user: UserId) -> String {
    format!("app/account/{user}")
}
