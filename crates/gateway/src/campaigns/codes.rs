//! Unique codes of coupons: 20 characters that nobody can guess and of which nothing is stored.
//!
//! `tag (40 bits) ‖ (campaign (17) ‖ serial (43)) XOR mask`: the tag is an HMAC-SHA256 (RFC 2104) of campaign and
//! serial, the mask an HMAC of the tag (the synthetic-IV construction, RFC 5297). Written in Crockford's
//! base 32, which has no `I`, `L`, `O`, `U`. A code is the number under which its coupon is given, so it gives one
//! coupon for ever. Codes of one request have successive serials from a place that the request's number
//! draws: the same request gives the same codes.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use feiqian_core::limits::CAMPAIGNS_MAX;
use feiqian_core::{CampaignId, Number};

/// Characters of a code, without dashes.
pub const CODE_LEN: usize = 20;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SERIAL_BITS: u32 = 43;
const SERIALS: u64 = 1 << SERIAL_BITS;
const BODY_BITS: u32 = 60;
const TAG_BYTES: usize = 5;
const _: () = assert!(CAMPAIGNS_MAX <= 1 << 17, "a campaign has 17 bits");

/// Makes and reads codes, under one key from the vault. The same key for ever.
pub struct Codes {
    tag: Key,
    mask: Key,
    place: Key,
}

impl Codes {
    /// From a key that is used for nothing else (`Vault::derive("coupon codes")`).
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let root = Key::new(HMAC_SHA256, key);
        let part = |label: &[u8]| Key::new(HMAC_SHA256, sign(&root, label).as_ref());
        Self {
            tag: part(b"codes/tag"),
            mask: part(b"codes/mask"),
            place: part(b"codes/place"),
        }
    }

    /// Codes of a campaign, always the same ones for the same number.
    pub fn batch(
        &self,
        campaign: CampaignId,
        number: &Number,
        count: u16,
    ) -> impl Iterator<Item = String> {
        let label = format!("{campaign} {number}");
        let place = first_bytes::<8>(&self.place, label.as_bytes());
        let place = u64::from_be_bytes(place);
        (0..u64::from(count))
            .map(move |step| self.code(campaign, place.wrapping_add(step) % SERIALS))
    }

    /// The campaign of a code, and the code as it is counted: in capitals, without dashes.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<(CampaignId, Number)> {
        let digits = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let mut code = 0_u128;
        let mut length = 0_usize;
        for digit in digits {
            let digit = match digit.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = ALPHABET
                .iter()
                .position(|known| char::from(*known) == digit)?;
            length = length.saturating_add(1);
            if length > CODE_LEN {
                return None;
            }
            code = code << 5 | u128::try_from(value).ok()?;
        }
        let tag = tag_of(code);
        let body = u64::try_from(code & ((1 << BODY_BITS) - 1)).ok()? ^ self.mask(tag);
        let campaign = CampaignId(u32::try_from(body >> SERIAL_BITS).ok()?);
        let made = self.code(campaign, body % SERIALS);
        let good = length == CODE_LEN && self.tag(campaign, body % SERIALS) == tag;
        Some((campaign, Number::new(&made).ok()?)).filter(|_| good)
    }

    fn code(&self, campaign: CampaignId, serial: u64) -> String {
        let tag = self.tag(campaign, serial);
        let body = (u64::from(campaign.0) << SERIAL_BITS | serial) ^ self.mask(tag);
        let whole = tag
            .into_iter()
            .fold(0_u128, |sum, byte| sum << 8 | u128::from(byte));
        let whole = whole << BODY_BITS | u128::from(body);
        (0..CODE_LEN)
            .rev()
            .map(|place| {
                let digit = usize::try_from(whole >> (5 * place) & 31);
                char::from(ALPHABET[digit.unwrap_or_default()])
            })
            .collect()
    }

    fn tag(&self, campaign: CampaignId, serial: u64) -> [u8; TAG_BYTES] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&campaign.0.to_be_bytes());
        bytes[4..].copy_from_slice(&serial.to_be_bytes());
        first_bytes(&self.tag, &bytes)
    }

    fn mask(&self, tag: [u8; TAG_BYTES]) -> u64 {
        u64::from_be_bytes(first_bytes(&self.mask, &tag)) >> (64 - BODY_BITS)
    }
}

/// In groups of five, for people.
#[must_use]
pub fn grouped(code: &str) -> String {
    let mut text = String::with_capacity(code.len().saturating_add(4));
    for (place, digit) in code.chars().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

fn tag_of(code: u128) -> [u8; TAG_BYTES] {
    let bytes = (code >> BODY_BITS).to_be_bytes();
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&bytes[bytes.len() - TAG_BYTES..]);
    tag
}

fn first_bytes<const N: usize>(key: &Key, text: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&sign(key, text).as_ref()[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_made_and_no_other() {
        let codes = Codes::new(&[7; 32]);
        let number = |text: &str| Number::new(text).unwrap();
        for campaign in [0, 1, 99_999].map(CampaignId) {
            let batch: Vec<_> = codes.batch(campaign, &number("a"), 300).collect();
            assert_eq!(
                batch,
                codes.batch(campaign, &number("a"), 300).collect::<Vec<_>>()
            );
            let other: HashSet<_> = codes.batch(campaign, &number("b"), 300).collect();
            assert_eq!(batch.iter().collect::<HashSet<_>>().len(), 300);
            assert!(batch.iter().all(|code| !other.contains(code)));
            for code in &batch {
                let read = Some((campaign, number(code)));
                assert_eq!(codes.read(code), read);
                let typed = grouped(code)
                    .to_lowercase()
                    .replace('0', "o")
                    .replace('1', "l");
                assert_eq!(codes.read(&typed), read, "{typed}");
            }
        }
        let code = codes.batch(CampaignId(3), &number("a"), 1).next().unwrap();
        assert_eq!(Codes::new(&[8; 32]).read(&code), None);
        for place in 0..CODE_LEN {
            for digit in ALPHABET.map(char::from) {
                let mut wrong: Vec<_> = code.chars().collect();
                wrong[place] = digit;
                let wrong: String = wrong.into_iter().collect();
                assert_eq!(codes.read(&wrong).is_some(), wrong == code);
            }
        }
        for bad in [
            "",
            "-",
            &code[1..],
            &format!("{code}0"),
            "飞",
            &"U".repeat(20),
            &"Z".repeat(99),
        ] {
            assert_eq!(codes.read(bad), None, "{bad}");
        }
    }
}
