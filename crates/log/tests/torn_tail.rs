//! A crash in the middle of an append, at every byte.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Known, append, fill, open, read_all, segments};
use feiqian_log::{FileLog, Log, OpenError, Position, Reader, Verify};

const SEGMENT_BYTES: u64 = 8192;

/// A log whose last batch is the second or later in its segment.
struct Story {
    dir: tempfile::TempDir,
    /// All but the last batch.
    earlier: Vec<Known>,
    last: Vec<Known>,
    file: PathBuf,
    /// Offset of the last batch, of the byte after its events, and of the byte after its zeros.
    start: usize,
    events_end: usize,
    end: usize,
}

fn story() -> Story {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), SEGMENT_BYTES);
    let earlier = fill(&mut log, 40, 10);
    let mut last = Vec::new();
    let appended = append(&mut log, 3, &mut last);
    let file = segments(dir.path()).pop().expect("a segment");
    let name = file
        .file_stem()
        .and_then(|name| name.to_str())
        .expect("a name");
    let base = u64::from_str_radix(name, 16).expect("a base");
    let start = usize::try_from(appended.address.0 - base).expect("small") - 72;
    assert!(start > 64, "the last batch is not the first of its segment");
    let framed: usize = last.iter().map(|event| 8 + event.bytes.len()).sum();
    let events_end = start + 72 + framed;
    Story {
        dir,
        earlier,
        last,
        file,
        start,
        events_end,
        end: events_end.next_multiple_of(8),
    }
}

impl Story {
    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).expect("read")
    }

    /// Opens a copy in which the last segment is `bytes`; says whether something was cut.
    fn open_with(&self, bytes: &[u8]) -> bool {
        let dir = common::copy(self.dir.path());
        let file = dir.path().join(self.file.file_name().expect("a name"));
        fs::write(&file, bytes).expect("written");

        // A reader without the writer's word takes the torn batch for the end, and says so.
        let mut cursor = Reader::open(dir.path())
            .and_then(|reader| reader.batches_from(Position(0), Verify::Chain))
            .expect("opens");
        while cursor.next_batch().expect("intact").is_some() {}
        let (read_to, torn) = (cursor.position(), cursor.torn_tail().cloned());

        let (mut log, opened) = open(dir.path(), SEGMENT_BYTES);
        assert_eq!((opened.end, &opened.cut), (read_to, &torn));
        if let Some(cut) = &opened.cut {
            assert_eq!((&cut.file, cut.offset), (&file, self.start as u64));
        }
        let mut known = self.earlier.clone();
        if opened.end.0 > known.len() as u64 {
            known.extend(self.last.iter().cloned());
        }
        append(&mut log, 4, &mut known);
        assert_all(&log, &known);
        drop(log);
        let (log, again) = open(dir.path(), SEGMENT_BYTES);
        assert_eq!(again.cut, None);
        assert_all(&log, &known);
        opened.cut.is_some()
    }
}

fn assert_all(log: &FileLog, known: &[Known]) {
    let (events, end) = read_all(&log.reader());
    assert_eq!(end.expect("intact"), log.chain());
    assert_eq!(events, known);
}

#[test]
fn the_file_ends_at_every_byte_of_the_last_batch() {
    let story = story();
    let bytes = story.bytes();
    for length in story.start..=story.end {
        let cut = story.open_with(&bytes[..length]);
        // Where the batch starts nothing is left of it; in the zeros after it, it is complete.
        assert_eq!(
            cut,
            (story.start + 1..story.events_end).contains(&length),
            "{length}"
        );
    }
}

#[test]
fn the_last_batch_is_zeros_from_every_byte() {
    let story = story();
    let bytes = story.bytes();
    for from in story.start..story.events_end {
        let mut torn = bytes.clone();
        torn[from..].fill(0);
        // A byte of the batch may have been zero before.
        let changed = torn != bytes && from > story.start;
        assert_eq!(story.open_with(&torn), changed, "{from}");
    }
}

#[test]
fn the_last_batch_is_zeros_up_to_every_byte() {
    let story = story();
    let bytes = story.bytes();
    // Sectors reach the disk in any order: the start may be missing and the rest be there.
    for to in story.start + 1..story.events_end {
        let mut torn = bytes.clone();
        torn[story.start..to].fill(0);
        let nothing_left = torn[to..].iter().all(|byte| *byte == 0);
        assert_eq!(story.open_with(&torn), !nothing_left, "{to}");
    }
}

