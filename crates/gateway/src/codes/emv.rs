//! Merchant-presented QR codes after EMVCo (EMV QRCPS, Merchant-Presented Mode 1.1): read strictly, and
//! written.
//!
//! A payload is a row of data objects: id (2 digits), length in characters (2 digits), value. It begins with
//! the format (`000201`) and ends with a CRC over all before its value. Objects 26 … 51, 62, 64 and 80 … 99
//! hold data objects again.

use core::fmt::Write as _;

/// Longest payload, in characters (version 25 of a QR code at level M holds more).
pub const PAYLOAD_CHARS_MAX: usize = 512;
/// Characters of a value.
const VALUE_CHARS_MAX: usize = 99;

/// CRC-16 with polynomial 0x1021 and first value 0xFFFF (ISO/IEC 13239, "CCITT-FALSE").
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            let next = crc << 1;
            if crc & 0x8000 == 0 {
                next
            } else {
                next ^ 0x1021
            }
        })
    })
}

/// Why a text is no merchant's code: the first fault from the left, but for the sum, which is looked at first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not begin as one: some other text.
    #[error("this is no EMV merchant code: those begin with 000201")]
    NotEmv,
    /// Longer than any.
    #[error("an EMV merchant code has at most {PAYLOAD_CHARS_MAX} characters")]
    TooLong,
    /// No sum at its end.
    #[error("the code's checksum is missing: the last object is 6304 and four hexadecimal digits")]
    NoChecksum,
    /// Misread, or changed.
    #[error("the code's checksum is wrong: it was misread or changed")]
    WrongChecksum,
    /// Id or length are no digits, or the value ends too early.
    #[error("the code is broken at character {at}")]
    Broken {
        /// Counted from 0, within the object that holds it.
        at: usize,
    },
    /// An object comes twice.
    #[error("object {id:02} comes twice")]
    Twice {
        /// Which.
        id: u8,
    },
    /// An object that every code has is missing.
    #[error("object {id:02} is missing")]
    Missing {
        /// Which.
        id: u8,
    },
    /// An object cannot hold this.
    #[error("object {id:02} holds what it may not")]
    Wrong {
        /// Which.
        id: u8,
    },
}

/// A data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// 0 … 99.
    pub id: u8,
    /// At least one character.
    pub value: String,
}

/// Reads a row of data objects, each id once.
///
/// # Errors
/// [`Fault::Broken`], [`Fault::Twice`].
pub fn objects(text: &str) -> Result<Vec<Object>, Fault> {
    let (mut rest, mut at, mut found) = (text, 0, Vec::<Object>::new());
    while !rest.is_empty() {
        let broken = Fault::Broken { at };
        let digits = |part: Option<&str>| {
            let part = part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            part.and_then(|part| part.parse::<u8>().ok())
        };
        let (id, length) = (digits(rest.get(..2)), digits(rest.get(2..4)));
        let (Some(id), Some(length @ 1..)) = (id, length) else {
            return Err(broken);
        };
        let body = rest.get(4..).unwrap_or_default();
        let length = usize::from(length);
        if body.chars().count() < length {
            return Err(broken);
        }
        let end = body
            .char_indices()
            .nth(length)
            .map_or(body.len(), |(end, _)| end);
        let (value, after) = body.split_at(end);
        if found.iter().any(|object| object.id == id) {
            return Err(Fault::Twice { id });
        }
        found.push(Object {
            id,
            value: value.to_owned(),
        });
        (rest, at) = (after, at + 4 + length);
    }
    Ok(found)
}

/// What a merchant's code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantCode {
    /// Good for many payments (`11`), not for one (`12`).
    pub fixed: bool,
    /// Merchant category code (ISO 18245).
    pub category: u16,
    /// ISO 4217, as a number: 156 for CNY.
    pub currency: u16,
    /// As written: digits with at most one point; absent: the payer is asked.
    pub amount: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// At most 25 characters.
    pub name: String,
    /// At most 15 characters.
    pub city: String,
    /// All other objects, in their order: accounts (02 … 51), postal code, additional data, templates.
    pub others: Vec<Object>,
}

impl MerchantCode {
    /// Reads a payload.
    ///
    /// # Errors
    /// Every [`Fault`].
    pub fn read(text: &str) -> Result<Self, Fault> {
        if !text.starts_with("000201") {
            return Err(Fault::NotEmv);
        }
        if text.chars().count() > PAYLOAD_CHARS_MAX {
            return Err(Fault::TooLong);
        }
        let split = text
            .len()
            .checked_sub(4)
            .and_then(|end| text.split_at_checked(end));
        let (before, sum) = split.ok_or(Fault::NoChecksum)?;
        let hexadecimal = sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !before.ends_with("6304") || !hexadecimal {
            return Err(Fault::NoChecksum);
        }
        if u16::from_str_radix(sum, 16) != Ok(crc16(before.as_bytes())) {
            return Err(Fault::WrongChecksum);
        }
        let mut found = objects(text)?;
        // By the checks above the first is the format; a sum that is part of another value is none.
        if found.pop_if(|last| last.id == 63).is_none() {
            return Err(Fault::NoChecksum);
        }
        found.remove(0);
        Self::of(found)
    }

