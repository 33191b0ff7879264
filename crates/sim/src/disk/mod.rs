//! A machine's disk in memory, with its faults.
//!
//! Reads see all that was written. What was not synced may be lost when the power goes, by sectors and
//! by names; what was written before a sync that failed may be lost even after a later sync. Faults
//! strike by chance, at the rates that the world sets.

mod file;
mod folder;

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feiqian_log::{Disk, DiskFile};

use crate::chance::Chance;
use crate::coverage::{Fault, Tally};
pub use file::Crash;
pub use folder::Folder;

/// Which of the three folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The log.
    Log,
    /// Snapshots of the state.
    State,
    /// The indexes.
    Store,
}

impl Which {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Log, Self::State, Self::Store];

    fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::State => "state",
            Self::Store => "store",
        }
    }
}

/// How often faults strike, in ten thousand operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// A write fails, with some of its bytes written.
    pub write: u32,
    /// A sync fails.
    pub sync: u32,
    /// A read fails.
    pub read: u32,
    /// The disk is full from now on, for some operations.
    pub full: u32,
}

/// The machine: three folders on one disk, with one plug.
#[derive(Clone)]
pub struct Machine(Arc<Mutex<Inner>>);

struct Inner {
    chance: Chance,
    rates: Rates,
    /// Operations until the power goes.
    plug: Option<u64>,
    has_power: bool,
    /// Operations for which the disk stays full.
    full: u64,
    /// Faults that struck.
    struck: Tally,
    /// A planted bug: syncs of the log say that they happened.
    lies: bool,
    folders: [Folder; 3],
}

impl Machine {
    /// An empty disk.
    #[must_use]
    pub fn new(chance: Chance) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            chance,
            rates: Rates::default(),
            plug: None,
            has_power: true,
            full: 0,
            struck: Tally::default(),
            lies: false,
            folders: Default::default(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of its folders.
    #[must_use]
    pub fn folder(&self, which: Which) -> Arc<dyn Disk> {
        Arc::new(SimDisk {
            machine: self.clone(),
            which,
        })
    }

    /// How often faults strike from now on.
    pub fn set_rates(&self, rates: Rates) {
        self.lock().rates = rates;
    }

    /// The power goes after so many operations.
    pub fn pull_plug_after(&self, operations: u64) {
        self.lock().plug = Some(operations);
    }

    /// Whether there is power.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.lock().has_power
    }

    /// The power comes back, to what the crash left.
    pub fn reboot(&self, crash: Crash) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let mut lost = false;
        for folder in &mut inner.folders {
            lost |= folder.crash(crash, &mut inner.chance);
        }
        if lost {
            inner.struck.add(match crash {
                Crash::Loses => Fault::LostWrites,
                Crash::Tears => Fault::TornWrites,
                Crash::Keeps => Fault::PowerCut,
            });
        }
        inner.struck.add(Fault::PowerCut);
        (inner.has_power, inner.plug, inner.full) = (true, None, 0);
    }

    /// No more faults, and room again.
    pub fn calm(&self) {
        let mut inner = self.lock();
        (inner.rates, inner.plug, inner.full) = (Rates::default(), None, 0);
    }

    /// Does something without faults in between.
    pub fn calmly<T>(&self, work: impl FnOnce() -> T) -> T {
        let (rates, plug, full) = {
            let mut inner = self.lock();
            let before = (inner.rates, inner.plug, inner.full);
            (inner.rates, inner.plug, inner.full) = (Rates::default(), None, 0);
            before
        };
        let done = work();
        let mut inner = self.lock();
        (inner.rates, inner.plug, inner.full) = (rates, plug, full);
        done
    }

    /// How many faults struck so far.
    #[must_use]
    pub fn struck(&self) -> Tally {
        self.lock().struck.clone()
    }

    /// Syncs of the log lie from now on: a planted bug.
    pub fn lie(&self) {
        self.lock().lies = true;
    }

    /// A copy of a folder.
    #[must_use]
    pub fn copy(&self, which: Which) -> Folder {
        self.lock().folders[which as usize].copy()
    }

    /// Puts a copy in a folder's place.
    pub fn put_back(&self, which: Which, copy: Folder) {
        self.lock().folders[which as usize] = copy;
    }

    /// Files of a folder with their lengths.
    #[must_use]
    pub fn files(&self, which: Which) -> Vec<(String, usize)> {
        let inner = self.lock();
        let folder = &inner.folders[which as usize];
        let sized = folder.names().filter_map(|name| {
            let content = folder.file(folder.find(name)?)?;
            Some((name.clone(), content.seen().len()))
        });
        sized.collect()
    }

    /// Flips a bit of a file at rest.
    pub fn flip(&self, which: Which, name: &str, offset: usize, bit: u8) {
        if let Some(file) = self.lock().folders[which as usize].named_mut(name) {
            file.flip(offset, bit);
        }
    }
}

impl Inner {
    /// The operation happens unless the power goes or went.
    fn operate(&mut self) -> io::Result<()> {
        if self.has_power && self.plug == Some(0) {
            self.has_power = false;
        }
        if !self.has_power {
            return Err(io::Error::other("there is no power"));
        }
        self.plug = self.plug.map(|left| left - 1);
        self.full = self.full.saturating_sub(1);
        Ok(())
    }

