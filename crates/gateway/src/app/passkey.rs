//! A shopper's passkeys: what lets a further browser in without phone or PIN, because the machine that holds
//! one asks for a finger, a face or a PIN of its own.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::UserId;
use serde::{Deserialize, Serialize};

use super::device::{DeviceId, DeviceKey};
use super::phone;
use crate::platform::{Platform, PlatformError, read_record, write_record};

/// Passkeys of one account.
pub const PASSKEYS_MAX: usize = 10;
/// A challenge is answered within this time: people look for their key.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(3 * 60);
/// Challenges that are out at once; beyond it the old ones go first.
const CHALLENGES_MAX: usize = 100_000;

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

/// What a challenge is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// This user adds a passkey at this device.
    Add(UserId, DeviceId),
    /// Somebody signs in.
    Enter,
}

/// Challenges that are out.
#[derive(Default)]
pub struct Challenges(Mutex<HashMap<String, (Purpose, Instant)>>);

impl Challenges {
    /// A new one: 32 random bytes in base64url.
    ///
    /// # Errors
    /// Without random bytes.
    pub fn give(&self, purpose: Purpose, now: Instant) -> Result<String, PlatformError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PlatformError::Record("random".into()))?;
        let challenge = URL_SAFE_NO_PAD.encode(bytes);
        let mut all = self.lock();
        if all.len() >= CHALLENGES_MAX {
            all.retain(|_, (_, made)| now.duration_since(*made) < CHALLENGE_LIFE);
        }
        if all.len() >= CHALLENGES_MAX {
            all.clear();
        }
        all.insert(challenge.clone(), (purpose, now));
        Ok(challenge)
    }

    /// Whether it was given for this. It is good once.
    pub fn take(&self, challenge: &str, purpose: Purpose, now: Instant) -> bool {
        let found = self.lock().remove(challenge);
        found.is_some_and(|(given_for, made)| {
            given_for == purpose && now.duration_since(made) < CHALLENGE_LIFE
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Purpose, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_for_its_purpose_and_a_while() {
        let (challenges, now) = (Challenges::default(), Instant::now());
        let add = Purpose::Add(UserId(1), DeviceId([1; 16]));
        let give = |purpose| challenges.give(purpose, now).unwrap();
        let first = give(add);
        assert!(challenges.take(&first, add, now));
        assert!(!challenges.take(&first, add, now));
        assert!(!challenges.take(&give(Purpose::Enter), add, now));
        let other = Purpose::Add(UserId(2), DeviceId([1; 16]));
        assert!(!challenges.take(&give(add), other, now));
        assert!(!challenges.take(&give(add), add, now + CHALLENGE_LIFE));
        assert!(!challenges.take("", Purpose::Enter, now));
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = PasskeyId::of(b"credential");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("psk_AAAA".parse::<PasskeyId>().is_err());
    }
}
