//! The statement as a file: CSV for spreadsheets, PDF for people.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use feiqian_core::{Fen, UnixMillis, UserId};
use jiff::Timestamp;
use serde::Deserialize;

use super::Shopper;
use super::entries::{Entry, between};
use super::moves::{EntryKind, MoveState};
use super::pdf;
use super::spending::CHINA;
use super::words::Language;
use crate::platform::Platform;
use crate::v1::error::ApiError;
use crate::v1::fields::Time;
use crate::v1::input::Queried;

/// Longest time of one file: a year and a day.
const TIME_MAX_MS: i64 = 366 * 24 * 60 * 60 * 1_000;
/// Most entries of one file.
pub const ENTRIES_MAX: usize = 20_000;

/// Of which time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    from: Time,
    to: Time,
}

impl Which {
    fn time(&self) -> Result<Range<UnixMillis>, ApiError> {
        let (from, to) = (self.from.0, self.to.0);
        let long = to.0.saturating_sub(from.0);
        if (1..=TIME_MAX_MS).contains(&long) {
            Ok(from..to)
        } else {
            let message = "`to` is after `from`, by a year at most";
            Err(ApiError::invalid("query_bad", message).at("to"))
        }
    }
}

async fn entries(
    platform: &Platform,
    user: UserId,
    language: Language,
    which: Which,
) -> Result<(Range<UnixMillis>, Vec<Entry>), ApiError> {
    let time = which.time()?;
    let (from, to) = (time.start, time.end);
    let entries = between(platform, user, language, from, to, ENTRIES_MAX).await?;
    Ok((time, entries))
}

fn file(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, bytes).into_response()
}

/// GET export.csv?from=&to=
pub async fn csv(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(which): Queried<Which>,
) -> Result<Response, ApiError> {
    let (_, entries) = entries(&platform, user, language, which).await?;
    let bytes = table(language, &entries).map_err(|error| ApiError::internal(&error))?;
    Ok(file("text/csv; charset=utf-8", "statement.csv", bytes))
}

/// GET export.pdf?from=&to=
pub async fn pdf(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(which): Queried<Which>,
) -> Result<Response, ApiError> {
    let (time, entries) = entries(&platform, user, language, which).await?;
    let person = platform.person(user)?;
    let name = person.map(|person| person.name).unwrap_or_default();
    let title = language.pick("Statement", "钱包对账单").to_owned();
    let last = UnixMillis(time.end.0.saturating_sub(1));
    let period = format!("{} – {}", &local(time.start)[..10], &local(last)[..10]);
    let rows = entries.iter().map(|entry| pdf::Row {
        time: local(entry.at.0),
        kind: kind_words(language, entry.kind).to_owned(),
        title: entry.title.clone(),
        note: entry.note.clone().unwrap_or_default(),
        amount: Fen(entry.amount).to_string(),
        balance: entry
            .balance_after
            .map(|balance| Fen(balance).to_string())
            .unwrap_or_default(),
    });
    let statement = pdf::Statement {
        title,
        lines: [name, period]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect(),
        heads: heads(language),
        rows: rows.collect(),
    };
    Ok(file(
        "application/pdf",
        "statement.pdf",
        pdf::render(&statement),
    ))
}

fn heads(language: Language) -> [&'static str; 6] {
    [
        language.pick("Time", "时间"),
        language.pick("Kind", "类型"),
        language.pick("With", "对方"),
        language.pick("Note", "备注"),
        language.pick("Amount, yuan", "金额（元）"),
        language.pick("Balance, yuan", "余额（元）"),
    ]
}

/// With a byte-order mark, by which spreadsheets know UTF-8.
fn table(language: Language, entries: &[Entry]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let more = [
        language.pick("State", "状态"),
        language.pick("Order", "订单号"),
        language.pick("Entry", "流水号"),
    ];
    writer.write_record(heads(language).into_iter().chain(more))?;
    for entry in entries {
        let amount = Fen(entry.amount).to_string();
        let balance = entry.balance_after.map(|balance| Fen(balance).to_string());
        let order = entry.order_id.map(|order| order.to_string());
        writer.write_record([
            local(entry.at.0),
            kind_words(language, entry.kind).to_owned(),
            harmless(&entry.title),
            harmless(entry.note.as_deref().unwrap_or_default()),
            amount,
            balance.unwrap_or_default(),
            state_words(language, entry.state).to_owned(),
            order.unwrap_or_default(),
            format!("e_{}", entry.id.0),
        ])?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// A text that others chose, so that no spreadsheet takes it for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// As clocks in China show it.
fn local(at: UnixMillis) -> String {
    let time = Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.to_zoned(CHINA)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn kind_words(language: Language, kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Payment => language.pick("Payment", "付款"),
        EntryKind::Refund => language.pick("Refund", "退款"),
        EntryKind::Rebate => language.pick("Rebate", "返现"),
        EntryKind::TopUp => language.pick("Top-up", "充值"),
        EntryKind::Withdrawal => language.pick("Withdrawal", "提现"),
        EntryKind::TransferOut => language.pick("Transfer out", "转出"),
        EntryKind::TransferIn => language.pick("Transfer in", "转入"),
        EntryKind::PacketOut => language.pick("Red packet sent", "发红包"),
        EntryKind::PacketIn => language.pick("Red packet", "收红包"),
        EntryKind::Other => language.pick("Other", "其他"),
    }
}

fn state_words(language: Language, state: MoveState) -> &'static str {
    match state {
        MoveState::Pending => language.pick("pending", "处理中"),
        MoveState::Done => language.pick("done", "已完成"),
        MoveState::Failed => language.pick("failed", "失败"),
        MoveState::Returned => language.pick("returned", "已退回"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("面 a=b", "面 a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), safe);
        }
    }

    #[test]
    fn times_are_china_s() {
        assert_eq!(local(UnixMillis(1_793_462_399_000)), "2026-10-31 23:59:59");
    }
}
