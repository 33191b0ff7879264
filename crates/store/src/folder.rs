//! The store's folder: what marks it as one, and how far its runs reach.
//!
//! ```text
//! FORMAT     "feiqian store 1": what this folder is
//! position   how far the runs reach (text, with a checksum; replaced atomically)
//! index/     the fjall database of the runs
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use feiqian_core::EventNumber;

use crate::StoreError;

const FORMAT: &str = "feiqian store 1\n";
const FORMAT_FILE: &str = "FORMAT";
const POSITION_FILE: &str = "position";

/// How far the runs reach, and by what to know the log that they point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Every event before it is in the runs.
    pub next: u64,
    /// Address of the last of them.
    pub last_address: u64,
    /// BLAKE3 of its bytes in the log, in hexadecimal.
    pub last_hash: String,
}

/// How far the store in a folder reaches on disk, without opening it; zero if there is none. The log
/// must reach at least as far, or acknowledged events are missing from it.
pub fn recorded_position(path: &Path) -> Result<EventNumber, StoreError> {
    let reached = Folder(path.to_owned()).reached()?;
    Ok(EventNumber(reached.map_or(0, |reached| reached.next)))
}

/// A store's folder that was found or made.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, or looks whether it is a store of this version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Self(path.to_owned());
        folder.io("", fs::create_dir_all(path))?;
        if let Some(format) = folder.read(FORMAT_FILE)? {
            if format != FORMAT.as_bytes() {
                return Err(folder.wrong("is a store of another version"));
            }
            return Ok(folder);
        }
        for file in folder.io("", fs::read_dir(path))? {
            let name = folder.io("", file)?.file_name();
            if !name.to_string_lossy().ends_with(".new") {
                return Err(folder.wrong("is not empty and not a store"));
            }
        }
        folder.write(FORMAT_FILE, FORMAT)?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// The error for a folder whose content is wrong.
    pub fn wrong(&self, what: &str) -> StoreError {
        StoreError::Folder {
            folder: self.0.clone(),
            what: what.to_owned(),
        }
    }

    /// The error of the storage engine.
    pub fn storage(&self, source: fjall::Error) -> StoreError {
        let folder = self.0.clone();
        if matches!(source, fjall::Error::Locked) {
            return StoreError::InUse { folder };
        }
        StoreError::Storage { folder, source }
    }

    /// How far the runs reach; none before the first.
    pub fn reached(&self) -> Result<Option<Reached>, StoreError> {
        let Some(bytes) = self.read(POSITION_FILE)? else {
            return Ok(None);
        };
        let reached = std::str::from_utf8(&bytes).ok().and_then(Reached::parse);
        reached
            .map(Some)
            .ok_or_else(|| self.wrong("has a damaged position file"))
    }

    /// Records how far the runs reach, durably.
    pub fn record(&self, reached: &Reached) -> Result<(), StoreError> {
        self.write(POSITION_FILE, &reached.text())
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.0.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => self.io(name, read).map(Some),
        }
    }

    /// Replaces a file: a crash leaves the old one or the new one.
    fn write(&self, name: &str, text: &str) -> Result<(), StoreError> {
        let (path, new) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let written = File::create(&new)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| File::open(&self.0)?.sync_all());
        self.io(name, written)
    }

    fn io<T>(&self, name: &str, result: io::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::File {
            file: self.0.join(name),
            source,
        })
    }
}

impl Reached {
    fn text(&self) -> String {
        let Self {
            next,
            last_address,
            last_hash,
        } = self;
        let text = format!("events {next}\nlast {last_address} {last_hash}\n");
        format!("{text}check {}\n", blake3::hash(text.as_bytes()))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let next = lines.next()?.strip_prefix("events ")?.parse().ok()?;
        let (address, hash) = lines.next()?.strip_prefix("last ")?.split_once(' ')?;
        let last_address = address.parse().ok()?;
        let reached = Self {
            next,
            last_address,
            last_hash: hash.to_owned(),
        };
        (reached.next > 0 && reached.text() == text).then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_comes_back_and_a_damaged_one_does_not() {
        let hash = blake3::hash(b"event").to_string();
        let reached = Reached {
            next: 12,
            last_address: 3_456,
            last_hash: hash,
        };
        let text = reached.text();
        assert_eq!(Reached::parse(&text), Some(reached));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(
                Reached::parse(&String::from_utf8(bytes).unwrap()),
                None,
                "byte {at}"
            );
            assert_eq!(Reached::parse(&text[..at]), None, "cut at {at}");
        }
    }
}
