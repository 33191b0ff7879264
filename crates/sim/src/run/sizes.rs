//! How large and how unlucky a world is. All small, so that whatever happens rarely in the large
//! happens often here.

use feiqian_core::Keep;
use feiqian_engine::Options;

use super::{Action, USUAL};
use crate::chance::Chance;
use crate::disk::Rates;

#[derive(Debug)]
pub(super) struct Sizes {
    pub steps: u64,
    pub keep: usize,
    pub timers_max: usize,
    pub snapshot_every: u64,
    pub ring_events: u64,
    pub segment_bytes: u64,
    pub run_events: u64,
    pub filter_keys: u64,
    /// Whether days and years pass quickly.
    pub hurry: bool,
    pub rates: Rates,
    /// What happens how often.
    pub actions: Vec<(Action, u32)>,
}

impl Sizes {
    pub fn by(chance: &mut Chance) -> Self {
        let mut rate = |most: u32| chance.of([0, 0, 1, 2, 5]) * most;
        let rates = Rates {
            write: rate(10),
            sync: rate(12),
            read: rate(3),
            full: rate(20),
        };
        let actions = USUAL.map(|(action, weight)| {
            let often = match action {
                Action::Kill | Action::PullPlug | Action::Stop | Action::Copy => {
                    chance.of([0, 1, 1, 3])
                }
                Action::Ask
                | Action::Arrive
                | Action::Decide
                | Action::Commit
                | Action::Follow
                | Action::Snapshot
                | Action::Index
                | Action::Clock
                | Action::Read
                | Action::Question
                | Action::Feed => chance.of([1, 2, 2, 3]),
            };
            (action, weight * often)
        });
        Self {
            // Some worlds are long enough for much to pile up.
            steps: (300 + chance.below(1_500)) * if chance.one_in(60) { 10 } else { 1 },
            keep: chance.of([0, 1, 3, 10, 100]),
            timers_max: chance.of([1, 2, 5, 100]),
            snapshot_every: chance.of([1, 5, 20, 100]),
            ring_events: chance.of([1, 10, 40, 1_000]),
            segment_bytes: chance.of([64, 1_500, 6_000, 40_000]),
            run_events: chance.of([1, 4, 16, 60]),
            filter_keys: chance.of([1, 100, 10_000]),
            hurry: chance.one_in(3),
            rates,
            actions: actions.to_vec(),
        }
    }

    pub fn apply(&self, options: &mut Options) {
        options.keep = Keep {
            numbers: self.keep,
            orders: self.keep,
            shares: self.keep,
        };
        options.timers_max = self.timers_max;
        options.snapshot_every = self.snapshot_every;
        options.ring_events = self.ring_events;
        options.segment_bytes = self.segment_bytes;
        options.store.run_events = self.run_events;
        options.store.filter_keys = self.filter_keys;
    }
}
