//! Keys and X.509 certificates: made here for the sandbox, read from merchants in production.
//!
//! RSA-2048 with SHA-256, as WeChat Pay v3 demands (contract 2.1 to 2.3). Certificates are X.509 v3
//! (RFC 5280) with a serial of exactly 40 hexadecimal digits, because SDKs compare it as text.

use std::time::Duration;

use aws_lc_rs::rsa;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SerialNumber,
    SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use webpki::EndEntityCert;

use super::random;
use super::sign::{KeyError, VerifyingKey};

/// How long a certificate is valid, in seconds: five years.
pub const CERTIFICATE_SECONDS: u64 = 5 * 365 * 24 * 60 * 60;
/// How much longer the sandbox's own authority is valid, in seconds: fifteen years more.
const AUTHORITY_EXTRA_SECONDS: u64 = 3 * CERTIFICATE_SECONDS;
/// Largest certificate text read, in bytes.
pub const CERTIFICATE_PEM_MAX: usize = 16 * 1024;

/// Who issues every certificate, as Alipay's certificate mode writes it. Tools differ in what they do without an
/// organizational unit, so there is one.
pub(crate) const ISSUER: &str =
    "CN=Feiqian Sandbox Root CA,OU=Sandbox, not for real money,O=Feiqian,C=CN";

/// A new RSA-2048 key pair as text.
#[derive(Debug)]
pub struct RsaKeyPem {
    /// PKCS#8 PEM, `BEGIN PRIVATE KEY`.
    pub private: SecretString,
    /// SPKI PEM, `BEGIN PUBLIC KEY`.
    pub public: String,
}

impl RsaKeyPem {
    /// Makes one. Takes a few tens of milliseconds, sometimes several times that.
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn generate() -> Result<Self, KeyError> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            .map_err(|_| KeyError::Library)?;
        Ok(Self {
            private: key.serialize_pem().into(),
            public: key.public_key_pem(),
        })
    }
}

/// Whom a certificate names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// This platform, for the key that signs answers.
    Platform,
    /// A merchant, for the key that signs requests.
    Merchant {
        /// Merchant number; the common name, as in real merchant certificates.
        mchid: &'a str,
        /// The shop's name, shown as organizational unit.
        name: &'a str,
    },
}

/// A certificate made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `BEGIN CERTIFICATE`.
    pub pem: String,
    /// Serial number: exactly 40 upper-case hexadecimal digits, none of them a leading zero.
    pub serial_no: String,
    /// Valid from, Unix seconds.
    pub not_before: i64,
    /// Valid until, Unix seconds.
    pub not_after: i64,
}

/// The sandbox's own certificate authority.
pub struct Authority {
    key: KeyPair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Authority(..)")
    }
}

impl Authority {
    /// From the authority's own private key (PKCS#8 PEM); make it with [`RsaKeyPem::generate`] and
    /// keep it in the vault. The same key is the same authority.
    ///
    /// # Errors
    /// [`KeyError::Key`].
    pub fn new(private_pem: &SecretString) -> Result<Self, KeyError> {
        let key =
            KeyPair::from_pkcs8_pem_and_sign_algo(private_pem.expose_secret(), &PKCS_RSA_SHA256);
        key.map(|key| Self { key }).map_err(|_| KeyError::Key)
    }

    /// The authority's self-signed root certificate, valid for twenty years. Every call gives
    /// another serial, so keep the first.
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn root(&self, now: u64) -> Result<Issued, KeyError> {
        let (mut params, validity) = dated(now, AUTHORITY_EXTRA_SECONDS);
        params.distinguished_name = authority_name();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&self.key)
            .map_err(|_| KeyError::Library)?;
        Ok(validity.issued(certificate.pem()))
    }

    /// A certificate for `key`, valid for [`CERTIFICATE_SECONDS`] from `now` (Unix seconds).
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn issue(
        &self,
        subject: Subject<'_>,
        key: &VerifyingKey,
        now: u64,
    ) -> Result<Issued, KeyError> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name = authority_name();
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = Issuer::from_params(&authority, &self.key);

        let (mut params, validity) = dated(now, 0);
        params.distinguished_name = name_of(subject);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::DataEncipherment,
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let public = SubjectKey::new(key)?;
        let certificate = params
            .signed_by(&public, &issuer)
            .map_err(|_| KeyError::Library)?;
        Ok(validity.issued(certificate.pem()))
    }
}

