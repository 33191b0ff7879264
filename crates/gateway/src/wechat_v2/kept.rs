//! What an order keeps of v2's fields that the rules have no use for: what v3 keeps of them, under the same names, and
//! a digest of the rest, so that the same number with other content is found out.
//!
//! Addresses of networks and times of the till are not compared: they differ when a request is repeated.

use aws_lc_rs::digest::{SHA256, digest};
use feiqian_core::limits::{AMOUNT_MAX, ECHO_BYTES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::edge::Signed;
use super::error::Refusal;
use crate::wechat::echo::{Echo, Goods};
use crate::wechat::ids::hex;

/// Longest `detail` and `scene_info`.
const TEXT_MAX: usize = 6_000;
/// Most goods that are kept.
const GOODS_MAX: usize = 100;
/// Fields that are compared only.
const COMPARED: [&str; 5] = ["detail", "product_id", "limit_pay", "receipt", "scene_info"];

#[derive(Serialize)]
struct Kept {
    #[serde(flatten)]
    echo: Echo,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<String>,
}

/// As the order keeps it: none if there is nothing to keep.
pub(super) fn of(signed: &Signed) -> Result<Option<String>, Refusal> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let mut echo = Echo {
        device_id: owned(signed.text_if("device_info", 32)?),
        goods_tag: owned(signed.text_if("goods_tag", 32)?),
        profit_sharing: signed
            .text_if("profit_sharing", 16)?
            .map(|flag| flag == "Y"),
        ..Echo::default()
    };
    if let Some(detail) = signed.text_if("detail", TEXT_MAX)? {
        goods(detail, &mut echo);
    }
    let mut compared = String::new();
    for name in COMPARED {
        if let Some(value) = signed.text_if(name, TEXT_MAX)? {
            compared.push_str(&format!("{name}={}:{value}\n", value.len()));
        }
    }
    let rest =
        (!compared.is_empty()).then(|| hex(&digest(&SHA256, compared.as_bytes()).as_ref()[..16]));
    if rest.is_none() && echo == Echo::default() {
        return Ok(None);
    }
    let text = serde_json::to_string(&Kept { echo, rest });
    let text = text.map_err(|error| crate::wechat::error::WechatError::system(&error))?;
    if text.len() > ECHO_BYTES_MAX {
        return Err(Refusal::wrong("detail", "过长"));
    }
    Ok(Some(text))
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    goods_detail: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    goods_id: Value,
    #[serde(default)]
    goods_name: Option<String>,
    #[serde(default)]
    quantity: i64,
    #[serde(default)]
    price: i64,
}

/// The goods, if the detail has them in the published form; it may be any text.
fn goods(detail: &str, echo: &mut Echo) {
    let Ok(detail) = serde_json::from_str::<Detail>(detail) else {
        return;
    };
    let whole = |number: &i64| (0..=AMOUNT_MAX.0).contains(number);
    echo.goods = detail
        .goods_detail
        .into_iter()
        .take(GOODS_MAX)
        .filter(|line| whole(&line.quantity) && whole(&line.price))
        .filter_map(|line| {
            Some(Goods {
                merchant_goods_id: line.goods_id.as_str()?.chars().take(32).collect(),
                wechatpay_goods_id: None,
                goods_name: line.goods_name,
                quantity: line.quantity,
                unit_price: line.price,
            })
        })
        .collect();
}
