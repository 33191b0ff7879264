//! The store: opening, applying batches.
//!
//! ```text
//! apply ─► active part ──(1,000,000 events)──► frozen part ─► work: write a run, drop the part
//!              │                                   │           │      merge runs
//!              └──────────── view of all three ────┴───────────┘
//! ```

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use feiqian_core::numbers::Key;
use feiqian_core::{Event, EventNumber, UnixMillis};
use feiqian_log::{Address, Disk, Files, ReadError, Reader};

use crate::StoreError;
use crate::block::PAIRS_PER_BLOCK;
use crate::filter::Filter;
use crate::folder::{Folder, Lock, Manifest};
use crate::index::{Index, Rows, key_of};
use crate::run::Run;
use crate::tail::Part;
use crate::view::View;
use crate::work::{Fill, Worker, hash_at};

/// Events in memory before they are written to disk as a run.
pub const RUN_EVENTS: u64 = 1_000_000;
/// Room in the filter of known numbers before it grows: 50 MiB once it is used.
pub const FILTER_KEYS: u64 = 1 << 24;
/// So many times [`Options::run_events`] are held in memory, beside those being written, while
/// writing to disk fails.
const HELD_RUNS_MAX: u64 = 4;
/// Pauses before writing is tried again.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LAST: Duration = Duration::from_secs(60);

/// A durable batch as the followers of the log get it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Number of the first event.
    pub first: EventNumber,
    /// When the batch was made.
    pub at: UnixMillis,
    /// The events in order, with their places in the log.
    pub events: Vec<(Address, Event)>,
}

impl Committed {
    /// The number after its last event.
    #[must_use]
    pub fn next(&self) -> EventNumber {
        EventNumber(self.first.0.saturating_add(self.events.len() as u64))
    }
}

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Events in memory before they are written to disk as a run.
    pub run_events: u64,
    /// Room in the filter of known numbers before it grows; 3.2 bytes each.
    pub filter_keys: u64,
    /// Whether a thread of the store's own does its work. If not, [`Store::work`] does, and
    /// [`Store::apply`] when it cannot go on otherwise.
    pub background: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            run_events: RUN_EVENTS,
            filter_keys: FILTER_KEYS,
            background: true,
        }
    }
}

/// Indexes of a log, on disk and in memory. Share it as `Arc<Store>`.
///
/// Dropping it leaves the tail unwritten: it is then applied again from the log at the next opening.
/// [`Store::flush`] before dropping saves that time.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Shared {
    pub folder: Folder,
    pub reader: Reader,
    pub filter: Filter,
    pub hash: fn(&Key) -> u64,
    pub worker: Mutex<Worker>,
    options: Options,
    view: RwLock<View>,
    ingested: AtomicU64,
    /// Held by whoever changes the active part.
    applying: Mutex<()>,
    signal: Mutex<Signal>,
    signalled: Condvar,
    _lock: Lock,
}

/// What the store's thread is told, and tells.
#[derive(Default)]
struct Signal {
    /// There may be work.
    wanted: bool,
    stop: bool,
    /// How often work has failed, and why it did last, unless it has succeeded since.
    failures: u64,
    failure: Option<Arc<StoreError>>,
}

