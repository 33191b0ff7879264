//! Crashes and restarts, and what can happen to the files in between.

use std::sync::atomic::Ordering;

use feiqian_core::{Event, Mode, UnixMillis};
use feiqian_engine::{Engine, Folders, OpenError, Options};
use feiqian_log::{Position, Reader, Verify};

use super::answers::Item;
use super::{Run, Running};
use crate::books::{Fact, What};
use crate::coverage::Fault;
use crate::disk::{Crash, Folder, Which};

/// Failed openings in a row after which faults are held back, so that it goes on.
const TRIES: u32 = 12;
/// Bytes before a batch's first frame.
const BATCH_HEADER: u64 = 72;

/// A bit of the log that flipped.
#[derive(Clone, Debug)]
pub(super) struct LogFlip {
    file: String,
    offset: usize,
    bit: u8,
}

impl Run {
    /// Memory is gone; without power, so is what was not synced.
    pub(super) fn crash_and_restart(&mut self, power: Option<Crash>) -> Result<(), String> {
        self.lose_memory();
        if let Some(crash) = power {
            self.machine.reboot(crash);
        }
        self.restart()
    }

    pub(super) fn lose_memory(&mut self) {
        self.running = None;
        // Reads under way hold the engine.
        let is_command = |item: &Item| matches!(item, Item::Command(..));
        self.queued.retain(is_command);
        for batch in &mut self.flight {
            batch.items.retain(is_command);
        }
    }

