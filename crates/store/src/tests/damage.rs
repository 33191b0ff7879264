//! What is wrong on disk is an error that says what to do, never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use feiqian_core::{EventNumber, OrderId, TransferId, UnixMillis};

use super::World;
use super::questions::{accounts, ask_all};
use super::script::Script;
use crate::{Store, StoreError};

/// A world whose store is all on disk.
fn flushed() -> World {
    let world = World::with([100; 6]);
    let store = world.store(250);
    world.catch_up(&store);
    store.flush().unwrap();
    world
}

fn refused(world: &World) -> String {
    let error = world.try_store(250).err().expect("a refusal").to_string();
    assert!(
        error.contains(&world.path().display().to_string()),
        "{error}"
    );
    error
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let world = World::new();
    fs::create_dir(world.path()).unwrap();
    fs::write(world.path().join("holiday.jpg"), "x").unwrap();
    assert!(refused(&world).contains("is not empty and not a store"));
    fs::write(world.path().join("FORMAT"), "feiqian store 9\n").unwrap();
    let error = refused(&world);
    assert!(
        error.contains("another version") && error.contains("delete the folder"),
        "{error}"
    );
}

#[test]
fn a_half_made_folder_is_made_anew() {
    let world = World::with([10]);
    fs::create_dir(world.path()).unwrap();
    fs::write(world.path().join("FORMAT.new"), "feiq").unwrap();
    let store = world.store(5);
    world.catch_up(&store);
    ask_all(&store, &world.script);
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
fn a_damaged_position_is_refused() {
    let world = flushed();
    fs::write(world.path().join("position"), "events 12\n").unwrap();
    assert!(refused(&world).contains("damaged position"));
}

#[test]
fn a_store_without_its_index_is_refused() {
    let world = flushed();
    fs::remove_dir_all(world.path().join("index")).unwrap();
    assert!(refused(&world).contains("lost its index"));
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

/// Every file of the index, cut short or with a changed byte, one at a time.
#[test]
fn no_damage_of_the_index_panics() {
    let world = flushed();
    let index = world.path().join("index");
    let mut files = Vec::new();
    list(&index, &mut files);
    let files: Vec<_> = files
        .into_iter()
        .map(|file| (fs::read(&file).unwrap(), file))
        .collect();
    assert!(files.len() > 8);
    let (mut refused, mut wrong, mut unharmed) = (0, 0, 0);
    for (whole, damaged) in &files {
        for damage in 0..3 {
            let mut bytes = whole.clone();
            match damage {
                0 => bytes.truncate(whole.len() / 2),
                _ if bytes.is_empty() => continue,
                _ => bytes[(whole.len() - 1) / damage] ^= 0x55,
            }
            // Opening may clean up what it takes for garbage, so all files are put back each time.
            fs::remove_dir_all(&index).unwrap();
            for (whole, file) in &files {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, if file == damaged { &bytes } else { whole }).unwrap();
            }
            match world.try_store(250) {
                Err(_) => refused += 1,
                Ok(store) if ask(&store, &world.script).is_err() => wrong += 1,
                Ok(store) => {
                    ask_all(&store, &world.script);
                    unharmed += 1;
                }
            }
        }
    }
    eprintln!("damaged index: refused {refused}, noticed when asked {wrong}, unharmed {unharmed}");
    assert!(refused > 0);
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

fn list(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, into);
        } else {
            into.push(path);
        }
    }
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
