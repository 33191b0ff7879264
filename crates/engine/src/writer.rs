//! The writer thread: the only place where anything is decided.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use feiqian_core::archive::{Archive, ArchiveError};
use feiqian_core::campaign::grant::Why;
use feiqian_core::numbers::{Key, Known};
use feiqian_core::order::Order;
use feiqian_core::packet::Packet;
use feiqian_core::{
    Command, Decision, Event, EventNumber, Keep, OrderId, PacketId, State, UnixMillis,
};
use feiqian_core::{decide, evolve};
use feiqian_log::Address;
use feiqian_store::Store;

use crate::committer::{Answer, Work};
use crate::metrics::{Counts, Metrics};
use crate::open::Clock;
use crate::parts::Step;
use crate::queue::{Envelope, Outcome, Queue};
use crate::room::Room;
use crate::snapshots::Snapshots;
use crate::{BATCH_MAX, Receipt};

/// The writer looks for timers at least so often.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    pub state: State,
    pub queue: Arc<Queue>,
    pub store: Arc<Store>,
    pub metrics: Arc<Metrics>,
    pub room: Room,
    pub clock: Clock,
    pub keep: Keep,
    /// Timers that strike in one batch.
    pub timers_max: usize,
    /// A snapshot is written after so many events.
    pub snapshot_every: u64,
    pub snapshots: Snapshots,
    /// Batches on their way to the log.
    pub work: SyncSender<Work>,
    pub now: UnixMillis,
    pub snapshot_at: EventNumber,
    /// Taken from the queue; empty between steps.
    pub envelopes: VecDeque<Envelope>,
    /// Of a batch's numbers; the memory is used again.
    pub asked: Asked,
}

/// What a batch's commands ask for.
#[derive(Default)]
pub(crate) struct Asked {
    /// The hash of each command's number.
    hashes: Vec<u64>,
    /// Whether it was surely never used before the batch.
    unknown: Vec<bool>,
}

impl Asked {
    /// For each command the hash of its number, if that is new.
    fn new_numbers(&self) -> impl Iterator<Item = Option<u64>> {
        let each = self.hashes.iter().zip(&self.unknown);
        each.map(|(hash, unknown)| unknown.then_some(*hash))
    }
}

/// The archive, which need not be asked for a number that is known to be new.
struct Archived<'a> {
    store: &'a Store,
    new: Option<u64>,
}

impl Archive for Archived<'_> {
    fn number(&self, key: &Key) -> Result<Option<Known>, ArchiveError> {
        if self.new.is_some_and(|new| new == key.hash()) {
            return Ok(None);
        }
        Archive::number(self.store, key)
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ArchiveError> {
        Archive::order(self.store, id)
    }

    fn packet(&self, id: PacketId) -> Result<Option<Packet>, ArchiveError> {
        Archive::packet(self.store, id)
    }
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
            self.snapshots.write_last(self.state.freeze());
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
        if self.room.is_full() {
            return TICK;
        }
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
        self.room.look(self.now, self.state.next_event());
        // Timers wait until there is room.
        let timers = if self.room.is_full() {
            0
        } else {
            self.timers_max
        };
        let due = self.state.due(self.now, timers);
        if envelopes.is_empty() && due.is_empty() {
            return Ok(false);
        }
        #[cfg(feature = "planted")]
        feiqian_core::planted::begin_batch(&self.state);
        let mut batch = Batch::new(self.state.next_event(), self.now);
        for command in due {
            let _ = self.command(&mut batch, &command, None);
        }
        self.warm(envelopes);
        let asked = std::mem::take(&mut self.asked);
        batch.work.events.reserve(asked.hashes.len());
        let mut new = asked.new_numbers();
        for envelope in envelopes.drain(..) {
            match envelope {
                Envelope::Command(command, reply) => {
                    let outcome = self.command(&mut batch, &command, new.next().flatten());
                    batch.work.answers.push(Answer::Command(reply, outcome));
                }
                Envelope::Many(commands, sink) => {
                    let mut answers = Vec::with_capacity(commands.len());
                    for (command, tag) in &commands {
                        let new = new.next().flatten();
                        answers.push((*tag, self.command(&mut batch, command, new)));
                    }
                    batch.work.answers.push(Answer::Many(sink, answers));
                }
                Envelope::Read(read) => batch.work.answers.push(Answer::Read(read(&self.state))),
            }
        }
        drop(new);
        self.asked = asked;
        batch.counts.publish(&self.metrics);
        self.work.send(batch.work).map_err(|_| Gone)?;
        self.state.forget(self.store.position(), self.keep);
        if self.state.next_event().0 >= self.snapshot_at.0.saturating_add(self.snapshot_every)
            && self.snapshots.offer(|| self.state.freeze())
        {
            self.snapshot_at = self.state.next_event();
        }
        Ok(true)
    }

    /// Reads what deciding a batch will read, so that the processor fetches it all at once instead of
    /// waiting for each.
    fn warm(&mut self, envelopes: &VecDeque<Envelope>) {
        let commands = || envelopes.iter().flat_map(Envelope::commands);
        let Asked { hashes, unknown } = &mut self.asked;
        hashes.clear();
        hashes.extend(commands().map(|command| command.number().map_or(0, |key| key.hash())));
        self.store.unknown(hashes, unknown);
        let read = commands()
            .zip(hashes)
            .map(|(command, hash)| command.warm(*hash, &self.state))
            .fold(0, u64::wrapping_add);
        std::hint::black_box(read);
    }

    fn command(&mut self, batch: &mut Batch, command: &Command, new: Option<u64>) -> Outcome {
        batch.counts.decided(command.name());
        let archive = Archived {
            store: &self.store,
            new,
        };
        if let Err(error) = command.fetch(&mut self.state, &archive) {
            tracing::error!(%error, command = command.name(), "the archive cannot be read");
            self.metrics.unreadable.inc();
            return Outcome::Unavailable;
        }
        match decide(&self.state, self.now, command) {
            Decision::Accept(_) if self.room.is_full() => Outcome::DiskFull,
            Decision::Accept(event) => {
                let number = self.state.next_event();
                evolve(&mut self.state, &event);
                if has_broken_rule(&event) {
                    self.metrics.rules_broken.inc();
                }
                batch.work.events.push((Address(0), event));
                Outcome::Done(Receipt {
                    event: number,
                    at: self.now,
                    again: false,
                })
            }
            Decision::Again(event) => Outcome::Done(Receipt {
                event,
                at: self.now,
                again: true,
            }),
            Decision::Refuse(refusal) => {
                batch.counts.refused(&refusal);
                Outcome::Refused(refusal)
            }
        }
    }
}

/// Whether a campaign's rule could not be computed for a payment.
fn has_broken_rule(event: &Event) -> bool {
    let Event::OrderPaid(paid) = event else {
        return false;
    };
    let granted = paid.granted.as_deref();
    let passed_over = granted.map_or(&[][..], |granted| &granted.passed_over);
    passed_over
        .iter()
        .any(|passed| passed.why == Why::RuleBroken)
}

struct Batch {
    work: Work,
    counts: Counts,
}

impl Batch {
    fn new(first: EventNumber, at: UnixMillis) -> Self {
        let (events, answers) = (Vec::new(), Vec::new());
        Self {
            work: Work {
                first,
                at,
                events,
                answers,
            },
            counts: Counts::default(),
        }
    }
}
