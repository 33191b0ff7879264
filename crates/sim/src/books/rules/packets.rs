//! Red packets: sent, drawn from, over.

use feiqian_core::packet::grab::GrabShare;
use feiqian_core::packet::send::SendPacket;
use feiqian_core::packet::{Kind, expire, grab, send};
use feiqian_core::user::UserStatus;
use feiqian_core::{Account, Fen, PacketId, Refusal};

use super::super::packets::{Packet, packet_id};
use super::super::{Books, Verdict, What};
use super::draw::sip24;
use super::operators::happens;
use super::{is_amount, refused};

impl Books {
    pub(super) fn send_packet(&self, now: i64, asked: &SendPacket) -> Verdict {
        use send::Refusal as R;
        let wallet = Account::Wallet(asked.sender);
        self.numbered(What::PacketSent(asked.clone()), now, || {
            match self.user(asked.sender).map(|user| user.status) {
                None => return Some(R::UserNotFound),
                Some(UserStatus::Active) => {}
                Some(_) => return Some(R::UserNotActive),
            }
            if let Some(flaw) = self.flaw_of_packet(asked) {
                return Some(flaw);
            }
            let available = Fen(self.balance(wallet));
            if available < asked.total {
                return Some(R::BalanceShort { available });
            }
            let above = self.above(now, asked.sender, asked.total.0);
            above.map(|above| R::AboveLimit { above })
        })
        .map_refusal(R::NumberReused, Refusal::SendPacket)
        .moving(vec![(
            wallet,
            Account::Packet(packet_id(self.next())),
            asked.total.0,
        )])
    }

    fn flaw_of_packet(&self, asked: &SendPacket) -> Option<send::Refusal> {
        use send::Refusal as R;
        let (shares, total) = (i64::from(asked.shares), asked.total);
        let most = if asked.to.is_some() { 1 } else { 500 };
        let message = asked.message.as_ref();
        let flaws = [
            (
                asked.to.is_some_and(|to| self.user(to).is_none()),
                R::PayeeNotFound,
            ),
            (asked.to == Some(asked.sender), R::PayeeIsSender),
            (shares < 1 || shares > most, R::SharesOutOfRange),
            (!is_amount(total), R::AmountOutOfRange),
            (total.0 < shares, R::BelowShares),
            (
                asked.kind == Kind::Equal && total.0 % shares.max(1) != 0,
                R::Uneven,
            ),
            (
                message.is_some_and(|text| text.chars().count() > 60),
                R::TextTooLong,
            ),
        ];
        let mut flaws = flaws.into_iter();
        flaws.find(|(is, _)| *is).map(|(_, flaw)| flaw)
    }

    pub(super) fn grab(&self, now: i64, asked: &GrabShare) -> Verdict {
        use grab::Refusal as R;
        let refuse = |refusal| refused(Refusal::GrabShare(refusal));
        let id = asked.packet.event().0;
        let Some(packet) = self.packets.get(&id) else {
            return refuse(R::PacketNotFound);
        };
        let mut taken = packet.taken.iter();
        if let Some((_, _, event)) = taken.find(|(user, _, _)| *user == asked.user) {
            return Verdict::Again(*event);
        }
        match self.user(asked.user).map(|user| user.status) {
            None => return refuse(R::UserNotFound),
            Some(UserStatus::Active) => {}
            Some(_) => return refuse(R::UserNotActive),
        }
        if packet.asked.to.is_some() && packet.asked.to != Some(asked.user) {
            return refuse(R::ForAnother);
        }
        if packet.shares_left() == 0 {
            return refuse(R::Empty);
        }
        if packet.returned.is_some() || packet.until() <= now {
            return refuse(R::Expired);
        }
        let amount = next_share(packet);
        let from = Account::Packet(asked.packet);
        let moves = self.reach(from, packet.asked.sender, asked.user, amount);
        let reserves = moves.iter().filter(|(account, _, _)| *account != from);
        let what = What::ShareGrabbed {
            packet: id,
            user: asked.user,
            amount,
            reserve: reserves.map(|(_, _, fen)| fen).sum(),
        };
        happens(now, what).moving(moves)
    }

    pub(super) fn expire_packet(&self, now: i64, id: PacketId) -> Verdict {
        use expire::Refusal as R;
        let refuse = |refusal| refused(Refusal::ExpirePacket(refusal));
        let event = id.event().0;
        let Some(packet) = self.packets.get(&event).filter(|packet| packet.is_open()) else {
            return refuse(R::NotOpen);
        };
        if now < packet.until() {
            return refuse(R::NotDue);
        }
        let (sender, amount) = (packet.asked.sender, packet.left);
        let what = What::PacketExpired {
            packet: event,
            sender,
            amount,
        };
        happens(now, what).moving(vec![(Account::Packet(id), Account::Wallet(sender), amount)])
    }
}

/// The last takes what is left; by luck, somewhere up to twice the mean, and a fen stays for each other.
fn next_share(packet: &Packet) -> i64 {
    let (left, shares) = (packet.left, i64::from(packet.shares_left()));
    match packet.asked.kind {
        _ if shares == 1 => left,
        Kind::Equal => left / shares,
        Kind::Lucky => {
            let most = (2 * left / shares).min(left - shares + 1);
            let hash = sip24(packet.asked.seed.0, packet.shares_left());
            let share = i128::from(hash) * i128::from(most) / (1 << 64) + 1;
            i64::try_from(share).unwrap_or(i64::MAX)
        }
    }
}
