//! Random texts of WeChat Pay: nonces, APIv3 keys, request ids. From the system's generator.

use aws_lc_rs::rand;

const UPPER: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const MIXED: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A nonce for signatures: 32 upper-case letters and digits (165 bits).
#[must_use]
pub fn nonce_str() -> String {
    text(UPPER, 32)
}

/// A nonce for AEAD: 12 letters and digits (71 bits), used as its ASCII bytes (contract 2.3).
#[must_use]
pub fn aead_nonce() -> String {
    text(MIXED, 12)
}

/// A new APIv3 key: 32 letters and digits (190 bits), used as its ASCII bytes (contract 2.3).
#[must_use]
pub fn api_v3_key() -> String {
    text(MIXED, 32)
}

/// A `Request-ID` as WeChat writes them, `<hex>-<number>` (contract 2.5).
#[must_use]
pub fn request_id() -> String {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    hex + "-0"
}

/// Fills `bytes` from the system's generator.
///
/// # Panics
/// If the system has no random bytes: nothing safe can be done then.
pub(crate) fn fill(bytes: &mut [u8]) {
    rand::fill(bytes).expect("the system gives random bytes");
}

fn text(alphabet: &[u8], length: usize) -> String {
    // Bytes at or above the largest multiple of the alphabet are thrown away, so that all letters
    // are equally likely.
    let limit = 256 - 256 % alphabet.len();
    let mut letters = String::with_capacity(length);
    let mut bytes = [0; 64];
    while letters.len() < length {
        fill(&mut bytes);
        let good = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < limit);
        let missing = length - letters.len();
        letters.extend(
            good.take(missing)
                .map(|byte| char::from(alphabet[byte % alphabet.len()])),
        );
    }
    letters
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn shapes() {
        let upper = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
        for _ in 0..100 {
            assert!(nonce_str().len() == 32 && nonce_str().chars().all(upper));
            assert!(aead_nonce().len() == 12);
            assert!(api_v3_key().len() == 32);
            assert!(api_v3_key().chars().all(|c| c.is_ascii_alphanumeric()));
            assert!(request_id().len() == 34 && request_id().ends_with("-0"));
        }
    }

    #[test]
    fn every_letter_comes_and_no_text_comes_twice() {
        let texts: BTreeSet<String> = (0..2000).map(|_| api_v3_key()).collect();
        assert_eq!(texts.len(), 2000);
        let letters: BTreeSet<char> = texts.iter().flat_map(|text| text.chars()).collect();
        assert_eq!(letters.len(), MIXED.len());
    }
}
