//! The parts of vault and notices: files named by their hash, so that what did not change is there
//! already.

use std::fs;
use std::path::PathBuf;

use super::files::{self, Folder};
use crate::Failure;

/// Which database a part is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Vault,
    Notices,
}

/// Hashes of the parts that a backup holds, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    pub vault: Vec<String>,
    pub notices: Vec<String>,
}

/// Keeps parts as they come.
pub struct Keeper {
    folder: PathBuf,
    list: List,
    new_bytes: u64,
    old_bytes: u64,
    damaged: Vec<String>,
}

impl Keeper {
    pub fn new(backup: &Folder) -> Result<Self, Failure> {
        Ok(Self {
            folder: backup.parts(),
            list: List::default(),
            new_bytes: 0,
            old_bytes: 0,
            damaged: Vec::new(),
        })
    }

    pub fn keep(&mut self, which: Which, part: &[u8]) -> Result<(), Failure> {
        let hash = blake3::hash(part).to_string();
        let path = self.folder.join(&hash);
        let bytes = part.len() as u64;
        match fs::read(&path) {
            Ok(there) if there == part => self.old_bytes = self.old_bytes.saturating_add(bytes),
            found => {
                if found.is_ok() {
                    self.damaged.push(format!("parts/{hash}"));
                }
                files::replace(&path, part)?;
                self.new_bytes = self.new_bytes.saturating_add(bytes);
            }
        }
        match which {
            Which::Vault => self.list.vault.push(hash),
            Which::Notices => self.list.notices.push(hash),
        }
        Ok(())
    }

    pub fn list(&self) -> List {
        self.list.clone()
    }

    pub fn new_bytes(&self) -> u64 {
        self.new_bytes
    }

    pub fn old_bytes(&self) -> u64 {
        self.old_bytes
    }

    /// Parts that were there but had changed.
    pub fn damaged(&self) -> &[String] {
        &self.damaged
    }
}
