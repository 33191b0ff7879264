//! Take a share of a red packet.
//!
//! Units: amounts in [`Fen`]. Ledger: packet → wallet, and between the brands' bank reserves. Invariants: one share for each user, and the shares
//! add up to the packet. It needs no number: asking again answers with the first draw.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{PacketId, UserId};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::packet::draw::draw;
use crate::remittance::reach;
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrabShare {
    /// Of which packet.
    pub packet: PacketId,
    /// For whom.
    pub user: UserId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ShareGrabbed {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Of which packet.
    #[n(1)]
    pub packet: PacketId,
    /// For whom.
    #[n(2)]
    pub user: UserId,
    /// How much.
    #[n(3)]
    pub amount: Fen,
    /// What moved between the brands' bank reserves.
    #[n(4)]
    pub reserve: Fen,
    /// See the module.
    #[n(5)]
    pub postings: Postings,
}

refusals! {
    /// No such packet. Final.
    PacketNotFound = "there is no such red packet",
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// Frozen or closed. May succeed once thawed.
    UserNotActive = "this user may not move money",
    /// It is for another user. Final.
    ForAnother = "this red packet is for somebody else",
    /// All shares are taken. Final.
    Empty = "all shares of this red packet are taken",
    /// A day has passed. Final.
    Expired = "this red packet's time is over",
}

impl GrabShare {
    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_packet(self.packet, archive)
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &GrabShare,
) -> Decision<ShareGrabbed, Refusal> {
    let Some(packet) = state.packet(command.packet) else {
        return Decision::Refuse(Refusal::PacketNotFound);
    };
    if let Some(event) = packet.taken_by(command.user) {
        return Decision::Again(event);
    }
    let Some(user) = state.user(command.user) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status != UserStatus::Active {
        return Decision::Refuse(Refusal::UserNotActive);
    }
    if packet.to.is_some_and(|to| to != command.user) {
        return Decision::Refuse(Refusal::ForAnother);
    }
    if packet.shares_left() == 0 {
        return Decision::Refuse(Refusal::Empty);
    }
    if packet.expired || packet.ends() <= now {
        return Decision::Refuse(Refusal::Expired);
    }
    let amount = draw(packet.kind, &packet.seed, packet.left, packet.shares_left());
    let from = Account::Packet(command.packet);
    let (reserve, postings) = reach(state, from, packet.sender, command.user, amount);
    Decision::Accept(ShareGrabbed {
        at: now,
        packet: command.packet,
        user: command.user,
        amount,
        reserve,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &ShareGrabbed) {
    let number = state.next;
    let give = |packet: &mut super::Packet| packet.give(event.user, number);
    state.packets.change(event.packet, give);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::limits::PACKET_LIFE_MS;
    use crate::packet::Kind;
    use crate::testing::{
        LEI, MEI, MEI2, NO_PACKET, NOBODY, PACKET, add_user, given, grab, nth, send_packet,
        send_to, set_status,
    };
    use crate::user::Tier;

    #[test]
    fn shares_add_up_and_asking_again_draws_no_second() {
        let mut world = given([send_packet(MEI, "p", Kind::Lucky, 100, 3)])
            .when(grab(PACKET, MEI2))
            .accepts();
        let drawn = world.state.balance(Account::Wallet(MEI2)).unwrap().0 - 100_000;
        world = world
            .when(grab(PACKET, MEI2))
            .answers_again(nth(1))
            // The sender may draw too.
            .when(grab(PACKET, MEI))
            .accepts();
        let third = UserId(u32::try_from(world.state.user_count()).unwrap());
        world.accept(&add_user("third", 0, Tier::Full));
        let left = world.state.balance(Account::Packet(PACKET)).unwrap().0;
        world
            .when(grab(PACKET, third))
            .accepts()
            .has(Account::Wallet(third), left)
            .has(Account::Wallet(MEI2), 100_000 + drawn)
            .has(Account::Wallet(MEI), 100_000 - drawn - left)
            .has(Account::Packet(PACKET), 0)
            .when(grab(PACKET, MEI2))
            .answers_again(nth(1));
    }

    #[test]
    fn equal_shares_are_equal() {
        given([send_packet(MEI, "p", Kind::Equal, 100, 2)])
            .when(grab(PACKET, MEI2))
            .accepts()
            .has(Account::Wallet(MEI2), 100_050)
            .when(grab(PACKET, MEI))
            .accepts()
            .has(Account::Wallet(MEI), 99_950);
    }

    #[test]
    fn a_share_for_another_brand_moves_the_reserves() {
        use crate::ids::BrandId;
        given([send_packet(MEI, "p", Kind::Equal, 100, 2)])
            .when(grab(PACKET, LEI))
            .accepts()
            .has(Account::Wallet(LEI), 100_050)
            .has(Account::BankReserve(BrandId(0)), 199_950)
            .has(Account::BankReserve(BrandId(1)), 200_050);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        given([send_to(MEI, "p", 100, MEI2)])
            .refuses_each([
                (grab(NO_PACKET, NOBODY), PacketNotFound),
                (grab(PACKET, NOBODY), UserNotFound),
                (grab(PACKET, LEI), ForAnother),
                (grab(PACKET, MEI), ForAnother),
            ])
            .when(set_status(MEI2, UserStatus::Frozen))
            .accepts()
            .refuses_each([(grab(PACKET, MEI2), UserNotActive)]);
        given([send_packet(MEI, "p", Kind::Lucky, 100, 1)])
            .when(grab(PACKET, MEI))
            .accepts()
            .after_ms(PACKET_LIFE_MS)
            .refuses_each([(grab(PACKET, MEI2), Empty)]);
        given([send_packet(MEI, "p", Kind::Lucky, 100, 1)])
            .after_ms(PACKET_LIFE_MS)
            .refuses_each([(grab(PACKET, MEI2), Expired)])
            .when(crate::testing::expire_packet(PACKET))
            .accepts()
            .refuses_each([(grab(PACKET, MEI2), Expired)]);
    }
}
