//! What is wrong on disk is an error that says what to do, never a panic.

use std::fs;

use feiqian_core::{EventNumber, OrderId, TransferId, UnixMillis};

use super::World;
use super::questions::{accounts, ask_all, history};
use super::script::Script;
use crate::{Store, StoreError, recorded_position};

/// A world whose store is all on disk.
fn flushed() -> World {
    let world = World::with([100; 6]);
    let store = world.store(250);
    world.catch_up(&store);
    store.flush().unwrap();
    world
}

fn refused(world: &World) -> String {
    let error = world.try_store(250).err().expect("a refusal");
    assert!(error.can_be_rebuilt());
    let error = error.to_string();
    assert!(
        error.contains(&world.path().display().to_string()),
        "{error}"
    );
    error
}

#[test]
fn a_folder_of_something_else_is_refused_and_left_alone() {
    let world = World::new();
    fs::create_dir(world.path()).unwrap();
    fs::write(world.path().join("holiday.jpg"), "x").unwrap();
    for _ in 0..2 {
        let error = world.try_store(250).err().unwrap();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert!(!error.can_be_rebuilt());
        Store::clear(world.disk()).unwrap();
    }
    assert!(world.path().join("holiday.jpg").exists());
}

/// As version 0.1 left them.
#[test]
fn a_store_of_format_1_is_made_anew() {
    let world = World::with([10]);
    fs::create_dir_all(world.path().join("index/keyspaces/0")).unwrap();
    fs::write(world.path().join("index/keyspaces/0/journal"), "x").unwrap();
    fs::write(world.path().join("FORMAT"), "feiqian store 1\n").unwrap();
    fs::write(world.path().join("position"), "events 1\n").unwrap();
    assert_eq!(recorded_position(&world.path()).unwrap(), EventNumber(0));
    assert!(refused(&world).contains("older version"));
    Store::clear(world.disk()).unwrap();
    assert_eq!(names(&world), ["LOCK"]);
    let store = world.store(5);
    world.catch_up(&store);
    ask_all(&store, &world.script);
}

#[test]
fn a_store_of_a_later_version_is_refused() {
    let world = flushed();
    fs::write(world.path().join("manifest"), "feiqian store 3\n").unwrap();
    assert!(refused(&world).contains("another version"));
    assert!(
        recorded_position(&world.path())
            .unwrap_err()
            .can_be_rebuilt()
    );
}

#[test]
fn what_a_crash_left_over_is_removed_and_nothing_else() {
    let world = flushed();
    let before = names(&world);
    for name in ["manifest.new", "00000077.run", "notes.txt"] {
        fs::write(world.path().join(name), "half").unwrap();
    }
    ask_all(&world.store(250), &world.script);
    fs::remove_file(world.path().join("notes.txt")).unwrap();
    assert_eq!(names(&world), before);

    let fresh = World::with([10]);
    fs::create_dir(fresh.path()).unwrap();
    fs::write(fresh.path().join("manifest.new"), "feiq").unwrap();
    let store = fresh.store(5);
    fresh.catch_up(&store);
    ask_all(&store, &fresh.script);
}

#[test]
fn a_store_is_opened_once() {
    let world = flushed();
    let store = world.store(250);
    assert!(matches!(
        world.try_store(250),
        Err(StoreError::InUse { .. })
    ));
    drop(store);
    world.store(250);
}

#[test]
fn a_store_without_its_manifest_is_refused() {
    let world = flushed();
    fs::remove_file(world.path().join("manifest")).unwrap();
    assert!(refused(&world).contains("lost its manifest"));
}

#[test]
fn a_store_without_one_of_its_runs_is_refused() {
    let world = flushed();
    let run = names(&world)
        .into_iter()
        .find(|name| name.ends_with(".run"));
    fs::remove_file(world.path().join(run.unwrap())).unwrap();
    assert!(refused(&world).contains("is damaged at byte 0"));
}

#[test]
fn the_store_of_another_log_is_refused() {
    let world = flushed();
    let mut other = World::with([100; 5]);
    // The same sizes, other content: addresses lead to events, but not to the same ones.
    other.script.next();
    other.batch(100);
    for log in [World::new(), World::with([30]), other] {
        let opened = Store::open(&world.path(), feiqian_log::Log::reader(&log.log));
        assert!(matches!(opened, Err(StoreError::OtherLog { .. })));
    }
    ask_all(&world.store(250), &world.script);
}

