//! Trade bills: a day's payments, refunds and reversals of one merchant (contract 4.12).
//!
//! A bill is put together from the merchant's account history when it is asked for, and again when it
//! is downloaded; nothing is kept. What is written of an event can never change later, and the token
//! fixes the last event, so both times it is the same bytes.

use std::ops::ControlFlow;
use std::sync::Arc;

use feiqian_core::{Account, Event, EventNumber, UnixMillis};
use feiqian_store::Store;
use jiff::civil::Date;
use serde_json::json;

use super::bill_rows::Line;
use super::bill_token::{BillKind, BillToken, TOKEN_SECONDS, What};
use super::caller::DOWNLOAD_PATH;
use super::csv::{self, TradeBill};
use super::edge::{Answer, Signed};
use super::error::{Code, WechatError};
use super::favor;
use super::times;
use crate::platform::{MerchantKeys, Platform, unix_seconds};

/// Most rows of one bill.
pub const BILL_ROWS_MAX: usize = 500_000;
/// Bills reach back so many months.
const MONTHS: i32 = 3;

/// `GET /v3/bill/tradebill?bill_date=&bill_type=&tar_type=`.
pub(super) async fn trade_bill(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let (day, kind, zipped) = read(&signed)?;
    check_day(&platform, day)?;
    let what = What::Trade { day, kind };
    let announced = announce(platform, signed.merchant, what, |rows| {
        if rows == 0 {
            Err(no_statement())
        } else {
            Ok(())
        }
    });
    let (hash, address) = announced.await?;
    let zipped = if zipped { "&tartype=gzip" } else { "" };
    Answer::json(&json!({
        "hash_type": "SHA1", "hash_value": hash, "download_url": address + zipped,
    }))
}

/// The hash of a file as it is now, and where it can be downloaded for a while.
pub(super) async fn announce(
    platform: Arc<Platform>,
    merchant: Arc<MerchantKeys>,
    what: What,
    check_rows: impl FnOnce(usize) -> Result<(), WechatError> + Send + 'static,
) -> Result<(String, String), WechatError> {
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let token = BillToken {
        merchant: merchant.merchant,
        what,
        end: platform.engine.durable(),
        expires: now.saturating_add(TOKEN_SECONDS),
    };
    let written = token.write(&*token_key(&platform)?);
    let address = format!("{}{DOWNLOAD_PATH}?token={written}", platform.base_url);
    let hash = put_together(platform, merchant, token, |rows, bytes| {
        check_rows(rows).map(|()| csv::sha1_hex(&bytes))
    });
    Ok((hash.await?, address))
}

/// `GET /v3/billdownload/file?token=&tartype=gzip`.
pub(super) async fn download(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    let text = signed.query("token").unwrap_or_default();
    let bad = || WechatError::parameter("query", "token", None, "无效，请重新申请账单");
    let token = BillToken::read(text, &*token_key(&platform)?).ok_or_else(bad)?;
    if token.merchant != signed.merchant.merchant {
        return Err(WechatError::new(Code::NoAuth, "账单不属于该商户"));
    }
    if token.expires < i64::try_from(unix_seconds()).unwrap_or(i64::MAX) {
        return Err(WechatError::new(
            Code::InvalidRequest,
            "账单下载地址已过期，请重新申请账单",
        ));
    }
    let zipped = signed
        .query("tartype")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("gzip"));
    let file = put_together(platform, signed.merchant, token, move |_, bytes| {
        Ok(if zipped {
            Answer::File("application/x-gzip", csv::gzip(&bytes))
        } else {
            Answer::File("text/plain; charset=utf-8", bytes)
        })
    });
    file.await
}

