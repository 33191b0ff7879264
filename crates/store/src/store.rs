//! The store: opening, applying batches, writing runs.
//!
//! ```text
//! apply ─► active part ──(1,000,000 events)──► frozen part ─► run thread: ingest, record position
//!              └──────────── view of both ─────────┘                └──► drop the frozen part
//! ```
//!
//! The frozen part stays in the view until its run can be found on disk. A question takes the view
//! first and asks the disk only for events before the view's first. So it misses nothing, and meets
//! nothing twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use feiqian_core::numbers::Key;
use feiqian_core::{Event, EventNumber, UnixMillis};
use feiqian_log::{Address, ReadError, Reader};

use crate::StoreError;
use crate::entry::{self, Hash, Rows};
use crate::filter::Filter;
use crate::folder::{Folder, Reached};
use crate::runs::Runs;
use crate::tail::{Part, View};

/// Events in memory before they are written to disk as a run.
pub const RUN_EVENTS: u64 = 1_000_000;
/// Memory for blocks of the indexes that were read.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

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
    /// Bytes of memory for blocks of the indexes that were read.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            run_events: RUN_EVENTS,
            cache_bytes: CACHE_BYTES,
        }
    }
}

/// Indexes of a log, on disk and in memory. Share it as `Arc<Store>`.
///
/// Dropping it leaves the tail unwritten: it is then applied again from the log at the next opening.
/// [`Store::flush`] before dropping saves that time.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

pub(crate) struct Shared {
    pub folder: Folder,
    pub reader: Reader,
    pub runs: Runs,
    pub filter: Filter,
    pub hash: fn(&Key) -> Hash,
    run_events: u64,
    view: RwLock<View>,
    ingested: AtomicU64,
    /// Held by whoever changes the active part.
    applying: Mutex<()>,
    stopping: AtomicBool,
    run: Mutex<Run>,
    run_changed: Condvar,
}

/// What the run thread is told, and tells.
#[derive(Default)]
struct Run {
    waiting: Option<Arc<Part>>,
    failed: Option<Arc<StoreError>>,
    stop: bool,
}

impl Store {
    /// Opens the store of the log that `reader` reads, or starts one in an empty or new folder.
    ///
    /// Apply the log from [`position`](Self::position) on to bring it up to date. The filter of known
    /// numbers is filled in the background.
    ///
    /// # Errors
    /// When the folder is no sound store of this version, is in use, or belongs to another log; when
    /// the disk fails.
    pub fn open(dir: &Path, reader: Reader) -> Result<Self, StoreError> {
        Self::open_with(dir, reader, Options::default())
    }

