//! The parts of an engine, each of which does one thing at a time: on threads of their own, or step by
//! step.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::thread::JoinHandle;
use std::time::Duration;

use feiqian_log::FileLog;
use feiqian_store::{Store, StoreError};

use crate::alarm::Alarm;
use crate::committer::Committer;
use crate::follower::Follower;
use crate::snapshots::Recorder;
use crate::writer::Writer;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It did something.
    Worked,
    /// There was nothing to do, or another part must go on first.
    Idle,
    /// It will never do anything more.
    Ended,
}

/// The parts of an engine without threads. No step waits, and none acts on the machine's clock or on
/// chance: the same steps with the same disk and clock do the same.
///
/// Dropping them, with all clones of the engine, is what a crash does to memory. For an orderly
/// stop call [`Engine::stop`] and step each part until it ended.
pub struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) alarm: Alarm,
    pub(crate) writer: Option<Writer>,
    pub(crate) committer: Option<Committer<FileLog>>,
    pub(crate) follower: Option<Follower>,
    pub(crate) recorder: Option<Recorder>,
    /// Batches that the writer may ship before it must wait for the committer.
    pub(crate) room: usize,
}

impl Parts {
    /// Decides all that waits, and the timers that are due.
    pub fn decide(&mut self) -> Step {
        if self.room == 0 {
            return Step::Idle;
        }
        let step = step(&mut self.writer, |writer| writer.step(Duration::ZERO));
        self.room -= usize::from(step == Step::Worked);
        step
    }

    /// Makes the oldest decided batch durable, then gives its answers.
    pub fn commit(&mut self) -> Step {
        let room = &mut self.room;
        step(&mut self.committer, |committer| {
            if committer.ring.is_full() {
                return Step::Idle;
            }
            match committer.work.try_recv() {
                Ok(work) => {
                    *room += 1;
                    committer.step(work)
                }
                Err(TryRecvError::Empty) => Step::Idle,
                Err(TryRecvError::Disconnected) => {
                    committer.ring.close();
                    Step::Ended
                }
            }
        })
    }

    /// Takes the next durable batch into the store.
    pub fn follow(&mut self) -> Step {
        step(&mut self.follower, |follower| follower.step(Duration::ZERO))
    }

    /// One unit of the store's own work: a run is written or merged.
    ///
    /// # Errors
    /// When the store cannot: nothing changed, and the next step tries again.
    pub fn index(&mut self) -> Result<Step, StoreError> {
        let worked = self.store.work()?;
        Ok(if worked { Step::Worked } else { Step::Idle })
    }

    /// Writes a snapshot that the writer asked for.
    pub fn snapshot(&mut self) -> Step {
        step(&mut self.recorder, Recorder::step)
    }

    /// Lets each run on a thread of its own.
    pub(crate) fn start(self) -> io::Result<Vec<JoinHandle<()>>> {
        let Self {
            alarm,
            writer,
            committer,
            follower,
            recorder,
            room: _,
            store: _,
        } = self;
        let threads = [
            writer.map(|writer| alarm.spawn("writer", move || writer.run())),
            committer.map(|committer| alarm.spawn("committer", move || committer.run())),
            follower.map(|follower| alarm.spawn("store", move || follower.run())),
            recorder.map(|recorder| alarm.spawn("snapshots", move || recorder.run())),
        ];
        threads.into_iter().flatten().collect()
    }
}

/// Runs a step of a part that has not ended. A part is dropped when it ends: others wait for that.
fn step<T>(part: &mut Option<T>, work: impl FnOnce(&mut T) -> Step) -> Step {
    let step = part.as_mut().map_or(Step::Ended, work);
    if step == Step::Ended {
        *part = None;
    }
    step
}
