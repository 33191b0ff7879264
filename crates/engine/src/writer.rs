//! The writer thread: the only place where anything is decided.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use feiqian_core::{Command, Decision, Event, EventNumber, State, UnixMillis};
use feiqian_core::{decide, evolve, order::expire::ExpireOrder};
use feiqian_log::{Address, BatchBuffer, PushError};
use feiqian_store::Store;

use crate::committer::{Answer, Work};
use crate::metrics::{Counts, Metrics};
use crate::open::Clock;
use crate::parts::Step;
use crate::queue::{Envelope, Outcome, Queue, Reply};
use crate::snapshots::Snapshots;
use crate::{BATCH_MAX, Receipt};

/// The writer looks for timers at least so often.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    pub state: State,
    pub queue: Arc<Queue>,
    pub store: Arc<Store>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub keep: usize,
    /// Timers that strike in one batch.
    pub timers_max: usize,
    /// A snapshot is written after so many events.
    pub snapshot_every: u64,
    pub snapshots: Snapshots,
    /// Batches on their way to the log.
    pub work: SyncSender<Work>,
    /// Buffers on their way back. There are two: one is synced while the other is filled.
    pub buffers: Receiver<BatchBuffer>,
    pub now: UnixMillis,
    pub snapshot_at: EventNumber,
    /// Taken from the queue; empty between steps.
    pub envelopes: VecDeque<Envelope>,
}

/// The committer is gone: the log failed, or everything stops.
struct Gone;

impl Writer {
    pub fn run(mut self) {
        while self.step(self.patience()) != Step::Ended {}
    }

    /// Decides what waits, and ships it to the committer.
    pub fn step(&mut self, patience: Duration) -> Step {
        let mut envelopes = std::mem::take(&mut self.envelopes);
        if !self.queue.take(&mut envelopes, BATCH_MAX, patience) {
            // What is frozen here is written after the committer has made all of it durable.
            self.snapshots.write(self.state.freeze());
            return Step::Ended;
        }
        let shipped = self.batch(&mut envelopes);
        self.envelopes = envelopes;
        match shipped {
            Ok(true) => Step::Worked,
            Ok(false) => Step::Idle,
            Err(Gone) => {
                self.queue.abandon();
                Step::Ended
            }
        }
    }

    /// How long to wait for commands before looking at the clock again.
    fn patience(&self) -> Duration {
        let due = self
            .state
            .next_due()
            .map(|due| due.0.saturating_sub(self.now.0).max(0));
        let due = due
            .and_then(|ms| u64::try_from(ms).ok())
            .map(Duration::from_millis);
        due.unwrap_or(TICK).min(TICK)
    }

    /// Says whether there was anything to decide.
    fn batch(&mut self, envelopes: &mut VecDeque<Envelope>) -> Result<bool, Gone> {
        // Time never goes back, whatever the machine's clock does.
        self.now = self.now.max((self.clock)());
        let due: Vec<_> = self.state.due(self.now, self.timers_max).collect();
        if envelopes.is_empty() && due.is_empty() {
            return Ok(false);
        }
        let buffer = self.buffers.recv().map_err(|_| Gone)?;
        let mut batch = Batch::new(self.state.next_event(), self.now, buffer);
        for order in due {
            self.command(&mut batch, &ExpireOrder { order }.into(), Reply::Nobody)?;
        }
        for envelope in envelopes.drain(..) {
            match envelope {
                Envelope::Command(command, reply) => self.command(&mut batch, &command, reply)?,
                Envelope::Read(read) => batch.answers.push(Answer::Read(read(&self.state))),
            }
        }
        batch.counts.publish(&self.metrics);
        self.ship(batch)?;
        self.state.forget(self.store.position(), self.keep);
        if self.state.next_event().0 >= self.snapshot_at.0.saturating_add(self.snapshot_every)
            && self.snapshots.offer(|| self.state.freeze())
        {
            self.snapshot_at = self.state.next_event();
        }
        Ok(true)
    }

    fn command(&mut self, batch: &mut Batch, command: &Command, reply: Reply) -> Result<(), Gone> {
        let outcome = match command.fetch(&mut self.state, self.store.as_ref()) {
            Err(error) => {
                tracing::error!(%error, command = command.name(), "the archive cannot be read");
                Outcome::Unavailable
            }
            Ok(()) => match decide(&self.state, self.now, command) {
                Decision::Accept(event) => Outcome::Done(self.accept(batch, event)?),
                Decision::Again(event) => Outcome::Done(Receipt {
                    event,
                    at: self.now,
                    again: true,
                }),
                Decision::Refuse(refusal) => {
                    batch.counts.refused(&refusal);
                    Outcome::Refused(refusal)
                }
            },
        };
        batch.counts.decided(command.name());
        batch.answers.push(Answer::Command(reply, outcome));
        Ok(())
    }

    fn accept(&mut self, batch: &mut Batch, event: Event) -> Result<Receipt, Gone> {
        let number = self.state.next_event();
        loop {
            match batch.buffer.push(|bytes| encode(&event, bytes)) {
                Ok(()) => break,
                Err(PushError::BatchFull) => {
                    let next = self.buffers.recv().map_err(|_| Gone)?;
                    let full = std::mem::replace(batch, Batch::new(number, self.now, next));
                    self.ship(full)?;
                }
                Err(error) => panic!("limits keep an event far below a megabyte: {error}"),
            }
        }
        evolve(&mut self.state, &event);
        batch.events.push((Address(0), event));
        Ok(Receipt {
            event: number,
            at: self.now,
            again: false,
        })
    }

    fn ship(&self, batch: Batch) -> Result<(), Gone> {
        let Batch {
            first,
            at,
            buffer,
            events,
            answers,
            counts: _,
        } = batch;
        self.work
            .send(Work {
                first,
                at,
                buffer,
                events,
                answers,
            })
            .map_err(|_| Gone)
    }
}

/// Appends an event's stored form.
pub(crate) fn encode(event: &Event, bytes: &mut Vec<u8>) {
    match minicbor::encode(event, bytes) {
        Ok(()) => {}
        Err(error) => unreachable!("writing to memory does not fail: {error}"),
    }
}

struct Batch {
    first: EventNumber,
    at: UnixMillis,
    buffer: BatchBuffer,
    events: Vec<(Address, Event)>,
    answers: Vec<Answer>,
    counts: Counts,
}

impl Batch {
    fn new(first: EventNumber, at: UnixMillis, mut buffer: BatchBuffer) -> Self {
        buffer.clear();
        let (events, answers) = (Vec::new(), Vec::new());
        Self {
            first,
            at,
            buffer,
            events,
            answers,
            counts: Counts::default(),
        }
    }
}