impl Store {
    /// Opens the store of the log that `reader` reads, or starts one in an empty or new folder.
    ///
    /// Apply the log from [`position`](Self::position) on to bring it up to date. The filter of known
    /// numbers is filled in the background.
    ///
    /// # Errors
    /// When the folder is no sound store of this version ([`StoreError::can_be_rebuilt`] says whether
    /// [`Store::clear`] helps), is in use, or belongs to another log; when the disk fails.
    pub fn open(dir: &Path, reader: Reader) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(Files::new(dir)), reader, Options::default())
    }

    /// As [`Store::open`], on any disk, with other sizes or without a thread.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        reader: Reader,
        options: Options,
    ) -> Result<Self, StoreError> {
        Self::open_hashed(disk, reader, options, Key::hash)
    }

    pub(crate) fn open_hashed(
        disk: Arc<dyn Disk>,
        reader: Reader,
        options: Options,
        hash: fn(&Key) -> u64,
    ) -> Result<Self, StoreError> {
        let (folder, lock) = Folder::lock(disk)?;
        let manifest = folder.open()?;
        check_same_log(&folder, &reader, &manifest)?;
        let open = |(id, events)| Run::open(&*folder.disk, id, events).map(Arc::new);
        let runs = manifest.runs.iter().cloned().map(open);
        let runs: Vec<_> = runs.collect::<Result<_, _>>()?;
        let next_file = folder.next_file()?;
        folder.remove_leftovers(&manifest)?;

        let blocks: usize = runs.iter().map(|run| run.blocks(Index::Numbers)).sum();
        let known = (blocks * PAIRS_PER_BLOCK) as u64;
        let next = manifest.next();
        let worker = Worker {
            next_file,
            last: manifest.last,
            fill: Some(Fill {
                runs: runs.clone(),
                next_block: 0,
            }),
            merge: None,
            merging_ended: false,
            unsure: Vec::new(),
        };
        let view = View {
            runs: Arc::new(runs),
            frozen: None,
            active: Arc::new(Part::starting_at(next)),
        };
        let shared = Shared {
            folder,
            reader,
            filter: Filter::new(options.filter_keys.max(known.saturating_add(known / 4))),
            hash,
            worker: Mutex::new(worker),
            options,
            view: RwLock::new(view),
            ingested: AtomicU64::new(next),
            applying: Mutex::default(),
            signal: Mutex::default(),
            signalled: Condvar::new(),
            _lock: lock,
        };
        if known == 0 {
            shared.filter.complete();
        }
        Self::start(Arc::new(shared))
    }

    fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let mut store = Self {
            shared: shared.clone(),
            thread: None,
        };
        if shared.options.background {
            let file = shared.folder.path();
            let thread = std::thread::Builder::new().name("store-work".to_owned());
            let thread = thread.spawn(move || shared.keep_working());
            store.thread = Some(thread.map_err(|source| StoreError::File { file, source })?);
        }
        Ok(store)
    }

    /// Removes a store, damaged or of an older version, so that it can be made anew. Nothing but the
    /// store's own files is touched.
    ///
    /// # Errors
    /// When it is in use, or the disk fails.
    pub fn clear(disk: Arc<dyn Disk>) -> Result<(), StoreError> {
        let (folder, _lock) = Folder::lock(disk)?;
        folder.clear()
    }

    /// Every event before it can be found.
    #[must_use]
    pub fn position(&self) -> EventNumber {
        EventNumber(self.shared.view().next())
    }

    /// Every event before it is in the runs on disk, durably.
    #[must_use]
    pub fn ingested(&self) -> EventNumber {
        EventNumber(self.shared.ingested.load(Ordering::Acquire))
    }

    /// Takes the next batch of the log. Its events can be found once this returns. What is before
    /// [`position`](Self::position) is ignored.
    ///
    /// Waits when it is a whole run ahead of the disk. For one thread, in the order of the log.
    ///
    /// # Errors
    /// [`StoreError::Gap`] when events are missing before the batch. [`StoreError::Unwritten`] when
    /// writing to disk keeps failing and no more can be held in memory: nothing of the batch was
    /// taken, and it can be applied again later.
    pub fn apply(&self, batch: &Committed) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let applying = shared.lock_applying();
        let (expected, given) = (self.position(), batch.first);
        if given > expected {
            return Err(StoreError::Gap { expected, given });
        }
        let known = usize::try_from(expected.0 - given.0).unwrap_or(usize::MAX);
        let Some(events @ [.., (last, _)]) = batch.events.get(known..) else {
            return Ok(());
        };
        shared.make_room(&applying)?;
        let rows = Rows::of(expected.0, events, shared.hash);
        let numbers = rows[Index::Numbers].iter();
        shared.filter.insert(numbers.map(|pair| key_of(*pair)));
        let active = shared.view().active.with(rows, batch.next().0, last.0);
        shared.change_view(|view| view.active = Arc::new(active));
        Ok(())
    }

    /// Writes the tail to disk now, and returns when it is durable. For an orderly stop.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] when it cannot be written; what was applied is still found.
    pub fn flush(&self) -> Result<(), StoreError> {
        let applying = self.shared.lock_applying();
        self.shared.settle()?;
        self.shared.freeze(&applying);
        self.shared.settle()
    }

    /// Does one unit of what the store's thread would do: writes a frozen part as a run, puts a piece
    /// of the index into the filter, or goes one step on with merging runs. Says whether there was
    /// anything to do.
    ///
    /// # Errors
    /// When disk or log fail, or a run is damaged. Nothing that can be found has changed then, and
    /// the next call tries again.
    pub fn work(&self) -> Result<bool, StoreError> {
        self.shared.work()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.lock_signal().stop = true;
        self.shared.signalled.notify_all();
        if let Some(thread) = self.thread.take() {
            // It holds the folder. A panic there was reported already.
            drop(thread.join());
        }
    }
}

