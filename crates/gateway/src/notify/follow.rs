//! Follows the log and writes a row for every notice that it asks for.

use std::sync::Arc;
use std::time::Duration;

use feiqian_core::campaign::Terms;
use feiqian_core::campaign::terms::Funding;
use feiqian_core::order::create::Notify;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::{CampaignId, Event, EventNumber, OrderId, UnixMillis};
use feiqian_engine::{Committed, Next};
use feiqian_store::{Store, StoreError};

use super::NotifyError;
use super::rows::{Endpoint, NoticeKind, NoticeNumber, Place, Row};
use super::run::{Shared, millis, now_ms};
use crate::platform::{Platform, PlatformError};
use crate::wechat::callbacks::Callback;
use crate::wechat::stock_echo::{Api, StockEcho};

/// How long it waits for events before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it waits after something failed.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often it looks whether the store has caught up.
const STORE_POLL: Duration = Duration::from_millis(1);
/// The position is written with rows, or after so many events without any.
const POSITION_EVERY: u64 = 4_096;

/// Follows until the engine or the notifier stops.
pub(super) fn run(shared: &Shared, runtime: &tokio::runtime::Handle) {
    while !shared.is_stopping() {
        match follow(shared, runtime) {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, "notices cannot follow the log");
                std::thread::sleep(AFTER_ERROR);
            }
        }
    }
}

fn follow(shared: &Shared, runtime: &tokio::runtime::Handle) -> Result<(), NotifyError> {
    let engine = &shared.platform.engine;
    let mut written = start(shared, runtime)?;
    let mut feed = engine.feed(written);
    while !shared.is_stopping() {
        let batch = match feed.next(PATIENCE) {
            Next::Batch(batch) => batch,
            Next::Nothing => continue,
            Next::Ended => return Ok(()),
            Next::Failed(error) => {
                return Err(NotifyError::Log(error));
            }
        };
        let next = batch.next();
        let Some(store) = store_at(shared, next) else {
            return Ok(());
        };
        let telling = Telling {
            platform: &shared.platform,
            store,
            runtime,
        };
        let rows = telling.of_batch(&batch, now_ms())?;
        if rows.is_empty() && next.0.saturating_sub(written.0) < POSITION_EVERY {
            continue;
        }
        shared.rows.add(&rows, next)?;
        written = next;
        let place = |(notice, row): &(NoticeNumber, Row)| Place {
            endpoint: Endpoint::of(&row.url),
            due: row.due,
            notice: *notice,
        };
        shared.offer(rows.iter().map(place));
    }
    Ok(())
}

/// The store, once it shows every event before `next`: it follows the log on its own, and may be a
/// moment behind. None when it is time to stop.
fn store_at(shared: &Shared, next: EventNumber) -> Option<&Store> {
    let engine = &shared.platform.engine;
    let store = engine.store_now();
    while store.position() < next {
        if shared.is_stopping() || engine.failed().is_some() {
            return None;
        }
        std::thread::sleep(STORE_POLL);
    }
    Some(store)
}

/// Where to begin: where it ended, or as far back as notices are tried if that is not known or is
/// of another log.
fn start(shared: &Shared, runtime: &tokio::runtime::Handle) -> Result<EventNumber, NotifyError> {
    let engine = &shared.platform.engine;
    match shared.rows.position()? {
        Some(position) if position <= engine.durable() => return Ok(position),
        Some(position) => {
            tracing::warn!(
                position = position.0,
                end = engine.durable().0,
                "notices were further than the log: it was replaced by an older one"
            );
        }
        None => {}
    }
    let store = runtime
        .block_on(engine.store())
        .map_err(PlatformError::from)?;
    let since = UnixMillis(now_ms().saturating_sub(millis(shared.options.span())));
    let first = store.first_event_at(since).map_err(PlatformError::from)?;
    shared.rows.add(&[], first)?;
    Ok(first)
}

/// What it takes to know who is told of an event.
pub(super) struct Telling<'a> {
    pub platform: &'a Platform,
    pub store: &'a Store,
    pub runtime: &'a tokio::runtime::Handle,
}

