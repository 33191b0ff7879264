//! Takes what is due, has it delivered, and writes down what came of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::address::{self, Reach};
use super::deliver::{self, Failure};
use super::plan::Options;
use super::queues::Queues;
use super::rows::{Endpoint, NoticeNumber, Place, Row, Rows};
use super::{Counts, NotifyError, STOP_WITHIN, follow};
use crate::platform::Platform;

/// Longest sleep without looking at the clock: it may be set.
const SLEEP_MAX: Duration = Duration::from_secs(30);
/// How long a row waits that could not be read, or whose outcome could not be written.
const STORAGE_RETRY: Duration = Duration::from_secs(10);

/// What the notifier's threads share.
pub(super) struct Shared {
    pub platform: Arc<Platform>,
    pub rows: Rows,
    pub counts: Counts,
    pub options: Options,
    pub client: reqwest::Client,
    pub reach: Reach,
    runtime: Handle,
    queues: Mutex<Queues>,
    wake: Notify,
    stopping: AtomicBool,
}

impl Shared {
    pub fn new(
        platform: Arc<Platform>,
        rows: Rows,
        options: Options,
        runtime: Handle,
    ) -> Result<Self, NotifyError> {
        let reach = Reach::of(&platform);
        let mut queues = Queues::default();
        rows.endpoints()?
            .into_iter()
            .for_each(|place| queues.offer(place));
        Ok(Self {
            client: address::client(reach, options.answer_within)?,
            reach,
            runtime,
            platform,
            rows,
            counts: Counts::default(),
            options,
            queues: Mutex::new(queues),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
        })
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Says that these rows were written.
    pub fn offer(&self, places: impl IntoIterator<Item = Place>) {
        let mut queues = self.queues();
        places.into_iter().for_each(|place| queues.offer(place));
        drop(queues);
        self.wake.notify_one();
    }

    /// See [`super::Notifier::redeliver`].
    pub fn redeliver(&self, notice: NoticeNumber) -> Result<bool, NotifyError> {
        let now = now_ms();
        let fresh = |row: Row| Row {
            tries: 0,
            due: now,
            last_error: None,
            ..row
        };
        if let Some(row) = self.rows.pending_row(notice)? {
            let place = Place {
                endpoint: Endpoint::of(&row.url),
                due: row.due,
                notice,
            };
            // What is under way is being sent already.
            if !self.queues().under_way(place.endpoint).contains(&place) {
                self.rows.put_off(place, &fresh(row))?;
            }
        } else if let Some(row) = self.rows.dead_row(notice)? {
            self.rows.revive(notice, &fresh(row), true)?;
        } else {
            let store = self.platform.engine.store_now();
            let told = store
                .event(notice.event)
                .map_err(crate::platform::PlatformError::from)?;
            let Some(told) = told else { return Ok(false) };
            let follow = follow::Telling {
                platform: &self.platform,
                store,
                runtime: &self.runtime,
            };
            let mut rows = follow.rows(notice.event, &told, now)?.into_iter();
            let Some((_, row)) = rows.find(|(found, _)| *found == notice) else {
                return Ok(false);
            };
            self.rows.revive(notice, &row, false)?;
        }
        if let Some(row) = self.rows.pending_row(notice)? {
            self.offer([Place {
                endpoint: Endpoint::of(&row.url),
                due: row.due,
                notice,
            }]);
        }
        Ok(true)
    }

    /// Takes the next row that is due, and finds what follows it.
    fn take(&self, now: i64) -> Result<Option<Place>, NotifyError> {
        let mut queues = self.queues();
        let Some(place) = queues.take(now) else {
            return Ok(None);
        };
        match self.rows.first(place, queues.under_way(place.endpoint)) {
            Ok(next) => queues.goes_on(next),
            Err(error) => {
                queues.finished(place, false);
                queues.offer(place);
                return Err(error);
            }
        }
        Ok(Some(place))
    }

    /// Writes down what came of a post; gives the row's new place if it stays.
    fn settle(
        &self,
        place: Place,
        row: Row,
        outcome: Result<(), Failure>,
    ) -> Result<Option<Place>, NotifyError> {
        let Err(failure) = outcome else {
            self.counts.delivered.fetch_add(1, Ordering::Relaxed);
            return self.rows.done(place).map(|()| None);
        };
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        let tries = row.tries.saturating_add(1);
        let last_error = Some(failure.to_string());
        match self
            .options
            .plan_of(row.form)
            .after(tries)
            .filter(|_| !failure.is_final())
        {
            Some(wait) => {
                let due = now_ms().saturating_add(millis(wait));
                self.rows.put_off(
                    place,
                    &Row {
                        tries,
                        due,
                        last_error,
                        ..row
                    },
                )?;
                Ok(Some(Place { due, ..place }))
            }
            None => {
                self.rows.bury(
                    place,
                    &Row {
                        tries,
                        due: now_ms(),
                        last_error,
                        ..row
                    },
                )?;
                Ok(None)
            }
        }
    }

    /// Sends a row and writes down what came of it; its new place if it stays in the queue.
    async fn send(&self, place: Place) -> Result<(bool, Option<Place>), NotifyError> {
        let Some(row) = self.rows.row(place)? else {
            // Removed or moved meanwhile: only its place is left.
            self.rows.forget(place)?;
            return Ok((true, None));
        };
        let outcome = deliver::deliver(self, place.notice, &row).await;
        let acknowledged = outcome.is_ok();
        Ok((acknowledged, self.settle(place, row, outcome)?))
    }
}

/// Delivers until told to stop.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.is_stopping() {
        loop {
            match shared.take(now_ms()) {
                Ok(Some(place)) => drop(tokio::spawn(send(shared.clone(), place))),
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "notices cannot be read");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    break;
                }
            }
        }
        let due = shared.queues().next_due();
        let wait = due.map_or(SLEEP_MAX, |due| {
            let ms = u64::try_from(due.saturating_sub(now_ms())).unwrap_or(0);
            Duration::from_millis(ms).min(SLEEP_MAX)
        });
        let _ = tokio::time::timeout(wait, shared.wake.notified()).await;
    }
    let idle = async {
        while !shared.queues().is_idle() {
            shared.wake.notified().await;
        }
    };
    let _ = tokio::time::timeout(STOP_WITHIN, idle).await;
}

async fn send(shared: Arc<Shared>, place: Place) {
    let sent = shared.send(place).await;
    if let Err(error) = &sent {
        tracing::error!(event = place.notice.event.0, %error, "a notice is not read or not written down");
        // Its row is where it was: it is sent again after a while.
        tokio::time::sleep(STORAGE_RETRY).await;
    }
    let (acknowledged, next) = sent.unwrap_or((false, Some(place)));
    let mut queues = shared.queues();
    queues.finished(place, acknowledged);
    queues.goes_on(next);
    drop(queues);
    shared.wake.notify_one();
}

pub(super) fn now_ms() -> i64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
