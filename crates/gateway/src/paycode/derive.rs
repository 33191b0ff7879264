//! The digits of a pay code, which a phone makes without a network.
//!
//! 18 digits: the brand's prefix (2), the key's alias (9), and seven that only the key's holder can make at this
//! time: HMAC-SHA-256 (RFC 2104) of the step as 8 bytes big endian, its first 8 bytes as a big endian number,
//! mod 10⁷ (2⁶⁴ is so much more that no digit is likelier than another by 10⁻¹²). A guess hits one of the
//! three steps of the window with 3 in 10⁷.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use feiqian_core::limits::PAY_CODE_STEPS_AROUND;
use feiqian_core::{BrandId, UserId};

use crate::codes::cpm::ConsumerCode;

/// Digits of a pay code.
pub const CODE_DIGITS: usize = 18;
/// Aliases are below this.
pub const ALIASES: u32 = 1_000_000_000;
/// Possibilities at each step.
const TAGS: u64 = 10_000_000;
/// Steps in which a code that is too old is still told from a wrong one.
const STEPS_REMEMBERED: u64 = 20;

/// A brand's prefix, by turns of WeChat Pay's range (10 … 15) and of Alipay's (25 … 30), so that integrators
/// see both. With more than twelve brands they are shared; nothing rests on them.
#[must_use]
pub fn prefix(brand: BrandId) -> u8 {
    let [low, _] = (brand.0 / 2 % 6).to_le_bytes();
    let range = if brand.0.is_multiple_of(2) { 10 } else { 25 };
    range + low
}

/// A pay code as it was scanned: well-formed, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The brand's.
    pub prefix: u8,
    /// Which key.
    pub alias: u32,
    tag: u32,
}

impl Scanned {
    /// Reads 18 digits in a range of ours, or the EMV payload that holds them ([`crate::codes::cpm`]). Whoever scans may
    /// leave white space around them.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        match ConsumerCode::read(text) {
            Ok(code) => Self::of_digits(&code.pay_code()?),
            Err(_) => Self::of_digits(text),
        }
    }

    fn of_digits(text: &str) -> Option<Self> {
        if text.len() != CODE_DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let prefix = text.get(..2)?.parse().ok()?;
        matches!(prefix, 10..=15 | 25..=30).then_some(Self {
            prefix,
            alias: text.get(2..11)?.parse().ok()?,
            tag: text.get(11..)?.parse().ok()?,
        })
    }
}

/// What the digits say of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Of this step, which is in the window.
    Step(u64),
    /// Of a step before the window.
    Past,
    /// Of none: a guess.
    Never,
}

/// A key's secret half, and whose it is.
pub struct CodeKey {
    /// Who pays.
    pub user: UserId,
    /// The brand's prefix when it was made.
    pub prefix: u8,
    /// Which key.
    pub alias: u32,
    key: Key,
}

impl CodeKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(user: UserId, prefix: u8, alias: u32, secret: &[u8; 32]) -> Self {
        Self {
            user,
            prefix,
            alias,
            key: Key::new(HMAC_SHA256, secret),
        }
    }

    fn tag(&self, step: u64) -> u32 {
        let mac = sign(&self.key, &step.to_be_bytes());
        let (first, _) = mac
            .as_ref()
            .split_first_chunk()
            .expect("a SHA-256 has 32 bytes");
        u32::try_from(u64::from_be_bytes(*first) % TAGS).expect("seven digits")
    }

    /// The code of a step.
    #[must_use]
    pub fn code(&self, step: u64) -> String {
        format!("{:02}{:09}{:07}", self.prefix, self.alias, self.tag(step))
    }

    /// Of which step a scanned code is, seen at step `now`. Takes the same time whichever it is.
    #[must_use]
    pub fn time_of(&self, scanned: Scanned, now: u64) -> Time {
        let ours = (scanned.prefix, scanned.alias) == (self.prefix, self.alias);
        let is = |step: u64| {
            let tag = self.tag(step).to_be_bytes();
            verify_slices_are_equal(&tag, &scanned.tag.to_be_bytes()).is_ok() && ours
        };
        let first = now.saturating_sub(PAY_CODE_STEPS_AROUND);
        let window = first..=now.saturating_add(PAY_CODE_STEPS_AROUND);
        let good = window.fold(None, |good, step| is(step).then_some(step).or(good));
        let past = (first.saturating_sub(STEPS_REMEMBERED)..first)
            .fold(false, |past, step| is(step) | past);
        match good {
            Some(step) => Time::Step(step),
            None if past => Time::Past,
            None => Time::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(secret: u8) -> CodeKey {
        CodeKey::new(UserId(7), 13, 45_678_901, &[secret; 32])
    }

    /// The phone computes the same: made with Python's hmac.
    #[test]
    fn a_published_vector() {
        let code = key(1).code(58_812_345);
        assert_eq!(code, "130456789014333309");
    }

    #[test]
    fn brands_take_both_ranges_by_turns() {
        let prefixes: Vec<u8> = (0..14).map(|brand| prefix(BrandId(brand))).collect();
        assert_eq!(
            prefixes,
            [10, 25, 11, 26, 12, 27, 13, 28, 14, 29, 15, 30, 10, 25]
        );
        assert_eq!(prefix(BrandId(u16::MAX)), 26);
    }

    #[test]
    fn what_is_no_code() {
        for bad in [
            "",
            "1",
            "13045678901000000",
            "1304567890100000000",
            "160456789010000000",
            "240456789010000000",
            "310456789010000000",
            "13045678901000000x",
            "+30456789010000000",
            "１３０４５６",
        ] {
            assert_eq!(Scanned::read(bad), None, "{bad}");
        }
        let known = Scanned::read(" 130456789010000000\r\n");
        let payload = crate::codes::cpm::write("130456789010000000").unwrap();
        assert!(known.is_some() && known == Scanned::read(&payload));
    }

    proptest! {
        #[test]
        fn a_code_is_good_in_its_window_only(secret: u8, step in 100..u64::MAX / 2, skew in -60_i64..60) {
            let key = key(secret);
            let scanned = Scanned::read(&key.code(step)).unwrap();
            let now = step.checked_add_signed(skew).unwrap();
            let time = key.time_of(scanned, now);
            match skew {
                -1..=1 => prop_assert_eq!(time, Time::Step(step)),
                // Another step may have the same digits: once in some 10^6 runs.
                2..=21 => prop_assert_ne!(time, Time::Never),
                _ => prop_assert_ne!(time, Time::Step(step)),
            }
        }

        #[test]
        fn another_key_or_a_changed_digit_is_a_guess(step in 100..u64::MAX / 2, place in 0..18_usize, by in 1..10_u8) {
            let mut code = key(1).code(step).into_bytes();
            code[place] = b'0' + (code[place] - b'0' + by) % 10;
            let code = String::from_utf8(code).unwrap();
            if let Some(scanned) = Scanned::read(&code) {
                prop_assert!(!matches!(key(1).time_of(scanned, step), Time::Step(at) if at == step));
            }
            let scanned = Scanned::read(&key(1).code(step)).unwrap();
            prop_assert_ne!(key(2).time_of(scanned, step), Time::Step(step));
        }
    }
}
