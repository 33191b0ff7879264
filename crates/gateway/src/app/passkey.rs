//! A shopper's passkeys: what lets a further browser in without phone or PIN, because the machine that holds
//! one asks for a finger, a face or a PIN of its own.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::UserId;
use serde::{Deserialize, Serialize};

use super::device::DeviceKey;
use super::phone;
use crate::platform::{Platform, PlatformError, read_record, write_record};

/// Passkeys of one account.
pub const PASSKEYS_MAX: usize = 10;

/// Which passkey: the beginning of a hash of what its authenticator calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasskeyId([u8; 16]);

impl PasskeyId {
    /// Of this credential.
    #[must_use]
    pub fn of(credential: &[u8]) -> Self {
        let hash = digest(&SHA256, credential);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        Self(id)
    }
}

impl fmt::Display for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "psk_{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for PasskeyId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text
            .strip_prefix("psk_")
            .map(|id| URL_SAFE_NO_PAD.decode(id));
        bytes
            .and_then(Result::ok)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or("a passkey's id is psk_ and 22 characters")
    }
}

impl Serialize for PasskeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PasskeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A passkey as the vault keeps it; times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyRecord {
    /// Whose.
    pub user: u32,
    /// What its authenticator calls it, in base64url.
    pub credential: String,
    /// Verifies its signatures.
    pub key: DeviceKey,
    /// What its owner calls it.
    pub label: String,
    /// When it was added.
    pub added: i64,
    /// When it let a browser in last.
    pub used: Option<i64>,
    /// Its last count of signatures; 0 if it does not count.
    pub counter: u32,
}

/// The passkey, unless there is none or it was removed.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn read(
    platform: &Platform,
    passkey: PasskeyId,
) -> Result<Option<PasskeyRecord>, PlatformError> {
    read_record(&platform.vault, &record_name(passkey))
}

/// Keeps it. Under the account's lock only.
pub(crate) fn write(
    platform: &Platform,
    passkey: PasskeyId,
    record: &PasskeyRecord,
) -> Result<(), PlatformError> {
    write_record(&platform.vault, &record_name(passkey), record)
}

/// Forgets it. Under the account's lock only.
pub(crate) fn remove(platform: &Platform, passkey: PasskeyId) -> Result<(), PlatformError> {
    Ok(platform.vault.remove_secret(&record_name(passkey))?)
}

/// What authenticators are told of whose it is: nothing that tells who.
pub(crate) fn user_handle(platform: &Platform, user: UserId) -> String {
    phone::keyed(platform, "passkey user", &user.to_string())
}

fn record_name(passkey: PasskeyId) -> String {
    format!("app/passkey/{passkey}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = PasskeyId::of(b"credential");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("psk_AAAA".parse::<PasskeyId>().is_err());
    }
}
