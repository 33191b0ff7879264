//! Passwords of a shop's people: compared one after the other, and ever more slowly while they are wrong.
//!
//! A try counts before it is compared, on the disk, so that neither a restart nor many requests at once
//! give a further one. Nobody is locked out for ever: whoever could guess could then close a shop's tills.

use std::sync::Arc;

use feiqian_core::MerchantId;
use secrecy::{ExposeSecret, SecretString};

use crate::app::blocking;
use crate::app::session::Staff;
use crate::app::staff::{self, Crew, Member};
use crate::platform::{Platform, PlatformError, unix_millis};
use crate::v1::error::{ApiError, ErrorType};

/// Wrong passwords in a row that cost nothing but themselves.
pub const FREE_TRIES: u8 = 5;
/// The pause after the next one; each further one doubles it.
pub const FIRST_PAUSE_MS: i64 = 30 * 1_000;
/// The longest pause.
pub const LONGEST_PAUSE_MS: i64 = 60 * 60 * 1_000;
/// Fewest characters of a password that somebody chooses.
pub const LENGTH_MIN: usize = 10;
/// Most characters of a password.
pub const LENGTH_MAX: usize = 128;

/// Without what looks like something else: 32 of them, five bits each.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// Of a password made here, in groups of four.
const GROUPS: usize = 4;

/// A password for somebody new: 80 random bits, to be typed from paper.
///
/// # Errors
/// Without random bytes.
pub fn generate() -> Result<SecretString, PlatformError> {
    let mut bytes = [0; 4 * GROUPS];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PlatformError::Record("random".into()))?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
    let groups: Vec<String> = bytes
        .chunks(4)
        .map(|group| group.iter().map(letter).collect())
        .collect();
    Ok(groups.join("-").into())
}

/// Whether it may be a password.
///
/// # Errors
/// 422 `password_weak`.
pub fn is_fit(password: &str) -> Result<(), ApiError> {
    let length = password.chars().count();
    if (LENGTH_MIN..=LENGTH_MAX).contains(&length) {
        return Ok(());
    }
    let message = format!("a password has {LENGTH_MIN} to {LENGTH_MAX} characters");
    Err(ApiError::new(ErrorType::Refused, "password_weak", message))
}

/// Who of the shop this is. A wrong name takes as long as a wrong password and is told alike.
///
/// # Errors
/// 401 `sign_in_wrong`, 429 `too_many_tries`.
pub async fn prove(
    platform: &Arc<Platform>,
    merchant: Option<MerchantId>,
    name: String,
    password: SecretString,
) -> Result<Staff, ApiError> {
    let turn = platform.apps.passwords.turn().await?;
    // Whoever hangs up in between has used a try all the same.
    blocking(platform, move |platform| {
        let _turn = turn;
        compare(platform, merchant, &name, password.expose_secret())
    })
    .await
}

fn compare(
    platform: &Platform,
    merchant: Option<MerchantId>,
    name: &str,
    password: &str,
) -> Result<Staff, ApiError> {
    let password = shortened(password);
    let Some((merchant, member)) = take_a_try(platform, merchant, name)?? else {
        // The time that a comparison would take.
        platform.apps.passwords.hash(password)?;
        return Err(wrong());
    };
    if !platform.apps.passwords.fits(password, &member.password)? {
        return Err(wrong());
    }
    staff::change(platform, merchant, |crew| {
        if let Some(known) = crew.members.iter_mut().find(|known| known.id == member.id) {
            known.wrong = 0;
        }
        Ok(())
    })?;
    Ok(Staff {
        merchant,
        staff: member.id,
        role: member.role,
    })
}

/// Nothing longer is a password; hashing it would be work for nothing.
fn shortened(password: &str) -> &str {
    let end = password.char_indices().nth(LENGTH_MAX + 1);
    &password[..end.map_or(password.len(), |(end, _)| end)]
}

type Tried = Result<Option<(MerchantId, Member)>, ApiError>;

/// Counts a try of whoever has this name; none if nobody has it.
fn take_a_try(
    platform: &Platform,
    merchant: Option<MerchantId>,
    name: &str,
) -> Result<Tried, PlatformError> {
    let Some(merchant) = merchant else {
        return Ok(Ok(None));
    };
    let now = unix_millis().0;
    staff::change(platform, merchant, |crew| {
        let Some(member) = named(crew, name) else {
            return Ok(Ok(None));
        };
        let wait = pause_ms(member.wrong)
            .saturating_add(member.tried)
            .saturating_sub(now);
        if wait > 0 {
            return Ok(Err(too_many(wait)));
        }
        member.wrong = member.wrong.saturating_add(1);
        member.tried = now;
        Ok(Ok(Some((merchant, member.clone()))))
    })
}

fn named<'a>(crew: &'a mut Crew, name: &str) -> Option<&'a mut Member> {
    crew.members.iter_mut().find(|member| member.name == name)
}

/// How long after the last try the next one is heard.
fn pause_ms(wrong: u8) -> i64 {
    match wrong.checked_sub(FREE_TRIES) {
        None => 0,
        Some(more) => FIRST_PAUSE_MS
            .saturating_mul(1 << more.min(20))
            .min(LONGEST_PAUSE_MS),
    }
}

/// The answer to a wrong name or password.
fn wrong() -> ApiError {
    let message = "shop, name and password do not belong together";
    ApiError::new(ErrorType::Authentication, "sign_in_wrong", message)
}

fn too_many(wait_ms: i64) -> ApiError {
    let seconds = u64::try_from(wait_ms / 1_000)
        .unwrap_or(0)
        .saturating_add(1);
    let message = format!("too many wrong passwords; try again in {seconds} s");
    ApiError::new(ErrorType::RateLimit, "too_many_tries", message).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_and_ends() {
        let pauses = [0, 4, 5, 6, 7, 12, 255].map(pause_ms);
        let minute = 60 * 1_000;
        assert_eq!(
            pauses,
            [
                0,
                0,
                minute / 2,
                minute,
                2 * minute,
                60 * minute,
                60 * minute
            ]
        );
    }

    #[test]
    fn a_password_made_here_can_be_typed_and_may_be_one() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        let (one, other) = (one.expose_secret(), other.expose_secret());
        assert_ne!(one, other);
        assert_eq!(one.len(), 19);
        assert!(is_fit(one).is_ok());
        assert_eq!(is_fit("short").unwrap_err().code(), "password_weak");
        assert_eq!(shortened(&"长".repeat(500)).chars().count(), LENGTH_MAX + 1);
    }
}
