//! Where vault and notices come from: the running server hands them out through a socket in its data
//! folder, because it alone may open them; without a server they are opened here.
//!
//! Whoever may write to the socket may read the folder's files anyway, and what is handed out is
//! sealed as it lies there. The server answers each connection with
//!
//! ```text
//! magic (8) ‖ events (8): how far the log was durable when vault and notices had been frozen
//! then parts: which (1: vault, 2: notices) ‖ length (4) ‖ bytes; integers are little endian
//! then 0 (1)
//! ```

use std::fs;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use feiqian_gateway::notify::Notifier;
use feiqian_gateway::platform::Platform;
use feiqian_log::{Disk, Files};
use feiqian_store::export::Export;
use tokio::net::UnixListener;
use tokio::task::{JoinHandle, spawn_blocking};

use super::files;
use super::parts::Which;
use crate::Failure;

const SOCKET: &str = "backup.sock";
const MAGIC: &[u8; 8] = b"FQBACK01";
/// A side that hears nothing of the other for so long gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes one part.
type Take<'a> = &'a mut dyn FnMut(Which, &[u8]) -> Result<(), Failure>;

/// What was taken belongs to the log up to here.
pub struct Source {
    /// How many events; none when nobody writes the log, and all of it is meant.
    pub events: Option<u64>,
    /// Held, so that no server starts meanwhile.
    _lock: Option<Box<dyn std::any::Any + Send + Sync>>,
}

/// Takes the parts of a data folder, from its server if one runs.
pub fn take(data: &Path, take: Take) -> Result<Source, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let lock = loop {
        if let Ok(stream) = UnixStream::connect(data.join(SOCKET)) {
            return receive(&stream, take);
        }
        match Files::new(&data.join("log")).lock() {
            Ok(lock) => break lock,
            // A server that starts or stops.
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let socket = data.join(SOCKET);
                let socket = socket.display();
                return Err(format!("a server has the folder but none answers at {socket}").into());
            }
            Err(error) => return Err(files::failed(data, &error)),
        }
    };
    for (which, name) in [(Which::Vault, "vault"), (Which::Notices, "notify")] {
        let folder = data.join(name);
        if folder.is_dir() {
            let mut failure = None;
            Export::open(&folder)?
                .parts(|part| keep(take, which, part, &mut failure))
                .map_err(|error| failure.unwrap_or_else(|| error.into()))?;
        }
    }
    Ok(Source {
        events: None,
        _lock: Some(lock),
    })
}

/// The error of `take` has its own words; the export only learns that it must stop.
fn keep(take: Take, which: Which, part: &[u8], failure: &mut Option<Failure>) -> io::Result<()> {
    take(which, part).map_err(|error| {
        *failure = Some(error);
        io::Error::other("the backup stopped")
    })
}

fn receive(stream: &UnixStream, take: Take) -> Result<Source, Failure> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut from = BufReader::with_capacity(1 << 20, stream);
    let cut = |error: io::Error| format!("the server stopped answering: {error}");
    let mut head = [0; 16];
    from.read_exact(&mut head).map_err(cut)?;
    let (magic, events) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err("the server is of another version than this program".into());
    }
    let events = u64::from_le_bytes(events.try_into()?);
    loop {
        let mut which = [0];
        from.read_exact(&mut which).map_err(cut)?;
        let which = match which {
            [0] => break,
            [1] => Which::Vault,
            [2] => Which::Notices,
            _ => return Err("the server is of another version than this program".into()),
        };
        let mut length = [0; 4];
        from.read_exact(&mut length).map_err(cut)?;
        let length = u64::from(u32::from_le_bytes(length));
        let mut part = Vec::new();
        from.by_ref()
            .take(length)
            .read_to_end(&mut part)
            .map_err(cut)?;
        if part.len() as u64 != length {
            return Err(cut(ErrorKind::UnexpectedEof.into()).into());
        }
        take(which, &part)?;
    }
    Ok(Source {
        events: Some(events),
        _lock: None,
    })
}

/// Answers while it lives.
pub struct Answering {
    socket: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
        drop(fs::remove_file(&self.socket));
    }
}

/// Answers backups of the folder that this process serves. Without the socket the server serves all
/// the same; only a backup must then wait until it is stopped.
pub fn answer(platform: Arc<Platform>, notifier: Notifier, data: &Path) -> Option<Answering> {
    let socket = data.join(SOCKET);
    let listener = match listen(&socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(
                %error, socket = %socket.display(),
                "no backup can be made while this server runs"
            );
            return None;
        }
    };
    let task = tokio::spawn(async move {
        loop {
            // One at a time: each holds the databases as they were when it began.
            let (platform, notifier) = (platform.clone(), notifier.clone());
            let sent = async {
                let stream = listener.accept().await?.0.into_std()?;
                spawn_blocking(move || send(&stream, &platform, &notifier)).await?
            };
            if let Err(error) = sent.await {
                tracing::warn!(%error, "a backup was not handed out to its end");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    Some(Answering { socket, task })
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    // This process holds the folder's locks, so what lies there is of one that died.
    match fs::remove_file(socket) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn send(stream: &UnixStream, platform: &Platform, notifier: &Notifier) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let vault = platform.vault.export().map_err(io::Error::other)?;
    let notices = notifier.export().map_err(io::Error::other)?;
    // Asked last: what vault and notices hold came of events that are durable by now.
    let events = platform.engine.durable().0;

    let mut to = BufWriter::with_capacity(1 << 20, stream);
    to.write_all(MAGIC)?;
    to.write_all(&events.to_le_bytes())?;
    for (which, export) in [(1, vault), (2, notices)] {
        let sent = export.parts(|part| {
            let length = u32::try_from(part.len()).map_err(io::Error::other)?;
            to.write_all(&[which])?;
            to.write_all(&length.to_le_bytes())?;
            to.write_all(part)
        });
        sent.map_err(io::Error::other)?;
    }
    to.write_all(&[0])?;
    to.flush()
}
