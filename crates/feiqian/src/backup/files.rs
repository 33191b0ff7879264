//! A backup's folder, and files that are written whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use crate::Failure;

const MANIFEST: &str = "manifest.json";
const LOCK: &str = "LOCK";
/// How far a backup came that did not end; a manifest of its own.
const UNFINISHED: &str = "unfinished.json";

/// The folder of a backup, for one writer.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes it if it is not there. Anything that is no backup is left alone.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        make(path)?;
        let ours = |name: &str| [MANIFEST, UNFINISHED, LOCK, "log", "parts"].contains(&name);
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if !ours(name.trim_end_matches(".new")) {
                let path = path.display();
                return Err(format!(
                    "{path} holds {name}, so it is no backup; name another folder"
                )
                .into());
            }
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(format!("another backup to {path} is under way").into());
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        make(&path.join("log"))?;
        make(&path.join("parts"))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub fn parts(&self) -> PathBuf {
        self.path.join("parts")
    }

    /// What the last backup holds that ended.
    pub fn manifest(&self) -> Result<Option<Manifest>, Failure> {
        read(&self.path, MANIFEST)
    }

    /// What was copied after it, by a backup that did not end. Nobody misses it if it is damaged.
    pub fn unfinished(&self) -> Option<Manifest> {
        read(&self.path, UNFINISHED).ok().flatten()
    }

    pub fn put_unfinished(&self, manifest: &Manifest) -> Result<(), Failure> {
        replace(&self.path.join(UNFINISHED), manifest.text()?.as_bytes())
    }

    /// From here on the backup is the new one.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<(), Failure> {
        replace(&self.path.join(MANIFEST), manifest.text()?.as_bytes())?;
        match fs::remove_file(self.path.join(UNFINISHED)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes parts that no manifest lists any more, the people among them who were erased.
    pub fn remove_unlisted(&self, manifest: &Manifest) -> Result<(), Failure> {
        let listed: BTreeSet<_> = manifest.vault.iter().chain(&manifest.notices).collect();
        for entry in fs::read_dir(self.parts())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !listed.contains(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A backup's manifest.
pub fn manifest(backup: &Path) -> Result<Manifest, Failure> {
    let found = read(backup, MANIFEST)?;
    found.ok_or_else(|| {
        let backup = backup.display();
        format!("{backup} is no backup, or its first backup did not end: it has no {MANIFEST}")
            .into()
    })
}

fn read(folder: &Path, name: &str) -> Result<Option<Manifest>, Failure> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => Manifest::parse(&bytes)
            .map(Some)
            .map_err(|error| format!("{} is damaged: {error}", path.display()).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&path, &error)),
    }
}

/// Makes a folder, and those above it, for its owner only.
fn make(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| failed(path, &error))
}

/// Writes a file: a crash leaves the old one or the new one.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| sync_folder(path.parent().unwrap_or(Path::new("."))));
    written.map_err(|error| failed(path, &error))
}

/// Makes names in a folder durable.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// An error with the file that it came from.
pub fn failed(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}