    /// Opens what is there, until it opens.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.lose_memory();
        self.tamper();
        for attempt in 0.. {
            if attempt > TRIES {
                self.machine.calm();
            } else if self.safety && self.chance.one_in(6) {
                let after = self.chance.below(60);
                self.machine.pull_plug_after(after);
            }
            let struck = self.machine.struck();
            match Engine::open_stepped(self.options()) {
                // Somebody pulled the plug at the very end of it.
                Ok(_) if !self.machine.has_power() => self.power_fails_again(),
                Ok((engine, parts)) => {
                    let feed = engine.feed(engine.durable());
                    self.trace
                        .step(|| format!("opened at {}", engine.durable()));
                    self.running = Some(Running {
                        engine,
                        parts,
                        feed,
                        struck,
                    });
                    break;
                }
                Err(error) => {
                    let excused = struck != self.machine.struck();
                    self.did_not_open(&error, excused)?;
                }
            }
        }
        if self.safety {
            self.machine.set_rates(self.sizes.rates);
        }
        self.welcome_back()
    }

    fn options(&self) -> Options {
        let mut options = Options::new("/sim".as_ref(), Mode::Sandbox);
        options.folders = Folders {
            log: self.machine.folder(Which::Log),
            state: self.machine.folder(Which::State),
            store: self.machine.folder(Which::Store),
        };
        let clock = self.clock.clone();
        options.clock = std::sync::Arc::new(move || UnixMillis(clock.load(Ordering::Relaxed)));
        self.sizes.apply(&mut options);
        options
    }

    /// It did not open: was there a reason, and was it said?
    fn did_not_open(&mut self, error: &OpenError, excused: bool) -> Result<(), String> {
        let why = with_causes(error);
        self.trace.step(|| format!("does not open: {why}"));
        if !self.machine.has_power() {
            self.power_fails_again();
            return Ok(());
        }
        if excused {
            return Ok(());
        }
        if let Some(flip) = self.log_flip.take() {
            if !why.contains(&flip.file) {
                return Err(format!("{flip:?} made it fail, but it says: {why}"));
            }
            // From a backup.
            self.machine
                .flip(Which::Log, &flip.file, flip.offset, flip.bit);
            return Ok(());
        }
        if self.store_damaged {
            // As the message says: nothing there is needed.
            self.machine.put_back(Which::Store, Folder::default());
            self.store_is_new(Which::Store);
            return Ok(());
        }
        Err(format!("it does not open, and nothing is wrong: {why}"))
    }

    fn power_fails_again(&mut self) {
        let crash = self.chance.of([Crash::Loses, Crash::Keeps, Crash::Tears]);
        self.machine.reboot(crash);
        self.coverage.struck(Fault::RestartInRestart);
    }

    /// It runs again: what was lost, and what was kept?
    fn welcome_back(&mut self) -> Result<(), String> {
        if let Some(flip) = self.log_flip.take() {
            self.check_flipped_log(&flip)?;
            self.machine
                .flip(Which::Log, &flip.file, flip.offset, flip.bit);
        }
        let end = self
            .running
            .as_ref()
            .map_or(0, |running| running.engine.durable().0);
        let known = self.books.next();
        if end < known {
            return Err(format!(
                "{known} events were acknowledged, but {end} are left"
            ));
        }
        let mut found = self.machine.calmly(|| self.read_log(known))?;
        found.truncate(usize::try_from(end - known).unwrap_or(usize::MAX));
        if known == 0
            && let Some(opened @ Event::Opened(_)) = found.first()
        {
            let fact = Fact {
                at: self.clock.load(Ordering::Relaxed),
                what: What::Opened(Mode::Sandbox),
                moves: Vec::new(),
            };
            fact.compare(opened)?;
            self.books.record(fact);
            found.remove(0);
        }
        self.recover(&found)?;
        for item in std::mem::take(&mut self.queued) {
            if let Item::Command(_, command) = item {
                self.world.ask_again(command);
            }
        }
        self.now = self.books.last_at().max(self.clock.load(Ordering::Relaxed));
        self.read_everything();
        Ok(())
    }

    /// The log's events from a number on, by a reader of its own.
    pub(super) fn read_log(&self, from: u64) -> Result<Vec<Event>, String> {
        let failed = |error: feiqian_log::ReadError| with_causes(&error);
        let reader = Reader::open_on(self.machine.folder(Which::Log)).map_err(failed)?;
        let mut cursor = reader
            .batches_from(Position(from), Verify::Chain)
            .map_err(failed)?;
        let mut events = Vec::new();
        while let Some(batch) = cursor.next_batch().map_err(failed)? {
            for event in batch.events() {
                let number = event.position.0;
                let event = minicbor::decode(event.bytes)
                    .map_err(|error| format!("event {number} cannot be read: {error}"))?;
                events.push(event);
            }
        }
        Ok(events)
    }

    /// A flipped bit that did not keep the log from opening must be found by reading all of it, or
    /// be one that means nothing.
    fn check_flipped_log(&self, flip: &LogFlip) -> Result<(), String> {
        match self.machine.calmly(|| self.read_log(0)) {
            Err(why) if why.contains(&flip.file) => Ok(()),
            Err(why) => Err(format!("{flip:?} is found, but it says: {why}")),
            Ok(events) => {
                for (number, event) in (0..self.books.next()).zip(&events) {
                    self.books.compare(number, event)?;
                }
                Ok(())
            }
        }
    }

    /// What happens to files while nobody looks.
    fn tamper(&mut self) {
        if !self.safety || self.books.next() == 0 || !self.chance.one_in(3) {
            return;
        }
        match self.chance.below(7) {
            0 => self.wipe(Which::Store, Fault::StoreDeleted),
            1 => self.wipe(Which::State, Fault::SnapshotsDeleted),
            2 => self.put_back(Which::Store, Fault::StoreStale),
            3 => self.put_back(Which::State, Fault::SnapshotsStale),
            4 => {
                if self.flip(Which::Store, Fault::StoreFlip) {
                    self.store_damaged = true;
                }
            }
            5 => {
                self.flip(Which::State, Fault::SnapshotFlip);
            }
            _ => self.flip_log(),
        }
    }

    pub(super) fn wipe(&mut self, which: Which, fault: Fault) {
        self.trace.step(|| format!("{which:?} is deleted"));
        self.coverage.struck(fault);
        self.machine.put_back(which, Folder::default());
        self.store_is_new(which);
    }

    fn put_back(&mut self, which: Which, fault: Fault) {
        let Some(index) = self.copies.iter().position(|(of, _)| *of == which) else {
            return;
        };
        let (_, copy) = self.copies.swap_remove(index);
        self.trace.step(|| format!("an old {which:?} is put back"));
        self.coverage.struck(fault);
        self.machine.put_back(which, copy);
        self.store_is_new(which);
    }

    fn store_is_new(&mut self, which: Which) {
        self.store_damaged &= which != Which::Store;
        self.store_fails &= which != Which::Store;
    }

    fn flip(&mut self, which: Which, fault: Fault) -> bool {
        let files = self.machine.files(which);
        let Some((name, length)) = self.chance.pick(&files) else {
            return false;
        };
        if *length == 0 {
            return false;
        }
        let (offset, bit) = (self.chance.index(*length), 1 << self.chance.below(8));
        self.trace
            .step(|| format!("a bit flips in {which:?} {name} at {offset}"));
        self.coverage.struck(fault);
        self.machine.flip(which, name, offset, bit);
        true
    }

    /// In front of the last batch: in the last one, a flipped bit and a write that did not end look the
    /// same, and only a backup can tell.
    fn flip_log(&mut self) {
        let last = self.machine.calmly(|| self.last_batch());
        let Some(last) = last else { return };
        let files = self.machine.files(Which::Log).into_iter();
        let before: Vec<(String, u64)> = files
            .filter_map(|(name, length)| {
                let base = u64::from_str_radix(name.strip_suffix(".log")?, 16).ok()?;
                let data = last.checked_sub(base)?.min(length as u64);
                (data > 0).then_some((name, data))
            })
            .collect();
        let Some((file, length)) = self.chance.pick(&before).cloned() else {
            return;
        };
        let offset = usize::try_from(self.chance.below(length)).unwrap_or(0);
        let flip = LogFlip {
            file,
            offset,
            bit: 1 << self.chance.below(8),
        };
        self.trace
            .step(|| format!("a bit flips in the log: {flip:?}"));
        self.coverage.struck(Fault::LogFlip);
        self.machine
            .flip(Which::Log, &flip.file, flip.offset, flip.bit);
        self.log_flip = Some(flip);
    }

    /// Address of the log's last whole batch.
    fn last_batch(&self) -> Option<u64> {
        let reader = Reader::open_on(self.machine.folder(Which::Log)).ok()?;
        let mut cursor = reader.batches_from(Position(0), Verify::Frames).ok()?;
        let mut last = None;
        while let Some(batch) = cursor.next_batch().ok()? {
            last = Some(batch.address.0 - BATCH_HEADER);
        }
        last
    }
}

/// An error with its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
