//! Content in AES (contract 2.8): AES-128-CBC with PKCS#7 padding and an initial vector of zeros, in base64.
//!
//! The vector is Alipay's, so equal contents have equal ciphertexts, and nothing here proves who wrote one:
//! the signature over the ciphertext does.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a key.
pub const KEY_LEN: usize = 16;
const VECTOR: [u8; 16] = [0; 16];

/// The text is no key, or no ciphertext of it. Says no more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no content in AES under this key")]
pub struct CipherError;

/// An app's content key. It cannot be printed.
pub struct ContentKey([u8; KEY_LEN]);

impl std::fmt::Debug for ContentKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ContentKey(..)")
    }
}

impl ContentKey {
    /// From base64.
    ///
    /// # Errors
    /// [`CipherError`].
    pub fn new(text: &str) -> Result<Self, CipherError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| CipherError)?;
        bytes.try_into().map(Self).map_err(|_| CipherError)
    }

    fn unbound(&self) -> Result<UnboundCipherKey, CipherError> {
        UnboundCipherKey::new(&AES_128, &self.0).map_err(|_| CipherError)
    }

    /// Base64 of the ciphertext.
    ///
    /// # Errors
    /// [`CipherError`], if the library refuses to work.
    pub fn seal(&self, plain: &[u8]) -> Result<String, CipherError> {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.unbound()?).map_err(|_| CipherError)?;
        let mut bytes = plain.to_vec();
        key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(VECTOR.into()))
            .map_err(|_| CipherError)?;
        Ok(STANDARD.encode(bytes))
    }

    /// What was sealed.
    ///
    /// # Errors
    /// [`CipherError`].
    pub fn open(&self, text: &str) -> Result<Vec<u8>, CipherError> {
        let mut bytes = STANDARD.decode(text.trim()).map_err(|_| CipherError)?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.unbound()?).map_err(|_| CipherError)?;
        let vector = DecryptionContext::Iv128(FixedLength::from(VECTOR));
        let plain = key.decrypt(&mut bytes, vector).map_err(|_| CipherError)?;
        Ok(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_openssl_makes_of_it() {
        // printf '{"a":"店"}' | openssl enc -aes-128-cbc -K 30313233343536373839616263646566 -iv 0 -base64
        let key = ContentKey::new("MDEyMzQ1Njc4OWFiY2RlZg==").unwrap();
        let sealed = key.seal("{\"a\":\"店\"}".as_bytes()).unwrap();
        assert_eq!(sealed, "oCa2Uqeq/LvfDei8uHhJMA==");
        assert_eq!(key.open(&sealed).unwrap(), "{\"a\":\"店\"}".as_bytes());
    }

    #[test]
    fn what_is_no_ciphertext_is_refused() {
        let key = ContentKey::new("MDEyMzQ1Njc4OWFiY2RlZg==").unwrap();
        for text in ["", "AAAA", "not base64", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert_eq!(key.open(text), Err(CipherError), "{text}");
        }
        for text in ["", "AAAA", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="] {
            assert!(ContentKey::new(text).is_err(), "{text}");
        }
    }
}
