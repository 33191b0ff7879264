//! The store's folder, and the manifest that says what is in it.
//!
//! ```text
//! manifest        how far the runs reach, and which they are (text; replaced atomically)
//! NNNNNNNN.run    runs; those that the manifest does not name are left over from a crash
//! LOCK            held by whoever has the store open
//! ```

use std::any::Any;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use feiqian_core::EventNumber;
use feiqian_log::{Disk, Files};

use crate::StoreError;
use crate::run::FileId;

const MANIFEST: &str = "manifest";
const NEW_MANIFEST: &str = "manifest.new";
const FORMAT: &str = "feiqian store 2";
/// Some 40 bytes a run: more than there ever are.
const MANIFEST_BYTES_MAX: usize = 1 << 20;
/// What the folder of format 1 held.
const FORMAT_1: [&str; 4] = ["FORMAT", "FORMAT.new", "position", "position.new"];
const FORMAT_1_INDEX: &str = "index";

/// What the runs cover, and by what to know the log that they were made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The last event in the runs, if there is any.
    pub last: Option<Last>,
    /// The runs with the events of each, without gaps from event 0.
    pub runs: Vec<(FileId, Range<u64>)>,
}

/// An event, to recognize the log by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub address: u64,
    /// BLAKE3 of its bytes in the log, in hexadecimal.
    pub hash: String,
}

/// How far the store in a folder reaches on disk, without opening it; zero if there is none. The log
/// must reach at least as far, or acknowledged events are missing from it.
///
/// # Errors
/// When the store is damaged or of another version ([`StoreError::can_be_rebuilt`]), or cannot be
/// read.
pub fn recorded_position(path: &Path) -> Result<EventNumber, StoreError> {
    recorded_position_on(Arc::new(Files::new(path)))
}

/// As [`recorded_position`], on any disk.
///
/// # Errors
/// As [`recorded_position`].
pub fn recorded_position_on(disk: Arc<dyn Disk>) -> Result<EventNumber, StoreError> {
    let manifest = Folder { disk }.manifest()?.unwrap_or_default();
    Ok(EventNumber(manifest.next()))
}

/// A store's folder.
#[derive(Clone)]
pub(crate) struct Folder {
    pub disk: Arc<dyn Disk>,
}

/// The lock on a folder, held as long as this lives.
pub(crate) type Lock = Box<dyn Any + Send + Sync>;

impl Folder {
    /// Locks the folder, which is made if missing.
    pub fn lock(disk: Arc<dyn Disk>) -> Result<(Self, Lock), StoreError> {
        let folder = Self { disk };
        match folder.disk.lock() {
            Ok(lock) => Ok((folder, lock)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::InUse {
                folder: folder.path(),
            }),
            Err(source) => Err(folder.failed(Files::LOCK, source)),
        }
    }

    /// Reads the manifest, or starts a store in an empty folder.
    pub fn open(&self) -> Result<Manifest, StoreError> {
        if let Some(manifest) = self.manifest()? {
            return Ok(manifest);
        }
        let names = self.list()?;
        if names.iter().any(|name| name == FORMAT_1[0]) {
            return Err(self.wrong("is of an older version"));
        }
        if names.iter().any(|name| FileId::of_name(name).is_some()) {
            return Err(self.wrong("has lost its manifest"));
        }
        if names
            .iter()
            .any(|name| name != Files::LOCK && name != NEW_MANIFEST)
        {
            return Err(StoreError::Foreign {
                folder: self.path(),
            });
        }
        let manifest = Manifest::default();
        self.prepare(&manifest)?;
        self.replace()?;
        Ok(manifest)
    }

    /// The number for the next file.
    pub fn next_file(&self) -> Result<FileId, StoreError> {
        let names = self.list()?;
        let ids = names.iter().filter_map(|name| FileId::of_name(name));
        Ok(ids.max().map_or(FileId(1), FileId::next))
    }

