//! Reads `biz_content`. SDKs send numbers as numbers or as texts: both are taken.

use feiqian_core::{Fen, Number};
use serde_json::{Map, Value};

use super::error::{AlipayError, Code};
use super::money;
use super::params::Params;

/// The content of a request.
#[derive(Debug, Default)]
pub(super) struct Biz(Map<String, Value>);

impl Biz {
    /// From its text; none sent is an empty one.
    pub fn read(text: Option<&str>) -> Result<Self, AlipayError> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) | Err(_) => Err(AlipayError::new(
                Code::Invalid,
                "isv.invalid-parameter",
                "biz_content不是JSON对象",
            )),
        }
    }

    /// From a query: every field is a text.
    pub fn of_params(params: &Params) -> Self {
        let texts = params.texts();
        Self(texts.map(|(name, value)| (name, value.into())).collect())
    }

    /// A text of at most so many characters, unless it is absent or empty.
    pub fn text_if(&self, name: &str, max: usize) -> Result<Option<String>, AlipayError> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(AlipayError::field(name, "须为字符串"));
            }
        };
        if text.is_empty() {
            return Ok(None);
        }
        if text.chars().count() > max {
            return Err(AlipayError::field(name, &format!("长度不能超过{max}")));
        }
        Ok(Some(text))
    }

    /// A text that must be there.
    pub fn text(&self, name: &str, max: usize) -> Result<String, AlipayError> {
        self.text_if(name, max)?
            .ok_or_else(|| AlipayError::field(name, "不能为空"))
    }

    /// An amount that must be there.
    pub fn amount(&self, name: &str) -> Result<Fen, AlipayError> {
        let value = self
            .0
            .get(name)
            .ok_or_else(|| AlipayError::field(name, "不能为空"))?;
        money::read(value).ok_or_else(|| {
            AlipayError::field(name, "须为0.01到100000000.00，最多两位小数，单位为元")
        })
    }

    /// `out_trade_no`, if it is there.
    pub fn number_if(&self, name: &str) -> Result<Option<Number>, AlipayError> {
        let Some(text) = self.text_if(name, 64)? else {
            return Ok(None);
        };
        let number = Number::new(&text);
        number
            .map(Some)
            .map_err(|_| AlipayError::field(name, "只能由64个以内的数字、字母和_-|*@.:组成"))
    }

    /// Whether a list of texts names this one.
    pub fn asks_for(&self, option: &str) -> bool {
        let options = self.0.get("query_options").and_then(Value::as_array);
        options.is_some_and(|options| options.iter().any(|found| found == option))
    }
}
