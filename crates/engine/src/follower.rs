//! The store's thread: keeps the indexes behind the log.

use std::sync::Arc;
use std::time::Duration;

use feiqian_core::EventNumber;
use feiqian_store::Store;
use tokio::sync::watch;

use crate::alarm::Alarm;
use crate::feed::{Feed, Next, Ring};

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
        // Without the store nothing can be found again, so nothing more is taken.
        if let Err(error) = self.follow() {
            self.alarm
                .raise(format!("the store cannot follow the log: {error}"));
        }
    }

    fn follow(&mut self) -> Result<(), String> {
        loop {
            match self.feed.next(Duration::from_secs(1)) {
                Next::Batch(batch) => {
                    self.store
                        .apply(&batch)
                        .map_err(|error| error.to_string())?;
                    self.ring.store_is_at(batch.next());
                    self.indexed.send_replace(batch.next());
                }
                Next::Nothing => {}
                Next::Ended => return self.store.flush().map_err(|error| error.to_string()),
                Next::Failed(error) => return Err(error),
            }
        }
    }
}
