//! One world from its beginning to its end.

mod answers;
mod asking;
mod questions;
mod rest;
mod restart;
mod sizes;

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use feiqian_core::EventNumber;
use feiqian_engine::{Engine, Feed, Next, Parts, Step};

use crate::books::Books;
use crate::chance::Chance;
use crate::coverage::{Coverage, Fault, Tally};
use crate::disk::{Crash, Folder, Machine, Which};
use crate::world::World;
use answers::{Answers, Batch, Item};
use restart::LogFlip;
use sizes::Sizes;

/// Steps told when something is wrong.
const TOLD: usize = 40;
/// Characters of each.
const TOLD_CHARS: usize = 400;
/// The clock of every world starts here: 2017-11-11T00:00:00+08:00.
pub(crate) const BEGINNING: i64 = 1_510_329_600_000;

/// Bugs that can be planted, to see that they are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The disk says that the log was synced; one time in eight it was not.
    LostSync,
    /// What a merchant gives back comes to the wallet twice.
    DoubleCredit,
    /// A payment is not refused when the payer is frozen or closed.
    SkippedRefusal,
    /// The newest run of the store is not asked what a number names.
    StaleIndex,
    /// An order expires twice.
    TimerTwice,
    /// A campaign's ceiling is checked against what was left before the batch.
    CeilingBeforeBatch,
    /// What a refund took of a waiting rebate reaches the wallet all the same.
    RebateTwice,
}

impl Planted {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("lost-sync", Self::LostSync),
        ("double-credit", Self::DoubleCredit),
        ("skipped-refusal", Self::SkippedRefusal),
        ("stale-index", Self::StaleIndex),
        ("timer-twice", Self::TimerTwice),
        ("ceiling-before-batch", Self::CeilingBeforeBatch),
        ("rebate-twice", Self::RebateTwice),
    ];
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Violation {
    /// In which step.
    pub step: u64,
    /// What should be and what is.
    pub what: String,
    /// The steps before it.
    pub before: Vec<String>,
}

/// What became of a world.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was wrong, if anything was.
    pub violation: Option<Violation>,
    /// What it reached.
    pub coverage: Coverage,
    /// Hash over all that happened: the same for the same seed.
    pub trace: String,
    /// Steps made.
    pub steps: u64,
    /// Events in its log.
    pub events: u64,
}

/// What can happen next.
#[derive(Clone, Copy, Debug)]
enum Action {
    Ask,
    Arrive,
    Decide,
    Commit,
    Follow,
    Snapshot,
    Index,
    Clock,
    Read,
    Question,
    Feed,
    Kill,
    PullPlug,
    Stop,
    Copy,
}

const USUAL: [(Action, u32); 15] = [
    (Action::Ask, 100),
    (Action::Arrive, 15),
    (Action::Decide, 36),
    (Action::Commit, 36),
    (Action::Follow, 30),
    (Action::Snapshot, 10),
    (Action::Index, 14),
    (Action::Clock, 8),
    (Action::Read, 5),
    (Action::Question, 8),
    (Action::Feed, 4),
    (Action::Kill, 1),
    (Action::PullPlug, 2),
    (Action::Stop, 1),
    (Action::Copy, 1),
];

/// An engine that runs.
struct Running {
    engine: Engine,
    parts: Parts,
    /// Somebody who follows the log.
    feed: Feed,
    /// Faults that had struck when it was opened.
    struck: Tally,
}

/// A world with everything in it.
struct Run {
    chance: Chance,
    sizes: Sizes,
    clock: Arc<AtomicI64>,
    machine: Machine,
    running: Option<Running>,
    /// The latest time that the engine has seen.
    now: i64,
    /// Submitted and not decided.
    queued: Vec<Item>,
    /// Decided and not durable, as far as is known.
    flight: VecDeque<Batch>,
    answers: Arc<Answers>,
    tags: u64,
    books: Books,
    world: World,
    /// A bit of the store flipped, and nobody has noticed.
    store_damaged: bool,
    /// The operator has noticed.
    store_fails: bool,
    log_flip: Option<LogFlip>,
    copies: Vec<(Which, Folder)>,
    /// Whether faults strike.
    safety: bool,
    coverage: Coverage,
    trace: Trace,
}

