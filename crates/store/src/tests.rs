//! The store as a whole, over a real log and real indexes in temporary folders.

mod crash;
mod damage;
mod memory;
mod questions;
mod script;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use feiqian_core::numbers::Key;
use feiqian_core::{Account, EventNumber, MerchantId, OrderId, UnixMillis};
use feiqian_log::{Address, Disk, FileLog, Files, Log, Position, Verify};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Committed, Options, Store, StoreError};
use questions::{ask_all, ask_some};
use script::Script;

/// A log with all that was put into it.
struct World {
    dir: TempDir,
    log: FileLog,
    script: Script,
    batches: Vec<Committed>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = feiqian_log::Options {
            segment_bytes: 64 << 10,
            ..Default::default()
        };
        let (log, _) = FileLog::open(&dir.path().join("log"), log).unwrap();
        Self {
            dir,
            log,
            script: Script::new(),
            batches: Vec::new(),
        }
    }

    /// A world whose log has batches of these sizes.
    fn with(sizes: impl IntoIterator<Item = usize>) -> Self {
        let mut world = Self::new();
        sizes.into_iter().for_each(|size| drop(world.batch(size)));
        world
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(Files::new(&self.path()))
    }

    fn store(&self, run_events: u64) -> Store {
        self.try_store(run_events).unwrap()
    }

    fn try_store(&self, run_events: u64) -> Result<Store, StoreError> {
        Store::open_on(self.disk(), self.log.reader(), options(run_events))
    }

    /// Appends a batch to the log.
    fn batch(&mut self, events: usize) -> Committed {
        let first = EventNumber(self.log.end().0);
        let events = (0..events).map(|_| self.script.next()).collect::<Vec<_>>();
        let mut buffer = feiqian_log::BatchBuffer::new();
        for event in &events {
            buffer
                .push(|bytes| minicbor::encode(event, bytes).unwrap())
                .unwrap();
        }
        let at = events[0].at();
        let appended = self
            .log
            .append(Position(first.0), at.0, &mut buffer)
            .unwrap();
        let addresses = buffer.addresses(&appended).map(|(_, address)| address);
        let batch = Committed {
            first,
            at,
            events: addresses.zip(events).collect(),
        };
        self.batches.push(batch.clone());
        batch
    }

    /// Brings a store up to date from the log, as the engine does.
    fn catch_up(&self, store: &Store) {
        let from = Position(store.position().0);
        let mut cursor = self
            .log
            .reader()
            .batches_from(from, Verify::Frames)
            .unwrap();
        while let Some(batch) = cursor.next_batch().unwrap() {
            let mut first = None;
            let mut events: Vec<(Address, _)> = Vec::new();
            for event in batch.events() {
                first.get_or_insert(EventNumber(event.position.0));
                events.push((event.address, minicbor::decode(event.bytes).unwrap()));
            }
            let at = UnixMillis(batch.time_ms);
            store
                .apply(&Committed {
                    first: first.unwrap(),
                    at,
                    events,
                })
                .unwrap();
        }
        assert_eq!(store.position().0, self.log.end().0);
    }
}

fn options(run_events: u64) -> Options {
    Options {
        run_events,
        filter_keys: 1_000,
        background: true,
    }
}

