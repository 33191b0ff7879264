//! Appending, reading back, following, fencing, locking, limits.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{append, event, fill, open, options, read_all, segments};
use feiqian_log::{
    Address, AppendError, BatchBuffer, Chain, EVENT_BYTES_MAX, FileLog, Log, OpenError, Options,
    Position, PushError, ReadError, Reader, Verify,
};

#[test]
fn what_is_appended_is_read_back_and_goes_on_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, opened) = open(dir.path(), 1 << 20);
    assert_eq!((opened.end, opened.cut), (Position(0), None));
    assert_eq!(
        read_all(&log.reader()).1.expect("an empty log is intact"),
        Chain::GENESIS
    );

    let mut known = fill(&mut log, 50, 1);
    let chain = log.chain();
    drop(log);
    let (mut log, opened) = open(dir.path(), 1 << 20);
    assert_eq!((opened.end.0, opened.cut), (known.len() as u64, None));
    assert_eq!(log.chain(), chain);
    append(&mut log, 5, &mut known);

    let (events, end) = read_all(&log.reader());
    assert_eq!(events, known);
    assert_eq!(end.expect("intact"), log.chain());
    assert_eq!(log.end().0, known.len() as u64);
}

#[test]
fn many_segments_read_as_one_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 4096);
    let mut known = fill(&mut log, 300, 2);
    assert!(
        segments(dir.path()).len() > 20,
        "small segments make many files"
    );
    drop(log);

    let (mut log, opened) = open(dir.path(), 4096);
    assert_eq!((opened.end.0, opened.cut), (known.len() as u64, None));
    append(&mut log, 12, &mut known);
    for reader in [
        log.reader(),
        Reader::open(dir.path()).expect("opens beside a writer"),
    ] {
        let (events, end) = read_all(&reader);
        assert_eq!(events, known);
        assert_eq!(end.expect("intact"), log.chain());
    }
}

#[test]
fn the_chain_is_the_same_in_any_segments() {
    let chains = [1 << 12, 1 << 16, 1 << 20].map(|segment_bytes| {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut log, _) = open(dir.path(), segment_bytes);
        fill(&mut log, 100, 3);
        log.chain()
    });
    assert_eq!(chains[0], chains[1]);
    assert_eq!(chains[0], chains[2]);
}

#[test]
fn every_event_is_found_by_its_address_from_many_threads() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 8192);
    // The reader knows no segment yet, and more segments than it holds open will come.
    let reader = log.reader();
    let known = fill(&mut log, 800, 4);
    assert!(
        segments(dir.path()).len() > 64,
        "more segments than open files"
    );
    thread::scope(|scope| {
        for part in 0..4 {
            let (reader, known) = (reader.clone(), &known);
            scope.spawn(move || {
                let mut bytes = vec![1, 2, 3];
                for known in known.iter().skip(part).step_by(3) {
                    reader
                        .event_at(known.address, &mut bytes)
                        .expect("it is there");
                    assert_eq!(bytes, known.bytes);
                }
            });
        }
    });

    let mut bytes = Vec::new();
    let last = known.last().expect("events");
    let beside = reader.event_at(Address(last.address.0 + 1), &mut bytes);
    assert!(
        matches!(beside, Err(ReadError::Damaged { .. })),
        "{beside:?}"
    );
    let beyond = reader.event_at(Address(last.address.0 + 10_000), &mut bytes);
    assert!(
        matches!(beyond, Err(ReadError::NoEvent { .. })),
        "{beyond:?}"
    );
    let other = Reader::open(dir.path()).expect("opens");
    let beyond = other.event_at(Address(last.address.0 + 10_000), &mut bytes);
    assert!(
        matches!(beyond, Err(ReadError::Damaged { .. })),
        "{beyond:?}"
    );
}

#[test]
fn an_event_is_found_from_those_before_it_in_its_batch() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 1 << 20);
    let mut known = Vec::new();
    for count in [200, 1, 5] {
        append(&mut log, count, &mut known);
    }
    let (reader, mut bytes) = (log.reader(), Vec::new());
    let mut found = |from: usize, after| {
        let found = reader.event_after(known[from].address, after, &mut bytes);
        found.map(|()| bytes.clone())
    };
    for from in 0..200 {
        for (after, event) in known[from..200].iter().enumerate() {
            let found = found(from, after).expect("it is there");
            assert_eq!(found, event.bytes, "{after} after {from}");
        }
        let beyond = found(from, 200 - from);
        assert!(
            matches!(beyond, Err(ReadError::Damaged { .. })),
            "{beyond:?}"
        );
    }
    assert_eq!(found(201, 4).expect("it is there"), known[205].bytes);
    assert!(found(201, 5).is_err(), "the log ends there");
}

