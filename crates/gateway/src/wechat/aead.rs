//! `AEAD_AES_256_GCM` of WeChat Pay v3: certificates and notifications for one merchant (contract
//! 2.3, 2.4; RFC 5116).
//!
//! Key: the 32 ASCII bytes of the APIv3 key. Nonce: the 12 ASCII bytes of the nonce text itself.
//! Result: base64 of the ciphertext followed by its 16-byte tag.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::random;

/// The algorithm's name on the wire.
pub const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// Length of an APIv3 key in ASCII characters.
pub const KEY_LEN: usize = 32;

/// The text is not a key, or what was opened is not authentic. Says no more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AeadError {
    /// An APIv3 key is [`KEY_LEN`] printable ASCII characters.
    #[error("an APIv3 key is {KEY_LEN} printable ASCII characters")]
    Key,
    /// A nonce is 12 printable ASCII characters.
    #[error("an AEAD nonce is 12 printable ASCII characters")]
    Nonce,
    /// Wrong key, nonce or associated data, or an altered or cut ciphertext.
    #[error("the ciphertext is not authentic")]
    NotAuthentic,
}

/// A merchant's APIv3 key, ready for use. It cannot be printed.
pub struct ApiV3Key(LessSafeKey);

impl std::fmt::Debug for ApiV3Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ApiV3Key(..)")
    }
}

/// A sealed text as the `resource` and `encrypt_certificate` objects carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// 12 ASCII characters.
    pub nonce: String,
    /// Base64 of ciphertext and tag.
    pub ciphertext: String,
}

impl ApiV3Key {
    /// Takes the key's text.
    ///
    /// # Errors
    /// [`AeadError::Key`].
    pub fn new(text: &str) -> Result<Self, AeadError> {
        if text.len() != KEY_LEN || !text.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(AeadError::Key);
        }
        let key = UnboundKey::new(&AES_256_GCM, text.as_bytes()).map_err(|_| AeadError::Key)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals under a fresh random nonce. `associated_data` may be empty, but wechatpayv3 skips
    /// certificates whose is: use `certificate`, `transaction`, `refund` ….
    ///
    /// # Panics
    /// If the library cannot encrypt: out of memory.
    #[must_use]
    pub fn seal(&self, associated_data: &str, plain: &[u8]) -> Sealed {
        let nonce = random::aead_nonce();
        let ciphertext = self.seal_with(&nonce, associated_data, plain);
        Sealed {
            ciphertext: ciphertext.expect("a good nonce and memory"),
            nonce,
        }
    }

    /// Seals under a given nonce, which must never have been used with this key: a notification
    /// that is sent again must be the same bytes, so it may be sealed again the same way.
    ///
    /// # Errors
    /// [`AeadError::Nonce`].
    pub fn seal_with(
        &self,
        nonce: &str,
        associated_data: &str,
        plain: &[u8],
    ) -> Result<String, AeadError> {
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(parse_nonce(nonce)?, Aad::from(associated_data), &mut sealed)
            .map_err(|_| AeadError::NotAuthentic)?;
        Ok(STANDARD.encode(sealed))
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// [`AeadError::Nonce`], [`AeadError::NotAuthentic`].
    pub fn open(
        &self,
        nonce: &str,
        associated_data: &str,
        ciphertext: &str,
    ) -> Result<Vec<u8>, AeadError> {
        let mut text = STANDARD
            .decode(ciphertext)
            .map_err(|_| AeadError::NotAuthentic)?;
        let length = self
            .0
            .open_in_place(parse_nonce(nonce)?, Aad::from(associated_data), &mut text)
            .map_err(|_| AeadError::NotAuthentic)?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn parse_nonce(text: &str) -> Result<Nonce, AeadError> {
    let bytes = <[u8; NONCE_LEN]>::try_from(text.as_bytes()).map_err(|_| AeadError::Nonce)?;
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(AeadError::Nonce);
    }
    Ok(Nonce::assume_unique_for_key(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdefghijklmnopqrstuv";
    const NONCE: &str = "fdasflkja484";

    #[test]
    fn as_python_cryptography_does_it() {
        // base64(AESGCM(KEY).encrypt(NONCE, plain, aad)), cryptography 48.
        let key = ApiV3Key::new(KEY).unwrap();
        for (aad, plain, sealed) in [
            ("certificate", "飞钱", "A1TBevrc9vXp/0jRMMKLspE++qhlAw=="),
            ("", "", "uyv8FN1IO9/tENB/08ENsw=="),
        ] {
            assert_eq!(
                key.seal_with(NONCE, aad, plain.as_bytes()).as_deref(),
                Ok(sealed)
            );
            assert_eq!(
                key.open(NONCE, aad, sealed).as_deref(),
                Ok(plain.as_bytes())
            );
        }
    }

    #[test]
    fn only_what_was_sealed_is_opened() {
        let key = ApiV3Key::new(KEY).unwrap();
        let Sealed { nonce, ciphertext } = key.seal("transaction", b"{}");
        assert_eq!(key.open(&nonce, "transaction", &ciphertext).unwrap(), b"{}");
        let other = ApiV3Key::new(&KEY.replace('0', "1")).unwrap();
        let not = Err(AeadError::NotAuthentic);
        assert_eq!(other.open(&nonce, "transaction", &ciphertext), not);
        assert_eq!(key.open(&nonce, "refund", &ciphertext), not);
        assert_eq!(key.open(NONCE, "transaction", &ciphertext), not);
        assert_eq!(key.open(&nonce, "transaction", &ciphertext[4..]), not);
        assert_eq!(key.open(&nonce, "transaction", "!"), not);
        assert_eq!(key.open(&nonce, "transaction", ""), not);
        assert_eq!(
            key.open("short", "transaction", &ciphertext),
            Err(AeadError::Nonce)
        );
        assert_ne!(key.seal("transaction", b"{}").nonce, nonce);
    }

    #[test]
    fn bad_keys_are_refused() {
        for text in [
            "",
            "short",
            &KEY.repeat(2),
            &KEY.replace("01", "é"),
            &KEY.replace('0', " "),
        ] {
            assert_eq!(ApiV3Key::new(text).unwrap_err(), AeadError::Key);
        }
    }
}
