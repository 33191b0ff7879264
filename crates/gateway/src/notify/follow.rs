//! Follows the log and writes a row for every notice that it asks for.

use std::time::Duration;

use feiqian_core::{Event, EventNumber, UnixMillis};
use feiqian_engine::{Committed, Next};
use feiqian_store::{Store, StoreError};

use super::NotifyError;
use super::rows::{Endpoint, NoticeKind, Place, Row};
use super::run::{Shared, millis, now_ms};
use crate::platform::PlatformError;

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
        let rows = rows(store, &batch, now_ms())?;
        if rows.is_empty() && next.0.saturating_sub(written.0) < POSITION_EVERY {
            continue;
        }
        shared.rows.add(&rows, next)?;
        written = next;
        let place = |(event, row): &(EventNumber, Row)| Place {
            endpoint: Endpoint::of(&row.url),
            due: row.due,
            event: *event,
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
    let since = UnixMillis(now_ms().saturating_sub(millis(shared.options.plan.span())));
    let first = store.first_event_at(since).map_err(PlatformError::from)?;
    shared.rows.add(&[], first)?;
    Ok(first)
}

fn rows(
    store: &Store,
    batch: &Committed,
    now: i64,
) -> Result<Vec<(EventNumber, Row)>, NotifyError> {
    let mut rows = Vec::new();
    for (number, (_, event)) in (batch.first.0..).map(EventNumber).zip(&batch.events) {
        if let Some(row) = row(store, event, now)? {
            rows.push((number, row));
        }
    }
    Ok(rows)
}

/// The notice that an event asks for.
pub(super) fn row(store: &Store, event: &Event, now: i64) -> Result<Option<Row>, NotifyError> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of other events"
    )]
    let (kind, notify) = match event {
        Event::OrderPaid(event) => {
            let created = store.event(event.order.0).map_err(storage)?;
            let Some(Event::OrderCreated(created)) = created else {
                return Err(NotifyError::Log(format!(
                    "there is no order {}",
                    event.order
                )));
            };
            (NoticeKind::OrderPaid, created.terms.notify.clone())
        }
        Event::OrderRefunded(event) => {
            (NoticeKind::OrderRefunded, event.notify.as_deref().cloned())
        }
        _ => return Ok(None),
    };
    let row = |notify: feiqian_core::order::create::Notify| Row {
        kind,
        url: notify.url,
        form: notify.form,
        tries: 0,
        due: now,
        last_error: None,
    };
    Ok(notify.map(row))
}

fn storage(error: StoreError) -> NotifyError {
    PlatformError::from(error).into()
}
