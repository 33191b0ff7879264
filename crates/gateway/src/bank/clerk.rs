//! The clerk: asks the bank for every top-up and withdrawal, and books what the bank says.
//!
//! It never says anything for the bank. What the bank did not answer is asked again under the same number,
//! after growing pauses, until it answers; meanwhile the money stays where it is. What waits stands in
//! the log, so a restart forgets nothing; since it is not known then what the bank was asked, the bank is
//! asked about it first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use feiqian_core::bank::Direction;
use feiqian_core::bank::answer::{Answer, AnswerTransfer, Refusal as AnswerRefusal};
use feiqian_core::{Command, Event, EventNumber, Refusal, State, TransferId};
use feiqian_engine::{Committed, Engine, Feed, Next, Outcome, Sink, Stopped};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{ANSWERS_WITHIN, Bank, Order, Reply};
use crate::platform::Platform;

/// How often it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// Most questions that the bank has before it at once.
const OPEN_MAX: usize = 64;
/// From this many questions without a last word on, somebody is told.
const TOLD_FROM: u32 = 6;

/// How long to wait before the bank is asked again: twice as long each time.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// After the first question.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(300),
        }
    }
}

impl Pauses {
    fn after(self, asked: u32) -> Duration {
        let factor = 2_u32.saturating_pow(asked.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.most)
    }
}

/// A running clerk.
pub struct Clerk {
    stopping: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Clerk {
    /// Starts it: what waits for the bank is asked about, and whatever comes from now on is asked for.
    pub fn start(platform: &Platform, bank: impl Bank, pauses: Pauses) -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let (sender, heard) = channel();
        let desk = Desk {
            // The feed begins before the state is read, so that none is missed.
            feed: platform.engine.feed(platform.engine.durable()),
            engine: platform.engine.clone(),
            runtime: Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("bank")
                .enable_all()
                .build()?,
            bank: Arc::new(bank),
            open: Arc::new(Semaphore::new(OPEN_MAX)),
            pauses,
            known: EventNumber(0),
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            sink: Arc::new(Booked(Mutex::new(sender.clone()))),
            sender,
            heard,
            stopping: stopping.clone(),
        };
        let (ready, read) = channel();
        let thread = std::thread::Builder::new().name("bank-clerk".into());
        let thread = thread.spawn(move || desk.run(&ready))?;
        // What is asked for from now on is new, not what an earlier clerk may have asked for. An
        // engine that ended is noticed elsewhere.
        read.recv().unwrap_or(());
        Ok(Self {
            stopping,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Stops it. What the bank has not answered waits until it is started again.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the bank's clerk panicked");
        }
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What to ask next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// To move the money.
    Move,
    /// What became of it.
    Fate,
}

/// A transfer without a last word.
struct Waiting {
    order: Order,
    question: Question,
    /// How often the bank was asked since the clerk started.
    asked: u32,
}

enum Heard {
    Said(TransferId, Reply),
    Booked(TransferId),
    NotBooked(TransferId),
}

struct Desk<B> {
    engine: Engine,
    feed: Feed,
    runtime: Runtime,
    bank: Arc<B>,
    open: Arc<Semaphore>,
    pauses: Pauses,
    /// What waited when it started was asked of events before this one.
    known: EventNumber,
    waiting: BTreeMap<TransferId, Waiting>,
    due: BTreeSet<(Instant, TransferId)>,
    sink: Arc<dyn Sink>,
    sender: Sender<Heard>,
    heard: Receiver<Heard>,
    stopping: Arc<AtomicBool>,
}

impl<B: Bank> Desk<B> {
    fn run(mut self, ready: &Sender<()>) {
        let read = |state: &State| (state.next_event(), state.pending_transfers());
        let Ok((known, pending)) = self.runtime.block_on(self.engine.read(read)) else {
            return;
        };
        self.known = known;
        for (number, transfer) in pending {
            self.wait_for(Order::of(number, &transfer), Question::Fate);
        }
        ready.send(()).unwrap_or(());
        while !self.stopping.load(Ordering::Relaxed) {
            match self.feed.next(PATIENCE) {
                Next::Batch(batch) => self.take(&batch),
                Next::Nothing => {}
                Next::Ended => break,
                Next::Failed(error) => {
                    tracing::error!(error, "the bank's clerk cannot read the log; it stopped");
                    break;
                }
            }
            if self.listen() == Err(Stopped) {
                break;
            }
            self.ask();
        }
        // What is under way may never end; the next start asks what became of it.
        self.runtime.shutdown_background();
    }

    fn wait_for(&mut self, order: Order, question: Question) {
        let number = order.number;
        let waiting = Waiting {
            order,
            question,
            asked: 0,
        };
        self.waiting.insert(number, waiting);
        self.due.insert((Instant::now(), number));
    }

    fn take(&mut self, batch: &Committed) {
        for (number, (_, event)) in (batch.first.0..).map(EventNumber).zip(&batch.events) {
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "these events begin and end transfers"
            )]
            let (direction, amount, at) = match event {
                Event::TopUpRequested(event) => (Direction::TopUp, event.amount, event.at),
                Event::WithdrawalRequested(event) => {
                    (Direction::Withdrawal, event.amount, event.at)
                }
                Event::TransferAnswered(event) => {
                    self.waiting.remove(&event.transfer);
                    continue;
                }
                _ => continue,
            };
            if number < self.known {
                continue;
            }
            let order = Order {
                number: TransferId(number),
                direction,
                amount,
                at,
            };
            self.wait_for(order, Question::Move);
        }
    }

