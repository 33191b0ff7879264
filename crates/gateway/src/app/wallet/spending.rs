//! What a month's payments went to, by kind of merchant and by day. Refunds count against the month
//! in which they came.

use std::collections::{BTreeMap, HashMap};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::merchant::Category;
use feiqian_core::{Account, Event, MerchantId, State, UnixMillis, UserId};
use jiff::civil::{Date, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::Shopper;
use super::categories::category;
use super::moves::{EntryKind, Move, Other};
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::input::Queried;

/// The day of people in China: UTC+8 all year.
pub(super) const CHINA: TimeZone = TimeZone::fixed(Offset::constant(8));

/// Which month: `2026-11`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    month: String,
}

/// A month's spending.
#[derive(Debug, Serialize)]
pub struct Spending {
    month: String,
    total: i64,
    categories: Vec<InCategory>,
    days: Vec<OnDay>,
}

#[derive(Debug, Serialize)]
struct InCategory {
    category: &'static str,
    amount: i64,
    /// Payments.
    count: u32,
}

#[derive(Debug, Serialize)]
struct OnDay {
    day: String,
    amount: i64,
}

/// What a shop got in a month, and on which days.
#[derive(Default)]
struct Sums {
    shops: HashMap<MerchantId, (i64, u32)>,
    days: BTreeMap<Date, i64>,
}

impl Sums {
    fn add(&mut self, entry: &Move) {
        let Other::Shop(shop) = entry.other else {
            return;
        };
        let (amount, count) = self.shops.entry(shop).or_default();
        *amount = amount.saturating_sub(entry.amount);
        *count = count.saturating_add(u32::from(entry.kind == EntryKind::Payment));
        let day = self.days.entry(day_of(entry.at)).or_default();
        *day = day.saturating_sub(entry.amount);
    }
}

/// GET spending?month=2026-11
pub async fn show(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(which): Queried<Which>,
) -> Result<Json<Spending>, ApiError> {
    let time = month(&which.month).ok_or_else(|| {
        ApiError::invalid("query_bad", "a month is written as 2026-11").at("month")
    })?;
    let sums = sums(&platform, user, time).await?;
    let mut categories = by_category(&platform, &sums).await?;
    categories.sort_by_key(|row| (-row.amount, row.category));
    let days = sums.days.iter().map(|(day, amount)| OnDay {
        day: day.to_string(),
        amount: *amount,
    });
    Ok(Json(Spending {
        month: which.month,
        total: categories.iter().map(|row| row.amount).sum(),
        days: days.collect(),
        categories,
    }))
}

async fn sums(
    platform: &Platform,
    user: UserId,
    time: Range<UnixMillis>,
) -> Result<Sums, ApiError> {
    ask(platform, move |store| {
        let (from, to) = (
            store.first_event_at(time.start)?,
            store.first_event_at(time.end)?,
        );
        let mut sums = Sums::default();
        let mut each = |number, event: Event| {
            if let Some(entry) = Move::of(user, number, &event) {
                sums.add(&entry);
            }
            ControlFlow::Continue(())
        };
        store.entries_between(Account::Wallet(user), from, to, &mut each)?;
        Ok(sums)
    })
    .await
}

async fn by_category(platform: &Platform, sums: &Sums) -> Result<Vec<InCategory>, ApiError> {
    let shops: Vec<_> = sums.shops.keys().copied().collect();
    let trades = move |state: &State| -> Vec<(MerchantId, Option<Category>)> {
        let trade = |shop| state.merchant(shop).map(|row| row.category);
        shops.into_iter().map(|shop| (shop, trade(shop))).collect()
    };
    let mut rows = BTreeMap::<&'static str, (i64, u32)>::new();
    for (shop, trade) in platform.engine.read(trades).await? {
        let (amount, count) = sums.shops.get(&shop).copied().unwrap_or_default();
        let row = rows.entry(trade.map_or("other", category)).or_default();
        row.0 = row.0.saturating_add(amount);
        row.1 = row.1.saturating_add(count);
    }
    let row = |(category, (amount, count))| InCategory {
        category,
        amount,
        count,
    };
    Ok(rows.into_iter().map(row).collect())
}

fn day_of(at: UnixMillis) -> Date {
    let time = Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.to_zoned(CHINA).date()
}

/// A month from its first instant to before the next one's.
fn month(text: &str) -> Option<Range<UnixMillis>> {
    let (year, month) = text.split_once('-')?;
    let digits = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    let (year, month) = (year.parse().ok()?, month.parse().ok()?);
    let first = Date::new(year, month, 1).ok()?;
    let next = first.checked_add(1.month()).ok()?;
    let earliest = date(1970, 1, 1);
    let instant = |day: Date| {
        let zoned = day.to_zoned(CHINA).ok()?;
        Some(UnixMillis(zoned.timestamp().as_millisecond()))
    };
    (first >= earliest).then_some(())?;
    Some(instant(first)?..instant(next)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_china_s() {
        let november = month("2026-11").unwrap();
        // 2026-10-31T16:00:00Z and 2026-11-30T16:00:00Z.
        assert_eq!(
            november,
            UnixMillis(1_793_462_400_000)..UnixMillis(1_796_054_400_000)
        );
        for bad in [
            "", "2026", "2026-13", "2026-00", "26-11", "2026-1", "2026-+1", "0000-01",
        ] {
            assert!(month(bad).is_none(), "{bad}");
        }
    }
}
