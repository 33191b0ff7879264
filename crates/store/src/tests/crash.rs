//! Crashes and failures at every change of the disk, while runs are written and merged.

use std::sync::Arc;

use feiqian_core::EventNumber;
use feiqian_log::Log;

use super::memory::Memory;
use super::questions::{ask_all, ask_some};
use super::{World, options};
use crate::{Options, Store, StoreError, recorded_position_on};

fn open(world: &World, disk: &Memory, run_events: u64) -> Result<Store, StoreError> {
    let options = Options {
        background: false,
        ..options(run_events)
    };
    Store::open_on(Arc::new(disk.clone()), world.log.reader(), options)
}

/// Applies everything in runs of 20 events, and does all work in between, until something fails.
fn follow(world: &World, store: &Store) -> Result<(), StoreError> {
    for batch in &world.batches {
        store.apply(batch)?;
        while store.work()? {}
    }
    store.flush()?;
    while store.work()? {}
    Ok(())
}

/// A world with enough events for runs and runs of runs, and how many changes of the disk they take.
fn world() -> (World, u64) {
    let world = World::with([20; 13]);
    let disk = Memory::default();
    let store = open(&world, &disk, 20).unwrap();
    follow(&world, &store).unwrap();
    let runs = store.shared.view().runs.len();
    assert!(runs < 8, "merged: {runs}");
    (world, disk.changes())
}

#[test]
fn a_crash_at_any_change_leaves_what_was_written_before() {
    let (world, changes) = world();
    assert!(changes > 150, "{changes}");
    for change in 0..changes {
        let disk = Memory::default();
        disk.fail(change, u64::MAX);
        let mut ingested = EventNumber(0);
        if let Ok(store) = open(&world, &disk, 20) {
            let failed = follow(&world, &store);
            assert!(
                failed.is_err() || change + 9 > changes,
                "removing may fail unnoticed"
            );
            ingested = store.ingested();
        }
        for seed in 0..4 {
            let disk = disk.crash(change * 7 + seed);
            let recorded = recorded_position_on(Arc::new(disk.clone())).unwrap();
            let store = open(&world, &disk, 30).unwrap();
            assert_eq!(store.position(), recorded);
            assert!(
                ingested <= recorded,
                "{ingested} were on disk at change {change}"
            );
            world.catch_up(&store);
            ask_some(&store, &world.script, store.position());
            if change % 16 == 0 && seed == 0 {
                follow(&world, &store).unwrap();
                ask_all(&store, &world.script);
            }
        }
    }
}

#[test]
fn a_failure_at_any_change_is_got_over() {
    let (world, changes) = world();
    for change in 1..changes {
        let disk = Memory::default();
        // The first makes the folder a store; without it there is none.
        let store = open(&world, &disk, 20).unwrap();
        let first = disk.changes().max(change);
        disk.fail(first, first + 1 + change % 3);
        while follow(&world, &store).is_err() {}
        assert_eq!(store.ingested(), store.position());
        ask_some(&store, &world.script, store.position());
        drop(store);
        let store = open(&world, &disk, 20).unwrap();
        assert_eq!(store.position().0, world.log.end().0);
        ask_some(&store, &world.script, store.position());
        if change % 16 == 0 {
            ask_all(&store, &world.script);
        }
    }
}

/// A full disk: everything is still found, up to a bound; when there is room again it goes on.
#[test]
fn a_full_disk_is_outlasted_until_memory_is_full() {
    for background in [false, true] {
        let world = World::with([20; 20]);
        let disk = Memory::default();
        let options = Options {
            background,
            ..options(40)
        };
        let opened = Store::open_on(Arc::new(disk.clone()), world.log.reader(), options);
        let store = opened.unwrap();
        disk.fail(disk.changes(), u64::MAX);
        let mut taken = world.batches.iter();
        let refused = taken.find_map(|batch| Some((batch, store.apply(batch).err()?)));
        let (batch, error) = refused.expect("a bound");
        assert!(matches!(error, StoreError::Unwritten(_)), "{error}");
        assert!(!error.can_be_rebuilt());
        // A frozen run, and four times as much.
        assert_eq!(batch.first, EventNumber(40 * 5));
        assert!(matches!(store.flush(), Err(StoreError::Unwritten(_))));
        ask_some(&store, &world.script, store.position());
        assert_eq!(store.ingested(), EventNumber(0));

        disk.fail(0, 0);
        while store.apply(batch).is_err() {}
        taken.for_each(|batch| store.apply(batch).unwrap());
        ask_all(&store, &world.script);
        store.flush().unwrap();
        assert_eq!(store.ingested(), store.position());
        ask_all(&store, &world.script);
    }
}

/// A run that cannot be read is no reason to stop writing others.
#[test]
fn a_damaged_run_ends_merging_only() {
    let world = World::with([20; 24]);
    let store = world.store(20);
    let mut batches = world.batches.iter();
    for batch in batches.by_ref().take(5) {
        store.apply(batch).unwrap();
        store.flush().unwrap();
    }
    let file = world.path().join("00000002.run");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    for batch in batches {
        store.apply(batch).unwrap();
        while store.flush().is_err() {}
    }
    assert_eq!(store.ingested(), store.position());
    assert!(store.shared.view().runs.len() > 16);
}