impl Telling<'_> {
    fn of_batch(
        &self,
        batch: &Committed,
        now: i64,
    ) -> Result<Vec<(NoticeNumber, Row)>, NotifyError> {
        let mut rows = Vec::new();
        for (number, (_, event)) in (batch.first.0..).map(EventNumber).zip(&batch.events) {
            rows.extend(self.rows(number, event, now)?);
        }
        Ok(rows)
    }

    /// The notices that an event asks for.
    pub fn rows(
        &self,
        number: EventNumber,
        event: &Event,
        now: i64,
    ) -> Result<Vec<(NoticeNumber, Row)>, NotifyError> {
        let row = |kind, notify: Notify| Row {
            kind,
            url: notify.url,
            form: notify.form,
            tries: 0,
            due: now,
            last_error: None,
        };
        let mut rows = Vec::new();
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "nobody is told of other events"
        )]
        match event {
            Event::OrderPaid(paid) => {
                let notify = self.of_order(paid.order)?;
                let own = notify.map(|notify| row(NoticeKind::OrderPaid, notify));
                rows.extend(own.map(|row| (NoticeNumber::of(number), row)));
                for (part, notify) in self.of_coupons(paid)? {
                    let notice = NoticeNumber {
                        event: number,
                        part,
                    };
                    rows.push((notice, row(NoticeKind::CouponUsed, notify)));
                }
            }
            Event::OrderRefunded(refund) => {
                let notify = refund.notify.as_deref().cloned();
                let own = notify.map(|notify| row(NoticeKind::OrderRefunded, notify));
                rows.extend(own.map(|row| (NoticeNumber::of(number), row)));
            }
            Event::CouponGiven(given) => {
                let notify = self.of_stock(given.campaign, Api::Busifavor)?;
                let own = notify.map(|notify| row(NoticeKind::CouponGiven, notify));
                rows.extend(own.map(|row| (NoticeNumber::of(number), row)));
            }
            _ => {}
        }
        Ok(rows)
    }

    /// Whom an order's merchant wants told.
    fn of_order(&self, order: OrderId) -> Result<Option<Notify>, NotifyError> {
        match self.store.event(order.0).map_err(storage)? {
            Some(Event::OrderCreated(created)) => Ok(created.terms.notify.clone()),
            Some(_) | None => Err(NotifyError::Log(format!("there is no order {order}"))),
        }
    }

    /// Whom the creators of the coupons' stocks want told, each with the coupon's part of the notices.
    fn of_coupons(&self, paid: &OrderPaid) -> Result<Vec<(u8, Notify)>, NotifyError> {
        let mut told = Vec::new();
        let granted = paid.granted.iter().flat_map(|granted| &granted.grants);
        for (part, grant) in (1..).zip(granted) {
            if grant.coupon.is_none() {
                continue;
            }
            let notify = self.of_stock(grant.campaign, Api::Favor)?;
            told.extend(notify.map(|notify| (part, notify)));
        }
        Ok(told)
    }

    /// Whom the creator of a stock of this API wants told.
    fn of_stock(&self, id: CampaignId, api: Api) -> Result<Option<Notify>, NotifyError> {
        let known = self.platform.wechat.terms.of(self.platform, id);
        let terms = self.runtime.block_on(known).map_err(PlatformError::from)?;
        let of_api = |terms: &Arc<Terms>| StockEcho::read(terms.echo.as_deref()).api == api;
        let Some(terms) = terms.filter(of_api) else {
            return Ok(None);
        };
        let creator = match terms.funding {
            Funding::Merchant(creator) | Funding::Outside(creator) => creator,
            Funding::Platform | Funding::Shared { .. } => return Ok(None),
        };
        let callback = self
            .platform
            .wechat
            .callbacks
            .get(self.platform, api, creator)?;
        Ok(callback.and_then(Callback::notify))
    }
}

fn storage(error: StoreError) -> NotifyError {
    PlatformError::from(error).into()
}