    /// Removes what a crash left over.
    pub fn remove_leftovers(&self, manifest: &Manifest) -> Result<(), StoreError> {
        for name in self.list()? {
            let id = FileId::of_name(&name);
            let left = id.is_some_and(|id| manifest.runs.iter().all(|(named, _)| *named != id));
            if left || name == NEW_MANIFEST {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes everything that is a store's, of this version or the one before, and nothing else.
    pub fn clear(&self) -> Result<(), StoreError> {
        let names = self.list()?;
        let ours = |name: &&String| {
            let name = name.as_str();
            [MANIFEST, NEW_MANIFEST].contains(&name) || FileId::of_name(name).is_some()
        };
        let format_1 = names.iter().any(|name| name == FORMAT_1[0]);
        let older = |name: &&String| {
            let name = name.as_str();
            format_1 && (FORMAT_1.contains(&name) || name == FORMAT_1_INDEX)
        };
        for name in names.iter().filter(|name| ours(name) || older(name)) {
            self.remove(name)?;
        }
        let synced = self.disk.sync_names();
        synced.map_err(|source| self.failed("", source))
    }

    /// Writes the next manifest beside the one that is valid.
    pub fn prepare(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let prepare = || {
            match self.disk.remove(NEW_MANIFEST) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let file = self.disk.create(NEW_MANIFEST)?;
            file.write_at(manifest.text().as_bytes(), 0)?;
            file.sync()?;
            self.disk.sync_names()
        };
        prepare().map_err(|source| self.failed(NEW_MANIFEST, source))
    }

    /// Makes the prepared manifest the valid one. After a failure, a crash leaves either.
    pub fn replace(&self) -> Result<(), StoreError> {
        let replaced = self.disk.rename(NEW_MANIFEST, MANIFEST);
        let replaced = replaced.and_then(|()| self.disk.sync_names());
        replaced.map_err(|source| self.failed(MANIFEST, source))
    }

    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let removed = self.disk.remove(name);
        removed.map_err(|source| self.failed(name, source))
    }

    pub fn path(&self) -> PathBuf {
        self.disk.path("")
    }

    fn manifest(&self) -> Result<Option<Manifest>, StoreError> {
        let read = || -> io::Result<Vec<u8>> {
            let file = self.disk.open_read(MANIFEST)?;
            let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
            let mut bytes = vec![0; size.min(MANIFEST_BYTES_MAX)];
            let read = file.read_at(&mut bytes, 0)?;
            bytes.truncate(read);
            Ok(bytes)
        };
        let bytes = match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| self.failed(MANIFEST, source))?,
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let manifest = Manifest::parse(text);
        let manifest = manifest.ok_or_else(|| match text.lines().next() {
            Some(FORMAT) | None => self.wrong("has a damaged manifest"),
            Some(_) => self.wrong("is of another version, or its manifest is damaged"),
        });
        manifest.map(Some)
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        self.disk.list().map_err(|source| self.failed("", source))
    }

    /// The error for a folder whose content is wrong.
    fn wrong(&self, what: &str) -> StoreError {
        StoreError::Folder {
            folder: self.path(),
            what: what.to_owned(),
        }
    }

    fn failed(&self, name: &str, source: io::Error) -> StoreError {
        StoreError::File {
            file: self.disk.path(name),
            source,
        }
    }
}

impl Manifest {
    /// Every event before it is in the runs.
    pub fn next(&self) -> u64 {
        self.runs.last().map_or(0, |(_, events)| events.end)
    }

    fn text(&self) -> String {
        let mut text = format!("{FORMAT}\n");
        if let Some(Last { address, hash }) = &self.last {
            text += &format!("last {address} {hash}\n");
        }
        for (FileId(id), events) in &self.runs {
            text += &format!("run {id} {} {}\n", events.start, events.end);
        }
        text += &format!("check {}\n", blake3::hash(text.as_bytes()));
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut manifest = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["last", address, hash] => {
                    let (address, hash) = (address.parse().ok()?, hash.to_owned());
                    manifest.last = Some(Last { address, hash });
                }
                ["run", id, from, to] => {
                    let events = from.parse().ok()?..to.parse().ok()?;
                    if events.start != manifest.next() || events.is_empty() {
                        return None;
                    }
                    manifest.runs.push((FileId(id.parse().ok()?), events));
                }
                _ => {}
            }
        }
        let sound = manifest.last.is_some() != manifest.runs.is_empty();
        // The same text again: nothing was passed over, and the check is right.
        (sound && manifest.text() == text).then_some(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_a_damaged_one_does_not() {
        let last = Last {
            address: 3_456,
            hash: blake3::hash(b"event").to_string(),
        };
        let manifest = Manifest {
            last: Some(last),
            runs: vec![(FileId(9), 0..8), (FileId(4), 8..12)],
        };
        let text = manifest.text();
        assert_eq!(Manifest::parse(&text), Some(manifest));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let damaged = String::from_utf8(bytes).unwrap();
            assert_eq!(Manifest::parse(&damaged), None, "byte {at}");
            assert_eq!(Manifest::parse(&text[..at]), None, "cut at {at}");
        }
        let empty = Manifest::default();
        assert_eq!(Manifest::parse(&empty.text()), Some(empty));
    }
}
