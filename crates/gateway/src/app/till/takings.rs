//! What a shop took: summed up from the log over a stretch of its account.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{Account, Event, EventNumber, MerchantId};
use feiqian_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use super::made_by;
use crate::app::session::Staff;
use crate::platform::{Platform, unix_millis};
use crate::reports::tables::written;
use crate::v1::ask;
use crate::v1::error::ApiError;

/// Sums of payments and of what went back. Amounts are fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Payments.
    pub payments: u64,
    /// Their orders' amounts.
    pub gross: i64,
    /// Refunds.
    pub refunds: u64,
    /// What went back, of refunds and of payments undone.
    pub refunded: i64,
    /// Payments undone.
    pub reversed: u64,
    /// Kept of the payments, less what came back of it.
    pub fees: i64,
}

impl Sums {
    /// Counts what moved a shop's money.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "other events are no takings"
    )]
    fn count(&mut self, event: &Event) {
        match event {
            Event::OrderPaid(paid) => {
                self.payments = self.payments.saturating_add(1);
                self.gross = self.gross.saturating_add(paid.amount.0);
                self.fees = self.fees.saturating_add(paid.fee.0);
            }
            Event::OrderRefunded(back) => {
                self.refunds = self.refunds.saturating_add(1);
                self.refunded = self.refunded.saturating_add(back.amount.0);
                self.fees = self.fees.saturating_sub(back.fee_returned.0);
            }
            Event::OrderReversed(back) => {
                self.reversed = self.reversed.saturating_add(1);
                self.refunded = self.refunded.saturating_add(back.amount.0);
                self.fees = self.fees.saturating_sub(back.fee_returned.0);
            }
            _ => {}
        }
    }
}

/// Sums of what one of a shop's people did from one event to before another.
pub fn of_staff(
    store: &Store,
    merchant: MerchantId,
    staff: u32,
    (from, to): (EventNumber, EventNumber),
) -> Result<Sums, StoreError> {
    let (mut sums, mut failed) = (Sums::default(), None);
    store.entries_between(Account::Merchant(merchant), from, to, &mut |_, event| {
        match maker(store, &event) {
            Ok(maker) if maker == Some(staff) => sums.count(&event),
            Ok(_) => {}
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(sums), Err)
}

/// Who gave a refund, or made the order that was paid or undone.
#[allow(clippy::wildcard_enum_match_arm, reason = "other events are no till's")]
fn maker(store: &Store, event: &Event) -> Result<Option<u32>, StoreError> {
    let order = match event {
        Event::OrderRefunded(back) => return Ok(made_by(&back.number)),
        Event::OrderPaid(paid) => paid.order,
        Event::OrderReversed(back) => back.order,
        _ => return Ok(None),
    };
    Ok(match store.event(order.0)? {
        Some(Event::OrderCreated(created)) => made_by(&created.number),
        _ => None,
    })
}

/// What the shop took today.
#[derive(Serialize)]
pub struct Takings {
    day: String,
    payments: u64,
    gross: i64,
    /// Payments undone among them.
    refunds: u64,
    refunded: i64,
    fees: i64,
    net: i64,
    hours: Vec<Hour>,
}

/// Payments of an hour.
#[derive(Clone, Copy, Serialize)]
struct Hour {
    hour: usize,
    amount: i64,
    count: u64,
}

/// Sums up the day that the platform's clock shows, all tills and APIs of the shop together.
pub async fn today(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Takings>, ApiError> {
    let (merchant, day) = (staff.merchant, unix_millis().day());
    let (sums, hours) = ask(&platform, move |store| {
        let from = store.first_event_at(day.start())?;
        of_shop(store, merchant, (from, store.position()))
    })
    .await?;
    Ok(Json(Takings {
        day: written(day),
        payments: sums.payments,
        gross: sums.gross,
        refunds: sums.refunds.saturating_add(sums.reversed),
        refunded: sums.refunded,
        fees: sums.fees,
        net: sums
            .gross
            .saturating_sub(sums.refunded)
            .saturating_sub(sums.fees),
        hours: hours.to_vec(),
    }))
}

fn of_shop(
    store: &Store,
    merchant: MerchantId,
    (from, to): (EventNumber, EventNumber),
) -> Result<(Sums, [Hour; 24]), StoreError> {
    let mut sums = Sums::default();
    let mut hours = std::array::from_fn(|hour| Hour {
        hour,
        amount: 0,
        count: 0,
    });
    store.entries_between(Account::Merchant(merchant), from, to, &mut |_, event| {
        sums.count(&event);
        if let Event::OrderPaid(paid) = &event
            && let Some(hour) = usize::try_from(paid.at.hour())
                .ok()
                .and_then(|hour| hours.get_mut(hour))
        {
            hour.amount = hour.amount.saturating_add(paid.amount.0);
            hour.count = hour.count.saturating_add(1);
        }
        ControlFlow::Continue(())
    })?;
    Ok((sums, hours))
}