impl Shared {
    pub fn view(&self) -> View {
        self.view
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change_view(&self, change: impl FnOnce(&mut View)) {
        change(&mut self.view.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Shows these runs, and no longer the frozen part if they have it.
    pub fn show_runs(&self, runs: Vec<Arc<Run>>) {
        let next = runs.last().map_or(0, |run| run.events.end);
        self.change_view(|view| {
            view.runs = Arc::new(runs);
            view.frozen.take_if(|part| part.next <= next);
        });
        self.ingested.store(next, Ordering::Release);
    }

    fn lock_applying(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Freezes the active part when it is full, once the one before is on disk.
    fn make_room(&self, applying: &MutexGuard<'_, ()>) -> Result<(), StoreError> {
        let (view, run_events) = (self.view(), self.options.run_events.max(1));
        if view.active.events() < run_events {
            return Ok(());
        }
        if view.frozen.is_some() {
            let can_hold = view.active.events() / run_events < HELD_RUNS_MAX;
            let failing = self.lock_signal().failure.is_some();
            if can_hold && failing && self.options.background {
                return Ok(());
            }
            match self.settle() {
                Err(_) if can_hold => return Ok(()),
                settled => settled?,
            }
        }
        self.freeze(applying);
        Ok(())
    }

    /// Hands the active part to whoever writes; the one before must be on disk.
    fn freeze(&self, _applying: &MutexGuard<'_, ()>) {
        let full = self.view().active;
        if full.is_empty() {
            return;
        }
        self.change_view(|view| {
            view.active = Arc::new(Part::starting_at(full.next));
            view.frozen = Some(full.clone());
        });
        self.lock_signal().wanted = true;
        self.signalled.notify_all();
    }

    /// Returns once no part is frozen; fails when an attempt to write it does.
    fn settle(&self) -> Result<(), StoreError> {
        let unwritten = |error| StoreError::Unwritten(error);
        if !self.options.background {
            while self.view().frozen.is_some() {
                self.work().map_err(|error| unwritten(Arc::new(error)))?;
            }
            return Ok(());
        }
        let mut signal = self.lock_signal();
        let failures = signal.failures;
        signal.wanted = true;
        self.signalled.notify_all();
        while self.view().frozen.is_some() {
            match &signal.failure {
                Some(failure) if signal.failures > failures => {
                    return Err(unwritten(failure.clone()));
                }
                Some(_) | None => {}
            }
            signal = self
                .signalled
                .wait(signal)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// The store's thread.
    fn keep_working(&self) {
        let mut pause = RETRY_FIRST;
        loop {
            let worked = self.work();
            let mut signal = self.lock_signal();
            match worked {
                Ok(done) => {
                    (signal.failure, pause) = (None, RETRY_FIRST);
                    self.signalled.notify_all();
                    let idle = |signal: &mut Signal| !done && !signal.wanted && !signal.stop;
                    let waited = self.signalled.wait_while(signal, idle);
                    signal = waited.unwrap_or_else(PoisonError::into_inner);
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the store's work failed"
                    );
                    (signal.failure, signal.failures) =
                        (Some(Arc::new(error)), signal.failures + 1);
                    self.signalled.notify_all();
                    let idle = |signal: &mut Signal| !signal.wanted && !signal.stop;
                    let waited = self.signalled.wait_timeout_while(signal, pause, idle);
                    signal = waited.unwrap_or_else(PoisonError::into_inner).0;
                    pause = RETRY_LAST.min(pause * 2);
                }
            }
            signal.wanted = false;
            if signal.stop {
                return;
            }
        }
    }
}

/// Looks whether the log has the store's last event where the store has it.
fn check_same_log(folder: &Folder, reader: &Reader, manifest: &Manifest) -> Result<(), StoreError> {
    let Some(last) = &manifest.last else {
        return Ok(());
    };
    let source = match hash_at(reader, last.address) {
        Ok(hash) if hash == last.hash => return Ok(()),
        Ok(_) => None,
        Err(error @ (ReadError::NoEvent { .. } | ReadError::Damaged { .. })) => Some(error),
        Err(error) => return Err(StoreError::Log(error)),
    };
    Err(StoreError::OtherLog {
        folder: folder.path(),
        last: EventNumber(manifest.next().saturating_sub(1)),
        address: Address(last.address),
        source,
    })
}
