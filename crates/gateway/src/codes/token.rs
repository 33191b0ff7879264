//! The last part of a merchant code's link: whose it is, and for how much, under a key of the vault.
//!
//! `merchant (4) ‖ fen, 0 for open (5) ‖ tag (8)`, big endian, in base64url. The tag is an HMAC-SHA256 (RFC 2104), cut
//! short (RFC 2104, 5): who has no key hits one with 2⁻⁶⁴.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::{Fen, MerchantId};

const TAG_LEN: usize = 8;
const BODY_LEN: usize = 9;
/// Characters of a payload's signature.
const SEAL_LEN: usize = 16;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asks {
    /// Who asks.
    pub merchant: MerchantId,
    /// For how much; none: the payer says.
    pub amount: Option<Fen>,
}

/// Makes and verifies tokens, and signs payloads.
pub struct Seals {
    token: Key,
    payload: Key,
}

impl Seals {
    /// From a key that is used for nothing else (`Vault::derive("merchant codes")`).
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let root = Key::new(HMAC_SHA256, key);
        let part = |label: &[u8]| Key::new(HMAC_SHA256, sign(&root, label).as_ref());
        Self {
            token: part(b"merchant-codes/token"),
            payload: part(b"merchant-codes/payload"),
        }
    }

    /// The token; none if the amount is above any order's.
    #[must_use]
    pub fn token(&self, asks: Asks) -> Option<String> {
        let fen = u64::try_from(asks.amount.unwrap_or_default().0).ok()?;
        let [0, 0, 0, fen @ ..] = fen.to_be_bytes() else {
            return None;
        };
        let mut bytes = [0; BODY_LEN + TAG_LEN];
        let (body, tag) = bytes.split_at_mut(BODY_LEN);
        let (merchant, amount) = body.split_at_mut(4);
        merchant.copy_from_slice(&asks.merchant.0.to_be_bytes());
        amount.copy_from_slice(&fen);
        tag.copy_from_slice(&sign(&self.token, body).as_ref()[..TAG_LEN]);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token of ours says; none of any other.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Asks> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let bytes: [u8; BODY_LEN + TAG_LEN] = bytes.try_into().ok()?;
        let (body, tag) = bytes.split_at(BODY_LEN);
        verify_slices_are_equal(&sign(&self.token, body).as_ref()[..TAG_LEN], tag).ok()?;
        let (merchant, amount) = body.split_first_chunk()?;
        let amount = amount
            .iter()
            .fold(0, |sum, byte| sum << 8 | i64::from(*byte));
        Some(Asks {
            merchant: MerchantId(u32::from_be_bytes(*merchant)),
            amount: (amount > 0).then_some(Fen(amount)),
        })
    }

    /// The signature of a payload, as far as it goes before the signature's own object.
    #[must_use]
    pub fn sign(&self, payload: &str) -> String {
        let mac = sign(&self.payload, payload.as_bytes());
        let mut text = URL_SAFE_NO_PAD.encode(mac.as_ref());
        text.truncate(SEAL_LEN);
        text
    }

    /// Whether it is that signature.
    #[must_use]
    pub fn is_signed(&self, payload: &str, seal: &str) -> bool {
        verify_slices_are_equal(self.sign(payload).as_bytes(), seal.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_whose_it_is_and_bears_no_change() {
        let seals = Seals::new(&[7; 32]);
        for amount in [None, Some(Fen(1)), Some(Fen(1_000_000_000_000))] {
            let asks = Asks {
                merchant: MerchantId(3),
                amount,
            };
            let token = seals.token(asks).unwrap();
            assert_eq!(seals.read(&token), Some(asks));
            assert_eq!(Seals::new(&[8; 32]).read(&token), None);
            for place in 0..token.len() {
                let mut bytes = token.clone().into_bytes();
                bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(bytes).unwrap();
                assert_eq!(seals.read(&changed), None, "{changed}");
            }
        }
        let above = Some(Fen(1 << 40));
        let merchant = MerchantId(3);
        assert_eq!(
            seals.token(Asks {
                merchant,
                amount: above
            }),
            None
        );
    }
}
