//! Callers' numbers: what each names, so that the same request twice is answered once.
//!
//! The newest are kept here; older ones are forgotten once the archive knows them, and come back from
//! there when a command names them again ([`crate::archive`]).

use std::collections::VecDeque;

use hashbrown::hash_table::{self, HashTable};
use siphasher::sip::SipHasher13;

use crate::ids::{BrandId, CampaignId, Digest, EventNumber, MerchantId, Number, UserId};
use crate::limits::NUMBER_CHARS_MAX;

/// Whose numbers they are, and of what. A number is unique within its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The operator's numbers for brands.
    Brands,
    /// The operator's numbers for users.
    Users,
    /// The operator's numbers for merchants.
    Merchants,
    /// A merchant's order numbers (`out_trade_no`).
    Orders(MerchantId),
    /// A merchant's refund numbers (`out_refund_no`).
    Refunds(MerchantId),
    /// A user's numbers for top-ups.
    TopUps(UserId),
    /// A user's numbers for withdrawals.
    Withdrawals(UserId),
    /// The numbers of whoever adds campaigns.
    Campaigns,
    /// Numbers for changes of a campaign's budget.
    Budgets(CampaignId),
    /// Numbers for coupons given of a campaign (WeChat Pay `out_request_no`), its unique codes among them.
    Coupons(CampaignId),
    /// A merchant's numbers for coupons used at its own till (`use_request_no`).
    CouponUses(MerchantId),
    /// A merchant's numbers for coupons given back (`return_request_no`) and for those made void
    /// (`deactivate_request_no`).
    CouponReturns(MerchantId),
    /// A paying merchant's numbers for subsidies to another (`out_subsidy_no`).
    Subsidies(MerchantId),
    /// A merchant's numbers for subsidies that it gives back.
    SubsidyReturns(MerchantId),
    /// The operator's numbers for money put into a brand's reserve.
    Capital(BrandId),
    /// A user's numbers for red packets.
    Packets(UserId),
    /// A user's numbers for money sent to persons.
    Remittances(UserId),
    /// A user's numbers for money asked of persons.
    Requests(UserId),
    /// Shoppers' pay codes: a key's alias and a time step.
    PayCodes,
}

impl Scope {
    /// As a number for the indexes: owner × 256 + kind.
    #[must_use]
    pub fn code(self) -> u64 {
        let (kind, owner) = match self {
            Self::Brands => (1, 0),
            Self::Users => (2, 0),
            Self::Merchants => (3, 0),
            Self::Orders(merchant) => (4, merchant.0),
            Self::Refunds(merchant) => (5, merchant.0),
            Self::TopUps(user) => (6, user.0),
            Self::Withdrawals(user) => (7, user.0),
            Self::Campaigns => (8, 0),
            Self::Budgets(campaign) => (9, campaign.0),
            Self::Coupons(campaign) => (10, campaign.0),
            Self::CouponUses(merchant) => (11, merchant.0),
            Self::CouponReturns(merchant) => (12, merchant.0),
            Self::Subsidies(merchant) => (13, merchant.0),
            Self::SubsidyReturns(merchant) => (14, merchant.0),
            Self::Capital(brand) => (15, u32::from(brand.0)),
            Self::Packets(user) => (20, user.0),
            Self::Remittances(user) => (16, user.0),
            Self::Requests(user) => (17, user.0),
            Self::PayCodes => (24, 0),
        };
        (u64::from(owner) << 8) | kind
    }
}

/// A number in its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Whose and of what.
    pub scope: Scope,
    /// The caller's text.
    pub number: Number,
}

impl Key {
    /// SipHash-1-3 over the scope's code (8 bytes, little endian) and the text, under a fixed key.
    ///
    /// The indexes on disk are sorted by it, so it never changes.
    #[must_use]
    pub fn hash(&self) -> u64 {
        const KEY: &[u8; 16] = b"Feiqian numbers1";
        let text = self.number.as_str().as_bytes();
        // In one piece: that is faster than a hasher that is told in two.
        let mut bytes = [0; 8 + NUMBER_CHARS_MAX];
        let (code, rest) = bytes.split_at_mut(8);
        code.copy_from_slice(&self.scope.code().to_le_bytes());
        let (room, _) = rest.split_at_mut(text.len());
        room.copy_from_slice(text);
        let end = text.len().saturating_add(8);
        SipHasher13::new_with_key(KEY).hash(&bytes[..end])
    }
}

/// What a number names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The event that recorded it.
    pub event: EventNumber,
    /// Digest of what was asked.
    pub digest: Digest,
}