/// What is read from a merchant's certificate.
#[derive(Clone, Debug)]
pub struct MerchantCertificate {
    /// Serial number in upper-case hexadecimal digits, two for each byte.
    pub serial_no: String,
    /// The key that verifies the merchant's requests.
    pub key: VerifyingKey,
}

impl MerchantCertificate {
    /// Reads the first certificate of a PEM text: X.509 v3 with an RSA key of 2048 bits or more.
    ///
    /// The operator registers it by hand, so neither its issuer nor its dates are checked.
    ///
    /// # Errors
    /// [`KeyError::Pem`], [`KeyError::Certificate`], [`KeyError::Key`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > CERTIFICATE_PEM_MAX {
            return Err(KeyError::Pem);
        }
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Pem)?;
        let certificate = EndEntityCert::try_from(&der).map_err(|_| KeyError::Certificate)?;
        let key = VerifyingKey::from_der(&certificate.subject_public_key_info())?;
        Ok(Self {
            serial_no: serial_text(certificate.serial()),
            key,
        })
    }
}

/// Serial and dates, chosen before the certificate is made.
struct Validity {
    serial: [u8; 20],
    not_before: u64,
    not_after: u64,
}

impl Validity {
    fn issued(&self, pem: String) -> Issued {
        let seconds = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        Issued {
            pem,
            serial_no: serial_text(&self.serial),
            not_before: seconds(self.not_before),
            not_after: seconds(self.not_after),
        }
    }
}

fn dated(now: u64, extra: u64) -> (CertificateParams, Validity) {
    let mut serial = [0; 20];
    random::fill(&mut serial);
    // Positive (RFC 5280, 4.1.2.2), and no tool that drops leading zeros changes its text.
    serial[0] = 0x10 + serial[0] % 0x70;
    // X.509 dates of this form end with the year 9999; RFC 5280 has nothing beyond.
    let not_before = now.min(250_000_000_000);
    let not_after = not_before + CERTIFICATE_SECONDS + extra;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = epoch + Duration::from_secs(not_before);
    params.not_after = epoch + Duration::from_secs(not_after);
    (
        params,
        Validity {
            serial,
            not_before,
            not_after,
        },
    )
}

fn authority_name() -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "CN");
    name.push(DnType::OrganizationName, "Feiqian");
    name.push(
        DnType::OrganizationalUnitName,
        "Sandbox, not for real money",
    );
    name.push(DnType::CommonName, "Feiqian Sandbox Root CA");
    name
}

fn name_of(subject: Subject<'_>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "CN");
    name.push(DnType::OrganizationName, "Feiqian");
    match subject {
        Subject::Platform => {
            name.push(DnType::OrganizationalUnitName, "Platform");
            name.push(DnType::CommonName, "Feiqian Pay sign");
        }
        Subject::Merchant { mchid, name: shop } => {
            // X.520 allows 64 characters and no empty one.
            let shop: String = shop.chars().filter(|c| !c.is_control()).take(64).collect();
            if !shop.is_empty() {
                name.push(DnType::OrganizationalUnitName, shop);
            }
            name.push(DnType::CommonName, mchid);
        }
    }
    name
}

fn serial_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The public key to certify; rcgen wants it as PKCS#1.
struct SubjectKey(rsa::PublicKey);

impl SubjectKey {
    fn new(key: &VerifyingKey) -> Result<Self, KeyError> {
        rsa::PublicKey::from_der(key.spki_der())
            .map(Self)
            .map_err(|_| KeyError::Key)
    }
}

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

#[cfg(test)]
mod tests {
    use super::super::sign::{PlatformKey, verify};
    use super::super::vectors;
    use super::*;
    use base64::Engine as _;

    /// 2026-01-01 00:00:00 UTC.
    const NOW: u64 = 1_767_225_600;

