//! What became of an order, a transfer, a remittance, a request for money or a red packet.

use feiqian_core::order::Order;
use feiqian_core::order::create::OrderCreated;
use feiqian_core::packet::Packet;
use feiqian_core::packet::send::PacketSent;
use feiqian_core::remittance::To;
use feiqian_core::remittance::send::MoneySent;
use feiqian_core::request::ask::MoneyRequested;
use feiqian_core::request::{Share, ShareState};
use feiqian_core::{Event, EventNumber, UnixMillis, UserId};

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

/// A remittance, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemittanceStory {
    /// How it was sent.
    pub sent: MoneySent,
    /// How it ended, once it has: `RemittanceArrived`, `RemittanceTakenBack`, `RemittanceAccepted` or
    /// `RemittanceReturned`. What arrives at once has no other end.
    pub end: Option<(EventNumber, Event)>,
}

/// Where a remittance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemittanceStage {
    /// On its way, until then at most.
    Waiting(UnixMillis),
    /// With its payee.
    Arrived(UserId, UnixMillis),
    /// With its payer, who wanted it back.
    TakenBack(UnixMillis),
    /// With its payer, as it could not arrive.
    Returned(UnixMillis),
}

impl RemittanceStory {
    /// Where it is.
    #[must_use]
    pub fn stage(&self) -> RemittanceStage {
        use RemittanceStage as Stage;
        let (sent, end) = (&self.sent, self.end.as_ref().map(|(_, event)| event));
        #[allow(clippy::wildcard_enum_match_arm, reason = "four kinds end it")]
        match end {
            Some(Event::RemittanceArrived(event)) => Stage::Arrived(event.payee, event.at),
            Some(Event::RemittanceAccepted(event)) => Stage::Arrived(event.payee, event.at),
            Some(Event::RemittanceTakenBack(event)) => Stage::TakenBack(event.at),
            Some(Event::RemittanceReturned(event)) => Stage::Returned(event.at),
            _ => match (sent.to, sent.due) {
                (To::Now(payee), _) => Stage::Arrived(payee, sent.at),
                (To::Later(..) | To::Unregistered(_), due) => {
                    Stage::Waiting(due.unwrap_or(sent.at))
                }
            },
        }
    }
}

/// A request for money, with all events that went on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestStory {
    /// How it was asked.
    pub asked: MoneyRequested,
    /// What came later, oldest first: `MoneySent` or `ShareDeclined` for a share, `RequestCancelled`
    /// or `RequestExpired` for the rest.
    pub later: Vec<(EventNumber, Event)>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStage {
    /// Some shares wait for their payers.
    Open,
    /// Every share is paid or declined.
    Done,
    /// Its asker wants nothing more.
    Cancelled,
    /// Its time is over.
    Expired,
}

impl RequestStory {
    /// Its shares as they are, each with when it was paid or declined.
    #[must_use]
    pub fn shares(&self) -> Vec<(Share, Option<UnixMillis>)> {
        let shares = self.asked.request().shares.into_iter();
        shares
            .map(|share| {
                let settled = self.later.iter().find_map(|(_, event)| {
                    #[allow(clippy::wildcard_enum_match_arm, reason = "two kinds settle")]
                    match event {
                        Event::MoneySent(sent) if sent.payer == share.payer => {
                            Some((ShareState::Paid, sent.at))
                        }
                        Event::ShareDeclined(declined) if declined.payer == share.payer => {
                            Some((ShareState::Declined, declined.at))
                        }
                        _ => None,
                    }
                });
                let state = settled.map_or(share.state, |(state, _)| state);
                (Share { state, ..share }, settled.map(|(_, at)| at))
            })
            .collect()
    }

    /// What became of it.
    #[must_use]
    pub fn stage(&self) -> RequestStage {
        #[allow(clippy::wildcard_enum_match_arm, reason = "two kinds end it")]
        match self.later.last() {
            Some((_, Event::RequestCancelled(_))) => RequestStage::Cancelled,
            Some((_, Event::RequestExpired(_))) => RequestStage::Expired,
            _ if self.later.len() == self.asked.shares.len() => RequestStage::Done,
            _ => RequestStage::Open,
        }
    }
}
