//! What was sent: parameters of the query and of the body together, and the text that was signed over them
//! (contract 2.7).
//!
//! Names and values are kept as the bytes they were, for they were signed in the client's charset.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::{Encoding, GBK, UTF_8};
use percent_encoding::percent_decode;

/// Most parameters of one request.
pub const COUNT_MAX: usize = 100;

/// Parameters, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<Vec<u8>, Vec<u8>>);

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadParams {
    /// One name with two values.
    #[error("a parameter was sent twice with different values")]
    Twice,
    /// More than [`COUNT_MAX`].
    #[error("there are more than {COUNT_MAX} parameters")]
    TooMany,
}

impl Params {
    /// Adds those of a query or of a form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// [`BadParams`].
    pub fn add_form(&mut self, form: &[u8]) -> Result<(), BadParams> {
        for pair in form.split(|c| *c == b'&').filter(|pair| !pair.is_empty()) {
            let place = pair.iter().position(|c| *c == b'=');
            let (name, value) =
                place.map_or((pair, &pair[..0]), |at| (&pair[..at], &pair[at + 1..]));
            self.add(decoded(name), decoded(value))?;
        }
        Ok(())
    }

    /// Adds one. The same again changes nothing.
    ///
    /// # Errors
    /// [`BadParams`].
    pub fn add(&mut self, name: Vec<u8>, value: Vec<u8>) -> Result<(), BadParams> {
        if let Some(known) = self.0.get(&name) {
            return if *known == value {
                Ok(())
            } else {
                Err(BadParams::Twice)
            };
        }
        if self.0.len() == COUNT_MAX {
            return Err(BadParams::TooMany);
        }
        self.0.insert(name, value);
        Ok(())
    }

    /// The text that was signed: all but `sign`, in the order of their names. Some SDKs leave empty values out,
    /// others do not.
    #[must_use]
    pub fn signed_text(&self, with_empty: bool) -> Vec<u8> {
        let mut text = Vec::new();
        for (name, value) in &self.0 {
            if name == b"sign" || value.is_empty() && !with_empty {
                continue;
            }
            if !text.is_empty() {
                text.push(b'&');
            }
            text.extend_from_slice(name);
            text.push(b'=');
            text.extend_from_slice(value);
        }
        text
    }

    /// Whether any value is empty.
    #[must_use]
    pub fn has_empty(&self) -> bool {
        self.0.values().any(Vec::is_empty)
    }

    /// A value that is not empty, as text; none if it is no text of the request's charset.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self
            .0
            .get(name.as_bytes())
            .filter(|value| !value.is_empty())?;
        let charset = self.charset().unwrap_or(UTF_8);
        charset.decode_without_bom_handling_and_without_replacement(value)
    }

    /// All that are texts of UTF-8.
    pub fn texts(&self) -> impl Iterator<Item = (String, String)> {
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).ok();
        let pair = move |(name, value)| Some((text(name)?, text(value)?));
        self.0.iter().filter_map(pair)
    }

    /// The charset that `charset` names; none if it is not known. UTF-8 if none is named.
    #[must_use]
    pub fn charset(&self) -> Option<&'static Encoding> {
        let Some(name) = self
            .0
            .get(b"charset".as_slice())
            .filter(|name| !name.is_empty())
        else {
            return Some(UTF_8);
        };
        match name.to_ascii_lowercase().as_slice() {
            b"utf-8" | b"utf8" => Some(UTF_8),
            b"gbk" | b"gb2312" | b"gb18030" => Some(GBK),
            _ => None,
        }
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = text
        .iter()
        .map(|c| if *c == b'+' { b' ' } else { *c })
        .collect();
    percent_decode(&blanks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str]) -> Result<Params, BadParams> {
        let mut params = Params::default();
        for part in parts {
            params.add_form(part.as_bytes())?;
        }
        Ok(params)
    }

    #[test]
    fn query_and_body_are_one_and_the_text_is_in_the_order_of_names() {
        let params = of(&[
            "method=a.b&sign=x&charset=utf-8",
            "biz_content=%7B%22a%22%3A%22%E5%BA%97+1%2B%22%7D&empty=",
        ])
        .unwrap();
        let text = |with_empty| String::from_utf8(params.signed_text(with_empty)).unwrap();
        assert_eq!(
            text(false),
            "biz_content={\"a\":\"店 1+\"}&charset=utf-8&method=a.b"
        );
        assert_eq!(
            text(true),
            "biz_content={\"a\":\"店 1+\"}&charset=utf-8&empty=&method=a.b"
        );
        assert_eq!(
            params.text("biz_content").as_deref(),
            Some("{\"a\":\"店 1+\"}")
        );
        assert_eq!(params.text("empty"), None);
        assert!(params.has_empty());
    }

    #[test]
    fn gbk_is_signed_as_it_was_sent_and_read_as_text() {
        let params = of(&["charset=GBK&subject=%B5%EA"]).unwrap();
        assert_eq!(params.text("subject").as_deref(), Some("店"));
        assert_eq!(params.signed_text(false), b"charset=GBK&subject=\xb5\xea");
        assert_eq!(of(&["charset=latin1"]).unwrap().charset(), None);
        assert_eq!(of(&["a=%ff%fe"]).unwrap().text("a"), None);
    }

    #[test]
    fn one_name_has_one_value() {
        assert_eq!(of(&["a=1", "a=2"]), Err(BadParams::Twice));
        assert_eq!(of(&["a=1&b", "a=1"]), of(&["b=&a=1"]));
        let many: Vec<String> = (0..=COUNT_MAX).map(|n| format!("p{n}=1")).collect();
        assert_eq!(of(&[&many.join("&")]), Err(BadParams::TooMany));
    }
}