    /// Puts the due questions to the bank.
    fn ask(&mut self) {
        let now = Instant::now();
        while let Some(&(due, number)) = self.due.first() {
            if due > now {
                return;
            }
            self.due.pop_first();
            let Some(waiting) = self.waiting.get_mut(&number) else {
                continue;
            };
            waiting.asked = waiting.asked.saturating_add(1);
            let (order, question) = (waiting.order, waiting.question);
            let (bank, open, sender) = (self.bank.clone(), self.open.clone(), self.sender.clone());
            self.runtime.spawn(async move {
                let _turn = open.acquire().await;
                let reply = tokio::spawn(timeout(ANSWERS_WITHIN, async move {
                    match question {
                        Question::Move => bank.ask(order).await,
                        Question::Fate => bank.query(order).await,
                    }
                }));
                // Neither time that ran out nor a connection that panicked tells what the bank did.
                let reply = reply.await.ok().and_then(Result::ok);
                let said = Heard::Said(number, reply.unwrap_or(Reply::Silence));
                // Nobody listens any more once the clerk stopped.
                sender.send(said).unwrap_or(());
            });
        }
    }

    /// Takes in what the bank said and what was booked of it.
    fn listen(&mut self) -> Result<(), Stopped> {
        let mut commands = Vec::new();
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Heard::Said(transfer, Reply::Done) => {
                    commands.push(last_word(transfer, Answer::Done))
                }
                Heard::Said(transfer, Reply::Declined) => {
                    commands.push(last_word(transfer, Answer::Declined));
                }
                Heard::Said(transfer, Reply::NeverHeard) => self.later(transfer, Question::Move),
                Heard::Said(transfer, Reply::Working | Reply::Silence)
                | Heard::NotBooked(transfer) => self.later(transfer, Question::Fate),
                Heard::Booked(transfer) => {
                    self.waiting.remove(&transfer);
                }
            }
        }
        self.engine.submit_many(commands, &self.sink)
    }

    fn later(&mut self, transfer: TransferId, question: Question) {
        let Some(waiting) = self.waiting.get_mut(&transfer) else {
            return;
        };
        waiting.question = question;
        let asked = waiting.asked;
        let pause = self.pauses.after(asked);
        if asked >= TOLD_FROM {
            let transfer = transfer.0.0;
            tracing::warn!(
                transfer,
                asked,
                ?pause,
                "the bank has not answered; it is asked again"
            );
        }
        self.due.insert((Instant::now() + pause, transfer));
    }
}

fn last_word(transfer: TransferId, answer: Answer) -> (Command, u64) {
    (AnswerTransfer { transfer, answer }.into(), transfer.0.0)
}

/// Tells the clerk what was booked.
struct Booked(Mutex<Sender<Heard>>);

impl Sink for Booked {
    fn answers(&self, answers: Vec<(u64, Outcome)>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (tag, outcome) in answers {
            let heard = booked(TransferId(EventNumber(tag)), &outcome);
            sender.send(heard).unwrap_or(());
        }
    }
}

fn booked(transfer: TransferId, outcome: &Outcome) -> Heard {
    match outcome {
        Outcome::Done(_) | Outcome::Refused(Refusal::AnswerTransfer(AnswerRefusal::NotPending)) => {
            Heard::Booked(transfer)
        }
        // The bank's word stands, even where there is no room for the money yet.
        Outcome::Refused(refusal) => {
            tracing::error!(
                transfer = transfer.0.0,
                ?refusal,
                "the bank's answer cannot be booked"
            );
            Heard::NotBooked(transfer)
        }
        Outcome::DiskFull | Outcome::Unavailable => Heard::NotBooked(transfer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_at_the_longest() {
        let pauses = Pauses::default();
        let seconds = [1, 2, 3, 9, 10, 11, u32::MAX].map(|asked| pauses.after(asked).as_secs());
        assert_eq!(seconds, [1, 2, 4, 256, 300, 300, 300]);
    }
}
