//! The store's thread: keeps the indexes behind the log.

use std::sync::Arc;
use std::time::Duration;

use feiqian_core::EventNumber;
use feiqian_store::Store;
use tokio::sync::watch;

use crate::alarm::Alarm;
use crate::feed::{Feed, Next, Ring};
use crate::parts::Step;

/// Follows the log into the store.
pub(crate) struct Follower {
    pub feed: Feed,
    pub ring: Arc<Ring>,
    pub store: Arc<Store>,
    pub indexed: watch::Sender<EventNumber>,
    pub alarm: Alarm,
}

impl Follower {
    pub fn run(mut self) {
        while self.step(Duration::from_secs(1)) != Step::Ended {}
    }

    /// Takes the next batch into the store.
    pub fn step(&mut self, patience: Duration) -> Step {
        // Without the store nothing can be found again, so nothing more is taken.
        self.follow(patience).unwrap_or_else(|error| {
            self.alarm
                .raise(format!("the store cannot follow the log: {error}"));
            Step::Ended
        })
    }

    fn follow(&mut self, patience: Duration) -> Result<Step, String> {
        match self.feed.next(patience) {
            Next::Batch(batch) => {
                self.store
                    .apply(&batch)
                    .map_err(|error| error.to_string())?;
                self.ring.store_is_at(batch.next());
                self.indexed.send_replace(batch.next());
                Ok(Step::Worked)
            }
            Next::Nothing => Ok(Step::Idle),
            Next::Ended => {
                self.store.flush().map_err(|error| error.to_string())?;
                Ok(Step::Ended)
            }
            Next::Failed(error) => Err(error),
        }
    }
}
