//! The ledger: accounts, postings, and the one function that applies them.
//!
//! Units: [`Fen`]. A balance is kept on the account's normal side, so it is positive when healthy:
//! what a wallet's owner has, what a bank holds, what a brand earned.

use core::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use smallvec::SmallVec;

use crate::ids::{BrandId, CampaignId, EventNumber, MerchantId, PacketId, UserId};
use crate::money::Fen;
use crate::state::State;

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// A user's money. Liability, never below zero.
    Wallet(UserId),
    /// What a merchant is owed. Liability, never below zero.
    Merchant(MerchantId),
    /// A brand's customers' money on its way to the bank. Liability, never below zero.
    Transit(BrandId),
    /// Customer money at the brand's bank. Asset, never below zero.
    BankReserve(BrandId),
    /// Fees earned with the brand's payers. Income, never below zero.
    FeeIncome(BrandId),
    /// The operator's own money that it put into the brand's bank reserve. Equity, never below zero.
    Capital(BrandId),
    /// Rebates that went back no more, because the wallet had less. Expense, never below zero.
    RebateLoss(BrandId),
    /// The platform's share of what a campaign granted and did not get back. Expense, never below
    /// zero and, with the funder's share, never above the campaign's budget.
    Subsidy(CampaignId),
    /// What a merchant paid in advance for its campaign. Liability, never below zero.
    CampaignFund(CampaignId),
    /// A campaign's rebates that wait for their day. Liability, never below zero.
    PendingRebate(CampaignId),
    /// What nobody took yet of a red packet. Liability, never below zero.
    Packet(PacketId),
    /// Money that a brand's users sent to persons whom it has not reached. Liability, never below zero.
    Remittance(BrandId),
}

/// The side on which an account grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Assets and expenses.
    Debit,
    /// Liabilities and income.
    Credit,
}

impl Account {
    /// The side on which it grows.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::BankReserve(_) | Self::RebateLoss(_) | Self::Subsidy(_) => Side::Debit,
            Self::Wallet(_)
            | Self::Merchant(_)
            | Self::Transit(_)
            | Self::FeeIncome(_)
            | Self::Capital(_)
            | Self::CampaignFund(_)
            | Self::PendingRebate(_)
            | Self::Packet(_)
            | Self::Remittance(_) => Side::Credit,
        }
    }

    /// What it is, in a word that reports and errors use.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Wallet(_) => "wallet",
            Self::Merchant(_) => "merchant",
            Self::Transit(_) => "transit",
            Self::BankReserve(_) => "bank_reserve",
            Self::FeeIncome(_) => "fee_income",
            Self::Capital(_) => "capital",
            Self::RebateLoss(_) => "rebate_loss",
            Self::Subsidy(_) => "subsidy",
            Self::CampaignFund(_) => "campaign_fund",
            Self::PendingRebate(_) => "pending_rebate",
            Self::Packet(_) => "packet",
            Self::Remittance(_) => "remittance",
        }
    }

    /// As a number for the log and the indexes: owner × 256 + kind.
    #[must_use]
    pub fn code(self) -> u64 {
        let (kind, owner) = match self {
            Self::Wallet(user) => (1, u64::from(user.0)),
            Self::Merchant(merchant) => (2, u64::from(merchant.0)),
            Self::Transit(brand) => (3, u64::from(brand.0)),
            Self::BankReserve(brand) => (4, u64::from(brand.0)),
            Self::FeeIncome(brand) => (5, u64::from(brand.0)),
            Self::Capital(brand) => (6, u64::from(brand.0)),
            Self::RebateLoss(brand) => (7, u64::from(brand.0)),
            Self::Subsidy(campaign) => (8, u64::from(campaign.0)),
            Self::CampaignFund(campaign) => (9, u64::from(campaign.0)),
            Self::PendingRebate(campaign) => (10, u64::from(campaign.0)),
            Self::Packet(packet) => (13, packet.event().0),
            Self::Remittance(brand) => (11, u64::from(brand.0)),
        };
        (owner << 8) | kind
    }

    /// The account of a [`code`](Self::code).
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        if code & 0xff == 13 {
            return PacketId::new(EventNumber(code >> 8)).map(Self::Packet);
        }
        let owner = u32::try_from(code >> 8).ok()?;
        let brand = || u16::try_from(owner).ok().map(BrandId);
        match code & 0xff {
            1 => Some(Self::Wallet(UserId(owner))),
            2 => Some(Self::Merchant(MerchantId(owner))),
            3 => brand().map(Self::Transit),
            4 => brand().map(Self::BankReserve),
            5 => brand().map(Self::FeeIncome),
            6 => brand().map(Self::Capital),
            7 => brand().map(Self::RebateLoss),
            8 => Some(Self::Subsidy(CampaignId(owner))),
            9 => Some(Self::CampaignFund(CampaignId(owner))),
            10 => Some(Self::PendingRebate(CampaignId(owner))),
            11 => brand().map(Self::Remittance),
            _ => None,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.code() >> 8)
    }
}

