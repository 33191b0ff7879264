//! One-time codes: six digits sent to a phone, good for five minutes and five tries.
//!
//! They lie in memory: after a restart another one is sent. Whether the number is known here makes no
//! difference to anything that is answered or done.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::phone::Phone;
use crate::limiter::RetryAfter;
use crate::v1::error::{ApiError, ErrorType};

/// How long a code is good.
pub const LIFE: Duration = Duration::from_secs(5 * 60);
/// Wrong codes that use a code up.
pub const TRIES: u8 = 5;
/// How often a phone gets one.
pub const PACE: Pace = Pace {
    pause: Duration::from_secs(60),
    per_day: 10,
};
/// In a sandbox, where one developer tries everything with one number.
pub const SANDBOX_PACE: Pace = Pace {
    pause: Duration::from_secs(1),
    per_day: 1_000,
};
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Phones that are remembered; beyond it no new one gets a code until a day has passed.
const PHONES_MAX: usize = 200_000;

/// How often a phone gets a code.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Until another one may be asked for.
    pub pause: Duration,
    /// In a day.
    pub per_day: usize,
}

/// What was sent to whom.
pub struct Codes {
    /// How often.
    pub pace: Pace,
    sent: Mutex<HashMap<Phone, Sent>>,
}

struct Sent {
    /// Of the newest code; none once it is used or guessed at too often.
    code: Option<[u8; 6]>,
    wrong: u8,
    /// When codes were sent in the last day; the newest last.
    times: Vec<Instant>,
}

impl Codes {
    /// None yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            sent: Mutex::default(),
        }
    }

    /// A new code for this phone, in place of the one before.
    ///
    /// # Errors
    /// 429 soon after the last one, or after many in a day.
    pub fn make(&self, phone: &Phone, now: Instant) -> Result<String, ApiError> {
        let Pace { pause, per_day } = self.pace;
        let code = random_code()?;
        let mut all = self.lock();
        if all.len() >= PHONES_MAX {
            all.retain(|_, sent| {
                sent.times
                    .iter()
                    .any(|time| now.duration_since(*time) < DAY)
            });
            if all.len() >= PHONES_MAX {
                return Err(RetryAfter(DAY).into());
            }
        }
        let sent = all.entry(phone.clone()).or_insert_with(|| Sent {
            code: None,
            wrong: 0,
            times: Vec::new(),
        });
        sent.times.retain(|time| now.duration_since(*time) < DAY);
        if let Some(last) = sent.times.last()
            && now.duration_since(*last) < pause
        {
            return Err(RetryAfter(pause - now.duration_since(*last)).into());
        }
        if let Some(first) = sent.times.first().filter(|_| sent.times.len() >= per_day) {
            return Err(RetryAfter(DAY - now.duration_since(*first)).into());
        }
        sent.times.push(now);
        sent.code = Some(code);
        sent.wrong = 0;
        Ok(code.iter().copied().map(char::from).collect())
    }

    /// Whether it is this phone's code. It stays good until [`Self::used`], so that a PIN can be asked for
    /// in between.
    ///
    /// # Errors
    /// 422 `code_wrong`, which counts as a try; it does not say whether there was a code at all.
    pub fn check(&self, phone: &Phone, code: &str, now: Instant) -> Result<(), ApiError> {
        let mut all = self.lock();
        let wrong = || {
            let message = "this is not the code, or it is too old; ask for another";
            ApiError::new(ErrorType::Refused, "code_wrong", message).at("code")
        };
        let sent = all.get_mut(phone).ok_or_else(wrong)?;
        let fresh = |time: &Instant| now.duration_since(*time) < LIFE;
        let good = sent
            .code
            .filter(|_| sent.times.last().is_some_and(fresh))
            .is_some_and(|known| verify_slices_are_equal(&known, code.as_bytes()).is_ok());
        if good {
            return Ok(());
        }
        sent.wrong = sent.wrong.saturating_add(1);
        if sent.wrong >= TRIES {
            sent.code = None;
        }
        Err(wrong())
    }

    /// The code has done its work.
    pub fn used(&self, phone: &Phone) {
        if let Some(sent) = self.lock().get_mut(phone) {
            sent.code = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Phone, Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Six digits, each code as likely as any other.
fn random_code() -> Result<[u8; 6], ApiError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| ApiError::internal(&error))?;
    // 2⁶⁴ is not a multiple of 10⁶; what that makes of a difference is below 10⁻¹³.
    let mut rest = u64::from_be_bytes(bytes) % 1_000_000;
    let mut code = [b'0'; 6];
    for digit in code.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone() -> Phone {
        "13800138000".parse().unwrap()
    }

    fn other(code: &str) -> String {
        let last = if code.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", &code[..5])
    }

    #[test]
    fn a_code_is_good_once_for_five_minutes() {
        let (codes, now) = (Codes::new(PACE), Instant::now());
        let code = codes.make(&phone(), now).unwrap();
        let almost = now + LIFE - Duration::from_secs(1);
        assert!(codes.check(&phone(), &code, almost).is_ok());
        assert!(codes.check(&phone(), &code, now + LIFE).is_err());
        codes.used(&phone());
        assert!(codes.check(&phone(), &code, now).is_err());
        let stranger = "13900139000".parse().unwrap();
        assert!(codes.check(&stranger, &code, now).is_err());
    }

    #[test]
    fn five_wrong_ones_use_it_up() {
        let (codes, now) = (Codes::new(PACE), Instant::now());
        let code = codes.make(&phone(), now).unwrap();
        for _ in 1..TRIES {
            assert!(codes.check(&phone(), &other(&code), now).is_err());
        }
        assert!(codes.check(&phone(), &code, now).is_ok());
        assert!(codes.check(&phone(), &other(&code), now).is_err());
        assert!(codes.check(&phone(), &code, now).is_err());
    }

    #[test]
    fn a_phone_gets_few() {
        let (codes, mut now) = (Codes::new(PACE), Instant::now());
        for _ in 0..PACE.per_day {
            assert!(codes.make(&phone(), now).is_ok());
            let soon = codes.make(&phone(), now + PACE.pause - Duration::from_secs(1));
            assert_eq!(soon.unwrap_err().status(), 429);
            now += PACE.pause;
        }
        assert_eq!(codes.make(&phone(), now).unwrap_err().status(), 429);
        assert!(codes.make(&phone(), now + DAY).is_ok());
    }
}