/// What a request's number says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Never seen: decide it.
    New,
    /// The same request as before: give the first answer again.
    Again(EventNumber),
    /// The number names something else.
    Other,
}

/// The newest numbers.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// In order of arrival; the front has the sequence number `forgotten`.
    entries: VecDeque<Entry>,
    forgotten: u64,
    /// Sequence numbers of entries, by the key's hash.
    by_key: HashTable<u64>,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    key: Key,
    known: Known,
}

/// The place of a sequence number in `entries`.
fn place(sequence: u64, forgotten: u64) -> usize {
    usize::try_from(sequence.wrapping_sub(forgotten)).expect("fits memory")
}

impl Numbers {
    /// What the number names, as far as it is kept here.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Known> {
        let entry = |sequence: &u64| &self.entries[place(*sequence, self.forgotten)];
        self.by_key
            .find(key.hash(), |sequence| entry(sequence).key == *key)
            .map(|sequence| entry(sequence).known)
    }

    /// Looks where the number of this hash would be, so that the row is in the processor's cache when
    /// it is needed.
    #[must_use]
    pub fn warm(&self, hash: u64) -> u64 {
        self.by_key.find(hash, |_| true).copied().unwrap_or(0)
    }

    /// Compares a request with what its number named first.
    #[must_use]
    pub fn ask(&self, key: &Key, digest: Digest) -> Asked {
        match self.get(key) {
            None => Asked::New,
            Some(known) if known.digest == digest => Asked::Again(known.event),
            Some(_) => Asked::Other,
        }
    }

    /// Remembers a number. One that is known already stays as it was.
    pub fn insert(&mut self, key: Key, known: Known) {
        let (hash, forgotten, entries) = (key.hash(), self.forgotten, &self.entries);
        let entry = |sequence: &u64| &entries[place(*sequence, forgotten)];
        let slot = self.by_key.entry(
            hash,
            |sequence| entry(sequence).key == key,
            |sequence| entry(sequence).hash,
        );
        if let hash_table::Entry::Vacant(slot) = slot {
            slot.insert(forgotten.wrapping_add(entries.len() as u64));
            self.entries.push_back(Entry { hash, key, known });
        }
    }

    /// Forgets the oldest beyond `keep`, as far as the archive knows them (events before `archived`).
    pub fn forget(&mut self, archived: EventNumber, keep: usize) {
        while self.entries.len() > keep
            && let Some(oldest) = self.entries.front()
            && oldest.known.event < archived
        {
            let sequence = self.forgotten;
            if let Ok(entry) = self.by_key.find_entry(oldest.hash, |s| *s == sequence) {
                entry.remove();
            }
            self.entries.pop_front();
            self.forgotten = self.forgotten.wrapping_add(1);
        }
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        Key {
            scope: Scope::Orders(MerchantId(1)),
            number: Number::new(&format!("n{n}")).unwrap(),
        }
    }

    fn known(n: u32) -> Known {
        Known {
            event: EventNumber(u64::from(n)),
            digest: Digest([0; 16]),
        }
    }

    /// The indexes of every data folder rest on these.
    #[test]
    fn the_hash_of_a_number_never_changes() {
        let hash = |scope, number| {
            let number = Number::new(number).unwrap();
            Key { scope, number }.hash()
        };
        let longest = "x".repeat(NUMBER_CHARS_MAX);
        let hashes = [
            hash(Scope::Orders(MerchantId(1)), "a"),
            hash(Scope::Refunds(MerchantId(1)), "a"),
            hash(Scope::Orders(MerchantId(2)), "20171111000000"),
            hash(Scope::Withdrawals(UserId(u32::MAX)), &longest),
        ];
        let expected: [u64; 4] = [
            0xd7a0_375f_6ffb_27d7,
            0x7fc1_00bf_b8bf_21e5,
            0xd8b7_b428_09f9_21ce,
            0xd3a4_f1b7_1caf_190d,
        ];
        assert_eq!(hashes, expected);
    }

    #[test]
    fn the_oldest_are_forgotten_first_and_only_when_archived() {
        let mut numbers = Numbers::default();
        for n in 0..1_000 {
            numbers.insert(key(n), known(n));
        }
        numbers.forget(EventNumber(300), 10);
        assert_eq!(numbers.len(), 700);
        assert_eq!(numbers.get(&key(299)), None);
        for n in 300..1_000 {
            assert_eq!(numbers.get(&key(n)), Some(known(n)));
        }
        numbers.insert(key(5), known(5));
        assert_eq!(numbers.get(&key(5)), Some(known(5)));
    }
}
