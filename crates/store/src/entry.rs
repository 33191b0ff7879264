//! Index entries: what they hold, how they lie on disk, and which ones an event gets.
//!
//! Integers are big endian, so that bytes sort as numbers do. A *record* is what the storage engine
//! sees; its cost is by the record, so entries that are asked for together share one.
//!
//! | index | key | value |
//! | --- | --- | --- |
//! | `numbers` | hash of scope and number (16) ‖ event (8) | address (8) |
//! | `entries` | account code (8) ‖ first event (8) | address of the first (8), then for up to 63 further events of the account: event (8) ‖ address (8) |
//! | `story` | event that began the order or transfer, without its low 6 bits (8) ‖ least event (8) | for each event: those 6 bits (1) ‖ event (8) ‖ address (8) |
//! | `landmarks` | event (8) | address (8) ‖ time in ms (8) |

use feiqian_core::limits::NUMBER_CHARS_MAX;
use feiqian_core::numbers::Key;
use feiqian_core::{Account, Event, EventNumber, UnixMillis};
use feiqian_log::Address;
use fjall::Slice;

/// Within a batch, every so many events one is a landmark; so is the first.
pub(crate) const LANDMARK_EVERY: usize = 32;
/// Most entries of an account in one record.
const ACCOUNT_RECORD_MAX: usize = 64;
/// Orders that began within so many events share a record: 6 bits.
const STORY_RECORD_SPAN: u64 = 64;

/// One entry of an index.
pub(crate) trait Entry: Copy + Ord + Send + Sync + 'static {
    /// Whether it goes into the record of the sorted entries before it, never none.
    fn joins(&self, record: &[Self]) -> bool;
    /// Key and value of a record.
    fn record(entries: &[Self]) -> (Slice, Slice);
    /// The entries of a record, in order; none for bytes that are no record.
    fn entries(key: &[u8], value: &[u8], into: &mut Vec<Self>) -> Option<()>;
}

/// Cuts sorted entries into records.
pub(crate) fn for_each_record<E: Entry, X>(
    mut entries: &[E],
    mut each: impl FnMut(Slice, Slice) -> Result<(), X>,
) -> Result<(), X> {
    while !entries.is_empty() {
        let joins = |end: usize| {
            entries
                .get(end)
                .is_some_and(|next| next.joins(&entries[..end]))
        };
        let mut end = 1;
        while joins(end) {
            end += 1;
        }
        let (record, rest) = entries.split_at(end);
        let (key, value) = E::record(record);
        each(key, value)?;
        entries = rest;
    }
    Ok(())
}

/// An event of a group. Sorted by group, then event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link<G> {
    pub group: G,
    pub event: u64,
    pub address: u64,
}

/// Groups the events that use up a number: its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hash(pub u128);

/// Groups what goes on with an order or transfer: the event that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Begun(pub u64);

/// Groups an account's events: the account's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner(pub u64);

impl Hash {
    pub fn key(self, event: u64) -> Slice {
        let mut key = [0; 24];
        key[..16].copy_from_slice(&self.0.to_be_bytes());
        key[16..].copy_from_slice(&event.to_be_bytes());
        Slice::from(&key[..])
    }

    pub fn of_key(key: &[u8]) -> Option<Self> {
        let (hash, event) = key.split_first_chunk()?;
        (event.len() == 8).then_some(Self(u128::from_be_bytes(*hash)))
    }
}

impl Begun {
    pub fn key(self, event: u64) -> Slice {
        two(self.0 / STORY_RECORD_SPAN, event)
    }
}

impl Owner {
    pub fn key(self, event: u64) -> Slice {
        two(self.0, event)
    }
}

impl Entry for Link<Hash> {
    fn joins(&self, _: &[Self]) -> bool {
        false
    }

    fn record(entries: &[Self]) -> (Slice, Slice) {
        let first = entries[0];
        (first.group.key(first.event), one(first.address))
    }

    fn entries(key: &[u8], value: &[u8], into: &mut Vec<Self>) -> Option<()> {
        let (group, event) = (Hash::of_key(key)?, number(&key[16..])?);
        into.push(Self {
            group,
            event,
            address: number(value)?,
        });
        Some(())
    }
}

impl Entry for Link<Owner> {
    fn joins(&self, record: &[Self]) -> bool {
        self.group == record[0].group && record.len() < ACCOUNT_RECORD_MAX
    }

