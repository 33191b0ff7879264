//! A disk in memory that fails and crashes as it is told.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use feiqian_log::{Disk, DiskFile};

/// A disk that counts what changes it, and can stop doing so.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: BTreeMap<String, Content>,
    /// How the names were when they were synced, and after each change since.
    names_since_sync: Vec<BTreeMap<String, Content>>,
    /// Changes that were asked for.
    changes: u64,
    /// From this change on they fail,
    fail_from: Option<u64>,
    /// up to this one.
    fail_to: u64,
}

type Content = Arc<Mutex<Bytes>>;

#[derive(Clone, Default)]
struct Bytes {
    now: Vec<u8>,
    synced: Vec<u8>,
}

struct MemoryFile {
    disk: Memory,
    content: Content,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How many changes were asked for.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Lets changes fail from the `from`th on, up to the `to`th.
    pub fn fail(&self, from: u64, to: u64) {
        let mut state = self.state();
        (state.fail_from, state.fail_to) = (Some(from), to);
    }

    /// What is found after a crash: of all that was not synced, names up to some change, and pieces
    /// of the bytes.
    pub fn crash(&self, mut seed: u64) -> Self {
        let mut random = move || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            usize::try_from(seed >> 33).unwrap()
        };
        let state = self.state();
        let mut possible = state.names_since_sync.clone();
        possible.push(state.names.clone());
        let names = possible.swap_remove(random() % possible.len());
        let torn = |content: Content| {
            let Bytes { now, mut synced } = content.lock().unwrap().clone();
            let kept = [0, now.len(), random() % (now.len() + 1)][random() % 3];
            synced.resize(kept.max(synced.len()), 0);
            for (at, sector) in now[..kept].chunks(512).enumerate() {
                if random() % 4 > 0 {
                    synced[at * 512..][..sector.len()].copy_from_slice(sector);
                }
            }
            let now = synced.clone();
            Arc::new(Mutex::new(Bytes { now, synced }))
        };
        let mut torn = torn;
        let names = names
            .into_iter()
            .map(|(name, content)| (name, torn(content)));
        let names: BTreeMap<_, _> = names.collect();
        Self(Arc::new(Mutex::new(State {
            names_since_sync: Vec::new(),
            names,
            ..State::default()
        })))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        let this = state.changes;
        state.changes += 1;
        if state
            .fail_from
            .is_some_and(|from| from <= this && this < state.fail_to)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change(&mut state)
    }

    fn change_names<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Content>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.change(|state| {
            let before = state.names.clone();
            state.names_since_sync.push(before);
            change(&mut state.names)
        })
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let content = self.state().names.get(name).cloned();
        self.file(content.ok_or(io::ErrorKind::NotFound)?)
    }

    fn file(&self, content: Content) -> io::Result<Arc<dyn DiskFile>> {
        let disk = self.clone();
        Ok(Arc::new(MemoryFile { disk, content }))
    }
}

impl Disk for Memory {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let content = self.change_names(|names| {
            let content = Content::default();
            match names.insert(name.to_owned(), content.clone()) {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => Ok(content),
            }
        })?;
        self.file(content)
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let exists = self.state().names.contains_key(name);
        if !exists {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change_names(|names| {
            names.remove(name);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change_names(|names| {
            let content = names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            names.insert(to.to_owned(), content);
            Ok(())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.change(|state| {
            state.names_since_sync.clear();
            Ok(())
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("memory").join(name)
    }
}

impl DiskFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.content.lock().unwrap().now.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.content.lock().unwrap();
        let rest = content.now.get(usize::try_from(offset).unwrap()..);
        let rest = rest.unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.change(|_| {
            let (mut content, start) = (
                self.content.lock().unwrap(),
                usize::try_from(offset).unwrap(),
            );
            let end = start + bytes.len();
            let size = content.now.len().max(end);
            content.now.resize(size, 0);
            content.now[start..end].copy_from_slice(bytes);
            Ok(())
        })
    }

    fn extend(&self, _: u64) -> io::Result<()> {
        Err(io::Error::other("the store does not ask for it"))
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        Err(io::Error::other("the store does not ask for it"))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change(|_| {
            let mut content = self.content.lock().unwrap();
            content.synced = content.now.clone();
            Ok(())
        })
    }
}
