//! A disk in memory: thousands of logs a second.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use feiqian_log::{Disk, DiskFile};

#[derive(Default)]
pub struct MemoryDisk(Mutex<BTreeMap<String, Arc<MemoryFile>>>);

#[derive(Default)]
pub struct MemoryFile(Mutex<Vec<u8>>);

impl MemoryDisk {
    pub fn holding<'a>(files: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let file =
            |(name, bytes): (&str, _)| (name.to_owned(), Arc::new(MemoryFile(Mutex::new(bytes))));
        Self(Mutex::new(files.into_iter().map(file).collect()))
    }

    fn find(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let files = self.0.lock().unwrap();
        match files.get(name) {
            Some(file) => Ok(file.clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Disk for MemoryDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = Arc::new(MemoryFile::default());
        self.0.lock().unwrap().insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.find(name)
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.find(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        name.into()
    }
}

impl DiskFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let file = self.0.lock().unwrap();
        let rest = file
            .get(usize::try_from(offset).unwrap()..)
            .unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut file, start) = (self.0.lock().unwrap(), usize::try_from(offset).unwrap());
        let end = start + bytes.len();
        let size = file.len().max(end);
        file.resize(size, 0);
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn extend(&self, size: u64) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        let size = file.len().max(usize::try_from(size).unwrap());
        file.resize(size, 0);
        Ok(())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .resize(usize::try_from(size).unwrap(), 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
