//! The entries on disk: sorted runs, ingested whole into a fjall database.
//!
//! An ingested table is synced, with its folder and the list of tables, before `finish` returns
//! (lsm-tree 3.1: `table::Writer::finish`, `version::persist_version`), so a run is durable then. The
//! four indexes are ingested one after the other; a crash in between leaves some of them ahead of
//! the recorded position, and ingesting the same entries again changes nothing.

use std::ops::{Bound, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, FilterPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};

use crate::StoreError;
use crate::entry::{Entry, Group, Landmark, Link};
use crate::folder::Folder;
use crate::tail::Part;

const BLOCK_BYTES: u32 = 4 * 1024;
/// Tables of this size, merged when there are so many new ones. See `docs/DATA.md` for what was
/// measured.
const TABLE_BYTES: u64 = 64 * 1024 * 1024;
const NEW_TABLES_MAX: u8 = 8;
/// A run waits while an index has more tables than this that are not merged yet.
const UNMERGED_MAX: usize = 64;

/// The runs of all indexes.
pub(crate) struct Runs {
    folder: Folder,
    numbers: Keyspace,
    story: Keyspace,
    entries: Keyspace,
    landmarks: Keyspace,
    database: Database,
}

impl Runs {
    pub fn open(folder: Folder, cache_bytes: u64) -> Result<Self, StoreError> {
        // The storage engine takes some of what it finds on disk for granted.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            // One worker: with more, one of them spins while another merges (fjall 3.1,
            // `worker_tick`).
            let builder = Database::builder(folder.index()).cache_size(cache_bytes);
            let database = builder.worker_threads(1).open()?;
            let options = || {
                // Every question is a range, which Bloom filters of keys do not help.
                KeyspaceCreateOptions::default()
                    .filter_policy(FilterPolicy::disabled())
                    .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
                    .compaction_strategy(Arc::new(
                        Leveled::default()
                            .with_table_target_size(TABLE_BYTES)
                            .with_l0_threshold(NEW_TABLES_MAX),
                    ))
            };
            let [numbers, story, entries, landmarks] =
                ["numbers", "story", "entries", "landmarks"].map(|name| database.keyspace(name, options));
            Ok((numbers?, story?, entries?, landmarks?, database))
        }));
        let (numbers, story, entries, landmarks, database) = opened
            .map_err(|_| folder.wrong("has a damaged index"))?
            .map_err(|source| folder.storage(source))?;
        Ok(Self { folder, numbers, story, entries, landmarks, database })
    }

    /// Writes a part's entries, durably. They can be found once it returns.
    pub fn ingest(&self, part: &Part) -> Result<(), StoreError> {
        self.ingest_one(&self.numbers, &part.numbers.merged())?;
        self.ingest_one(&self.story, &part.story.merged())?;
        self.ingest_one(&self.entries, &part.entries.merged())?;
        self.ingest_one(&self.landmarks, &part.landmarks.merged())
    }

    fn ingest_one<E: Entry>(&self, keyspace: &Keyspace, rows: &[E]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        while keyspace.l0_table_count() > UNMERGED_MAX {
            std::thread::sleep(Duration::from_millis(10));
            // Fails once the thread that merges has died.
            let alive = self.database.persist(PersistMode::Buffer);
            alive.map_err(|source| self.folder.storage(source))?;
        }
        let write = || {
            let mut ingestion = keyspace.start_ingestion()?;
            for row in rows {
                ingestion.write(row.key(), row.value())?;
            }
            ingestion.finish()
        };
        write().map_err(|source| self.folder.storage(source))
    }

    /// The hashes of all numbers, for the filter. Sees what was ingested before the call.
    pub fn hashes(&self) -> impl Iterator<Item = Result<u128, StoreError>> + Send + 'static {
        let folder = self.folder.clone();
        self.numbers.range::<Slice, _>(..).map(move |guard| {
            let key = guard.key().map_err(|source| folder.storage(source))?;
            let link = u128::read(&key).ok_or_else(|| folder.wrong("has a damaged index"))?;
            Ok(link.0)
        })
    }

    /// About how many numbers there are.
    pub fn numbers_len(&self) -> u64 {
        u64::try_from(self.numbers.approximate_len()).unwrap_or(u64::MAX)
    }

    /// All that has this hash, of events before `to`, oldest first.
    pub fn numbers(&self, hash: u128, to: u64) -> Result<Vec<Link<u128>>, StoreError> {
        self.range(&self.numbers, hash.key(0)..hash.key(to)).collect()
    }

    /// What goes on with an order or transfer, of events before `to`, oldest first.
    pub fn story(&self, begun: u64, to: u64) -> Result<Vec<Link<u64>>, StoreError> {
        self.range(&self.story, begun.key(0)..begun.key(to)).collect()
    }

    /// An account's entries from event `from` to before `to`.
    pub fn entries(
        &self,
        account: u64,
        from: u64,
        to: u64,
    ) -> impl DoubleEndedIterator<Item = Result<Link<u64>, StoreError>> + use<> {
        self.range(&self.entries, account.key(from)..account.key(to.max(from)))
    }

    /// The last landmark of an event from `from` to `to`, both included.
    pub fn last_landmark(&self, from: u64, to: u64) -> Result<Option<Landmark>, StoreError> {
        if to < from {
            return Ok(None);
        }
        let keys = Landmark::key_of(from)..=Landmark::key_of(to);
        self.range(&self.landmarks, keys).next_back().transpose()
    }

    /// The first landmark of an event after `after` and before `to`.
    pub fn next_landmark(&self, after: u64, to: u64) -> Result<Option<Landmark>, StoreError> {
        if to <= after.saturating_add(1) {
            return Ok(None);
        }
        let from = Bound::Excluded(Landmark::key_of(after));
        let keys = (from, Bound::Excluded(Landmark::key_of(to)));
        self.range(&self.landmarks, keys).next().transpose()
    }

    fn range<E: Entry, K: RangeBounds<Slice>>(
        &self,
        keyspace: &Keyspace,
        keys: K,
    ) -> impl DoubleEndedIterator<Item = Result<E, StoreError>> + use<E, K> {
        let folder = self.folder.clone();
        keyspace.range(keys).map(move |guard| {
            let (key, value) = guard.into_inner().map_err(|source| folder.storage(source))?;
            E::read(&key, &value).ok_or_else(|| folder.wrong("has a damaged index"))
        })
    }
}

impl Runs {
    pub fn describe(&self) -> String {
        [&self.numbers, &self.story, &self.entries, &self.landmarks].map(|k| format!("{} tables {} l0 {} MiB {}", k.name(), k.table_count(), k.l0_table_count(), k.disk_space() >> 20)).join("; ")
            + &format!(" compacting {:?}", self.database.time_compacting())
    }
}
