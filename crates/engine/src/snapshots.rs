//! Snapshots of the state: `state/<position>.snapshot`, written beside the living engine.
//!
//! A file is a magic, the CBOR sequence of `feiqian_core::snapshot`, and the BLAKE3 hash of all
//! before. A damaged one is passed over: the log can make it again.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use feiqian_core::snapshot::{self, Frozen};
use feiqian_core::{EventNumber, State};
use feiqian_log::{Disk, DiskFile};
use tokio::sync::watch;

use crate::parts::Step;

const MAGIC: &[u8; 8] = b"FQSTAT04";
const HASH_BYTES: usize = 32;
/// Older ones are removed.
const KEPT: usize = 2;
/// A snapshot on its way; what a crash leaves of it is written over.
const NEW: &str = "new";
/// Bytes written at a stretch. Much at once would hold up the log's next sync, and stretches without
/// a rest the threads that payments wait for.
const STRETCH: u64 = 4 << 20;
/// After a stretch it rests so many times as long as that took,
const REST: u32 = 3;
/// but no longer than this.
const REST_MAX: Duration = Duration::from_millis(200);

/// Hands frozen states to whom writes them.
pub(crate) struct Snapshots {
    frozen: Sender<Frozen>,
    writing: Arc<AtomicBool>,
    hurry: Arc<AtomicBool>,
}

impl Snapshots {
    pub fn new(disk: Arc<dyn Disk>, durable: watch::Receiver<EventNumber>) -> (Self, Recorder) {
        let (frozen, receiver) = channel();
        let writing = Arc::new(AtomicBool::new(false));
        let hurry = Arc::new(AtomicBool::new(false));
        let recorder = Recorder {
            disk,
            frozen: receiver,
            held: None,
            durable,
            writing: writing.clone(),
            hurry: hurry.clone(),
        };
        let snapshots = Self {
            frozen,
            writing,
            hurry,
        };
        (snapshots, recorder)
    }

    /// Writes a snapshot unless one is being written. Says whether it does.
    pub fn offer(&self, freeze: impl FnOnce() -> Frozen) -> bool {
        if self.writing.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.hand(freeze());
        true
    }

    /// Writes the last snapshot, after those that are under way and without rests.
    pub fn write_last(&self, frozen: Frozen) {
        self.hurry.store(true, Ordering::Relaxed);
        self.hand(frozen);
    }

    fn hand(&self, frozen: Frozen) {
        if self.frozen.send(frozen).is_err() {
            tracing::error!("who writes snapshots is gone");
        }
    }
}

/// Writes snapshots beside the living engine.
pub(crate) struct Recorder {
    disk: Arc<dyn Disk>,
    frozen: Receiver<Frozen>,
    /// Waits until it is durable.
    held: Option<Frozen>,
    durable: watch::Receiver<EventNumber>,
    writing: Arc<AtomicBool>,
    hurry: Arc<AtomicBool>,
}

impl Recorder {
    /// Ends when the writer is gone and all is written.
    pub fn run(mut self) {
        while let Ok(frozen) = self.frozen.recv() {
            self.held = Some(frozen);
            while self.step() == Step::Idle {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// Writes the next snapshot, once what it shows is durable.
    pub fn step(&mut self) -> Step {
        let frozen = match self.held.take().map_or_else(|| self.frozen.try_recv(), Ok) {
            Ok(frozen) => frozen,
            Err(TryRecvError::Empty) => return Step::Idle,
            Err(TryRecvError::Disconnected) => return Step::Ended,
        };
        // A snapshot of what never became durable must not be found after a crash.
        if *self.durable.borrow() < frozen.next_event() {
            if self.durable.has_changed().is_ok() || *self.durable.borrow() >= frozen.next_event() {
                self.held = Some(frozen);
                return Step::Idle;
            }
            // The committer is gone, and it never will be.
        } else {
            self.save(&frozen);
        }
        self.writing.store(false, Ordering::Release);
        Step::Worked
    }

    fn save(&self, frozen: &Frozen) {
        let begin = Instant::now();
        match save(&*self.disk, frozen, &self.hurry) {
            Ok(bytes) => tracing::info!(
                position = frozen.next_event().0,
                bytes,
                seconds = begin.elapsed().as_secs_f64(),
                "snapshot written"
            ),
            Err(error) => tracing::error!(%error, "a snapshot cannot be written"),
        }
    }
}

struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> minicbor::encode::Write for Hashing<W> {
    type Error = io::Error;
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), io::Error> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Writes a file from its start on, with rests between stretches unless there is hurry.
struct Append<'a> {
    file: Arc<dyn DiskFile>,
    offset: u64,
    rested_at: u64,
    rested: Instant,
    hurry: &'a AtomicBool,
}

impl Append<'_> {
    fn rest(&mut self) {
        let written = self.offset - self.rested_at;
        self.file.done_with(self.rested_at, written);
        self.rested_at = self.offset;
        if !self.hurry.load(Ordering::Relaxed) {
            std::thread::sleep((self.rested.elapsed() * REST).min(REST_MAX));
        }
        self.rested = Instant::now();
    }
}

impl Write for Append<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        if self.offset - self.rested_at >= STRETCH {
            self.rest();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn save(disk: &dyn Disk, frozen: &Frozen, hurry: &AtomicBool) -> io::Result<u64> {
    match disk.remove(NEW) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = disk.create(NEW)?;
    let append = Append {
        file: file.clone(),
        offset: 0,
        rested_at: 0,
        rested: Instant::now(),
        hurry,
    };
    let mut out = Hashing {
        out: BufWriter::with_capacity(1 << 20, append),
        hasher: blake3::Hasher::new(),
        bytes: 0,
    };
    minicbor::encode::Write::write_all(&mut out, MAGIC)?;
    frozen.write(&mut out).map_err(io::Error::other)?;
    let Hashing {
        mut out,
        hasher,
        bytes,
    } = out;
    out.write_all(hasher.finalize().as_bytes())?;
    out.flush()?;
    file.sync()?;
    disk.rename(NEW, &name(frozen.next_event()))?;
    disk.sync_names()?;
    for old in list(disk)?.into_iter().skip(KEPT) {
        disk.remove(&name(old))?;
    }
    Ok(bytes)
}

fn name(position: EventNumber) -> String {
    format!("{:016x}.snapshot", position.0)
}

/// Positions of all snapshots, newest first.
fn list(disk: &dyn Disk) -> io::Result<Vec<EventNumber>> {
    let names = match disk.list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let positions = names.iter().filter_map(|name| {
        let hex = name.strip_suffix(".snapshot")?;
        u64::from_str_radix(hex, 16).ok().map(EventNumber)
    });
    let mut positions: Vec<EventNumber> = positions.collect();
    positions.sort_unstable();
    positions.reverse();
    Ok(positions)
}

/// The newest snapshot that is whole, if there is one.
pub(crate) fn load(disk: &dyn Disk) -> io::Result<Option<State>> {
    for position in list(disk)? {
        let name = name(position);
        match parse(&read(disk, &name)?) {
            Some(state) if state.next_event() == position => return Ok(Some(state)),
            Some(_) | None => tracing::warn!(
                file = %disk.path(&name).display(),
                "this snapshot is damaged or of another version and passed over; starting takes longer"
            ),
        }
    }
    Ok(None)
}

fn read(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open_read(name)?;
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Option<State> {
    let (body, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    if blake3::hash(body).as_bytes() != hash {
        return None;
    }
    snapshot::read(body.strip_prefix(MAGIC)?).ok()
}
