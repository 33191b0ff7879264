//! What the audit knows of one red packet: who took what, and that each draw is the one of its seed.

use minicbor::{Decode, Encode};
use siphasher::sip::SipHasher24;

use crate::ids::{EventNumber, PacketId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::{PACKET_LIFE_MS, PACKET_SHARES_MAX};
use crate::money::Fen;
use crate::packet::Kind;
use crate::packet::draw::Seed;
use crate::packet::expire::PacketExpired;
use crate::packet::grab::ShareGrabbed;
use crate::packet::send::PacketSent;
use crate::time::UnixMillis;

use super::accounts::Accounts;
use super::people::reach;

/// A red packet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Packet {
    #[n(0)]
    sender: UserId,
    #[n(1)]
    to: Option<UserId>,
    #[n(2)]
    lucky: bool,
    #[n(3)]
    seed: Seed,
    #[n(4)]
    until: UnixMillis,
    #[n(5)]
    left: Fen,
    #[n(6)]
    shares_left: u16,
    #[n(7)]
    takers: Vec<UserId>,
}

impl Packet {
    pub fn of(event: &PacketSent) -> Self {
        Self {
            sender: event.sender,
            to: event.to,
            lucky: event.kind == Kind::Lucky,
            seed: event.seed,
            until: event.at.plus(PACKET_LIFE_MS),
            left: event.total,
            shares_left: event.shares,
            takers: Vec::new(),
        }
    }

    /// A share is taken.
    pub fn grabbed(
        &mut self,
        event: &ShareGrabbed,
        accounts: &Accounts,
    ) -> Result<Postings, String> {
        let (id, user) = (event.packet, event.user);
        if self.to.is_some_and(|to| to != user) {
            return Err(format!("packet {id} is not for user {user}"));
        }
        if self.takers.contains(&user) {
            return Err(format!("user {user} takes a second share of packet {id}"));
        }
        if self.shares_left == 0 || event.at >= self.until {
            return Err(format!("packet {id} is over"));
        }
        let share = self.next_share();
        if event.amount != share {
            return Err(format!("the share is {share} yuan, not {}", event.amount));
        }
        let left = self.left.minus(share).ok_or("more is taken than is left")?;
        self.left = left;
        self.shares_left = self.shares_left.saturating_sub(1);
        self.takers.push(user);
        let from = Account::Packet(id);
        reach(from, self.sender, user, share, event.reserve, accounts)
    }

    /// What is left goes back.
    pub fn expired(&mut self, event: &PacketExpired) -> Result<Postings, String> {
        let id = event.packet;
        if self.shares_left == 0 || event.at < self.until {
            return Err(format!("packet {id} does not expire now"));
        }
        if (event.sender, event.amount) != (self.sender, self.left) {
            let (sender, left) = (self.sender, self.left);
            return Err(format!("{left} yuan should go back to user {sender}"));
        }
        self.shares_left = 0;
        let rest = core::mem::take(&mut self.left);
        Ok(Postings::new().with(Account::Packet(id), Account::Wallet(self.sender), rest))
    }

    fn next_share(&self) -> Fen {
        let (left, shares) = (i128::from(self.left.0), i128::from(self.shares_left));
        let share = if shares == 1 {
            left
        } else if self.lucky {
            let hash = SipHasher24::new_with_key(&self.seed.0);
            let hash = i128::from(hash.hash(&self.shares_left.to_le_bytes()));
            let mean = left.saturating_mul(2).div_euclid(shares);
            let most = mean.min(left.saturating_sub(shares).saturating_add(1));
            (hash.saturating_mul(most) >> 64).saturating_add(1)
        } else {
            left.div_euclid(shares)
        };
        Fen(i64::try_from(share).unwrap_or_default())
    }
}

/// What the postings of a packet that is sent should be.
pub(super) fn sent(
    number: EventNumber,
    event: &PacketSent,
    accounts: &Accounts,
) -> Result<Postings, String> {
    let id = PacketId::new(number).ok_or("2^56 events are never reached")?;
    let shares = i64::from(event.shares);
    let even = event.kind == Kind::Lucky || event.total.0.checked_rem(shares) == Some(0);
    if !(1..=PACKET_SHARES_MAX).contains(&event.shares) || event.total.0 < shares || !even {
        return Err(format!("{} yuan are not {shares} shares", event.total));
    }
    if let Some(to) = event.to {
        accounts.brand_of(to)?;
        if to == event.sender || event.shares != 1 {
            return Err(format!("user {to} cannot be sent this packet"));
        }
    }
    Ok(Postings::new().with(
        Account::Wallet(event.sender),
        Account::Packet(id),
        event.total,
    ))
}
