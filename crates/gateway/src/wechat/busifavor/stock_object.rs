//! A stock of a merchant's own coupons as WeChat Pay v3 shows it: as it was created, with what was modified
//! since.

use feiqian_core::CampaignId;
use feiqian_core::campaign::Status;
use serde_json::{Map, Value, json};

use crate::platform::{Platform, PlatformError, read_record, write_record};
use crate::wechat::stocks::Stock;

/// Fields of a stock that its merchant may modify; they change what is shown, never what is given.
pub(super) const MODIFIED: [&str; 5] = [
    "custom_entrance",
    "comment",
    "goods_name",
    "display_pattern_info",
    "notify_config",
];

/// What was modified of a stock. It is no fact of the ledger and lies with the merchant's keys.
pub(super) fn modified(
    platform: &Platform,
    id: CampaignId,
) -> Result<Map<String, Value>, PlatformError> {
    Ok(read_record(&platform.vault, &name(id))?.unwrap_or_default())
}

/// Modifies it further.
pub(super) fn modify(
    platform: &Platform,
    id: CampaignId,
    fields: Map<String, Value>,
) -> Result<(), PlatformError> {
    let mut all = modified(platform, id)?;
    all.extend(fields);
    write_record(&platform.vault, &name(id), &all)
}

fn name(id: CampaignId) -> String {
    format!("stock/{id}")
}

/// What a stock and its coupons show alike.
pub(super) fn shown(
    platform: &Platform,
    stock: &Stock,
) -> Result<Map<String, Value>, PlatformError> {
    let mut shown = stock.echo.shown.clone();
    shown.extend(modified(platform, stock.id)?);
    shown.insert("stock_name".into(), stock.row.terms.name.clone().into());
    shown.insert("belong_merchant".into(), stock.row.by.as_str().into());
    shown.insert("stock_id".into(), stock.id_text(platform).into());
    Ok(shown)
}

/// The stock itself.
pub(super) fn object(platform: &Platform, stock: &Stock) -> Result<Value, PlatformError> {
    let mut object = shown(platform, stock)?;
    if let Some(Value::Object(give)) = object.get_mut("stock_send_rule") {
        give.insert("max_coupons".into(), stock.row.coupons_most().into());
    }
    let given = i64::from(stock.row.coupons);
    object.insert("stock_state".into(), state(stock.row.status).into());
    object.insert("coupon_code_mode".into(), "WECHATPAY_MODE".into());
    object.insert(
        "send_count_information".into(),
        json!({ "total_send_num": given }),
    );
    Ok(object.into())
}

fn state(status: Status) -> &'static str {
    match status {
        Status::Draft | Status::Approved => "UNAUDIT",
        Status::Running => "RUNNING",
        Status::Paused => "PAUSED",
        Status::Ended => "STOPED",
    }
}