fn read(signed: &Signed) -> Result<(Date, BillKind, bool), WechatError> {
    let wrong = |name: &'static str, issue| {
        let value = signed.query(name).filter(|value| value.len() <= 64);
        WechatError::parameter("query", name, value.map(Into::into), issue)
    };
    let Some(day) = signed.query("bill_date") else {
        return Err(wrong("bill_date", "为必填项"));
    };
    let date = day
        .parse()
        .ok()
        .filter(|date: &Date| date.to_string() == day);
    let date = date.ok_or_else(|| wrong("bill_date", "须为yyyy-MM-DD格式的日期"))?;
    let kind = match signed.query("bill_type") {
        None | Some("" | "ALL") => BillKind::All,
        Some("SUCCESS") => BillKind::Success,
        Some("REFUND") => BillKind::Refund,
        Some(_) => return Err(wrong("bill_type", "须为ALL、SUCCESS或REFUND")),
    };
    match signed.query("tar_type") {
        None | Some("") => Ok((date, kind, false)),
        Some("GZIP") => Ok((date, kind, true)),
        Some(_) => Err(wrong("tar_type", "须为GZIP")),
    }
}

/// A sandbox has a bill of the current day too, and its clock may stand anywhere.
pub(crate) fn check_day(platform: &Platform, day: Date) -> Result<(), WechatError> {
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let today = times::date(UnixMillis(now.saturating_mul(1_000)));
    let oldest = today
        .checked_sub(jiff::Span::new().months(MONTHS))
        .unwrap_or(Date::MIN);
    if day < oldest || (day > today && !platform.is_sandbox()) {
        return Err(no_statement());
    }
    if day == today && !platform.is_sandbox() {
        return Err(WechatError::new(
            Code::StatementCreating,
            "账单生成中，请于次日再试",
        ));
    }
    Ok(())
}

pub(crate) fn no_statement() -> WechatError {
    WechatError::new(Code::NoStatementExist, "账单文件不存在，请确认当日有交易")
}

fn token_key(platform: &Platform) -> Result<impl std::ops::Deref<Target = [u8; 32]>, WechatError> {
    platform
        .vault
        .derive("bill-token")
        .map_err(|error| WechatError::system(&error))
}

/// Puts a bill together, away from the threads that answer requests, and makes something of it.
pub(crate) async fn put_together<T: Send + 'static>(
    platform: Arc<Platform>,
    merchant: Arc<MerchantKeys>,
    token: BillToken,
    make: impl FnOnce(usize, Vec<u8>) -> Result<T, WechatError> + Send + 'static,
) -> Result<T, WechatError> {
    let room = platform.wechat.bills.clone().acquire_owned().await;
    let store = platform.engine.store().await?;
    let work = tokio::task::spawn_blocking(move || {
        let _room = room;
        match token.what {
            What::Trade { day, kind } => {
                let bill = write(&platform, &store, &merchant, token.end, day, kind)?;
                make(bill.rows(), bill.finish())
            }
            What::Flow(flow) => {
                let file = favor::write(&platform, &store, flow, token.end)?;
                make(file.rows(), file.finish())
            }
        }
    });
    work.await.map_err(|error| WechatError::system(&error))?
}

fn write(
    platform: &Platform,
    store: &Store,
    merchant: &MerchantKeys,
    end: EventNumber,
    day: Date,
    kind: BillKind,
) -> Result<TradeBill, WechatError> {
    let (Some(from), Some(to)) = (
        times::start_of(day),
        day.tomorrow().ok().and_then(times::start_of),
    ) else {
        return Err(no_statement());
    };
    let (first, last) = (
        store.first_event_at(from)?,
        store.first_event_at(to)?.min(end),
    );
    let (mut bill, mut failed) = (TradeBill::default(), None);
    let mut each = |number: EventNumber, event: Event| {
        match Line::of(platform, store, merchant, number, &event) {
            Ok(Some(line)) if line.is_of(kind) => bill.push(&line.row(merchant)),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        if bill.rows() > BILL_ROWS_MAX {
            failed = Some(WechatError::new(
                Code::InvalidRequest,
                "当日交易过多，请按bill_type分别下载",
            ));
        }
        if failed.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    if first < last {
        let account = Account::Merchant(merchant.merchant);
        store.entries_between(account, first, last, &mut each)?;
    }
    failed.map_or(Ok(bill), Err)
}
