//! The sandbox's clock, which stands in the past while its history is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use feiqian_core::UnixMillis;
use feiqian_engine::{Clock, system_clock};

use super::past;

/// Shows the machine's time, unless it was set.
#[derive(Clone)]
pub struct SandboxClock(Arc<AtomicI64>);

impl SandboxClock {
    /// Stands where a sandbox's history begins: time never goes back, so it has to before the log is opened.
    /// What has gone on since then is not lost by it.
    pub fn in_the_past() -> Self {
        let from = past::midnight(system_clock()(), past::DAYS + 1);
        Self(Arc::new(AtomicI64::new(from.0)))
    }

    /// For an engine.
    pub fn clock(&self) -> Clock {
        let (set, system) = (self.0.clone(), system_clock());
        Arc::new(move || match set.load(Ordering::Relaxed) {
            0 => system(),
            at => UnixMillis(at),
        })
    }

    /// Stands still at this time.
    pub fn set(&self, at: UnixMillis) {
        self.0.store(at.0, Ordering::Relaxed);
    }

    /// Shows the machine's time again.
    pub fn release(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
