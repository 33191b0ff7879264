//! All that log, store and snapshots ask of a disk: the seam where a simulator puts its faults.
//!
//! Trait objects rather than a type parameter, so that the parameter does not spread to whoever
//! holds a reader; a call through them is nothing beside the I/O.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, FallocateFlags};
use rustix::io::Errno;

/// One directory of files.
pub trait Disk: Send + Sync {
    /// Takes the writer's lock, held until the returned value is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another writer holds it.
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>>;

    /// Names of all files, in any order.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates an empty file that must not exist. Durable after [`DiskFile::sync`] and
    /// [`Disk::sync_names`].
    ///
    /// # Errors
    /// As the operating system says.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists, for reading only.
    ///
    /// # Errors
    /// As the operating system says.
    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    /// As the operating system says.
    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Removes a file, or a directory with all in it. Durable after [`Disk::sync_names`]. Who has the
    /// file open reads on.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Gives a file another name, in place of the file that has it. Durable after
    /// [`Disk::sync_names`]; a crash before leaves the one or the other.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes created, renamed and removed names durable.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_names(&self) -> io::Result<()>;

    /// Bytes that can still be written. More than there can be, unless the disk knows better.
    ///
    /// # Errors
    /// As the operating system says.
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    /// What to call a file in messages; the empty name is the directory.
    fn path(&self, name: &str) -> PathBuf;
}

/// One open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// As the operating system says.
    fn size(&self) -> io::Result<u64>;

    /// Reads at `offset` until `bytes` is full or the file ends; returns how many were read.
    ///
    /// # Errors
    /// As the operating system says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// As the operating system says; some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file at least `size` long with zeros, on disk space that is really there.
    ///
    /// # Errors
    /// As the operating system says: a full disk shows here rather than in the middle of a batch.
    fn extend(&self, size: u64) -> io::Result<()>;

    /// Makes the file exactly `size` long.
    ///
    /// # Errors
    /// As the operating system says.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Makes all that was written, and the length, durable.
    ///
    /// # Errors
    /// As the operating system says. What was written since the last sync is then in an unknown
    /// state, and a later success says nothing about it.
    fn sync(&self) -> io::Result<()>;

    /// Says that these bytes will not be asked for soon: a disk may begin to write them, so that
    /// the next sync has less to do. Promises nothing.
    fn done_with(&self, _offset: u64, _bytes: u64) {}
}

/// Files in a directory of this machine.
#[derive(Clone, Debug)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// The lock file's name.
    pub const LOCK: &str = "LOCK";

    /// The files in `dir`, which need not exist until something is created.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
        }
    }
}

/// Creates a directory and those above it. Each new name must survive a crash, or the log in it is
/// lost.
fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    create_dir(above)?;
    fs::create_dir(dir)?;
    File::open(above)?.sync_all()
}

impl Disk for Files {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        create_dir(&self.dir)?;
        let path = self.path(Self::LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            // A name that is no UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        create_dir(&self.dir)?;
        let path = self.path(name);
        Ok(Arc::new(
            OpenOptions::new()
                .create_new(true)
                .read(true)
                .write(true)
                .open(path)?,
        ))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::open(self.path(name))?))
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(self.path(name))?,
        ))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                fs::remove_dir_all(self.path(name))
            }
            removed => removed,
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.dir)?;
        // What is kept for the superuser alone does not count.
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < bytes.len() {
            match FileExt::read_at(self, &mut bytes[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn extend(&self, size: u64) -> io::Result<()> {
        loop {
            match rustix::fs::fallocate(self, FallocateFlags::empty(), 0, size) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                // Some file systems cannot reserve space; a hole is the next best.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) if self.size()? < size => {
                    return self.set_len(size);
                }
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync: it leaves out time stamps but keeps the length and the blocks' places.
        self.sync_data()
    }

    fn done_with(&self, offset: u64, bytes: u64) {
        // Linux begins to write dirty pages that are not needed, and waits for none.
        let _ = rustix::fs::fadvise(self, offset, NonZeroU64::new(bytes), Advice::DontNeed);
    }
}
