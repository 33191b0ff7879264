//! Red packets: money that others draw from, in equal parts or by luck.
//!
//! A packet is open until its last share was taken or a day has passed; open ones are always in memory.
//! One that is over stays for a while, for whoever comes late, and then leaves: the archive knows it.

pub mod draw;
pub mod send;

pub mod grab;

pub mod expire;

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use crate::command::Command;
use crate::event::Event;
use crate::ids::{EventNumber, PacketId, UserId};
use crate::ledger::Account;
use crate::limits::PACKET_LIFE_MS;
use crate::money::Fen;
use crate::table::Table;
use crate::time::UnixMillis;

use draw::Seed;

/// A packet that is over takes the room of so many shares, and that of its shares.
pub const ROOM: usize = 8;

/// How a packet is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// All shares are alike.
    #[n(0)]
    Equal,
    /// By luck: see [`draw`].
    #[n(1)]
    Lucky,
}

/// A red packet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Packet {
    /// Who sent it.
    #[n(0)]
    pub sender: UserId,
    /// The only one who may open it; whoever has the link, if none.
    #[n(1)]
    pub to: Option<UserId>,
    /// How it is divided.
    #[n(2)]
    pub kind: Kind,
    /// In how many shares.
    #[n(3)]
    pub shares: u16,
    /// Balance of its account: what nobody took.
    #[n(4)]
    pub left: Fen,
    /// What luck comes from.
    #[n(5)]
    pub seed: Seed,
    /// When it was sent.
    #[n(6)]
    pub at: UnixMillis,
    /// Who took a share, by user, and the event that says so. At most [`shares`](Self::shares).
    #[n(7)]
    pub takers: Vec<(UserId, EventNumber)>,
    /// Whether the rest went back.
    #[n(8)]
    pub expired: bool,
    /// The newest event of it.
    #[n(9)]
    pub last: EventNumber,
}

impl Packet {
    /// The packet as its events made it, oldest first; none if the first did not send it.
    pub fn replay<'a>(events: impl IntoIterator<Item = (EventNumber, &'a Event)>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut packet = match events.next() {
            Some((number, Event::PacketSent(sent))) => Self {
                left: sent.total,
                ..sent.packet(number)
            },
            Some(_) | None => return None,
        };
        for (number, event) in events {
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "other events do not touch packets"
            )]
            let moved = match event {
                Event::ShareGrabbed(event) => {
                    packet.give(event.user, number);
                    event.amount
                }
                Event::PacketExpired(event) => {
                    packet.expire(number);
                    event.amount
                }
                other => panic!("{other:?} does not go on with a packet"),
            };
            packet.left = packet
                .left
                .minus(moved)
                .expect("a share is of what is left");
        }
        Some(packet)
    }

    /// What is left goes back from here on.
    #[must_use]
    pub fn ends(&self) -> UnixMillis {
        self.at.plus(PACKET_LIFE_MS)
    }

    /// Shares that nobody took.
    #[must_use]
    pub fn shares_left(&self) -> u16 {
        let taken = u16::try_from(self.takers.len()).unwrap_or(u16::MAX);
        self.shares.saturating_sub(taken)
    }

    /// Whether shares can be taken of it, time permitting.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.expired && self.shares_left() > 0
    }

    /// The event by which a user took a share.
    #[must_use]
    pub fn taken_by(&self, user: UserId) -> Option<EventNumber> {
        let place = self.place(user).ok()?;
        self.takers.get(place).map(|(_, event)| *event)
    }

    fn place(&self, user: UserId) -> Result<usize, usize> {
        self.takers.binary_search_by_key(&user, |(taker, _)| *taker)
    }

    pub(crate) fn give(&mut self, user: UserId, event: EventNumber) {
        assert!(self.is_open(), "only an open packet has shares");
        let Err(place) = self.place(user) else {
            panic!("user {user} takes a second share")
        };
        self.takers.insert(place, (user, event));
        self.last = event;
    }

    pub(crate) fn expire(&mut self, event: EventNumber) {
        assert!(self.is_open(), "only an open packet expires");
        self.expired = true;
        self.last = event;
    }

    fn room(&self) -> usize {
        self.takers.len().saturating_add(ROOM)
    }
}

/// Packets in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packets {
    rows: Table<PacketId, Packet>,
    /// Packets in the order in which they end, which is that in which they were sent: all live
    /// equally long. Those in front that are over are dropped when somebody looks.
    ends: VecDeque<PacketId>,
    /// Packets that are over, oldest first.
    over: VecDeque<PacketId>,
    /// The room that those take.
    over_room: usize,
}

impl Packets {
    pub fn rows(&self) -> &Table<PacketId, Packet> {
        &self.rows
    }

    pub fn get(&self, id: PacketId) -> Option<&Packet> {
        self.rows.get(id)
    }

    pub fn get_mut(&mut self, id: PacketId) -> Option<&mut Packet> {
        self.rows.get_mut(id)
    }

    /// Takes in an open packet that was sent after all others.
    pub fn push(&mut self, id: PacketId, packet: Packet) {
        self.ends.push_back(id);
        self.rows.insert(id, packet);
    }

    /// Changes an open packet by an event.
    pub fn change(&mut self, id: PacketId, change: impl FnOnce(&mut Packet)) {
        let packet = self.rows.get_mut(id).expect("found when deciding");
        change(packet);
        if !packet.is_open() {
            let room = packet.room();
            self.keep(id, room);
        }
    }

    /// Takes in a packet that is over.
    pub fn recall(&mut self, id: PacketId, packet: Packet) {
        self.keep(id, packet.room());
        self.rows.insert(id, packet);
    }

    fn keep(&mut self, id: PacketId, room: usize) {
        self.over.push_back(id);
        self.over_room = self.over_room.saturating_add(room);
    }

    /// Lets go of the oldest that are over beyond the room to `keep`, as far as the archive knows them.
    pub fn forget(&mut self, archived: EventNumber, keep: usize) {
        while self.over_room > keep
            && let Some(id) = self.over.front().copied()
            && self.rows.get(id).is_none_or(|row| row.last < archived)
        {
            self.over.pop_front();
            let room = self.rows.remove(id).map_or(0, |packet| packet.room());
            self.over_room = self.over_room.saturating_sub(room);
        }
    }

    /// Balances of the open ones, in any order.
    pub fn open(&self) -> impl Iterator<Item = (Account, Fen)> {
        let rows = self
            .ends
            .iter()
            .filter_map(|id| Some((*id, self.get(*id)?)));
        rows.filter(|(_, packet)| packet.is_open())
            .map(|(id, packet)| (Account::Packet(id), packet.left))
    }

    /// Open packets whose end has come. They stay due until they are open no longer.
    pub fn due(&mut self, now: UnixMillis) -> impl Iterator<Item = Command> {
        while let Some(first) = self.ends.front()
            && !self.rows.get(*first).is_some_and(Packet::is_open)
        {
            self.ends.pop_front();
        }
        let rows = self
            .ends
            .iter()
            .filter_map(|id| Some((*id, self.get(*id)?)));
        rows.take_while(move |(_, packet)| packet.ends() <= now)
            .filter(|(_, packet)| packet.is_open())
            .map(|(packet, _)| expire::ExpirePacket { packet }.into())
    }

    /// No open packet ends before this.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let first = self.ends.front().and_then(|id| self.get(*id));
        first.map(Packet::ends)
    }
}
