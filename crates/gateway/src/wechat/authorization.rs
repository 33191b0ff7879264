//! The `Authorization` header of a WeChat Pay v3 request: who signed it and how (contract 2.1).
//!
//! `WECHATPAY2-SHA256-RSA2048 mchid="…",nonce_str="…",timestamp="…",serial_no="…",signature="…"`,
//! the five parameters in any order (the SDKs use three different ones), blanks allowed around
//! commas and equal signs. Anything else is refused: what is signed must have one reading only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The only scheme: SHA-256 with RSA-2048, PKCS#1 v1.5. Also the value of the response header
/// `Wechatpay-Signature-Type`.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
/// Longest header value read, in bytes.
pub const AUTHORIZATION_MAX: usize = 4096;
/// Longest `nonce_str`, in characters.
pub const NONCE_MAX: usize = 128;
/// Longest `mchid`, in digits.
pub const MCHID_MAX: usize = 32;
/// Longest `serial_no`, in characters (a certificate serial has at most 40 digits).
pub const SERIAL_MAX: usize = 64;
/// Longest decoded signature in bytes: RSA-4096.
pub const SIGNATURE_MAX: usize = 512;

/// What the header says, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'header> {
    /// Merchant number, 1 to [`MCHID_MAX`] digits.
    pub mchid: &'header str,
    /// The merchant's nonce, 1 to [`NONCE_MAX`] printable ASCII characters.
    pub nonce_str: &'header str,
    /// When the merchant signed, in Unix seconds.
    pub timestamp: i64,
    /// Serial number of the merchant's certificate, as sent; compare with [`same_serial`].
    pub serial_no: &'header str,
    /// The signature's bytes.
    pub signature: Vec<u8>,
}

/// The five parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as on the wire")]
pub enum Parameter {
    Mchid,
    NonceStr,
    Timestamp,
    SerialNo,
    Signature,
}

impl Parameter {
    /// As written in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mchid => "mchid",
            Self::NonceStr => "nonce_str",
            Self::Timestamp => "timestamp",
            Self::SerialNo => "serial_no",
            Self::Signature => "signature",
        }
    }
}

/// What is wrong with the header. The peer is at fault, always; answered as 401 `SIGN_ERROR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Longer than [`AUTHORIZATION_MAX`].
    #[error("the Authorization header is longer than {AUTHORIZATION_MAX} bytes")]
    TooLong,
    /// Not [`SCHEME`].
    #[error("the Authorization header does not begin with {SCHEME}")]
    Scheme,
    /// Not a list of `name="value"`.
    #[error("the Authorization header is malformed at byte {at}")]
    Malformed {
        /// Where, counted from the header value's beginning.
        at: usize,
    },
    /// A parameter that is none of the five.
    #[error("the Authorization header has an unknown parameter at byte {at}")]
    Unknown {
        /// Where, counted from the header value's beginning.
        at: usize,
    },
    /// A parameter that came before.
    #[error("the Authorization header has {} twice", .0.name())]
    Duplicate(Parameter),
    /// A parameter whose value cannot be.
    #[error("the Authorization header has a bad {}", .0.name())]
    Value(Parameter),
    /// A parameter that is not there.
    #[error("the Authorization header has no {}", .0.name())]
    Missing(Parameter),
}

/// Reads the value of an `Authorization` header. It never panics, whatever comes.
///
/// # Errors
/// The first thing wrong, reading from left to right; a missing parameter last.
pub fn parse(header: &str) -> Result<Credential<'_>, AuthorizationError> {
    if header.len() > AUTHORIZATION_MAX {
        return Err(AuthorizationError::TooLong);
    }
    let mut rest = match header.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) && rest.starts_with(BLANKS) => {
            rest.trim_start_matches(BLANKS)
        }
        _ => return Err(AuthorizationError::Scheme),
    };
    let mut values = [None; 5];
    loop {
        let at = header.len() - rest.len();
        let malformed = AuthorizationError::Malformed { at };
        let (name, after) = rest.split_once('=').ok_or(malformed)?;
        let parameter =
            parameter(name.trim_end_matches(BLANKS)).ok_or(AuthorizationError::Unknown { at })?;
        let after = after
            .trim_start_matches(BLANKS)
            .strip_prefix('"')
            .ok_or(malformed)?;
        let (value, after) = after.split_once('"').ok_or(malformed)?;
        let slot = &mut values[parameter as usize];
        if slot.replace(value).is_some() {
            return Err(AuthorizationError::Duplicate(parameter));
        }
        let after = after.trim_start_matches(BLANKS);
        if after.is_empty() {
            break;
        }
        let at = header.len() - after.len();
        rest = after
            .strip_prefix(',')
            .ok_or(AuthorizationError::Malformed { at })?
            .trim_start_matches(BLANKS);
    }
    let value = |parameter: Parameter| {
        values[parameter as usize].ok_or(AuthorizationError::Missing(parameter))
    };
    Ok(Credential {
        mchid: checked(Parameter::Mchid, value(Parameter::Mchid)?)?,
        nonce_str: checked(Parameter::NonceStr, value(Parameter::NonceStr)?)?,
        timestamp: timestamp(value(Parameter::Timestamp)?)?,
        serial_no: checked(Parameter::SerialNo, value(Parameter::SerialNo)?)?,
        signature: signature(value(Parameter::Signature)?)?,
    })
}

