//! Consumer-presented QR codes after EMVCo (EMV QRCPS, Consumer-Presented Mode 1.1): read strictly, and
//! written from a pay code.
//!
//! A payload is base64 of BER-TLV objects (EMV Book 3, annex B): `85` says the format, `CPV01`; each `61` is an
//! application, named in `4F`; `62` is what they share. `63` and `64` within them hold objects of the
//! application's own. Ours has the digits of a pay code there, and no card number (`57`, `5A`): nobody but this
//! server can tell whose they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::paycode::derive::CODE_DIGITS;

/// Longest payload, in characters (EMV QRCPS CPM, 3.1).
pub const PAYLOAD_CHARS_MAX: usize = 512;
/// Our application: not registered, so it begins with F (ISO/IEC 7816-4, 8.2.1.2), then our name.
const AID: &[u8] = b"\xF0FEIQIAN";
/// What a terminal may show.
const LABEL: &[u8] = b"FEIQIAN";
/// 18 digits, two a byte: a tag of the private class (ISO/IEC 8825-1, 8.1.2.2).
const PAY_CODE: u16 = 0xDF01;

const FORMAT: u16 = 0x85;
const FORMAT_VALUE: &[u8] = b"CPV01";
const APPLICATION: u16 = 0x61;
const COMMON: u16 = 0x62;
const NAME: u16 = 0x4F;
const APPLICATION_LABEL: u16 = 0x50;
const OWN: u16 = 0x63;
const COMMON_OWN: u16 = 0x64;

/// Why a text is no shopper's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not base64 of an object `85` that says `CPV01`: some other text.
    #[error("this is no EMV consumer code: those are base64 and begin with CPV01")]
    NotEmv,
    /// Longer than any.
    #[error("an EMV consumer code has at most {PAYLOAD_CHARS_MAX} characters")]
    TooLong,
    /// Tag or length are wrong, or the value ends too early.
    #[error("the code is broken at byte {at}")]
    Broken {
        /// Counted from 0, within the object that holds it.
        at: usize,
    },
    /// An object comes twice.
    #[error("object {tag:02X} comes twice")]
    Twice {
        /// Which.
        tag: u16,
    },
    /// An object that every code has is missing.
    #[error("object {tag:02X} is missing")]
    Missing {
        /// Which.
        tag: u16,
    },
    /// An object stands where it may not, or holds what it may not.
    #[error("object {tag:02X} is not as it may be")]
    Wrong {
        /// Which.
        tag: u16,
    },
}

/// A data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// One byte or two.
    pub tag: u16,
    /// Perhaps objects again.
    pub value: Vec<u8>,
}

/// What a shopper's code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerCode {
    /// At least one, each with its name.
    pub applications: Vec<Application>,
    /// What they share.
    pub common: Vec<Object>,
}

/// One way to charge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// 5 to 16 bytes.
    pub name: Vec<u8>,
    /// All other objects, in their order.
    pub others: Vec<Object>,
}

impl ConsumerCode {
    /// Reads a payload.
    ///
    /// # Errors
    /// Every [`Fault`].
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text.len() > PAYLOAD_CHARS_MAX {
            return Err(Fault::TooLong);
        }
        let bytes = STANDARD.decode(text).map_err(|_| Fault::NotEmv)?;
        let is_ours = bytes
            .strip_prefix(b"\x85\x05")
            .and_then(|rest| rest.get(..5));
        if is_ours != Some(FORMAT_VALUE) {
            return Err(Fault::NotEmv);
        }
        let mut code = Self {
            applications: Vec::new(),
            common: Vec::new(),
        };
        for object in objects(&bytes)?.into_iter().skip(1) {
            match object.tag {
                APPLICATION => code.applications.push(Application::read(&object.value)?),
                COMMON if code.common.is_empty() => code.common = common(&object.value)?,
                COMMON => return Err(Fault::Twice { tag: COMMON }),
                tag => return Err(Fault::Wrong { tag }),
            }
        }
        if code.applications.is_empty() {
            return Err(Fault::Missing { tag: APPLICATION });
        }
        Ok(code)
    }

    /// The pay code in it, if it is one of ours.
    #[must_use]
    pub fn pay_code(&self) -> Option<String> {
        let ours = self.applications.iter().find(|each| each.name == AID)?;
        let own = ours.others.iter().find(|object| object.tag == OWN)?;
        let own = objects(&own.value).ok()?;
        let digits = own.into_iter().find(|object| object.tag == PAY_CODE)?;
        let text: String = digits
            .value
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let is_code = text.len() == CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then_some(text)
    }
}

