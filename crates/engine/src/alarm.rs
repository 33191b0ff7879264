//! What happens when a part of the engine cannot go on: all of it stops, and says why.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use tokio::sync::watch;

use crate::feed::Ring;
use crate::queue::Queue;

/// Stops everything that waits. Whoever had no answer reads that as "unknown".
#[derive(Clone)]
pub(crate) struct Alarm {
    pub queue: Arc<Queue>,
    pub ring: Arc<Ring>,
    pub failure: Arc<watch::Sender<Option<String>>>,
}

impl Alarm {
    /// An alarm, and where its reason is told.
    pub fn new(queue: Arc<Queue>, ring: Arc<Ring>) -> (Self, watch::Receiver<Option<String>>) {
        let (failure, told) = watch::channel(None);
        let failure = Arc::new(failure);
        let alarm = Self {
            queue,
            ring,
            failure,
        };
        (alarm, told)
    }

    pub fn raise(&self, why: String) {
        tracing::error!(why, "the engine stops");
        // The first reason is the one to tell; what follows comes of it.
        self.failure.send_if_modified(|said| {
            let first = said.is_none();
            if first {
                *said = Some(why);
            }
            first
        });
        self.queue.abandon();
        self.ring.close();
    }

    /// Runs a part of the engine on a thread. A panic in it is a bug, and raises the alarm.
    pub fn spawn(
        &self,
        name: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let alarm = self.clone();
        Builder::new().name(name.into()).spawn(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                alarm.raise(format!(
                    "the {name} thread panicked, which is a bug of this program"
                ));
            }
        })
    }
}
