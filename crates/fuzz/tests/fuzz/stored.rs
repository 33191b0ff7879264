//! What lies on disk: events, snapshots, the log's files, the store's position, a master key.

use std::fs;
use std::mem::discriminant;
use std::path::PathBuf;
use std::sync::Arc;

use feiqian_core::audit::Audit;
use feiqian_core::{Event, snapshot};
use feiqian_fuzz::{fuzz, words};
use feiqian_log::{BatchBuffer, FileLog, Log as _, Options, Position, Reader, Verify};
use feiqian_store::recorded_position;
use feiqian_store::vault::MasterKey;

use crate::memory_disk::MemoryDisk;

/// What can be read of an event is all of it: written again it is the same event.
#[test]
fn events() {
    fuzz("events", [], |bytes| {
        match minicbor::decode::<Event>(bytes) {
            Ok(event) => {
                let again = minicbor::to_vec(&event).unwrap();
                assert_eq!(minicbor::decode::<Event>(&again).unwrap(), event);
                let _ = Audit::with_window(4).read(&event);
                (format!("{:?}", discriminant(&event)), again.len() / 16)
            }
            Err(error) => (words(&error.to_string()), error.position().unwrap_or(0) / 4),
        }
    });
}

/// A state that can be read can be written, and is then the same.
#[test]
fn snapshots() {
    fuzz("snapshots", [], |bytes| match snapshot::read(bytes) {
        Ok(state) => {
            let mut again = Vec::new();
            state.freeze().write(&mut again).unwrap();
            let mut third = Vec::new();
            let same = snapshot::read(&again).unwrap();
            same.freeze().write(&mut third).unwrap();
            assert_eq!(again, third);
            (String::new(), again.len() / 16)
        }
        Err(error) => (words(&error.to_string()), error.position().unwrap_or(0) / 4),
    });
}

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../log/tests/golden/v1");

/// The segments of a small log, by name.
fn golden() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(GOLDEN).unwrap().map(|file| file.unwrap());
    let mut segments: Vec<_> = files
        .map(|file| (file.file_name().into_string().unwrap(), file.path()))
        .filter(|(name, _)| name.ends_with(".log"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    segments.sort();
    assert!(segments.len() > 1);
    segments
}

fn events_of(reader: &Reader) -> (Vec<Vec<u8>>, Result<(), String>) {
    let mut events = Vec::new();
    let mut read = || {
        let mut cursor = reader.batches_from(Position(0), Verify::Chain)?;
        while let Some(batch) = cursor.next_batch()? {
            events.extend(batch.events().map(|event| event.bytes.to_vec()));
        }
        Ok::<_, feiqian_log::ReadError>(())
    };
    let result = read().map_err(|error| error.to_string());
    (events, result)
}

/// One segment is damaged (the first byte of the input says which). The log refuses to open, or
/// gives the beginning of what was written and nothing else, and takes more after it.
#[test]
fn log() {
    let segments = golden();
    let (written, _) = events_of(&Reader::open(&PathBuf::from(GOLDEN)).unwrap());
    let options = || Options {
        segment_bytes: 4_096,
        must_reach: Position(0),
    };
    let numbered = (0_u8..).zip(&segments);
    let seeds = numbered.map(|(n, (_, bytes))| [&[n], &bytes[..]].concat());
    fuzz("log", seeds.collect::<Vec<_>>(), |input| {
        let (which, damaged) = input.split_first().unwrap_or((&0, &[]));
        let which = usize::from(*which) % segments.len();
        let files = segments.iter().enumerate().map(|(n, (name, bytes))| {
            let bytes = if n == which { damaged } else { bytes };
            (name.as_str(), bytes.to_vec())
        });
        let disk = Arc::new(MemoryDisk::holding(files));
        let (mut log, opened) = match FileLog::open_on(disk.clone(), options()) {
            Ok(opened) => opened,
            Err(error) => return (error.to_string(), 0, String::new()),
        };
        let (events, read) = events_of(&log.reader());
        assert!(written.starts_with(&events));
        if read.is_ok() {
            assert_eq!(events.len() as u64, opened.end.0);
            let mut batch = BatchBuffer::new();
            batch
                .push(|bytes| bytes.extend_from_slice(b"more"))
                .unwrap();
            log.append(opened.end, 0, &mut batch).unwrap();
            drop(log);
            let (log, again) = FileLog::open_on(disk, options()).unwrap();
            assert_eq!((again.end.0, again.cut), (opened.end.0 + 1, None));
            let (more, read) = events_of(&log.reader());
            assert_eq!((more.len(), read), (events.len() + 1, Ok(())));
        }
        let cut = format!("{:?}", opened.cut.map(|cut| cut.offset / 64));
        (read.err().unwrap_or_default(), events.len(), cut)
    });
}

#[test]
fn store_position() {
    let dir = tempfile::tempdir().unwrap();
    fuzz("store_position", [], |bytes| {
        fs::write(dir.path().join("position"), bytes).unwrap();
        recorded_position(dir.path()).map_err(|error| words(&error.to_string()))
    });
}

#[test]
fn master_keys() {
    fuzz("master_keys", [b"07".repeat(32)], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        MasterKey::from_hex(&text)
            .err()
            .map(|error| error.to_string())
    });
}
