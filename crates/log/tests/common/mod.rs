//! What the tests of the log share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};

use feiqian_log::{
    Address, Appended, BatchBuffer, Chain, FileLog, Log, Opened, Options, Position, ReadError,
    Reader, Verify,
};

/// An event as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub position: Position,
    pub address: Address,
    pub bytes: Vec<u8>,
}

/// Numbers that look random, the same for the same seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// The event that the tests append at a position; some are empty, some long.
pub fn event(position: u64) -> Vec<u8> {
    let mut random = Random(position);
    let length = match position % 29 {
        7 => 0,
        13 => 700 + random.below(900),
        _ => random.below(150),
    };
    (0..length)
        .map(|_| u8::try_from(random.below(256)).expect("below 256"))
        .collect()
}

pub fn options(segment_bytes: u64) -> Options {
    Options {
        segment_bytes,
        ..Options::default()
    }
}

pub fn open(dir: &Path, segment_bytes: u64) -> (FileLog, Opened) {
    FileLog::open(dir, options(segment_bytes)).expect("the log opens")
}

/// Appends one batch of `count` events.
pub fn append(log: &mut FileLog, count: u64, known: &mut Vec<Known>) -> Appended {
    let mut batch = BatchBuffer::new();
    let end = log.end().0;
    for position in end..end + count {
        batch
            .push(|out| out.extend_from_slice(&event(position)))
            .expect("within limits");
    }
    let time_ms = 1_700_000_000_000 + i64::try_from(end).expect("small");
    let appended = log
        .append(log.end(), time_ms, &mut batch)
        .expect("appended");
    for ((position, address), bytes) in batch.addresses(&appended).zip(batch.events()) {
        known.push(Known {
            position,
            address,
            bytes: bytes.to_vec(),
        });
    }
    appended
}

/// A log of `batches` batches of 1 to 12 events.
pub fn fill(log: &mut FileLog, batches: u64, seed: u64) -> Vec<Known> {
    let mut random = Random(seed);
    let mut known = Vec::new();
    for _ in 0..batches {
        append(log, 1 + random.below(12), &mut known);
    }
    known
}

/// Reads all events with the hash chain checked, and the chain at the end.
pub fn read_all(reader: &Reader) -> (Vec<Known>, Result<Chain, ReadError>) {
    let mut events = Vec::new();
    let mut cursor = match reader.batches_from(Position(0), Verify::Chain) {
        Ok(cursor) => cursor,
        Err(error) => return (events, Err(error)),
    };
    loop {
        match cursor.next_batch() {
            Ok(Some(batch)) => events.extend(batch.events().map(|event| Known {
                position: event.position,
                address: event.address,
                bytes: event.bytes.to_vec(),
            })),
            Ok(None) => return (events, Ok(cursor.chain())),
            Err(error) => return (events, Err(error)),
        }
    }
}

/// The segment files, in order.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    files.sort();
    files
}

/// Copies the segment files into a new directory.
pub fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a directory");
    for file in segments(from) {
        fs::copy(&file, to.path().join(file.file_name().expect("a name"))).expect("copied");
    }
    to
}
