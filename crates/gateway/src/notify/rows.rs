//! What is to be sent, on disk: the fjall database `DIR/notify`.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `meta` | `position` | the event up to which the log was followed (8) |
//! | `pending` | event (8) | [`Row`], CBOR |
//! | `due` | endpoint (8) ‖ due, Unix milliseconds (8) ‖ event (8) | nothing |
//! | `dead` | event (8) | [`Row`], CBOR |
//!
//! Integers are big endian. An event has at most one notice, so its number names the notice. Changes
//! are written in batches that happen whole or not at all, and reach the operating system before they
//! count: a killed process loses nothing. A crash of the machine may lose the newest ones, together
//! with the position, so they are found in the log again.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use feiqian_core::EventNumber;
use feiqian_core::order::create::NotifyForm;
use feiqian_store::export::{Export, ExportError};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use minicbor::{Decode, Encode};

use super::NotifyError;

const CACHE_BYTES: u64 = 16 * 1024 * 1024;
const POSITION: &str = "position";

/// What kind of thing a notice tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum NoticeKind {
    /// An order was paid.
    #[n(0)]
    OrderPaid,
    /// A refund was given.
    #[n(1)]
    OrderRefunded,
}

/// A notice to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Row {
    /// What it tells of.
    #[n(0)]
    pub kind: NoticeKind,
    /// Where it is posted.
    #[n(1)]
    pub url: String,
    /// In which API's form.
    #[n(2)]
    pub form: NotifyForm,
    /// How often it was tried.
    #[n(3)]
    pub tries: u32,
    /// When it is tried next, or when it was given up; Unix milliseconds.
    #[n(4)]
    pub due: i64,
    /// What was wrong the last time.
    #[n(5)]
    pub last_error: Option<String>,
}

/// An endpoint: the first 8 bytes of the SHA-256 of scheme, host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Endpoint(u64);

impl Endpoint {
    /// Of an address; all that are none share one.
    pub fn of(url: &str) -> Self {
        let origin = reqwest::Url::parse(url).map(|url| url.origin().ascii_serialization());
        let hash = digest(&SHA256, origin.unwrap_or_default().as_bytes());
        Self(
            hash.as_ref()
                .first_chunk()
                .map_or(0, |first| u64::from_be_bytes(*first)),
        )
    }
}

/// A row's place in its endpoint's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub endpoint: Endpoint,
    pub due: i64,
    pub event: EventNumber,
}

impl Place {
    fn key(self) -> [u8; 24] {
        let mut key = [0; 24];
        key[..8].copy_from_slice(&self.endpoint.0.to_be_bytes());
        key[8..16].copy_from_slice(&self.due.to_be_bytes());
        key[16..].copy_from_slice(&self.event.0.to_be_bytes());
        key
    }

    fn read(key: &[u8]) -> Result<Self, NotifyError> {
        let (endpoint, rest) = key.split_first_chunk().ok_or(NotifyError::Damaged)?;
        let (due, rest) = rest.split_first_chunk().ok_or(NotifyError::Damaged)?;
        Ok(Self {
            endpoint: Endpoint(u64::from_be_bytes(*endpoint)),
            due: i64::from_be_bytes(*due),
            event: read_event(rest)?,
        })
    }
}

/// The database.
pub(super) struct Rows {
    database: Database,
    meta: Keyspace,
    pending: Keyspace,
    due: Keyspace,
    dead: Keyspace,
    pending_count: AtomicU64,
    dead_count: AtomicU64,
}