#[test]
fn garbage_after_the_last_batch_is_cut() {
    let story = story();
    let mut torn = story.bytes();
    let garbage = torn.len() - 9;
    torn[garbage] = 1;
    let dir = common::copy(story.dir.path());
    fs::write(
        dir.path().join(story.file.file_name().expect("a name")),
        &torn,
    )
    .expect("written");
    let (log, opened) = open(dir.path(), SEGMENT_BYTES);
    let cut = opened.cut.expect("told");
    assert_eq!(
        (cut.offset, cut.bytes),
        (story.end as u64, (garbage + 1 - story.end) as u64)
    );
    assert_eq!(log.end().0, (story.earlier.len() + story.last.len()) as u64);
}

#[test]
fn an_event_that_looks_like_a_batch_does_not_stop_recovery() {
    // A person could put a whole batch into a text field, and then pull the plug.
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 1 << 16);
    let mut known = fill(&mut log, 5, 11);
    let stolen = fs::read(&segments(dir.path())[0]).expect("read")[64..4096].to_vec();
    let mut batch = feiqian_log::BatchBuffer::new();
    batch
        .push(|out| out.extend_from_slice(&stolen))
        .expect("small");
    log.append(log.end(), 0, &mut batch).expect("appended");
    drop(log);
    let file = &segments(dir.path())[0];
    let mut bytes = fs::read(file).expect("read");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("content");
    bytes.truncate(last - 100);
    fs::write(file, bytes).expect("written");
    let (mut log, opened) = open(dir.path(), 1 << 16);
    assert_eq!(opened.end.0, known.len() as u64);
    assert!(opened.cut.is_some());
    append(&mut log, 1, &mut known);
    assert_all(&log, &known);
}

/// Fills a log up to its last segment's end; returns the name of the segment that comes next.
fn next_segment(dir: &Path) -> (Vec<Known>, PathBuf) {
    let (mut log, _) = open(dir, SEGMENT_BYTES);
    let mut known = fill(&mut log, 30, 12);
    let before = segments(dir).len();
    loop {
        let copied = common::copy(dir);
        let appended_to = known.len();
        append(&mut log, 5, &mut known);
        let files = segments(dir);
        if files.len() > before {
            known.truncate(appended_to);
            let new = files
                .last()
                .expect("a file")
                .file_name()
                .expect("a name")
                .to_owned();
            drop(log);
            fs::remove_dir_all(dir).expect("removed");
            fs::create_dir(dir).expect("created");
            for file in segments(copied.path()) {
                fs::copy(&file, dir.join(file.file_name().expect("a name"))).expect("copied");
            }
            return (known, dir.join(new));
        }
    }
}

#[test]
fn a_segment_that_was_being_created_is_removed_and_told() {
    let parent = tempfile::tempdir().expect("a directory");
    let dir = parent.path().join("log");
    fs::create_dir(&dir).expect("created");
    let (known, new) = next_segment(&dir);
    let header = b"FQSEG001 and then nothing that checks";
    let torn = (1..8).map(|bytes| (&header[..bytes], 8192));
    let starts: [(&[u8], usize); 4] = [(b"", 0), (b"", 10), (b"", 8192), (header, 8192)];
    for (start, length) in starts.into_iter().chain(torn) {
        let mut bytes = start.to_vec();
        bytes.resize(length, 0);
        let dir = common::copy(&dir);
        let new = dir.path().join(new.file_name().expect("a name"));
        fs::write(&new, &bytes).expect("written");
        let (mut log, opened) = open(dir.path(), SEGMENT_BYTES);
        let cut = opened.cut.expect("told");
        assert_eq!((cut.file, cut.offset, cut.bytes), (new, 0, length as u64));
        let mut known = known.clone();
        append(&mut log, 9, &mut known);
        assert_all(&log, &known);
    }
}

#[test]
fn a_new_segment_proves_that_the_one_before_was_complete() {
    let parent = tempfile::tempdir().expect("a directory");
    let dir = parent.path().join("log");
    fs::create_dir(&dir).expect("created");
    let (_, new) = next_segment(&dir);
    let before = segments(&dir).pop().expect("a segment");
    fs::write(&new, b"").expect("written");
    let mut bytes = fs::read(&before).expect("read");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("content");
    bytes[last] = 0;
    fs::write(&before, &bytes).expect("written");
    let refused = FileLog::open(&dir, common::options(SEGMENT_BYTES))
        .err()
        .expect("refused");
    let OpenError::Damaged { file, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(file, &before);
    assert!(new.exists(), "nothing was changed");
}

#[test]
fn a_crash_while_the_first_segment_is_created_leaves_an_empty_log() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("0000000000000000.log"), [0; 100]).expect("written");
    let (mut log, opened) = open(dir.path(), SEGMENT_BYTES);
    assert_eq!((opened.end, opened.cut.is_some()), (Position(0), true));
    let known = fill(&mut log, 3, 13);
    assert_all(&log, &known);
}