    fn record(entries: &[Self]) -> (Slice, Slice) {
        let (first, further) = (entries[0], &entries[1..]);
        let key = first.group.key(first.event);
        if further.is_empty() {
            return (key, one(first.address));
        }
        let mut value = Vec::with_capacity(entries.len() * 16);
        value.extend_from_slice(&first.address.to_be_bytes());
        for Self { event, address, .. } in further {
            value.extend_from_slice(&event.to_be_bytes());
            value.extend_from_slice(&address.to_be_bytes());
        }
        (key, Slice::from(value))
    }

    fn entries(key: &[u8], value: &[u8], into: &mut Vec<Self>) -> Option<()> {
        let (group, event) = key.split_at_checked(8)?;
        let (group, event) = (Owner(number(group)?), number(event)?);
        let (address, further) = value.split_at_checked(8)?;
        into.push(Self {
            group,
            event,
            address: number(address)?,
        });
        for bytes in further.chunks(16) {
            let (event, address) = bytes.split_at_checked(8)?;
            into.push(Self {
                group,
                event: number(event)?,
                address: number(address)?,
            });
        }
        Some(())
    }
}

impl Entry for Link<Begun> {
    fn joins(&self, record: &[Self]) -> bool {
        self.group.0 / STORY_RECORD_SPAN == record[0].group.0 / STORY_RECORD_SPAN
    }

    fn record(entries: &[Self]) -> (Slice, Slice) {
        let least = entries.iter().map(|entry| entry.event).min().unwrap_or(0);
        let mut value = Vec::with_capacity(entries.len() * 17);
        for Self {
            group,
            event,
            address,
        } in entries
        {
            value.push(group.0.to_be_bytes()[7] % STORY_RECORD_SPAN.to_be_bytes()[7]);
            value.extend_from_slice(&event.to_be_bytes());
            value.extend_from_slice(&address.to_be_bytes());
        }
        (entries[0].group.key(least), Slice::from(value))
    }

    fn entries(key: &[u8], value: &[u8], into: &mut Vec<Self>) -> Option<()> {
        let (span, least) = key.split_at_checked(8)?;
        let (span, _) = (number(span)?, number(least)?);
        for bytes in value.chunks(17) {
            let (low, rest) = bytes.split_first()?;
            let (event, address) = rest.split_at_checked(8)?;
            let group = Begun(
                span.checked_mul(STORY_RECORD_SPAN)?
                    .checked_add(u64::from(*low))?,
            );
            into.push(Self {
                group,
                event: number(event)?,
                address: number(address)?,
            });
        }
        Some(())
    }
}

/// Where an event lies, and when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Landmark {
    pub event: u64,
    pub address: u64,
    pub at: UnixMillis,
}

impl Landmark {
    pub fn key(event: u64) -> Slice {
        one(event)
    }
}

impl Entry for Landmark {
    fn joins(&self, _: &[Self]) -> bool {
        false
    }

    fn record(entries: &[Self]) -> (Slice, Slice) {
        let Self { event, address, at } = entries[0];
        (
            one(event),
            two(address, u64::from_be_bytes(at.0.to_be_bytes())),
        )
    }

    fn entries(key: &[u8], value: &[u8], into: &mut Vec<Self>) -> Option<()> {
        let (address, at) = value.split_at_checked(8)?;
        let at = UnixMillis(i64::from_be_bytes(number(at)?.to_be_bytes()));
        into.push(Self {
            event: number(key)?,
            address: number(address)?,
            at,
        });
        Some(())
    }
}

fn one(number: u64) -> Slice {
    Slice::from(&number.to_be_bytes()[..])
}

