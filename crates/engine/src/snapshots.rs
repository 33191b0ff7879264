//! Snapshots of the state: `state/<position>.snapshot`, written beside the living engine.
//!
//! A file is a magic, the CBOR sequence of `feiqian_core::snapshot`, and the BLAKE3 hash of all
//! before. A damaged one is passed over: the log can make it again.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use feiqian_core::snapshot::{self, Frozen};
use feiqian_core::{EventNumber, State};
use tokio::sync::watch;

const MAGIC: &[u8; 8] = b"FQSTAT01";
const HASH_BYTES: usize = 32;
/// Older ones are removed.
const KEPT: usize = 2;

/// Hands frozen states to the thread that writes them.
pub(crate) struct Snapshots {
    frozen: Sender<Frozen>,
    writing: Arc<AtomicBool>,
}

impl Snapshots {
    /// Starts the thread; it ends when this is dropped and all is written.
    pub fn start(
        dir: PathBuf,
        durable: watch::Receiver<EventNumber>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (frozen, receiver) = channel();
        let writing = Arc::new(AtomicBool::new(false));
        let flag = writing.clone();
        let thread = std::thread::Builder::new()
            .name("snapshots".into())
            .spawn(move || run(&dir, &receiver, &durable, &flag))?;
        Ok((Self { frozen, writing }, thread))
    }

    /// Writes a snapshot unless one is being written. Says whether it does.
    pub fn offer(&self, freeze: impl FnOnce() -> Frozen) -> bool {
        if self.writing.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.write(freeze());
        true
    }

    /// Writes a snapshot after those that are under way.
    pub fn write(&self, frozen: Frozen) {
        if self.frozen.send(frozen).is_err() {
            tracing::error!("the thread that writes snapshots is gone");
        }
    }
}

fn run(
    dir: &Path,
    frozen: &Receiver<Frozen>,
    durable: &watch::Receiver<EventNumber>,
    writing: &AtomicBool,
) {
    while let Ok(frozen) = frozen.recv() {
        // A snapshot of what never became durable must not be found after a crash.
        if wait_until(durable, frozen.next_event()) {
            let begin = std::time::Instant::now();
            match save(dir, &frozen) {
                Ok(bytes) => tracing::info!(
                    position = frozen.next_event().0,
                    bytes,
                    seconds = begin.elapsed().as_secs_f64(),
                    "snapshot written"
                ),
                Err(error) => tracing::error!(%error, "a snapshot cannot be written"),
            }
        }
        writing.store(false, Ordering::Release);
    }
}

/// Waits until the position is durable; false when the committer is gone before that.
fn wait_until(durable: &watch::Receiver<EventNumber>, position: EventNumber) -> bool {
    while *durable.borrow() < position {
        if durable.has_changed().is_err() {
            return *durable.borrow() >= position;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    true
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

fn save(dir: &Path, frozen: &Frozen) -> io::Result<u64> {
    let temporary = dir.join("new");
    let file = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
    let mut out = Hashing {
        out: file,
        hasher: blake3::Hasher::new(),
        bytes: 0,
    };
    minicbor::encode::Write::write_all(&mut out, MAGIC)?;
    frozen.write(&mut out).map_err(io::Error::other)?;
    let Hashing {
        out: mut file,
        hasher,
        bytes,
    } = out;
    file.write_all(hasher.finalize().as_bytes())?;
    file.into_inner()
        .map_err(|error| error.into_error())?
        .sync_all()?;
    fs::rename(&temporary, path(dir, frozen.next_event()))?;
    File::open(dir)?.sync_all()?;
    for old in list(dir)?.into_iter().skip(KEPT) {
        fs::remove_file(path(dir, old))?;
    }
    Ok(bytes)
}

fn path(dir: &Path, position: EventNumber) -> PathBuf {
    dir.join(format!("{:016x}.snapshot", position.0))
}

/// Positions of all snapshots, newest first.
fn list(dir: &Path) -> io::Result<Vec<EventNumber>> {
    let mut positions = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let hex = name
            .to_str()
            .and_then(|name| name.strip_suffix(".snapshot"));
        if let Some(position) = hex.and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
            positions.push(EventNumber(position));
        }
    }
    positions.sort_unstable();
    positions.reverse();
    Ok(positions)
}

/// The newest snapshot that is whole, if there is one.
pub(crate) fn load(dir: &Path) -> io::Result<Option<State>> {
    for position in list(dir)? {
        let path = path(dir, position);
        match parse(&fs::read(&path)?) {
            Some(state) if state.next_event() == position => return Ok(Some(state)),
            Some(_) | None => tracing::warn!(
                file = %path.display(),
                "this snapshot is damaged and passed over; starting takes longer"
            ),
        }
    }
    Ok(None)
}

fn parse(bytes: &[u8]) -> Option<State> {
    let (body, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    if blake3::hash(body).as_bytes() != hash {
        return None;
    }
    snapshot::read(body.strip_prefix(MAGIC)?).ok()
}
