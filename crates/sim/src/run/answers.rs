//! Comparing what was answered with what the books say.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use feiqian_core::campaign::sweep::Sweep;
use feiqian_core::order::expire::ExpireOrder;
use feiqian_core::{Command, Event, EventNumber, OrderId, UnixMillis};
use feiqian_engine::{Next, Outcome, Receipt, Sink, Stopped};

use super::Run;
use super::asking::{Seen, same};
use crate::books::Verdict;
use crate::coverage::Fault;

/// What waits for an answer.
#[allow(clippy::large_enum_variant, reason = "nearly all are commands")]
pub(super) enum Item {
    Command(u64, Command),
    Read(Reading),
}

/// A read that is under way.
pub(super) type Reading = Pin<Box<dyn Future<Output = Result<Seen, Stopped>>>>;

/// What was decided at once.
pub(super) struct Batch {
    pub now: i64,
    pub items: Vec<Item>,
    /// The archive could perhaps not be read.
    pub excused: bool,
}

/// Takes the engine's answers.
#[derive(Default)]
pub(super) struct Answers(Mutex<BTreeMap<u64, Outcome>>);

impl Sink for Answers {
    fn answers(&self, come: Vec<(u64, Outcome)>) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.extend(come);
    }
}

impl Answers {
    fn take(&self, tag: u64) -> Option<Outcome> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.remove(&tag)
    }
}