impl<C> Encode<C> for Account {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.u64(self.code())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Account {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        Self::from_code(d.u64()?).ok_or_else(|| decode::Error::message("not an account"))
    }
}

/// Money moved from one account to another: `amount` above zero is debited to one, credited to the
/// other. Stored as `[debit, credit, amount]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Posting {
    /// The account debited: an asset that grows, or a liability or income that shrinks.
    #[n(0)]
    pub debit: Account,
    /// The account credited: a liability or income that grows, or an asset that shrinks.
    #[n(1)]
    pub credit: Account,
    /// Above zero.
    #[n(2)]
    pub amount: Fen,
}

/// Most postings of one event: a refund of a payment with as many grants as there can be, each of two
/// funders, and a rebate.
pub const POSTINGS_MAX: usize = 24;

/// The postings of one event, in the order in which they are applied. A payment's two need no memory
/// of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Postings(SmallVec<[Posting; 2]>);

impl Postings {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a posting; nothing for an amount of zero.
    #[must_use]
    pub fn with(mut self, debit: Account, credit: Account, amount: Fen) -> Self {
        if amount > Fen::ZERO {
            self.0.push(Posting {
                debit,
                credit,
                amount,
            });
        }
        self
    }
}

impl core::ops::Deref for Postings {
    type Target = [Posting];
    fn deref(&self) -> &[Posting] {
        &self.0
    }
}

impl<C> Encode<C> for Postings {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(self.0.len() as u64)?;
        for posting in &self.0 {
            posting.encode(e, ctx)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Postings {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        let mut postings = SmallVec::new();
        for _ in 0..d
            .array()?
            .ok_or_else(|| decode::Error::message("postings of no length"))?
        {
            if postings.len() == POSTINGS_MAX {
                return Err(decode::Error::message("too many postings"));
            }
            postings.push(Posting::decode(d, ctx)?);
        }
        Ok(Self(postings))
    }
}

/// Applies an event's postings. A posting that breaks an account's constraint is a bug of the
/// `decide` before it, so it stops here, before the state is wrong.
pub(crate) fn post(state: &mut State, postings: &Postings) {
    for posting in postings.iter() {
        move_side(state, posting.debit, Side::Debit, posting);
        move_side(state, posting.credit, Side::Credit, posting);
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Bug::DoubleCredit)
            && matches!(posting.debit, Account::Merchant(_))
            && matches!(posting.credit, Account::Wallet(_))
        {
            move_side(state, posting.credit, Side::Credit, posting);
        }
    }
}

pub(crate) fn move_side(state: &mut State, account: Account, side: Side, posting: &Posting) {
    let Some(balance) = state.balance_mut(account) else {
        panic!("posting {posting:?} names an account that does not exist")
    };
    let after = if account.side() == side {
        balance.plus(posting.amount)
    } else {
        balance.minus(posting.amount)
    };
    *balance = after.unwrap_or_else(|| panic!("posting {posting:?} breaks {account} at {balance}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_account() {
        for account in [
            Account::Wallet(UserId(u32::MAX)),
            Account::Merchant(MerchantId(7)),
            Account::Transit(BrandId(1)),
            Account::BankReserve(BrandId(u16::MAX)),
            Account::FeeIncome(BrandId(0)),
            Account::Capital(BrandId(2)),
            Account::RebateLoss(BrandId(3)),
            Account::Subsidy(CampaignId(u32::MAX)),
            Account::CampaignFund(CampaignId(4)),
            Account::PendingRebate(CampaignId(5)),
            Account::Packet(PacketId::new(EventNumber((1 << 56) - 1)).unwrap()),
            Account::Remittance(BrandId(6)),
        ] {
            assert_eq!(Account::from_code(account.code()), Some(account));
        }
        assert_eq!(Account::from_code(0), None);
        assert_eq!(Account::from_code(u64::MAX), None);
    }

    #[test]
    fn postings_are_small() {
        assert_eq!((size_of::<Account>(), size_of::<Posting>()), (8, 24));
    }
}