impl Application {
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut others = once_each(bytes)?;
        let place = others.iter().position(|object| object.tag == NAME);
        let place = place.ok_or(Fault::Missing { tag: NAME })?;
        let name = others.remove(place).value;
        if !(5..=16).contains(&name.len()) {
            return Err(Fault::Wrong { tag: NAME });
        }
        check_within(&others, OWN)?;
        Ok(Self { name, others })
    }
}

fn common(bytes: &[u8]) -> Result<Vec<Object>, Fault> {
    let found = once_each(bytes)?;
    check_within(&found, COMMON_OWN)?;
    match found.first() {
        Some(_) => Ok(found),
        None => Err(Fault::Wrong { tag: COMMON }),
    }
}

fn check_within(found: &[Object], tag: u16) -> Result<(), Fault> {
    let own = found.iter().find(|object| object.tag == tag);
    own.map_or(Ok(()), |own| once_each(&own.value).map(drop))
}

fn once_each(bytes: &[u8]) -> Result<Vec<Object>, Fault> {
    let found = objects(bytes)?;
    for (place, Object { tag, .. }) in found.iter().enumerate() {
        if found.iter().take(place).any(|before| before.tag == *tag) {
            return Err(Fault::Twice { tag: *tag });
        }
    }
    Ok(found)
}

/// Reads a row of objects with definite lengths, each written as short as it can be.
fn objects(bytes: &[u8]) -> Result<Vec<Object>, Fault> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while !rest.is_empty() {
        let broken = Fault::Broken {
            at: bytes.len() - rest.len(),
        };
        let (object, after) = object(rest).ok_or(broken)?;
        found.push(object);
        rest = after;
    }
    Ok(found)
}

