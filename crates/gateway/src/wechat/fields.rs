//! Reads the fields of a JSON body, strictly: every field that this API knows has the type, length
//! and characters that it may have, and what is wrong is said by the field's name.
//!
//! Fields it does not know are accepted, and `null` is as good as left out.

use std::ops::RangeInclusive;

use feiqian_core::Fen;
use feiqian_core::limits::{AMOUNT_MAX, AMOUNT_MIN};
use serde_json::{Map, Value};

use super::error::{Code, WechatError};

/// Longest text repeated in an error, in characters.
const REPEATED_MAX: usize = 64;

/// An object of a request's body.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
}

/// Parses a body, which must be one JSON object.
pub(crate) fn parse(body: &[u8]) -> Result<Value, WechatError> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(not_an_object()),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let place = format!("请求体不是有效的UTF-8 JSON（第{line}行第{column}列）");
            Err(WechatError::new(Code::ParamError, place))
        }
    }
}

fn not_an_object() -> WechatError {
    WechatError::new(Code::ParamError, "请求体须为JSON对象")
}

impl<'a> Fields<'a> {
    /// The fields of a parsed body.
    pub fn of(body: &'a Value) -> Result<Self, WechatError> {
        match body {
            Value::Object(object) => Ok(Self {
                object,
                path: String::new(),
            }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(not_an_object()),
        }
    }

    /// The error of one field.
    pub fn wrong(&self, name: &str, issue: impl Into<String>) -> WechatError {
        let field = format!("{}/{name}", self.path);
        let value = self.get(name).filter(|value| match value {
            Value::String(text) => text.chars().count() <= REPEATED_MAX,
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::Array(_) | Value::Object(_) => false,
        });
        // Who pays, and by which code, is repeated nowhere.
        let value = value.filter(|_| !self.path.starts_with("/payer")).cloned();
        WechatError::parameter("body", field, value, issue.into())
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn required<T>(&self, name: &str, read: Option<T>) -> Result<T, WechatError> {
        read.ok_or_else(|| self.wrong(name, "为必填项"))
    }

    /// A text, if it is there.
    pub fn text_if(
        &self,
        name: &str,
        chars: RangeInclusive<usize>,
    ) -> Result<Option<&'a str>, WechatError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if chars.contains(&text.chars().count()) => Ok(Some(text)),
            Some(Value::String(_)) => {
                let (from, to) = (chars.start(), chars.end());
                Err(self.wrong(name, format!("长度须为{from}到{to}个字符")))
            }
            Some(_) => Err(self.wrong(name, "须为字符串")),
        }
    }

