//! Signatures of WeChat Pay v3: merchants sign requests, the platform signs answers (contract 2.1,
//! 2.2). SHA-256 with RSA, PKCS#1 v1.5 (RFC 8017), base64.
//!
//! Keys are parsed once and kept: one request costs one verification and one signature.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use super::authorization::SCHEME;
use super::random;

/// Size of every key that this platform makes, in bits.
pub const KEY_BITS: usize = 2048;

/// Why a key cannot be used. Key bytes are never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM of the expected kind.
    #[error("not a PEM text of the expected kind")]
    Pem,
    /// Not an X.509 version 3 certificate.
    #[error("not an X.509 v3 certificate")]
    Certificate,
    /// Not an RSA key of 2048 bits or more.
    #[error("not an RSA key of at least 2048 bits")]
    Key,
    /// The library could not make or encode a key or certificate.
    #[error("the cryptographic library refused to work")]
    Library,
}

/// The text that a merchant signs: five lines, each ended by a line feed (contract 2.1).
///
/// `target` is the raw request target (path and query as sent, no host), `body` the raw bytes: empty
/// for none, the `meta` part's text for an upload.
#[must_use]
pub fn request_text(
    method: &str,
    target: &str,
    timestamp: i64,
    nonce: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// The text that the platform signs on answers and notifications (contract 2.2, 2.4).
#[must_use]
pub fn response_text(timestamp: i64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// A public RSA key of 2048 to 8192 bits, parsed once, for verifying.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    key: ParsedPublicKey,
    spki: Vec<u8>,
}

impl VerifyingKey {
    /// From DER: SPKI (RFC 5280) or PKCS#1.
    ///
    /// # Errors
    /// [`KeyError::Key`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let key =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(|_| KeyError::Key)?;
        let spki = key.as_der().map_err(|_| KeyError::Key)?.as_ref().to_vec();
        // The library looks at the size only when it verifies.
        let size = aws_lc_rs::rsa::PublicEncryptingKey::from_der(&spki)
            .map_err(|_| KeyError::Key)?
            .key_size_bits();
        if (KEY_BITS..=8192).contains(&size) {
            Ok(Self { key, spki })
        } else {
            Err(KeyError::Key)
        }
    }

    /// From a PEM text `BEGIN PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError::Pem`], [`KeyError::Key`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes());
        Self::from_der(&spki.map_err(|_| KeyError::Pem)?)
    }

    /// The key as SPKI DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key as a PEM text `BEGIN PUBLIC KEY`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        public_pem(&self.spki)
    }
}

/// Whether `signature` (raw bytes) over `text` was made with the private half of `key`.
#[must_use]
pub fn verify(key: &VerifyingKey, text: &[u8], signature: &[u8]) -> bool {
    key.key.verify_sig(text, signature).is_ok()
}

/// The platform's private RSA key, parsed once, for signing answers and notifications.
///
/// One key serves both the public-key id and the platform certificates (contract 2.2).
pub struct PlatformKey {
    key: RsaKeyPair,
    public: VerifyingKey,
}

impl std::fmt::Debug for PlatformKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PlatformKey(..)")
    }
}

impl PlatformKey {
    /// From PKCS#8 DER.
    ///
    /// # Errors
    /// [`KeyError::Key`].
    pub fn from_der(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Key)?;
        let public = VerifyingKey::from_der(key.public_key().as_ref())?;
        Ok(Self { key, public })
    }

    /// From a PEM text `BEGIN PRIVATE KEY` (PKCS#8).
    ///
    /// # Errors
    /// [`KeyError::Pem`], [`KeyError::Key`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        Self::from_der(pkcs8.map_err(|_| KeyError::Pem)?.secret_pkcs8_der())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs any text, base64.
    ///
    /// # Panics
    /// If the library cannot sign with a key that it accepted before: out of memory.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> String {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text,
                &mut signature,
            )
            .expect("a parsed RSA key signs");
        STANDARD.encode(signature)
    }

    /// Signs an answer or notification: [`response_text`], base64. `body` is what goes over the
    /// wire, byte by byte; empty for 204.
    #[must_use]
    pub fn sign_response(&self, timestamp: i64, nonce: &str, body: &[u8]) -> String {
        self.sign(&response_text(timestamp, nonce, body))
    }

    /// Signs `body` now, with a fresh nonce and request id, and gives all headers to send with it.
    ///
    /// `serial` is the public-key id or certificate serial that the receiver knows this key by,
    /// exactly as configured there; `now` in Unix seconds.
    #[must_use]
    pub fn signed_headers(&self, serial: &str, now: i64, body: &[u8]) -> SignedHeaders {
        let nonce = random::nonce_str();
        let signature = self.sign_response(now, &nonce, body);
        let request_id = random::request_id();
        SignedHeaders {
            timestamp: now,
            nonce,
            serial: serial.to_owned(),
            signature,
            request_id,
        }
    }
}

