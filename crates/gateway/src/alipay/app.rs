//! A merchant's app: its number, the key that verifies its requests, and its content key.
//!
//! Every merchant can have one. The key is the merchant's own, or made here, where a sandbox keeps it. The
//! platform signs with the key that it has for WeChat Pay too. Certificates are for whoever uses certificate
//! mode: each is the same key once more, vouched for by the platform's authority.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::MerchantId;
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::cipher::{ContentKey, KEY_LEN};
use super::routes::GATEWAY;
use crate::platform::{
    Platform, PlatformError, authority, read_record, root_certificate, unix_seconds, write_record,
};
use crate::wechat::keys::{ISSUER, MerchantCertificate, RsaKeyPem, Subject};
use crate::wechat::random;
use crate::wechat::sign::{KeyError, VerifyingKey, pem, verify};

/// Longest public key read, in characters.
pub const PUBLIC_KEY_MAX: usize = 4_096;
const PREFIX: &str = "2021";
const SELLER: &str = "2088";
const DIGITS: usize = 12;

/// What proves an app's requests.
#[derive(Debug)]
pub struct AppKeys {
    /// Whose.
    pub merchant: MerchantId,
    /// Its number.
    pub app_id: String,
    /// Verifies its requests.
    pub key: VerifyingKey,
    /// Number of its certificate, as certificate mode calls it.
    pub certificate_sn: String,
    /// Number of the certificate that vouches for it.
    pub root_sn: String,
    /// Opens and seals content.
    pub content_key: ContentKey,
}

/// How a text was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignType {
    /// SHA-256 with RSA.
    Rsa2,
    /// SHA-1 with RSA: taken from those who still use it, never made.
    Rsa,
}

/// What a merchant's engineer puts into an SDK.
#[derive(Clone, Debug)]
pub struct AppCredentials {
    /// The app's number.
    pub app_id: String,
    /// PKCS#1 PEM; none if the merchant brought its own key, or, in production, was told it once.
    pub private_key_pem: Option<SecretString>,
    /// Verifies answers and notices: SPKI PEM.
    pub platform_public_key_pem: String,
    /// Path of the gateway.
    pub gateway_path: &'static str,
    /// Base64 of 16 bytes.
    pub encrypt_key: SecretString,
    /// For certificate mode: X.509 PEM of the app's key.
    pub certificate_pem: String,
    /// For certificate mode: X.509 PEM of the platform's key.
    pub platform_certificate_pem: String,
    /// For certificate mode: X.509 PEM of who vouches for both.
    pub root_certificate_pem: String,
}

/// What the vault keeps of an app.
#[derive(Serialize, Deserialize)]
struct AppRecord {
    public_key_pem: String,
    private_key_pem: Option<String>,
    certificate_pem: String,
    encrypt_key: String,
}

/// Apps that were asked for.
#[derive(Default)]
pub struct KnownApps(RwLock<HashMap<MerchantId, Arc<AppKeys>>>);

impl KnownApps {
    /// A merchant's app, if it has one.
    pub fn of(
        &self,
        platform: &Platform,
        merchant: MerchantId,
    ) -> Result<Option<Arc<AppKeys>>, PlatformError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = known.get(&merchant) {
            return Ok(Some(app.clone()));
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = read_record::<AppRecord>(&platform.vault, &name(merchant))? else {
            return Ok(None);
        };
        let app = Arc::new(keys(platform, merchant, &record)?);
        known.insert(merchant, app.clone());
        Ok(Some(app))
    }

    fn forget(&self, merchant: MerchantId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.remove(&merchant);
    }
}

fn keys(
    platform: &Platform,
    merchant: MerchantId,
    record: &AppRecord,
) -> Result<AppKeys, PlatformError> {
    let root = MerchantCertificate::from_pem(&root_certificate(&platform.vault)?)?;
    let certificate = MerchantCertificate::from_pem(&record.certificate_pem)?;
    Ok(AppKeys {
        merchant,
        app_id: app_id(merchant),
        key: VerifyingKey::from_pem(&record.public_key_pem)?,
        certificate_sn: certificate_number(&certificate.serial_no),
        root_sn: certificate_number(&root.serial_no),
        content_key: ContentKey::new(&record.encrypt_key)
            .map_err(|_| PlatformError::Record(name(merchant)))?,
    })
}

