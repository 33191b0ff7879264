//! Pay codes: what a shopper's phone shows, with or without a network, and a till scans.
//!
//! [`derive`] says how the digits are made, [`keys`] where the keys lie, [`attempts`] how guessing is
//! bounded, [`charge`] how a code pays an order. That a code pays once, and near its time, is decided in the
//! rules.

pub mod derive;

pub mod attempts;
pub mod charge;
pub mod keys;

use feiqian_core::limits::{PAY_CODE_STEP_MS, PAY_CODE_UNASKED_MAX};
use feiqian_core::order::spend_code::PayCode;
use feiqian_core::{BrandId, Fen, MerchantId, UnixMillis, UserId};
use feiqian_engine::Stopped;
use serde::Serialize;
use utoipa::ToSchema;

use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use attempts::Attempts;
use derive::{Scanned, Time};
use keys::{Fresh, Keys};

/// A code shown by its holder is good for so many seconds at least.
pub const LIFE_SECONDS: u64 = 30;

/// What the platform keeps for pay codes.
#[derive(Default)]
pub struct PayCodes {
    keys: Keys,
    attempts: Attempts,
}

/// A key for codes that a device makes by itself.
#[derive(Clone, Serialize, ToSchema)]
pub struct PayCodeKey {
    /// First two digits of the brand's codes.
    pub prefix: String,
    /// Nine digits: which key. Random; says nothing of the user.
    pub alias: String,
    /// base64, 32 bytes. Kept in this device only.
    pub secret: String,
    /// Seconds per step.
    pub step_seconds: i64,
    /// Unix milliseconds, to be written as the API does.
    #[serde(skip)]
    pub server_time: UnixMillis,
    /// Fen: up to this a code pays without the shopper being asked.
    pub no_confirm_max: i64,
}

/// Why a code pays nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// Not a code of ours, or a wrong one.
    #[error("this is no pay code, or a wrong one; let the shopper show a fresh one")]
    Invalid,
    /// Its time is over.
    #[error("this pay code is too old; let the shopper show a fresh one")]
    Expired,
    /// Too many wrong codes of this key, or at this merchant's tills, in this hour.
    #[error("too many wrong pay codes; wait, or let the shopper open a fresh one")]
    TooMany,
}

/// A code that its key's holder made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who pays.
    pub payer: UserId,
    /// What is spent.
    pub code: PayCode,
}

/// Verifies a scanned code. Nothing is spent by that.
pub fn verify(
    platform: &Platform,
    merchant: MerchantId,
    text: &str,
    now: UnixMillis,
) -> Result<Result<Verified, BadCode>, PlatformError> {
    let Some(scanned) = Scanned::read(text) else {
        return Ok(Err(BadCode::Invalid));
    };
    let (codes, alias) = (&platform.pay_codes, scanned.alias);
    if !codes.attempts.take(merchant, alias, now) {
        return Ok(Err(BadCode::TooMany));
    }
    let step = PayCode::step_at(now);
    let time = codes.keys.with(&platform.vault, alias, now, |key| {
        (key.time_of(scanned, step), key.user)
    })?;
    let answer = match time {
        Some((Time::Step(step), payer)) => Ok(Verified {
            payer,
            code: PayCode { alias, step },
        }),
        Some((Time::Past, _)) => Err(BadCode::Expired),
        Some((Time::Never, _)) | None => return Ok(Err(BadCode::Invalid)),
    };
    codes.attempts.forgive(merchant, alias);
    Ok(answer)
}

/// A fresh key for a user's device. The one before goes on for a day.
pub async fn issue(
    platform: &Platform,
    user: UserId,
    device: &str,
) -> Result<PayCodeKey, PlatformError> {
    let (now, prefix) = (unix_millis(), prefix_of(platform, user).await?);
    let keys = &platform.pay_codes.keys;
    let Fresh { alias, secret } = keys.issue(&platform.vault, (user, prefix), device, now)?;
    Ok(PayCodeKey {
        prefix: prefix.to_string(),
        alias: format!("{alias:09}"),
        secret,
        step_seconds: PAY_CODE_STEP_MS / 1_000,
        server_time: now,
        no_confirm_max: unasked(platform, user)?.0,
    })
}

/// One code of this moment, for a shopper without a phone of ours.
pub async fn one_code(platform: &Platform, user: UserId) -> Result<String, PlatformError> {
    let (now, prefix) = (unix_millis(), prefix_of(platform, user).await?);
    let (keys, step) = (&platform.pay_codes.keys, PayCode::step_at(now));
    keys.lend(&platform.vault, (user, prefix), step, now)
}

/// Ends the keys of a user's device, or of all of them, at once.
pub fn revoke(
    platform: &Platform,
    user: UserId,
    device: Option<&str>,
) -> Result<(), PlatformError> {
    platform
        .pay_codes
        .keys
        .revoke(&platform.vault, user, device)
}

/// Up to this amount a user's code pays without asking: what the user set, never above the rules' limit.
pub fn unasked(platform: &Platform, user: UserId) -> Result<Fen, PlatformError> {
    let set = read_record::<i64>(&platform.vault, &unasked_name(user))?;
    Ok(set
        .map_or(PAY_CODE_UNASKED_MAX, Fen)
        .min(PAY_CODE_UNASKED_MAX))
}

/// Sets it.
pub fn set_unasked(platform: &Platform, user: UserId, most: Fen) -> Result<(), PlatformError> {
    write_record(&platform.vault, &unasked_name(user), &most.0)
}

fn unasked_name(user: UserId) -> String {
    format!("pay-code-unasked/{user}")
}

async fn prefix_of(platform: &Platform, user: UserId) -> Result<u8, Stopped> {
    let brand = move |state: &feiqian_core::State| state.user(user).map(|user| user.brand);
    let brand = platform.engine.read(brand).await?;
    Ok(derive::prefix(brand.unwrap_or(BrandId(0))))
}
