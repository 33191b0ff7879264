//! The books: totals that follow the log at their own pace, and the reports made of them.
//!
//! The totals lie in `DIR/reports` as well, so that a restart goes on where it was. The folder can be deleted: the log
//! makes them again. Nobody who pays waits for any of this.

pub mod flow;
pub mod tables;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use feiqian_core::EventNumber;
use feiqian_engine::{Engine, Next};
use feiqian_reports::Totals;
use feiqian_reports::checkpoint::{self, Checkpoint};
use tokio::sync::watch;

use crate::v1::error::{ApiError, ErrorType};

/// The totals are written after so many events, and after so long if there was any.
const WRITTEN_EVERY: u64 = 4_194_304;
const WRITTEN_AFTER: Duration = Duration::from_secs(60);
/// How long it waits for events before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it waits after something failed.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often it looks whether the store has caught up.
const STORE_POLL: Duration = Duration::from_millis(5);
/// How long who asks waits until the totals show what was durable.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(5);

/// Follows the log while it runs. Clones share it; it stops with the last of them.
#[derive(Clone)]
pub struct Books {
    shared: Arc<Shared>,
    thread: Arc<Thread>,
}

struct Thread {
    shared: Arc<Shared>,
    running: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    engine: Engine,
    dir: PathBuf,
    totals: RwLock<Totals>,
    position: watch::Sender<EventNumber>,
    stopping: AtomicBool,
}

impl Books {
    /// Starts, with its totals in the folder `dir`, which is made if missing.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start(engine: Engine, dir: &Path) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            engine,
            dir: dir.to_owned(),
            totals: RwLock::default(),
            position: watch::Sender::new(EventNumber(0)),
            stopping: AtomicBool::new(false),
        });
        let following = shared.clone();
        let thread = std::thread::Builder::new()
            .name("reports".into())
            .spawn(move || following.run())?;
        let running = Mutex::new(Some(thread));
        let thread = Arc::new(Thread {
            shared: shared.clone(),
            running,
        });
        Ok(Self { shared, thread })
    }

    /// Stops, and writes the totals.
    pub fn stop(&self) {
        self.thread.stop();
    }

    /// Every event before it is in the totals.
    #[must_use]
    pub fn position(&self) -> EventNumber {
        *self.shared.position.borrow()
    }

    /// Asks the totals, once they show everything that was durable when asked. Off the runtime's threads.
    ///
    /// # Errors
    /// Unavailable while they are made from the log.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Totals) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let target = self.shared.engine.durable();
        let mut position = self.shared.position.subscribe();
        let caught_up = position.wait_for(|position| *position >= target);
        if tokio::time::timeout(CAUGHT_UP_WITHIN, caught_up)
            .await
            .is_err()
        {
            let message = format!(
                "the reports are being made from the log: {} of {target} events; ask again",
                self.position()
            );
            return Err(
                ApiError::new(ErrorType::Unavailable, "reports_behind", message).retry_after(5),
            );
        }
        let shared = self.shared.clone();
        let answer = tokio::task::spawn_blocking(move || {
            question(&shared.totals.read().unwrap_or_else(PoisonError::into_inner))
        });
        answer.await.map_err(|error| ApiError::internal(&error))
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Follows until the engine stops, or this.
    fn run(&self) {
        while !self.is_stopping() {
            match self.follow() {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(error, "reports cannot follow the log");
                    std::thread::sleep(AFTER_ERROR);
                }
            }
        }
    }

    fn follow(&self) -> Result<(), String> {
        let Checkpoint { totals, mut last } = self.begin()?;
        let mut written = totals.next();
        let mut written_at = Instant::now();
        let mut feed = self.engine.feed(written);
        *self.totals.write().unwrap_or_else(PoisonError::into_inner) = totals;
        self.position.send_replace(written);
        while !self.is_stopping() {
            match feed.next(PATIENCE) {
                Next::Batch(batch) => {
                    let mut totals = self.totals.write().unwrap_or_else(PoisonError::into_inner);
                    batch
                        .events
                        .iter()
                        .for_each(|(_, event)| totals.read(event));
                    drop(totals);
                    self.position.send_replace(batch.next());
                    last = batch
                        .events
                        .last()
                        .map_or(last, |(_, event)| checkpoint::mark(event));
                }
                Next::Nothing => {}
                Next::Ended => break,
                Next::Failed(error) => return Err(error),
            }
            let new = feed.position().0.saturating_sub(written.0);
            if new >= WRITTEN_EVERY || new > 0 && written_at.elapsed() >= WRITTEN_AFTER {
                self.write(last);
                (written, written_at) = (feed.position(), Instant::now());
            }
        }
        if feed.position() > written {
            self.write(last);
        }
        Ok(())
    }

    /// What was written, if it is of this log; else nothing.
    fn begin(&self) -> Result<Checkpoint, String> {
        let found = checkpoint::load(&self.dir).map_err(|error| error.to_string())?;
        let Some(found) = found else {
            return Ok(Checkpoint::default());
        };
        let Some(event) = found.last_event() else {
            return Ok(found);
        };
        let store = self.engine.store_now();
        while event < self.engine.durable() && store.position() <= event && !self.is_stopping() {
            std::thread::sleep(STORE_POLL);
        }
        let event = store.event(event).map_err(|error| error.to_string())?;
        if event.is_some_and(|event| checkpoint::mark(&event) == found.last) {
            return Ok(found);
        }
        tracing::warn!("the reports' totals are of another log; they are made again");
        Ok(Checkpoint::default())
    }

    fn write(&self, last: u32) {
        let begin = Instant::now();
        let totals = self.totals.read().unwrap_or_else(PoisonError::into_inner);
        let (position, bytes) = (totals.next().0, checkpoint::to_bytes(&totals, last));
        drop(totals);
        match checkpoint::save(&self.dir, &bytes) {
            Ok(()) => tracing::info!(
                position,
                bytes = bytes.len(),
                seconds = begin.elapsed().as_secs_f64(),
                "the reports' totals are written"
            ),
            // The log makes them again.
            Err(error) => tracing::error!(%error, "the reports' totals cannot be written"),
        }
    }
}

impl Thread {
    fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if running.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the reports panicked");
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop();
    }
}
