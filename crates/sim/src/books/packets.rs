//! Red packets in the books: what is in them, who took what, when they end.

use std::collections::BTreeMap;

use feiqian_core::packet::expire::ExpirePacket;
use feiqian_core::packet::send::SendPacket;
use feiqian_core::packet::{Kind, Packet as Seen};
use feiqian_core::{Account, Command, EventNumber, PacketId, UserId};

use super::{Books, Fact, What};

const DAY: i64 = 86_400_000;

/// A red packet.
#[derive(Clone, Debug)]
pub struct Packet {
    /// As asked.
    pub asked: SendPacket,
    /// When.
    pub at: i64,
    /// Fen that nobody took.
    pub left: i64,
    /// Who took how many fen, in this order, and the event that says so.
    pub taken: Vec<(UserId, i64, u64)>,
    /// Fen that went back, once its time was over.
    pub returned: Option<i64>,
    /// Events that went on with it, oldest first.
    pub later: Vec<u64>,
}

/// The packet of an event.
pub(super) fn packet_id(event: u64) -> PacketId {
    let id = PacketId::new(EventNumber(event));
    id.unwrap_or_else(|| unreachable!("no world has 2^56 events"))
}

impl Packet {
    /// It ends here.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.at + DAY
    }

    /// Shares that nobody took.
    #[must_use]
    pub fn shares_left(&self) -> u16 {
        let taken = u16::try_from(self.taken.len()).unwrap_or(u16::MAX);
        self.asked.shares.saturating_sub(taken)
    }

    /// Whether something can be taken of it, time permitting.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.returned.is_none() && self.shares_left() > 0
    }

    /// The newest event that touched it.
    #[must_use]
    pub fn last(&self, id: u64) -> u64 {
        self.later.last().copied().unwrap_or(id)
    }

    /// Whether what was seen of the packet is what it is.
    ///
    /// # Errors
    /// Says how they differ.
    pub fn compare(&self, id: u64, seen: &Seen) -> Result<(), String> {
        let mut takers: Vec<_> = self
            .taken
            .iter()
            .map(|(user, _, at)| (*user, *at))
            .collect();
        takers.sort_unstable();
        let found = seen.takers.iter().map(|(user, event)| (*user, event.0));
        let head = (self.asked.sender, self.asked.to, self.asked.shares, self.at);
        let same = head == (seen.sender, seen.to, seen.shares, seen.at.0)
            && (self.asked.kind == Kind::Lucky) == (seen.kind == Kind::Lucky)
            && (self.left, self.returned.is_some()) == (seen.left.0, seen.expired)
            && takers.into_iter().eq(found)
            && (seen.last.0, seen.seed) == (self.last(id), self.asked.seed);
        if same {
            return Ok(());
        }
        Err(format!(
            "packet {id} is {seen:?}, but it should be {self:?}"
        ))
    }
}

impl Books {
    /// Open packets and what is in each.
    pub(super) fn in_packets(&self) -> impl Iterator<Item = (Account, i64)> {
        let open = self.packets.iter().filter(|(_, row)| row.is_open());
        open.map(|(id, row)| (Account::Packet(packet_id(*id)), row.left))
    }

    /// What time asks of packets, in the order in which they were sent.
    pub(super) fn due_of_packets(&self, now: i64) -> impl Iterator<Item = Command> {
        let open = self.packets.iter().filter(|(_, row)| row.is_open());
        let due = open.filter(move |(_, row)| row.until() <= now);
        due.map(|(id, _)| {
            ExpirePacket {
                packet: packet_id(*id),
            }
            .into()
        })
    }

    /// Writes down what happened to packets.
    pub(super) fn record_packet(&mut self, event: u64, fact: &Fact) {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the rest is not of packets")]
        match &fact.what {
            What::PacketSent(asked) => {
                let row = Packet {
                    asked: asked.clone(),
                    at: fact.at,
                    left: asked.total.0,
                    taken: Vec::new(),
                    returned: None,
                    later: Vec::new(),
                };
                self.packets.insert(event, row);
                self.spend(fact.at, asked.sender, asked.total.0);
            }
            What::ShareGrabbed {
                packet,
                user,
                amount,
                ..
            } => {
                if let Some(row) = self.packets.get_mut(packet) {
                    row.left -= amount;
                    row.taken.push((*user, *amount, event));
                    row.later.push(event);
                }
            }
            What::PacketExpired {
                packet,
                sender,
                amount,
            } => {
                let Some(row) = self.packets.get_mut(packet) else {
                    return;
                };
                row.left -= amount;
                row.returned = Some(*amount);
                row.later.push(event);
                let sent_at = row.at;
                self.unspend(sent_at, *sender, *amount);
            }
            _ => {}
        }
    }

    /// To the fen: what was sent is drawn, returned, or still in it and in its account. One share a person, and
    /// no more than there are.
    ///
    /// # Errors
    /// Says what does not add up.
    pub fn check_packets(&self) -> Result<(), String> {
        for (id, row) in &self.packets {
            let drawn: i64 = row.taken.iter().map(|(_, fen, _)| fen).sum();
            let account = self.balance(Account::Packet(packet_id(*id)));
            let whole = drawn + row.returned.unwrap_or(0) + row.left == row.asked.total.0;
            let over = !row.is_open() && row.left != 0;
            let users: BTreeMap<UserId, i64> = row.taken.iter().map(|one| (one.0, one.1)).collect();
            let once = users.len() == row.taken.len();
            let enough = row.taken.len() <= usize::from(row.asked.shares);
            if !whole || over || account != row.left || !once || !enough {
                return Err(format!(
                    "packet {id} does not add up, {account} fen are in its account: {row:?}"
                ));
            }
        }
        Ok(())
    }
}
