//! The PIN: six digits, asked for above the person's own limit, locked after five wrong ones in a row.
//!
//! How many were wrong is on the disk before the answer goes out, and one PIN of an account is compared
//! at a time, so that neither a restart nor many requests at once give a further try.

use std::sync::Arc;

use feiqian_core::{Fen, Number, UserId};
use secrecy::{ExposeSecret, SecretString};

use super::account::{self, Account};
use super::session::Shopper;
use super::{blocking, device};
use crate::platform::{Platform, PlatformError, unix_millis};
use crate::v1::error::{ApiError, ErrorType};

/// Digits of a PIN.
pub const DIGITS: usize = 6;
/// Wrong PINs in a row that lock it.
pub const TRIES: u8 = 5;
/// What a device may spend until it is trusted.
pub const NEW_DEVICE_MAX: Fen = Fen(20_000);

/// Whether this shopper may spend so much now: see the module. A device that is not trusted yet counts
/// what it spends by `number`, so the same request again counts once.
///
/// # Errors
/// 422 `pin_not_set`, `pin_required`, `pin_wrong`, `pin_locked`, `new_device_limit`.
pub async fn check(
    platform: &Arc<Platform>,
    shopper: Shopper,
    number: Number,
    pin: Option<&str>,
    amount: Fen,
) -> Result<(), ApiError> {
    let account = account::read(platform, shopper.user)?;
    if account.wrong_pins >= TRIES {
        return Err(locked());
    }
    if let Some(pin) = pin {
        verify(platform, shopper.user, pin).await?;
    } else if amount > account.no_pin() {
        return Err(missing(&account));
    }
    let Some(device) = device::read(platform, shopper.device)? else {
        return Err(new_device());
    };
    if device
        .trusted_from
        .is_none_or(|then| unix_millis().0 >= then)
    {
        return Ok(());
    }
    blocking(platform, move |platform| {
        spend(platform, shopper, number, amount)
    })
    .await
}

/// Whether [`check`] will ask for the PIN.
///
/// # Errors
/// Of the vault.
pub fn is_needed(platform: &Platform, user: UserId, amount: Fen) -> Result<bool, PlatformError> {
    Ok(amount > account::read(platform, user)?.no_pin())
}

/// Compares the PIN and counts.
///
/// # Errors
/// 422 `pin_not_set`, `pin_wrong`, `pin_locked`.
pub async fn verify(platform: &Arc<Platform>, user: UserId, pin: &str) -> Result<(), ApiError> {
    let pin = SecretString::from(pin.to_owned());
    let turn = platform.apps.passwords.turn().await?;
    // Whoever hangs up in between has used a try all the same.
    blocking(platform, move |platform| {
        let _turn = turn;
        account::change(platform, user, |account| {
            compare(platform, account, pin.expose_secret())
        })?
    })
    .await
}

fn compare(
    platform: &Platform,
    account: &mut Account,
    pin: &str,
) -> Result<Result<(), ApiError>, PlatformError> {
    let Some(hash) = &account.pin else {
        return Ok(Err(not_set()));
    };
    if account.wrong_pins >= TRIES {
        return Ok(Err(locked()));
    }
    if platform.apps.passwords.fits(pin, hash)? {
        account.wrong_pins = 0;
        return Ok(Ok(()));
    }
    account.wrong_pins += 1;
    let left = TRIES - account.wrong_pins;
    Ok(Err(if left == 0 { locked() } else { wrong(left) }))
}

fn spend(
    platform: &Platform,
    shopper: Shopper,
    number: Number,
    amount: Fen,
) -> Result<(), ApiError> {
    // The account's lock is the devices' too.
    account::change(platform, shopper.user, |_| {
        let Some(mut record) = device::read(platform, shopper.device)? else {
            return Ok(Err(new_device()));
        };
        let spends = |(known, fen): &(String, i64)| known == number.as_str() && *fen >= amount.0;
        if record.spent.iter().any(spends) {
            return Ok(Ok(()));
        }
        let before: i64 = record.spent.iter().map(|(_, fen)| *fen).sum();
        if before.saturating_add(amount.0) > NEW_DEVICE_MAX.0 {
            return Ok(Err(new_device()));
        }
        record.spent.push((number.as_str().to_owned(), amount.0));
        device::write(platform, shopper.device, &record)?;
        Ok(Ok(()))
    })?
}

/// Whether it can be a PIN: six digits, neither all the same nor counting up or down.
///
/// # Errors
/// 422 `pin_weak`, 400 `pin_bad`.
pub fn is_fit(pin: &str) -> Result<(), ApiError> {
    let digits = pin.as_bytes();
    if digits.len() != DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ApiError::invalid("pin_bad", "a PIN is six digits").at("pin"));
    }
    let steps: Vec<i16> = digits
        .windows(2)
        .map(|pair| i16::from(pair[1]) - i16::from(pair[0]))
        .collect();
    let same = steps.iter().all(|step| *step == steps[0]);
    if same && (-1..=1).contains(&steps[0]) {
        let message = "this PIN is guessed first; choose another";
        return Err(refused("pin_weak", message.into()));
    }
    Ok(())
}

fn refused(code: &'static str, message: String) -> ApiError {
    ApiError::new(ErrorType::Refused, code, message).at("pin")
}

fn missing(account: &Account) -> ApiError {
    if account.pin.is_none() {
        return not_set();
    }
    required()
}

/// It must be given.
pub(crate) fn required() -> ApiError {
    refused("pin_required", "give your PIN".into())
}

/// There is none yet.
pub(crate) fn not_set() -> ApiError {
    refused("pin_not_set", "set a PIN first; nothing was paid".into())
}

fn wrong(left: u8) -> ApiError {
    let tries = if left == 1 { "try" } else { "tries" };
    refused(
        "pin_wrong",
        format!("this is not the PIN; {left} {tries} left"),
    )
}

/// It is locked until it is recovered.
pub(crate) fn locked() -> ApiError {
    let message = "the PIN is locked after five wrong ones; unlock it in the settings";
    refused("pin_locked", message.into())
}

fn new_device() -> ApiError {
    let message = "this device is new: on its first day it spends at most 200 yuan";
    ApiError::new(ErrorType::Refused, "new_device_limit", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_not_what_is_guessed_first() {
        let code = |pin| is_fit(pin).err().map(|error| error.code());
        for (pin, answer) in [
            ("135790", None),
            ("135791", None),
            ("112233", None),
            ("246802", None),
            ("000000", Some("pin_weak")),
            ("123456", Some("pin_weak")),
            ("987654", Some("pin_weak")),
            ("12345", Some("pin_bad")),
            ("1234567", Some("pin_bad")),
            ("12345a", Some("pin_bad")),
            ("１２３４５６", Some("pin_bad")),
        ] {
            assert_eq!(code(pin), answer, "{pin}");
        }
    }
}
