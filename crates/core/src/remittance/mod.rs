//! Remittances (转账): money that a user sends to a person.
//!
//! ```text
//! At once ──────────────────────────────► arrived
//! Later ────── its time ────────────────► arrived, or returned if the payee is closed by then
//! Unregistered ── accept, within 24 h ──► arrived
//!   │         └── nobody did ───────────► returned
//!   └── (and Later) take back ──────────► taken back
//! ```

pub mod accept;
pub mod arrive;
pub mod give_back;
pub mod send;
pub mod take_back;

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::brand::reserve_moved;
use crate::command::Command;
use crate::ids::{BrandId, EventNumber, RemittanceId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::HELD_MS;
use crate::money::Fen;
use crate::state::State;
use crate::table::{self, Table};
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// To whom, and when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum To {
    /// To a user, at once.
    #[n(0)]
    Now(#[n(0)] UserId),
    /// To a user, after a while in which it can be taken back.
    #[n(1)]
    Later(#[n(0)] UserId, #[n(1)] Delay),
    /// To somebody who is not registered: held for a day.
    #[n(2)]
    Unregistered(#[n(0)] Claim),
}

/// How long a sender may think it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Delay {
    /// 2 hours.
    #[n(0)]
    TwoHours,
    /// 24 hours.
    #[n(1)]
    Day,
}

/// A random number for somebody who is not registered. Whose phone it stands for is in the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Claim(#[n(0)] pub u64);

impl To {
    /// The payee, if it is known.
    #[must_use]
    pub fn payee(self) -> Option<UserId> {
        match self {
            Self::Now(payee) | Self::Later(payee, _) => Some(payee),
            Self::Unregistered(_) => None,
        }
    }

    /// When what is sent now arrives or goes back by itself; none if it has arrived.
    fn due(self, now: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::Now(_) => None,
            Self::Later(_, Delay::TwoHours) => Some(now.plus(2 * 60 * 60 * 1_000)),
            Self::Later(_, Delay::Day) => Some(now.plus(24 * 60 * 60 * 1_000)),
            Self::Unregistered(_) => Some(now.plus(HELD_MS)),
        }
    }
}

/// A remittance that has not reached its payee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Remittance {
    /// Who sent it.
    #[n(0)]
    pub payer: UserId,
    /// To whom; never at once.
    #[n(1)]
    pub to: To,
    /// How much.
    #[n(2)]
    pub amount: Fen,
    /// When it was sent.
    #[n(3)]
    pub at: UnixMillis,
    /// It arrives or goes back here.
    #[n(4)]
    pub due: UnixMillis,
}

impl table::Key for RemittanceId {
    fn event(self) -> u64 {
        self.0.0
    }
}

/// Those that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remittances {
    rows: Table<RemittanceId, Remittance>,
    due: BTreeSet<(UnixMillis, RemittanceId)>,
    held: BTreeSet<(Claim, RemittanceId)>,
}

impl Remittances {
    pub fn rows(&self) -> &Table<RemittanceId, Remittance> {
        &self.rows
    }

    pub fn get(&self, id: RemittanceId) -> Option<&Remittance> {
        self.rows.get(id)
    }

    pub fn insert(&mut self, id: RemittanceId, row: Remittance) {
        self.due.insert((row.due, id));
        if let To::Unregistered(claim) = row.to {
            self.held.insert((claim, id));
        }
        self.rows.insert(id, row);
    }

    fn remove(&mut self, id: RemittanceId) -> Remittance {
        let row = self.rows.remove(id).expect("it waited when deciding");
        self.due.remove(&(row.due, id));
        if let To::Unregistered(claim) = row.to {
            self.held.remove(&(claim, id));
        }
        row
    }

    pub fn held_for(&self, claim: Claim) -> impl Iterator<Item = RemittanceId> {
        let id = |number| RemittanceId(EventNumber(number));
        let of_claim = (claim, id(0))..=(claim, id(u64::MAX));
        self.held.range(of_claim).map(|(_, id)| *id)
    }

    pub fn next_due(&self) -> Option<UnixMillis> {
        self.due.first().map(|(due, _)| *due)
    }
}

impl State {
    /// Remittances whose time has come, each with what becomes of it.
    pub(crate) fn remittances_due(&self, now: UnixMillis) -> impl Iterator<Item = Command> {
        let due = self.remittances.due.iter();
        due.take_while(move |(due, _)| *due <= now)
            .map(|(_, remittance)| {
                let (remittance, row) = (*remittance, self.remittances.get(*remittance));
                if row.is_some_and(|row| self.can_arrive(row)) {
                    arrive::ArriveRemittance { remittance }.into()
                } else {
                    give_back::ReturnRemittance { remittance }.into()
                }
            })
    }

    /// Whether it has a payee who may get it: as with refunds, a frozen user does, but not a closed one.
    fn can_arrive(&self, remittance: &Remittance) -> bool {
        let payee = remittance.to.payee().and_then(|payee| self.user(payee));
        payee.is_some_and(|payee| payee.status != UserStatus::Closed)
    }

    fn brand_of(&self, user: UserId) -> BrandId {
        self.user(user).expect("found when it was sent").brand
    }
}

/// What moves when an amount reaches its payee, from the payer's wallet or from the account in which
/// it waited, and how much of it between the brands' bank reserves.
pub(crate) fn reach(
    state: &State,
    from: Account,
    payer: UserId,
    payee: UserId,
    amount: Fen,
) -> (Fen, Postings) {
    let (ours, theirs) = (state.brand_of(payer), state.brand_of(payee));
    let reserve = reserve_moved(state, ours, theirs, amount);
    let postings = Postings::new()
        .with(from, Account::Wallet(payee), amount)
        .with(
            Account::BankReserve(theirs),
            Account::BankReserve(ours),
            reserve,
        );
    (reserve, postings)
}

/// What moves when a remittance that waits reaches its payee.
fn arrive(state: &State, row: &Remittance, payee: UserId) -> (Fen, Postings) {
    let from = Account::Remittance(state.brand_of(row.payer));
    reach(state, from, row.payer, payee, row.amount)
}

/// What moves when a remittance that waits goes back.
fn back(state: &State, row: &Remittance) -> Postings {
    let from = Account::Remittance(state.brand_of(row.payer));
    Postings::new().with(from, Account::Wallet(row.payer), row.amount)
}

/// Takes a remittance that went back out of those that wait.
fn went_back(state: &mut State, id: RemittanceId) {
    let row = state.remittances.remove(id);
    crate::user::limits::unspend(state, row.at, row.payer, row.amount);
}
