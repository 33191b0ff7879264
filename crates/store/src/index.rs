//! What the indexes hold, and which entries an event gets.
//!
//! Every entry of every index is a pair of numbers, a key and a value, packed into one: the key in
//! the upper 64 bits, the value in the lower. Sorted pairs are sorted by key, then by value.
//!
//! | index | key | value |
//! | --- | --- | --- |
//! | `Numbers` | hash of scope and number ([`Key::hash`]) | event that used the number up |
//! | `Story` | event that began an order, transfer, coupon, remittance, request or packet | event that goes on with it |
//! | `Entries` | account code | event that moved the account's money |
//! | `Entries` | list code ([`List`]) | event that put something on the list |
//! | `Places` | event | its address in the log |
//! | `Times` | time in ms | event |
//!
//! `Places` and `Times` have the *landmarks* only: the first event of each batch, and every 32nd
//! within it. Any other event is found from the landmark before it.

use feiqian_core::numbers::Key;
use feiqian_core::{Account, Event, EventNumber, PacketId, UnixMillis, UserId};
use feiqian_log::Address;

/// Within a batch, every so many events one is a landmark; so is the first.
pub(crate) const LANDMARK_EVERY: usize = 32;

/// The indexes. Runs hold them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    Numbers,
    Story,
    Entries,
    Places,
    Times,
}

impl Index {
    pub const COUNT: usize = 5;
    pub const ALL: [Self; Self::COUNT] = [
        Self::Numbers,
        Self::Story,
        Self::Entries,
        Self::Places,
        Self::Times,
    ];
}

/// One of each index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Each<T>(pub [T; Index::COUNT]);

impl<T> std::ops::Index<Index> for Each<T> {
    type Output = T;

    fn index(&self, index: Index) -> &T {
        &self.0[index as usize]
    }
}

impl<T> std::ops::IndexMut<Index> for Each<T> {
    fn index_mut(&mut self, index: Index) -> &mut T {
        &mut self.0[index as usize]
    }
}

/// An entry: the key in the upper half, the value in the lower.
pub(crate) type Pair = u128;

pub(crate) fn pair(key: u64, value: u64) -> Pair {
    (u128::from(key) << 64) | u128::from(value)
}

pub(crate) fn key_of(pair: Pair) -> u64 {
    u64::try_from(pair >> 64).unwrap_or_default()
}

pub(crate) fn value_of(pair: Pair) -> u64 {
    u64::try_from(pair & u128::from(u64::MAX)).unwrap_or_default()
}

/// A time as a key: earlier times are smaller numbers, also before 1970.
pub(crate) fn time_key(time: UnixMillis) -> u64 {
    time.0.cast_unsigned() ^ (1 << 63)
}

/// The entries of a batch, each index sorted.
pub(crate) type Rows = Each<Vec<Pair>>;

impl Rows {
    /// Those of a batch whose first event is `first`.
    pub fn of(first: u64, events: &[(Address, Event)], hash: fn(&Key) -> u64) -> Self {
        let mut rows = Self::default();
        for (nth, (event, (address, content))) in (first..).zip(events).enumerate() {
            rows.add(event, content, hash);
            if nth.is_multiple_of(LANDMARK_EVERY) {
                rows[Index::Places].push(pair(event, address.0));
                rows[Index::Times].push(pair(time_key(content.at()), event));
            }
        }
        rows.0.iter_mut().for_each(|pairs| pairs.sort_unstable());
        rows
    }

    fn add(&mut self, event: u64, content: &Event, hash: fn(&Key) -> u64) {
        if let Some((key, _)) = content.named(EventNumber(event)) {
            self[Index::Numbers].push(pair(hash(&key), event));
        }
        if let Some(begun) = begun_by(content) {
            self[Index::Story].push(pair(begun.0, event));
        }
        let entries = &mut self[Index::Entries];
        let start = entries.len();
        for account in touched(content) {
            let entry = pair(account.code(), event);
            if !entries[start..].contains(&entry) {
                entries.push(entry);
            }
        }
        let lists = List::with(content).into_iter();
        entries.extend(lists.map(|list| pair(list.code(), event)));
    }
}

/// What a user is shown a list of. Its code is that of no account: owner × 256 + kind from 128 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Remittances that a user sent or is to get: the events that sent them, or by which the user
    /// accepted them.
    Remittances(UserId),
    /// Requests for money by or to a user: the events that asked.
    Requests(UserId),
    /// Red packets of a user: the events that sent them, by the user or to it alone, and those by which
    /// it took shares.
    Packets(UserId),
}

impl List {
    pub(crate) fn code(self) -> u64 {
        let (kind, owner) = match self {
            Self::Remittances(user) => (128, user.0),
            Self::Requests(user) => (129, user.0),
            Self::Packets(user) => (130, user.0),
        };
        (u64::from(owner) << 8) | kind
    }

    /// The lists on which an event puts something.
    pub(crate) fn with(content: &Event) -> Vec<Self> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "few kinds are on lists of users"
        )]
        match content {
            Event::MoneySent(event) => {
                let payee = event.to.payee().filter(|payee| *payee != event.payer);
                let users = [Some(event.payer), payee];
                users.into_iter().flatten().map(Self::Remittances).collect()
            }
            Event::RemittanceAccepted(event) => vec![Self::Remittances(event.payee)],
            Event::MoneyRequested(event) => {
                let payers = event.shares.iter().map(|(payer, _)| *payer);
                let payers = payers.filter(|payer| *payer != event.asker);
                let users = std::iter::once(event.asker).chain(payers);
                users.map(Self::Requests).collect()
            }
            Event::PacketSent(event) => {
                let users = [Some(event.sender), event.to];
                users.into_iter().flatten().map(Self::Packets).collect()
            }
            Event::ShareGrabbed(event) => vec![Self::Packets(event.user)],
            _ => Vec::new(),
        }
    }
}

/// The event that began what this event goes on with.
pub(crate) fn begun_by(content: &Event) -> Option<EventNumber> {
    let order = content.order().map(|order| order.0);
    let transfer = || content.transfer().map(|transfer| transfer.0);
    let coupon = || content.coupon().map(|coupon| coupon.0);
    let remittance = || content.remittance().map(|remittance| remittance.0);
    let request = || content.request().map(|request| request.0);
    order
        .or_else(transfer)
        .or_else(coupon)
        .or_else(remittance)
        .or_else(request)
        .or_else(|| content.packet().map(PacketId::event))
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
            | Account::BankReserve(_)
            | Account::Capital(_)
            | Account::RebateLoss(_)
            | Account::Subsidy(_)
            | Account::CampaignFund(_)
            | Account::Remittance(_) => true,
            // Of all payments, or of all rebates: nobody turns these pages. A packet's are its story.
            Account::FeeIncome(_) | Account::PendingRebate(_) | Account::Packet(_) => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_sort_by_key_then_value_and_times_by_time() {
        let (most, least) = (pair(1, u64::MAX), pair(2, 0));
        assert!(most < least);
        assert_eq!((key_of(most), value_of(most)), (1, u64::MAX));
        let times = [i64::MIN, -1, 0, 1_510_329_600_000, i64::MAX];
        assert!(times.map(|ms| time_key(UnixMillis(ms))).is_sorted());
    }
}