    fn of(mut found: Vec<Object>) -> Result<Self, Fault> {
        let mut take = |id: u8| {
            let place = found.iter().position(|object| object.id == id);
            place.map(|place| found.remove(place).value)
        };
        let fixed = match take(1).as_deref() {
            None | Some("11") => true,
            Some("12") => false,
            Some(_) => return Err(Fault::Wrong { id: 1 }),
        };
        let mut must = |id: u8, fits: fn(&str) -> bool| {
            let value = take(id).ok_or(Fault::Missing { id })?;
            fits(&value).then_some(value).ok_or(Fault::Wrong { id })
        };
        let number = |id, text: String| text.parse().map_err(|_| Fault::Wrong { id });
        let category = number(52, must(52, |text| digits(text, 4))?)?;
        let currency = number(53, must(53, |text| digits(text, 3))?)?;
        let country = must(58, |text| {
            text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
        })?;
        let name = must(59, |text| printable(text, 25))?;
        let city = must(60, |text| printable(text, 15))?;
        let amount = take(54);
        if amount.as_deref().is_some_and(|amount| !is_amount(amount)) {
            return Err(Fault::Wrong { id: 54 });
        }
        let others = found;
        if !others.iter().any(|object| (2..=51).contains(&object.id)) {
            return Err(Fault::Missing { id: 26 });
        }
        Ok(Self {
            fixed,
            category,
            currency,
            amount,
            country,
            name,
            city,
            others,
        })
    }

    /// The payload; none if a text is too long for its object.
    #[must_use]
    pub fn write(&self) -> Option<String> {
        let mut text = String::from("000201");
        put(&mut text, 1, if self.fixed { "11" } else { "12" })?;
        let others = |from: u8, to: u8| {
            let within = move |object: &&Object| (from..=to).contains(&object.id);
            self.others.iter().filter(within)
        };
        for object in others(2, 51) {
            put(&mut text, object.id, &object.value)?;
        }
        put(&mut text, 52, &format!("{:04}", self.category))?;
        put(&mut text, 53, &format!("{:03}", self.currency))?;
        if let Some(amount) = &self.amount {
            put(&mut text, 54, amount)?;
        }
        for object in others(55, 57) {
            put(&mut text, object.id, &object.value)?;
        }
        for (id, value) in [(58, &self.country), (59, &self.name), (60, &self.city)] {
            put(&mut text, id, value)?;
        }
        for object in others(61, 99) {
            put(&mut text, object.id, &object.value)?;
        }
        text.push_str("6304");
        let sum = crc16(text.as_bytes());
        write!(text, "{sum:04X}").ok()?;
        (text.chars().count() <= PAYLOAD_CHARS_MAX).then_some(text)
    }

    /// The objects within another one, such as a template.
    ///
    /// # Errors
    /// As [`objects`].
    pub fn within(&self, id: u8) -> Result<Option<Vec<Object>>, Fault> {
        let template = self.others.iter().find(|object| object.id == id);
        template.map(|object| objects(&object.value)).transpose()
    }
}

/// Appends a data object; none if the value is empty or too long.
#[must_use]
pub fn put(text: &mut String, id: u8, value: &str) -> Option<()> {
    let length = value.chars().count();
    if !(1..=VALUE_CHARS_MAX).contains(&length) || id > 99 {
        return None;
    }
    write!(text, "{id:02}{length:02}{value}").ok()
}

fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn printable(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// Digits with at most one point, 13 characters at most, more than nothing (EMV QRCPS 4.7.8).
fn is_amount(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 13 && !whole.is_empty() && all_digits(whole) && all_digits(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of EMV QRCPS Merchant-Presented Mode, annex.
    const PUBLISHED: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";

    #[test]
    fn the_published_sum() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn the_published_example_is_understood() {
        let code = MerchantCode::read(PUBLISHED).unwrap();
        assert_eq!(
            (code.name.as_str(), code.city.as_str()),
            ("BEST TRANSPORT", "BEIJING")
        );
        assert_eq!(
            (code.category, code.currency, code.country.as_str()),
            (4111, 156, "CN")
        );
        assert_eq!((code.amount.as_deref(), code.fixed), (Some("23.72"), false));
        let language = code.within(64).unwrap().unwrap();
        assert_eq!(language[1].value, "最佳运输");
        let again = MerchantCode::read(&code.write().unwrap()).unwrap();
        assert_eq!(again.name, code.name);
        assert_eq!(again.others.len(), code.others.len());
    }

    fn summed(text: &str) -> String {
        let text = format!("{text}6304");
        let sum = crc16(text.as_bytes());
        format!("{text}{sum:04X}")
    }

    #[test]
    fn faults_are_named() {
        let good = "00020101021126060002AB5204581253031565802CN5904SHOP6004CITY";
        assert!(MerchantCode::read(&summed(good)).is_ok());
        let wrong = |from: &str, to: &str| MerchantCode::read(&summed(&good.replace(from, to)));
        assert_eq!(MerchantCode::read("https://a.cn/q/x"), Err(Fault::NotEmv));
        assert_eq!(MerchantCode::read("000201"), Err(Fault::NoChecksum));
        assert_eq!(MerchantCode::read(good), Err(Fault::NoChecksum));
        let flipped = summed(good).replace("SHOP", "SHOQ");
        assert_eq!(MerchantCode::read(&flipped), Err(Fault::WrongChecksum));
        assert_eq!(wrong("5904SHOP", ""), Err(Fault::Missing { id: 59 }));
        assert_eq!(
            wrong("26060002AB", "85060002AB"),
            Err(Fault::Missing { id: 26 })
        );
        assert_eq!(wrong("5802CN", "5802cn"), Err(Fault::Wrong { id: 58 }));
        assert_eq!(wrong("010211", "010213"), Err(Fault::Wrong { id: 1 }));
        assert_eq!(wrong("5802CN", "5802CN5401,"), Err(Fault::Wrong { id: 54 }));
        assert_eq!(
            wrong("5802CN", "5802CN5802CN"),
            Err(Fault::Twice { id: 58 })
        );
        assert_eq!(wrong("6004CITY", "60x4CITY"), Err(Fault::Broken { at: 51 }));
        let long = summed(&format!("{good}{}", "8099".repeat(200)));
        assert_eq!(MerchantCode::read(&long), Err(Fault::TooLong));
    }
}
