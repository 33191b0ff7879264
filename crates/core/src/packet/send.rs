//! Send a red packet, to one user or to whoever has its link.
//!
//! Units: total in [`Fen`]. Ledger: wallet → packet. Invariant: a fen at least for each share.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, EventNumber, Number, PacketId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::{MESSAGE_CHARS_MAX, PACKET_SHARES_MAX};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::packet::draw::Seed;
use crate::packet::{Kind, Packet};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;
use crate::user::limits::{Above, check, spend};

/// Command. `number` is the sender's. The packet's id is its event's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendPacket {
    /// Whose money.
    pub sender: UserId,
    /// Send the same one when trying again.
    pub number: Number,
    /// How it is divided.
    pub kind: Kind,
    /// The only one who may open it; whoever has the link, if none.
    pub to: Option<UserId>,
    /// How much.
    pub total: Fen,
    /// In how many shares.
    pub shares: u16,
    /// What the sender writes on it.
    pub message: Option<Box<str>>,
    /// From a secure source, new for each packet; another one does not make another request. See
    /// [`draw`](super::draw).
    pub seed: Seed,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PacketSent {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Whose money.
    #[n(1)]
    pub sender: UserId,
    /// The sender's number.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// How it is divided.
    #[n(4)]
    pub kind: Kind,
    /// The only one who may open it.
    #[n(5)]
    pub to: Option<UserId>,
    /// How much.
    #[n(6)]
    pub total: Fen,
    /// In how many shares.
    #[n(7)]
    pub shares: u16,
    /// What luck comes from.
    #[n(8)]
    pub seed: Seed,
    /// What the sender writes on it.
    #[n(9)]
    pub message: Option<Box<str>>,
    /// See the module.
    #[n(10)]
    pub postings: Postings,
}

refusals! {
    /// The number names another packet. Final.
    NumberReused = "this number was used for another red packet",
    /// No such user. Final.
    UserNotFound = "there is no such user",
    /// Frozen or closed. May succeed once thawed.
    UserNotActive = "this user may not move money",
    /// The one it is for does not exist. Final.
    PayeeNotFound = "there is nobody whom this red packet could be for",
    /// It is for its sender. Final.
    PayeeIsSender = "a red packet is for others",
    /// Outside 1 … 500, or several for one user. Final.
    SharesOutOfRange = "a red packet has 1 to 500 shares, and for one person only 1",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// Less than 1 fen for each share. Final.
    BelowShares = "each share has 1 fen at least",
    /// Equal shares of it are not whole fen. Final.
    Uneven = "this total does not divide into equal shares",
    /// The message is longer than its limit. Final.
    TextTooLong = "a message has at most 60 characters",
    /// More than the wallet has. May succeed later.
    BalanceShort {
        /// What the wallet has.
        available: Fen
    } = "the wallet has {available} yuan only",
    /// More than the sender's tier may pay. May succeed on another day.
    AboveLimit {
        /// Which limit, and what it leaves.
        above: Above
    } = "{above}",
}

