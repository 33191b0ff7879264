//! Shows a merchant's stocks.

use std::sync::Arc;

use feiqian_core::UnixMillis;
use feiqian_core::campaign::Status;
use feiqian_store::Store;
use serde::Serialize;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::ids;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::Stock;
use crate::wechat::times::{self, rfc3339};

/// Stocks on a page.
const STOCKS_MAX: usize = 10;
/// Merchants or goods on a page.
const ROWS_MAX: usize = 50;
const STATUSES: [&str; 5] = ["unactivated", "audit", "running", "stoped", "paused"];

/// `GET /v3/marketing/favor/stocks`.
pub(super) async fn list(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    check_creator(&signed)?;
    let (offset, limit) = signed.page(STOCKS_MAX, STOCKS_MAX)?;
    let (from, to) = (
        time(&signed, "create_start_time")?,
        time(&signed, "create_end_time")?,
    );
    let status = signed.query("status").filter(|status| !status.is_empty());
    if let Some(status) = status.filter(|status| !STATUSES.contains(status)) {
        let issue = "须为unactivated、audit、running、stoped或paused";
        return Err(WechatError::parameter(
            "query",
            "status",
            Some(status.into()),
            issue,
        ));
    }
    let stocks = Stock::all_of(&platform, signed.merchant.merchant, Api::Favor).await?;
    let store = platform.engine.store().await?;
    let mut found = Vec::new();
    for stock in stocks {
        let created = stock.created(&store)?;
        if status.is_none_or(|status| status == stock.status())
            && from.is_none_or(|from| from <= created)
            && to.is_none_or(|to| created <= to)
        {
            found.push(stock);
        }
    }
    let page = found.iter().skip(offset).take(limit);
    let page: Vec<_> = page
        .map(|stock| object(&platform, &store, stock))
        .collect::<Result<_, _>>()?;
    Answer::json(&json!({
        "total_count": found.len(), "limit": limit, "offset": offset, "data": page,
    }))
}

/// `GET /v3/marketing/favor/stocks/{stock_id}`.
pub(super) async fn detail(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    let store = platform.engine.store().await?;
    Answer::json(&object(&platform, &store, &stock)?)
}

/// `GET /v3/marketing/favor/stocks/{stock_id}/merchants`.
pub(super) async fn merchants(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    let all = &stock.row.terms.merchants;
    let numbers = all.iter().map(|merchant| ids::mchid(merchant.0.into()));
    rows(&platform, &signed, &stock, numbers)
}

/// `GET /v3/marketing/favor/stocks/{stock_id}/items`: coupons are good for all goods.
pub(super) async fn items(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let stock = named(&platform, &signed).await?;
    rows(&platform, &signed, &stock, std::iter::empty())
}

fn rows(
    platform: &Platform,
    signed: &Signed,
    stock: &Stock,
    rows: impl Iterator<Item = String>,
) -> Result<Answer, WechatError> {
    let (offset, limit) = signed.page(ROWS_MAX, ROWS_MAX)?;
    let rows: Vec<String> = rows.collect();
    let page: Vec<&String> = rows.iter().skip(offset).take(limit).collect();
    Answer::json(&json!({
        "total_count": rows.len(), "data": page, "offset": offset, "limit": limit,
        "stock_id": stock.id_text(platform),
    }))
}

async fn named(platform: &Platform, signed: &Signed) -> Result<Stock, WechatError> {
    check_creator(signed)?;
    Stock::own(platform, signed, Api::Favor, signed.path("stock_id")).await
}

fn check_creator(signed: &Signed) -> Result<(), WechatError> {
    match signed.query("stock_creator_mchid") {
        Some(named) => signed.check_named(named),
        None => {
            let missing = WechatError::parameter("query", "stock_creator_mchid", None, "为必填项");
            Err(missing)
        }
    }
}

fn time(signed: &Signed, name: &'static str) -> Result<Option<UnixMillis>, WechatError> {
    let Some(text) = signed.query(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // SDKs send `+` as it is, which a query means as a blank.
    let read = times::read(text).or_else(|| times::read(&text.replace(' ', "+")));
    let wrong = || WechatError::parameter("query", name, None, "须为RFC 3339格式");
    read.map(Some).ok_or_else(wrong)
}

fn object(platform: &Platform, store: &Store, stock: &Stock) -> Result<StockObject, WechatError> {
    let (row, terms) = (&stock.row, &stock.row.terms);
    let mut give = stock.echo.value("stock_use_rule");
    if let Value::Object(give) = &mut give {
        give.insert("max_amount".into(), row.budget.0.into());
        let coupon = stock.echo.value("coupon_use_rule");
        give.insert("coupon_type".into(), "NORMAL".into());
        give.insert(
            "fixed_normal_coupon".into(),
            coupon
                .get("fixed_normal_coupon")
                .cloned()
                .unwrap_or_default(),
        );
    }
    let changed = stock.changed(store)?.map(rfc3339);
    Ok(StockObject {
        stock_id: stock.id_text(platform),
        stock_creator_mchid: row.by.to_string(),
        stock_name: terms.name.clone(),
        status: stock.status(),
        create_time: rfc3339(stock.created(store)?),
        description: stock.echo.text("comment").to_owned(),
        stock_use_rule: give,
        available_begin_time: rfc3339(terms.from),
        available_end_time: rfc3339(terms.until),
        distributed_coupons: row.coupons,
        no_cash: stock.echo.no_cash,
        start_time: changed.clone().filter(|_| row.status == Status::Running),
        stop_time: changed.filter(|_| row.status == Status::Ended),
        singleitem: false,
        stock_type: "NORMAL",
    })
}

/// On the wire.
#[derive(Debug, Serialize)]
struct StockObject {
    stock_id: String,
    stock_creator_mchid: String,
    stock_name: String,
    status: &'static str,
    create_time: String,
    description: String,
    stock_use_rule: Value,
    available_begin_time: String,
    available_end_time: String,
    distributed_coupons: u32,
    no_cash: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_time: Option<String>,
    singleitem: bool,
    stock_type: &'static str,
}
