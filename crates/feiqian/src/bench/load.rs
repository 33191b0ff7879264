//! A load: many things under way at once, each a few commands one after the other.
//!
//! It runs on the thread that calls it and shares the cores with the engine, so it is kept cheap: one
//! look at the clock and one lock for a batch of answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feiqian_core::{Command, EventNumber};
use feiqian_engine::{Engine, Outcome, Sink};

use super::answers::Answers;
use super::latency::Latencies;
use super::process::{self, HostTime};
use crate::Failure;

/// Commands submitted at once. Smaller than a batch, so that the writer begins early.
const PIECE: usize = 1_024;

/// What is done over and over.
pub trait Work {
    /// The first command of the next thing, which is known by its slot until it is finished; none
    /// when there are no more.
    fn begin(&mut self, slot: usize) -> Option<Command>;

    /// The next command, now that this event recorded the last; none when the thing is finished.
    fn go_on(&mut self, slot: usize, event: EventNumber) -> Option<Command>;
}

/// How much, and for how long.
#[derive(Clone, Copy, Default)]
pub struct Pace {
    /// Things under way at once, at most.
    pub in_flight: usize,
    /// Things begun a second; as many as find room if not said.
    pub per_second: Option<u64>,
    /// Seconds before anything is measured.
    pub warm_up: u64,
    /// Seconds after the warm-up.
    pub seconds: u64,
    /// Goes on until so many were begun, even when the time is over.
    pub at_least: u64,
}

/// What a load measured, after its warm-up.
pub struct Run {
    /// One-second windows, in order of time.
    pub windows: Vec<Window>,
    /// Of each command, from submit to durable.
    pub commands: Latencies,
    /// Of each thing, from the first submit to the last durable.
    pub things: Latencies,
    /// CPU seconds by thread.
    pub cpu: BTreeMap<String, f64>,
}

/// One second.
#[derive(Clone, Copy, Default)]
pub struct Window {
    /// Things finished.
    pub things: u64,
    /// Commands answered.
    pub commands: u64,
    /// Events that the store was behind the log at its end.
    pub store_lag: u64,
    /// Longest time without an answer.
    pub pause: Duration,
    /// Share of the processors' time that the host gave to others, in percent.
    pub stolen: u64,
}

impl Run {
    /// Things finished in each second.
    pub fn rates(&self) -> Vec<u64> {
        self.windows.iter().map(|window| window.things).collect()
    }
}

#[derive(Clone, Copy)]
struct Slot {
    begun: Instant,
    asked: Instant,
}

/// A load on an engine.
pub struct Load<'a, W> {
    engine: &'a Engine,
    answers: Arc<Answers>,
    sink: Arc<dyn Sink>,
    work: &'a mut W,
    pace: Pace,
    slots: Vec<Slot>,
    free: Vec<usize>,
    commands: Vec<(Command, u64)>,
    begun: u64,
    exhausted: bool,
    run: Run,
    second: u64,
    window: Window,
    answered_last: Instant,
    host: HostTime,
    cpu_before: BTreeMap<String, f64>,
}

impl<'a, W: Work> Load<'a, W> {
    pub fn new(engine: &'a Engine, work: &'a mut W, pace: Pace) -> Self {
        let answers = Arc::new(Answers::default());
        let now = Instant::now();
        let slot = Slot {
            begun: now,
            asked: now,
        };
        Self {
            engine,
            sink: answers.clone(),
            answers,
            work,
            pace,
            slots: vec![slot; pace.in_flight],
            free: (0..pace.in_flight).rev().collect(),
            commands: Vec::with_capacity(PIECE),
            begun: 0,
            exhausted: false,
            run: Run {
                windows: Vec::new(),
                commands: Latencies::new(),
                things: Latencies::new(),
                cpu: BTreeMap::new(),
            },
            second: 0,
            window: Window::default(),
            answered_last: now,
            host: HostTime::now(),
            cpu_before: process::cpu_by_thread(),
        }
    }

