//! A disk that fails: through the same seam as the simulator.

mod common;

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{append, fill, open, options, read_all};
use feiqian_log::{
    AppendError, BatchBuffer, Disk, DiskFile, FileLog, Files, Log, Position, Verify,
};

#[derive(Default)]
struct Faults {
    write: AtomicBool,
    sync: AtomicBool,
    create: AtomicBool,
}

impl Faults {
    fn check(fault: &AtomicBool) -> io::Result<()> {
        if fault.load(Ordering::Relaxed) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

struct FaultyDisk {
    files: Files,
    faults: Arc<Faults>,
}

struct FaultyFile {
    file: Arc<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl FaultyDisk {
    fn wrap(&self, file: io::Result<Arc<dyn DiskFile>>) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(FaultyFile {
            file: file?,
            faults: self.faults.clone(),
        }))
    }
}

impl Disk for FaultyDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.files.lock()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.files.list()
    }
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Faults::check(&self.faults.create)?;
        self.wrap(self.files.create(name))
    }
    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.files.open_read(name)
    }
    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.wrap(self.files.open_write(name))
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.rename(from, to)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.files.sync_names()
    }
    fn path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }
}

impl DiskFile for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        // Half of it gets there.
        let failed = Faults::check(&self.faults.write);
        let there = if failed.is_err() {
            bytes.len() / 2
        } else {
            bytes.len()
        };
        self.file.write_at(&bytes[..there], offset)?;
        failed
    }
    fn extend(&self, size: u64) -> io::Result<()> {
        self.file.extend(size)
    }
    fn truncate(&self, size: u64) -> io::Result<()> {
        self.file.truncate(size)
    }
    fn sync(&self) -> io::Result<()> {
        Faults::check(&self.faults.sync)?;
        self.file.sync()
    }
}

fn faulty(dir: &Path, segment_bytes: u64) -> (FileLog, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let disk = FaultyDisk {
        files: Files::new(dir),
        faults: faults.clone(),
    };
    let (log, _) = FileLog::open_on(Arc::new(disk), options(segment_bytes)).expect("opens");
    (log, faults)
}

fn batch() -> BatchBuffer {
    let mut batch = BatchBuffer::new();
    batch.push(|out| out.extend([9; 3000])).expect("small");
    batch
}

/// After a failed append nothing is written, nobody reads the batch, and reopening sorts it out.
fn check(segment_bytes: u64, fault: fn(&Faults) -> &AtomicBool, may_be_there: bool) {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, faults) = faulty(dir.path(), segment_bytes);
    let mut known = fill(&mut log, 5, 30);
    let mut cursor = log
        .reader()
        .batches_from(Position(0), Verify::Chain)
        .expect("opens");
    let end = log.end();

    fault(&faults).store(true, Ordering::Relaxed);
    let failed = log.append(end, 0, &mut batch());
    let Err(AppendError::Failed { source, .. }) = failed else {
        panic!("{failed:?}")
    };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    fault(&faults).store(false, Ordering::Relaxed);
    for _ in 0..2 {
        let after = log.append(end, 0, &mut batch());
        assert!(matches!(after, Err(AppendError::Poisoned)), "{after:?}");
    }
    assert_eq!(log.end(), end);
    while cursor.next_batch().expect("intact").is_some() {}
    assert_eq!(cursor.position(), end, "followers see only what is durable");
    drop((log, cursor));

    let (mut log, opened) = open(dir.path(), segment_bytes);
    if opened.end != end {
        assert!(may_be_there && opened.end.0 == end.0 + 1);
        return;
    }
    append(&mut log, 3, &mut known);
    assert_eq!(read_all(&log.reader()).0, known);
}

#[test]
fn a_failed_sync_stops_the_log() {
    check(1 << 20, |faults| &faults.sync, true);
}

#[test]
fn a_failed_write_stops_the_log() {
    check(1 << 20, |faults| &faults.write, false);
}

#[test]
fn a_segment_that_cannot_be_created_stops_the_log() {
    check(3000, |faults| &faults.create, false);
    check(3000, |faults| &faults.write, false);
    check(3000, |faults| &faults.sync, false);
}
