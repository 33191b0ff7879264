//! Pay an order from the shopper's wallet.
//!
//! Units: amounts in [`Fen`]. Ledger: wallet → merchant the amount; merchant → fee income of the
//! payer's brand the fee, half-up to the fen, at the rate that holds now and is frozen with it.
//! Invariant: an order is paid once.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{BrandId, MerchantId, OrderId, UserId};
use crate::ledger::{Account, Postings};
use crate::merchant::MerchantStatus;
use crate::money::Fen;
use crate::order::{Attempt, Order, OrderState, Payment, settle};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayOrder {
    /// Which order.
    pub order: OrderId,
    /// Who pays.
    pub payer: UserId,
    /// The payer's number; the same one when trying again.
    pub attempt: Attempt,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderPaid {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which order.
    #[n(1)]
    pub order: OrderId,
    /// Who is paid.
    #[n(2)]
    pub merchant: MerchantId,
    /// Who paid.
    #[n(3)]
    pub payer: UserId,
    /// The payer's brand.
    #[n(4)]
    pub brand: BrandId,
    /// The payer's number.
    #[n(5)]
    pub attempt: Attempt,
    /// The order's amount.
    #[n(6)]
    pub amount: Fen,
    /// What is kept of it.
    #[n(7)]
    pub fee: Fen,
    /// See the module.
    #[n(8)]
    pub postings: Postings,
}

refusals! {
    /// No such order. Final.
    OrderNotFound = "there is no such order",
    /// Paid already, by this payer or another. Final.
    AlreadyPaid = "this order is paid already",
    /// Closed or undone. Final.
    OrderClosed = "this order is closed",
    /// Its time is over. Final.
    OrderExpired = "this order's time is over",
    /// No such user. Final.
    PayerNotFound = "there is no such payer",
    /// The order names another payer. Final.
    OtherPayer = "this order is for another payer",
    /// Frozen or closed. May succeed once thawed.
    PayerNotActive = "this user may not move money",
    /// Paused. May succeed later.
    MerchantNotActive = "this merchant may not take payments now",
    /// More than the wallet has. May succeed later.
    BalanceShort {
        /// What the wallet has.
        available: Fen
    } = "the wallet has {available} yuan only",
}

impl PayOrder {
    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_order(self.order, archive)
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &PayOrder) -> Decision<OrderPaid, Refusal> {
    let Some(order) = state.order(command.order) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    match &order.state {
        OrderState::Open => {}
        OrderState::Paid(paid)
            if (paid.payer, paid.attempt) == (command.payer, command.attempt) =>
        {
            return Decision::Again(command.order.0);
        }
        OrderState::Paid(_) => return Decision::Refuse(Refusal::AlreadyPaid),
        OrderState::Closed | OrderState::Reversed(_) => {
            return Decision::Refuse(Refusal::OrderClosed);
        }
    }
    if now >= order.expires_at {
        return Decision::Refuse(Refusal::OrderExpired);
    }
    let Some(payer) = state.user(command.payer) else {
        return Decision::Refuse(Refusal::PayerNotFound);
    };
    if order.only_payer.is_some_and(|only| only != command.payer) {
        return Decision::Refuse(Refusal::OtherPayer);
    }
    if payer.status != UserStatus::Active {
        return Decision::Refuse(Refusal::PayerNotActive);
    }
    let merchant = state
        .merchant(order.merchant)
        .expect("its merchant was found when creating");
    if merchant.status != MerchantStatus::Active {
        return Decision::Refuse(Refusal::MerchantNotActive);
    }
    if payer.balance < order.amount {
        return Decision::Refuse(Refusal::BalanceShort {
            available: payer.balance,
        });
    }
    // After this line the payment must succeed.
    let fee = merchant.fee.of(order.amount);
    let account = Account::Merchant(order.merchant);
    Decision::Accept(OrderPaid {
        at: now,
        order: command.order,
        merchant: order.merchant,
        payer: command.payer,
        brand: payer.brand,
        attempt: command.attempt,
        amount: order.amount,
        fee,
        postings: Postings::new()
            .with(Account::Wallet(command.payer), account, order.amount)
            .with(account, Account::FeeIncome(payer.brand), fee),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderPaid) {
    settle(state, event.order, |order| apply(order, event));
}

pub(super) fn apply(order: &mut Order, event: &OrderPaid) {
    assert!(order.state == OrderState::Open, "an order is paid once");
    order.state = OrderState::Paid(Payment {
        payer: event.payer,
        brand: event.brand,
        attempt: event.attempt,
        at: event.at,
        fee: event.fee,
        refunded: Fen::ZERO,
        fee_returned: Fen::ZERO,
        refunds: 0,
    });
}
