//! Change a campaign's budget, from what the caller believes it is.
//!
//! Ledger: the funder's part of the difference, merchant → campaign fund or back. Invariant: the budget
//! never falls below what is granted and promised.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::Status;
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, Digest, Number};
use crate::ledger::{Account, Postings};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeBudget {
    /// Which campaign's.
    pub campaign: CampaignId,
    /// Send the same one when trying again.
    pub number: Number,
    /// Who asks.
    pub by: Number,
    /// What the budget is.
    pub from: Fen,
    /// What it shall be.
    pub to: Fen,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BudgetChanged {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which campaign's.
    #[n(1)]
    pub campaign: CampaignId,
    /// The caller's number.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Who asked.
    #[n(4)]
    pub by: Number,
    /// What it was.
    #[n(5)]
    pub from: Fen,
    /// What it is.
    #[n(6)]
    pub to: Fen,
    /// See the module.
    #[n(7)]
    pub postings: Postings,
}

refusals! {
    /// The number names another change. Final.
    NumberReused = "this number was used for another change of this budget",
    /// No such campaign. Final.
    CampaignNotFound = "there is no such campaign",
    /// It has ended. Final.
    Ended = "this campaign has ended",
    /// The budget is another by now: look again.
    OtherBudget {
        /// What it is.
        budget: Fen
    } = "the budget is {budget} yuan",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// More is granted and promised already.
    BelowUsed {
        /// How much.
        used: Fen
    } = "{used} yuan are granted and promised already",
    /// The funder has less. May succeed later.
    BalanceShort {
        /// What the funder's account has.
        available: Fen
    } = "the merchant that pays for it has {available} yuan only",
}

impl ChangeBudget {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Budgets(self.campaign),
            number: self.number,
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.from, self.to))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl BudgetChanged {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Budgets(self.campaign),
                number: self.number,
            },
            self.digest,
        )
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &ChangeBudget,
) -> Decision<BudgetChanged, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let id = command.campaign;
    let Some(campaign) = state.campaigns.get(id) else {
        return Decision::Refuse(Refusal::CampaignNotFound);
    };
    if campaign.status == Status::Ended {
        return Decision::Refuse(Refusal::Ended);
    }
    let budget = campaign.budget;
    if command.from != budget {
        return Decision::Refuse(Refusal::OtherBudget { budget });
    }
    if !command.to.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    let used = campaign
        .spent
        .plus(campaign.promised)
        .expect("within the budget");
    if command.to < used {
        return Decision::Refuse(Refusal::BelowUsed { used });
    }
    let mut postings = Postings::new();
    if let Some(funder) = campaign.terms.funding.funder()
        && campaign.status != Status::Draft
    {
        let (account, fund) = (Account::Merchant(funder), Account::CampaignFund(id));
        let (old, new) = (
            campaign.funder_part(budget),
            campaign.funder_part(command.to),
        );
        let available = state.balance(account).expect("found when adding");
        if let Some(more) = new.minus(old) {
            if available < more {
                return Decision::Refuse(Refusal::BalanceShort { available });
            }
            postings = postings.with(account, fund, more);
        } else {
            let less = old.minus(new).unwrap_or(Fen::ZERO);
            postings = postings.with(fund, account, less.min(campaign.fund));
        }
    }
    Decision::Accept(BudgetChanged {
        at: now,
        campaign: id,
        number: command.number,
        digest,
        by: command.by,
        from: budget,
        to: command.to,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &BudgetChanged) {
    let row = state.campaigns.row_mut(event.campaign);
    row.budget = event.to;
    assert!(
        row.is_within_budget(),
        "a budget covers what is granted and promised"
    );
}