/// Gives a merchant its app, or a new key to the app that it has. Without a public key a pair is made here
/// the first time.
///
/// # Errors
/// [`PlatformError`]; [`PlatformError::Key`] if the public key cannot be used.
pub fn register(
    platform: &Platform,
    merchant: MerchantId,
    public_key: Option<&str>,
) -> Result<AppCredentials, PlatformError> {
    let earlier = read_record::<AppRecord>(&platform.vault, &name(merchant))?;
    let (public_key_pem, private_key_pem) = match (public_key, &earlier) {
        (Some(text), _) => (read_public_key(text)?.to_pem(), None),
        (None, Some(_)) => {
            let record = earlier.ok_or_else(|| PlatformError::Record(name(merchant)))?;
            return credentials_of(platform, merchant, record);
        }
        (None, None) => {
            let pair = RsaKeyPem::generate()?;
            (pair.public, Some(pkcs1(pair.private.expose_secret())?))
        }
    };
    let app_id = app_id(merchant);
    let subject = Subject::Merchant {
        mchid: &app_id,
        name: "",
    };
    let key = VerifyingKey::from_pem(&public_key_pem)?;
    let issued = authority(&platform.vault)?.issue(subject, &key, unix_seconds())?;
    let mut record = AppRecord {
        public_key_pem,
        private_key_pem,
        certificate_pem: issued.pem,
        encrypt_key: earlier.map_or_else(new_content_key, |earlier| earlier.encrypt_key),
    };
    // In production the private key is shown once and kept by nobody here.
    let private = record.private_key_pem.take_if(|_| !platform.is_sandbox());
    write_record(&platform.vault, &name(merchant), &record)?;
    platform.alipay.forget(merchant);
    record.private_key_pem = record.private_key_pem.or(private);
    credentials_of(platform, merchant, record)
}

/// A merchant's app as the vault keeps it, if it has one.
///
/// # Errors
/// [`PlatformError`].
pub fn credentials(
    platform: &Platform,
    merchant: MerchantId,
) -> Result<Option<AppCredentials>, PlatformError> {
    read_record::<AppRecord>(&platform.vault, &name(merchant))?
        .map(|record| credentials_of(platform, merchant, record))
        .transpose()
}

fn credentials_of(
    platform: &Platform,
    merchant: MerchantId,
    record: AppRecord,
) -> Result<AppCredentials, PlatformError> {
    Ok(AppCredentials {
        app_id: app_id(merchant),
        private_key_pem: record.private_key_pem.map(SecretString::from),
        platform_public_key_pem: platform.signer.key.public().to_pem(),
        gateway_path: GATEWAY,
        encrypt_key: record.encrypt_key.into(),
        certificate_pem: record.certificate_pem,
        platform_certificate_pem: platform.signer.certificate_pem.clone(),
        root_certificate_pem: root_certificate(&platform.vault)?,
    })
}

fn new_content_key() -> String {
    let mut bytes = [0; KEY_LEN];
    random::fill(&mut bytes);
    STANDARD.encode(bytes)
}

fn name(merchant: MerchantId) -> String {
    format!("alipay-app/{merchant}")
}

/// An app's number: 16 digits. Not secret, so not sealed.
#[must_use]
pub fn app_id(merchant: MerchantId) -> String {
    format!("{PREFIX}{:0DIGITS$}", merchant.0)
}

/// The merchant whose app this is.
#[must_use]
pub fn read_app_id(text: &str) -> Option<MerchantId> {
    let digits = text.strip_prefix(PREFIX)?;
    let all = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| all).map(MerchantId)
}

/// 卖家支付宝用户号 of a merchant: 16 digits, none of a buyer's.
#[must_use]
pub fn seller_id(merchant: MerchantId) -> String {
    format!("{SELLER}{:0DIGITS$}", merchant.0)
}

/// A public key as Alipay's tools give it: base64 of SPKI, with or without the lines around it.
///
/// # Errors
/// [`KeyError`].
pub fn read_public_key(text: &str) -> Result<VerifyingKey, KeyError> {
    if text.len() > PUBLIC_KEY_MAX {
        return Err(KeyError::Pem);
    }
    if text.contains("-----BEGIN") {
        return VerifyingKey::from_pem(text);
    }
    let text: String = text.split_whitespace().collect();
    VerifyingKey::from_der(&STANDARD.decode(text).map_err(|_| KeyError::Pem)?)
}

