//! Signatures of WeChat Pay v2 (contract 2.6): all fields that are not empty, in the order of their names, and the key
//! behind them; MD5 or HMAC-SHA256, in hexadecimal digits.
//!
//! MD5 is no longer a good hash, and its use here is the protocol's. What is known of attacks on it does not find the
//! key or another signature; merchants who can should ask for HMAC-SHA256.

use std::fmt::Write as _;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};

use super::xml::Fields;
use crate::wechat::ids::hex;

/// How a request is signed, and so its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignType {
    /// Unless said otherwise.
    #[default]
    Md5,
    /// With the key as the code's key too.
    HmacSha256,
}

impl SignType {
    /// What a request asks for; none if there is no such type. The signature's length tells it where nothing is said.
    #[must_use]
    pub fn of(fields: &Fields) -> Option<Self> {
        match fields.get("sign_type").map(String::as_str) {
            None | Some("") => {
                let long = fields.get("sign").is_some_and(|sign| sign.len() == 64);
                Some(if long { Self::HmacSha256 } else { Self::Md5 })
            }
            Some("MD5") => Some(Self::Md5),
            Some("HMAC-SHA256") => Some(Self::HmacSha256),
            Some(_) => None,
        }
    }
}

/// A merchant's v2 key. It cannot be printed.
#[derive(Debug)]
pub struct ApiV2Key(SecretString);

impl ApiV2Key {
    /// Takes the key's text.
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self(text.into())
    }

    /// The signature in upper-case digits, as it is sent.
    #[must_use]
    pub fn sign<'a>(
        &self,
        kind: SignType,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> String {
        let key = self.0.expose_secret();
        let text = text(fields) + "key=" + key;
        match kind {
            SignType::Md5 => hex(&Md5::digest(text.as_bytes())).to_ascii_uppercase(),
            SignType::HmacSha256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
                hex(hmac::sign(&key, text.as_bytes()).as_ref()).to_ascii_uppercase()
            }
        }
    }

    /// Whether a request bears the signature of this key. Digits may be in either case.
    #[must_use]
    pub fn verify(&self, kind: SignType, fields: &Fields) -> bool {
        let pairs = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let expected = self.sign(kind, pairs);
        let sign = fields.get("sign").map(|sign| sign.to_ascii_uppercase());
        sign.is_some_and(|sign| {
            verify_slices_are_equal(expected.as_bytes(), sign.as_bytes()).is_ok()
        })
    }

    /// What notices of refunds are sealed with: 32 lower-case digits.
    pub(super) fn digits(&self) -> String {
        hex(&Md5::digest(self.0.expose_secret().as_bytes()))
    }
}

/// `a=1&b=2&`: what is signed, before the key.
fn text<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let signed = |(name, value): &(&str, &str)| *name != "sign" && !value.is_empty();
    let mut fields: Vec<_> = fields.into_iter().filter(signed).collect();
    fields.sort_unstable();
    let mut text = String::new();
    for (name, value) in fields {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}={value}&");
    }
    text
}

#[cfg(test)]
mod unit {
    use super::*;

    /// The example of WeChat Pay's documentation (v2, 安全规范, 签名算法).
    const PUBLISHED: [(&str, &str); 5] = [
        ("appid", "wxd930ea5d5a258f4f"),
        ("mch_id", "10000100"),
        ("device_info", "1000"),
        ("body", "test"),
        ("nonce_str", "ibuaiVcKdpRxkhJA"),
    ];

    fn key() -> ApiV2Key {
        ApiV2Key::new("192006250b4c09247ec02edce69f6a2d".to_owned())
    }

    #[test]
    fn the_published_examples() {
        assert_eq!(
            key().sign(SignType::Md5, PUBLISHED),
            "9A0A8659F005D6984697E2CA0A9CF3B7"
        );
        assert_eq!(
            key().sign(SignType::HmacSha256, PUBLISHED),
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
        );
    }

    #[test]
    fn a_request_is_verified_in_either_case_and_without_its_empty_fields() {
        let mut fields: Fields = PUBLISHED
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert!(!key().verify(SignType::Md5, &fields));
        fields.insert("attach".into(), String::new());
        for sign in [
            "9A0A8659F005D6984697E2CA0A9CF3B7",
            "9a0a8659f005d6984697e2ca0a9cf3b7",
        ] {
            fields.insert("sign".into(), sign.into());
            assert_eq!(SignType::of(&fields), Some(SignType::Md5));
            assert!(key().verify(SignType::Md5, &fields));
            assert!(!key().verify(SignType::HmacSha256, &fields));
        }
        fields.insert("body".into(), "tesT".into());
        assert!(!key().verify(SignType::Md5, &fields));
    }

    #[test]
    fn the_type_is_named_or_told_by_the_length() {
        let of = |kind: &str, sign: &str| {
            let fields = [("sign_type", kind), ("sign", sign)];
            SignType::of(&fields.map(|(n, v)| (n.to_owned(), v.to_owned())).into())
        };
        assert_eq!(of("", &"A".repeat(64)), Some(SignType::HmacSha256));
        assert_eq!(of("HMAC-SHA256", "A"), Some(SignType::HmacSha256));
        assert_eq!(of("MD5", &"A".repeat(64)), Some(SignType::Md5));
        assert_eq!(of("RSA", ""), None);
        assert!(!format!("{:?}", key()).contains("192006"));
    }
}