/// Asks a future once, without a runtime.
pub(super) fn poll<T>(reading: &mut Pin<Box<dyn Future<Output = T>>>) -> Poll<T> {
    reading
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

impl Run {
    /// A batch is durable and answered: writes it into the books and compares each answer.
    pub(super) fn settle(&mut self, batch: Batch) -> Result<(), String> {
        let recorded = self.recorded();
        self.strike(batch.now, batch.excused, &recorded)?;
        for item in batch.items {
            match item {
                Item::Command(tag, command) => {
                    let Some(outcome) = self.answers.take(tag) else {
                        return Err(format!("{command:?} was never answered"));
                    };
                    self.compare(batch.now, batch.excused, &command, &outcome)?;
                    if outcome == Outcome::Unavailable {
                        self.store_fails |= self.store_damaged;
                        self.world.ask_again(command);
                    } else if self.safety && self.chance.one_in(20) {
                        self.coverage.struck(Fault::LostAnswer);
                        self.world.ask_again(command);
                    }
                }
                Item::Read(mut reading) => match poll(&mut reading) {
                    Poll::Ready(Ok(seen)) => {
                        self.compare_state(&seen)?;
                        self.compare_quote(&seen)?;
                    }
                    Poll::Ready(Err(Stopped)) | Poll::Pending => {
                        return Err("a read was never answered".into());
                    }
                },
            }
        }
        self.books.check_sums()?;
        self.books.check_campaigns()?;
        self.books.check_people()?;
        self.books.check_packets()
    }

    /// Timers come first: orders that expire, then what campaigns ask for, as many as strike at once. When more
    /// orders are due than that, the engine chooses which: `recorded` are the events that it made, from
    /// the books' end on.
    fn strike(&mut self, now: i64, excused: bool, recorded: &[Event]) -> Result<(), String> {
        let orders = self.books.due(now, usize::MAX);
        let others = self.books.due_besides_orders(now);
        let most = self.sizes.timers_max;
        let expired: Vec<u64> = if orders.len() <= most {
            orders
        } else {
            let expired = recorded.iter().take(most).map_while(|event| {
                #[allow(clippy::wildcard_enum_match_arm, reason = "one event expires orders")]
                match event {
                    Event::OrderExpired(event) => Some(event.order.0.0),
                    _ => None,
                }
            });
            let expired: Vec<u64> = expired.filter(|order| orders.contains(order)).collect();
            same("the number of timers that strike", &most, &expired.len())?;
            expired
        };
        let room = most.saturating_sub(expired.len());
        let expire = |order| {
            let order = OrderId(EventNumber(order));
            ExpireOrder { order }.into()
        };
        let begin = self.books.next();
        for command in expired
            .into_iter()
            .map(expire)
            .chain(others.into_iter().take(room))
        {
            let fact = match self.books.judge(now, &command) {
                Verdict::Happens(fact) => fact,
                // The campaign that just ended took with it what was to be swept.
                Verdict::Refused(_) if command == Sweep.into() => continue,
                other @ (Verdict::Again(_) | Verdict::Refused(_)) => {
                    return Err(format!("{command:?} is due, but should be {other:?}"));
                }
            };
            // A rebate's order is perhaps read from the archive, and perhaps cannot be.
            let place = usize::try_from(self.books.next() - begin).unwrap_or(usize::MAX);
            let struck = recorded
                .get(place)
                .is_some_and(|event| fact.compare(event).is_ok());
            if excused && !struck && matches!(command, Command::PayRebate(_)) {
                continue;
            }
            self.coverage.happened(&fact.what);
            self.books.record(fact);
            self.coverage.struck_by_time(&command);
        }
        Ok(())
    }

    /// What was recorded of a batch that was just committed.
    fn recorded(&self) -> Vec<Event> {
        let Some(running) = &self.running else {
            return Vec::new();
        };
        let from = EventNumber(self.books.next());
        match running.engine.feed(from).next(Duration::ZERO) {
            Next::Batch(batch) => batch
                .events
                .iter()
                .map(|(_, event)| event.clone())
                .collect(),
            Next::Nothing | Next::Ended | Next::Failed(_) => Vec::new(),
        }
    }

    fn compare(
        &mut self,
        now: i64,
        excused: bool,
        command: &Command,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let verdict = self.books.judge(now, command);
        self.trace.tell(&format!("  {command:?} -> {outcome:?}"));
        let receipt = |event, again| Receipt {
            event: EventNumber(event),
            at: UnixMillis(now),
            again,
        };
        match (outcome, &verdict) {
            (Outcome::Unavailable, _) if excused => {}
            (Outcome::Done(said), Verdict::Happens(fact))
                if *said == receipt(self.books.next(), false) =>
            {
                self.coverage.done(command, false);
                self.coverage.happened(&fact.what);
                self.books.record(fact.clone());
            }
            (Outcome::Done(said), Verdict::Again(event)) if *said == receipt(*event, true) => {
                self.coverage.done(command, true);
            }
            (Outcome::Refused(said), Verdict::Refused(right)) if right.contains(said) => {
                self.coverage.refused(said);
            }
            (_, _) => {
                return Err(format!(
                    "{command:?} at {now} was answered {outcome:?}, but should be {verdict:?}"
                ));
            }
        }
        Ok(())
    }

    /// After a crash: the log has so many events, and `found` are those that nobody was told of. They
    /// must be whole batches, in the order in which they were decided.
    pub(super) fn recover(&mut self, found: &[Event]) -> Result<(), String> {
        let begin = self.books.next();
        let end = begin + found.len() as u64;
        while self.books.next() < end {
            let Some(batch) = self.flight.pop_front() else {
                return Err(format!(
                    "the log has {end} events, but only {} were ever decided",
                    self.books.next()
                ));
            };
            let index = usize::try_from(self.books.next() - begin).unwrap_or(usize::MAX);
            let recorded = found.get(index..).unwrap_or_default();
            self.strike(batch.now, batch.excused, recorded)?;
            for item in batch.items {
                let Item::Command(_, command) = item else {
                    continue;
                };
                self.replay(batch.now, batch.excused, &command, begin, found);
                self.world.ask_again(command);
            }
        }
        if self.books.next() != end {
            return Err(format!("a batch is there by half: the log ends at {end}"));
        }
        for (number, event) in (begin..).zip(found) {
            self.books.compare(number, event)?;
        }
        for item in self.flight.drain(..).flat_map(|batch| batch.items) {
            if let Item::Command(_, command) = item {
                self.world.ask_again(command);
            }
        }
        Ok(())
    }

    fn replay(&mut self, now: i64, excused: bool, command: &Command, begin: u64, found: &[Event]) {
        let Verdict::Happens(fact) = self.books.judge(now, command) else {
            return;
        };
        let index = usize::try_from(self.books.next() - begin).unwrap_or(usize::MAX);
        let same = found
            .get(index)
            .is_some_and(|event| fact.compare(event).is_ok());
        // Where the archive could perhaps not be read, the command perhaps was not decided.
        if same || !excused {
            self.books.record(fact);
        }
    }
}
