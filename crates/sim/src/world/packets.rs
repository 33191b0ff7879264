//! Red packets: who sends them, and who is quick.

use feiqian_core::packet::Kind;
use feiqian_core::packet::draw::Seed;
use feiqian_core::packet::expire::ExpirePacket;
use feiqian_core::packet::grab::GrabShare;
use feiqian_core::packet::send::SendPacket;
use feiqian_core::{Account, Command, EventNumber, Fen, PacketId, UserId};

use super::World;
use crate::books::Books;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Send,
    Grab,
    Expire,
}

impl World {
    pub(super) fn wish_of_packets(&mut self, wish: Wish, books: &Books) -> Command {
        match wish {
            Wish::Send => self.send_packet(books).into(),
            Wish::Grab => self.grab(books).into(),
            Wish::Expire => ExpirePacket {
                packet: self.packet(books),
            }
            .into(),
        }
    }

    fn send_packet(&mut self, books: &Books) -> SendPacket {
        let sender = self.rich(books);
        let to = self.chance.one_in(5).then(|| self.user(books));
        let shares = match (to, self.chance.below(30)) {
            (_, 0) => 0,
            (_, 1) => self.chance.of([500, 501]),
            (Some(_), 2..) => 1,
            (_, _) => self.chance.of([1, 2, 2, 3, 4, 6]),
        };
        let kind = self.chance.of([Kind::Equal, Kind::Lucky, Kind::Lucky]);
        let mut total = self.amount(3_000);
        let balance = books.balance(Account::Wallet(sender));
        if self.chance.one_in(16) {
            total = Fen(balance);
        }
        if kind == Kind::Equal && !self.chance.one_in(8) {
            // Mostly it divides.
            total = Fen(total.0.saturating_mul(shares.into()));
        }
        SendPacket {
            sender,
            number: self.number("p"),
            kind,
            to,
            total,
            shares,
            message: self.chance.one_in(3).then(|| self.text(60).into()),
            seed: self.seed(),
        }
    }

    pub(super) fn seed(&mut self) -> Seed {
        let mut seed = [0; 16];
        seed.fill_with(|| u8::try_from(self.chance.below(256)).unwrap_or(0));
        Seed(seed)
    }

    /// Mostly one of those that somebody may still open, else a recent one.
    fn packet(&mut self, books: &Books) -> PacketId {
        let rows = books.packets.iter();
        let open = rows.clone().filter(|(_, row)| row.is_open());
        let open: Vec<u64> = open.map(|(id, _)| *id).collect();
        let event = match (self.chance.pick(&open), self.chance.below(12)) {
            (Some(event), 2..) => *event,
            (_, 0) => self.chance.below(books.next() + 3),
            (_, _) => {
                let back = self.chance.index(rows.len().min(8));
                rows.map(|(id, _)| *id).rev().nth(back).unwrap_or(0)
            }
        };
        PacketId::new(EventNumber(event)).unwrap_or_else(|| unreachable!("few events"))
    }

    /// All are after it at once: the same ones again, and those for whom it is not.
    fn grab(&mut self, books: &Books) -> GrabShare {
        let packet = self.packet(books);
        let row = books.packets.get(&packet.event().0);
        let to = row.and_then(|row| row.asked.to);
        let user = match to {
            Some(to) if !self.chance.one_in(4) => to,
            Some(_) | None => self.user(books),
        };
        if self.chance.one_in(4) {
            let users = u32::try_from(books.users.len().min(8)).unwrap_or(0);
            let crowd = (0..users).map(UserId).filter(|other| *other != user);
            let crowd = crowd.map(|user| GrabShare { packet, user }.into());
            self.network.extend(crowd);
        }
        GrabShare { packet, user }
    }
}
