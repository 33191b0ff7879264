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
    /// What it needed could not be read; nothing changed.
    Unavailable,
}

/// Takes the answers of many commands.
pub trait Sink: Send + Sync {
    /// Takes the answers of a batch's commands, each under the tag that it was submitted with, and
    /// leaves none behind. Called on the committer's thread: be short.
    fn answers(&self, answers: &mut Vec<(u64, Outcome)>);
}

/// Where an answer goes.
pub enum Reply {
    /// To one who waits.
    One(oneshot::Sender<Outcome>),
    /// To a sink, under a tag.
    Tagged(Arc<dyn Sink>, u64),
    /// Nowhere: a timer asked.
    Nobody,
}

/// Hands answers out: those in a row for one sink in one call.
#[derive(Default)]
pub(crate) struct Answering {
    sink: Option<Arc<dyn Sink>>,
    answers: Vec<(u64, Outcome)>,
}

impl Answering {
    pub fn answer(&mut self, reply: Reply, outcome: Outcome) {
        match reply {
            // Whoever stopped waiting learns of it by asking again.
            Reply::One(reply) => drop(reply.send(outcome)),
            Reply::Tagged(sink, tag) => {
                if !self
                    .sink
                    .as_ref()
                    .is_some_and(|own| Arc::ptr_eq(own, &sink))
                {
                    self.flush();
                    self.sink = Some(sink);
                }
                self.answers.push((tag, outcome));
            }
            Reply::Nobody => {}
        }
    }

    /// Hands out what is held back.
    pub fn flush(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.answers(&mut self.answers);
            self.answers.clear();
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
    Read(Read),
}

#[derive(Default)]
struct Waiting {
    envelopes: VecDeque<Envelope>,
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
            Envelope::Command(..) => QUEUE_MAX,
            Envelope::Read(_) => 2 * QUEUE_MAX,
        };
        let mut waiting = self.lock();
        if waiting.closed || waiting.envelopes.len() >= room {
            return Err(NotTaken);
        }
        waiting.envelopes.push_back(envelope);
        self.wake(&waiting);
        Ok(())
    }

    /// Pushes all, waiting for room where there is none.
    pub fn push_all(&self, envelopes: impl IntoIterator<Item = Envelope>) -> Result<(), NotTaken> {
        let mut envelopes = envelopes.into_iter().peekable();
        let mut waiting = self.lock();
        while envelopes.peek().is_some() {
            while waiting.envelopes.len() >= QUEUE_MAX && !waiting.closed {
                waiting = self
                    .drained
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.closed {
                return Err(NotTaken);
            }
            let room = QUEUE_MAX.saturating_sub(waiting.envelopes.len());
            waiting.envelopes.extend(envelopes.by_ref().take(room));
            self.wake(&waiting);
        }
        Ok(())
    }

    fn wake(&self, waiting: &Waiting) {
        if waiting.writer_sleeps {
            self.filled.notify_one();
        }
    }

    /// Moves up to `max` envelopes into `batch`, waiting at most `patience` for the first. False once
    /// the queue is closed and empty.
    pub fn take(&self, batch: &mut VecDeque<Envelope>, max: usize, patience: Duration) -> bool {
        let mut waiting = self.lock();
        if waiting.envelopes.is_empty() && !waiting.closed {
            waiting.writer_sleeps = true;
            let woken = self.filled.wait_timeout(waiting, patience);
            (waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
            waiting.writer_sleeps = false;
        }
        let size = waiting.envelopes.len().min(max);
        if size == waiting.envelopes.len() && batch.is_empty() {
            std::mem::swap(&mut waiting.envelopes, batch);
        } else {
            batch.extend(waiting.envelopes.drain(..size));
        }
        if size > 0 {
            self.drained.notify_all();
        }
        size > 0 || !waiting.closed
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Drops what waits: each reply is dropped with it, which its owner reads as "unknown".
    pub fn abandon(&self) {
        self.close();
        self.lock().envelopes.clear();
    }

    pub fn len(&self) -> usize {
        self.lock().envelopes.len()
    }
}