fn two(first: u64, second: u64) -> Slice {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes[8..].copy_from_slice(&second.to_be_bytes());
    Slice::from(&bytes[..])
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// First 16 bytes of the BLAKE3 hash of scope code (8, big endian) and number.
pub(crate) fn hash(key: &Key) -> Hash {
    let number = key.number.as_str().as_bytes();
    // Hashed in one piece: that is twice as fast as a hasher that is told in two.
    let mut input = [0; 8 + NUMBER_CHARS_MAX];
    input[..8].copy_from_slice(&key.scope.code().to_be_bytes());
    input[8..8 + number.len()].copy_from_slice(number);
    let hash = blake3::hash(&input[..8 + number.len()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Hash(u128::from_be_bytes(bytes))
}

/// All entries of a batch, each kind sorted.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub numbers: Vec<Link<Hash>>,
    pub story: Vec<Link<Begun>>,
    pub entries: Vec<Link<Owner>>,
    pub landmarks: Vec<Landmark>,
}

impl Rows {
    pub fn of(first: u64, events: &[(Address, Event)], hash: fn(&Key) -> Hash) -> Self {
        let mut rows = Self::default();
        for (index, (event, (address, content))) in (first..).zip(events).enumerate() {
            rows.add(event, address.0, content, hash);
            if index.is_multiple_of(LANDMARK_EVERY) {
                rows.landmarks.push(Landmark {
                    event,
                    address: address.0,
                    at: content.at(),
                });
            }
        }
        rows.numbers.sort_unstable();
        rows.story.sort_unstable();
        rows.entries.sort_unstable();
        rows
    }

    fn add(&mut self, event: u64, address: u64, content: &Event, hash: fn(&Key) -> Hash) {
        if let Some((key, _)) = content.named(EventNumber(event)) {
            self.numbers.push(Link {
                group: hash(&key),
                event,
                address,
            });
        }
        if let Some(group) = begun_by(content) {
            self.story.push(Link {
                group,
                event,
                address,
            });
        }
        let start = self.entries.len();
        for account in touched(content) {
            let entry = Link {
                group: Owner(account.code()),
                event,
                address,
            };
            if !self.entries[start..].contains(&entry) {
                self.entries.push(entry);
            }
        }
    }
}

/// The event that began the order or transfer which this event goes on with.
pub(crate) fn begun_by(content: &Event) -> Option<Begun> {
    let order = content.order().map(|order| order.0);
    let begun = order.or_else(|| content.transfer().map(|transfer| transfer.0));
    begun.map(|begun| Begun(begun.0))
}

/// The accounts in whose history an event stands, perhaps more than once each.
pub(crate) fn touched(content: &Event) -> impl Iterator<Item = Account> {
    let postings = content
        .postings()
        .into_iter()
        .flat_map(|postings| postings.iter());
    postings
        .flat_map(|posting| [posting.debit, posting.credit])
        .filter(|account| match account {
            Account::Wallet(_)
            | Account::Merchant(_)
            | Account::Transit(_)
            | Account::BankReserve(_) => true,
            Account::FeeIncome(_) => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts sorted entries into records and reads them back; gives the number of records.
    fn there_and_back<E: Entry + std::fmt::Debug>(entries: &[E]) -> usize {
        assert!(entries.is_sorted());
        let mut records: Vec<(Slice, Slice)> = Vec::new();
        for_each_record(entries, |key, value| {
            records.push((key, value));
            Ok::<_, ()>(())
        })
        .unwrap();
        assert!(
            records.is_sorted_by(|a, b| a.0 < b.0),
            "keys ascend and differ"
        );
        let mut back = Vec::new();
        for (key, value) in &records {
            E::entries(key, value, &mut back).unwrap();
            let mut wrong = Vec::new();
            assert_eq!(E::entries(&key[1..], value, &mut wrong), None);
            assert_eq!(E::entries(key, &value[1..], &mut wrong), None);
        }
        assert_eq!(back, entries);
        records.len()
    }

    fn links<G: Copy + Ord>(groups: impl IntoIterator<Item = G>) -> Vec<Link<G>> {
        let numbered = groups.into_iter().zip(u64::MAX - 1_000..);
        let link = |(group, event)| Link {
            group,
            event,
            address: event / 7,
        };
        let mut links: Vec<_> = numbered.map(link).collect();
        links.sort_unstable();
        links
    }

    #[test]
    fn entries_come_back_from_their_records() {
        let hashes = [0, 1, 1 << 64, u128::MAX].into_iter().cycle().take(40);
        assert_eq!(there_and_back(&links(hashes.map(Hash))), 40);

        let mostly_one = (0..200).map(|n| Owner(if n % 10 == 0 { n } else { 7 }));
        assert_eq!(there_and_back(&links(mostly_one)), 20 + 3);
        assert_eq!(there_and_back(&links([0, u64::MAX, 5].map(Owner))), 3);

        // Follow-ups come in another order than the orders did.
        let begun = (0..200).map(|n| Begun(n * 7_919 % 200));
        assert_eq!(there_and_back(&links(begun)), 4);
        assert_eq!(
            there_and_back(&links([Begun(u64::MAX), Begun(u64::MAX - 1)])),
            1
        );

        let landmark = |event| Landmark {
            event,
            address: 9,
            at: UnixMillis(-3),
        };
        assert_eq!(there_and_back(&[0, 255, 256, u64::MAX].map(landmark)), 4);
    }
}
