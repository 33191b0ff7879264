//! Modifies what a stock shows: `PATCH /v3/marketing/busifavor/stocks/{stock_id}`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::stock_object::{MODIFIED, modify as modify_stock};
use super::stocks::named;
use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::stocks::{refuse_all, request_number};

/// Most bytes of one modification, as JSON.
const BYTES_MAX: usize = 8_192;

pub(super) async fn modify(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    request_number(&fields, "out_request_no")?;
    // What is given stays as it was when users were promised it.
    refuse_all(
        &fields,
        &[
            "stock_name",
            "coupon_use_rule",
            "stock_send_rule",
            "subsidy",
        ],
    )?;
    fields.text_if("goods_name", 1..=15)?;
    fields.text_if("comment", 0..=20)?;
    for name in ["custom_entrance", "display_pattern_info", "notify_config"] {
        fields.object_if(name)?;
    }
    let stock = named(&platform, &signed).await?;
    let sent = |name: &&str| Some(((*name).to_owned(), fields.value(name)?.clone()));
    let changed: Map<String, Value> = MODIFIED.iter().filter_map(sent).collect();
    if Value::Object(changed.clone()).to_string().len() > BYTES_MAX {
        let issue = format!("批次信息总长度不能超过{BYTES_MAX}字节");
        return Err(WechatError::parameter("body", "", None, issue));
    }
    modify_stock(&platform, stock.id, changed)?;
    Ok(Answer::Empty)
}