fn object(bytes: &[u8]) -> Option<(Object, &[u8])> {
    let (tag, rest) = match bytes {
        [0, ..] => return None,
        [first, second @ 1..=0x7F, rest @ ..] if first & 0x1F == 0x1F => {
            (u16::from_be_bytes([*first, *second]), rest)
        }
        [first, ..] if first & 0x1F == 0x1F => return None,
        [first, rest @ ..] => (u16::from(*first), rest),
        [] => return None,
    };
    let (length, rest) = match rest {
        [length @ ..=0x7F, rest @ ..] => (usize::from(*length), rest),
        [0x81, length @ 0x80..=0xFF, rest @ ..] => (usize::from(*length), rest),
        [0x82, high @ 1..=0xFF, low, rest @ ..] => (u16::from_be_bytes([*high, *low]).into(), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    let value = value.to_vec();
    Some((Object { tag, value }, rest))
}

/// A pay code's payload; none if it is not 18 digits.
#[must_use]
pub fn write(pay_code: &str) -> Option<String> {
    if pay_code.len() != CODE_DIGITS || !pay_code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pairs = pay_code.as_bytes().chunks_exact(2);
    let digits: Vec<u8> = pairs
        .map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0'))
        .collect();
    let (mut own, mut application, mut payload) = (Vec::new(), Vec::new(), Vec::new());
    put(&mut own, PAY_CODE, &digits)?;
    put(&mut application, NAME, AID)?;
    put(&mut application, APPLICATION_LABEL, LABEL)?;
    put(&mut application, OWN, &own)?;
    put(&mut payload, FORMAT, FORMAT_VALUE)?;
    put(&mut payload, APPLICATION, &application)?;
    Some(STANDARD.encode(payload))
}

/// Appends an object; none if it is longer than any of ours.
fn put(bytes: &mut Vec<u8>, tag: u16, value: &[u8]) -> Option<()> {
    let length = u8::try_from(value.len())
        .ok()
        .filter(|length| *length < 0x80)?;
    match tag.to_be_bytes() {
        [0, tag] => bytes.push(tag),
        both => bytes.extend(both),
    }
    bytes.push(length);
    bytes.extend(value);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of EMV QRCPS Consumer-Presented Mode, annex.
    const PUBLISHED: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";

    #[test]
    fn the_published_example_is_understood() {
        let code = ConsumerCode::read(PUBLISHED).unwrap();
        let names: Vec<&[u8]> = code.applications.iter().map(|each| &*each.name).collect();
        assert_eq!(
            names,
            [b"\xA0\0\0\0\x55\x55\x55", b"\xA0\0\0\0\x66\x66\x66"]
        );
        let tags: Vec<u16> = code.common.iter().map(|object| object.tag).collect();
        assert_eq!(tags, [0x5A, 0x5F20, 0x5F2D, 0x64]);
        assert_eq!(code.common[1].value, b"CARDHOLDER/EMV");
        assert_eq!(code.pay_code(), None);
    }

    /// The phone writes the same: `web/scripts/vectors.mjs` reads this file too.
    #[test]
    fn the_phone_writes_the_same() {
        let vectors = include_str!("../../../../web/src/wallet/cpm.vectors.json");
        let vectors: Vec<[String; 2]> = serde_json::from_str(vectors).unwrap();
        assert!(!vectors.is_empty());
        for [digits, text] in vectors {
            assert_eq!(write(&digits), Some(text.clone()), "{digits}");
            let read = ConsumerCode::read(&text).unwrap().pay_code();
            assert_eq!(read, Some(digits));
        }
    }

    fn read(bytes: &[u8]) -> Result<ConsumerCode, Fault> {
        ConsumerCode::read(&STANDARD.encode(bytes))
    }

    #[test]
    fn faults_are_named() {
        let good = b"\x85\x05CPV01\x61\x07\x4F\x05\xA0\0\0\0\x01";
        let with = |more: &[u8]| read(&[good, more].concat());
        assert!(with(b"").is_ok());
        let rows: [(&[u8], Fault); 10] = [
            (b"\x62\0", Fault::Wrong { tag: 0x62 }),
            (b"\x62\x02\x50\0\x62\x02\x50\0", Fault::Twice { tag: 0x62 }),
            (b"\x50\x01A", Fault::Wrong { tag: 0x50 }),
            (b"\x61\x02\x50\0", Fault::Missing { tag: 0x4F }),
            (b"\x61\x03\x4F\x01\xA0", Fault::Wrong { tag: 0x4F }),
            (b"\x62\x04\x50\0\x50\0", Fault::Twice { tag: 0x50 }),
            (b"\x62\x05\x64\x03\x9F\x10\x01", Fault::Broken { at: 0 }),
            (b"\x62\x81\x02\x50\0", Fault::Broken { at: 16 }),
            (b"\x62\x80\x50\0\0\0", Fault::Broken { at: 16 }),
            (b"\0\0", Fault::Broken { at: 16 }),
        ];
        for (more, fault) in rows {
            assert_eq!(with(more), Err(fault), "{more:?}");
        }
        assert_eq!(read(&good[..7]), Err(Fault::Missing { tag: 0x61 }));
        assert_eq!(read(&good[..12]), Err(Fault::Broken { at: 7 }));
        for other in ["", "hello", "000201", "hQVDUFYwMg==", "130456789014333309"] {
            assert_eq!(ConsumerCode::read(other), Err(Fault::NotEmv), "{other}");
        }
        assert_eq!(ConsumerCode::read(&"A".repeat(513)), Err(Fault::TooLong));
        for bad in [
            "",
            "13045678901433330",
            "13045678901433330x",
            "１３０４５６",
        ] {
            assert_eq!(write(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(digits in "[0-9]{18}") {
            let text = write(&digits).unwrap();
            prop_assert_eq!(text.len(), 56);
            prop_assert_eq!(ConsumerCode::read(&text).unwrap().pay_code(), Some(digits));
        }
    }
}
