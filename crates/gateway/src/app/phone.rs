//! Phone numbers (ITU-T E.164), and whose they are.
//!
//! The vault names the entry of a number, and of a handle, by a keyed hash: without the master key nobody
//! reads off it whose wallet is here.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::UserId;
use tokio::sync::{Mutex, MutexGuard};

use crate::platform::{Platform, PlatformError, read_record};

/// A number as it is kept: `+8613800138000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// With `+` and country code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For other eyes, and one's own screen: `138****8000`.
    #[must_use]
    pub fn masked(&self) -> String {
        let national = self.0.strip_prefix("+86").unwrap_or(&self.0);
        let kept = national.len().saturating_sub(4);
        format!("{}****{}", &national[..kept.min(3)], &national[kept..])
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Phone {
    type Err = &'static str;

    /// As people write it; without a country code it is one of mainland China.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare: String = text
            .trim()
            .chars()
            .filter(|c| !" -()".contains(*c))
            .collect();
        let international = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00"));
        let digits = international.map_or_else(|| format!("86{bare}"), str::to_owned);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let good = match digits.strip_prefix("86") {
            Some(mobile) => mobile.len() == 11 && mobile.starts_with('1') && mobile[1..] >= *"3",
            None => (7..=15).contains(&digits.len()) && !digits.starts_with('0'),
        };
        (plain && good)
            .then(|| Self(format!("+{digits}")))
            .ok_or("a phone number has 11 digits, or + and a country code before it")
    }
}

/// Phones whose registrations can go on at once.
const TURNS: usize = 64;

/// One registration of a number at a time.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    pub(crate) async fn hold(&self, phone: &Phone) -> MutexGuard<'_, ()> {
        let sum: usize = phone
            .0
            .bytes()
            .rev()
            .take(4)
            .fold(0, |sum, digit| sum * 10 + usize::from(digit));
        self.0[sum % TURNS].lock().await
    }
}

/// Whose phone number this is, if anybody's here.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn user_of(platform: &Platform, phone: &Phone) -> Result<Option<UserId>, PlatformError> {
    find(platform, &phone_entry(platform, phone))
}

/// Whose handle this is, if anybody's here. Case makes no difference.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn user_of_handle(platform: &Platform, handle: &str) -> Result<Option<UserId>, PlatformError> {
    find(platform, &handle_entry(platform, handle))
}

fn find(platform: &Platform, entry: &str) -> Result<Option<UserId>, PlatformError> {
    Ok(read_record::<u32>(&platform.vault, entry)?.map(UserId))
}

/// Remembers whose phone and handle these are, unless they are another's. What came first stays.
pub(crate) fn enter(
    platform: &Platform,
    user: UserId,
    phone: Option<&Phone>,
    handle: &str,
) -> Result<(), PlatformError> {
    let entries = entries(platform, phone, handle);
    let value = user.0.to_string();
    let mut fresh = Vec::new();
    for entry in &entries {
        if find(platform, entry)?.is_none() {
            fresh.push((entry.as_str(), value.as_bytes()));
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    Ok(platform.vault.put_secrets(&fresh)?)
}

/// Forgets whose phone and handle these are.
pub(crate) fn leave(
    platform: &Platform,
    user: UserId,
    phone: Option<&Phone>,
    handle: &str,
) -> Result<(), PlatformError> {
    for entry in entries(platform, phone, handle) {
        if find(platform, &entry)? == Some(user) {
            platform.vault.remove_secret(&entry)?;
        }
    }
    Ok(())
}

fn entries(platform: &Platform, phone: Option<&Phone>, handle: &str) -> Vec<String> {
    let mut entries = vec![handle_entry(platform, handle)];
    entries.extend(phone.map(|phone| phone_entry(platform, phone)));
    entries
}

fn phone_entry(platform: &Platform, phone: &Phone) -> String {
    format!("app/phone/{}", keyed(platform, "phone", phone.as_str()))
}

fn handle_entry(platform: &Platform, handle: &str) -> String {
    let handle = handle.to_lowercase();
    format!("app/handle/{}", keyed(platform, "handle", &handle))
}

/// A keyed hash of what must not be read off.
pub(crate) fn keyed(platform: &Platform, what: &str, text: &str) -> String {
    let tag = hmac::sign(&platform.apps.index, format!("{what}\n{text}").as_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (text, number) in [
            ("13800138000", Some("+8613800138000")),
            (" 138 0013-8000 ", Some("+8613800138000")),
            ("+86 138 0013 8000", Some("+8613800138000")),
            ("008613800138000", Some("+8613800138000")),
            ("+44 (20) 7946-0000", Some("+442079460000")),
            ("+852 5123 4567", Some("+85251234567")),
            ("12800138000", None),
            ("1380013800", None),
            ("138001380000", None),
            ("+8610012345678", None),
            ("+123456", None),
            ("+1234567890123456", None),
            ("+0123456789", None),
            ("１３８００１３８０００", None),
            ("1380013800a", None),
            ("", None),
        ] {
            let read = text.parse::<Phone>().ok();
            assert_eq!(read.as_ref().map(Phone::as_str), number, "{text}");
        }
    }

    #[test]
    fn the_middle_is_hidden() {
        for (text, masked) in [
            ("13800138000", "138****8000"),
            ("+442079460000", "+44****0000"),
            ("+1234567", "+12****4567"),
        ] {
            assert_eq!(text.parse::<Phone>().unwrap().masked(), masked);
        }
    }
}
