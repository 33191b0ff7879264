//! A day's trade bill: `POST /pay/downloadbill`. The bill is v3's, in the answer itself.

use std::sync::Arc;

use jiff::civil::Date;

use super::edge::Signed;
use super::error::Refusal;
use crate::platform::Platform;
use crate::wechat::bill_token::{BillKind, BillToken, What};
use crate::wechat::bills::{check_day, no_statement, put_together};
use crate::wechat::csv;
use crate::wechat::error::{Code, WechatError};

pub(super) async fn download(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<(&'static str, Vec<u8>), Refusal> {
    let day = day(signed.text("bill_date", 8)?)?;
    let kind = match signed.text_if("bill_type", 16)? {
        None | Some("ALL") => BillKind::All,
        Some("SUCCESS") => BillKind::Success,
        Some("REFUND") => BillKind::Refund,
        Some(_) => return Err(Refusal::unheard("invalid bill_type")),
    };
    let zipped = match signed.text_if("tar_type", 16)? {
        None => false,
        Some("GZIP") => true,
        Some(_) => return Err(Refusal::unheard("invalid tar_type")),
    };
    check_day(&platform, day).map_err(refused)?;
    let bill = BillToken {
        merchant: signed.merchant.merchant,
        what: What::Trade { day, kind },
        end: platform.engine.durable(),
        expires: i64::MAX,
    };
    let file = put_together(platform, signed.merchant, bill, move |rows, bytes| {
        if rows == 0 {
            return Err(no_statement());
        }
        Ok(if zipped {
            ("application/x-gzip", csv::gzip(&bytes))
        } else {
            ("text/plain; charset=utf-8", bytes)
        })
    });
    file.await.map_err(refused)
}

/// `20141110`.
fn day(text: &str) -> Result<Date, Refusal> {
    let wrong = || Refusal::unheard("invalid bill_date");
    if text.len() != 8 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let day = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]);
    day.parse().map_err(|_| wrong())
}

/// Bills are refused in words of their own.
fn refused(error: WechatError) -> Refusal {
    if error.code == Code::NoStatementExist {
        Refusal::new("20002", "No Bill Exist")
    } else if error.code == Code::StatementCreating {
        Refusal::new("20007", "Bill Creating")
    } else {
        error.into()
    }
}