    fn fails(&mut self, rate: u32, fault: Fault, what: &str) -> io::Result<()> {
        if self.chance.often(rate) {
            self.struck.add(fault);
            return Err(io::Error::other(format!("a {what} fails by chance")));
        }
        Ok(())
    }

    /// For what needs more room.
    fn room(&mut self) -> io::Result<()> {
        if self.full == 0 && self.chance.often(self.rates.full) {
            self.full = 1 + self.chance.below(200);
        }
        if self.full > 0 {
            self.struck.add(Fault::DiskFull);
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn file(&mut self, which: Which, id: u64) -> io::Result<&mut file::Content> {
        self.folders[which as usize]
            .file_mut(id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

struct SimDisk {
    machine: Machine,
    which: Which,
}

impl SimDisk {
    /// The operation happens, on this folder.
    fn operate<T>(&self, work: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let mut inner = self.machine.lock();
        inner.operate()?;
        work(&mut inner)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.operate(|inner| {
            let rate = inner.rates.read;
            inner.fails(rate, Fault::ReadError, "read")?;
            let id = inner.folders[self.which as usize].find(name);
            id.ok_or_else(|| io::ErrorKind::NotFound.into())
        })
        .map(|id| self.handle(id))
    }

    fn handle(&self, id: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimFile {
            machine: self.machine.clone(),
            which: self.which,
            id,
        })
    }
}

impl Disk for SimDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.operate(|inner| {
            let folder = &mut inner.folders[self.which as usize];
            if folder.lock.upgrade().is_some() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let held = Arc::new(());
            folder.lock = Arc::downgrade(&held);
            Ok(Box::new(held) as Box<dyn Any + Send + Sync>)
        })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.operate(|inner| {
            let names = inner.folders[self.which as usize].names();
            Ok(names.cloned().collect())
        })
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let id = self.operate(|inner| {
            if inner.folders[self.which as usize].find(name).is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            inner.room()?;
            Ok(inner.folders[self.which as usize].create(name))
        })?;
        Ok(self.handle(id))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.operate(|inner| {
            let folder = &mut inner.folders[self.which as usize];
            if folder.find(name).is_none() {
                return Err(io::ErrorKind::NotFound.into());
            }
            folder.change(vec![(name.to_owned(), None)]);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.operate(|inner| {
            let folder = &mut inner.folders[self.which as usize];
            let Some(id) = folder.find(from) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            folder.change(vec![(from.to_owned(), None), (to.to_owned(), Some(id))]);
            Ok(())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.operate(|inner| {
            let rate = inner.rates.sync;
            inner.fails(rate, Fault::FailedSync, "sync of names")?;
            if !(inner.lies && self.which == Which::Log) {
                inner.folders[self.which as usize].sync_names();
            }
            Ok(())
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/sim").join(self.which.name()).join(name)
    }
}

struct SimFile {
    machine: Machine,
    which: Which,
    id: u64,
}

fn as_offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        let mut inner = self.machine.lock();
        inner.operate()?;
        Ok(inner.file(self.which, self.id)?.seen().len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut inner = self.machine.lock();
        inner.operate()?;
        let rate = inner.rates.read;
        inner.fails(rate, Fault::ReadError, "read")?;
        let file = inner.file(self.which, self.id)?;
        Ok(file.read(bytes, as_offset(offset)))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.machine.lock();
        let inner = &mut *inner;
        let offset = as_offset(offset);
        let had_power = inner.has_power;
        let rate = inner.rates.write;
        let mut done = inner.operate();
        if done.is_ok() {
            done = inner.fails(rate, Fault::FailedWrite, "write");
        }
        if done.is_ok() && offset + bytes.len() > inner.file(self.which, self.id)?.seen().len() {
            done = inner.room();
        }
        // A write that ends early has written some of its bytes.
        let written = match &done {
            Ok(()) => bytes.len(),
            Err(_) if had_power => inner.chance.index(bytes.len() + 1),
            Err(_) => 0,
        };
        let file = inner.file(self.which, self.id)?;
        file.write(&bytes[..written], offset);
        done
    }

    fn extend(&self, size: u64) -> io::Result<()> {
        let mut inner = self.machine.lock();
        inner.operate()?;
        let size = as_offset(size);
        if inner.file(self.which, self.id)?.seen().len() < size {
            inner.room()?;
            inner.file(self.which, self.id)?.resize(size);
        }
        Ok(())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        let mut inner = self.machine.lock();
        inner.operate()?;
        inner.file(self.which, self.id)?.resize(as_offset(size));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.machine.lock();
        let inner = &mut *inner;
        inner.operate()?;
        let rate = inner.rates.sync;
        if let Err(error) = inner.fails(rate, Fault::FailedSync, "sync") {
            inner.file(self.which, self.id)?.fail_sync();
            return Err(error);
        }
        if !(inner.lies && self.which == Which::Log) {
            inner.file(self.which, self.id)?.sync();
        }
        Ok(())
    }
}
