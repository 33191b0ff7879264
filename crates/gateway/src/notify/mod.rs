//! Notices: tells merchants what became of their orders and refunds, at least once.
//!
//! ```text
//! log ─► follow: one row a notice ─► queues by endpoint ─► deliver: build from the store, sign, post
//!        (rows and position are written together)            │
//!              ▲ try again after a while ◄───────────────────┴─► acknowledged: the row goes
//!                                                             └─► out of tries: the row is dead
//! ```
//!
//! The rows lie in a fjall database of their own, `DIR/notify`, so that a restart loses nothing. It
//! can be deleted: then the notices of the last day are sent again. Every API's own words for a
//! notice are in one file, [`wechat`], [`wechat_xml`] and [`alipay`]; everything else is common to all.
//!
//! Each endpoint (host and port) has its own queue, and few posts at a time go to one, so that a dead
//! endpoint delays nobody else. In memory there are the endpoints with something to send and the posts
//! under way; what waits is read from disk when its time comes.

mod follow;

mod deliver;
mod queues;
mod run;

mod rows;

pub mod address;
mod alipay;
pub mod plan;
mod wechat;
mod wechat_xml;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use feiqian_core::EventNumber;
use feiqian_store::export::{Export, ExportError};

use crate::platform::Platform;
use rows::{NoticeNumber, Rows};
use run::Shared;

pub use plan::{Options, Plan};
pub use rows::NoticeKind;

/// Threads that deliver.
const THREADS: usize = 2;
/// How long a stop waits for what is under way.
const STOP_WITHIN: Duration = Duration::from_secs(6);

/// Why notices cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The database of what is to be sent.
    #[error("the notices' database fails")]
    Storage(#[from] fjall::Error),
    /// The database holds what this program did not write.
    #[error("a record of the notices' database cannot be read")]
    Damaged,
    /// The operating system refuses a thread.
    #[error("cannot start a thread for notices")]
    Thread(#[from] std::io::Error),
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client for notices")]
    Client(#[from] reqwest::Error),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(String),
    /// What a notice tells cannot be read.
    #[error(transparent)]
    Platform(#[from] crate::platform::PlatformError),
}

/// What has been done since the start, and what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Acknowledged.
    pub delivered: u64,
    /// Tries that were not acknowledged.
    pub failed: u64,
    /// Out of tries, all in all.
    pub dead: u64,
    /// Still to be acknowledged.
    pub pending: u64,
}

/// A notice that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// As in the notice; names it for [`Notifier::redeliver`].
    pub id: String,
    /// What it tells of.
    pub event: EventNumber,
    /// What kind of thing happened.
    pub kind: NoticeKind,
    /// Where it was posted.
    pub url: String,
    /// How often.
    pub tries: u32,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// When it is tried next, or when it was given up; Unix milliseconds.
    pub at: i64,
    /// It is out of tries.
    pub dead: bool,
}

/// Sends notices while it runs. Clones share it; it stops with the last of them.
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
    threads: Arc<Threads>,
}

struct Threads {
    shared: Arc<Shared>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

/// Counters while running.
#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl Notifier {
    /// Starts, with its database in the folder `dir`, which is made if missing.
    ///
    /// # Errors
    /// [`NotifyError`].
    pub fn start(platform: Arc<Platform>, dir: &Path) -> Result<Self, NotifyError> {
        Self::start_with(platform, dir, Options::default())
    }

    /// As [`Notifier::start`], with another plan: for tests that cannot wait a day.
    ///
    /// # Errors
    /// [`NotifyError`].
    pub fn start_with(
        platform: Arc<Platform>,
        dir: &Path,
        options: Options,
    ) -> Result<Self, NotifyError> {
        let rows = Rows::open(dir)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("notify")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let shared = Arc::new(Shared::new(platform, rows, options, handle.clone())?);
        let (sending, following) = (shared.clone(), shared.clone());
        let send = std::thread::Builder::new()
            .name("notify-send".into())
            .spawn(move || {
                runtime.block_on(run::run(sending));
                runtime.shutdown_background();
            })?;
        let follow = std::thread::Builder::new()
            .name("notify-follow".into())
            .spawn(move || follow::run(&following, &handle))?;
        let running = Mutex::new(vec![follow, send]);
        Ok(Self {
            threads: Arc::new(Threads {
                shared: shared.clone(),
                running,
            }),
            shared,
        })
    }

    /// Stops: what is under way gets a few seconds; the rest is sent after the next start.
    pub fn stop(&self) {
        self.threads.stop();
    }

    /// For metrics.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counts = &self.shared.counts;
        Counters {
            delivered: counts.delivered.load(Ordering::Relaxed),
            failed: counts.failed.load(Ordering::Relaxed),
            dead: self.shared.rows.dead_count(),
            pending: self.shared.rows.pending_count(),
        }
    }

    /// What is to be sent and what is dead, as it is now, for a backup.
    ///
    /// # Errors
    /// [`ExportError::Storage`].
    pub fn export(&self) -> Result<Export, ExportError> {
        self.shared.rows.export()
    }

    /// Notices that are out of tries, newest event first, at most `limit`.
    ///
    /// # Errors
    /// [`NotifyError::Storage`].
    pub fn dead(&self, limit: usize) -> Result<Vec<Notice>, NotifyError> {
        let rows = self.shared.rows.dead(limit)?;
        let notice = |(notice, row)| self.notice(notice, row, true);
        Ok(rows.into_iter().map(notice).collect())
    }

    /// Notices that wait for their next try, at most `limit`, oldest event first.
    ///
    /// # Errors
    /// [`NotifyError::Storage`].
    pub fn waiting(&self, limit: usize) -> Result<Vec<Notice>, NotifyError> {
        let rows = self.shared.rows.waiting(limit)?;
        let notice = |(notice, row)| self.notice(notice, row, false);
        Ok(rows.into_iter().map(notice).collect())
    }

    /// Notices that tell of these events and were not acknowledged.
    ///
    /// # Errors
    /// [`NotifyError::Storage`].
    pub fn of_events(&self, events: &[EventNumber]) -> Result<Vec<Notice>, NotifyError> {
        let rows = &self.shared.rows;
        let mut found = Vec::new();
        for number in events.iter().map(|event| NoticeNumber::of(*event)) {
            let dead = rows.dead_row(number)?.map(|row| (row, true));
            let row = match dead {
                Some(dead) => Some(dead),
                None => rows.pending_row(number)?.map(|row| (row, false)),
            };
            found.extend(row.map(|(row, dead)| self.notice(number, row, dead)));
        }
        Ok(found)
    }

    fn notice(&self, notice: NoticeNumber, row: rows::Row, dead: bool) -> Notice {
        Notice {
            id: self.shared.platform.ids.notice_id(notice.whole()),
            event: notice.event,
            kind: row.kind,
            url: row.url,
            tries: row.tries,
            last_error: row.last_error,
            at: row.due,
            dead,
        }
    }

    /// Sends a notice again now, with all its tries: one that is dead, one that waits, or one that was
    /// acknowledged. False if there never was such a notice.
    ///
    /// # Errors
    /// [`NotifyError`].
    pub fn redeliver(&self, id: &str) -> Result<bool, NotifyError> {
        match self.shared.platform.ids.read_notice_id(id) {
            Some(whole) => self.shared.redeliver(NoticeNumber::read(whole)),
            None => Ok(false),
        }
    }
}

impl Threads {
    fn stop(&self) {
        self.shared.stop();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = std::mem::take(&mut *{ running });
        for thread in running {
            if thread.join().is_err() {
                tracing::error!("a thread of the notifier panicked");
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
    }
}