impl SendPacket {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Packets(self.sender),
            number: self.number,
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(&(
            self.kind,
            self.to,
            self.total,
            self.shares,
            self.message.as_deref(),
        ))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl PacketSent {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Packets(self.sender),
                number: self.number,
            },
            self.digest,
        )
    }

    /// The packet, its account still empty.
    pub(crate) fn packet(&self, number: EventNumber) -> Packet {
        Packet {
            sender: self.sender,
            to: self.to,
            kind: self.kind,
            shares: self.shares,
            left: Fen::ZERO,
            seed: self.seed,
            at: self.at,
            takers: Vec::new(),
            expired: false,
            last: number,
        }
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &SendPacket,
) -> Decision<PacketSent, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some(user) = state.user(command.sender) else {
        return Decision::Refuse(Refusal::UserNotFound);
    };
    if user.status != UserStatus::Active {
        return Decision::Refuse(Refusal::UserNotActive);
    }
    if let Some(to) = command.to {
        if state.user(to).is_none() {
            return Decision::Refuse(Refusal::PayeeNotFound);
        }
        if to == command.sender {
            return Decision::Refuse(Refusal::PayeeIsSender);
        }
    }
    let most = if command.to.is_some() {
        1
    } else {
        PACKET_SHARES_MAX
    };
    if !(1..=most).contains(&command.shares) {
        return Decision::Refuse(Refusal::SharesOutOfRange);
    }
    if !command.total.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    let shares = i64::from(command.shares);
    if command.total.0 < shares {
        return Decision::Refuse(Refusal::BelowShares);
    }
    if command.kind == Kind::Equal && command.total.0.checked_rem(shares) != Some(0) {
        return Decision::Refuse(Refusal::Uneven);
    }
    let fits = |text: &str| text.chars().count() <= MESSAGE_CHARS_MAX;
    if !command.message.as_deref().is_none_or(fits) {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    if user.balance < command.total {
        return Decision::Refuse(Refusal::BalanceShort {
            available: user.balance,
        });
    }
    if let Err(above) = check(state, now, command.sender, command.total) {
        return Decision::Refuse(Refusal::AboveLimit { above });
    }
    let packet = PacketId::new(state.next).expect("2^56 events are never reached");
    Decision::Accept(PacketSent {
        at: now,
        sender: command.sender,
        number: command.number,
        digest,
        kind: command.kind,
        to: command.to,
        total: command.total,
        shares: command.shares,
        seed: command.seed,
        message: command.message.clone(),
        postings: Postings::new().with(
            Account::Wallet(command.sender),
            Account::Packet(packet),
            command.total,
        ),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &PacketSent) {
    let number = state.next;
    let id = PacketId::new(number).expect("2^56 events are never reached");
    state.packets.push(id, event.packet(number));
    spend(state, event.at, event.sender, event.total);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::limits::AMOUNT_MAX;
    use crate::testing::{
        LEI, MEI, MEI2, NOBODY, PACKET, given, nth, packet_of, send_packet, send_to, set_status,
    };

    #[test]
    fn the_money_waits_in_the_packet() {
        given([send_packet(MEI, "p", Kind::Lucky, 100_000, 500)])
            .has(Account::Wallet(MEI), 0)
            .has(Account::Packet(PACKET), 100_000);
    }

    #[test]
    fn another_seed_is_no_other_request() {
        let mut again = packet_of(MEI, "p", Kind::Lucky, 100, 3);
        again.seed = Seed([9; 16]);
        given([send_packet(MEI, "p", Kind::Lucky, 100, 3)])
            .when(again)
            .answers_again(nth(0));
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        use Kind::{Equal, Lucky};
        let available = Fen(99_900);
        given([
            send_packet(MEI, "p", Lucky, 100, 3),
            set_status(LEI, UserStatus::Frozen),
        ])
        .when(send_packet(MEI, "p", Lucky, 100, 3))
        .answers_again(nth(0))
        .refuses_each([
            (send_packet(MEI, "p", Equal, 100, 3), NumberReused),
            (send_packet(MEI, "p", Lucky, 100, 4), NumberReused),
            (send_to(MEI, "p", 100, MEI2), NumberReused),
            (send_packet(NOBODY, "p", Lucky, 0, 0), UserNotFound),
            (send_packet(LEI, "p", Lucky, 0, 0), UserNotActive),
            (send_to(MEI, "q", 0, NOBODY), PayeeNotFound),
            (send_to(MEI, "q", 0, MEI), PayeeIsSender),
            (send_packet(MEI, "q", Lucky, 0, 0), SharesOutOfRange),
            (send_packet(MEI, "q", Lucky, 0, 501), SharesOutOfRange),
            (
                SendPacket {
                    shares: 2,
                    to: Some(MEI2),
                    ..packet_of(MEI, "q", Lucky, 0, 2)
                }
                .into(),
                SharesOutOfRange,
            ),
            (send_packet(MEI, "q", Lucky, 0, 2), AmountOutOfRange),
            (
                send_packet(MEI, "q", Lucky, AMOUNT_MAX.0 + 1, 2),
                AmountOutOfRange,
            ),
            (send_packet(MEI, "q", Equal, 1, 2), BelowShares),
            (send_packet(MEI, "q", Equal, 199_999, 2), Uneven),
            (
                SendPacket {
                    message: Some("大".repeat(61).into()),
                    ..packet_of(MEI, "q", Equal, 200_000, 2)
                }
                .into(),
                TextTooLong,
            ),
            (
                send_packet(MEI, "q", Equal, 200_000, 2),
                BalanceShort { available },
            ),
            (
                send_packet(MEI, "q", Lucky, 99_901, 2),
                BalanceShort { available },
            ),
        ])
        .when(send_to(MEI, "q", 99_900, MEI2))
        .accepts();
    }
}
