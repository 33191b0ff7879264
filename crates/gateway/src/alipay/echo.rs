//! What an order keeps of Alipay's fields that the rules have no use for, as compact JSON in the order's terms:
//! some are shown again, all are compared when the order is placed again.

use feiqian_core::limits::ECHO_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::biz::Biz;
use super::error::AlipayError;

/// The fields kept.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Echo {
    /// `subject`, where it is longer than an order's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passback_params: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_id: Option<String>,
    /// Where the shopper's browser goes after paying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Which page was asked for: part of the answer at `return_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

impl Echo {
    /// From a request's content.
    pub(super) fn of(biz: &Biz) -> Result<Self, AlipayError> {
        Ok(Self {
            body: biz.text_if("body", 400)?,
            passback_params: biz.text_if("passback_params", 512)?,
            product_code: biz.text_if("product_code", 64)?,
            store_id: biz.text_if("store_id", 64)?,
            operator_id: biz.text_if("operator_id", 64)?,
            terminal_id: biz.text_if("terminal_id", 64)?,
            ..Self::default()
        })
    }

    /// As the order keeps it: none if there is nothing to keep.
    pub fn write(&self) -> Result<Option<String>, AlipayError> {
        if *self == Self::default() {
            return Ok(None);
        }
        let text = serde_json::to_string(self).map_err(|error| AlipayError::system(&error))?;
        if text.len() > ECHO_BYTES_MAX {
            return Err(AlipayError::field("biz_content", "总长度过长"));
        }
        Ok(Some(text))
    }

    /// From an order; nothing from what another API kept.
    pub fn read(kept: Option<&str>) -> Self {
        kept.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}
