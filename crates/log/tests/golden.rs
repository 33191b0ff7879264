//! Logs written by released versions are opened by every build.
//!
//! A new format gets a new directory; what is in the old ones never changes.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{copy, fill, open, read_all, segments};
use feiqian_log::Reader;

const SEGMENT_BYTES: u64 = 4096;
const BATCHES: u64 = 12;
const SEED: u64 = 42;

fn v1() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1"))
}

#[test]
fn version_1_is_read_to_the_last_hash() {
    const EVENTS: u64 = 75;
    const CHAIN: &str = "0c7196fb683da1586face5a6a77356f02852d295ca078086d90b2f1ad4025019";
    let dir = copy(&v1());
    assert_eq!(segments(dir.path()).len(), 3);
    let (events, end) = read_all(&Reader::open(dir.path()).expect("opens"));
    assert_eq!(end.expect("intact").to_string(), CHAIN);
    assert_eq!(events.len() as u64, EVENTS);
    for (event, position) in events.iter().zip(0..) {
        assert_eq!(
            (event.position.0, &event.bytes),
            (position, &common::event(position))
        );
    }

    let (mut log, opened) = open(dir.path(), SEGMENT_BYTES);
    assert_eq!((opened.end.0, opened.cut), (EVENTS, None));
    assert_eq!(log.chain().to_string(), CHAIN);
    fill(&mut log, 1, SEED);
}

#[test]
fn this_build_writes_version_1_byte_for_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), SEGMENT_BYTES);
    fill(&mut log, BATCHES, SEED);
    let (ours, golden) = (segments(dir.path()), segments(&v1()));
    assert_eq!(ours.len(), golden.len());
    for (ours, golden) in ours.iter().zip(&golden) {
        assert_eq!(ours.file_name(), golden.file_name());
        assert!(
            fs::read(ours).expect("read") == fs::read(golden).expect("read"),
            "{ours:?}"
        );
    }
}

#[test]
#[ignore = "writes the golden files; run once for a format, never again"]
fn write_version_1() {
    assert!(!v1().exists(), "golden files are never written again");
    fs::create_dir_all(v1()).expect("created");
    let (mut log, _) = open(&v1(), SEGMENT_BYTES);
    let known = fill(&mut log, BATCHES, SEED);
    println!("{} events, chain {}", known.len(), log.chain());
    fs::remove_file(v1().join("LOCK")).expect("removed");
}
