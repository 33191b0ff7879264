//! The entries on disk: sorted runs, ingested whole into a fjall database.
//!
//! An ingested table is synced, with its folder and the list of tables, before `finish` returns
//! (lsm-tree 3.1: `table::Writer::finish`, `version::persist_version`), so a run is durable then. The
//! four indexes are ingested one after the other; a crash in between leaves some of them ahead of
//! the recorded position, and ingesting the same entries again changes nothing.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, FilterPolicy};
use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};

use crate::StoreError;
use crate::entry::{Begun, Entry, Hash, Landmark, Link, Owner, for_each_record};
use crate::folder::Folder;
use crate::tail::Part;

const BLOCK_BYTES: u32 = 4 * 1024;
const TABLE_BYTES: u64 = 64 * 1024 * 1024;
/// Runs of an index are merged when there are so many. Each one costs a question some 5 to 10 µs; with
/// half as many, merging takes twice the time of the processor, and it is the largest cost already.
const NEW_TABLES_MAX: u8 = 8;
/// Writing waits while an index has more runs than this that are not merged yet: 13 minutes of the
/// highest load if nothing was merged meanwhile.
const UNMERGED_MAX: usize = 400;

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
            let [numbers, story, entries, landmarks] = ["numbers", "story", "entries", "landmarks"]
                .map(|name| database.keyspace(name, options));
            Ok((numbers?, story?, entries?, landmarks?, database))
        }));
        let (numbers, story, entries, landmarks, database) = opened
            .map_err(|_| folder.wrong("has a damaged index"))?
            .map_err(|source| folder.storage(source))?;
        Ok(Self {
            folder,
            numbers,
            story,
            entries,
            landmarks,
            database,
        })
    }

    /// Writes a part's entries, durably. They can be found once it returns.
    pub fn ingest(&self, part: &Part) -> Result<(), StoreError> {
        self.ingest_one(&self.numbers, &part.numbers.merged())?;
        self.ingest_one(&self.story, &part.story.merged())?;
        self.ingest_one(&self.entries, &part.entries.merged())?;
        self.ingest_one(&self.landmarks, &part.landmarks.merged())
    }

    fn ingest_one<E: Entry>(&self, keyspace: &Keyspace, entries: &[E]) -> Result<(), StoreError> {
        if entries.is_empty() {
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
            for_each_record(entries, |key, value| ingestion.write(key, value))?;
            ingestion.finish()
        };
        write().map_err(|source| self.folder.storage(source))
    }

    /// The hashes of all numbers, for the filter. Sees what was ingested before the call.
    pub fn hashes(&self) -> impl Iterator<Item = Result<Hash, StoreError>> + Send + 'static {
        let folder = self.folder.clone();
        self.numbers.range::<Slice, _>(..).map(move |guard| {
            let key = guard.key().map_err(|source| folder.storage(source))?;
            Hash::of_key(&key).ok_or_else(|| folder.wrong("has a damaged index"))
        })
    }

    /// About how many numbers there are.
    pub fn numbers_len(&self) -> u64 {
        u64::try_from(self.numbers.approximate_len()).unwrap_or(u64::MAX)
    }

    /// All that has this hash, of events before `to`, oldest first.
    pub fn numbers(&self, hash: Hash, to: u64) -> Result<Vec<Link<Hash>>, StoreError> {
        let mut found = Vec::new();
        for record in self.numbers.range(hash.key(0)..hash.key(to)) {
            self.read(record, &mut found)?;
        }
        Ok(found)
    }

    /// What goes on with an order or transfer, of events before `to`, oldest first.
    pub fn story(&self, begun: Begun, to: u64) -> Result<Vec<Link<Begun>>, StoreError> {
        let mut found: Vec<Link<Begun>> = Vec::new();
        for record in self.story.range(begun.key(0)..begun.key(to)) {
            self.read(record, &mut found)?;
        }
        found.retain(|link| link.group == begun && link.event < to);
        // The same entries lie in two records when a run was ingested again with another end.
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// An account's last `limit` entries of events before `to`, newest first.
    pub fn last_entries(
        &self,
        account: Owner,
        to: u64,
        limit: usize,
    ) -> Result<Vec<Link<Owner>>, StoreError> {
        let mut found: Vec<Link<Owner>> = Vec::new();
        let mut record_entries: Vec<Link<Owner>> = Vec::new();
        let mut before = to;
        for record in self.entries.range(account.key(0)..account.key(to)).rev() {
            self.read(record, &mut record_entries)?;
            while let Some(link) = record_entries.pop() {
                if found.len() == limit {
                    return Ok(found);
                }
                // As for stories, records may overlap.
                if link.event < before {
                    before = link.event;
                    found.push(link);
                }
            }
        }
        Ok(found)
    }

    /// An account's entries from event `from` to before `to`, oldest first.
    pub fn entries_between(
        &self,
        account: Owner,
        from: u64,
        to: u64,
    ) -> Result<impl Iterator<Item = Result<Link<Owner>, StoreError>>, StoreError> {
        let mut record_entries: Vec<Link<Owner>> = Vec::new();
        // The record that `from` lies in may begin before it.
        if let Some(record) = self
            .entries
            .range(account.key(0)..=account.key(from))
            .next_back()
        {
            self.read(record, &mut record_entries)?;
        }
        let start = record_entries.first().map_or(from, |first| first.event);
        let mut next = from;
        let records = self
            .entries
            .range(account.key(start)..account.key(to.max(start)));
        Ok(records.flat_map(move |record| {
            let mut found: Vec<Link<Owner>> = Vec::new();
            let read = self.read(record, &mut found);
            // As for stories, records may overlap.
            found.retain(|link| next <= link.event && link.event < to);
            next = found
                .last()
                .map_or(next, |last| last.event.saturating_add(1));
            found.into_iter().map(Ok).chain(read.err().map(Err))
        }))
    }

    /// The last landmark of an event from `from` to `to`, both included.
    pub fn last_landmark(&self, from: u64, to: u64) -> Result<Option<Landmark>, StoreError> {
        if to < from {
            return Ok(None);
        }
        let keys = Landmark::key(from)..=Landmark::key(to);
        self.landmark(self.landmarks.range(keys).next_back())
    }

    /// The first landmark of an event after `after` and before `to`.
    pub fn next_landmark(&self, after: u64, to: u64) -> Result<Option<Landmark>, StoreError> {
        if to <= after.saturating_add(1) {
            return Ok(None);
        }
        let from = Bound::Excluded(Landmark::key(after));
        let keys = (from, Bound::Excluded(Landmark::key(to)));
        self.landmark(self.landmarks.range(keys).next())
    }

    fn landmark(&self, record: Option<Guard>) -> Result<Option<Landmark>, StoreError> {
        let mut found = Vec::new();
        record.map_or(Ok(()), |record| self.read(record, &mut found))?;
        Ok(found.pop())
    }

    fn read<E: Entry>(&self, record: Guard, into: &mut Vec<E>) -> Result<(), StoreError> {
        let (key, value) = record
            .into_inner()
            .map_err(|source| self.folder.storage(source))?;
        E::entries(&key, &value, into).ok_or_else(|| self.folder.wrong("has a damaged index"))
    }
}