#[test]
fn a_cursor_starts_at_any_event_and_not_beyond_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 4096);
    let known = fill(&mut log, 60, 5);
    for reader in [log.reader(), Reader::open(dir.path()).expect("opens")] {
        for start in 0..known.len() {
            let from = known[start].position;
            let mut cursor = reader
                .batches_from(from, Verify::Chain)
                .expect("it is there");
            let mut expected = known[start..].iter();
            for _ in 0..3 {
                let Some(batch) = cursor.next_batch().expect("intact") else {
                    break;
                };
                for event in batch.events() {
                    let known = expected.next().expect("no more than appended");
                    assert_eq!(
                        (event.position, event.bytes),
                        (known.position, &*known.bytes)
                    );
                    assert_eq!(event.address, known.address);
                }
            }
            assert!(
                expected.len() < known.len() - start,
                "the first batch has the event"
            );
        }
        let mut at_end = reader
            .batches_from(log.end(), Verify::Frames)
            .expect("the end");
        assert!(at_end.next_batch().expect("intact").is_none());
        assert_eq!(at_end.position(), log.end());
        let beyond = Position(log.end().0 + 1);
        let refused = reader
            .batches_from(beyond, Verify::Frames)
            .err()
            .expect("refused");
        let ReadError::BeyondEnd { asked, end } = refused else {
            panic!("{refused}")
        };
        assert_eq!((asked, end), (beyond, log.end()));
    }
}

#[test]
fn readers_follow_a_live_writer_over_segments() {
    const BATCHES: u64 = 2000;
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 64 << 10);
    let readers = [
        log.reader(),
        Reader::open(dir.path()).expect("opens beside a writer"),
    ];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let followers = readers.map(|reader| {
            let done = &done;
            scope.spawn(move || {
                let mut cursor = reader
                    .batches_from(Position(0), Verify::Chain)
                    .expect("opens");
                let (mut next, mut polls, mut bytes) = (0, 0_u64, Vec::new());
                loop {
                    let was_done = done.load(Ordering::Acquire);
                    while let Some(batch) = cursor.next_batch().expect("intact") {
                        for found in batch.events() {
                            assert_eq!(found.position.0, next);
                            assert_eq!(found.bytes, event(next));
                            next += 1;
                        }
                        let first = batch.events().next().expect("an event");
                        reader
                            .event_at(first.address, &mut bytes)
                            .expect("found by address too");
                        assert_eq!(bytes, first.bytes);
                    }
                    polls += 1;
                    if was_done {
                        return (next, polls, cursor.chain());
                    }
                }
            })
        });
        let known = fill(&mut log, BATCHES, 6);
        done.store(true, Ordering::Release);
        for follower in followers {
            let (next, polls, chain) = follower.join().expect("the follower finished");
            assert_eq!((next, chain), (known.len() as u64, log.chain()));
            assert!(polls > 1, "it met the live end");
        }
    });
    assert!(segments(dir.path()).len() > 10);
}

#[test]
fn a_reader_opened_before_the_log_sees_what_comes() {
    let dir = tempfile::tempdir().expect("a directory");
    let reader = Reader::open(dir.path()).expect("an empty directory is an empty log");
    let mut cursor = reader
        .batches_from(Position(0), Verify::Chain)
        .expect("opens");
    assert!(cursor.next_batch().expect("nothing yet").is_none());
    let (mut log, _) = open(dir.path(), 4096);
    assert!(cursor.next_batch().expect("nothing yet").is_none());
    let known = fill(&mut log, 1, 7);
    let batch = cursor.next_batch().expect("intact").expect("a batch");
    assert_eq!(batch.end.0, known.len() as u64);
    assert_eq!(batch.time_ms, 1_700_000_000_000);
}

