//! Room on the disk. A write to the log that fails stops the engine, because nobody knows what it
//! left behind; so long before that can happen nothing new is accepted. What writes nothing goes on:
//! reads, refusals, and the answers to what was asked before.

use std::sync::Arc;

use feiqian_core::{EventNumber, UnixMillis};
use feiqian_log::Disk;

use crate::metrics::Metrics;
use crate::{Folders, as_gauge};

/// The disks are looked at after so many milliseconds,
const LOOK_EVERY_MS: i64 = 1_000;
/// or after so many events: some 8 MiB of the log.
const LOOK_EVERY_EVENTS: u64 = 65_536;

/// Whether there is room for more.
pub(crate) struct Room {
    disks: [Arc<dyn Disk>; 3],
    reserve: u64,
    full: bool,
    /// When and where the disks are looked at next.
    next: (UnixMillis, EventNumber),
    metrics: Arc<Metrics>,
}

impl Room {
    /// `reserve` bytes must stay free on the disk of each folder.
    pub fn new(folders: &Folders, reserve: u64, metrics: Arc<Metrics>) -> Self {
        let Folders { log, state, store } = folders;
        Self {
            disks: [log.clone(), state.clone(), store.clone()],
            reserve,
            full: false,
            next: (UnixMillis(0), EventNumber(0)),
            metrics,
        }
    }

    /// Whether nothing new is accepted.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Looks at the disks when it is time to; always while they are full.
    pub fn look(&mut self, now: UnixMillis, end: EventNumber) {
        if !self.full && now < self.next.0 && end < self.next.1 {
            return;
        }
        self.next = (
            UnixMillis(now.0.saturating_add(LOOK_EVERY_MS)),
            EventNumber(end.0.saturating_add(LOOK_EVERY_EVENTS)),
        );
        // A disk that does not say is taken to have room: writing will tell.
        let free = self.disks.iter().filter_map(|disk| disk.free_bytes().ok());
        let free = free.min().unwrap_or(u64::MAX);
        // Some more than the reserve must come free, lest it go to and fro.
        let wanted = self.reserve.saturating_add(self.reserve / 4);
        let full = free < if self.full { wanted } else { self.reserve };
        if full && !self.full {
            tracing::error!(free, "the disk is nearly full: nothing new is accepted");
        } else if self.full && !full {
            tracing::info!(free, "there is room on the disk again");
        }
        self.full = full;
        self.metrics.disk_free.set(as_gauge(free));
        self.metrics.disk_full.set(i64::from(full));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_at_now_and_then_and_always_while_full() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::in_dir(dir.path());
        std::fs::create_dir(dir.path().join("log")).unwrap();
        let metrics = Arc::new(Metrics::default());
        let mut room = Room::new(&folders, 0, metrics.clone());
        room.look(UnixMillis(5), EventNumber(0));
        let free = metrics.disk_free.get();
        assert!(!room.is_full() && 0 < free && free < i64::MAX);
        let looks = |room: &mut Room, now, end| {
            metrics.disk_free.set(-1);
            room.look(UnixMillis(now), EventNumber(end));
            metrics.disk_free.get() != -1
        };
        assert!(!looks(&mut room, 1_004, 65_535));
        assert!(looks(&mut room, 1_005, 0));
        assert!(looks(&mut room, 1_006, 65_536));
        let mut room = Room::new(&folders, u64::MAX, metrics.clone());
        assert!(looks(&mut room, 0, 0) && looks(&mut room, 0, 0));
        assert!(room.is_full() && metrics.disk_full.get() == 1);
    }
}
