//! A database as parts that a backup keeps, and back. The files of a running database cannot be
//! copied: they change while they are read, and mean something only together.
//!
//! A part is a CBOR sequence: the table's name, then key and value by turns, in the order of the
//! keys. Where a part ends depends on its keys alone, so that what did not change gives the same
//! parts again, and need not be kept twice. Values are as they lie in the database: what is sealed
//! stays sealed.

use std::io;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use minicbor::{Decoder, Encoder};

/// A part ends after one key of so many, on average.
const KEYS_IN_PART: u64 = 16_384;
/// A part ends here at the latest, in bytes.
const PART_BYTES_MAX: usize = 64 << 20;

/// Why a database cannot be exported or imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Operator: another process has the database open.
    #[error("the database is in use by another process")]
    InUse,
    /// The database.
    #[error("the database fails")]
    Storage(#[source] fjall::Error),
    /// Where the parts go to.
    #[error("a part cannot be handed on")]
    Write(#[source] io::Error),
    /// The bytes are no part.
    #[error("this is no part of a database")]
    Part,
}

impl From<fjall::Error> for ExportError {
    fn from(error: fjall::Error) -> Self {
        if matches!(error, fjall::Error::Locked) {
            Self::InUse
        } else {
            Self::Storage(error)
        }
    }
}

/// A database as it was at one moment. While this lives, the database keeps what it needs of then.
pub struct Export {
    snapshot: Snapshot,
    tables: Vec<(String, Keyspace)>,
    // Last, so that it is closed after its tables.
    _database: Database,
}

impl Export {
    /// Of a database that is open.
    ///
    /// # Errors
    /// [`ExportError::Storage`].
    pub fn of(database: &Database) -> Result<Self, ExportError> {
        let snapshot = database.snapshot();
        let mut names = database.list_keyspace_names();
        names.sort_unstable();
        let table = |name: &str| {
            let table = database.keyspace(name, KeyspaceCreateOptions::default)?;
            Ok((name.to_owned(), table))
        };
        let tables: Result<_, fjall::Error> = names.iter().map(|name| table(name)).collect();
        Ok(Self {
            snapshot,
            tables: tables?,
            _database: database.clone(),
        })
    }

    /// Of the database in a folder that no process has open. It stays open while this lives.
    ///
    /// # Errors
    /// [`ExportError::InUse`], [`ExportError::Storage`].
    pub fn open(folder: &Path) -> Result<Self, ExportError> {
        Self::of(&Database::builder(folder).worker_threads(1).open()?)
    }

    /// Hands all parts to `each`, in order.
    ///
    /// # Errors
    /// [`ExportError::Storage`], or [`ExportError::Write`] with what `each` said.
    pub fn parts(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), ExportError> {
        for (name, table) in &self.tables {
            let mut part = Vec::new();
            for entry in self.snapshot.iter(table) {
                let (key, value) = entry.into_inner()?;
                let mut encoder = Encoder::new(&mut part);
                let begun = if encoder.writer().is_empty() {
                    encoder.str(name)
                } else {
                    Ok(&mut encoder)
                };
                let written = begun
                    .and_then(|e| e.bytes(&key))
                    .and_then(|e| e.bytes(&value));
                debug_assert!(written.is_ok(), "writing to memory does not fail");
                if ends_part(&key) || part.len() >= PART_BYTES_MAX {
                    each(&part).map_err(ExportError::Write)?;
                    part.clear();
                }
            }
            if !part.is_empty() {
                each(&part).map_err(ExportError::Write)?;
            }
        }
        Ok(())
    }
}

fn ends_part(key: &[u8]) -> bool {
    let hash = blake3::hash(key);
    let start = hash.as_bytes().first_chunk().copied();
    start.is_some_and(|start| u64::from_le_bytes(start).is_multiple_of(KEYS_IN_PART))
}

/// A new database, filled with parts.
pub struct Import {
    database: Database,
}

impl Import {
    /// Makes an empty database in a folder.
    ///
    /// # Errors
    /// [`ExportError::Storage`].
    pub fn create(folder: &Path) -> Result<Self, ExportError> {
        let database = Database::builder(folder).worker_threads(1).open()?;
        Ok(Self { database })
    }

    /// Adds a part. Parts must come in the order in which [`Export::parts`] gave them.
    ///
    /// # Errors
    /// [`ExportError::Part`], [`ExportError::Storage`].
    pub fn part(&mut self, part: &[u8]) -> Result<(), ExportError> {
        let mut decoder = Decoder::new(part);
        let name = decoder.str().map_err(|_| ExportError::Part)?;
        let known = 1..=255;
        if !known.contains(&name.len()) {
            return Err(ExportError::Part);
        }
        let table = self
            .database
            .keyspace(name, KeyspaceCreateOptions::default)?;
        // Straight into table files: the journal never sees the people's keys, which erasing could
        // not reach there.
        let mut rows = table.start_ingestion()?;
        let mut last: Option<&[u8]> = None;
        while decoder.position() < part.len() {
            let key = decoder.bytes().map_err(|_| ExportError::Part)?;
            let value = decoder.bytes().map_err(|_| ExportError::Part)?;
            if key.is_empty() || last.is_some_and(|last| last >= key) {
                return Err(ExportError::Part);
            }
            rows.write(key, value)?;
            last = Some(key);
        }
        Ok(rows.finish()?)
    }

    /// Makes it durable and closes it.
    ///
    /// # Errors
    /// [`ExportError::Storage`].
    pub fn finish(self) -> Result<(), ExportError> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(export: &Export) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        export
            .parts(|part| {
                parts.push(part.to_vec());
                Ok(())
            })
            .unwrap();
        parts
    }

    fn filled(folder: &Path, rows: u64) -> Database {
        let database = Database::builder(folder).worker_threads(1).open().unwrap();
        for name in ["b", "a"] {
            let table = database
                .keyspace(name, KeyspaceCreateOptions::default)
                .unwrap();
            for row in 0..rows {
                table.insert(row.to_be_bytes(), row.to_string()).unwrap();
            }
        }
        database
    }

    #[test]
    fn what_was_exported_comes_back_and_little_changes_with_little() {
        let folder = tempfile::tempdir().unwrap();
        let database = filled(&folder.path().join("from"), 60_000);
        let first = parts(&Export::of(&database).unwrap());
        assert!(first.len() > 4, "{} parts", first.len());

        let copy = folder.path().join("to");
        let mut import = Import::create(&copy).unwrap();
        first.iter().for_each(|part| import.part(part).unwrap());
        import.finish().unwrap();
        assert_eq!(parts(&Export::open(&copy).unwrap()), first);

        let table = database
            .keyspace("a", KeyspaceCreateOptions::default)
            .unwrap();
        table.insert(7_u64.to_be_bytes(), "other").unwrap();
        let second = parts(&Export::of(&database).unwrap());
        let changed = second.iter().filter(|part| !first.contains(part)).count();
        assert_eq!((second.len(), changed), (first.len(), 1));
    }

    #[test]
    fn an_export_is_of_one_moment() {
        let folder = tempfile::tempdir().unwrap();
        let database = filled(folder.path(), 10);
        let export = Export::of(&database).unwrap();
        let before = parts(&export);
        let table = database
            .keyspace("a", KeyspaceCreateOptions::default)
            .unwrap();
        table.insert([0; 8], "other").unwrap();
        table.remove([0, 0, 0, 0, 0, 0, 0, 3]).unwrap();
        assert_eq!(parts(&export), before);
        assert_ne!(parts(&Export::of(&database).unwrap()), before);
        assert!(matches!(
            Export::open(folder.path()),
            Err(ExportError::InUse)
        ));
    }

    #[test]
    fn what_is_no_part_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = filled(&folder.path().join("from"), 3);
        let good = parts(&Export::of(&database).unwrap()).remove(0);
        let mut import = Import::create(&folder.path().join("to")).unwrap();
        let unsorted = [good.as_slice(), &good[2..]].concat();
        for bad in [&[][..], &[0xff], &good[..good.len() - 1], &unsorted] {
            assert!(matches!(import.part(bad), Err(ExportError::Part)));
        }
    }
}
