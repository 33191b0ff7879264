//! Opening a data folder: the newest snapshot, then what the log has beyond it.
//!
//! ```text
//! DIR/log/     the log          DIR/state/   snapshots of the state
//! DIR/store/   the indexes
//! ```

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use feiqian_core::archive::{Archive, ArchiveError};
use feiqian_core::brand::open::{Open, Opened};
use feiqian_core::numbers::{Key, Known};
use feiqian_core::order::Order;
use feiqian_core::packet::Packet;
use feiqian_core::{
    Command, Decision, Event, EventNumber, Keep, Mode, OrderId, PacketId, State, UnixMillis,
    decide, evolve,
};
use feiqian_log::{
    BatchBuffer, Disk, FileLog, Files, Log, Position, SEGMENT_BYTES_DEFAULT, Verify,
};
use feiqian_store::{Committed, Store, StoreError};
use tokio::sync::watch;

use crate::alarm::Alarm;
use crate::committer::{Committer, with_causes};
use crate::feed::{Feed, Ring, next_committed};
use crate::follower::Follower;
use crate::metrics::Metrics;
use crate::parts::Parts;
use crate::queue::Queue;
use crate::room::Room;
use crate::snapshots::{self, Snapshots};
use crate::writer::{Asked, Writer};
use crate::{
    Engine, Inner, KEEP_DEFAULT, RESERVE_BYTES, RING_EVENTS_MAX, SNAPSHOT_EVERY, TIMERS_MAX,
    rebuild,
};

/// Decided batches that may wait for the log.
const BATCHES_AHEAD: usize = 2;

/// Tells the time. A sandbox may pass one that moves as it likes; time never goes back for the rules.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// The machine's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// What opening is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the snapshot.
    Snapshot,
    /// The store is damaged or of an older version: it is made anew, so all events are replayed.
    Rebuild,
    /// Replaying events: done, and to be done.
    Replay(u64, u64),
}

/// Told about the progress of opening.
pub type Progress = Box<dyn FnMut(Stage)>;

/// Where the files lie: a machine's folders, or a simulator's.
pub struct Folders {
    /// The log.
    pub log: Arc<dyn Disk>,
    /// Snapshots of the state.
    pub state: Arc<dyn Disk>,
    /// The indexes.
    pub store: Arc<dyn Disk>,
}

impl Folders {
    /// The folders in a data folder of this machine.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            log: Arc::new(Files::new(&dir.join("log"))),
            state: Arc::new(Files::new(&dir.join("state"))),
            store: Arc::new(Files::new(&dir.join("store"))),
        }
    }
}

/// How to open.
pub struct Options {
    /// The data folder, for messages.
    pub dir: PathBuf,
    /// Where its files lie; made if missing.
    pub folders: Folders,
    /// What the installation must be for.
    pub mode: Mode,
    /// Tells the time.
    pub clock: Clock,
    /// What is kept in memory though the store has it.
    pub keep: Keep,
    /// Most timers that strike in one batch.
    pub timers_max: usize,
    /// A snapshot is written after so many events.
    pub snapshot_every: u64,
    /// Events kept in memory for followers.
    pub ring_events: u64,
    /// Bytes of each new segment file of the log.
    pub segment_bytes: u64,
    /// Bytes that must stay free on the disk.
    pub reserve_bytes: u64,
    /// Sizes of the store.
    pub store: feiqian_store::Options,
    /// Told about the progress.
    pub progress: Option<Progress>,
}

impl Options {
    /// The defaults for a folder.
    #[must_use]
    pub fn new(dir: &Path, mode: Mode) -> Self {
        Self {
            dir: dir.to_owned(),
            folders: Folders::in_dir(dir),
            mode,
            clock: system_clock(),
            keep: KEEP_DEFAULT,
            timers_max: TIMERS_MAX,
            snapshot_every: SNAPSHOT_EVERY,
            ring_events: RING_EVENTS_MAX,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            reserve_bytes: RESERVE_BYTES,
            store: feiqian_store::Options::default(),
            progress: None,
        }
    }
}

