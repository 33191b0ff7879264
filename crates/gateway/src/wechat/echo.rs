//! What an order keeps of WeChat Pay's fields that the rules have no use for, as compact JSON in the
//! order's terms: some are shown again, all are compared when the order is placed again.
//!
//! Left out on purpose: addresses of networks and places (`payer_client_ip`, a shop's address), which
//! are personal or known already, and have no place in a log that is kept for ever.

use feiqian_core::limits::{AMOUNT_MAX, ECHO_BYTES_MAX};
use serde::{Deserialize, Serialize};

use super::error::WechatError;
use super::fields::Fields;

/// Most goods of one order.
const GOODS_MAX: usize = 100;

/// The fields kept.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Echo {
    /// `scene_info.device_id`, shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// `scene_info.store_info.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_fapiao: Option<bool>,
    /// `settle_info.profit_sharing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit_sharing: Option<bool>,
    /// `detail.cost_price`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_price: Option<i64>,
    /// `detail.invoice_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<String>,
    /// `detail.goods_detail`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goods: Vec<Goods>,
}

/// One kind of goods.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Goods {
    pub merchant_goods_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechatpay_goods_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_name: Option<String>,
    pub quantity: i64,
    pub unit_price: i64,
}

impl Echo {
    /// From a request's body.
    pub fn of(fields: &Fields<'_>) -> Result<Self, WechatError> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let mut echo = Self {
            goods_tag: owned(fields.text_if("goods_tag", 1..=32)?),
            support_fapiao: fields.flag_if("support_fapiao")?,
            ..Self::default()
        };
        if let Some(scene) = fields.object_if("scene_info")? {
            echo.device_id = owned(scene.text_if("device_id", 1..=32)?);
            if let Some(store) = scene.object_if("store_info")? {
                echo.store_id = owned(store.text_if("id", 1..=32)?);
            }
        }
        if let Some(settle) = fields.object_if("settle_info")? {
            echo.profit_sharing = settle.flag_if("profit_sharing")?;
        }
        if let Some(detail) = fields.object_if("detail")? {
            echo.cost_price = detail.integer_if("cost_price", 0..=AMOUNT_MAX.0)?;
            echo.invoice_id = owned(detail.text_if("invoice_id", 1..=32)?);
            let goods = detail.objects("goods_detail", GOODS_MAX)?;
            echo.goods = goods.iter().map(Goods::of).collect::<Result<_, _>>()?;
        }
        Ok(echo)
    }

    /// As the order keeps it: none if there is nothing to keep.
    pub fn write(&self, fields: &Fields<'_>) -> Result<Option<String>, WechatError> {
        if *self == Self::default() {
            return Ok(None);
        }
        let text = serde_json::to_string(self).map_err(|error| WechatError::system(&error))?;
        if text.len() > ECHO_BYTES_MAX {
            return Err(fields.wrong("detail", format!("总长度不能超过{ECHO_BYTES_MAX}字节")));
        }
        Ok(Some(text))
    }

    /// From an order; nothing from what another API kept.
    pub fn read(kept: Option<&str>) -> Self {
        kept.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

impl Goods {
    fn of(fields: &Fields<'_>) -> Result<Self, WechatError> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let whole = |name, from| match fields.integer_if(name, from..=AMOUNT_MAX.0)? {
            Some(number) => Ok(number),
            None => Err(fields.wrong(name, "为必填项")),
        };
        Ok(Self {
            merchant_goods_id: fields.text("merchant_goods_id", 1..=32)?.to_owned(),
            wechatpay_goods_id: owned(fields.text_if("wechatpay_goods_id", 1..=32)?),
            goods_name: owned(fields.text_if("goods_name", 1..=256)?),
            quantity: whole("quantity", 1)?,
            unit_price: whole("unit_price", 0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::parse;
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_addresses_are_not_kept() {
        let body = parse(
            r#"{"goods_tag":"G","support_fapiao":false,"scene_info":{"payer_client_ip":"203.0.113.9",
            "device_id":"013","store_info":{"id":"0001","address":"深圳"}},"detail":{"cost_price":1,
            "goods_detail":[{"merchant_goods_id":"1","goods_name":"茶","quantity":1,"unit_price":0}]}}"#
                .as_bytes(),
        )
        .unwrap();
        let fields = Fields::of(&body).unwrap();
        let echo = Echo::of(&fields).unwrap();
        let kept = echo.write(&fields).unwrap().unwrap();
        assert_eq!(Echo::read(Some(&kept)), echo);
        assert!(!kept.contains("203.0") && !kept.contains("深圳"), "{kept}");
        assert_eq!(echo.device_id.as_deref(), Some("013"));
        assert_eq!(Echo::read(Some("not ours")), Echo::default());
        let nothing = parse(b"{\"scene_info\":{\"payer_client_ip\":\"::1\"}}").unwrap();
        let fields = Fields::of(&nothing).unwrap();
        assert_eq!(Echo::of(&fields).unwrap().write(&fields), Ok(None));
    }
}
