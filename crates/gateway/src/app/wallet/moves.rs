//! What moved a wallet's money: an event seen from one wallet.

use feiqian_core::bank::answer::Answer;
use feiqian_core::remittance::To;
use feiqian_core::{
    Account, CampaignId, Event, EventNumber, MerchantId, OrderId, PacketId, Posting, RemittanceId,
    TransferId, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};

/// What kind of move it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// An order was paid.
    Payment,
    /// Part or all of a payment came back.
    Refund,
    /// A rebate's day came.
    Rebate,
    /// Money came from the bank.
    TopUp,
    /// Money went to the bank, or came back because the bank declined.
    Withdrawal,
    /// Money went to a person, or came back untaken.
    TransferOut,
    /// Money came from a person.
    TransferIn,
    /// Money went into a red packet, or what nobody took came back.
    PacketOut,
    /// A share of a red packet.
    PacketIn,
    /// Anything else.
    Other,
}

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    /// It left the wallet and has not arrived.
    Pending,
    /// It arrived.
    Done,
    /// It did not, and the money is back.
    Failed,
    /// It is what came back.
    Returned,
}

/// Who stands on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// A shop.
    Shop(MerchantId),
    /// The shop of an order.
    ShopOf(OrderId),
    /// A person.
    Person(UserId),
    /// Whom a remittance is for.
    PayeeOf(RemittanceId),
    /// Who sent a red packet.
    SenderOf(PacketId),
    /// The user's bank.
    Bank,
    /// Whoever opened a red packet.
    Anybody,
    /// Nobody who has a name.
    Platform,
}

/// A move.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// The event that made it.
    pub event: EventNumber,
    /// When.
    pub at: UnixMillis,
    /// What kind.
    pub kind: EntryKind,
    /// Fen by which the wallet changed: below zero if it shrank.
    pub amount: i64,
    /// Who stands on the other side.
    pub other: Other,
    /// The order in it.
    pub order: Option<OrderId>,
    /// The withdrawal in it.
    pub transfer: Option<TransferId>,
    /// The remittance in it.
    pub remittance: Option<RemittanceId>,
    /// The campaign that it is about.
    pub campaign: Option<CampaignId>,
    /// What the event alone tells of what became of it.
    pub state: MoveState,
}

/// Fen by which these postings change an account.
fn change(postings: &[Posting], account: Account) -> i64 {
    let signed = |posting: &Posting| match account {
        own if own == posting.debit => -posting.amount.0,
        own if own == posting.credit => posting.amount.0,
        _ => 0,
    };
    postings.iter().map(signed).sum()
}

impl Move {
    /// The move that an event is for a user's wallet; none if it leaves the wallet alone.
    #[must_use]
    pub fn of(user: UserId, event: EventNumber, content: &Event) -> Option<Self> {
        let (wallet, postings) = (Account::Wallet(user), content.postings()?);
        let touched = |posting: &Posting| posting.debit == wallet || posting.credit == wallet;
        if !postings.iter().any(touched) {
            return None;
        }
        let (kind, other, state) = kind(user, event, content);
        let begun = matches!(content, Event::WithdrawalRequested(_)).then_some(TransferId(event));
        let sent = matches!(content, Event::MoneySent(_)).then_some(RemittanceId(event));
        let campaign = match content {
            Event::RebatePaid(event) => Some(event.campaign),
            _ => None,
        };
        Some(Self {
            event,
            at: content.at(),
            kind,
            amount: change(postings, wallet),
            other,
            order: content.order(),
            transfer: begun.or_else(|| content.transfer()),
            remittance: sent.or_else(|| content.remittance()),
            campaign,
            state,
        })
    }
}

#[allow(clippy::too_many_lines, reason = "a few lines for each kind")]
fn kind(user: UserId, number: EventNumber, content: &Event) -> (EntryKind, Other, MoveState) {
    match content {
        Event::OrderPaid(event) => (
            EntryKind::Payment,
            Other::Shop(event.merchant),
            MoveState::Done,
        ),
        Event::OrderRefunded(event) => (
            EntryKind::Refund,
            Other::Shop(event.merchant),
            MoveState::Done,
        ),
        Event::OrderReversed(event) => (
            EntryKind::Refund,
            Other::Shop(event.merchant),
            MoveState::Done,
        ),
        Event::RebatePaid(event) => (
            EntryKind::Rebate,
            Other::ShopOf(event.order),
            MoveState::Done,
        ),
        Event::WithdrawalRequested(_) => (EntryKind::Withdrawal, Other::Bank, MoveState::Pending),
        Event::TransferAnswered(event) if event.answer == Answer::Declined => {
            (EntryKind::Withdrawal, Other::Bank, MoveState::Returned)
        }
        Event::TransferAnswered(_) => (EntryKind::TopUp, Other::Bank, MoveState::Done),
        Event::MoneySent(sent) if sent.payer == user => {
            let state = match sent.to {
                To::Now(_) => MoveState::Done,
                To::Later(..) | To::Unregistered(_) => MoveState::Pending,
            };
            let other = Other::PayeeOf(RemittanceId(number));
            (EntryKind::TransferOut, other, state)
        }
        Event::MoneySent(sent) => (
            EntryKind::TransferIn,
            Other::Person(sent.payer),
            MoveState::Done,
        ),
        Event::RemittanceArrived(event) => (
            EntryKind::TransferIn,
            Other::Person(event.payer),
            MoveState::Done,
        ),
        Event::RemittanceAccepted(event) => (
            EntryKind::TransferIn,
            Other::Person(event.payer),
            MoveState::Done,
        ),
        Event::RemittanceTakenBack(event) => (
            EntryKind::TransferOut,
            Other::PayeeOf(event.remittance),
            MoveState::Returned,
        ),
        Event::RemittanceReturned(event) => (
            EntryKind::TransferOut,
            Other::PayeeOf(event.remittance),
            MoveState::Returned,
        ),
        Event::PacketSent(sent) => {
            let other = sent.to.map_or(Other::Anybody, Other::Person);
            (EntryKind::PacketOut, other, MoveState::Done)
        }
        Event::ShareGrabbed(event) => (
            EntryKind::PacketIn,
            Other::SenderOf(event.packet),
            MoveState::Done,
        ),
        Event::PacketExpired(_) => (EntryKind::PacketOut, Other::Anybody, MoveState::Returned),
        _ => (EntryKind::Other, Other::Platform, MoveState::Done),
    }
}
