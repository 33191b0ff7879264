//! Shifts: what one of a shop's people took since the last report. A report that was made stays as it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{EventNumber, Number, UnixMillis};
use serde::{Deserialize, Serialize};

use super::takings::{self, Sums};
use crate::app::session::Staff;
use crate::app::{blocking, staff};
use crate::platform::{Platform, PlatformError, read_record, unix_millis, write_record};
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::fields::Time;
use crate::v1::input::{Key, Made};

/// Reports that are kept of a person.
const KEPT_MAX: usize = 200;

/// The shifts of a person, as the vault keeps them; times are milliseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Shifts {
    number: u32,
    since: i64,
    /// The first event of the running one.
    from: u64,
    closed: Vec<Closed>,
}

/// A shift that was reported.
#[derive(Clone, Serialize, Deserialize)]
struct Closed {
    number: u32,
    /// The request that closed it.
    by: String,
    from: i64,
    to: i64,
    sums: Sums,
}

/// A shift.
#[derive(Serialize)]
pub struct Shift {
    id: String,
    staff: String,
    from: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Time>,
    payments: u64,
    gross: i64,
    refunds: u64,
    /// Payments undone among it.
    refunded: i64,
    reversed: u64,
    net: i64,
}

impl Shift {
    fn of(name: String, number: u32, from: i64, to: Option<i64>, sums: Sums) -> Self {
        Self {
            id: format!("shift_{number}"),
            staff: name,
            from: Time(UnixMillis(from)),
            to: to.map(|to| Time(UnixMillis(to))),
            payments: sums.payments,
            gross: sums.gross,
            refunds: sums.refunds,
            refunded: sums.refunded,
            reversed: sums.reversed,
            net: sums.gross.saturating_sub(sums.refunded),
        }
    }
}

/// The running shift so far.
pub async fn show(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Shift>, ApiError> {
    let shifts = blocking(&platform, move |platform| Ok(running(platform, &staff)?)).await?;
    let (sums, _) = sums(&platform, &staff, EventNumber(shifts.from)).await?;
    let name = name(&platform, &staff)?;
    Ok(Json(Shift::of(
        name,
        shifts.number,
        shifts.since,
        None,
        sums,
    )))
}

/// Closes the running shift; the next one begins with the event after its last.
pub async fn close(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
) -> Result<Made<Shift>, ApiError> {
    let _held = platform.apps.shifts.lock().await;
    let name = name(&platform, &staff)?;
    let mut shifts = blocking(&platform, move |platform| Ok(running(platform, &staff)?)).await?;
    let made = |closed: &Closed, again| Made {
        again,
        value: Shift::of(
            name,
            closed.number,
            closed.from,
            Some(closed.to),
            closed.sums,
        ),
    };
    if let Some(closed) = known(&shifts, &number) {
        return Ok(made(closed, true));
    }
    let (sums, to) = sums(&platform, &staff, EventNumber(shifts.from)).await?;
    let closed = Closed {
        number: shifts.number,
        by: number.as_str().to_owned(),
        from: shifts.since,
        to: unix_millis().0,
        sums,
    };
    shifts.number = shifts.number.saturating_add(1);
    (shifts.since, shifts.from) = (closed.to, to.0);
    shifts.closed.push(closed.clone());
    let old = shifts.closed.len().saturating_sub(KEPT_MAX);
    shifts.closed.drain(..old);
    let keep =
        move |platform: &Platform| Ok(write_record(&platform.vault, &record(&staff), &shifts)?);
    blocking(&platform, keep).await?;
    Ok(made(&closed, false))
}

fn known<'a>(shifts: &'a Shifts, number: &Number) -> Option<&'a Closed> {
    let mut closed = shifts.closed.iter();
    closed.find(|closed| closed.by == number.as_str())
}

/// The person's shifts; the first one begins with the first sign-in. Waits for the disk.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub(super) fn running(platform: &Platform, staff: &Staff) -> Result<Shifts, PlatformError> {
    if let Some(shifts) = read_record(&platform.vault, &record(staff))? {
        return Ok(shifts);
    }
    let shifts = Shifts {
        number: 1,
        since: unix_millis().0,
        from: platform.engine.durable().0,
        closed: Vec::new(),
    };
    write_record(&platform.vault, &record(staff), &shifts)?;
    Ok(shifts)
}

/// What the person took from this event on, and where that ends.
async fn sums(
    platform: &Platform,
    staff: &Staff,
    from: EventNumber,
) -> Result<(Sums, EventNumber), ApiError> {
    let (merchant, who) = (staff.merchant, staff.staff);
    ask(platform, move |store| {
        let to = store.position();
        Ok((takings::of_staff(store, merchant, who, (from, to))?, to))
    })
    .await
}

fn name(platform: &Platform, staff: &Staff) -> Result<String, PlatformError> {
    let crew = staff::read(platform, staff.merchant)?;
    let member = crew.member(staff.staff);
    Ok(member.map(|member| member.name.clone()).unwrap_or_default())
}

fn record(staff: &Staff) -> String {
    format!("app/shifts/{}/{}", staff.merchant, staff.staff)
}
