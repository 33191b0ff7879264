//! The simulator itself: its runs can be replayed, and it finds what is planted.

use feiqian_sim::{Planted, run};

/// Within so many seeds a planted bug is found.
const SEEDS: u64 = 200;

fn found_within_all_seeds(bug: Planted) -> bool {
    (0..SEEDS).any(|seed| run(seed, Some(bug), false).violation.is_some())
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..6 {
        let (first, second) = (run(seed, None, false), run(seed, None, false));
        assert!(first.violation.is_none(), "{:?}", first.violation);
        let trace = first.trace;
        assert_eq!((&trace, first.steps), (&second.trace, second.steps));
        assert_ne!(run(seed + 1, None, false).trace, trace);
    }
}

#[test]
fn a_lost_sync_is_found() {
    assert!(found_within_all_seeds(Planted::LostSync));
}

#[cfg(feature = "planted")]
#[test]
fn every_planted_bug_is_found() {
    for (name, bug) in Planted::ALL {
        assert!(found_within_all_seeds(bug), "{name}");
    }
}
