//! The peace after the faults: everything must come to rest, and be right.

use std::sync::atomic::Ordering;

use feiqian_core::TransferId;
use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_engine::{Parts, Step};

use super::Run;
use super::asking::same;
use crate::books::{Books, Conservation};
use crate::coverage::Fault;
use crate::disk::Which;

/// Rounds of all parts after which something will never come to rest.
const ROUNDS: u32 = 20_000;
/// Longer than any order lives.
const EIGHT_DAYS: i64 = 8 * 86_400_000;
/// Longer than any rebate waits.
const HALF_A_YEAR: i64 = 185 * 86_400_000;

impl Run {
    /// From now on no fault strikes.
    pub(super) fn come_to_rest(&mut self) -> Result<(), String> {
        self.trace.step(|| "peace".into());
        self.safety = false;
        self.machine.calm();
        // What is damaged and was not noticed is put right.
        if self.store_damaged {
            self.wipe(Which::Store, Fault::StoreDeleted);
        }
        self.crash_and_restart(None)?;
        while let Some(command) = self.world.arrive() {
            self.submit(Some(command))?;
            if self.queued.len() > 50 {
                self.quiesce()?;
            }
        }
        self.quiesce()?;
        self.answer_transfers()?;
        self.clock.store(self.now + EIGHT_DAYS, Ordering::Relaxed);
        self.read_everything();
        self.quiesce()?;
        if let Some(order) = self.books.open.first() {
            return Err(format!("order {order:?} never expires"));
        }
        self.clock.store(self.now + HALF_A_YEAR, Ordering::Relaxed);
        self.quiesce()?;
        if let Some(rebate) = self.books.campaigns.rebates.first_key_value() {
            return Err(format!("rebate {rebate:?} never reaches its wallet"));
        }
        let due = self.books.due_besides_orders(self.now);
        if !due.is_empty() {
            return Err(format!("{due:?} are due for ever"));
        }
        self.read_everything();
        self.quiesce()?;
        self.every_question()?;
        self.stop_in_order()?;
        self.restart()?;
        self.quiesce()?;
        self.every_question()?;
        self.stop_in_order()?;
        self.audit()
    }

    /// Lets all parts work until none has anything to do.
    fn quiesce(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let steps = [
                self.decide()?,
                self.commit()?,
                self.part("follow", Parts::follow)?,
                self.part("snapshot", Parts::snapshot)?,
                self.index()?,
            ];
            self.look_after()?;
            if steps.iter().all(|step| *step == Step::Idle) {
                let left = self.queued.len() + self.flight.len();
                return same("what still waits", &0, &left);
            }
        }
        Err("it never comes to rest".into())
    }

    fn answer_transfers(&mut self) -> Result<(), String> {
        let pending: Vec<u64> = self.books.pending.iter().copied().collect();
        for id in pending {
            let answer = AnswerTransfer {
                transfer: TransferId(Books::number(id)),
                answer: self.chance.of([Answer::Done, Answer::Declined]),
            };
            self.submit(Some(answer.into()))?;
        }
        self.quiesce()?;
        same("transfers without an answer", &0, &self.books.pending.len())
    }

    /// Stops as an operator does. What was taken is answered; a fault may end it early.
    pub(super) fn stop_in_order(&mut self) -> Result<(), String> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        self.trace.step(|| "stop".into());
        running.engine.stop();
        for _ in 0..ROUNDS {
            let steps = [
                self.decide()?,
                self.commit()?,
                self.index()?,
                self.part("follow", Parts::follow)?,
                self.part("snapshot", Parts::snapshot)?,
            ];
            let [decide, commit, _, follow, snapshot] = steps;
            if [decide, commit, follow, snapshot] == [Step::Ended; 4] {
                return self.stopped();
            }
        }
        Err("it never stops".into())
    }

    fn stopped(&mut self) -> Result<(), String> {
        let failed = self
            .running
            .as_ref()
            .and_then(|running| running.engine.failed());
        match failed {
            Some(why) if !self.is_excused() && self.machine.has_power() => {
                Err(format!("it did not stop in order: {why}"))
            }
            Some(_) => {
                if !self.machine.has_power() {
                    self.machine.reboot(crate::disk::Crash::Tears);
                }
                Ok(())
            }
            None => same(
                "what was taken and not answered",
                &0,
                &(self.queued.len() + self.flight.len()),
            ),
        }
    }

    /// All again, from the log alone: by the core's audit, and event by event by the books.
    fn audit(&mut self) -> Result<(), String> {
        let events = self.read_log(0)?;
        let (mut audit, mut conservation) = (Audit::new(), Conservation::default());
        same(
            "events in the log",
            &self.books.next(),
            &(events.len() as u64),
        )?;
        for (number, event) in (0..).zip(&events) {
            self.books.compare(number, event)?;
            conservation.read(event)?;
            audit.read(event).map_err(|error| error.to_string())?;
        }
        conservation.finish()?;
        audit.finish().map_err(|error| error.to_string())?;
        for (account, balance) in self.books.balances() {
            same(
                &format!("{account:?} in the audit"),
                &balance,
                &audit.balance(account),
            )?;
        }
        self.trace
            .step(|| format!("audited {} events", events.len()));
        self.books.check_sums()?;
        self.books.check_campaigns()
    }
}
