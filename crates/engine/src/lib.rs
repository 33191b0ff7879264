//! The engine: one writer decides, makes durable, and only then answers.
//!
//! ```text
//! submit ─► queue ─► writer thread: fetch, decide, encode, evolve ─► committer thread: append, sync
//!                                                                        │
//!                        followers: store, notifier, bank ◄── ring ◄─────┴──► replies
//! ```
//!
//! While one batch is being made durable, the next is decided. Refusals and reads wait for the same
//! sync, because what they say may rest on an event that is not durable yet.
//!
//! Deliberately absent: any rule about money (that is `feiqian-core`), any network, any async
//! runtime. Futures returned here run on every runtime.

pub mod metrics;

mod alarm;
mod committer;
mod feed;
mod follower;
mod open;
mod parts;
mod queue;
mod rebuild;
mod room;
mod snapshots;
mod writer;

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use feiqian_core::{Command, EventNumber, Keep, State, Submit, UnixMillis};
use feiqian_store::Store;
use tokio::sync::{oneshot, watch};

pub use feed::{Feed, Next};
pub use feiqian_store::Committed;
pub use metrics::Metrics;
pub use open::{Clock, Folders, OpenError, Options, Progress, Stage, system_clock};
pub use parts::{Parts, Step};
pub use queue::{Outcome, Reply, Sink};

use feed::Ring;
use queue::{Envelope, Queue};

/// Most commands decided in one batch.
pub const BATCH_MAX: usize = 8_192;
/// Most commands waiting; beyond, the answer is busy.
pub const QUEUE_MAX: usize = 65_536;
/// Most timers that strike in one batch, unless [`Options`] says otherwise.
pub const TIMERS_MAX: usize = 1_024;
/// Events kept in memory for followers, unless [`Options`] says otherwise. The writer waits when the
/// store is further behind.
pub const RING_EVENTS_MAX: u64 = 262_144;
/// What is kept in memory though the store has it, unless [`Options`] says otherwise: at 250,000
/// payments a second the numbers of one second and the orders of half a minute; and 64 MiB
/// of red packets.
pub const KEEP_DEFAULT: Keep = Keep {
    numbers: 262_144,
    orders: 8_388_608,
    shares: 4_194_304,
};
/// A snapshot of the state is written after so many events, and at an orderly stop, unless
/// [`Options`] says otherwise.
pub const SNAPSHOT_EVERY: u64 = 16_000_000;

/// Bytes that must stay free on the disk; with less nothing new is accepted, unless [`Options`] says
/// otherwise. It is room for two segments of the log, and for what runs of the store and a snapshot
/// take between two looks.
pub const RESERVE_BYTES: u64 = 1 << 30;

/// A running engine. Clones share it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    ring: Arc<Ring>,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    durable: watch::Receiver<EventNumber>,
    indexed: watch::Receiver<EventNumber>,
    failure: watch::Receiver<Option<String>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What an accepted command gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The event that recorded it. An order's, refund's or transfer's id is this number.
    pub event: EventNumber,
    /// When it was answered.
    pub at: UnixMillis,
    /// Whether the same had been asked before.
    pub again: bool,
}

/// Why a command got no receipt.
#[derive(Debug, thiserror::Error)]
pub enum Rejected<R: core::fmt::Debug + core::fmt::Display> {
    /// The rules refuse it; nothing changed.
    #[error("{0}")]
    Refused(R),
    /// Too much is asked at once; nothing changed. Ask again.
    #[error("too many requests are waiting; try again")]
    Busy,
    /// The disk is nearly full; nothing changed. Ask again when there is room.
    #[error("the disk is nearly full, so nothing new is accepted; try again later")]
    DiskFull,
    /// Nobody can say whether it happened: the engine stopped, or what it needed could not be read.
    /// Ask again with the same number.
    #[error("it is not known whether this happened; ask again with the same number")]
    Unknown,
}

/// The engine has stopped, or more is asked of it than it can queue. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine takes no requests now")]
pub struct Stopped;