/// Why a data folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is of the other mode.
    #[error("{} was made in {was:?} mode and cannot be opened in {asked:?} mode; use another folder", .dir.display())]
    OtherMode {
        /// The folder.
        dir: PathBuf,
        /// Its mode.
        was: Mode,
        /// The mode asked for.
        asked: Mode,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] feiqian_log::OpenError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] feiqian_store::StoreError),
    /// Events cannot be read.
    #[error("the log cannot be replayed: {0}")]
    Replay(String),
    /// The log takes no first event.
    #[error(transparent)]
    Append(#[from] feiqian_log::AppendError),
    /// The operating system refuses.
    #[error("cannot prepare the data folder {}", .dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

pub(crate) fn open(options: Options) -> Result<Engine, OpenError> {
    let dir = options.dir.clone();
    let (engine, parts) = open_parts(options)?;
    let threads = parts
        .start()
        .map_err(|source| OpenError::Io { dir, source })?;
    engine.runs_on(threads);
    Ok(engine)
}

pub(crate) fn open_stepped(mut options: Options) -> Result<(Engine, Parts), OpenError> {
    options.store.background = false;
    open_parts(options)
}

fn open_parts(mut options: Options) -> Result<(Engine, Parts), OpenError> {
    tell(&mut options, Stage::Snapshot);
    let state = load_snapshot(&options)?;
    let snapshot_at = state.next_event();
    // What a snapshot or the store has seen was durable: a log that ends before it must not be cut.
    let indexed = rebuild::recorded_position(options.folders.store.clone())?;
    let log_options = feiqian_log::Options {
        segment_bytes: options.segment_bytes,
        must_reach: Position(snapshot_at.max(indexed).0),
    };
    let (mut log, _) = FileLog::open_on(options.folders.log.clone(), log_options)?;
    let mut snapshot = Some(state);
    let (mut state, last, store) = rebuild::or_rebuild(&mut options, |options| {
        let disk = options.folders.store.clone();
        let store = Store::open_on(disk, log.reader(), options.store)?;
        let state = snapshot.take().map_or_else(|| load_snapshot(options), Ok)?;
        let (state, last) = replay(state, &log, &store, options)?;
        Ok((state, last, Arc::new(store)))
    })?;
    let now = open_mode(&mut state, &mut log, &store, &options)?.max(last);
    Ok(assemble(state, now, snapshot_at, log, store, options))
}

fn load_snapshot(options: &Options) -> Result<State, OpenError> {
    let disk = &*options.folders.state;
    let state = snapshots::load(disk).map_err(|source| OpenError::Io {
        dir: disk.path(""),
        source,
    })?;
    Ok(state.unwrap_or_default())
}

pub(crate) fn tell(options: &mut Options, stage: Stage) {
    if let Some(progress) = &mut options.progress {
        progress(stage);
    }
}

/// Brings state and store up to the log's end. Answers the state and the time of the last event.
fn replay(
    mut state: State,
    log: &FileLog,
    store: &Store,
    options: &mut Options,
) -> Result<(State, UnixMillis), OpenError> {
    // The last batch is read in any case: time does not go back behind it.
    let last = EventNumber(log.end().0.saturating_sub(1));
    let begin = state.next_event().min(store.position()).min(last);
    let todo = log.end().0.saturating_sub(begin.0);
    let mut now = UnixMillis(0);
    let mut cursor = log
        .reader()
        .batches_from(Position(begin.0), Verify::Frames)
        .map_err(|error| OpenError::Replay(with_causes(&error)))?;
    while let Some(batch) = next_committed(&mut cursor).map_err(OpenError::Replay)? {
        store.apply(&batch)?;
        now = batch.at;
        let known = state.next_event().0.saturating_sub(batch.first.0);
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        for (_, event) in batch.events.iter().skip(known) {
            if let Some(order) = event.order() {
                let before = Before {
                    store,
                    event: state.next_event(),
                };
                state.recall_order(order, &before).map_err(cannot_recall)?;
            }
            // What is on disk may be anything; the rules stop at an event that does not fit.
            let number = state.next_event();
            catch_unwind(AssertUnwindSafe(|| evolve(&mut state, event))).map_err(|_| {
                OpenError::Replay(format!("event {number} contradicts the events before it"))
            })?;
        }
        state.forget(store.position(), options.keep);
        tell(
            options,
            Stage::Replay(batch.next().0.saturating_sub(begin.0), todo),
        );
    }
    if state.next_event().0 != log.end().0 {
        let (read, end) = (state.next_event().0, log.end().0);
        return Err(OpenError::Replay(format!(
            "{read} events could be read of {end}"
        )));
    }
    Ok((state, now))
}

fn cannot_recall(error: ArchiveError) -> OpenError {
    match error.downcast::<StoreError>() {
        Ok(error) => OpenError::Store(*error),
        Err(error) => OpenError::Replay(with_causes(&*error)),
    }
}

/// The archive as it was before an event. Settled orders are not in snapshots, and the store may have
/// seen more than the state that is being replayed.
struct Before<'a> {
    store: &'a Store,
    event: EventNumber,
}

