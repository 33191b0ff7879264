//! The committer thread: makes batches durable, then tells everyone.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use feiqian_core::{Event, EventNumber, UnixMillis};
use feiqian_log::{Address, AppendError, BatchBuffer, Log, Position, PushError};
use feiqian_store::Committed;
use tokio::sync::watch;

use crate::alarm::Alarm;
use crate::feed::Ring;
use crate::metrics::Metrics;
use crate::parts::Step;
use crate::queue::{Outcome, Release, Reply, Sink};

/// A decided batch on its way to the log. It may hold answers only.
pub(crate) struct Work {
    pub first: EventNumber,
    pub at: UnixMillis,
    /// The addresses are filled in once the log has given them.
    pub events: Vec<(Address, Event)>,
    pub answers: Vec<Answer>,
}

/// What is told once the batch is durable.
pub(crate) enum Answer {
    Command(Reply, Outcome),
    Many(Arc<dyn Sink>, Vec<(u64, Outcome)>),
    Read(Release),
}

pub(crate) struct Committer<L> {
    pub log: L,
    pub work: Receiver<Work>,
    /// Used again for each batch.
    pub buffer: BatchBuffer,
    pub ring: Arc<Ring>,
    pub metrics: Arc<Metrics>,
    pub durable: watch::Sender<EventNumber>,
    pub alarm: Alarm,
}

impl<L: Log> Committer<L> {
    pub fn run(mut self) {
        while let Ok(work) = self.work.recv() {
            if self.step(work) == Step::Ended {
                return;
            }
        }
        self.ring.close();
    }

    /// Makes a batch durable, then tells everyone.
    pub fn step(&mut self, mut work: Work) -> Step {
        if !work.events.is_empty()
            && let Err(error) = self.commit(&mut work)
        {
            // Whether this batch is on disk is unknown, so nobody is told anything: dropped
            // answers read as "unknown". Nothing more is written.
            self.alarm.raise(format!(
                "the log cannot be written: {}",
                with_causes(&error)
            ));
            return Step::Ended;
        }
        for answer in work.answers {
            match answer {
                Answer::Command(reply, outcome) => reply.send(outcome),
                Answer::Many(sink, answers) => sink.answers(answers),
                Answer::Read(release) => release(),
            }
        }
        Step::Worked
    }

    fn commit(&mut self, work: &mut Work) -> Result<(), AppendError> {
        let begin = Instant::now();
        let mut events = std::mem::take(&mut work.events);
        let (mut first, mut rest) = (work.first, events.as_mut_slice());
        while !rest.is_empty() {
            let appended = self.append(first, work.at, rest)?;
            (first, rest) = (
                EventNumber(first.0 + appended as u64),
                &mut rest[appended..],
            );
        }
        self.metrics
            .sync_seconds
            .observe(begin.elapsed().as_secs_f64());
        self.metrics
            .batch_events
            .observe(f64::from(u32::try_from(events.len()).unwrap_or(u32::MAX)));
        let committed = Committed {
            first: work.first,
            at: work.at,
            events,
        };
        let next = committed.next();
        // In this order: whoever follows the ring finds in `durable` what it was handed.
        self.durable.send_replace(next);
        self.ring.push(Arc::new(committed));
        Ok(())
    }

    /// Appends as many events as one batch of the log takes, mostly all, and fills in their
    /// addresses. Answers how many.
    fn append(
        &mut self,
        first: EventNumber,
        at: UnixMillis,
        events: &mut [(Address, Event)],
    ) -> Result<usize, AppendError> {
        self.buffer.clear();
        for (_, event) in &*events {
            match self.buffer.push(|bytes| event.write(bytes)) {
                Ok(()) => {}
                Err(PushError::BatchFull) => break,
                Err(error) => panic!("limits keep an event far below a megabyte: {error}"),
            }
        }
        let position = Position(first.0);
        let appended = self.log.append(position, at.0, &mut self.buffer)?;
        for ((_, address), (place, _)) in self.buffer.addresses(&appended).zip(events) {
            *place = address;
        }
        Ok(self.buffer.len())
    }
}

/// An error with its causes, on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
