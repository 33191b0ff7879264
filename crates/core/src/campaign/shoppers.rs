//! What campaigns may ask about a payer: payments ever and in the last 30 days, city, segment, person.
//!
//! Each day has a list of who paid and how much. When a day is 30 days old its list is taken from the
//! users' sums again, in pieces ([`super::sweep`]), so memory grows with active users and not with time.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::ids::UserId;
use crate::limits::ACTIVITY_DAYS;
use crate::money::Fen;
use crate::state::index;
use crate::table::Rows;
use crate::time::{Day, UnixMillis};

/// A user, as campaigns see it. Half a line of the processor's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shopper {
    /// Paid in the last 30 days: what orders cost, discounts included; refunds do not count.
    pub spend: Fen,
    /// Payments in the last 30 days.
    pub payments: u32,
    /// City tag; 0 for none.
    pub city: u32,
    /// Segment tag; 0 for none.
    pub segment: u16,
    /// Whether it ever paid.
    pub has_paid: bool,
    /// Whether the person behind it is known.
    pub has_person: bool,
    /// Days from 2000-01-01 to the day when it was added.
    added: u16,
    /// Days from 2000-01-01 to the last day on which it paid.
    paid: u16,
    /// Its row in the list of that day.
    slot: u32,
    /// The first user of the same person; itself, if nothing else is known.
    pub first: UserId,
}

/// 2000-01-01 as a [`Day`].
const DAYS_FROM: i32 = 10_957;
/// Bytes of a packed shopper.
pub(crate) const SHOPPER_BYTES: usize = 32;
/// Bytes of a packed row of a day.
pub(crate) const ROW_BYTES: usize = 16;

/// Days since 2000-01-01: enough until 2179.
fn short(day: Day) -> u16 {
    u16::try_from(day.0.saturating_sub(DAYS_FROM).max(0)).unwrap_or(u16::MAX)
}

impl Shopper {
    /// Days since it was added.
    #[must_use]
    pub fn age_days(&self, today: Day) -> i64 {
        i64::from(short(today).saturating_sub(self.added))
    }

    pub(crate) fn pack(&self) -> [u8; SHOPPER_BYTES] {
        let mut bytes = [0; SHOPPER_BYTES];
        bytes[..8].copy_from_slice(&self.spend.0.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.payments.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.city.to_le_bytes());
        bytes[16..18].copy_from_slice(&self.segment.to_le_bytes());
        bytes[18] = u8::from(self.has_paid);
        bytes[19] = u8::from(self.has_person);
        bytes[20..22].copy_from_slice(&self.added.to_le_bytes());
        bytes[22..24].copy_from_slice(&self.paid.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.slot.to_le_bytes());
        bytes[28..].copy_from_slice(&self.first.0.to_le_bytes());
        bytes
    }

    pub(crate) fn unpack(bytes: [u8; SHOPPER_BYTES]) -> Self {
        let mut rest = &bytes[..];
        Self {
            spend: Fen(i64::from_le_bytes(take(&mut rest))),
            payments: u32::from_le_bytes(take(&mut rest)),
            city: u32::from_le_bytes(take(&mut rest)),
            segment: u16::from_le_bytes(take(&mut rest)),
            has_paid: take::<1>(&mut rest) != [0],
            has_person: take::<1>(&mut rest) != [0],
            added: u16::from_le_bytes(take(&mut rest)),
            paid: u16::from_le_bytes(take(&mut rest)),
            slot: u32::from_le_bytes(take(&mut rest)),
            first: UserId(u32::from_le_bytes(take(&mut rest))),
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (first, after) = rest.split_first_chunk().expect("its bytes were counted");
    *rest = after;
    *first
}

/// What a user paid on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    user: UserId,
    payments: u32,
    spend: Fen,
}

impl Row {
    pub fn user(&self) -> UserId {
        self.user
    }

    pub fn pack(&self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        bytes[..4].copy_from_slice(&self.user.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.payments.to_le_bytes());
        bytes[8..].copy_from_slice(&self.spend.0.to_le_bytes());
        bytes
    }

    pub fn unpack(bytes: [u8; ROW_BYTES]) -> Self {
        let mut rest = &bytes[..];
        Self {
            user: UserId(u32::from_le_bytes(take(&mut rest))),
            payments: u32::from_le_bytes(take(&mut rest)),
            spend: Fen(i64::from_le_bytes(take(&mut rest))),
        }
    }
}

/// Who paid on a day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paid {
    pub day: Day,
    pub rows: Rows<Row>,
    /// Rows that were taken from the users' sums again.
    pub retired: usize,
}

/// A person behind several users, as a keyed hash of whatever proves it.
pub type Person = [u8; 16];

/// All of them. What is not public here lies in snapshots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shoppers {
    pub rows: Rows<Shopper>,
    pub days: VecDeque<Paid>,
    /// Each person and its first user, in the order of being known.
    pub persons: Persons,
}

/// Each person and its first user, in the order of being known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Persons {
    rows: Rows<(Person, UserId)>,
    /// Places in `rows`.
    places: HashTable<usize>,
}

fn hash(person: &Person) -> u64 {
    let (first, _) = person.split_first_chunk().expect("16 bytes");
    u64::from_le_bytes(*first)
}

impl Persons {
    pub fn rows(&self) -> &Rows<(Person, UserId)> {
        &self.rows
    }

    pub fn first(&self, person: &Person) -> Option<UserId> {
        let row = |place: &usize| self.rows.get(*place).expect("its row is there");
        let place = self
            .places
            .find(hash(person), |place| row(place).0 == *person)?;
        Some(row(place).1)
    }