/// Every file of the store, cut short or with a changed byte, one at a time: each answer is the right
/// one, or an error that says that the store can be made anew.
#[test]
fn no_damage_gives_a_wrong_answer() {
    let world = flushed();
    let files: Vec<_> = names(&world)
        .into_iter()
        .map(|name| world.path().join(name))
        .map(|file| (fs::read(&file).unwrap(), file))
        .collect();
    assert!(files.len() >= 4);
    let (mut refused, mut wrong, mut unharmed) = (0, 0, 0);
    for (whole, file) in &files {
        let flips = (0..whole.len()).step_by(whole.len() / 25 + 1);
        let cuts = [0, 1, whole.len() / 2, whole.len().saturating_sub(1)];
        let damages = flips.map(|at| (at, true)).chain(cuts.map(|at| (at, false)));
        for (at, flip) in damages {
            let mut bytes = whole.clone();
            if flip {
                bytes[at] ^= 0x55;
            } else {
                bytes.truncate(at);
            }
            fs::write(file, &bytes).unwrap();
            match world.try_store(250) {
                Err(error) => {
                    assert!(error.can_be_rebuilt(), "{error}");
                    refused += 1;
                }
                Ok(store) => {
                    if right_or_damaged(&store, &world.script) {
                        unharmed += 1;
                    } else {
                        wrong += 1;
                    }
                }
            }
            fs::write(file, whole).unwrap();
        }
    }
    eprintln!("damaged store: refused {refused}, noticed when asked {wrong}, unharmed {unharmed}");
    assert!(refused > 0 && wrong > 0);
    ask_all(&world.store(250), &world.script);
}

/// Asks everything; says whether all could be answered.
fn right_or_damaged(store: &Store, script: &Script) -> bool {
    let mut all = true;
    let mut check = |answer: Result<bool, StoreError>| match answer {
        Ok(right) => assert!(right),
        Err(error) => {
            assert!(error.can_be_rebuilt(), "{error}");
            all = false;
        }
    };
    for (number, event) in script.numbered() {
        check(
            store
                .event(number)
                .map(|found| found.as_ref() == Some(event)),
        );
        let later = script.later(number);
        let story = store.order(OrderId(number));
        check(story.map(|story| story.is_none_or(|story| story.later.iter().eq(&later))));
        let transfer = store.transfer(TransferId(number));
        check(transfer.map(|story| story.is_none_or(|story| story.answer.iter().eq(&later))));
    }
    for (key, number) in script.keys() {
        check(
            store
                .number(&key)
                .map(|found| found.is_some_and(|found| found.0 == number)),
        );
    }
    for account in accounts() {
        let found = store.entries(account, None, usize::MAX);
        let expected = history(script, account, store.position());
        check(found.map(|found| found.iter().rev().eq(&expected)));
    }
    for event in script.events.iter().step_by(10) {
        let first = script
            .events
            .iter()
            .position(|other| other.at() >= event.at());
        let found = store.first_event_at(event.at());
        check(found.map(|found| Some(found.0) == first.map(|first| first as u64)));
    }
    all
}

/// Everything that there is, for the errors only.
fn ask(store: &Store, script: &Script) -> Result<(), StoreError> {
    for number in (0..store.position().0).map(EventNumber) {
        store.event(number)?;
        store.order(OrderId(number))?;
        store.transfer(TransferId(number))?;
    }
    for (key, _) in script.keys() {
        store.number(&key)?;
    }
    for account in accounts() {
        store.entries(account, None, usize::MAX)?;
    }
    store.first_event_at(UnixMillis(i64::MAX)).map(drop)
}

fn names(world: &World) -> Vec<String> {
    let mut names = world.disk().list().unwrap();
    names.sort();
    names
}

/// An index that is sound in itself but leads to the wrong places of the log.
#[test]
fn an_entry_that_leads_nowhere_names_its_event_and_place() {
    let world = World::with([100]);
    let store = world.store(1_000);
    let mut batch = world.batches[0].clone();
    let last = batch.events.len() - 1;
    for (address, _) in &mut batch.events[..last] {
        address.0 += 1;
    }
    store.apply(&batch).unwrap();
    let error = store.event(EventNumber(40)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("delete the folder"), "{error}");
    store.flush().unwrap();
    assert!(matches!(
        store.event(EventNumber(40)),
        Err(StoreError::Damaged { .. })
    ));
    assert!(ask(&store, &world.script).is_err());
}

/// Entries that were exchanged: the events are there, but not the ones that are meant.
#[test]
fn an_entry_that_leads_to_another_event_is_noticed() {
    let world = World::with([100]);
    let store = world.store(1_000);
    let mut batch = world.batches[0].clone();
    let addresses: Vec<_> = batch.events.iter().map(|(address, _)| *address).collect();
    let pairs = batch.events.iter_mut().zip(addresses.into_iter().rev());
    pairs.for_each(|((address, _), other)| *address = other);
    store.apply(&batch).unwrap();
    assert!(matches!(
        ask(&store, &world.script),
        Err(StoreError::Damaged { .. })
    ));
}
