//! Sensitive fields of WeChat Pay v3 (names, phone numbers): base64 of RSA-OAEP with SHA-1 and
//! MGF1-SHA-1, empty label (contract 2.3; RFC 8017). SHA-1 is the protocol's choice; in OAEP it is
//! not known to be weak.
//!
//! Requests are encrypted under the platform's key, answers under the merchant's certificate.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::zeroize::Zeroizing;

use super::sign::{KeyError, VerifyingKey};

/// Longest encrypted field read, in base64 characters: RSA-4096.
pub const FIELD_MAX: usize = 684;

/// The field cannot be read or written. Answered as 400 `PARAM_ERROR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not base64, another key, or altered. Says no more on purpose.
    #[error("the encrypted field cannot be decrypted")]
    Undecryptable,
    /// Decrypted, but not UTF-8.
    #[error("the encrypted field is not UTF-8 text")]
    NotText,
    /// More than fits under the key (214 bytes for RSA-2048).
    #[error("the text is too long to be encrypted")]
    TooLong,
}

/// The platform's private key, for reading fields.
pub struct Decryptor(OaepPrivateDecryptingKey);

impl std::fmt::Debug for Decryptor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Decryptor(..)")
    }
}

impl Decryptor {
    /// From a PEM text `BEGIN PRIVATE KEY` (PKCS#8).
    ///
    /// # Errors
    /// [`KeyError::Pem`], [`KeyError::Key`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        Self::from_der(pkcs8.map_err(|_| KeyError::Pem)?.secret_pkcs8_der())
    }

    /// From PKCS#8 DER.
    ///
    /// # Errors
    /// [`KeyError::Key`].
    pub fn from_der(pkcs8: &[u8]) -> Result<Self, KeyError> {
        PrivateDecryptingKey::from_pkcs8(pkcs8)
            .map_err(|_| KeyError::Key)
            .and_then(|key| OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Key))
            .map(Self)
    }

    /// Reads an encrypted field. The text is wiped from memory when dropped.
    ///
    /// # Errors
    /// [`FieldError::Undecryptable`], [`FieldError::NotText`].
    pub fn decrypt(&self, field: &str) -> Result<Zeroizing<String>, FieldError> {
        if field.len() > FIELD_MAX {
            return Err(FieldError::Undecryptable);
        }
        let ciphertext = STANDARD
            .decode(field)
            .map_err(|_| FieldError::Undecryptable)?;
        let mut output = Zeroizing::new(vec![0; self.0.min_output_size()]);
        let plain = self
            .0
            .decrypt(&OAEP_SHA1_MGF1SHA1, &ciphertext, &mut output, None)
            .map_err(|_| FieldError::Undecryptable)?;
        let text = std::str::from_utf8(plain).map_err(|_| FieldError::NotText)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// A merchant's public key, for writing fields.
#[derive(Debug)]
pub struct Encryptor(OaepPublicEncryptingKey);

impl Encryptor {
    /// From the key that also verifies the merchant's requests.
    ///
    /// # Errors
    /// [`KeyError::Key`].
    pub fn new(key: &VerifyingKey) -> Result<Self, KeyError> {
        PublicEncryptingKey::from_der(key.spki_der())
            .map_err(|_| KeyError::Key)
            .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(|_| KeyError::Key))
            .map(Self)
    }

    /// Writes an encrypted field; every call gives another text.
    ///
    /// # Errors
    /// [`FieldError::TooLong`].
    pub fn encrypt(&self, text: &str) -> Result<String, FieldError> {
        let mut output = vec![0; self.0.ciphertext_size()];
        self.0
            .encrypt(&OAEP_SHA1_MGF1SHA1, text.as_bytes(), &mut output, None)
            .map(|ciphertext| STANDARD.encode(ciphertext))
            .map_err(|_| FieldError::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors;
    use super::*;

    #[test]
    fn a_field_by_python_is_read() {
        let key = Decryptor::from_pem(vectors::KEY_PEM).unwrap();
        assert_eq!(key.decrypt(vectors::OAEP_LI_LEI).unwrap().as_str(), "李雷");
    }

    #[test]
    fn round_trip_and_refusals() {
        let decryptor = Decryptor::from_pem(vectors::KEY_PEM).unwrap();
        let public = VerifyingKey::from_pem(vectors::PUBLIC_PEM).unwrap();
        let encryptor = Encryptor::new(&public).unwrap();
        for text in ["", "韩梅梅", &"x".repeat(214)] {
            let field = encryptor.encrypt(text).unwrap();
            assert_eq!(decryptor.decrypt(&field).unwrap().as_str(), text);
            let altered = field.replacen(
                &field[..1],
                if field.starts_with('A') { "B" } else { "A" },
                1,
            );
            assert_eq!(decryptor.decrypt(&altered), Err(FieldError::Undecryptable));
        }
        assert_ne!(encryptor.encrypt("a"), encryptor.encrypt("a"));
        assert_eq!(
            encryptor.encrypt(&"x".repeat(215)),
            Err(FieldError::TooLong)
        );
        for field in [
            "",
            "plain text",
            "AAAA",
            &"A".repeat(344),
            &"A".repeat(4000),
        ] {
            assert_eq!(
                decryptor.decrypt(field),
                Err(FieldError::Undecryptable),
                "{field}"
            );
        }
        assert_eq!(
            Decryptor::from_pem(vectors::PUBLIC_PEM).unwrap_err(),
            KeyError::Pem
        );
    }
}
