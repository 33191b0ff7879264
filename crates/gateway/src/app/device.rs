//! A shopper's devices: each has a key pair of its own, whose private half never leaves it.
//!
//! A signature is ECDSA on P-256 with SHA-256 (FIPS 186-5), `r ‖ s` in 64 bytes, as `WebCrypto` makes it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use feiqian_core::UserId;
use serde::{Deserialize, Serialize};

use crate::paycode;
use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use crate::v1::error::{ApiError, ErrorType};

/// What stands before the point in a `SubjectPublicKeyInfo` of P-256 (RFC 5480): no other key is taken.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Bytes of an uncompressed point.
const POINT: usize = 65;

/// Which device. Random; says nothing of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId(pub [u8; 16]);

impl DeviceId {
    /// A new one.
    ///
    /// # Errors
    /// Without random bytes.
    pub fn random() -> Result<Self, PlatformError> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PlatformError::Record("random".into()))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dev_{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for DeviceId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text
            .strip_prefix("dev_")
            .map(|id| URL_SAFE_NO_PAD.decode(id));
        bytes
            .and_then(Result::ok)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or("a device's id is dev_ and 22 characters")
    }
}

impl Serialize for DeviceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A device's public key: the point, in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceKey(String);

impl DeviceKey {
    /// From a `SubjectPublicKeyInfo` in base64.
    ///
    /// # Errors
    /// What is no key of P-256.
    pub fn from_spki(text: &str) -> Result<Self, ApiError> {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        let point = bytes
            .strip_prefix(&P256)
            .filter(|point| point.len() == POINT && point[0] == 4);
        let point = point.ok_or_else(|| {
            let message = "public_key is a SubjectPublicKeyInfo of P-256 in base64";
            ApiError::invalid("key_bad", message).at("device.public_key")
        })?;
        Ok(Self(STANDARD.encode(point)))
    }

    /// From the two halves of the point.
    #[must_use]
    pub fn from_halves(x: &[u8; 32], y: &[u8; 32]) -> Self {
        Self(STANDARD.encode([&[4], x.as_slice(), y].concat()))
    }

    /// Whether the holder of the private half signed `text`. `signature` is base64.
    #[must_use]
    pub fn signed(&self, text: &[u8], signature: &str) -> bool {
        let signature = STANDARD.decode(signature);
        signature.is_ok_and(|bytes| self.verifies(&ECDSA_P256_SHA256_FIXED, text, &bytes))
    }

    /// As [`Self::signed`], of a signature in DER, as passkeys make it.
    #[must_use]
    pub fn signed_der(&self, text: &[u8], signature: &[u8]) -> bool {
        self.verifies(&ECDSA_P256_SHA256_ASN1, text, signature)
    }

    fn verifies(
        &self,
        form: &'static EcdsaVerificationAlgorithm,
        text: &[u8],
        signature: &[u8],
    ) -> bool {
        // A point that is not on the curve verifies nothing.
        STANDARD.decode(&self.0).is_ok_and(|point| {
            UnparsedPublicKey::new(form, point)
                .verify(text, signature)
                .is_ok()
        })
    }
}

/// A device as the vault keeps it; times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// Whose.
    pub user: u32,
    /// Verifies its signatures.
    pub key: DeviceKey,
    /// What its owner calls it.
    pub label: String,
    /// When it was added.
    pub added: i64,
    /// When it signed in last.
    pub seen: Option<i64>,
    /// Until then it spends little: it came to an account that was there, without its PIN.
    pub trusted_from: Option<i64>,
    /// What it spent until then: number and fen.
    #[serde(default)]
    pub spent: Vec<(String, i64)>,
}

impl DeviceRecord {
    /// A device that signs in for the first time, now.
    pub(crate) fn new(
        user: UserId,
        key: DeviceKey,
        label: String,
        trusted_from: Option<i64>,
    ) -> Self {
        let now = unix_millis().0;
        Self {
            user: user.0,
            key,
            label,
            added: now,
            seen: Some(now),
            trusted_from,
            spent: Vec::new(),
        }
    }
}

/// The device, unless there is none or it was revoked.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn read(platform: &Platform, device: DeviceId) -> Result<Option<DeviceRecord>, PlatformError> {
    read_record(&platform.vault, &record_name(device))
}

/// Keeps it. Under the account's lock only.
pub(crate) fn write(
    platform: &Platform,
    device: DeviceId,
    record: &DeviceRecord,
) -> Result<(), PlatformError> {
    write_record(&platform.vault, &record_name(device), record)
}

/// Forgets it: its sessions and pay-code keys stop at once. Under the account's lock only.
pub(crate) fn remove(platform: &Platform, device: DeviceId) -> Result<(), PlatformError> {
    if let Some(record) = read(platform, device)? {
        paycode::revoke(platform, UserId(record.user), Some(&device.to_string()))?;
    }
    Ok(platform.vault.remove_secret(&record_name(device))?)
}

/// Whether this is a device of this user, not revoked. Whoever takes a pay code asks it each time.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn is_good(platform: &Platform, user: UserId, device: DeviceId) -> Result<bool, PlatformError> {
    Ok(read(platform, device)?.is_some_and(|record| record.user == user.0))
}

/// The signature does not fit.
pub(crate) fn bad_signature() -> ApiError {
    let message = "the device's signature does not fit this request; nothing was done";
    ApiError::new(ErrorType::Authentication, "signature_bad", message)
}

fn record_name(device: DeviceId) -> String {
    format!("app/device/{device}")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    #[test]
    fn only_the_private_half_signs() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let spki = [&P256, pair.public_key().as_ref()].concat();
        let key = DeviceKey::from_spki(&STANDARD.encode(&spki)).unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"pay").unwrap();
        let signature = STANDARD.encode(signature.as_ref());
        assert!(key.signed(b"pay", &signature));
        assert!(!key.signed(b"pay more", &signature));
        assert!(!key.signed(b"pay", ""));
        let mut off_the_curve = spki.clone();
        off_the_curve[90] ^= 1;
        let off = DeviceKey::from_spki(&STANDARD.encode(&off_the_curve)).unwrap();
        assert!(!off.signed(b"pay", &signature));
        for bad in [&spki[..90], &spki[1..], &[]] {
            assert!(DeviceKey::from_spki(&STANDARD.encode(bad)).is_err());
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = DeviceId([7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("dev_AAAA".parse::<DeviceId>().is_err());
    }
}