impl Archive for Before<'_> {
    fn number(&self, _: &Key) -> Result<Option<Known>, ArchiveError> {
        Ok(None)
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ArchiveError> {
        let Some(story) = self.store.order(id)? else {
            return Ok(None);
        };
        let created = Event::OrderCreated(story.created);
        let later = story
            .later
            .iter()
            .filter(|(number, _)| *number < self.event);
        let events = later.map(|(number, event)| (*number, event));
        Ok(Order::replay(
            std::iter::once((id.0, &created)).chain(events),
        ))
    }

    /// No event changes a packet that is over, and open ones are in snapshots.
    fn packet(&self, _: PacketId) -> Result<Option<Packet>, ArchiveError> {
        Ok(None)
    }
}

/// Checks the mode, or sets it as the first event of a new log. Answers the time.
fn open_mode(
    state: &mut State,
    log: &mut FileLog,
    store: &Store,
    options: &Options,
) -> Result<UnixMillis, OpenError> {
    let now = (options.clock)();
    match decide(state, now, &Command::from(Open { mode: options.mode })) {
        Decision::Again(_) => Ok(now),
        Decision::Refuse(_) => Err(OpenError::OtherMode {
            dir: options.dir.clone(),
            was: state.mode().unwrap_or(options.mode),
            asked: options.mode,
        }),
        Decision::Accept(event) => {
            debug_assert!(
                matches!(&event, Event::Opened(Opened { .. })),
                "Open gives Opened"
            );
            let mut buffer = BatchBuffer::new();
            buffer
                .push(|bytes| event.write(bytes))
                .map_err(|error| OpenError::Replay(error.to_string()))?;
            let appended = log.append(Position(0), now.0, &mut buffer)?;
            evolve(state, &event);
            let events = vec![(appended.address, event)];
            store.apply(&Committed {
                first: EventNumber(0),
                at: now,
                events,
            })?;
            Ok(now)
        }
    }
}

fn assemble(
    state: State,
    now: UnixMillis,
    snapshot_at: EventNumber,
    log: FileLog,
    store: Arc<Store>,
    options: Options,
) -> (Engine, Parts) {
    let end = state.next_event();
    let (durable_sender, durable) = watch::channel(end);
    let (indexed_sender, indexed) = watch::channel(end);
    let ring = Arc::new(Ring::new(log.reader(), end, options.ring_events));
    let queue = Arc::new(Queue::default());
    let metrics = Arc::new(Metrics::default());
    let (alarm, failure) = Alarm::new(queue.clone(), ring.clone());
    let (work_sender, work) = sync_channel(BATCHES_AHEAD);
    let room = Room::new(&options.folders, options.reserve_bytes, metrics.clone());
    let (snapshots, recorder) = Snapshots::new(options.folders.state, durable.clone());
    let writer = Writer {
        state,
        queue: queue.clone(),
        store: store.clone(),
        metrics: metrics.clone(),
        room,
        clock: options.clock,
        keep: options.keep,
        timers_max: options.timers_max,
        snapshot_every: options.snapshot_every,
        snapshots,
        work: work_sender,
        now,
        snapshot_at,
        envelopes: VecDeque::new(),
        asked: Asked::default(),
    };
    let committer = Committer {
        log,
        work,
        buffer: BatchBuffer::new(),
        ring: ring.clone(),
        metrics: metrics.clone(),
        durable: durable_sender,
        alarm: alarm.clone(),
    };
    let follower = Follower {
        feed: Feed::new(ring.clone(), end),
        ring: ring.clone(),
        store: store.clone(),
        indexed: indexed_sender,
        alarm: alarm.clone(),
    };
    let parts = Parts {
        store: store.clone(),
        alarm,
        writer: Some(writer),
        committer: Some(committer),
        follower: Some(follower),
        recorder: Some(recorder),
        room: BATCHES_AHEAD,
    };
    let inner = Inner {
        queue,
        ring,
        store,
        metrics,
        durable,
        indexed,
        failure,
        threads: Mutex::default(),
    };
    let engine = Engine {
        inner: Arc::new(inner),
    };
    (engine, parts)
}