impl Engine {
    /// Opens a data folder, replays what is newer than its snapshot, and starts.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        open::open(options)
    }

    /// As [`Engine::open`], without threads: nothing happens but what is asked of the parts. For a
    /// simulator, which runs them in any order and stops between any two steps.
    pub fn open_stepped(options: Options) -> Result<(Self, Parts), OpenError> {
        open::open_stepped(options)
    }

    /// Asks for a command; answers once the answer is durable.
    pub async fn submit<C: Submit>(&self, command: C) -> Result<Receipt, Rejected<C::Refusal>> {
        let (reply, answer) = oneshot::channel();
        let envelope = Envelope::Command(command.into(), Reply::One(reply));
        if self.inner.queue.push(envelope).is_err() {
            return Err(if self.failed().is_some() {
                Rejected::Unknown
            } else {
                Rejected::Busy
            });
        }
        match answer.await {
            Ok(Outcome::Done(receipt)) => Ok(receipt),
            Ok(Outcome::Refused(refusal)) => {
                Err(C::refusal(refusal).map_or(Rejected::Unknown, Rejected::Refused))
            }
            Ok(Outcome::DiskFull) => Err(Rejected::DiskFull),
            Ok(Outcome::Unavailable) | Err(_) => Err(Rejected::Unknown),
        }
    }

    /// Asks for many commands at once, each under a tag; the answers go to `sink` together. Waits for
    /// room in the queue. For loads that cannot afford a future per command.
    pub fn submit_many(
        &self,
        commands: Vec<(Command, u64)>,
        sink: &Arc<dyn Sink>,
    ) -> Result<(), Stopped> {
        if commands.is_empty() {
            return Ok(());
        }
        let envelope = Envelope::Many(commands, sink.clone());
        self.inner.queue.push_waiting(envelope).map_err(|_| Stopped)
    }

    /// Reads the state exactly: after every command submitted before, once that is durable.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        let read = Envelope::Read(Box::new(move |state| {
            let value = question(state);
            Box::new(move || drop(reply.send(value)))
        }));
        self.inner.queue.push(read).map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Every event before it is durable.
    #[must_use]
    pub fn durable(&self) -> EventNumber {
        *self.inner.durable.borrow()
    }

    /// The store, once it shows everything that is durable now: whoever was answered finds it.
    pub async fn store(&self) -> Result<Arc<Store>, Stopped> {
        let target = self.durable();
        let mut indexed = self.inner.indexed.clone();
        indexed
            .wait_for(|position| *position >= target)
            .await
            .map_err(|_| Stopped)?;
        Ok(self.inner.store.clone())
    }

    /// The store as it is, perhaps a moment behind.
    #[must_use]
    pub fn store_now(&self) -> &Arc<Store> {
        &self.inner.store
    }

    /// Follows the log from an event on.
    #[must_use]
    pub fn feed(&self, from: EventNumber) -> Feed {
        Feed::new(self.inner.ring.clone(), from)
    }

    /// Why the engine stopped by itself, if it did: a write to the log failed.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.inner.failure.borrow().clone()
    }

    /// Waits until the engine stops by itself, and says why.
    pub async fn failure(&self) -> String {
        let mut failure = self.inner.failure.clone();
        let why = failure
            .wait_for(Option::is_some)
            .await
            .map(|why| why.clone());
        match why {
            Ok(why) => why.unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Counters and gauges.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    /// Reads the gauges that are not kept while running.
    pub fn observe(&self) {
        let metrics = &self.inner.metrics;
        metrics
            .queue_depth
            .set(as_gauge(self.inner.queue.len() as u64));
        metrics.durable.set(as_gauge(self.durable().0));
        metrics.indexed.set(as_gauge(self.inner.indexed.borrow().0));
        metrics
            .ingested
            .set(as_gauge(self.inner.store.ingested().0));
    }

    /// Its threads, waited for at an orderly stop.
    fn runs_on(&self, threads: Vec<JoinHandle<()>>) {
        if let Ok(mut running) = self.inner.threads.lock() {
            *running = threads;
        }
    }

    /// Stops in order: takes no more commands, answers those it took, writes store and snapshot. Without
    /// threads the parts are still to be stepped until they ended.
    pub fn stop(&self) {
        self.inner.queue.close();
        let threads = match self.inner.threads.lock() {
            Ok(mut threads) => std::mem::take(&mut *threads),
            Err(_) => return,
        };
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the engine panicked");
            }
        }
    }
}

fn as_gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
