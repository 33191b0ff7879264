//! What is to be sent, on disk: the fjall database `DIR/notify`.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `meta` | `position` | the event up to which the log was followed (8) |
//! | `pending` | notice (8 or 9) | [`Row`], CBOR |
//! | `due` | endpoint (8) ‖ due, Unix milliseconds (8) ‖ notice (8 or 9) | nothing |
//! | `dead` | notice (8 or 9) | [`Row`], CBOR |
//!
//! Integers are big endian. A [`NoticeNumber`] is its event's number, and of an event with several notices the
//! place among them behind it. Changes
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
    /// A coupon was used.
    #[n(2)]
    CouponUsed,
    /// A coupon was given.
    #[n(3)]
    CouponGiven,
}

/// Names a notice: what it tells of, and which of that event's notices it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NoticeNumber {
    pub event: EventNumber,
    /// 0 tells of the event itself; from 1 on, of the coupons that it used.
    pub part: u8,
}

/// Events are below this: their notices' numbers have room for the part above it.
const PART_SHIFT: u32 = 56;

impl NoticeNumber {
    /// Of the event itself.
    pub fn of(event: EventNumber) -> Self {
        Self { event, part: 0 }
    }

    /// As one number.
    pub fn whole(self) -> u64 {
        self.event.0 | u64::from(self.part) << PART_SHIFT
    }

    /// From one number.
    pub fn read(whole: u64) -> Self {
        let part = u8::try_from(whole >> PART_SHIFT).unwrap_or_default();
        Self {
            event: EventNumber(whole & ((1 << PART_SHIFT) - 1)),
            part,
        }
    }

    fn key(self) -> Vec<u8> {
        let mut key = self.event.0.to_be_bytes().to_vec();
        key.extend((self.part > 0).then_some(self.part));
        key
    }

    fn from_key(key: &[u8]) -> Result<Self, NotifyError> {
        let (event, part) = key.split_first_chunk().ok_or(NotifyError::Damaged)?;
        let part = match part {
            [] => 0,
            [part] => *part,
            [..] => return Err(NotifyError::Damaged),
        };
        Ok(Self {
            event: EventNumber(u64::from_be_bytes(*event)),
            part,
        })
    }
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
    pub notice: NoticeNumber,
}

impl Place {
    fn key(self) -> Vec<u8> {
        let mut key = self.endpoint.0.to_be_bytes().to_vec();
        key.extend(self.due.to_be_bytes());
        key.extend(self.notice.key());
        key
    }

    fn read(key: &[u8]) -> Result<Self, NotifyError> {
        let (endpoint, rest) = key.split_first_chunk().ok_or(NotifyError::Damaged)?;
        let (due, rest) = rest.split_first_chunk().ok_or(NotifyError::Damaged)?;
        Ok(Self {
            endpoint: Endpoint(u64::from_be_bytes(*endpoint)),
            due: i64::from_be_bytes(*due),
            notice: NoticeNumber::from_key(rest)?,
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
        rows: &[(NoticeNumber, Row)],
        position: EventNumber,
    ) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        for (notice, row) in rows {
            self.put(&mut batch, *notice, row)?;
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
        let mut from = Some(Vec::new());
        while let Some(start) = from.take() {
            if let Some(guard) = self.due.range(start..).next() {
                let place = Place::read(&guard.key()?)?;
                found.push(place);
                let next = place.endpoint.0.checked_add(1).map(Endpoint);
                from = next.map(|endpoint| {
                    Place {
                        endpoint,
                        due: 0,
                        notice: NoticeNumber::of(EventNumber(0)),
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
        let row = self.pending_row(place.notice)?;
        Ok(row.filter(|row| row.due == place.due && Endpoint::of(&row.url) == place.endpoint))
    }

    pub fn pending_row(&self, notice: NoticeNumber) -> Result<Option<Row>, NotifyError> {
        self.pending
            .get(notice.key())?
            .map(|bytes| read_row(&bytes))
            .transpose()
    }

    pub fn dead_row(&self, notice: NoticeNumber) -> Result<Option<Row>, NotifyError> {
        self.dead
            .get(notice.key())?
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
        self.put(&mut batch, place.notice, row)?;
        Ok(batch.commit()?)
    }

    /// The notice is out of tries.
    pub fn bury(&self, place: Place, row: &Row) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        self.take(&mut batch, place);
        batch.insert(&self.dead, place.notice.key(), write_row(row)?);
        batch.commit()?;
        self.pending_count.fetch_sub(1, Ordering::Relaxed);
        self.dead_count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Puts a row, which is not pending, among the pending ones; takes it from the dead ones.
    pub fn revive(
        &self,
        notice: NoticeNumber,
        row: &Row,
        was_dead: bool,
    ) -> Result<(), NotifyError> {
        let mut batch = self.batch();
        batch.remove(&self.dead, notice.key());
        self.put(&mut batch, notice, row)?;
        batch.commit()?;
        self.pending_count.fetch_add(1, Ordering::Relaxed);
        if was_dead {
            self.dead_count.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Rows that are out of tries, newest event first.
    pub fn dead(&self, limit: usize) -> Result<Vec<(NoticeNumber, Row)>, NotifyError> {
        let read = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            Ok((NoticeNumber::from_key(&key)?, read_row(&value)?))
        };
        self.dead.iter().rev().take(limit).map(read).collect()
    }

    /// Rows that are to be sent, in order of their events.
    pub fn waiting(&self, limit: usize) -> Result<Vec<(NoticeNumber, Row)>, NotifyError> {
        let read = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            Ok((NoticeNumber::from_key(&key)?, read_row(&value)?))
        };
        self.pending.iter().take(limit).map(read).collect()
    }

    fn batch(&self) -> OwnedWriteBatch {
        self.database.batch().durability(Some(PersistMode::Buffer))
    }

    fn put(
        &self,
        batch: &mut OwnedWriteBatch,
        notice: NoticeNumber,
        row: &Row,
    ) -> Result<(), NotifyError> {
        let place = Place {
            endpoint: Endpoint::of(&row.url),
            due: row.due,
            notice,
        };
        batch.insert(&self.pending, notice.key(), write_row(row)?);
        batch.insert(&self.due, place.key(), []);
        Ok(())
    }

    fn take(&self, batch: &mut OwnedWriteBatch, place: Place) {
        batch.remove(&self.pending, place.notice.key());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_keeps_its_name_and_its_place_among_others() {
        let notice = |event, part| NoticeNumber {
            event: EventNumber(event),
            part,
        };
        let all = [
            notice(0, 0),
            notice(7, 0),
            notice(7, 1),
            notice(7, 4),
            notice(8, 0),
        ];
        for two in all.windows(2) {
            assert!(two[0] < two[1] && two[0].key() < two[1].key(), "{two:?}");
        }
        for number in all {
            assert_eq!(NoticeNumber::from_key(&number.key()).unwrap(), number);
            assert_eq!(NoticeNumber::read(number.whole()), number);
        }
        // As before an event could have several.
        assert_eq!(notice(7, 0).key(), 7_u64.to_be_bytes());
        assert_eq!(notice(7, 0).whole(), 7);
        assert!(NoticeNumber::from_key(&[0; 10]).is_err());
    }
}