    /// A text.
    pub fn text(&self, name: &str, chars: RangeInclusive<usize>) -> Result<&'a str, WechatError> {
        let text = self.text_if(name, chars)?;
        self.required(name, text)
    }

    /// A text of which every character is allowed.
    pub fn code(
        &self,
        name: &str,
        chars: RangeInclusive<usize>,
        others: &[u8],
    ) -> Result<&'a str, WechatError> {
        let text = self.text(name, chars)?;
        if text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
        {
            return Ok(text);
        }
        let others = String::from_utf8_lossy(others);
        Err(self.wrong(name, format!("只能包含数字、字母和{others}")))
    }

    /// A whole number within a range, if it is there.
    pub fn integer_if(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, WechatError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_i64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (from, to) = (range.start(), range.end());
                Err(self.wrong(name, format!("须为{from}到{to}的整数")))
            }
        }
    }

    /// An amount in fen.
    pub fn amount(&self, name: &str) -> Result<Fen, WechatError> {
        let fen = self.integer_if(name, AMOUNT_MIN.0..=AMOUNT_MAX.0)?;
        self.required(name, fen).map(Fen)
    }

    /// A whole number within a range.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<i64, WechatError> {
        let number = self.integer_if(name, range)?;
        self.required(name, number)
    }

    /// A field as it was sent.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.get(name)
    }

    /// The texts of a list; none if it is not there.
    pub fn texts(&self, name: &str, most: usize) -> Result<Vec<&'a str>, WechatError> {
        let texts = self.list(name, most)?.iter().map(Value::as_str);
        texts
            .collect::<Option<_>>()
            .ok_or_else(|| self.wrong(name, "须为字符串数组"))
    }

    /// The whole numbers of a list, each within a range; none if it is not there.
    pub fn integers(
        &self,
        name: &str,
        most: usize,
        range: RangeInclusive<i64>,
    ) -> Result<Vec<i64>, WechatError> {
        let number = |value: &Value| value.as_i64().filter(|number| range.contains(number));
        let numbers = self.list(name, most)?.iter().map(number);
        numbers.collect::<Option<_>>().ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            self.wrong(name, format!("须为{from}到{to}的整数数组"))
        })
    }

    fn list(&self, name: &str, most: usize) -> Result<&'a [Value], WechatError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) if list.len() <= most => Ok(list),
            Some(_) => Err(self.wrong(name, format!("须为不超过{most}项的数组"))),
        }
    }

    /// A yes or no, if it is there.
    pub fn flag_if(&self, name: &str) -> Result<Option<bool>, WechatError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(name, "须为true或false")),
        }
    }

    /// An object, if it is there.
    pub fn object_if(&self, name: &str) -> Result<Option<Self>, WechatError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self {
                object,
                path: format!("{}/{name}", self.path),
            })),
            Some(_) => Err(self.wrong(name, "须为JSON对象")),
        }
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Self, WechatError> {
        let object = self.object_if(name)?;
        self.required(name, object)
    }

    /// The objects of a list; none if it is not there.
    pub fn objects(&self, name: &str, most: usize) -> Result<Vec<Self>, WechatError> {
        let list = self.list(name, most)?;
        let object = |(place, value): (usize, &'a Value)| {
            let object = value
                .as_object()
                .ok_or_else(|| self.wrong(name, "须为对象数组"))?;
            Ok(Self {
                object,
                path: format!("{}/{name}/{place}", self.path),
            })
        };
        list.iter().enumerate().map(object).collect()
    }

    /// The currency, which is CNY if it is there.
    pub fn currency(&self) -> Result<(), WechatError> {
        match self.text_if("currency", 1..=16)? {
            None | Some("CNY") => Ok(()),
            Some(_) => Err(self.wrong("currency", "仅支持CNY")),
        }
    }

    /// Whether it has this field.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong<T: std::fmt::Debug>(read: Result<T, WechatError>) -> String {
        let error = read.unwrap_err();
        assert_eq!(error.code, Code::ParamError);
        error
            .detail
            .map(|detail| detail.field.into_owned())
            .unwrap_or_default()
    }

    #[test]
    fn amounts_are_whole_positive_and_no_text() {
        for bad in [
            "0",
            "-1",
            "1.0",
            "1e2",
            "1000000000001",
            "1e30",
            "\"1\"",
            "true",
            "[]",
            "null",
        ] {
            let body = parse(format!("{{\"amount\":{{\"total\":{bad}}}}}").as_bytes()).unwrap();
            let amount = Fields::of(&body).unwrap().object("amount").unwrap();
            assert_eq!(wrong(amount.amount("total")), "/amount/total", "{bad}");
        }
        let body = parse(b"{\"total\":1000000000000}").unwrap();
        assert_eq!(Fields::of(&body).unwrap().amount("total"), Ok(AMOUNT_MAX));
    }

    #[test]
    fn texts_have_their_length_in_characters_and_their_alphabet() {
        let body = parse(r#"{"a":"好好","b":"a|b","c":5,"d":null}"#.as_bytes()).unwrap();
        let fields = Fields::of(&body).unwrap();
        assert_eq!(fields.text("a", 1..=2), Ok("好好"));
        assert_eq!(wrong(fields.text("a", 1..=1)), "/a");
        assert_eq!(fields.code("b", 1..=3, b"|"), Ok("a|b"));
        assert_eq!(wrong(fields.code("b", 1..=3, b"")), "/b");
        assert_eq!(wrong(fields.text("c", 1..=1)), "/c");
        assert_eq!(wrong(fields.text("d", 1..=1)), "/d");
        assert_eq!(fields.text_if("d", 1..=1), Ok(None));
        assert_eq!(wrong(fields.object("a")), "/a");
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for bad in [
            &b""[..],
            b"{\"appid\":",
            b"[]",
            b"\"order\"",
            b"null",
            b"{}{}",
            b"{\"a\":NaN}",
            b"{\"a\":\"\xff\"}",
            br#"{"a":"\ud800"}"#,
            &[b'['; 10_000],
        ] {
            assert_eq!(parse(bad).unwrap_err().code, Code::ParamError);
        }
    }

    #[test]
    fn who_pays_is_not_repeated() {
        let body = parse(br#"{"payer":{"auth_code":"12"},"x":"12"}"#).unwrap();
        let fields = Fields::of(&body).unwrap();
        let value = |error: WechatError| error.detail.unwrap().value;
        assert_eq!(
            value(fields.object("payer").unwrap().wrong("auth_code", "")),
            None
        );
        assert_eq!(value(fields.wrong("x", "")), Some(Value::from("12")));
    }
}
