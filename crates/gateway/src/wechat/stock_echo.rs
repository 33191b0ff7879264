//! What a stock of coupons keeps of WeChat Pay's fields that the rules have no use for, as compact JSON in
//! its campaign's terms: they are shown again as they were given.

use feiqian_core::limits::ECHO_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::WechatError;
use super::fields::Fields;

/// Which of the two coupon APIs a stock came by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Api {
    /// None of them.
    #[default]
    None,
    /// 代金券.
    Favor,
    /// 商家券.
    Busifavor,
}

/// The fields kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StockEcho {
    pub api: Api,
    /// 免充值.
    pub no_cash: bool,
    /// Everything else, as it was sent.
    pub shown: Map<String, Value>,
}

impl StockEcho {
    /// Of a request: the fields of these names.
    pub fn of(api: Api, no_cash: bool, fields: &Fields<'_>, names: &[&str]) -> Self {
        let kept = |name: &&str| Some(((*name).to_owned(), fields.value(name)?.clone()));
        Self {
            api,
            no_cash,
            shown: names.iter().filter_map(kept).collect(),
        }
    }

    /// As the campaign keeps it.
    pub fn write(&self) -> Result<String, WechatError> {
        let text = serde_json::to_string(self).map_err(|error| WechatError::system(&error))?;
        if text.len() > ECHO_BYTES_MAX {
            let issue = format!("批次信息总长度不能超过{ECHO_BYTES_MAX}字节");
            return Err(WechatError::parameter("body", "", None, issue));
        }
        Ok(text)
    }

    /// From a campaign; nothing from what another API kept.
    pub fn read(kept: Option<&str>) -> Self {
        kept.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// A field as it was given.
    pub fn text(&self, name: &str) -> &str {
        self.shown
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A field as it was given.
    pub fn value(&self, name: &str) -> Value {
        self.shown.get(name).cloned().unwrap_or_default()
    }
}