    /// As [`Store::open`], with other sizes.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(dir: &Path, reader: Reader, options: Options) -> Result<Self, StoreError> {
        Self::open_hashed(dir, reader, options, entry::hash)
    }

    pub(crate) fn open_hashed(
        dir: &Path,
        reader: Reader,
        options: Options,
        hash: fn(&Key) -> Hash,
    ) -> Result<Self, StoreError> {
        let folder = Folder::open(dir)?;
        let runs = Runs::open(folder.clone(), options.cache_bytes)?;
        let next = match folder.reached()? {
            Some(reached) => {
                check_same_log(&folder, &reader, &reached)?;
                reached.next
            }
            None => 0,
        };
        if next > 0 && runs.last_landmark(0, next - 1)?.is_none() {
            return Err(folder.wrong("has lost its index"));
        }
        let shared = Arc::new(Shared {
            filter: Filter::new(runs.numbers_len()),
            folder,
            reader,
            runs,
            hash,
            run_events: options.run_events.max(1),
            view: RwLock::new(View {
                frozen: None,
                active: Arc::new(Part::starting_at(next)),
            }),
            ingested: AtomicU64::new(next),
            applying: Mutex::default(),
            stopping: AtomicBool::new(false),
            run: Mutex::default(),
            run_changed: Condvar::new(),
        });
        let mut store = Self {
            shared: shared.clone(),
            threads: Vec::new(),
        };
        store.spawn("store-runs", Shared::write_runs)?;
        if next > 0 {
            let hashes = shared.runs.hashes();
            store.spawn("store-filter", |shared| shared.fill_filter(hashes))?;
        } else {
            shared.filter.complete();
        }
        Ok(store)
    }

    /// Every event before it can be found.
    #[must_use]
    pub fn position(&self) -> EventNumber {
        self.shared.view().next()
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
    /// [`StoreError::Gap`] when events are missing before the batch, [`StoreError::Stopped`] after a
    /// run could not be written.
    pub fn apply(&self, batch: &Committed) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let applying = shared.lock_applying();
        let active = shared.view().active;
        let (expected, given) = (EventNumber(active.next), batch.first);
        if given > expected {
            return Err(StoreError::Gap { expected, given });
        }
        let known = usize::try_from(expected.0 - given.0).unwrap_or(usize::MAX);
        let Some(events @ [.., (last, _)]) = batch.events.get(known..) else {
            return Ok(());
        };
        let rows = Rows::of(expected.0, events, shared.hash);
        rows.numbers
            .iter()
            .for_each(|number| shared.filter.insert(number.group));
        let active = Arc::new(active.with(rows, batch.next().0, last.0));
        shared.change_view(|view| view.active = active.clone());
        if active.events() >= shared.run_events {
            shared.freeze(&applying)?;
        }
        Ok(())
    }

    /// Writes the tail to disk now, and returns when it is durable. For an orderly stop.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when a run could not be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        let applying = self.shared.lock_applying();
        self.shared.freeze(&applying)?;
        self.shared.wait_for_run().map(drop)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&shared));
        let file = self.shared.folder.path().to_owned();
        self.threads
            .push(thread.map_err(|source| StoreError::File { file, source })?);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shared.lock_run().stop = true;
        self.shared.run_changed.notify_all();
        for thread in self.threads.drain(..) {
            // They hold the database open. A panic there was reported already.
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

    fn lock_applying(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the active part to the run thread, when it is done with the one before.
    fn freeze(&self, _applying: &MutexGuard<'_, ()>) -> Result<(), StoreError> {
        let mut run = self.wait_for_run()?;
        let full = self.view().active;
        if full.is_empty() {
            return Ok(());
        }
        self.change_view(|view| {
            view.active = Arc::new(Part::starting_at(full.next));
            view.frozen = Some(full.clone());
        });
        run.waiting = Some(full);
        self.run_changed.notify_all();
        Ok(())
    }

    /// Waits until no run is being written.
    fn wait_for_run(&self) -> Result<MutexGuard<'_, Run>, StoreError> {
        let mut run = self.lock_run();
        loop {
            if let Some(failure) = &run.failed {
                return Err(StoreError::Stopped(failure.clone()));
            }
            if run.waiting.is_none() {
                return Ok(run);
            }
            run = self
                .run_changed
                .wait(run)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The run thread.
    fn write_runs(&self) {
        let mut run = self.lock_run();
        while !run.stop {
            let Some(part) = run.waiting.clone() else {
                run = self
                    .run_changed
                    .wait(run)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(run);
            // A thread that just died would leave its waiters waiting.
            let written = catch_unwind(AssertUnwindSafe(|| self.write_run(&part)))
                .unwrap_or_else(|_| Err(self.folder.wrong("has a damaged index")));
            run = self.lock_run();
            match written {
                Ok(()) => run.waiting = None,
                Err(error) => {
                    tracing::error!(%error, events = part.events(), "a run could not be written");
                    run.failed = Some(Arc::new(error));
                    run.stop = true;
                }
            }
            self.run_changed.notify_all();
        }
    }

    fn write_run(&self, part: &Part) -> Result<(), StoreError> {
        let last_hash = hash_at(&self.reader, part.last_address).map_err(StoreError::Log)?;
        self.runs.ingest(part)?;
        let last_address = part.last_address;
        self.folder.record(&Reached {
            next: part.next,
            last_address,
            last_hash,
        })?;
        self.ingested.store(part.next, Ordering::Release);
        self.change_view(|view| view.frozen = None);
        Ok(())
    }

    /// The filter thread: puts what is on disk into the filter. What comes later is put there when it
    /// is applied.
    fn fill_filter(&self, hashes: impl Iterator<Item = Result<Hash, StoreError>>) {
        let (start, mut numbers) = (Instant::now(), 0_u64);
        for hash in hashes {
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            match hash {
                Ok(hash) => self.filter.insert(hash),
                Err(error) => {
                    // Everything counts as perhaps known from now on; whoever asks meets the error.
                    tracing::error!(%error, "the filter of known numbers stays empty");
                    return;
                }
            }
            numbers = numbers.saturating_add(1);
        }
        self.filter.complete();
        tracing::debug!(numbers, took = ?start.elapsed(), "filled the filter of known numbers");
    }
}

/// Looks whether the log has the store's last event where the store has it.
fn check_same_log(folder: &Folder, reader: &Reader, reached: &Reached) -> Result<(), StoreError> {
    match hash_at(reader, reached.last_address) {
        Ok(hash) if hash == reached.last_hash => Ok(()),
        Ok(_) | Err(ReadError::NoEvent { .. } | ReadError::Damaged { .. }) => {
            Err(StoreError::OtherLog {
                folder: folder.path().to_owned(),
                last: EventNumber(reached.next.saturating_sub(1)),
                address: Address(reached.last_address),
            })
        }
        Err(error) => Err(StoreError::Log(error)),
    }
}

/// BLAKE3 of an event's bytes, in hexadecimal.
fn hash_at(reader: &Reader, address: u64) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    reader.event_at(Address(address), &mut bytes)?;
    Ok(blake3::hash(&bytes).to_string())
}
