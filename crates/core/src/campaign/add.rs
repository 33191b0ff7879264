//! Add a campaign, as a draft.
//!
//! Ledger: none; its accounts start at zero. Invariant: ids are dense, in the order of adding.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::terms::{Flaw, Funding};
use crate::campaign::{Campaign, Status, Terms};
use crate::command::{Decision, refusals};
use crate::ids::{CampaignId, Digest, Number};
use crate::limits::CAMPAIGNS_MAX;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::state::State;
use crate::time::{Day, UnixMillis};

/// Command. `number` is the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCampaign {
    /// Send the same one when trying again.
    pub number: Number,
    /// Who adds it: an operator's or a merchant's name.
    pub by: Number,
    /// Most that it may grant.
    pub budget: Fen,
    /// What it offers.
    pub terms: Arc<Terms>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CampaignAdded {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// The caller's number.
    #[n(1)]
    pub number: Number,
    /// Digest of the request.
    #[n(2)]
    pub digest: Digest,
    /// Its id.
    #[n(3)]
    pub campaign: CampaignId,
    /// Who added it.
    #[n(4)]
    pub by: Number,
    /// Most that it may grant.
    #[n(5)]
    pub budget: Fen,
    /// What it offers.
    #[cbor(n(6), with = "crate::cbor")]
    pub terms: Arc<Terms>,
}

refusals! {
    /// The number names another campaign. Final.
    NumberReused = "this number was used for another campaign",
    /// Something does not make sense. Final.
    Flawed {
        /// What.
        flaw: Flaw
    } = "{flaw}",
    /// The brand is none. May succeed once it is added.
    BrandNotFound = "there is no such brand",
    /// The funder or a merchant named is none. May succeed once it is added.
    MerchantNotFound = "there is no such merchant",
    /// There are [`CAMPAIGNS_MAX`] already. Final.
    TooMany = "there are as many campaigns as one installation can have",
}

impl AddCampaign {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Campaigns,
            number: self.number,
        }
    }

    /// Of all but the seed: whoever tries again draws another one.
    fn digest(&self) -> Digest {
        let terms = Terms {
            seed: 0,
            ..(*self.terms).clone()
        };
        Digest::of(&(self.by, self.budget, terms))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl CampaignAdded {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Campaigns,
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
    command: &AddCampaign,
) -> Decision<CampaignAdded, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let terms = &command.terms;
    if let Some(flaw) = terms.flaw(command.budget) {
        return Decision::Refuse(Refusal::Flawed { flaw });
    }
    if terms
        .brand
        .is_some_and(|brand| state.brand(brand).is_none())
    {
        return Decision::Refuse(Refusal::BrandNotFound);
    }
    let named = match terms.funding {
        Funding::Platform => None,
        Funding::Merchant(merchant)
        | Funding::Shared { merchant, .. }
        | Funding::Outside(merchant) => Some(merchant),
    };
    if terms
        .merchants
        .iter()
        .chain(&named)
        .any(|merchant| state.merchant(*merchant).is_none())
    {
        return Decision::Refuse(Refusal::MerchantNotFound);
    }
    let campaign = match u32::try_from(state.campaigns.rows.len()) {
        Ok(next) if next < CAMPAIGNS_MAX => CampaignId(next),
        Ok(_) | Err(_) => return Decision::Refuse(Refusal::TooMany),
    };
    Decision::Accept(CampaignAdded {
        at: now,
        number: command.number,
        digest,
        campaign,
        by: command.by,
        budget: command.budget,
        terms: command.terms.clone(),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &CampaignAdded) {
    assert!(
        crate::state::index(event.campaign.0) == state.campaigns.rows.len(),
        "campaign ids are dense"
    );
    state.campaigns.push(Campaign {
        added: state.next,
        by: event.by,
        terms: event.terms.clone(),
        status: Status::Draft,
        budget: event.budget,
        spent: Fen::ZERO,
        promised: Fen::ZERO,
        subsidy: Fen::ZERO,
        fund: Fen::ZERO,
        pending: Fen::ZERO,
        day: Day::default(),
        day_spent: Fen::ZERO,
        users: 0,
        coupons: 0,
        last: state.next,
        coupons_most: None,
    });
}