/// Runs the world of a seed. `print` tells each step as it happens.
#[must_use]
pub fn run(seed: u64, planted: Option<Planted>, print: bool) -> Outcome {
    let mut run = Run::new(seed, planted, print);
    // What only a bug can cause stops the program that it is found in.
    let lived = catch_unwind(AssertUnwindSafe(|| run.live()));
    let result = lived.unwrap_or_else(|panic| Err(format!("a panic: {}", message(&*panic))));
    let mut coverage = run.coverage;
    coverage.add_faults(&run.machine.struck());
    Outcome {
        violation: result.err().map(|what| Violation {
            step: run.trace.steps,
            what,
            before: run.trace.lines.into(),
        }),
        coverage,
        trace: run.trace.hasher.finalize().to_string(),
        steps: run.trace.steps,
        events: run.books.next(),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

impl Run {
    fn new(seed: u64, planted: Option<Planted>, print: bool) -> Self {
        let mut chance = Chance::new(seed, "run");
        let sizes = Sizes::by(&mut chance);
        let machine = Machine::new(Chance::new(seed, "disk"));
        plant(planted, &machine);
        Self {
            chance,
            sizes,
            clock: Arc::new(AtomicI64::new(BEGINNING)),
            machine,
            running: None,
            now: 0,
            queued: Vec::new(),
            flight: VecDeque::new(),
            answers: Arc::default(),
            tags: 0,
            books: Books::default(),
            world: World::new(Chance::new(seed, "world")),
            store_damaged: false,
            store_fails: false,
            log_flip: None,
            copies: Vec::new(),
            safety: true,
            coverage: Coverage::default(),
            trace: Trace::new(print),
        }
    }

    /// First the faults, then the peace in which all must come to rest.
    fn live(&mut self) -> Result<(), String> {
        self.trace.step(|| format!("{:?}", self.sizes));
        self.machine.set_rates(self.sizes.rates);
        self.restart()?;
        for _ in 0..self.sizes.steps {
            let action = self.chance.weighted(&self.sizes.actions);
            self.act(action.unwrap_or(Action::Ask))?;
            self.look_after()?;
        }
        self.come_to_rest()
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Ask => self.ask(),
            Action::Arrive => self.arrive(),
            Action::Decide => self.decide().map(drop),
            Action::Commit => self.commit().map(drop),
            Action::Follow => self.part("follow", Parts::follow).map(drop),
            Action::Snapshot => self.part("snapshot", Parts::snapshot).map(drop),
            Action::Index => self.index().map(drop),
            Action::Clock => {
                self.move_clock();
                Ok(())
            }
            Action::Read => {
                self.read_everything();
                Ok(())
            }
            Action::Question => self.question(),
            Action::Feed => self.feed(),
            Action::Kill => {
                self.trace.step(|| "kill".into());
                self.coverage.struck(Fault::Kill);
                self.crash_and_restart(None)
            }
            Action::PullPlug => {
                let after = self.chance.below(80);
                self.trace.step(|| format!("the plug goes after {after}"));
                self.machine.pull_plug_after(after);
                Ok(())
            }
            Action::Stop => {
                self.stop_in_order()?;
                self.restart()
            }
            Action::Copy => {
                self.copy();
                Ok(())
            }
        }
    }

    /// What must be so after every step; and after a failure, the restart.
    fn look_after(&mut self) -> Result<(), String> {
        let Some(running) = &self.running else {
            return Err("no engine runs".into());
        };
        let durable = running.engine.durable().0;
        if durable != self.books.next() {
            let next = self.books.next();
            return Err(format!(
                "{durable} events are durable, but {next} should be"
            ));
        }
        if !self.machine.has_power() {
            let crash = self
                .chance
                .of([Crash::Loses, Crash::Keeps, Crash::Tears, Crash::Tears]);
            self.trace.step(|| format!("the power goes: {crash:?}"));
            return self.crash_and_restart(Some(crash));
        }
        if let Some(why) = running.engine.failed() {
            if !self.is_excused() {
                return Err(format!(
                    "the engine stopped by itself without a fault: {why}"
                ));
            }
            self.trace.step(|| format!("stopped by itself: {why}"));
            return self.crash_and_restart(None);
        }
        if self.store_fails && self.chance.one_in(20) {
            self.lose_memory();
            self.wipe(Which::Store, Fault::StoreDeleted);
            return self.restart();
        }
        Ok(())
    }

    /// Whether something struck since the engine was opened.
    fn is_excused(&self) -> bool {
        let struck = self.machine.struck();
        let before = self.running.as_ref().map(|running| &running.struck);
        self.store_damaged || before != Some(&struck)
    }

    /// One step of a part of the engine.
    fn part(&mut self, name: &str, step: impl FnOnce(&mut Parts) -> Step) -> Result<Step, String> {
        let Some(running) = &mut self.running else {
            return Err("no engine runs".into());
        };
        let step = step(&mut running.parts);
        self.trace.step(|| format!("{name}: {step:?}"));
        Ok(step)
    }

    /// One unit of the store's own work, which may fail and be tried again.
    fn index(&mut self) -> Result<Step, String> {
        let mut failed = None;
        let step = self.part("index", |parts| {
            parts.index().unwrap_or_else(|error| {
                failed = Some(error);
                Step::Idle
            })
        })?;
        match failed {
            Some(error) if !self.is_excused() && self.machine.has_power() => Err(format!(
                "the store cannot work, and nothing is wrong: {error}"
            )),
            Some(_) | None => Ok(step),
        }
    }

    fn decide(&mut self) -> Result<Step, String> {
        let waits = self.flight.len() >= 2;
        let struck = self.machine.struck();
        let step = self.part("decide", Parts::decide)?;
        if waits {
            return match step {
                Step::Worked => Err("a third batch was decided".into()),
                Step::Idle | Step::Ended => Ok(step),
            };
        }
        if step != Step::Ended {
            self.now = self.now.max(self.clock.load(Ordering::Relaxed));
        }
        if step == Step::Worked {
            let fine = self.machine.has_power() && struck == self.machine.struck();
            let excused = self.store_damaged || !fine;
            self.flight.push_back(Batch {
                now: self.now,
                items: std::mem::take(&mut self.queued),
                excused,
            });
        } else if step == Step::Idle && !self.queued.is_empty() {
            return Err("commands wait and are not decided".into());
        }
        Ok(step)
    }

    fn commit(&mut self) -> Result<Step, String> {
        let step = self.part("commit", Parts::commit)?;
        if step == Step::Worked {
            let Some(batch) = self.flight.pop_front() else {
                return Err("a batch was committed that was not decided".into());
            };
            self.settle(batch)?;
        }
        Ok(step)
    }

    fn move_clock(&mut self) {
        const SECOND: i64 = 1_000;
        const DAY: i64 = 86_400 * SECOND;
        // In a hurry days pass, else seconds do.
        let by = match self.chance.below(40) {
            0 => -self.chance.between(1, DAY),
            1 => -self.chance.between(1, SECOND),
            2 if self.sizes.hurry => 366 * DAY,
            3..6 if self.sizes.hurry => self.chance.between(DAY, 9 * DAY),
            3 => self.chance.between(1, 3 * DAY),
            4..12 => self.chance.between(0, 3_600 * SECOND),
            _ => self.chance.between(0, 30 * SECOND),
        };
        if by < 0 {
            self.coverage.struck(Fault::ClockBack);
        }
        self.clock.fetch_add(by, Ordering::Relaxed);
        self.trace.step(|| format!("the clock moves by {by} ms"));
    }

    /// Somebody follows the log, as the notifier does.
    fn feed(&mut self) -> Result<(), String> {
        let excused = self.is_excused();
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        if self.chance.one_in(3) {
            let from = self.chance.below(self.books.next() + 1);
            running.feed = running.engine.feed(EventNumber(from));
        }
        let from = running.feed.position().0;
        self.trace.step(|| format!("feed from {from}"));
        match running.feed.next(std::time::Duration::ZERO) {
            Next::Batch(batch) => {
                if batch.first.0 != from || batch.events.is_empty() {
                    return Err(format!("a feed at {from} goes on at {}", batch.first));
                }
                for (number, (_, event)) in (from..).zip(&batch.events) {
                    self.books.compare(number, event)?;
                }
                Ok(())
            }
            Next::Nothing if from < self.books.next() => {
                Err(format!("a feed at {from} finds nothing"))
            }
            Next::Nothing | Next::Ended => Ok(()),
            Next::Failed(_) if excused || self.machine.struck() != running.struck => Ok(()),
            Next::Failed(_) if !self.machine.has_power() => Ok(()),
            Next::Failed(error) => Err(format!("a feed at {from} fails: {error}")),
        }
    }

    fn copy(&mut self) {
        let which = self.chance.of([Which::State, Which::Store]);
        if self.store_damaged || !self.machine.has_power() {
            return;
        }
        self.trace
            .step(|| format!("a copy of {which:?} is put aside"));
        self.copies.retain(|(of, _)| *of != which);
        self.copies.push((which, self.machine.copy(which)));
    }
}

/// Makes the bug that is asked for.
fn plant(planted: Option<Planted>, machine: &Machine) {
    #[cfg(feature = "planted")]
    {
        use feiqian_core::planted::{Bug, set};
        set(planted.and_then(|planted| match planted {
            Planted::DoubleCredit => Some(Bug::DoubleCredit),
            Planted::SkippedRefusal => Some(Bug::SkippedRefusal),
            Planted::TimerTwice => Some(Bug::TimerTwice),
            Planted::StaleIndex => Some(Bug::StaleIndex),
            Planted::CeilingBeforeBatch => Some(Bug::CeilingBeforeBatch),
            Planted::RebateTwice => Some(Bug::RebateTwice),
            Planted::LostSync => None,
        }));
    }
    if planted == Some(Planted::LostSync) {
        machine.lie();
    }
}

/// What happened, as a hash and as the last lines.
struct Trace {
    hasher: blake3::Hasher,
    lines: VecDeque<String>,
    steps: u64,
    print: bool,
}

impl Trace {
    fn new(print: bool) -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            lines: VecDeque::new(),
            steps: 0,
            print,
        }
    }

    fn step(&mut self, what: impl FnOnce() -> String) {
        self.steps += 1;
        self.tell(&what());
    }

    fn tell(&mut self, what: &str) {
        self.hasher.update(what.as_bytes()).update(b"\n");
        let what: String = what.chars().take(TOLD_CHARS).collect();
        let line = format!("{}: {what}", self.steps);
        if self.print {
            println!("{line}");
        }
        if self.lines.len() == TOLD {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}