/// The headers of a signed answer or notification (contract 2.2). wechatpayv3 refuses an answer
/// that lacks one of the first five.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `Wechatpay-Timestamp`, Unix seconds.
    pub timestamp: i64,
    /// `Wechatpay-Nonce`.
    pub nonce: String,
    /// `Wechatpay-Serial`: public-key id or certificate serial.
    pub serial: String,
    /// `Wechatpay-Signature`, base64.
    pub signature: String,
    /// `Request-ID`, for people who compare logs.
    pub request_id: String,
}

impl SignedHeaders {
    /// Names (lower case, as HTTP libraries want them) and values, `Signature-Type` included.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, String); 6] {
        [
            ("wechatpay-timestamp", self.timestamp.to_string()),
            ("wechatpay-nonce", self.nonce.clone()),
            ("wechatpay-serial", self.serial.clone()),
            ("wechatpay-signature", self.signature.clone()),
            ("wechatpay-signature-type", SCHEME.to_owned()),
            ("request-id", self.request_id.clone()),
        ]
    }
}

/// SPKI DER as PEM (RFC 7468).
fn public_pem(spki: &[u8]) -> String {
    pem("PUBLIC KEY", spki)
}

/// DER as a PEM text of this label (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (place, letter) in text.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use super::super::vectors;
    use super::*;

    const NONCE: &str = "593BEC0C930BF1AFEB40B4A08C8FB242";
    const BODY: &[u8] = br#"{"description": "\u98de\u94b1"}"#;

    fn request(target: &str, body: &[u8]) -> Vec<u8> {
        request_text("POST", target, 1_554_208_460, NONCE, body)
    }

    #[test]
    fn a_signature_by_python_is_verified() {
        let signature = STANDARD.decode(vectors::REQUEST_SIGNATURE).unwrap();
        let target = "/v3/pay/transactions/native?x=%E9%92%B1";
        let key = VerifyingKey::from_pem(vectors::PUBLIC_PEM).unwrap();
        assert!(verify(&key, &request(target, BODY), &signature));
        assert!(!verify(&key, &request(target, b""), &signature));
        assert!(!verify(
            &key,
            &request("/v3/pay/transactions/native?x=钱", BODY),
            &signature
        ));
        assert!(!verify(&key, &request(target, BODY), &signature[1..]));
        assert!(!verify(&key, &request(target, BODY), b""));
    }

    #[test]
    fn a_response_is_signed_as_python_signs_it() {
        let key = PlatformKey::from_pem(vectors::KEY_PEM).unwrap();
        let body = "{\"code_url\":\"飞钱\"}".as_bytes();
        assert_eq!(
            key.sign_response(1_554_208_460, NONCE, body),
            vectors::RESPONSE_SIGNATURE
        );
        assert_eq!(key.public().to_pem(), vectors::PUBLIC_PEM);
    }

    #[test]
    fn headers_are_complete_and_fresh() {
        let key = PlatformKey::from_pem(vectors::KEY_PEM).unwrap();
        let headers = key.signed_headers("PUB_KEY_ID_01", 1_554_208_460, b"");
        let signature = STANDARD.decode(&headers.signature).unwrap();
        let text = response_text(headers.timestamp, &headers.nonce, b"");
        assert_eq!(
            text,
            format!("1554208460\n{}\n\n", headers.nonce).as_bytes()
        );
        assert!(verify(key.public(), &text, &signature));
        let pairs = headers.pairs();
        assert_eq!(pairs[2], ("wechatpay-serial", "PUB_KEY_ID_01".to_owned()));
        assert_eq!(pairs[4].1, "WECHATPAY2-SHA256-RSA2048");
        assert_ne!(headers.nonce, key.signed_headers("x", 0, b"").nonce);
    }

    #[test]
    fn bad_keys_are_refused() {
        assert_eq!(VerifyingKey::from_pem("").unwrap_err(), KeyError::Pem);
        assert_eq!(
            VerifyingKey::from_pem(vectors::KEY_PEM).unwrap_err(),
            KeyError::Pem
        );
        assert_eq!(VerifyingKey::from_der(b"x").unwrap_err(), KeyError::Key);
        assert_eq!(
            PlatformKey::from_pem(vectors::PUBLIC_PEM).unwrap_err(),
            KeyError::Pem
        );
        assert_eq!(PlatformKey::from_der(&[0; 9]).unwrap_err(), KeyError::Key);
    }
}
