//! Step a campaign: approve, start, pause, resume, end.
//!
//! Ledger: approve, merchant → campaign fund the funder's part of the budget; end, what is left of the fund back.
//! Invariants: whoever adds a campaign that costs the platform money does not approve it; what has
//! ended stays ended, and its coupons with it.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::{Campaign, Status};
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, Number};
use crate::ledger::{Account, Postings};
use crate::limits::RUNNING_MAX;
use crate::money::Fen;
use crate::state::State;
use crate::time::UnixMillis;

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Step {
    /// Draft → approved.
    #[n(0)]
    Approve,
    /// Approved → running.
    #[n(1)]
    Start,
    /// Running → paused.
    #[n(2)]
    Pause,
    /// Paused → running.
    #[n(3)]
    Resume,
    /// Any → ended.
    #[n(4)]
    End,
}

/// Command. A step that was taken already is answered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCampaign {
    /// Which.
    pub campaign: CampaignId,
    /// Where to.
    pub step: Step,
    /// Who asks: an operator's or a merchant's name.
    pub by: Number,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CampaignStepped {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which.
    #[n(1)]
    pub campaign: CampaignId,
    /// Where to.
    #[n(2)]
    pub step: Step,
    /// Who asked.
    #[n(3)]
    pub by: Number,
    /// See the module.
    #[n(4)]
    pub postings: Postings,
}

refusals! {
    /// No such campaign. Final.
    CampaignNotFound = "there is no such campaign",
    /// It stands where this step does not begin.
    WrongStatus {
        /// Where it stands.
        status: Status
    } = "the campaign is {status}",
    /// Its time is over.
    TimeOver = "the campaign's time is over",
    /// Whoever added it asks. Another operator must.
    SameOperator = "a campaign that costs the platform money is approved by a second operator",
    /// The funder has less. May succeed later.
    BalanceShort {
        /// What the funder's account has.
        available: Fen
    } = "the merchant that pays for it has {available} yuan only",
    /// [`RUNNING_MAX`] run or are paused already. May succeed later.
    TooManyRunning = "as many campaigns run as can at once",
}

impl StepCampaign {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

impl Step {
    fn from(self, status: Status) -> bool {
        use Status::{Approved, Draft, Ended, Paused, Running};
        match self {
            Self::Approve => status == Draft,
            Self::Start => status == Approved,
            Self::Pause => status == Running,
            Self::Resume => status == Paused,
            Self::End => status != Ended,
        }
    }

    fn to(self) -> Status {
        match self {
            Self::Approve => Status::Approved,
            Self::Start | Self::Resume => Status::Running,
            Self::Pause => Status::Paused,
            Self::End => Status::Ended,
        }
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &StepCampaign,
) -> Decision<CampaignStepped, Refusal> {
    let id = command.campaign;
    let Some(campaign) = state.campaigns.get(id) else {
        return Decision::Refuse(Refusal::CampaignNotFound);
    };
    let status = campaign.status;
    if !command.step.from(status) {
        if status == command.step.to() {
            return Decision::Again(campaign.last);
        }
        return Decision::Refuse(Refusal::WrongStatus { status });
    }
    if command.step != Step::End && now >= campaign.terms.until {
        return Decision::Refuse(Refusal::TimeOver);
    }
    let mut postings = Postings::new();
    match command.step {
        Step::Approve => {
            let funding = campaign.terms.funding;
            let costs = funding.platform_part(campaign.budget) > Fen::ZERO;
            if costs && command.by == campaign.by {
                return Decision::Refuse(Refusal::SameOperator);
            }
            if let Some(funder) = funding.funder() {
                let account = Account::Merchant(funder);
                let part = campaign.funder_part(campaign.budget);
                let available = state.balance(account).expect("found when adding");
                if available < part {
                    return Decision::Refuse(Refusal::BalanceShort { available });
                }
                postings = postings.with(account, Account::CampaignFund(id), part);
            }
        }
        Step::Start => {
            if state.campaigns.live.len() >= RUNNING_MAX {
                return Decision::Refuse(Refusal::TooManyRunning);
            }
        }
        Step::Pause | Step::Resume => {}
        Step::End => postings = campaign.fund_back(id),
    }
    Decision::Accept(CampaignStepped {
        at: now,
        campaign: id,
        step: command.step,
        by: command.by,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CampaignStepped) {
    state.campaigns.set_status(event.campaign, event.step.to());
    state.campaigns.row_mut(event.campaign).last = state.next;
}

impl Campaign {
    /// The funder's part of a budget.
    pub(crate) fn funder_part(&self, budget: Fen) -> Fen {
        let funding = self.terms.funding;
        match funding.funder() {
            None => Fen::ZERO,
            Some(_) => budget
                .minus(funding.platform_part(budget))
                .expect("a part of it"),
        }
    }

    /// What is left of the fund goes back to who paid it.
    pub(crate) fn fund_back(&self, id: CampaignId) -> Postings {
        match self.terms.funding.funder() {
            None => Postings::new(),
            Some(funder) => Postings::new().with(
                Account::CampaignFund(id),
                Account::Merchant(funder),
                self.fund,
            ),
        }
    }
}