/// Whether two serial numbers are the same number: hexadecimal digits in any case, leading zeros
/// ignored (wechatpay-node-v3 sends lower case, contract 1.2 and 2.1).
#[must_use]
pub fn same_serial(one: &str, other: &str) -> bool {
    let digits = |serial: &str| -> usize { serial.len() - serial.trim_start_matches('0').len() };
    let (one, other) = (&one[digits(one)..], &other[digits(other)..]);
    one.eq_ignore_ascii_case(other)
}

const BLANKS: [char; 2] = [' ', '\t'];

fn parameter(name: &str) -> Option<Parameter> {
    use Parameter::{Mchid, NonceStr, SerialNo, Signature, Timestamp};
    [Mchid, NonceStr, Timestamp, SerialNo, Signature]
        .into_iter()
        .find(|p| p.name() == name)
}

fn checked(parameter: Parameter, value: &str) -> Result<&str, AuthorizationError> {
    let (max, allowed): (usize, fn(&u8) -> bool) = match parameter {
        Parameter::Mchid => (MCHID_MAX, u8::is_ascii_digit),
        Parameter::SerialNo => (SERIAL_MAX, |c| c.is_ascii_alphanumeric() || *c == b'_'),
        Parameter::NonceStr | Parameter::Timestamp | Parameter::Signature => {
            (NONCE_MAX, |c| matches!(c, b' '..=b'~'))
        }
    };
    let good = (1..=max).contains(&value.len()) && value.as_bytes().iter().all(allowed);
    if good {
        Ok(value)
    } else {
        Err(AuthorizationError::Value(parameter))
    }
}

fn timestamp(value: &str) -> Result<i64, AuthorizationError> {
    // The text is signed. Only digits without a leading zero come back the same from a number.
    let good = value.bytes().all(|c| c.is_ascii_digit()) && !value.starts_with('0');
    let number = if good { value.parse().ok() } else { None };
    number.ok_or(AuthorizationError::Value(Parameter::Timestamp))
}

