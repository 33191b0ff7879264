//! The bounded queue of commands. Full means "busy, try again", never loss.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feiqian_core::{Command, Refusal, State};
use tokio::sync::oneshot;

use crate::{QUEUE_MAX, Receipt};

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened, now or before.
    Done(Receipt),
    /// The rules refuse it.
    Refused(Refusal),
    /// The disk is nearly full; nothing changed.
    DiskFull,
    /// What it needed could not be read; nothing changed.
    Unavailable,
}

/// Takes the answers of many commands.
pub trait Sink: Send + Sync {
    /// The answers of commands that were submitted together, each with its tag, in their order.
    /// Called on the committer's thread: be short.
    fn answers(&self, answers: Vec<(u64, Outcome)>);
}

/// Where an answer goes.
pub enum Reply {
    /// To one who waits.
    One(oneshot::Sender<Outcome>),
    /// Nowhere: a timer asked.
    Nobody,
}

impl Reply {
    pub(crate) fn send(self, outcome: Outcome) {
        match self {
            // Whoever stopped waiting learns of it by asking again.
            Self::One(reply) => drop(reply.send(outcome)),
            Self::Nobody => {}
        }
    }
}

/// Delivers a read's value, once that is allowed.
pub(crate) type Release = Box<dyn FnOnce() + Send>;
/// A read: looks at the state now, delivers later.
pub(crate) type Read = Box<dyn FnOnce(&State) -> Release + Send>;

#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are commands; a box each would cost more"
)]
pub(crate) enum Envelope {
    Command(Command, Reply),
    /// Commands submitted together, each with its tag, and who takes the answers. They stay in the
    /// memory that the caller put them in.
    Many(Vec<(Command, u64)>, Arc<dyn Sink>),
    Read(Read),
}

impl Envelope {
    /// How many commands and reads it holds.
    fn len(&self) -> usize {
        match self {
            Self::Command(..) | Self::Read(_) => 1,
            Self::Many(commands, _) => commands.len(),
        }
    }

    /// Its commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let (one, many) = match self {
            Self::Command(command, _) => (Some(command), [].as_slice()),
            Self::Many(commands, _) => (None, commands.as_slice()),
            Self::Read(_) => (None, [].as_slice()),
        };
        one.into_iter()
            .chain(many.iter().map(|(command, _)| command))
    }
}

#[derive(Default)]
struct Waiting {
    envelopes: VecDeque<Envelope>,
    /// Commands and reads in them.
    len: usize,
    closed: bool,
    writer_sleeps: bool,
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    drained: Condvar,
}

/// The queue is full or closed.
pub(crate) struct NotTaken;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads have as much room again, so that balances can be seen while payments are told "busy".
    pub fn push(&self, envelope: Envelope) -> Result<(), NotTaken> {
        let room = match &envelope {
            Envelope::Command(..) | Envelope::Many(..) => QUEUE_MAX,
            Envelope::Read(_) => 2 * QUEUE_MAX,
        };
        let mut waiting = self.lock();
        if waiting.closed || waiting.len >= room {
            return Err(NotTaken);
        }
        self.add(&mut waiting, envelope);
        Ok(())
    }

    fn add(&self, waiting: &mut Waiting, envelope: Envelope) {
        waiting.len += envelope.len();
        waiting.envelopes.push_back(envelope);
        if waiting.writer_sleeps {
            self.filled.notify_one();
        }
    }

    /// Pushes, waiting for room where there is none.
    pub fn push_waiting(&self, envelope: Envelope) -> Result<(), NotTaken> {
        let mut waiting = self.lock();
        while waiting.len >= QUEUE_MAX && !waiting.closed {
            waiting = self
                .drained
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.closed {
            return Err(NotTaken);
        }
        self.add(&mut waiting, envelope);
        Ok(())
    }

    /// Moves envelopes into `batch` until they hold `max` commands or a little more, waiting at most
    /// `patience` for the first. False once the queue is closed and empty.
    pub fn take(&self, batch: &mut VecDeque<Envelope>, max: usize, patience: Duration) -> bool {
        let mut waiting = self.lock();
        if waiting.envelopes.is_empty() && !waiting.closed {
            waiting.writer_sleeps = true;
            let woken = self.filled.wait_timeout(waiting, patience);
            (waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
            waiting.writer_sleeps = false;
        }
        let mut taken = 0;
        while taken < max
            && let Some(envelope) = waiting.envelopes.pop_front()
        {
            taken += envelope.len();
            batch.push_back(envelope);
        }
        waiting.len -= taken;
        if taken > 0 {
            self.drained.notify_all();
        }
        taken > 0 || !waiting.closed
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Drops what waits: each reply is dropped with it, which its owner reads as "unknown".
    pub fn abandon(&self) {
        self.close();
        let mut waiting = self.lock();
        waiting.envelopes.clear();
        waiting.len = 0;
    }

    pub fn len(&self) -> usize {
        self.lock().len
    }
}
