//! Index entries: what they hold, how they lie on disk, and which ones an event gets.
//!
//! All are of fixed size; integers are big endian, so that bytes sort as numbers do.
//!
//! | index | key | value |
//! | --- | --- | --- |
//! | `numbers` | hash of scope and number (16) ‖ event (8) | address (8) |
//! | `story` | order or transfer, as the event that began it (8) ‖ event (8) | address (8) |
//! | `entries` | account code (8) ‖ event (8) | address (8) |
//! | `landmarks` | event (8) | address (8) ‖ time in ms (8) |

use feiqian_core::numbers::Key;
use feiqian_core::{Account, Event, UnixMillis};
use feiqian_log::Address;
use fjall::Slice;

/// Within a batch, every so many events one is a landmark; so is the first.
pub(crate) const LANDMARK_EVERY: usize = 32;

/// One entry of an index. Its order is that of its key on disk.
pub(crate) trait Entry: Copy + Ord + Send + Sync + 'static {
    fn key(&self) -> Slice;
    fn value(&self) -> Slice;
    /// None for bytes that are no entry.
    fn read(key: &[u8], value: &[u8]) -> Option<Self>;
}

/// What entries are grouped by: a hash, an order, an account.
pub(crate) trait Group: Copy + Ord + Send + Sync + 'static {
    fn key(self, event: u64) -> Slice;
    fn read(key: &[u8]) -> Option<(Self, u64)>;
}

impl Group for u128 {
    fn key(self, event: u64) -> Slice {
        let mut key = [0; 24];
        key[..16].copy_from_slice(&self.to_be_bytes());
        key[16..].copy_from_slice(&event.to_be_bytes());
        Slice::from(&key[..])
    }

    fn read(key: &[u8]) -> Option<(Self, u64)> {
        let (group, event) = key.split_first_chunk()?;
        Some((Self::from_be_bytes(*group), u64_from(event)?))
    }
}

impl Group for u64 {
    fn key(self, event: u64) -> Slice {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.to_be_bytes());
        key[8..].copy_from_slice(&event.to_be_bytes());
        Slice::from(&key[..])
    }

    fn read(key: &[u8]) -> Option<(Self, u64)> {
        let (group, event) = key.split_first_chunk()?;
        Some((Self::from_be_bytes(*group), u64_from(event)?))
    }
}

/// An event of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link<G> {
    pub group: G,
    pub event: u64,
    pub address: u64,
}

impl<G: Group> Entry for Link<G> {
    fn key(&self) -> Slice {
        self.group.key(self.event)
    }

    fn value(&self) -> Slice {
        Slice::from(&self.address.to_be_bytes()[..])
    }

    fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (group, event) = G::read(key)?;
        Some(Self { group, event, address: u64_from(value)? })
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
    pub fn key_of(event: u64) -> Slice {
        Slice::from(&event.to_be_bytes()[..])
    }
}

impl Entry for Landmark {
    fn key(&self) -> Slice {
        Self::key_of(self.event)
    }

    fn value(&self) -> Slice {
        let mut value = [0; 16];
        value[..8].copy_from_slice(&self.address.to_be_bytes());
        value[8..].copy_from_slice(&self.at.0.to_be_bytes());
        Slice::from(&value[..])
    }

    fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (address, at) = value.split_first_chunk()?;
        let at = UnixMillis(i64::from_be_bytes(at.try_into().ok()?));
        Some(Self { event: u64_from(key)?, address: u64::from_be_bytes(*address), at })
    }
}

fn u64_from(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// First 16 bytes of the BLAKE3 hash of scope code (8, big endian) and number.
pub(crate) fn hash(key: &Key) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.scope.code().to_be_bytes());
    hasher.update(key.number.as_str().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_be_bytes(bytes)
}

/// All entries of a batch, each kind sorted.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub numbers: Vec<Link<u128>>,
    pub story: Vec<Link<u64>>,
    pub entries: Vec<Link<u64>>,
    pub landmarks: Vec<Landmark>,
}

impl Rows {
    pub fn of(first: u64, events: &[(Address, Event)], hash: fn(&Key) -> u128) -> Self {
        let mut rows = Self::default();
        for (index, (event, (address, content))) in (first..).zip(events).enumerate() {
            rows.add(event, address.0, content, hash);
            if index.is_multiple_of(LANDMARK_EVERY) {
                rows.landmarks.push(Landmark { event, address: address.0, at: content.at() });
            }
        }
        rows.numbers.sort_unstable();
        rows.story.sort_unstable();
        rows.entries.sort_unstable();
        rows
    }

    fn add(&mut self, event: u64, address: u64, content: &Event, hash: fn(&Key) -> u128) {
        if let Some((key, _)) = content.named(feiqian_core::EventNumber(event)) {
            self.numbers.push(Link { group: hash(&key), event, address });
        }
        if let Some(group) = begun_by(content) {
            self.story.push(Link { group, event, address });
        }
        let start = self.entries.len();
        for account in touched(content) {
            let entry = Link { group: account.code(), event, address };
            if !self.entries[start..].contains(&entry) {
                self.entries.push(entry);
            }
        }
    }
}

/// The event that began the order or transfer which this event goes on with.
pub(crate) fn begun_by(content: &Event) -> Option<u64> {
    let order = content.order().map(|order| order.0.0);
    order.or_else(|| content.transfer().map(|transfer| transfer.0.0))
}

/// The accounts in whose history an event stands, perhaps more than once each.
pub(crate) fn touched(content: &Event) -> impl Iterator<Item = Account> {
    let postings = content.postings().into_iter().flat_map(|postings| postings.iter());
    postings.flat_map(|posting| [posting.debit, posting.credit]).filter(|account| match account {
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

    #[test]
    fn bytes_sort_as_entries_do() {
        let mut links: Vec<Link<u64>> = [(1, 256), (1, 1), (256, 0), (0, u64::MAX), (u64::MAX, 7)]
            .map(|(group, event)| Link { group, event, address: 9 })
            .into();
        links.sort_unstable();
        assert!(links.is_sorted_by_key(Entry::key));
        for link in links {
            assert_eq!(Link::read(&link.key(), &link.value()), Some(link));
        }
        let named = Link { group: u128::MAX - 5, event: 3, address: 4 };
        assert_eq!(Link::read(&named.key(), &named.value()), Some(named));
        let landmark = Landmark { event: 1, address: 2, at: UnixMillis(-3) };
        assert_eq!(Landmark::read(&landmark.key(), &landmark.value()), Some(landmark));
    }

    #[test]
    fn other_bytes_are_no_entry() {
        for wrong in 0..40 {
            let bytes = [1; 40];
            assert_eq!(Link::<u64>::read(&bytes[..wrong], &[0; 8]).is_some(), wrong == 16);
            assert_eq!(Link::<u128>::read(&bytes[..24], &bytes[..wrong]).is_some(), wrong == 8);
            assert_eq!(Landmark::read(&bytes[..8], &bytes[..wrong]).is_some(), wrong == 16);
        }
    }
}
