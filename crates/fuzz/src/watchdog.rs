//! Ends the process when a case does not end.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a case may take: this many ticks. Counted rather than measured, so that the time during
/// which somebody stopped the whole process is not counted.
const TICKS_MAX: u32 = 100;
const TICK: Duration = Duration::from_millis(100);

/// Looks after the case that runs.
pub struct Watchdog(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    input: Vec<u8>,
    ticks: u32,
    /// Nothing runs: ticks are not counted.
    idle: bool,
    over: bool,
}

impl Watchdog {
    pub fn start(corpus: &Path) -> Self {
        let running = Arc::new(Mutex::new(Running {
            idle: true,
            ..Running::default()
        }));
        let (watched, corpus) = (running.clone(), corpus.to_owned());
        thread::spawn(move || watch(&watched, &corpus));
        Self(running)
    }

    pub fn begin(&self, input: &[u8]) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.input.clear();
        running.input.extend_from_slice(input);
        (running.ticks, running.idle) = (0, false);
    }

    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).idle = true;
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    }
}

fn watch(running: &Mutex<Running>, corpus: &Path) {
    loop {
        thread::sleep(TICK);
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.over {
            return;
        }
        running.ticks += u32::from(!running.idle);
        if running.ticks > TICKS_MAX {
            let file = super::keep(corpus, "hang", &running.input);
            eprintln!("a case hangs; the input is kept as {}", file.display());
            std::process::exit(101);
        }
    }
}
