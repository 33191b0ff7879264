//! Passkeys as browsers speak them: W3C Web Authentication, level 2, with ES256 keys only.
//!
//! Attestation is not asked for: who makes the passkey is no question here. Nobody signs what then comes
//! back, so a library for it would prove nothing more. A key of ES256 has one form only (CTAP2 canonical
//! CBOR, 6.5.1.1), so it is compared byte by byte, as a device's key is.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::device::DeviceKey;

/// Longest id of a credential, in bytes (7.1, step 25).
const CREDENTIAL_MAX: usize = 1_023;
/// What stands before the two halves of a point in a key of ES256: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
const BEFORE_X: [u8; 10] = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const BEFORE_Y: [u8; 3] = [0x22, 0x58, 0x20];
/// Somebody was there.
const PRESENT: u8 = 1;
/// It was they: by finger, face or the machine's own PIN.
const VERIFIED: u8 = 1 << 2;
/// It may be copied to other machines, and was.
const MAY_BE_COPIED: u8 = 1 << 3;
const WAS_COPIED: u8 = 1 << 4;
/// A new credential follows.
const WITH_CREDENTIAL: u8 = 1 << 6;
/// Extensions follow.
const WITH_EXTENSIONS: u8 = 1 << 7;

/// What an answer of a browser must fit.
pub struct Wanted<'a> {
    /// The domain that passkeys are bound to.
    pub rp_id: &'a str,
    /// Whether a page of this origin is ours.
    pub is_own: &'a dyn Fn(&str) -> bool,
    /// Whether the challenge was given out for this; it is good once.
    pub take: &'a dyn Fn(&str) -> bool,
}

/// A new passkey.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// What the authenticator calls it.
    pub credential: Vec<u8>,
    /// Verifies its signatures.
    pub key: DeviceKey,
    /// Signatures so far, as the authenticator counts; 0 if it does not.
    pub counter: u32,
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<IgnoredAny>,
}

/// What an authenticator says: its flags, its counter, and what comes after.
struct Said<'a> {
    flags: u8,
    counter: u32,
    rest: &'a [u8],
}

/// The passkey that was made (7.1), if all of it fits.
#[must_use]
pub fn made(wanted: &Wanted<'_>, client_data: &[u8], authenticator: &[u8]) -> Option<Made> {
    is_from_us(wanted, client_data, "webauthn.create").then_some(())?;
    let said = read(authenticator, wanted.rp_id)?;
    (said.flags & WITH_CREDENTIAL != 0).then_some(())?;
    // Which model made it: not asked.
    let (_, rest) = said.rest.split_at_checked(16)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (credential, rest) = rest.split_at_checked(length)?;
    let (x, rest) = rest.strip_prefix(&BEFORE_X)?.split_first_chunk::<32>()?;
    let (y, rest) = rest.strip_prefix(&BEFORE_Y)?.split_first_chunk::<32>()?;
    let ends = rest.is_empty() || said.flags & WITH_EXTENSIONS != 0;
    (ends && (1..=CREDENTIAL_MAX).contains(&length)).then(|| Made {
        credential: credential.to_vec(),
        key: DeviceKey::from_halves(x, y),
        counter: said.counter,
    })
}

/// Whether the holder of `key` signed this sign-in (7.2): the authenticator's counter.
#[must_use]
pub fn signed(
    wanted: &Wanted<'_>,
    key: &DeviceKey,
    client_data: &[u8],
    authenticator: &[u8],
    signature: &[u8],
) -> Option<u32> {
    is_from_us(wanted, client_data, "webauthn.get").then_some(())?;
    let said = read(authenticator, wanted.rp_id)?;
    let hash = digest(&SHA256, client_data);
    let text = [authenticator, hash.as_ref()].concat();
    key.signed_der(&text, signature).then_some(said.counter)
}

fn is_from_us(wanted: &Wanted<'_>, client_data: &[u8], kind: &str) -> bool {
    let Ok(client) = serde_json::from_slice::<ClientData>(client_data) else {
        return false;
    };
    // The challenge is used up by whatever else is wrong.
    (wanted.take)(&client.challenge)
        && client.kind == kind
        && (wanted.is_own)(&client.origin)
        && !client.cross_origin
        && client.top_origin.is_none()
}

fn read<'a>(bytes: &'a [u8], rp_id: &str) -> Option<Said<'a>> {
    let (hash, rest) = bytes.split_at_checked(32)?;
    let (flags, rest) = rest.split_first()?;
    let (counter, rest) = rest.split_first_chunk::<4>()?;
    let all = PRESENT | VERIFIED;
    let fits = hash == digest(&SHA256, rp_id.as_bytes()).as_ref()
        && flags & all == all
        && (flags & MAY_BE_COPIED != 0 || flags & WAS_COPIED == 0);
    fits.then(|| Said {
        flags: *flags,
        counter: u32::from_be_bytes(*counter),
        rest,
    })
}

/// Whether a counter may follow the one before: an authenticator that counts never says the same twice, so
/// one that does was copied.
#[must_use]
pub fn follows(before: u32, counter: u32) -> bool {
    counter > before || (before, counter) == (0, 0)
}
