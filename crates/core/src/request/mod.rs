//! Requests for money (收款): what a user asks of one person, or of several who split a bill.
//!
//! ```text
//! Open ── each share paid ([`crate::remittance::send`]) or declined ──► done
//!  ├── cancel ──────────────────────────────────────────────────────► cancelled
//!  └── 7 days ──────────────────────────────────────────────────────► expired
//! ```
//!
//! Only what is open is in memory. What was paid stays paid, whatever becomes of the rest.

pub mod ask;
pub mod cancel;
pub mod decline;
pub mod expire;

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::command::Command;
use crate::ids::{EventNumber, RequestId, UserId};
use crate::money::Fen;
use crate::table::{self, Table};
use crate::time::UnixMillis;

/// An open request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Request {
    /// Who asks.
    #[n(0)]
    pub asker: UserId,
    /// Of whom; each once.
    #[n(1)]
    pub shares: Vec<Share>,
    /// It ends here.
    #[n(2)]
    pub until: UnixMillis,
}

/// What is asked of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Share {
    /// Of whom.
    #[n(0)]
    pub payer: UserId,
    /// How much.
    #[n(1)]
    pub amount: Fen,
    /// What became of it.
    #[n(2)]
    pub state: ShareState,
}

/// What became of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ShareState {
    /// Waits for its payer.
    #[n(0)]
    Open,
    /// Paid in full.
    #[n(1)]
    Paid,
    /// Its payer will not pay.
    #[n(2)]
    Declined,
}

impl Request {
    /// The share of a payer.
    #[must_use]
    pub fn share(&self, payer: UserId) -> Option<&Share> {
        self.shares.iter().find(|share| share.payer == payer)
    }

    /// Whether every share is paid or declined.
    pub(crate) fn is_done(&self) -> bool {
        let open = |share: &Share| share.state == ShareState::Open;
        !self.shares.iter().any(open)
    }
}

impl table::Key for RequestId {
    fn event(self) -> u64 {
        self.0.0
    }
}

/// Those that are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    rows: Table<RequestId, Request>,
    ends: BTreeSet<(UnixMillis, RequestId)>,
    by_asker: BTreeSet<(UserId, RequestId)>,
}

impl Requests {
    pub fn rows(&self) -> &Table<RequestId, Request> {
        &self.rows
    }

    pub fn get(&self, id: RequestId) -> Option<&Request> {
        self.rows.get(id)
    }

    pub fn insert(&mut self, id: RequestId, row: Request) {
        self.ends.insert((row.until, id));
        self.by_asker.insert((row.asker, id));
        self.rows.insert(id, row);
    }

    pub fn remove(&mut self, id: RequestId) {
        let row = self.rows.remove(id).expect("it was open when deciding");
        self.ends.remove(&(row.until, id));
        self.by_asker.remove(&(row.asker, id));
    }

    /// Settles an open share; the request is done with the last.
    pub fn settle(&mut self, id: RequestId, payer: UserId, state: ShareState) {
        let row = self.rows.get_mut(id).expect("it was open when deciding");
        let mut shares = row.shares.iter_mut();
        let share = shares.find(|share| share.payer == payer);
        let share = share.expect("it was asked when deciding");
        assert!(share.state == ShareState::Open, "a share is settled once");
        share.state = state;
        if row.is_done() {
            self.remove(id);
        }
    }

    /// How many of an asker are open.
    fn open_of(&self, asker: UserId) -> usize {
        let id = |number| RequestId(EventNumber(number));
        let of_asker = (asker, id(0))..=(asker, id(u64::MAX));
        self.by_asker.range(of_asker).count()
    }

    pub fn due(&self, now: UnixMillis) -> impl Iterator<Item = Command> {
        let due = self.ends.iter().take_while(move |(until, _)| *until <= now);
        due.map(|(_, request)| expire::ExpireRequest { request: *request }.into())
    }

    pub fn next_due(&self) -> Option<UnixMillis> {
        self.ends.first().map(|(until, _)| *until)
    }
}
