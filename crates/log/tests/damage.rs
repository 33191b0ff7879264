//! Damage that no crash explains: refused and told, never read as something else.

mod common;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use common::{Known, Random, append, fill, open, options, read_all, segments};
use feiqian_log::{Damage, FileLog, Log, OpenError, ReadError, Reader, Verify};

const SEGMENT_BYTES: u64 = 16 << 10;

fn story() -> (tempfile::TempDir, Vec<Known>) {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), SEGMENT_BYTES);
    let known = fill(&mut log, 150, 20);
    (dir, known)
}

fn refused(dir: &Path) -> OpenError {
    FileLog::open(dir, options(SEGMENT_BYTES))
        .err()
        .expect("refused")
}

fn flip(file: &Path, byte: u64, bit: u64) {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .expect("opens");
    let mut bytes = [0];
    file.read_exact_at(&mut bytes, byte).expect("read");
    bytes[0] ^= 1 << bit;
    file.write_all_at(&bytes, byte).expect("written");
}

/// What came of one flipped bit.
enum Told {
    /// Opening refused.
    Opening,
    /// The log opened, and a reader with the chain checked stopped.
    Reading,
    /// Every event was there and right.
    Harmless,
}

/// Opens and reads a log in which a bit of `byte` in `file` is wrong.
fn look(dir: &Path, known: &[Known], file: &Path, byte: u64) -> Told {
    let blames = |told: &Path, offset: u64| {
        assert_eq!(told, file);
        assert!(offset <= byte, "{offset} is after {byte}");
    };
    // A reader without a writer's word never gives a wrong event nor loses one silently.
    let (events, end) = match Reader::open(dir) {
        Ok(reader) => read_all(&reader),
        Err(error) => (Vec::new(), Err(error)),
    };
    assert_eq!(events, known[..events.len()], "a wrong event");
    assert!(
        end.is_err() || events.len() == known.len(),
        "events missing"
    );

    let (log, opened) = match FileLog::open(dir, options(SEGMENT_BYTES)) {
        Ok(opened) => opened,
        Err(OpenError::Damaged { file, offset, .. }) => {
            blames(&file, offset);
            return Told::Opening;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!((opened.end.0, opened.cut), (known.len() as u64, None));
    let (events, end) = read_all(&log.reader());
    assert_eq!(events, known[..events.len()], "a wrong event");
    match end {
        Ok(_) => {
            assert_eq!(events.len(), known.len(), "events missing");
            Told::Harmless
        }
        Err(ReadError::Damaged { file, offset, .. }) => {
            blames(&file, offset);
            let last = segments(dir).pop();
            assert!(
                last.is_some_and(|last| last != file),
                "opening reads all of the last segment"
            );
            Told::Reading
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_thousand_flipped_bits() {
    let (dir, known) = story();
    let files = segments(dir.path());
    // Where the last batch starts: it is torn_tail.rs that damages that one.
    let mut cursor = Reader::open(dir.path())
        .and_then(|reader| reader.batches_from(known[known.len() - 1].position, Verify::Chain))
        .expect("opens");
    let last_batch = cursor
        .next_batch()
        .expect("intact")
        .expect("a batch")
        .address
        .0
        - 72;
    let mut random = Random(21);
    let (mut opening, mut reading, mut harmless) = (0, 0, 0);
    for round in 0..1000 {
        // Every second one in the last segment, which opening reads.
        let from = if round % 2 == 0 {
            base(&files[files.len() - 1])
        } else {
            0
        };
        let address = from + random.below(last_batch - from);
        let file = &files[files.partition_point(|file| base(file) <= address) - 1];
        let (byte, bit) = (address - base(file), random.below(8));
        println!("bit {bit} of byte {byte} in {}", file.display());
        flip(file, byte, bit);
        match look(dir.path(), &known, file, byte) {
            Told::Opening => opening += 1,
            Told::Reading => reading += 1,
            Told::Harmless => harmless += 1,
        }
        flip(file, byte, bit);
    }
    println!("{opening} refused when opening, {reading} when reading, {harmless} harmless");
    // Only the zeros between batches, 3.5 bytes for each, belong to nothing.
    assert!(
        opening > 400 && reading > 400 && harmless < 20,
        "{opening} {reading} {harmless}"
    );
    assert!(
        FileLog::open(dir.path(), options(SEGMENT_BYTES)).is_ok(),
        "all put back"
    );
}

#[test]
fn an_address_never_gives_a_wrong_event() {
    let (dir, known) = story();
    let mut random = Random(22);
    for _ in 0..300 {
        let at = usize::try_from(random.below(known.len() as u64)).expect("small");
        let Known { address, bytes, .. } = &known[at];
        let file = segments(dir.path())
            .into_iter()
            .rev()
            .find(|file| base(file) <= address.0)
            .expect("a segment");
        let byte = address.0 - base(&file) + random.below(8 + bytes.len() as u64);
        let bit = random.below(8);
        flip(&file, byte, bit);
        let mut read = Vec::new();
        let refused =
            Reader::open(dir.path()).and_then(|reader| reader.event_at(*address, &mut read));
        assert!(
            matches!(refused, Err(ReadError::Damaged { .. })),
            "{refused:?}"
        );
        assert!(read.is_empty());
        flip(&file, byte, bit);
    }
}

fn base(file: &Path) -> u64 {
    let name = file
        .file_stem()
        .and_then(|name| name.to_str())
        .expect("a name");
    u64::from_str_radix(name, 16).expect("a base")
}

#[test]
fn a_damaged_log_says_where_and_what_to_do() {
    let (dir, _) = story();
    let last = segments(dir.path()).pop().expect("a segment");
    flip(&last, 100, 0);
    let error = refused(dir.path());
    let OpenError::Damaged {
        file,
        offset,
        damage,
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((file, *offset, *damage), (&last, 64, Damage::BatchHeader));
    let told = error.to_string();
    assert!(told.contains(&last.display().to_string()), "{told}");
    assert!(
        told.contains("byte 64") && told.contains("docs/OPERATIONS.md"),
        "{told}"
    );
}

#[test]
fn missing_renamed_copied_and_shortened_segments_are_refused() {
    let (dir, _) = story();
    let name = |file: &Path| file.file_name().expect("a name").to_owned();
    let check = |change: &dyn Fn(&Path), expected: Damage| {
        let copied = common::copy(dir.path());
        change(copied.path());
        let error = refused(copied.path());
        let OpenError::Damaged { damage, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(*damage, expected, "{error}");
        let all = Reader::open(copied.path()).map(|reader| read_all(&reader).1);
        // The reader looks at segments only, and not at files of other names.
        let renamed = expected == Damage::SegmentName;
        assert!(
            renamed || matches!(all, Err(_) | Ok(Err(_))),
            "{expected:?}"
        );
    };
    check(
        &|dir| fs::remove_file(&segments(dir)[0]).expect("removed"),
        Damage::SegmentMissing,
    );
    check(
        &|dir| fs::remove_file(&segments(dir)[2]).expect("removed"),
        Damage::SegmentShort,
    );
    check(
        &|dir| {
            let files = segments(dir);
            fs::copy(&files[1], &files[2]).expect("copied");
        },
        Damage::SegmentMisplaced {
            found: base(&segments(dir.path())[1]),
        },
    );
    check(
        &|dir| {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(&segments(dir)[1])
                .expect("opens");
            file.set_len(5000).expect("shortened");
        },
        Damage::SegmentShort,
    );
    check(
        &|dir| {
            let file = &segments(dir)[1];
            let copy = format!("copy of {}", name(file).to_string_lossy());
            fs::copy(file, dir.join(copy)).expect("copied");
        },
        Damage::SegmentName,
    );
    check(&|dir| flip(&segments(dir)[1], 20, 3), Damage::SegmentHeader);
    check(
        &|dir| flip(segments(dir).last().expect("a segment"), 20, 3),
        Damage::SegmentHeader,
    );
    check(
        &|dir| flip(segments(dir).last().expect("a segment"), 7, 1),
        Damage::SegmentVersion,
    );
}

#[test]
fn a_segment_of_another_log_does_not_fit() {
    let (dir, _) = story();
    let other = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(other.path(), SEGMENT_BYTES);
    // The same events at the same places, but other times: only the chain differs.
    let mut known = Vec::new();
    while segments(other.path()).len() < segments(dir.path()).len() {
        append(&mut log, 7, &mut known);
    }
    drop(log);
    let (ours, theirs) = (segments(dir.path()), segments(other.path()));
    fs::copy(&theirs[0], &ours[0]).expect("copied");
    let (_, end) = read_all(&Reader::open(dir.path()).expect("opens"));
    assert!(matches!(end, Err(ReadError::Damaged { .. })), "{end:?}");
}

#[test]
fn an_altered_event_with_new_checksums_breaks_the_chain() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(dir.path(), SEGMENT_BYTES);
    let known = fill(&mut log, 4, 23);
    drop(log);
    let victim = known
        .iter()
        .find(|event| event.bytes.len() > 20)
        .expect("a long event");
    let file = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&file).expect("read");
    let frame = usize::try_from(victim.address.0).expect("small");
    let end = frame + 8 + victim.bytes.len();
    bytes[end - 1] ^= 1;
    let crc = crc32c::crc32c_append(
        crc32c::crc32c(&bytes[frame..frame + 4]),
        &bytes[frame + 8..end],
    );
    bytes[frame + 4..frame + 8].copy_from_slice(&crc.to_le_bytes());
    fs::write(&file, &bytes).expect("written");
    let error = refused(dir.path());
    assert!(
        matches!(
            error,
            OpenError::Damaged {
                damage: Damage::Chain,
                ..
            }
        ),
        "{error}"
    );
    let (events, end) = read_all(&Reader::open(dir.path()).expect("opens"));
    assert!(
        matches!(
            end,
            Err(ReadError::Damaged {
                damage: Damage::Chain,
                ..
            })
        ),
        "{end:?}"
    );
    assert!(events.len() < known.len());
}

#[test]
fn noise_never_panics() {
    let (dir, known) = story();
    let mut random = Random(24);
    for _ in 0..200 {
        let copied = common::copy(dir.path());
        let files = segments(copied.path());
        let file = &files[usize::try_from(random.below(files.len() as u64)).expect("small")];
        let mut bytes = fs::read(file).expect("read");
        let length = bytes.len() as u64;
        let from = random.below(length);
        let to = from + random.below(length - from).min(1 << random.below(12));
        for byte in
            &mut bytes[usize::try_from(from).expect("small")..usize::try_from(to).expect("small")]
        {
            *byte = u8::try_from(random.below(256)).expect("below 256");
        }
        fs::write(file, &bytes).expect("written");
        let read = Reader::open(copied.path()).map(|reader| read_all(&reader).0);
        if let Ok(events) = read {
            assert_eq!(events, known[..events.len()]);
        }
        if let Ok((log, _)) = FileLog::open(copied.path(), options(SEGMENT_BYTES)) {
            let events = read_all(&log.reader()).0;
            assert_eq!(events, known[..events.len()]);
        }
    }
}
