//! One simulated folder: its names, and which of them would be left without power.

use std::collections::BTreeMap;
use std::sync::Weak;

use super::file::{Content, Crash};
use crate::chance::Chance;

/// A change of names that happens whole or not at all: what each name means from then on.
type Change = Vec<(String, Option<u64>)>;

/// Files of one folder.
#[derive(Clone, Default)]
pub struct Folder {
    files: BTreeMap<u64, Content>,
    next: u64,
    seen: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    /// Since names were synced.
    changes: Vec<Change>,
    /// Whoever holds the lock.
    pub lock: Weak<()>,
}

impl Folder {
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.seen.keys()
    }

    pub fn find(&self, name: &str) -> Option<u64> {
        self.seen.get(name).copied()
    }

    pub fn file(&self, id: u64) -> Option<&Content> {
        self.files.get(&id)
    }

    pub fn file_mut(&mut self, id: u64) -> Option<&mut Content> {
        self.files.get_mut(&id)
    }

    pub fn named_mut(&mut self, name: &str) -> Option<&mut Content> {
        let id = self.find(name)?;
        self.file_mut(id)
    }

    pub fn create(&mut self, name: &str) -> u64 {
        let id = self.next;
        self.next += 1;
        self.files.insert(id, Content::default());
        self.change(vec![(name.to_owned(), Some(id))]);
        id
    }

    pub fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        self.changes.push(change);
    }

    pub fn sync_names(&mut self) {
        self.changes.clear();
        // A file without a name stays for those who have it open.
        self.durable = self.seen.clone();
    }

    /// What is left when the power comes back. Says whether anything was lost.
    pub fn crash(&mut self, crash: Crash, chance: &mut Chance) -> bool {
        let before = self.seen.clone();
        let mut names = std::mem::take(&mut self.durable);
        for change in std::mem::take(&mut self.changes) {
            if crash.keeps(chance) {
                apply(&mut names, &change);
            }
        }
        self.seen = names.clone();
        self.durable = names;
        let mut lost = before != self.seen;
        for id in self.durable.values() {
            if let Some(file) = self.files.get_mut(id) {
                lost |= file.is_dirty();
                file.crash(crash, chance);
            }
        }
        let kept: Vec<u64> = self.durable.values().copied().collect();
        self.files.retain(|id, _| kept.contains(id));
        lost
    }

    /// A copy of what programs see, all of it durable.
    pub fn copy(&self) -> Self {
        let files = self.seen.values().filter_map(|id| {
            let content = self.files.get(id)?;
            Some((*id, Content::durable(content.seen())))
        });
        Self {
            files: files.collect(),
            next: self.next,
            seen: self.seen.clone(),
            durable: self.seen.clone(),
            changes: Vec::new(),
            lock: Weak::new(),
        }
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &Change) {
    for (name, meaning) in change {
        match meaning {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }
}
