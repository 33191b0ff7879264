//! Orders: what a merchant asks a shopper to pay.
//!
//! ```text
//! Open ── pay ──► Paid ── refund … ──► Paid (refunded in part or in full)
//!  │                └──── reverse ───► Reversed
//!  ├── close / expire / decline ─────► Closed
//!  └── reverse ──────────────────────► Reversed
//! ```
//!
//! A shopper's pay code binds an open order to that shopper, who may be asked first.

pub mod close;
pub mod create;
pub mod decline;
mod ends;
pub mod expire;
mod give_back;
pub mod pay;
pub mod refund;
pub mod reverse;
mod settled;
pub mod spend_code;

use std::sync::Arc;

use minicbor::{Decode, Encode};

pub(crate) use ends::Orders;
pub(crate) use give_back::count as returned_counted;
pub(crate) use pay::grant as grant_counted;
pub(crate) use settled::Settled;

use crate::archive::{Archive, ArchiveError};
use crate::campaign::grant::{Granted, RebateStage};
use crate::campaign::payout;
use crate::event::Event;
use crate::ids::{BrandId, EventNumber, MerchantId, Number, OrderId, UserId};
use crate::money::Fen;
use crate::numbers::{Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// What deciding needs to know of an order. Its texts are in the event that created it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Order {
    /// Who asks.
    #[n(0)]
    pub merchant: MerchantId,
    /// For how much.
    #[n(1)]
    pub amount: Fen,
    /// The only user who may pay, if the merchant named one.
    #[n(2)]
    pub only_payer: Option<UserId>,
    /// It cannot be paid from here on.
    #[n(3)]
    pub expires_at: UnixMillis,
    /// What became of it.
    #[n(4)]
    pub state: OrderState,
    /// The newest event that touched it.
    #[n(5)]
    pub last: EventNumber,
    /// The shopper whose pay code was spent on it last.
    #[n(6)]
    pub shown: Option<Box<Shown>>,
}

/// A shopper who showed a pay code for an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Shown {
    /// Nobody else may pay the order.
    #[n(0)]
    pub payer: UserId,
    /// It waits for this shopper's consent.
    #[n(1)]
    pub asked: bool,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum OrderState {
    /// Waits for the shopper.
    #[n(0)]
    Open,
    /// Paid; perhaps refunded in part or in full.
    #[n(1)]
    Paid(#[n(0)] Payment),
    /// Ended unpaid, by the merchant or by time.
    #[n(2)]
    Closed,
    /// Undone; a payment was given back.
    #[n(3)]
    Reversed(#[n(0)] Option<Payment>),
}

/// An order's payment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Payment {
    /// Who paid.
    #[n(0)]
    pub payer: UserId,
    /// The payer's brand: who earns the fee.
    #[n(1)]
    pub brand: BrandId,
    /// The payer's number for this payment.
    #[n(2)]
    pub attempt: Attempt,
    /// The event that recorded it.
    #[n(8)]
    pub event: EventNumber,
    /// When.
    #[n(3)]
    pub at: UnixMillis,
    /// What was kept of it; frozen at payment.
    #[n(4)]
    pub fee: Fen,
    /// Given back so far. Never above the amount.
    #[n(5)]
    pub refunded: Fen,
    /// Of the fee, given back so far.
    #[n(6)]
    pub fee_returned: Fen,
    /// How many refunds.
    #[n(7)]
    pub refunds: u8,
    /// What became of its rebate.
    #[n(9)]
    #[cbor(default)]
    pub rebate: RebateStage,
    /// What campaigns did to it.
    #[cbor(n(10), with = "crate::cbor::shared", has_nil)]
    pub granted: Option<Arc<Granted>>,
}

/// A payer's number for one try to pay one order, as the first 8 bytes of its digest: a repeated
/// request is answered again, a second payment of the same order is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Attempt(#[n(0)] pub u64);

impl Attempt {
    /// Of the payer's number.
    #[must_use]
    pub fn of(number: &Number) -> Self {
        let crate::ids::Digest(bytes) = crate::ids::Digest::of(number);
        let (first, _) = bytes
            .split_first_chunk::<8>()
            .expect("a digest has 16 bytes");
        Self(u64::from_be_bytes(*first))
    }
}

/// How a merchant names one of its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By our id (WeChat Pay `transaction_id`).
    Id(OrderId),
    /// By its own number (`out_trade_no`).
    Number(Number),
}

impl OrderRef {
    fn key(merchant: MerchantId, number: Number) -> Key {
        Key {
            scope: Scope::Orders(merchant),
            number,
        }
    }

    pub(crate) fn fetch(
        self,
        merchant: MerchantId,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        let id = match self {
            Self::Id(id) => Some(id),
            Self::Number(number) => {
                let key = Self::key(merchant, number);
                state.recall_number(&key, archive)?;
                state.numbers.get(&key).map(|known| OrderId(known.event))
            }
        };
        id.map_or(Ok(()), |id| state.recall_order(id, archive))
    }

    /// The merchant's order of this name.
    pub(crate) fn find(self, merchant: MerchantId, state: &State) -> Option<(OrderId, &Order)> {
        let id = match self {
            Self::Id(id) => id,
            Self::Number(number) => OrderId(state.numbers.get(&Self::key(merchant, number))?.event),
        };
        let order = state.order(id)?;
        (order.merchant == merchant).then_some((id, order))
    }
}

impl Order {
    /// The order as its events made it, oldest first; none if the first did not create it.
    pub fn replay<'a>(events: impl IntoIterator<Item = (EventNumber, &'a Event)>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut order = match events.next() {
            Some((number, Event::OrderCreated(created))) => created.order(number),
            Some(_) | None => return None,
        };
        for (number, event) in events {
            order.apply(number, event);
        }
        Some(order)
    }

    /// Whose consent it waits for, or waited.
    fn asked(&self) -> Option<UserId> {
        let shown = self.shown.as_ref().filter(|shown| shown.asked);
        shown.map(|shown| shown.payer)
    }

    /// Applies an event that goes on with this order.
    fn apply(&mut self, number: EventNumber, event: &Event) {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "other events do not touch orders"
        )]
        match event {
            Event::OrderPaid(event) => pay::apply(self, number, event),
            Event::OrderClosed(_) | Event::OrderExpired(_) | Event::OrderDeclined(_) => {
                self.state = OrderState::Closed;
            }
            Event::CodeSpent(event) => spend_code::apply(self, number, event),
            Event::OrderReversed(event) => reverse::apply(self, event),
            Event::OrderRefunded(event) => refund::apply(self, event),
            Event::RebatePaid(_) => payout::apply(self),
            other => panic!("{other:?} does not go on with an order"),
        }
        self.last = number;
    }
}

/// Applies an event to its order in the state: changed by `change`, settled from now on.
pub(crate) fn settle(state: &mut State, id: OrderId, change: impl FnOnce(&mut Order)) {
    let number = state.next;
    let order = state
        .orders
        .get_mut(id)
        .expect("the order was found when deciding");
    let was_open = order.state == OrderState::Open;
    change(order);
    order.last = number;
    let asked = order.asked();
    if let Some(payer) = asked {
        state.orders.answered(id, payer);
    }
    if was_open {
        state.settled.begin(number, id);
    } else {
        state.settled.touch(number, id);
    }
}
