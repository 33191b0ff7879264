//! One simulated file: what programs see, and what would be left of it without power.

use std::collections::BTreeMap;

use crate::chance::Chance;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What a crash does with what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// All of it is lost.
    Loses,
    /// All of it is kept, as after the end of the process alone.
    Keeps,
    /// Each sector and each name is kept or lost.
    Tears,
}

impl Crash {
    /// Whether one piece is kept.
    pub fn keeps(self, chance: &mut Chance) -> bool {
        match self {
            Self::Loses => false,
            Self::Keeps => true,
            Self::Tears => chance.one_in(2),
        }
    }
}

/// A file's content.
#[derive(Clone, Default)]
pub struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that may differ. True: a sync failed, so no later sync brings this one to the disk
    /// unless it is written again.
    dirty: BTreeMap<usize, bool>,
}

impl Content {
    /// All of it durable.
    pub fn durable(bytes: &[u8]) -> Self {
        Self {
            seen: bytes.to_vec(),
            durable: bytes.to_vec(),
            dirty: BTreeMap::new(),
        }
    }

    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub fn read(&self, bytes: &mut [u8], offset: usize) -> usize {
        let from = self.seen.get(offset..).unwrap_or_default();
        let length = from.len().min(bytes.len());
        bytes[..length].copy_from_slice(&from[..length]);
        length
    }

    pub fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.seen.len() < end {
            self.seen.resize(end, 0);
        }
        self.seen[offset..end].copy_from_slice(bytes);
        self.touch(offset, end);
    }

    pub fn resize(&mut self, size: usize) {
        let end = self.seen.len().max(self.durable.len()).max(size);
        self.seen.resize(size, 0);
        self.touch(size, end);
    }

    fn touch(&mut self, from: usize, to: usize) {
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            self.dirty.insert(sector, false);
        }
    }

    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || self.seen.len() != self.durable.len()
    }

    pub fn sync(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        self.durable.resize(self.seen.len(), 0);
        for (sector, failed) in dirty {
            if failed {
                self.dirty.insert(sector, true);
            } else {
                copy_sector(&self.seen, &mut self.durable, sector);
            }
        }
    }

    /// The system says once that it failed; then it believes the sectors to be clean.
    pub fn fail_sync(&mut self) {
        self.dirty.values_mut().for_each(|failed| *failed = true);
    }

    /// What is left when the power comes back.
    pub fn crash(&mut self, crash: Crash, chance: &mut Chance) {
        let length = if crash.keeps(chance) {
            self.seen.len()
        } else {
            self.durable.len()
        };
        let mut left = self.durable.clone();
        left.resize(length, 0);
        for sector in std::mem::take(&mut self.dirty).into_keys() {
            let exists = sector * SECTOR < self.seen.len();
            if crash.keeps(chance) && exists {
                copy_sector(&self.seen, &mut left, sector);
            }
        }
        *self = Self::durable(&left);
    }

    /// Flips a bit, as time does to a disk.
    pub fn flip(&mut self, offset: usize, bit: u8) {
        for bytes in [&mut self.seen, &mut self.durable] {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= bit;
            }
        }
    }
}

fn copy_sector(from: &[u8], to: &mut [u8], sector: usize) {
    let start = sector * SECTOR;
    let end = (start + SECTOR).min(to.len());
    for at in start..end {
        to[at] = from.get(at).copied().unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_and_the_rest_may_not() {
        let mut file = Content::default();
        file.write(&[1; 600], 0);
        file.sync();
        file.write(&[2; 600], 300);
        let mut lost = file.clone();
        lost.crash(Crash::Loses, &mut Chance::new(1, ""));
        assert_eq!(lost.seen(), [1; 600]);
        let mut kept = file.clone();
        kept.crash(Crash::Keeps, &mut Chance::new(1, ""));
        assert_eq!((kept.seen()[299], kept.seen()[899]), (1, 2));
    }

    #[test]
    fn after_a_failed_sync_only_what_is_written_again_becomes_durable() {
        let mut file = Content::default();
        file.write(&[0; 1_024], 0);
        file.sync();
        file.write(&[1; 1_024], 0);
        file.fail_sync();
        file.write(&[1; 512], 0);
        file.sync();
        file.crash(Crash::Loses, &mut Chance::new(1, ""));
        assert_eq!((file.seen()[511], file.seen()[512]), (1, 0));
    }

    #[test]
    fn what_was_cut_off_may_come_back_until_it_is_synced() {
        let mut file = Content::durable(&[7; 2_000]);
        file.resize(100);
        file.resize(2_000);
        let mut back = file.clone();
        back.crash(Crash::Loses, &mut Chance::new(1, ""));
        assert_eq!(back.seen(), [7; 2_000]);
        file.sync();
        file.crash(Crash::Loses, &mut Chance::new(1, ""));
        assert_eq!((file.seen()[99], file.seen()[100]), (7, 0));
    }
}
