//! Give back what is left of a red packet whose time is over. Only the engine's timer asks for it.
//!
//! Ledger: packet → the sender's wallet, whatever the sender's status. Invariant: it happens at or after
//! the packet's end, once, and only while shares are left.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{PacketId, UserId};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::limits::unspend;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpirePacket {
    /// Which.
    pub packet: PacketId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PacketExpired {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub packet: PacketId,
    /// Who sent it.
    #[n(2)]
    pub sender: UserId,
    /// What was left.
    #[n(3)]
    pub amount: Fen,
    /// See the module.
    #[n(4)]
    pub postings: Postings,
}

refusals! {
    /// No such packet is open; open ones are always in memory. Final.
    NotOpen = "there is no such open red packet",
    /// Its end has not come. May succeed later.
    NotDue = "this red packet's time is not over",
}

impl ExpirePacket {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ExpirePacket,
) -> Decision<PacketExpired, Refusal> {
    let packet = state.packet(command.packet);
    let Some(packet) = packet.filter(|packet| packet.is_open()) else {
        return Decision::Refuse(Refusal::NotOpen);
    };
    if now < packet.ends() {
        return Decision::Refuse(Refusal::NotDue);
    }
    Decision::Accept(PacketExpired {
        at: now,
        packet: command.packet,
        sender: packet.sender,
        amount: packet.left,
        postings: Postings::new().with(
            Account::Packet(command.packet),
            Account::Wallet(packet.sender),
            packet.left,
        ),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &PacketExpired) {
    let number = state.next;
    let packet = state.packet(event.packet).expect("found when deciding");
    unspend(state, packet.at, event.sender, event.amount);
    let expire = |packet: &mut super::Packet| packet.expire(number);
    state.packets.change(event.packet, expire);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::limits::PACKET_LIFE_MS;
    use crate::packet::Kind;
    use crate::testing::{
        MEI, MEI2, NO_PACKET, PACKET, expire_packet, given, grab, nth, send_packet, set_status,
    };
    use crate::user::UserStatus;

    #[test]
    fn the_rest_goes_back_once_even_to_a_closed_sender() {
        let mut world = given([
            send_packet(MEI, "p", Kind::Equal, 100, 4),
            grab(PACKET, MEI2),
            set_status(MEI, UserStatus::Closed),
        ])
        .after_ms(PACKET_LIFE_MS - 1)
        .when(expire_packet(PACKET))
        .refuses(NotDue);
        assert_eq!(world.state.due(world.now, 9), []);
        let mut world = world.after_ms(1);
        assert_eq!(world.state.due(world.now, 9), [expire_packet(PACKET)]);
        assert_eq!(world.state.next_due(), Some(world.now));
        let mut world = world
            .when(expire_packet(PACKET))
            .accepts()
            .has(Account::Wallet(MEI), 99_975)
            .has(Account::Packet(PACKET), 0);
        assert_eq!(world.state.due(world.now, 9), []);
        assert_eq!(world.state.next_due(), None);
        world
            .when(expire_packet(PACKET))
            .refuses(NotOpen)
            .when(grab(PACKET, MEI2))
            .answers_again(nth(1));
    }

    #[test]
    fn one_that_is_empty_does_not_expire() {
        let mut world = given([
            send_packet(MEI, "p", Kind::Lucky, 100, 1),
            grab(PACKET, MEI2),
        ])
        .after_ms(PACKET_LIFE_MS);
        assert_eq!(world.state.due(world.now, 9), []);
        world
            .when(expire_packet(PACKET))
            .refuses(NotOpen)
            .when(expire_packet(NO_PACKET))
            .refuses(NotOpen);
    }
}