/// Whether a signature of this kind over `text` was made with the private half of `key`.
#[must_use]
pub fn is_signed(key: &VerifyingKey, kind: SignType, text: &[u8], signature: &[u8]) -> bool {
    match kind {
        SignType::Rsa2 => verify(key, text, signature),
        SignType::Rsa => {
            let method = &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
            let key = UnparsedPublicKey::new(method, key.spki_der());
            key.verify(text, signature).is_ok()
        }
    }
}

/// What certificate mode calls a certificate that the platform's authority issued: MD5 of who issued it and its
/// serial number in decimal digits (contract 2.8). `serial` in hexadecimal digits.
#[must_use]
pub fn certificate_number(serial: &str) -> String {
    let hash = Md5::digest(format!("{ISSUER}{}", decimal(serial)));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number of any length, from hexadecimal to decimal digits.
fn decimal(hex: &str) -> String {
    let mut digits = vec![0_u8];
    for digit in hex.chars().filter_map(|digit| digit.to_digit(16)) {
        let mut carry = digit;
        for place in &mut digits {
            let sum = u32::from(*place) * 16 + carry;
            *place = u8::try_from(sum % 10).unwrap_or_default();
            carry = sum / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or_default());
            carry /= 10;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

/// The PKCS#1 key (RFC 8017) inside of a PKCS#8 one (RFC 5208): one SDK reads no other.
fn pkcs1(pkcs8_pem: &str) -> Result<String, KeyError> {
    /// Version 0 and the algorithm `rsaEncryption` without parameters, as every RSA key has them.
    const ALGORITHM: &[u8] = &[
        0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00,
    ];
    let text: String = pkcs8_pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(text).map_err(|_| KeyError::Pem)?;
    let inner = || {
        let whole = content_of(&der, 0x30)?.strip_prefix(ALGORITHM)?;
        content_of(whole, 0x04)
    };
    inner()
        .map(|key| pem("RSA PRIVATE KEY", key))
        .ok_or(KeyError::Key)
}

/// The content of a DER value of this type, with a length of two bytes as large keys have it.
fn content_of(der: &[u8], kind: u8) -> Option<&[u8]> {
    let (head, rest) = der.split_first_chunk::<4>()?;
    let [found, 0x82, high, low] = *head else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (found == kind).then(|| rest.get(..length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wechat::vectors;

    #[test]
    fn app_ids_come_back() {
        let number = MerchantId(12_345_678);
        assert_eq!(app_id(number), "2021000012345678");
        assert_eq!(read_app_id("2021000012345678"), Some(number));
        for text in [
            "",
            "2021",
            "20210000123456789",
            "202100001234567x",
            "1021000012345678",
            "2021999999999999",
        ] {
            assert_eq!(read_app_id(text), None, "{text}");
        }
    }

    #[test]
    fn a_public_key_is_read_with_and_without_the_lines_around_it() {
        let pem = vectors::PUBLIC_PEM;
        let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for text in [pem, &bare] {
            assert_eq!(read_public_key(text).unwrap().to_pem(), pem);
        }
        assert!(read_public_key("").is_err());
        assert!(read_public_key(&"A".repeat(PUBLIC_KEY_MAX + 1)).is_err());
    }

    #[test]
    fn serial_numbers_of_any_length_become_decimal() {
        assert_eq!(decimal("00"), "0");
        assert_eq!(decimal("FF"), "255");
        assert_eq!(
            decimal("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"),
            "730750818665451459101842416358141509827966271487"
        );
    }

    #[test]
    fn the_inner_key_is_the_same_key() {
        use rustls::pki_types::PrivatePkcs1KeyDer;
        use rustls::pki_types::pem::PemObject as _;
        let pair = RsaKeyPem::generate().unwrap();
        let pem = pkcs1(pair.private.expose_secret()).unwrap();
        let der = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let key = aws_lc_rs::signature::RsaKeyPair::from_der(der.secret_pkcs1_der()).unwrap();
        use aws_lc_rs::signature::KeyPair as _;
        let public = VerifyingKey::from_der(key.public_key().as_ref()).unwrap();
        assert_eq!(public.to_pem(), pair.public);
        assert!(pkcs1("").is_err());
    }
}