    #[test]
    fn generated_keys_sign_and_verify() {
        let pair = RsaKeyPem::generate().unwrap();
        let platform = PlatformKey::from_pem(pair.private.expose_secret()).unwrap();
        assert_eq!(platform.public().to_pem(), pair.public);
        let signature = base64::engine::general_purpose::STANDARD.decode(platform.sign(b"text"));
        let public = VerifyingKey::from_pem(&pair.public).unwrap();
        assert!(verify(&public, b"text", &signature.unwrap()));
        assert!(!format!("{pair:?}").contains("BEGIN PRIVATE"));
    }

    #[test]
    fn certificates_name_their_key_and_serial_and_chain_to_the_root() {
        let pair = RsaKeyPem::generate().unwrap();
        let authority = Authority::new(&pair.private).unwrap();
        let root = authority.root(NOW).unwrap();
        let key = VerifyingKey::from_pem(vectors::PUBLIC_PEM).unwrap();
        let merchant = Subject::Merchant {
            mchid: "1900000001",
            name: "兰州拉面",
        };
        for subject in [Subject::Platform, merchant] {
            let issued = authority.issue(subject, &key, NOW).unwrap();
            let read = MerchantCertificate::from_pem(&issued.pem).unwrap();
            assert_eq!(read.serial_no, issued.serial_no);
            assert_eq!(read.key.to_pem(), vectors::PUBLIC_PEM);
            assert_eq!(issued.serial_no.len(), 40);
            assert_eq!(
                (issued.not_before, issued.not_after),
                (1_767_225_600, 1_924_905_600)
            );
            check_chain(&root.pem, &issued);
        }
    }

    fn check_chain(root_pem: &str, issued: &Issued) {
        use rustls::pki_types::UnixTime;
        let root = CertificateDer::from_pem_slice(root_pem.as_bytes()).unwrap();
        let anchor = webpki::anchor_from_trusted_cert(&root).unwrap();
        let der = CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap();
        let check = |at: u64| {
            EndEntityCert::try_from(&der)
                .unwrap()
                .verify_for_usage(
                    rustls::crypto::aws_lc_rs::default_provider()
                        .signature_verification_algorithms
                        .all,
                    std::slice::from_ref(&anchor),
                    &[],
                    UnixTime::since_unix_epoch(Duration::from_secs(at)),
                    webpki::KeyUsage::client_auth(),
                    None,
                    None,
                )
                .map(|_| ())
        };
        assert_eq!(check(NOW + 1), Ok(()));
        assert!(check(NOW - 1).is_err());
        assert!(check(NOW + CERTIFICATE_SECONDS + 1).is_err());
    }

    #[test]
    fn a_certificate_by_openssl_is_read() {
        let read = MerchantCertificate::from_pem(vectors::CERTIFICATE_PEM).unwrap();
        assert_eq!(read.serial_no, "0ADE55AD98ED71D6EDD4A4A16996DE7B47773A8C");
        assert_eq!(read.key.to_pem(), vectors::PUBLIC_PEM);
    }

    #[test]
    fn unusable_certificates_are_refused() {
        let error = |pem: &str| MerchantCertificate::from_pem(pem).unwrap_err();
        assert_eq!(error(""), KeyError::Pem);
        assert_eq!(error(vectors::PUBLIC_PEM), KeyError::Pem);
        assert_eq!(error(&" ".repeat(CERTIFICATE_PEM_MAX + 1)), KeyError::Pem);
        assert_eq!(error(vectors::EC_CERTIFICATE_PEM), KeyError::Key);
        assert_eq!(error(vectors::SMALL_CERTIFICATE_PEM), KeyError::Key);
        let lines: Vec<&str> = vectors::CERTIFICATE_PEM.lines().collect();
        let cut = [lines[0], lines[1], lines[lines.len() - 1]].join("\n");
        assert_eq!(error(&cut), KeyError::Certificate);
    }

    #[test]
    fn serials_are_forty_digits_and_differ() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let serial = serial_text(&dated(NOW, 0).1.serial);
            assert!(
                serial.len() == 40 && (b'1'..=b'7').contains(&serial.as_bytes()[0]),
                "{serial}"
            );
            assert!(seen.insert(serial));
        }
    }
}
