//! The `Authorization` header: `ALIPAY-SHA256withRSA app_id=…,nonce=…,timestamp=…,sign=…`.
//!
//! All before the last `,sign=` is signed as it stands, in whatever order. Names that are not known are signed with
//! the rest and otherwise left alone; a name that comes twice is refused, for it would have two readings.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The only scheme: SHA-256 with RSA, PKCS#1 v1.5.
pub const SCHEME: &str = "ALIPAY-SHA256withRSA";
/// Longest header value read, in bytes.
pub const AUTHORIZATION_MAX: usize = 4_096;
/// Longest `nonce`, in characters.
pub const NONCE_MAX: usize = 128;

/// What the header says, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'header> {
    /// All that is signed of the header.
    pub text: &'header str,
    /// Whose request it is.
    pub app_id: &'header str,
    /// Used once.
    pub nonce: &'header str,
    /// When it was signed, in Unix milliseconds.
    pub timestamp: i64,
    /// For how many seconds it is good, if the client says so.
    pub expired_seconds: Option<i64>,
    /// Number of the app's certificate, in certificate mode.
    pub app_cert_sn: Option<&'header str>,
    /// The signature's bytes.
    pub signature: Vec<u8>,
}

/// What is wrong with the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthorization {
    /// Longer than [`AUTHORIZATION_MAX`], not [`SCHEME`], or no list of `name=value`.
    #[error("the Authorization header is malformed")]
    Malformed,
    /// It has no `sign`, or one that is not base64.
    #[error("the Authorization header has no signature")]
    NoSign,
    /// A part is missing or has no value that can be read.
    #[error("the Authorization header has no good {0}")]
    Part(&'static str),
}

/// Reads the header's value.
///
/// # Errors
/// [`BadAuthorization`].
pub fn parse(header: &str) -> Result<Credential<'_>, BadAuthorization> {
    use BadAuthorization::{Malformed, NoSign, Part};
    if header.len() > AUTHORIZATION_MAX {
        return Err(Malformed);
    }
    let (scheme, rest) = header.split_once(' ').ok_or(Malformed)?;
    if scheme != SCHEME {
        return Err(Malformed);
    }
    let (text, sign) = rest.rsplit_once(",sign=").ok_or(NoSign)?;
    let signature = STANDARD.decode(sign).map_err(|_| NoSign)?;
    let mut parts = BTreeMap::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or(Malformed)?;
        if parts.insert(name.trim(), value).is_some() {
            return Err(Malformed);
        }
    }
    let part = |name| parts.get(name).copied().filter(|value| !value.is_empty());
    let nonce = part("nonce").filter(|nonce| nonce.len() <= NONCE_MAX);
    Ok(Credential {
        text,
        app_id: part("app_id").ok_or(Part("app_id"))?,
        nonce: nonce.ok_or(Part("nonce"))?,
        timestamp: part("timestamp")
            .and_then(number)
            .ok_or(Part("timestamp"))?,
        expired_seconds: match part("expired_seconds") {
            Some(text) => Some(number(text).ok_or(Part("expired_seconds"))?),
            None => None,
        },
        app_cert_sn: part("app_cert_sn"),
        signature,
    })
}

fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_any_order_and_what_is_signed_stays_as_it_is() {
        let header = "ALIPAY-SHA256withRSA timestamp=1700000000000,more=a=b,nonce=n,app_id=2021,app_cert_sn=5e,sign=c2ln";
        let credential = parse(header).unwrap();
        assert_eq!(
            credential,
            Credential {
                text: "timestamp=1700000000000,more=a=b,nonce=n,app_id=2021,app_cert_sn=5e",
                app_id: "2021",
                nonce: "n",
                timestamp: 1_700_000_000_000,
                expired_seconds: None,
                app_cert_sn: Some("5e"),
                signature: b"sig".to_vec(),
            }
        );
    }

    #[test]
    fn what_has_no_reading_is_refused() {
        use BadAuthorization::{Malformed, NoSign, Part};
        for (rest, why) in [
            ("", NoSign),
            ("app_id=1,nonce=n,timestamp=1", NoSign),
            ("app_id=1,nonce=n,timestamp=1,sign=?", NoSign),
            ("app_id=1,nonce=n,timestamp=1,app_id=2,sign=c2ln", Malformed),
            ("app_id=1,,nonce=n,timestamp=1,sign=c2ln", Malformed),
            ("nonce=n,timestamp=1,sign=c2ln", Part("app_id")),
            ("app_id=1,nonce=,timestamp=1,sign=c2ln", Part("nonce")),
            ("app_id=1,nonce=n,timestamp=-1,sign=c2ln", Part("timestamp")),
            (
                "app_id=1,nonce=n,timestamp=1,expired_seconds=x,sign=c2ln",
                Part("expired_seconds"),
            ),
        ] {
            assert_eq!(parse(&format!("{SCHEME} {rest}")), Err(why), "{rest}");
        }
        let long = format!(
            "{SCHEME} app_id={},sign=c2ln",
            "1".repeat(AUTHORIZATION_MAX)
        );
        for header in [
            "",
            SCHEME,
            "Bearer app_id=1,nonce=n,timestamp=1,sign=c2ln",
            &long,
        ] {
            assert_eq!(parse(header), Err(Malformed), "{header}");
        }
    }
}