fn signature(value: &str) -> Result<Vec<u8>, AuthorizationError> {
    match STANDARD.decode(value) {
        Ok(bytes) if (1..=SIGNATURE_MAX).contains(&bytes.len()) => Ok(bytes),
        _ => Err(AuthorizationError::Value(Parameter::Signature)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000001\",nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\",\
        signature=\"c2ln\",timestamp=\"1554208460\",serial_no=\"1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C\"";

    fn expected() -> Credential<'static> {
        Credential {
            mchid: "1900000001",
            nonce_str: "593BEC0C930BF1AFEB40B4A08C8FB242",
            timestamp: 1_554_208_460,
            serial_no: "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
            signature: b"sig".to_vec(),
        }
    }

    #[test]
    fn every_order_and_blanks_are_read() {
        assert_eq!(parse(GOOD), Ok(expected()));
        let (scheme, list) = GOOD.split_once(' ').unwrap();
        let mut parameters: Vec<&str> = list.split(',').collect();
        for turn in 0..parameters.len() {
            parameters.rotate_left(1);
            for separator in [",", ", ", " ,\t"] {
                let header = format!("{scheme}  {}", parameters.join(separator));
                assert_eq!(parse(&header), Ok(expected()), "turn {turn}");
            }
            parameters.swap(0, 3);
        }
        assert_eq!(
            parse(&GOOD.replace("=\"", " = \"").replacen("WECHAT", "wechat", 1)),
            Ok(expected())
        );
        assert_eq!(parse(&format!("{GOOD} \t")), Ok(expected()));
    }

    #[test]
    fn a_nonce_may_hold_what_separates_parameters() {
        for nonce in [
            "k",
            "0.1a2b3c4d5e",
            "a,mchid=1,b",
            "a b\\c=~",
            &"n".repeat(NONCE_MAX),
        ] {
            let header = GOOD.replace("593BEC0C930BF1AFEB40B4A08C8FB242", nonce);
            assert_eq!(parse(&header).map(|c| c.nonce_str), Ok(nonce));
        }
    }

    #[test]
    fn what_is_not_a_list_of_the_five_is_refused() {
        use AuthorizationError::{Duplicate, Malformed, Missing, Scheme, TooLong, Unknown};
        let swap = |from: &str, to: &str| GOOD.replacen(from, to, 1);
        let cases = [
            (String::new(), Scheme),
            ("Bearer x".to_owned(), Scheme),
            (SCHEME.to_owned(), Scheme),
            (format!("{SCHEME}mchid=\"1\""), Scheme),
            ("支付支付支付支付支付支付支付支付支付".to_owned(), Scheme),
            (swap("RSA2048", "RSA4096"), Scheme),
            (format!("{SCHEME} "), Malformed { at: 26 }),
            (format!("{SCHEME} mchid"), Malformed { at: 26 }),
            (format!("{SCHEME} mchid="), Malformed { at: 26 }),
            (format!("{SCHEME} mchid=1"), Malformed { at: 26 }),
            (format!("{SCHEME} mchid=\"1"), Malformed { at: 26 }),
            (format!("{SCHEME} =\"1\""), Unknown { at: 26 }),
            (format!("{SCHEME} ,mchid=\"1\""), Unknown { at: 26 }),
            (format!("{SCHEME} MCHID=\"1\""), Unknown { at: 26 }),
            (format!("{SCHEME} mchid=\"1\"\"2\""), Malformed { at: 35 }),
            (format!("{SCHEME} mchid=\"1\" x"), Malformed { at: 36 }),
            (
                format!("{SCHEME} mchid=\"1\"; nonce_str=\"2\""),
                Malformed { at: 35 },
            ),
            (format!("{SCHEME} mchid=\"1\","), Malformed { at: 36 }),
            (format!("{SCHEME} mchid=\"1\",,"), Malformed { at: 36 }),
            (format!("{GOOD},"), Malformed { at: GOOD.len() + 1 }),
            (format!("{GOOD}\n"), Malformed { at: GOOD.len() }),
            (format!("{GOOD},x=\"y\""), Unknown { at: GOOD.len() + 1 }),
            (
                format!("{GOOD},mchid=\"1900000001\""),
                Duplicate(Parameter::Mchid),
            ),
            (
                format!("{GOOD},signature=\"\""),
                Duplicate(Parameter::Signature),
            ),
            (
                format!("{SCHEME} mchid=\"1\""),
                Missing(Parameter::NonceStr),
            ),
            (swap("mchid=\"1900000001\",", ""), Missing(Parameter::Mchid)),
            (
                swap("timestamp=\"1554208460\",", ""),
                Missing(Parameter::Timestamp),
            ),
            (
                swap("signature=\"c2ln\",", ""),
                Missing(Parameter::Signature),
            ),
            (format!("{GOOD}{}", " ".repeat(AUTHORIZATION_MAX)), TooLong),
            (swap("serial_no", "serial"), Unknown { at: 130 }),
            (
                swap(
                    ",serial_no=\"1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C\"",
                    "",
                ),
                Missing(Parameter::SerialNo),
            ),
        ];
        for (header, error) in cases {
            assert_eq!(parse(&header), Err(error), "{header}");
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        let swap = |from: &str, to: &str| GOOD.replacen(from, to, 1);
        let long = |count| format!("nonce_str=\"{}\"", "n".repeat(count));
        let nonce = "nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\"";
        let cases = [
            (swap("1900000001", ""), Parameter::Mchid),
            (swap("1900000001", "19000000x1"), Parameter::Mchid),
            (
                swap("1900000001", &"1".repeat(MCHID_MAX + 1)),
                Parameter::Mchid,
            ),
            (swap(nonce, &long(0)), Parameter::NonceStr),
            (swap(nonce, &long(NONCE_MAX + 1)), Parameter::NonceStr),
            (swap("593B", "钱"), Parameter::NonceStr),
            (swap("593B", "\t"), Parameter::NonceStr),
            (swap("593B", "\u{7f}"), Parameter::NonceStr),
            (swap("1554208460", ""), Parameter::Timestamp),
            (swap("1554208460", "01554208460"), Parameter::Timestamp),
            (swap("1554208460", "-1554208460"), Parameter::Timestamp),
            (swap("1554208460", "+1554208460"), Parameter::Timestamp),
            (swap("1554208460", "1554208460.0"), Parameter::Timestamp),
            (
                swap("1554208460", "99999999999999999999"),
                Parameter::Timestamp,
            ),
            (swap("1DDE", "1D DE"), Parameter::SerialNo),
            (swap("c2ln", ""), Parameter::Signature),
            (swap("c2ln", "c2l"), Parameter::Signature),
            (swap("c2ln", "c2 n"), Parameter::Signature),
            (swap("c2ln", "c2ln===="), Parameter::Signature),
            (swap("c2ln", &"AAAA".repeat(200)), Parameter::Signature),
        ];
        for (header, parameter) in cases {
            assert_eq!(
                parse(&header),
                Err(AuthorizationError::Value(parameter)),
                "{header}"
            );
        }
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics() {
        for cut in 0..GOOD.len() {
            assert!(parse(&GOOD[..cut]).is_err(), "{cut}");
            for other in ['"', ',', '=', ' ', '\0', 'é'] {
                let changed = format!("{}{other}{}", &GOOD[..cut], &GOOD[cut + 1..]);
                let _ = parse(&changed);
            }
        }
    }

    #[test]
    fn serials_are_numbers() {
        assert!(same_serial("0A1b", "a1B"));
        assert!(same_serial("000", "0"));
        assert!(!same_serial("A1B", "A1B0"));
        assert!(!same_serial("", "1"));
        assert!(!same_serial("é1", "1"));
    }
}
