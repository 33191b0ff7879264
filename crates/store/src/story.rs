//! What became of an order, a transfer or a red packet.

use feiqian_core::order::Order;
use feiqian_core::order::create::OrderCreated;
use feiqian_core::packet::Packet;
use feiqian_core::packet::send::PacketSent;
use feiqian_core::{Event, EventNumber};

/// An order with all events that went on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStory {
    /// How it began.
    pub created: OrderCreated,
    /// What came later, oldest first.
    pub later: Vec<(EventNumber, Event)>,
    order: Order,
}

impl OrderStory {
    /// The order as its events made it.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order.clone()
    }

    /// Replays the events; none if they make no order.
    ///
    /// Replaying stops on a series of events that the rules could never have made. Here that is
    /// damage on disk, not a bug, so it is caught: it fails one question and not the program.
    pub(crate) fn replay(
        number: EventNumber,
        first: Event,
        later: Vec<(EventNumber, Event)>,
    ) -> Option<Self> {
        let replayed = std::panic::catch_unwind(|| {
            let later = later.iter().map(|(number, event)| (*number, event));
            Order::replay(std::iter::once((number, &first)).chain(later))
        });
        let order = replayed.ok().flatten()?;
        let Event::OrderCreated(created) = first else {
            return None;
        };
        Some(Self {
            created,
            later,
            order,
        })
    }
}

/// A red packet with who took what, and the return of its rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketStory {
    /// How it was sent.
    pub sent: PacketSent,
    /// `ShareGrabbed`s and perhaps a `PacketExpired`, oldest first.
    pub later: Vec<(EventNumber, Event)>,
    packet: Packet,
}

impl PacketStory {
    /// The packet as its events made it.
    #[must_use]
    pub fn packet(&self) -> Packet {
        self.packet.clone()
    }

    /// Replays the events; none if they make no packet, as of an order.
    pub(crate) fn replay(
        number: EventNumber,
        first: Event,
        later: Vec<(EventNumber, Event)>,
    ) -> Option<Self> {
        let replayed = std::panic::catch_unwind(|| {
            let later = later.iter().map(|(number, event)| (*number, event));
            Packet::replay(std::iter::once((number, &first)).chain(later))
        });
        let packet = replayed.ok().flatten()?;
        let Event::PacketSent(sent) = first else {
            return None;
        };
        Some(Self {
            sent: *sent,
            later,
            packet,
        })
    }
}

/// A top-up or withdrawal, and the bank's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferStory {
    /// What was asked: `TopUpRequested` or `WithdrawalRequested`.
    pub request: Event,
    /// What the bank said, once it has.
    pub answer: Option<(EventNumber, Event)>,
}