    pub fn push(&mut self, person: Person, user: UserId) {
        let place = self.rows.len();
        let rows = &mut self.rows;
        rows.push((person, user));
        self.places.insert_unique(hash(&person), place, |place| {
            hash(&rows.get(*place).expect("its row is there").0)
        });
    }
}

impl Shoppers {
    pub fn add(&mut self, at: UnixMillis) {
        let first = u32::try_from(self.rows.len()).expect("ids of users are 32 bits");
        self.rows.push(Shopper {
            spend: Fen::ZERO,
            payments: 0,
            city: 0,
            segment: 0,
            has_paid: false,
            has_person: false,
            added: short(at.day()),
            paid: 0,
            slot: 0,
            first: UserId(first),
        });
    }

    pub fn get(&self, user: UserId) -> Option<&Shopper> {
        self.rows.get(index(user.0))
    }

    pub fn get_mut(&mut self, user: UserId) -> &mut Shopper {
        self.rows
            .get_mut(index(user.0))
            .expect("every user is a shopper")
    }

    /// Counts a payment.
    pub fn paid(&mut self, user: UserId, amount: Fen, at: UnixMillis) {
        let day = at.day();
        if self.days.back().is_none_or(|last| last.day < day) {
            self.days.push_back(Paid {
                day,
                ..Paid::default()
            });
        }
        let today = self.days.back_mut().expect("today was just begun");
        let shopper = self
            .rows
            .get_mut(index(user.0))
            .expect("every user is a shopper");
        let rows = &mut today.rows;
        if !shopper.has_paid || shopper.paid != short(today.day) {
            (shopper.has_paid, shopper.paid) = (true, short(today.day));
            shopper.slot = u32::try_from(rows.len()).expect("no more rows than users");
            rows.push(Row {
                user,
                payments: 0,
                spend: Fen::ZERO,
            });
        }
        let row = rows
            .get_mut(index(shopper.slot))
            .expect("the row of its slot");
        row.payments = row.payments.saturating_add(1);
        row.spend = row.spend.plus(amount).expect("a day's payments");
        shopper.payments = shopper.payments.saturating_add(1);
        shopper.spend = shopper.spend.plus(amount).expect("a month's payments");
    }

    /// Whether a day is past whose payments still count.
    pub fn has_old(&self, now: UnixMillis) -> bool {
        self.days
            .front()
            .is_some_and(|first| is_old(first.day, now))
    }

    /// When the oldest day's payments count no longer.
    pub fn old_from(&self) -> Option<UnixMillis> {
        self.days
            .front()
            .map(|first| first.day.plus(ACTIVITY_DAYS).start())
    }

    /// Takes at most `most` rows of days that are past from their users' sums.
    pub fn retire(&mut self, now: UnixMillis, most: usize) {
        let mut left = most;
        while left > 0 && self.has_old(now) {
            let first = self.days.front_mut().expect("an old day is there");
            while left > 0
                && let Some(row) = first.rows.get(first.retired).copied()
            {
                let shopper = self
                    .rows
                    .get_mut(index(row.user.0))
                    .expect("every user is a shopper");
                shopper.payments = shopper.payments.saturating_sub(row.payments);
                shopper.spend = shopper.spend.minus(row.spend).expect("it was counted");
                first.retired = first.retired.saturating_add(1);
                left = left.saturating_sub(1);
            }
            if first.retired == first.rows.len() {
                self.days.pop_front();
            }
        }
    }
}

fn is_old(day: Day, now: UnixMillis) -> bool {
    day.plus(ACTIVITY_DAYS) <= now.day()
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise"
)]
mod tests {
    use super::*;
    use crate::limits::DAY_MS;

    #[test]
    fn thirty_days_count_and_no_more() {
        let start = UnixMillis(1_510_329_600_000);
        let mut all = Shoppers::default();
        (0..3).for_each(|_| all.add(start));
        let (a, b) = (UserId(0), UserId(2));
        for day in 0..40 {
            let now = start.plus(day * DAY_MS);
            all.retire(now, usize::MAX);
            all.paid(a, Fen(10), now);
            all.paid(a, Fen(1), now.plus(DAY_MS - 1));
            if day == 5 {
                all.paid(b, Fen(7), now);
            }
        }
        let row = |all: &Shoppers, user| {
            let row = all.get(user).unwrap();
            (row.payments, row.spend, row.has_paid)
        };
        assert_eq!(row(&all, a), (60, Fen(330), true));
        assert_eq!(row(&all, b), (0, Fen(0), true));
        assert_eq!(row(&all, UserId(1)), (0, Fen(0), false));
        assert_eq!(all.days.len(), 30);
        assert_eq!(all.get(a).unwrap().age_days(start.day().plus(40)), 40);
        // In pieces it comes to the same.
        let end = start.plus(100 * DAY_MS);
        while all.has_old(end) {
            all.retire(end, 1);
        }
        assert_eq!(row(&all, a), (0, Fen(0), true));
    }

    #[test]
    fn packed_and_back() {
        let mut all = Shoppers::default();
        all.add(UnixMillis(1_510_329_600_000));
        all.paid(UserId(0), Fen(i64::MAX >> 4), UnixMillis(1_510_329_700_000));
        let shopper = all.get_mut(UserId(0));
        (shopper.city, shopper.segment, shopper.first) = (310_100, 65_535, UserId(u32::MAX));
        let shopper = *shopper;
        assert_eq!(Shopper::unpack(shopper.pack()), shopper);
        let row = *all.days[0].rows.get(0).unwrap();
        assert_eq!(Row::unpack(row.pack()), row);
    }
}
