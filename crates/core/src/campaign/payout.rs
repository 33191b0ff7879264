//! Pay out a rebate whose day has come. A timer asks for it.
//!
//! Ledger: pending rebate → wallet, what refunds have left of it. It arrives whatever the user's status.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::grant::RebateStage;
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, OrderId, UserId};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::order::{Order, OrderState, settle};
use crate::state::State;
use crate::time::UnixMillis;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayRebate {
    /// Of which order's payment.
    pub order: OrderId,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RebatePaid {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Of which order's payment.
    #[n(1)]
    pub order: OrderId,
    /// Whose rebate.
    #[n(2)]
    pub campaign: CampaignId,
    /// Who gets it.
    #[n(3)]
    pub payer: UserId,
    /// How much; nothing if all was refunded.
    #[n(4)]
    pub amount: Fen,
    /// See the module.
    #[n(5)]
    pub postings: Postings,
}

refusals! {
    /// Nothing of this order waits, or not until now.
    NotDue = "no rebate of this order is due",
}

impl PayRebate {
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
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &PayRebate,
) -> Decision<RebatePaid, Refusal> {
    let id = command.order;
    let order = state.order(id);
    let Some((OrderState::Paid(paid) | OrderState::Reversed(Some(paid)), order)) =
        order.map(|order| (&order.state, order))
    else {
        return Decision::Refuse(Refusal::NotDue);
    };
    let rebate = paid.granted.as_ref().and_then(|granted| granted.rebate);
    let waits = |rebate: &crate::campaign::grant::Rebate| rebate.due.is_some_and(|due| due <= now);
    let Some(rebate) = rebate
        .filter(waits)
        .filter(|_| paid.rebate == RebateStage::Waits)
    else {
        return Decision::Refuse(Refusal::NotDue);
    };
    let amount = rebate.left(order.amount, paid.refunded);
    #[cfg(feature = "planted")]
    let amount = if crate::planted::is(crate::planted::Bug::RebateTwice) {
        rebate.amount
    } else {
        amount
    };
    Decision::Accept(RebatePaid {
        at: now,
        order: id,
        campaign: rebate.campaign,
        payer: paid.payer,
        amount,
        postings: Postings::new().with(
            Account::PendingRebate(rebate.campaign),
            Account::Wallet(paid.payer),
            amount,
        ),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &RebatePaid) {
    state.campaigns.rebate_is_paid(event.campaign, event.order);
    settle(state, event.order, apply);
}

pub(crate) fn apply(order: &mut Order) {
    let (OrderState::Paid(paid) | OrderState::Reversed(Some(paid))) = &mut order.state else {
        panic!("only a payment has a rebate")
    };
    paid.rebate = RebateStage::Arrived;
}
