//! The sandbox bank: answers every top-up and withdrawal by itself.
//!
//! It says yes after a moment, and no to amounts whose last two digits are 44 (12.44 yuan), so that a
//! declined transfer can be tried. In production there is none: a real bank answers.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use feiqian_core::bank::answer::{Answer, AnswerTransfer, Refusal as AnswerRefusal};
use feiqian_core::{Command, Event, EventNumber, Fen, Refusal, State, TransferId};
use feiqian_engine::{Committed, Engine, Feed, Next, Outcome, Sink, Stopped};

use crate::platform::Platform;

/// How long it thinks.
pub const DELAY: Duration = Duration::from_millis(300);
/// Amounts with these last two digits are declined.
pub const DECLINED_FEN: i64 = 44;
/// How often it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// A running sandbox bank.
pub struct SandboxBank {
    stopping: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SandboxBank {
    /// Starts it: what waits for an answer gets one, and whatever is asked from now on.
    ///
    /// # Panics
    /// In production.
    pub fn start(platform: &Platform) -> io::Result<Self> {
        assert!(
            platform.is_sandbox(),
            "the sandbox bank gives away money of play only"
        );
        let stopping = Arc::new(AtomicBool::new(false));
        let (again, failed) = channel();
        let bank = Bank {
            feed: platform.engine.feed(platform.engine.durable()),
            engine: platform.engine.clone(),
            waiting: VecDeque::new(),
            sink: Arc::new(Unanswered(Mutex::new(again))),
            failed,
            stopping: stopping.clone(),
        };
        let thread = std::thread::Builder::new().name("sandbox-bank".into());
        let thread = thread.spawn(move || bank.run())?;
        Ok(Self {
            stopping,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Stops it. What it has not answered waits until it is started again.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sandbox bank panicked");
        }
    }
}

impl Drop for SandboxBank {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A transfer, what is said of it, and when.
type Due = (Instant, TransferId, Answer);

struct Bank {
    engine: Engine,
    feed: Feed,
    waiting: VecDeque<Due>,
    sink: Arc<dyn Sink>,
    failed: Receiver<(TransferId, Answer)>,
    stopping: Arc<AtomicBool>,
}

impl Bank {
    fn run(mut self) {
        // The feed begins before the state is read, so that none is missed. One that is in both is
        // answered twice, and the second answer is refused.
        match self.pending() {
            Ok(pending) => self.waiting.extend(pending),
            Err(Stopped) => return,
        }
        while !self.stopping.load(Ordering::Relaxed) {
            match self.feed.next(PATIENCE) {
                Next::Batch(batch) => self.take(&batch),
                Next::Nothing => {}
                Next::Ended => return,
                Next::Failed(error) => {
                    tracing::error!(error, "the sandbox bank cannot read the log; it stopped");
                    return;
                }
            }
            if self.answer() == Err(Stopped) {
                return;
            }
        }
    }

    fn pending(&self) -> Result<Vec<Due>, Stopped> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|_| Stopped)?;
        let pending = runtime.block_on(self.engine.read(State::pending_transfers))?;
        let now = Instant::now();
        Ok(pending
            .into_iter()
            .map(|(id, transfer)| (now, id, says(transfer.amount)))
            .collect())
    }

    fn take(&mut self, batch: &Committed) {
        let due = Instant::now() + DELAY;
        for (number, (_, event)) in (batch.first.0..).map(EventNumber).zip(&batch.events) {
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "these two events ask the bank"
            )]
            let amount = match event {
                Event::TopUpRequested(event) => event.amount,
                Event::WithdrawalRequested(event) => event.amount,
                _ => continue,
            };
            self.waiting
                .push_back((due, TransferId(number), says(amount)));
        }
    }

    fn answer(&mut self) -> Result<(), Stopped> {
        let now = Instant::now();
        let again = self
            .failed
            .try_iter()
            .map(|(transfer, answer)| (now + DELAY, transfer, answer));
        self.waiting.extend(again);
        let ready = self.waiting.partition_point(|(due, ..)| *due <= now);
        let commands = self.waiting.drain(..ready).map(|(_, transfer, answer)| {
            let command = Command::from(AnswerTransfer { transfer, answer });
            (command, tag(transfer, answer))
        });
        self.engine.submit_many(commands.collect(), &self.sink)
    }
}

/// What the bank says to an amount.
#[must_use]
pub fn says(amount: Fen) -> Answer {
    if amount.0.rem_euclid(100) == DECLINED_FEN {
        Answer::Declined
    } else {
        Answer::Done
    }
}

/// Transfer and answer in one number: event numbers are far below 2^63.
fn tag(transfer: TransferId, answer: Answer) -> u64 {
    (transfer.0.0 << 1) | u64::from(answer == Answer::Done)
}

/// Takes back what could not be answered.
struct Unanswered(Mutex<Sender<(TransferId, Answer)>>);

impl Sink for Unanswered {
    fn answers(&self, answers: Vec<(u64, Outcome)>) {
        let again = answers
            .into_iter()
            .filter_map(|(tag, outcome)| answer_again(tag, &outcome));
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more once the bank stopped.
        again.for_each(|again| sender.send(again).unwrap_or(()));
    }
}

/// What to tell of a transfer next, if it is not answered yet.
fn answer_again(tag: u64, outcome: &Outcome) -> Option<(TransferId, Answer)> {
    let transfer = TransferId(EventNumber(tag >> 1));
    let answer = if tag & 1 == 1 {
        Answer::Done
    } else {
        Answer::Declined
    };
    match outcome {
        Outcome::Done(_) | Outcome::Refused(Refusal::AnswerTransfer(AnswerRefusal::NotPending)) => {
            None
        }
        // No room for the money: it is declined.
        Outcome::Refused(_) => Some((transfer, Answer::Declined)),
        Outcome::DiskFull | Outcome::Unavailable => Some((transfer, answer)),
    }
}
