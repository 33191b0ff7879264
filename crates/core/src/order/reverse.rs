//! Reverse an order: undo it whatever became of it. A till asks for it when it does not know whether
//! a payment went through.
//!
//! Units: amounts in [`Fen`]. Ledger: of a paid order, fee income → merchant the fee, merchant →
//! wallet the amount. Invariants: an undone order is never paid; undoing twice is answered again.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{MerchantId, OrderId};
use crate::ledger::{Account, Postings};
use crate::limits::REVERSE_WITHIN_MS;
use crate::money::Fen;
use crate::order::{Order, OrderRef, OrderState, Payment, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseOrder {
    /// Whose order.
    pub merchant: MerchantId,
    /// Which.
    pub order: OrderRef,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderReversed {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub order: OrderId,
    /// Whose order.
    #[n(2)]
    pub merchant: MerchantId,
    /// Given back to the payer; zero if it was not paid.
    #[n(3)]
    pub amount: Fen,
    /// Given back of the fee.
    #[n(4)]
    pub fee_returned: Fen,
    /// See the module.
    #[n(5)]
    pub postings: Postings,
}

refusals! {
    /// This merchant has no such order. Final.
    OrderNotFound = "there is no such order",
    /// Something was refunded: refund the rest. Final.
    AlreadyRefunded = "this order was refunded already: refund what is left",
    /// Paid more than 7 days ago: refund it. Final.
    TooLate = "this order was paid more than 7 days ago: refund it",
    /// The merchant's account has less. May succeed later.
    BalanceShort {
        /// What the merchant's account has.
        available: Fen
    } = "the merchant's account has {available} yuan only",
}

impl ReverseOrder {
    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        self.order.fetch(self.merchant, state, archive)
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ReverseOrder,
) -> Decision<OrderReversed, Refusal> {
    let Some((id, order)) = command.order.find(command.merchant, state) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    let (amount, fee_returned, postings) = match &order.state {
        OrderState::Reversed(_) | OrderState::Closed => return Decision::Again(order.last),
        OrderState::Open => (Fen::ZERO, Fen::ZERO, Postings::new()),
        OrderState::Paid(paid) => {
            if paid.refunds > 0 {
                return Decision::Refuse(Refusal::AlreadyRefunded);
            }
            if now > paid.at.plus(REVERSE_WITHIN_MS) {
                return Decision::Refuse(Refusal::TooLate);
            }
            let account = Account::Merchant(command.merchant);
            let available = state
                .balance(account)
                .expect("its merchant was found when creating");
            if available
                .plus(paid.fee)
                .is_none_or(|most| most < order.amount)
            {
                return Decision::Refuse(Refusal::BalanceShort { available });
            }
            let postings = Postings::new()
                .with(Account::FeeIncome(paid.brand), account, paid.fee)
                .with(account, Account::Wallet(paid.payer), order.amount);
            (order.amount, paid.fee, postings)
        }
    };
    Decision::Accept(OrderReversed {
        at: now,
        order: id,
        merchant: command.merchant,
        amount,
        fee_returned,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderReversed) {
    settle(state, event.order, |order| apply(order, event));
}

pub(super) fn apply(order: &mut Order, event: &OrderReversed) {
    order.state = OrderState::Reversed(match order.state {
        OrderState::Open => None,
        OrderState::Paid(paid) => Some(Payment {
            refunded: event.amount,
            fee_returned: event.fee_returned,
            ..paid
        }),
        OrderState::Closed | OrderState::Reversed(_) => panic!("an order is undone once"),
    });
}