impl Rows {
    pub fn open(folder: &Path) -> Result<Self, NotifyError> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .open()?;
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        let (pending, dead) = (keyspace("pending")?, keyspace("dead")?);
        Ok(Self {
            meta: keyspace("meta")?,
            due: keyspace("due")?,
            pending_count: AtomicU64::new(pending.len()? as u64),
            dead_count: AtomicU64::new(dead.len()? as u64),
            pending,
            dead,
            database,
        })
    }

    /// All of it as it is now, for a backup.
    pub fn export(&self) -> Result<Export, ExportError> {
        Export::of(&self.database)
    }

    pub fn pending_count(&self) -> u64 {
        self.pending_count.load(Ordering::Relaxed)
    }

    pub fn dead_count(&self) -> u64 {
        self.dead_count.load(Ordering::Relaxed)
    }

    /// Up to where the log was followed; none before the first time.
    pub fn position(&self) -> Result<Option<EventNumber>, NotifyError> {
        self.meta
            .get(POSITION)?
            .map(|bytes| read_event(&bytes))
            .transpose()
    }

    /// Adds rows of events before `position`, which all were looked at.
    pub fn add(
        &self,
        rows: &[(EventNumber, Row)],
        position: EventNumber,
    ) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        for (event, row) in rows {
            self.put(&mut batch, *event, row)?;
        }
        batch.insert(&self.meta, POSITION, position.0.to_be_bytes());
        batch.commit()?;
        self.pending_count
            .fetch_add(rows.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Every endpoint with rows, with its first row's place.
    pub fn endpoints(&self) -> Result<Vec<Place>, NotifyError> {
        let mut found = Vec::new();
        let mut from = Some([0; 24]);
        while let Some(start) = from.take() {
            if let Some(guard) = self.due.range(start..).next() {
                let place = Place::read(&guard.key()?)?;
                found.push(place);
                let next = place.endpoint.0.checked_add(1).map(Endpoint);
                from = next.map(|endpoint| {
                    Place {
                        endpoint,
                        due: 0,
                        event: EventNumber(0),
                    }
                    .key()
                });
            }
        }
        Ok(found)
    }

    /// The first place of an endpoint from `from` on that is none of those under way. Whoever knows
    /// where the queue begins saves stepping over what was removed before.
    pub fn first(&self, from: Place, under_way: &[Place]) -> Result<Option<Place>, NotifyError> {
        for guard in self.due.range(from.key()..) {
            let place = Place::read(&guard.key()?)?;
            if place.endpoint != from.endpoint {
                return Ok(None);
            }
            if !under_way.contains(&place) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The row of a place; none if the place is left over from another time.
    pub fn row(&self, place: Place) -> Result<Option<Row>, NotifyError> {
        let row = self.pending_row(place.event)?;
        Ok(row.filter(|row| row.due == place.due && Endpoint::of(&row.url) == place.endpoint))
    }

    pub fn pending_row(&self, event: EventNumber) -> Result<Option<Row>, NotifyError> {
        self.pending
            .get(event.0.to_be_bytes())?
            .map(|bytes| read_row(&bytes))
            .transpose()
    }

    pub fn dead_row(&self, event: EventNumber) -> Result<Option<Row>, NotifyError> {
        self.dead
            .get(event.0.to_be_bytes())?
            .map(|bytes| read_row(&bytes))
            .transpose()
    }

    /// Removes a place that no row has.
    pub fn forget(&self, place: Place) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        batch.remove(&self.due, place.key());
        Ok(batch.commit()?)
    }

    /// The notice was acknowledged.
    pub fn done(&self, place: Place) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        self.take(&mut batch, place);
        batch.commit()?;
        self.pending_count.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// The notice is to be sent another time: `row` says when.
    pub fn put_off(&self, place: Place, row: &Row) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        batch.remove(&self.due, place.key());
        self.put(&mut batch, place.event, row)?;
        Ok(batch.commit()?)
    }

    /// The notice is out of tries.
    pub fn bury(&self, place: Place, row: &Row) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        self.take(&mut batch, place);
        batch.insert(&self.dead, place.event.0.to_be_bytes(), write_row(row)?);
        batch.commit()?;
        self.pending_count.fetch_sub(1, Ordering::Relaxed);
        self.dead_count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Puts a row, which is not pending, among the pending ones; takes it from the dead ones.
    pub fn revive(&self, event: EventNumber, row: &Row, was_dead: bool) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        batch.remove(&self.dead, event.0.to_be_bytes());
        self.put(&mut batch, event, row)?;
        batch.commit()?;
        self.pending_count.fetch_add(1, Ordering::Relaxed);
        if was_dead {
            self.dead_count.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Rows that are out of tries, newest event first.
    pub fn dead(&self, limit: usize) -> Result<Vec<(EventNumber, Row)>, NotifyError> {
        let read = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            Ok((read_event(&key)?, read_row(&value)?))
        };
        self.dead.iter().rev().take(limit).map(read).collect()
    }

    fn batch(&self) -> OwnedWriteBatch {
        self.database.batch().durability(Some(PersistMode::Buffer))
    }

    fn put(
        &self,
        batch: &mut OwnedWriteBatch,
        event: EventNumber,
        row: &Row,
    ) -> Result<(), NotifyError> {
        let place = Place {
            endpoint: Endpoint::of(&row.url),
            due: row.due,
            event,
        };
        batch.insert(&self.pending, event.0.to_be_bytes(), write_row(row)?);
        batch.insert(&self.due, place.key(), []);
        Ok(())
    }

    fn take(&self, batch: &mut OwnedWriteBatch, place: Place) {
        batch.remove(&self.pending, place.event.0.to_be_bytes());
        batch.remove(&self.due, place.key());
    }
}

fn read_event(bytes: &[u8]) -> Result<EventNumber, NotifyError> {
    let bytes = bytes.try_into().map_err(|_| NotifyError::Damaged)?;
    Ok(EventNumber(u64::from_be_bytes(bytes)))
}

fn read_row(bytes: &[u8]) -> Result<Row, NotifyError> {
    minicbor::decode(bytes).map_err(|_| NotifyError::Damaged)
}

fn write_row(row: &Row) -> Result<Vec<u8>, NotifyError> {
    minicbor::to_vec(row).map_err(|_| NotifyError::Damaged)
}