fn wait_for_filter(store: &Store) {
    while !store.shared.filter.is_complete() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn everything_is_found_at_once_after_a_flush_and_after_reopening() {
    let mut world = World::new();
    let store = world.store(1_000_000);
    ask_all(&store, &world.script);
    for size in [1, 1, 30, 1, 64, 65, 200, 1, 1, 1] {
        let batch = world.batch(size);
        store.apply(&batch).unwrap();
        assert_eq!(store.position(), batch.next());
        ask_all(&store, &world.script);
    }
    assert_eq!(store.ingested(), EventNumber(0));
    store.flush().unwrap();
    assert_eq!(store.ingested(), store.position());
    ask_all(&store, &world.script);

    let later = world.batch(100);
    store.apply(&later).unwrap();
    ask_all(&store, &world.script);
    drop(store);

    let store = world.store(1_000_000);
    assert_eq!(
        store.position(),
        later.first,
        "what was not flushed comes from the log again"
    );
    world.catch_up(&store);
    ask_all(&store, &world.script);
    wait_for_filter(&store);
    ask_all(&store, &world.script);
}

#[test]
fn batches_come_in_order_and_old_ones_are_ignored() {
    let world = World::with([10, 10, 10]);
    let store = world.store(1_000);
    let [first, second, third] = &world.batches[..] else {
        panic!("three batches")
    };
    let gap = store.apply(second).unwrap_err();
    assert!(
        matches!(
            gap,
            StoreError::Gap {
                given: EventNumber(10),
                ..
            }
        ),
        "{gap}"
    );
    store.apply(first).unwrap();
    store.apply(first).unwrap();
    assert_eq!(store.position(), EventNumber(10));
    let empty = Committed {
        first: EventNumber(10),
        at: second.at,
        events: Vec::new(),
    };
    store.apply(&empty).unwrap();

    let mut joined = first.clone();
    joined.events.extend_from_slice(&second.events);
    store.apply(&joined).unwrap();
    assert_eq!(store.position(), EventNumber(20), "the part that was new");
    store.apply(third).unwrap();
    ask_all(&store, &world.script);
}

#[test]
fn numbers_of_the_same_hash_are_told_apart() {
    let mut world = World::with([300, 300]);
    let three = |key: &Key| key.scope.code() % 3;
    let reader = world.log.reader();
    let store = Store::open_hashed(world.disk(), reader, options(400), three).unwrap();
    world.catch_up(&store);
    ask_all(&store, &world.script);
    store.flush().unwrap();
    ask_all(&store, &world.script);
    let batch = world.batch(50);
    store.apply(&batch).unwrap();
    ask_all(&store, &world.script);
}

#[test]
fn after_reopening_the_filter_denies_no_known_number_and_most_others() {
    let world = World::with([500; 20]);
    let store = world.store(3_000);
    world.catch_up(&store);
    store.flush().unwrap();
    drop(store);
    let store = world.store(3_000);
    wait_for_filter(&store);
    for (key, _) in world.script.keys() {
        assert!(store.shared.filter.may_hold(key.hash()));
    }
    let others = (0..10_000).map(|n| script::order_key(MerchantId(n), 77).hash());
    let known = world.script.keys().map(|(key, _)| key.hash());
    let hashes: Vec<u64> = others.chain(known).collect();
    let mut unknown = vec![true; 3];
    store.unknown(&hashes, &mut unknown);
    let (others, known) = unknown.split_at(10_000);
    assert!(known.iter().all(|unknown| !unknown));
    let wrong = others.iter().filter(|unknown| !**unknown).count();
    assert!(wrong < 100, "{wrong} of 10000 unknown numbers seem known");
}

/// Readers look while batches come and runs are written and merged: nothing known before a question may be
/// missing from the answer, and nothing may be in it twice.
#[test]
fn readers_see_no_gaps_while_runs_are_written_and_merged() {
    let world = World::with((0..200).map(|n| 1 + n * 7 % 60));
    let store = world.store(130);
    let (done, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let readers = [(); 3].map(|()| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let known = store.position();
                    let seed = asked.fetch_add(1, Ordering::Relaxed);
                    questions::ask_racing(&store, &world.script, known, seed);
                }
            })
        });
        for (batch, questions) in world.batches.iter().zip(0..) {
            store.apply(batch).unwrap();
            while asked.load(Ordering::Relaxed) < questions {
                assert!(!readers.iter().all(|reader| reader.is_finished()));
                std::thread::yield_now();
            }
        }
        store.flush().unwrap();
        done.store(true, Ordering::Relaxed);
    });
    let runs = store.shared.view().runs;
    assert!(
        runs.last().unwrap().file_id.0 > 30 && runs.len() < 20,
        "{} runs",
        runs.len()
    );
    ask_all(&store, &world.script);
}

#[derive(Clone, Debug)]
enum Step {
    Batch(usize),
    Flush,
    Reopen(u64),
}

fn steps() -> impl Strategy<Value = (u64, Vec<Step>)> {
    let step = prop_oneof![
        12 => (1_usize..90).prop_map(Step::Batch),
        4 => Just(Step::Batch(1)),
        1 => Just(Step::Flush),
        1 => (1_u64..300).prop_map(Step::Reopen),
    ];
    (1_u64..300, prop::collection::vec(step, 1..25))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_happens_the_store_answers_as_a_plain_list_would((run_events, steps) in steps()) {
        let mut world = World::new();
        let mut store = world.store(run_events);
        for step in steps {
            match step {
                Step::Batch(size) => {
                    let batch = world.batch(size);
                    store.apply(&batch).unwrap();
                    ask_some(&store, &world.script, batch.next());
                }
                Step::Flush => store.flush().unwrap(),
                Step::Reopen(run_events) => {
                    drop(store);
                    store = world.store(run_events);
                    world.catch_up(&store);
                }
            }
        }
        ask_all(&store, &world.script);
    }
}

#[test]
fn a_rebuilt_store_answers_as_the_first_did() {
    let world = World::with([120; 10]);
    let store = world.store(300);
    world.catch_up(&store);
    store.flush().unwrap();
    drop(store);
    std::fs::remove_dir_all(world.path()).unwrap();
    let store = world.store(500);
    world.catch_up(&store);
    ask_all(&store, &world.script);
    let nobody = Account::Merchant(MerchantId(99));
    assert_eq!(store.entries(nobody, None, 10).unwrap(), []);
    assert_eq!(store.order(OrderId(EventNumber(1_000_000))).unwrap(), None);
}
