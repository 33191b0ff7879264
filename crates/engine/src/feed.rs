//! Following the log: the newest batches from memory, older ones from the log itself.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use feiqian_core::{Event, EventNumber, UnixMillis};
use feiqian_log::{Cursor, Position, Reader, Verify};
use feiqian_store::Committed;

/// The newest durable batches.
pub(crate) struct Ring {
    reader: Reader,
    /// Events that the store may be behind. An eighth of them is kept behind it for other followers: few,
    /// so that their memory is used again while the processor's cache still has it.
    room: u64,
    held: Mutex<Held>,
    grown: Condvar,
    drained: Condvar,
}

struct Held {
    batches: VecDeque<Arc<Committed>>,
    /// Every event before it is durable.
    end: EventNumber,
    /// Where the store stands: the writer waits for it when it is too far behind.
    store: EventNumber,
    closed: bool,
}

impl Ring {
    pub fn new(reader: Reader, end: EventNumber, room: u64) -> Self {
        let held = Held {
            batches: VecDeque::new(),
            end,
            store: end,
            closed: false,
        };
        Self {
            reader,
            room,
            held: Mutex::new(held),
            grown: Condvar::new(),
            drained: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, batch: Arc<Committed>) {
        let mut held = self.lock();
        while self.full(&held) {
            held = self
                .drained
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        held.end = batch.next();
        held.batches.push_back(batch);
        let kept_from = held.store.0.saturating_sub(self.room / 8);
        let old = held
            .batches
            .partition_point(|batch| batch.next().0 < kept_from);
        let old: Vec<_> = held.batches.drain(..old).collect();
        self.grown.notify_all();
        drop(held);
        // Freed while nobody waits for the lock.
        drop(old);
    }

    fn full(&self, held: &Held) -> bool {
        held.end.0.saturating_sub(held.store.0) > self.room && !held.closed
    }

    /// Whether [`push`](Self::push) would wait for the store.
    pub fn is_full(&self) -> bool {
        self.full(&self.lock())
    }

    pub fn store_is_at(&self, position: EventNumber) {
        self.lock().store = position;
        self.drained.notify_all();
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.grown.notify_all();
        self.drained.notify_all();
    }
}

/// What following gives.
pub enum Next {
    /// The batch with the next event; it may begin before it.
    Batch(Arc<Committed>),
    /// Nothing new in time.
    Nothing,
    /// The engine stopped and everything was read.
    Ended,
    /// The log cannot be read.
    Failed(String),
}

/// Reads the log in order, at its own pace. Blocks its thread while there is nothing new.
pub struct Feed {
    ring: Arc<Ring>,
    position: EventNumber,
    cursor: Option<Cursor>,
}

impl Feed {
    pub(crate) fn new(ring: Arc<Ring>, from: EventNumber) -> Self {
        Self {
            ring,
            position: from,
            cursor: None,
        }
    }

    /// Everything before it was read.
    #[must_use]
    pub fn position(&self) -> EventNumber {
        self.position
    }

    /// The next events, waiting at most `patience` for them. Skips nothing and repeats nothing: events
    /// of the first batch before the feed's start are left out.
    pub fn next(&mut self, patience: Duration) -> Next {
        let deadline = (!patience.is_zero()).then(|| Instant::now() + patience);
        let mut held = self.ring.lock();
        while held.end <= self.position {
            if held.closed {
                return Next::Ended;
            }
            let Some(deadline) = deadline else {
                return Next::Nothing;
            };
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return Next::Nothing;
            };
            let woken = self.ring.grown.wait_timeout(held, left);
            (held, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let index = held
            .batches
            .partition_point(|batch| batch.next() <= self.position);
        let batch = held
            .batches
            .get(index)
            .filter(|batch| batch.first <= self.position)
            .cloned();
        drop(held);
        match batch.map_or_else(|| self.read(), |batch| Ok(Some(batch))) {
            Ok(Some(batch)) => {
                let batch = from(batch, self.position);
                self.position = batch.next();
                Next::Batch(batch)
            }
            Ok(None) => Next::Nothing,
            Err(error) => Next::Failed(error),
        }
    }

    /// From the log, when memory does not hold it any more.
    fn read(&mut self) -> Result<Option<Arc<Committed>>, String> {
        let at = Position(self.position.0);
        let mut cursor = match self.cursor.take().filter(|cursor| cursor.position() == at) {
            Some(cursor) => cursor,
            None => self
                .ring
                .reader
                .batches_from(at, Verify::Frames)
                .map_err(|e| e.to_string())?,
        };
        let batch = next_committed(&mut cursor)?;
        self.cursor = Some(cursor);
        Ok(batch.map(Arc::new))
    }
}

fn from(batch: Arc<Committed>, position: EventNumber) -> Arc<Committed> {
    let skip = position.0.saturating_sub(batch.first.0);
    if skip == 0 {
        return batch;
    }
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let events = batch.events.iter().skip(skip).cloned().collect();
    Arc::new(Committed {
        first: position,
        at: batch.at,
        events,
    })
}

/// Decodes a cursor's next batch.
pub(crate) fn next_committed(cursor: &mut Cursor) -> Result<Option<Committed>, String> {
    let Some(stored) = cursor.next_batch().map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let mut first = None;
    let mut events = Vec::new();
    for event in stored.events() {
        first.get_or_insert(EventNumber(event.position.0));
        let decoded: Event = minicbor::decode(event.bytes)
            .map_err(|error| format!("event {} cannot be read: {error}", event.position.0))?;
        events.push((event.address, decoded));
    }
    let at = UnixMillis(stored.time_ms);
    Ok(first.map(|first| Committed { first, at, events }))
}
