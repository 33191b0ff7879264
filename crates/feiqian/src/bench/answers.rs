//! Outcomes on their way from the committer to the load.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use feiqian_engine::{Outcome, Sink};

/// A batch at a time: one lock for thousands of answers.
#[derive(Default)]
pub struct Answers {
    come: Mutex<Vec<(u64, Outcome)>>,
    arrived: Condvar,
}

impl Sink for Answers {
    fn answers(&self, mut answers: Vec<(u64, Outcome)>) {
        let mut come = self.come.lock().unwrap_or_else(PoisonError::into_inner);
        if come.is_empty() {
            *come = answers;
        } else {
            come.append(&mut answers);
        }
        self.arrived.notify_one();
    }
}

impl Answers {
    /// Moves what has come into `into`, which is empty, waiting at most `patience` for something.
    pub fn take(&self, into: &mut Vec<(u64, Outcome)>, patience: Duration) {
        let mut come = self.come.lock().unwrap_or_else(PoisonError::into_inner);
        if come.is_empty() {
            let woken = self.arrived.wait_timeout(come, patience);
            (come, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut *come, into);
    }
}