    /// Runs until its time is over and everything begun is finished. A command that is refused is an
    /// error: a load asks for nothing that the rules refuse.
    pub fn run(mut self) -> Result<Run, Failure> {
        let begin = Instant::now();
        let patience = self.pace.per_second.map_or(100, |_| 1);
        let (mut come, mut checked) = (Vec::new(), begin);
        let mut measuring = true;
        loop {
            let now = Instant::now();
            let more = self.begin(begin, now)?;
            if measuring {
                self.tick((now - begin).as_secs());
                if !more {
                    self.stop_measuring();
                    measuring = false;
                }
            }
            self.submit()?;
            if !more && self.free.len() == self.slots.len() {
                return Ok(self.run);
            }
            self.answers
                .take(&mut come, Duration::from_millis(patience));
            let now = Instant::now();
            if come.is_empty() && now - checked > Duration::from_secs(1) {
                checked = now;
                if let Some(why) = self.engine.failed() {
                    return Err(why.into());
                }
            }
            if !come.is_empty() {
                self.window.pause = self.window.pause.max(now - self.answered_last);
                self.answered_last = now;
            }
            for (tag, outcome) in come.drain(..) {
                self.answered(usize::try_from(tag)?, &outcome, now)?;
            }
        }
    }

    /// Begins what may begin now. False when nothing more will.
    fn begin(&mut self, begin: Instant, now: Instant) -> Result<bool, Failure> {
        let over = now - begin >= Duration::from_secs(self.pace.warm_up + self.pace.seconds);
        let end = if over { self.pace.at_least } else { u64::MAX };
        let micros = u64::try_from((now - begin).as_micros())?;
        let due = match self.pace.per_second {
            Some(rate) => micros.saturating_mul(rate) / 1_000_000,
            None => u64::MAX,
        };
        while self.begun < due.min(end) && !self.exhausted {
            let Some(slot) = self.free.pop() else { break };
            let Some(command) = self.work.begin(slot) else {
                self.exhausted = true;
                self.free.push(slot);
                break;
            };
            self.begun += 1;
            self.slots[slot] = Slot {
                begun: now,
                asked: now,
            };
            self.push(command, slot)?;
        }
        Ok(self.begun < end && !self.exhausted)
    }

    fn answered(&mut self, slot: usize, outcome: &Outcome, now: Instant) -> Result<(), Failure> {
        let Outcome::Done(receipt) = outcome else {
            return Err(format!("a command of the load failed: {outcome:?}").into());
        };
        let Slot { begun, asked } = self.slots[slot];
        self.run.commands.record(now - asked);
        self.window.commands += 1;
        if let Some(command) = self.work.go_on(slot, receipt.event) {
            self.slots[slot].asked = now;
            return self.push(command, slot);
        }
        self.run.things.record(now - begun);
        self.window.things += 1;
        self.free.push(slot);
        Ok(())
    }

    fn push(&mut self, command: Command, slot: usize) -> Result<(), Failure> {
        self.commands.push((command, slot as u64));
        if self.commands.len() == PIECE {
            self.submit()?;
        }
        Ok(())
    }

    fn submit(&mut self) -> Result<(), Failure> {
        if !self.commands.is_empty() {
            let commands = std::mem::replace(&mut self.commands, Vec::with_capacity(PIECE));
            self.engine.submit_many(commands, &self.sink)?;
        }
        Ok(())
    }

    /// Ends the window when its second is over.
    fn tick(&mut self, second: u64) {
        while self.second < second {
            self.second += 1;
            let mut window = std::mem::take(&mut self.window);
            let store = self.engine.store_now().position().0;
            window.store_lag = self.engine.durable().0.saturating_sub(store);
            let host = HostTime::now();
            window.stolen = host.stolen_since(&self.host);
            self.host = host;
            if self.second > self.pace.warm_up {
                self.run.windows.push(window);
            }
            if self.second == self.pace.warm_up {
                self.run.commands = Latencies::new();
                self.run.things = Latencies::new();
                self.cpu_before = process::cpu_by_thread();
            }
        }
    }

    fn stop_measuring(&mut self) {
        self.run.cpu = process::cpu_by_thread();
        for (name, seconds) in &mut self.run.cpu {
            *seconds -= self.cpu_before.get(name).unwrap_or(&0.0);
        }
    }
}
