//! The answer's exact bytes: `{"<node>":<content>,"sign":"…"}` (contract 2.8).
//!
//! SDKs cut the content out of the text and verify it as it stands. So the content is written once, signed,
//! and put in as it is. Braces inside texts are escaped, since one SDK counts them without looking at quotes;
//! all that is not ASCII is escaped where the answer's charset is not UTF-8.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// Writes content.
///
/// # Errors
/// Of what cannot be JSON.
pub fn content(value: &impl Serialize, ascii: bool) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Careful { ascii });
    value.serialize(&mut serializer)?;
    Ok(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

/// The whole answer.
#[must_use]
pub fn answer(node: &str, content: &str, certificate: Option<&str>, sign: &str) -> String {
    let certificate = certificate.map_or(String::new(), |number| {
        format!(",\"alipay_cert_sn\":\"{number}\"")
    });
    format!("{{\"{node}\":{content}{certificate},\"sign\":\"{sign}\"}}")
}

struct Careful {
    ascii: bool,
}

impl Formatter for Careful {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (place, c) in fragment.char_indices() {
            if !matches!(c, '{' | '}') && (c.is_ascii() || !self.ascii) {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..place])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = place + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn braces_in_texts_are_escaped_and_read_back() {
        let value = json!({ "a": "}{面😀\"\\", "b": [{}] });
        let utf8 = content(&value, false).unwrap();
        assert_eq!(utf8, r#"{"a":"\u007d\u007b面😀\"\\","b":[{}]}"#);
        let ascii = content(&value, true).unwrap();
        assert_eq!(
            ascii,
            r#"{"a":"\u007d\u007b\u9762\ud83d\ude00\"\\","b":[{}]}"#
        );
        for text in [utf8, ascii] {
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read, value);
        }
    }

    #[test]
    fn the_sign_follows_the_content() {
        assert_eq!(
            answer("n", "{}", None, "c2lnbg=="),
            r#"{"n":{},"sign":"c2lnbg=="}"#
        );
        assert_eq!(
            answer("n", "{}", Some("5e"), "s"),
            r#"{"n":{},"alipay_cert_sn":"5e","sign":"s"}"#
        );
    }
}
