//! Pay codes: what a shopper shows and a till scans.
//!
//! 18 digits in WeChat Pay's range (prefix 10 … 15), random, for one use within a minute. They live in
//! memory only: after a restart a shopper shows a fresh one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use feiqian_core::UserId;

/// How long a code can be used.
pub const LIFE: Duration = Duration::from_secs(60);
/// Most codes that are out at once; the oldest make room.
pub const CODES_MAX: usize = 1_000_000;

/// The codes that are out.
#[derive(Default)]
pub struct PayCodes {
    out: Mutex<Out>,
}

#[derive(Default)]
struct Out {
    users: HashMap<u64, (UserId, Instant)>,
    by_age: VecDeque<(Instant, u64)>,
}

/// Why a code pays nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCode {
    /// Not 18 digits of our range, never given out, or used.
    Invalid,
    /// More than a minute old.
    Expired,
}

impl PayCodes {
    /// A fresh code for a user.
    pub fn issue(&self, user: UserId) -> Result<String, aws_lc_rs::error::Unspecified> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // An expired code is kept for another life, so that it can be called expired.
        while out
            .by_age
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > 2 * LIFE)
            || out.by_age.len() >= CODES_MAX
        {
            if let Some((_, code)) = out.by_age.pop_front() {
                out.users.remove(&code);
            }
        }
        loop {
            let mut bytes = [0; 8];
            aws_lc_rs::rand::fill(&mut bytes)?;
            // 10 … 15, then sixteen digits: 2^64 is thirty times that, so the bias is of no use.
            let code = 100_000_000_000_000_000 + u64::from_be_bytes(bytes) % 60_000_000_000_000_000;
            if let std::collections::hash_map::Entry::Vacant(entry) = out.users.entry(code) {
                entry.insert((user, now));
                out.by_age.push_back((now, code));
                return Ok(code.to_string());
            }
        }
    }

    /// Whose code it is; from now on it is used.
    pub fn redeem(&self, code: &str) -> Result<UserId, BadCode> {
        let digits = code.len() == 18 && code.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = code
            .parse()
            .ok()
            .filter(|_| digits)
            .ok_or(BadCode::Invalid)?;
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, issued) = out.users.remove(&number).ok_or(BadCode::Invalid)?;
        if issued.elapsed() > LIFE {
            Err(BadCode::Expired)
        } else {
            Ok(user)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_used_once() {
        let codes = PayCodes::default();
        let code = codes.issue(UserId(7)).unwrap();
        assert_eq!(code.len(), 18);
        assert!((10..=15).contains(&code[..2].parse::<u8>().unwrap()));
        assert_eq!(codes.redeem(&code), Ok(UserId(7)));
        assert_eq!(codes.redeem(&code), Err(BadCode::Invalid));
        for bad in [
            "",
            "1",
            "100000000000000000",
            "１２３",
            "+10000000000000000",
        ] {
            assert_eq!(codes.redeem(bad), Err(BadCode::Invalid), "{bad}");
        }
    }
}