#[test]
fn a_stale_position_is_fenced_and_writes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 4096);
    let mut known = fill(&mut log, 3, 8);
    let mut batch = BatchBuffer::new();
    batch.push(|out| out.push(1)).expect("small");
    for stale in [Position(0), Position(log.end().0 + 1)] {
        let refused = log.append(stale, 0, &mut batch);
        let Err(AppendError::Fenced { actual }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(actual, log.end());
    }
    let refused = log.append(log.end(), 0, &mut BatchBuffer::new());
    assert!(matches!(refused, Err(AppendError::Empty)), "{refused:?}");
    append(&mut log, 2, &mut known);
    assert_eq!(read_all(&log.reader()).0, known);
}

#[test]
fn one_buffer_is_used_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 4096);
    let mut batch = BatchBuffer::new();
    for round in 0..20_u8 {
        batch.clear();
        for _ in 0..3 {
            batch.push(|out| out.extend([round; 13])).expect("small");
        }
        assert_eq!((batch.len(), batch.framed_bytes()), (3, 3 * 21));
        log.append(log.end(), 0, &mut batch).expect("appended");
    }
    let (events, end) = read_all(&log.reader());
    end.expect("intact");
    assert!(
        events
            .iter()
            .zip(0..)
            .all(|(event, n)| event.bytes == [n / 3; 13])
    );
}

#[test]
fn limits_refuse_and_leave_the_batch_as_it_was() {
    let mut batch = BatchBuffer::new();
    batch.push(|out| out.push(7)).expect("small");
    let bytes = EVENT_BYTES_MAX + 1;
    let refused = batch.push(|out| out.resize(out.len() + bytes, 0));
    assert_eq!(refused, Err(PushError::EventTooLarge { bytes }));
    assert_eq!((batch.len(), batch.framed_bytes()), (1, 9));
    while batch
        .push(|out| out.resize(out.len() + EVENT_BYTES_MAX, 3))
        .is_ok()
    {}
    assert_eq!(batch.len(), 64);
    let refused = batch.push(|out| out.resize(out.len() + EVENT_BYTES_MAX, 3));
    assert_eq!(refused, Err(PushError::BatchFull));

    // The fullest batch goes into a file longer than a segment, alone or after others.
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 4096);
    for _ in 0..2 {
        log.append(log.end(), 0, &mut batch)
            .expect("a large batch is no error");
    }
    drop(log);
    let (log, opened) = open(dir.path(), 4096);
    assert_eq!((opened.end, opened.cut), (Position(128), None));
    let (events, end) = read_all(&log.reader());
    assert_eq!(end.expect("intact"), log.chain());
    let lengths: Vec<usize> = events.iter().map(|event| event.bytes.len()).collect();
    assert_eq!(
        (lengths[0], lengths[1], lengths.len()),
        (1, EVENT_BYTES_MAX, 128)
    );
    let mut bytes = Vec::new();
    log.reader()
        .event_at(events[127].address, &mut bytes)
        .expect("long events too");
    assert_eq!(bytes.len(), EVENT_BYTES_MAX);
    let found = log.reader().event_after(events[64].address, 63, &mut bytes);
    found.expect("after long events too");
    assert_eq!(bytes, events[127].bytes);
}

#[test]
fn only_one_writer_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, _) = open(dir.path(), 4096);
    let refused = FileLog::open(dir.path(), options(4096))
        .err()
        .expect("refused");
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    drop(log);
    // New directories are created on the way.
    open(&dir.path().join("deep/down"), 4096);
    open(dir.path(), 4096);
}

#[test]
fn a_log_that_ends_before_what_others_know_is_refused_and_not_touched() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), 4096);
    let known = fill(&mut log, 10, 9);
    drop(log);
    let end = known.len() as u64;
    let must_reach = |position| Options {
        must_reach: Position(position),
        ..options(4096)
    };
    assert!(FileLog::open(dir.path(), must_reach(end)).is_ok());

    let file = segments(dir.path()).pop().expect("a segment");
    let mut bytes = std::fs::read(&file).expect("read");
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).expect("content"));
    std::fs::write(&file, &bytes).expect("written");
    let refused = FileLog::open(dir.path(), must_reach(end))
        .err()
        .expect("refused");
    assert!(
        matches!(refused, OpenError::EventsMissing { .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("docs/OPERATIONS.md"),
        "{refused}"
    );
    assert_eq!(
        std::fs::read(&file).expect("read"),
        bytes,
        "the evidence is kept"
    );
    assert!(
        FileLog::open(dir.path(), must_reach(0))
            .expect("opens")
            .1
            .cut
            .is_some()
    );
}
