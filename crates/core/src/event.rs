//! All events. An event is a fact: what happened, when, and the postings that moved the money.
//!
//! Events are what the log holds, as CBOR: `[number of the kind, [{field number: value}]]`. Kinds and
//! fields only ever get added; a number is never used for something else.

use minicbor::{Decode, Encode};

use crate::cbor::Bytes;
use crate::ids::{EventNumber, OrderId, PacketId};
use crate::ledger::{Postings, post};
use crate::numbers::{Key, Known};
use crate::state::State;
use crate::time::UnixMillis;
use crate::{bank, brand, campaign, merchant, order, packet, remittance, request, user};

/// Whatever can have happened. What is larger than a payment is in a box: events are moved in masses.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The log was opened.
    #[n(0)]
    Opened(#[n(0)] brand::open::Opened),
    /// A brand was added.
    #[n(1)]
    BrandAdded(#[n(0)] brand::add::BrandAdded),
    /// A user was added.
    #[n(2)]
    UserAdded(#[n(0)] user::add::UserAdded),
    /// A user's status was set.
    #[n(3)]
    UserStatusSet(#[n(0)] user::set_status::UserStatusSet),
    /// A merchant was added.
    #[n(4)]
    MerchantAdded(#[n(0)] merchant::add::MerchantAdded),
    /// A merchant was changed.
    #[n(5)]
    MerchantChanged(#[n(0)] merchant::change::MerchantChanged),
    /// The bank was asked for a user's money.
    #[n(6)]
    TopUpRequested(#[n(0)] bank::top_up::TopUpRequested),
    /// A user's money is on its way to the bank.
    #[n(7)]
    WithdrawalRequested(#[n(0)] Box<bank::withdraw::WithdrawalRequested>),
    /// The bank answered.
    #[n(8)]
    TransferAnswered(#[n(0)] bank::answer::TransferAnswered),
    /// An order was created.
    #[n(9)]
    OrderCreated(#[n(0)] order::create::OrderCreated),
    /// An order was paid.
    #[n(10)]
    OrderPaid(#[n(0)] order::pay::OrderPaid),
    /// An order was closed by its merchant.
    #[n(11)]
    OrderClosed(#[n(0)] order::close::OrderClosed),
    /// An order's time was over.
    #[n(12)]
    OrderExpired(#[n(0)] order::expire::OrderExpired),
    /// An order was undone.
    #[n(13)]
    OrderReversed(#[n(0)] order::reverse::OrderReversed),
    /// Part or all of an order was given back.
    #[n(14)]
    OrderRefunded(#[n(0)] Box<order::refund::OrderRefunded>),
    /// A campaign was added.
    #[n(15)]
    CampaignAdded(#[n(0)] Box<campaign::add::CampaignAdded>),
    /// A campaign was approved, started, paused, resumed or ended.
    #[n(16)]
    CampaignStepped(#[n(0)] Box<campaign::step::CampaignStepped>),
    /// A campaign's budget was changed.
    #[n(17)]
    BudgetChanged(#[n(0)] Box<campaign::budget::BudgetChanged>),
    /// A campaign's time or budget was over.
    #[n(18)]
    CampaignEnded(#[n(0)] Box<campaign::end::CampaignEnded>),
    /// A user was given a coupon.
    #[n(19)]
    CouponGiven(#[n(0)] Box<campaign::give::CouponGiven>),
    /// A coupon was used at its merchant's till.
    #[n(20)]
    CouponUsed(#[n(0)] Box<campaign::use_coupon::CouponUsed>),
    /// A coupon that was used at a till was given back.
    #[n(21)]
    CouponReturned(#[n(0)] Box<campaign::return_coupon::CouponReturned>),
    /// A coupon was made void.
    #[n(22)]
    CouponVoided(#[n(0)] Box<campaign::void_coupon::CouponVoided>),
    /// A rebate reached the wallet.
    #[n(23)]
    RebatePaid(#[n(0)] Box<campaign::payout::RebatePaid>),
    /// What time made useless was let go of.
    #[n(24)]
    Swept(#[n(0)] campaign::sweep::Swept),
    /// What campaigns may know of a user was set.
    #[n(25)]
    TraitsSet(#[n(0)] user::set_traits::TraitsSet),
    /// The operator's money was put into a reserve.
    #[n(26)]
    BrandFunded(#[n(0)] Box<brand::fund::BrandFunded>),
    /// A merchant paid another for honouring a coupon.
    #[n(27)]
    SubsidyPaid(#[n(0)] Box<campaign::subsidise::SubsidyPaid>),
    /// A subsidy was given back.
    #[n(28)]
    SubsidyReturned(#[n(0)] Box<campaign::return_subsidy::SubsidyReturned>),
    /// How many coupons a campaign gives was changed.
    #[n(29)]
    CouponsChanged(#[n(0)] Box<campaign::coupons::CouponsChanged>),
    /// How well the person behind a user is known was set.
    #[n(30)]
    UserTierSet(#[n(0)] user::set_tier::UserTierSet),
    /// A user sent money to a person.
    #[n(31)]
    MoneySent(#[n(0)] Box<remittance::send::MoneySent>),
    /// A remittance arrived when its time had come.
    #[n(32)]
    RemittanceArrived(#[n(0)] Box<remittance::arrive::RemittanceArrived>),
    /// A remittance was taken back.
    #[n(33)]
    RemittanceTakenBack(#[n(0)] Box<remittance::take_back::RemittanceTakenBack>),
    /// A remittance found its payee.
    #[n(34)]
    RemittanceAccepted(#[n(0)] Box<remittance::accept::RemittanceAccepted>),
    /// A remittance went back.
    #[n(35)]
    RemittanceReturned(#[n(0)] Box<remittance::give_back::RemittanceReturned>),
    /// A user asked persons for money.
    #[n(36)]
    MoneyRequested(#[n(0)] Box<request::ask::MoneyRequested>),
    /// A share of a request was declined.
    #[n(37)]
    ShareDeclined(#[n(0)] request::decline::ShareDeclined),
    /// A request was cancelled.
    #[n(38)]
    RequestCancelled(#[n(0)] request::cancel::RequestCancelled),
    /// A request's time was over.
    #[n(39)]
    RequestExpired(#[n(0)] request::expire::RequestExpired),
    /// A red packet was sent.
    #[n(40)]
    PacketSent(#[n(0)] Box<packet::send::PacketSent>),
    /// A share of a red packet was taken.
    #[n(41)]
    ShareGrabbed(#[n(0)] packet::grab::ShareGrabbed),
    /// A red packet's time was over.
    #[n(42)]
    PacketExpired(#[n(0)] Box<packet::expire::PacketExpired>),
    /// What a brand takes for withdrawals was set.
    #[n(43)]
    WithdrawalTermsSet(#[n(0)] brand::set_withdrawal_terms::WithdrawalTermsSet),
    /// A shopper's pay code was spent on an order.
    #[n(50)]
    CodeSpent(#[n(0)] Box<order::spend_code::CodeSpent>),
    /// A shopper declined an order that waited for consent.
    #[n(51)]
    OrderDeclined(#[n(0)] order::decline::OrderDeclined),
}

/// Applies an event to the state. It cannot refuse: an event that does not fit is a bug of the
/// program that decided it, so it panics before the state is wrong.
pub fn evolve(state: &mut State, event: &Event) {
    let number = state.next;
    match event {
        Event::Opened(event) => brand::open::evolve(state, event),
        Event::BrandAdded(event) => brand::add::evolve(state, event),
        Event::UserAdded(event) => user::add::evolve(state, event),
        Event::UserStatusSet(event) => user::set_status::evolve(state, event),
        Event::MerchantAdded(event) => merchant::add::evolve(state, event),
        Event::MerchantChanged(event) => merchant::change::evolve(state, event),
        Event::TopUpRequested(event) => bank::top_up::evolve(state, event),
        Event::WithdrawalRequested(event) => bank::withdraw::evolve(state, event),
        Event::TransferAnswered(event) => bank::answer::evolve(state, event),
        Event::OrderCreated(event) => order::create::evolve(state, event),
        Event::OrderPaid(event) => order::pay::evolve(state, event),
        Event::OrderClosed(event) => order::close::evolve(state, event),
        Event::OrderExpired(event) => order::expire::evolve(state, event),
        Event::OrderReversed(event) => order::reverse::evolve(state, event),
        Event::OrderRefunded(event) => order::refund::evolve(state, event),
        Event::CodeSpent(event) => order::spend_code::evolve(state, event),
        Event::OrderDeclined(event) => order::decline::evolve(state, event),
        Event::CampaignAdded(event) => campaign::add::evolve(state, event),
        Event::CampaignStepped(event) => campaign::step::evolve(state, event),
        Event::BudgetChanged(event) => campaign::budget::evolve(state, event),
        Event::CampaignEnded(event) => campaign::end::evolve(state, event),
        Event::CouponGiven(event) => campaign::give::evolve(state, event),
        Event::RebatePaid(event) => campaign::payout::evolve(state, event),
        Event::CouponUsed(event) => campaign::use_coupon::evolve(state, event),
        Event::CouponReturned(event) => campaign::return_coupon::evolve(state, event),
        Event::CouponVoided(event) => campaign::void_coupon::evolve(state, event),
        Event::SubsidyPaid(event) => campaign::subsidise::evolve(state, event),
        Event::SubsidyReturned(event) => campaign::return_subsidy::evolve(state, event),
        Event::CouponsChanged(event) => campaign::coupons::evolve(state, event),
        Event::Swept(event) => campaign::sweep::evolve(state, event),
        Event::TraitsSet(event) => user::set_traits::evolve(state, event),
        Event::BrandFunded(event) => brand::fund::evolve(state, event),
        Event::WithdrawalTermsSet(event) => brand::set_withdrawal_terms::evolve(state, event),
        Event::PacketSent(event) => packet::send::evolve(state, event),
        Event::ShareGrabbed(event) => packet::grab::evolve(state, event),
        Event::PacketExpired(event) => packet::expire::evolve(state, event),
        Event::UserTierSet(event) => user::set_tier::evolve(state, event),
        Event::MoneySent(event) => remittance::send::evolve(state, event),
        Event::RemittanceArrived(event) => remittance::arrive::evolve(state, event),
        Event::RemittanceTakenBack(event) => remittance::take_back::evolve(state, event),
        Event::RemittanceAccepted(event) => remittance::accept::evolve(state, event),
        Event::RemittanceReturned(event) => remittance::give_back::evolve(state, event),
        Event::MoneyRequested(event) => request::ask::evolve(state, event),
        Event::ShareDeclined(event) => request::decline::evolve(state, event),
        Event::RequestCancelled(event) => request::cancel::evolve(state, event),
        Event::RequestExpired(event) => request::expire::evolve(state, event),
    }
    if let Some(postings) = event.postings() {
        post(state, postings);
    }
    if let Some((key, known)) = event.named(number) {
        state.numbers.insert(key, known);
    }
    state.next = number.next();
}

impl Event {
    /// Appends its stored form.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        minicbor::encode(self, Bytes(bytes)).expect("writing to memory does not fail");
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> UnixMillis {
        match self {
            Self::Opened(event) => event.at,
            Self::BrandAdded(event) => event.at,
            Self::UserAdded(event) => event.at,
            Self::UserStatusSet(event) => event.at,
            Self::MerchantAdded(event) => event.at,
            Self::MerchantChanged(event) => event.at,
            Self::TopUpRequested(event) => event.at,
            Self::WithdrawalRequested(event) => event.at,
            Self::TransferAnswered(event) => event.at,
            Self::OrderCreated(event) => event.at,
            Self::OrderPaid(event) => event.at,
            Self::OrderClosed(event) => event.at,
            Self::OrderExpired(event) => event.at,
            Self::OrderReversed(event) => event.at,
            Self::OrderRefunded(event) => event.at,
            Self::CodeSpent(event) => event.at,
            Self::OrderDeclined(event) => event.at,
            Self::CampaignAdded(event) => event.at,
            Self::CampaignStepped(event) => event.at,
            Self::BudgetChanged(event) => event.at,
            Self::CampaignEnded(event) => event.at,
            Self::CouponGiven(event) => event.at,
            Self::RebatePaid(event) => event.at,
            Self::CouponUsed(event) => event.at,
            Self::CouponReturned(event) => event.at,
            Self::CouponVoided(event) => event.at,
            Self::SubsidyPaid(event) => event.at,
            Self::SubsidyReturned(event) => event.at,
            Self::CouponsChanged(event) => event.at,
            Self::Swept(event) => event.at,
            Self::TraitsSet(event) => event.at,
            Self::BrandFunded(event) => event.at,
            Self::WithdrawalTermsSet(event) => event.at,
            Self::PacketSent(event) => event.at,
            Self::ShareGrabbed(event) => event.at,
            Self::PacketExpired(event) => event.at,
            Self::UserTierSet(event) => event.at,
            Self::MoneySent(event) => event.at,
            Self::RemittanceArrived(event) => event.at,
            Self::RemittanceTakenBack(event) => event.at,
            Self::RemittanceAccepted(event) => event.at,
            Self::RemittanceReturned(event) => event.at,
            Self::MoneyRequested(event) => event.at,
            Self::ShareDeclined(event) => event.at,
            Self::RequestCancelled(event) => event.at,
            Self::RequestExpired(event) => event.at,
        }
    }

    /// The money that it moved.
    #[must_use]
    pub fn postings(&self) -> Option<&Postings> {
        match self {
            Self::WithdrawalRequested(event) => Some(&event.postings),
            Self::TransferAnswered(event) => Some(&event.postings),
            Self::OrderPaid(event) => Some(&event.postings),
            Self::OrderReversed(event) => Some(&event.postings),
            Self::OrderRefunded(event) => Some(&event.postings),
            Self::CampaignStepped(event) => Some(&event.postings),
            Self::BudgetChanged(event) => Some(&event.postings),
            Self::CampaignEnded(event) => Some(&event.postings),
            Self::RebatePaid(event) => Some(&event.postings),
            Self::SubsidyPaid(event) => Some(&event.postings),
            Self::SubsidyReturned(event) => Some(&event.postings),
            Self::BrandFunded(event) => Some(&event.postings),
            Self::PacketSent(event) => Some(&event.postings),
            Self::ShareGrabbed(event) => Some(&event.postings),
            Self::PacketExpired(event) => Some(&event.postings),
            Self::MoneySent(event) => Some(&event.postings),
            Self::RemittanceArrived(event) => Some(&event.postings),
            Self::RemittanceTakenBack(event) => Some(&event.postings),
            Self::RemittanceAccepted(event) => Some(&event.postings),
            Self::RemittanceReturned(event) => Some(&event.postings),
            Self::Opened(_)
            | Self::BrandAdded(_)
            | Self::UserAdded(_)
            | Self::UserStatusSet(_)
            | Self::MerchantAdded(_)
            | Self::MerchantChanged(_)
            | Self::TopUpRequested(_)
            | Self::OrderCreated(_)
            | Self::OrderClosed(_)
            | Self::OrderExpired(_)
            | Self::CodeSpent(_)
            | Self::OrderDeclined(_)
            | Self::CampaignAdded(_)
            | Self::CouponGiven(_)
            | Self::Swept(_)
            | Self::TraitsSet(_)
            | Self::CouponUsed(_)
            | Self::CouponReturned(_)
            | Self::CouponVoided(_)
            | Self::CouponsChanged(_)
            | Self::UserTierSet(_)
            | Self::WithdrawalTermsSet(_)
            | Self::MoneyRequested(_)
            | Self::ShareDeclined(_)
            | Self::RequestCancelled(_)
            | Self::RequestExpired(_) => None,
        }
    }

    /// The caller's number that it uses up, and what that names from now on.
    #[must_use]
    pub fn named(&self, event: EventNumber) -> Option<(Key, Known)> {
        let (key, digest) = match self {
            Self::CampaignAdded(event) => event.named(),
            Self::BudgetChanged(event) => event.named(),
            Self::CouponGiven(event) => event.named(),
            Self::CouponUsed(event) => event.named(),
            Self::CouponReturned(event) => event.named(),
            Self::CouponVoided(event) => event.named(),
            Self::SubsidyPaid(event) => event.named(),
            Self::SubsidyReturned(event) => event.named(),
            Self::CouponsChanged(event) => event.named(),
            Self::BrandFunded(event) => event.named(),
            Self::PacketSent(event) => event.named(),
            Self::MoneySent(event) => event.named(),
            Self::MoneyRequested(event) => event.named(),
            Self::BrandAdded(event) => event.named(),
            Self::UserAdded(event) => event.named(),
            Self::MerchantAdded(event) => event.named(),
            Self::TopUpRequested(event) => event.named(),
            Self::WithdrawalRequested(event) => event.named(),
            Self::OrderCreated(event) => event.named(),
            Self::OrderRefunded(event) => event.named(),
            Self::CodeSpent(event) => event.named(),
            Self::Opened(_)
            | Self::UserStatusSet(_)
            | Self::MerchantChanged(_)
            | Self::TransferAnswered(_)
            | Self::OrderPaid(_)
            | Self::OrderClosed(_)
            | Self::OrderExpired(_)
            | Self::OrderReversed(_)
            | Self::OrderDeclined(_)
            | Self::CampaignStepped(_)
            | Self::CampaignEnded(_)
            | Self::RebatePaid(_)
            | Self::Swept(_)
            | Self::TraitsSet(_)
            | Self::ShareGrabbed(_)
            | Self::PacketExpired(_)
            | Self::UserTierSet(_)
            | Self::WithdrawalTermsSet(_)
            | Self::RemittanceArrived(_)
            | Self::RemittanceTakenBack(_)
            | Self::RemittanceAccepted(_)
            | Self::RemittanceReturned(_)
            | Self::ShareDeclined(_)
            | Self::RequestCancelled(_)
            | Self::RequestExpired(_) => return None,
        };
        Some((key, Known { event, digest }))
    }

    /// The earlier order that it goes on with.
    #[must_use]
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::OrderPaid(event) => Some(event.order),
            Self::OrderClosed(event) => Some(event.order),
            Self::OrderExpired(event) => Some(event.order),
            Self::OrderReversed(event) => Some(event.order),
            Self::OrderRefunded(event) => Some(event.order),
            Self::CodeSpent(event) => Some(event.order),
            Self::OrderDeclined(event) => Some(event.order),
            Self::RebatePaid(event) => Some(event.order),
            Self::Opened(_)
            | Self::BrandAdded(_)
            | Self::UserAdded(_)
            | Self::UserStatusSet(_)
            | Self::MerchantAdded(_)
            | Self::MerchantChanged(_)
            | Self::TopUpRequested(_)
            | Self::WithdrawalRequested(_)
            | Self::TransferAnswered(_)
            | Self::OrderCreated(_)
            | Self::CampaignAdded(_)
            | Self::CampaignStepped(_)
            | Self::BudgetChanged(_)
            | Self::CampaignEnded(_)
            | Self::CouponGiven(_)
            | Self::Swept(_)
            | Self::TraitsSet(_)
            | Self::BrandFunded(_)
            | Self::CouponUsed(_)
            | Self::CouponReturned(_)
            | Self::CouponVoided(_)
            | Self::SubsidyPaid(_)
            | Self::SubsidyReturned(_)
            | Self::CouponsChanged(_)
            | Self::PacketSent(_)
            | Self::ShareGrabbed(_)
            | Self::PacketExpired(_)
            | Self::UserTierSet(_)
            | Self::WithdrawalTermsSet(_)
            | Self::MoneySent(_)
            | Self::RemittanceArrived(_)
            | Self::RemittanceTakenBack(_)
            | Self::RemittanceAccepted(_)
            | Self::RemittanceReturned(_)
            | Self::MoneyRequested(_)
            | Self::ShareDeclined(_)
            | Self::RequestCancelled(_)
            | Self::RequestExpired(_) => None,
        }
    }

    /// The red packet that it goes on with.
    #[must_use]
    pub fn packet(&self) -> Option<PacketId> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "two kinds go on with packets"
        )]
        match self {
            Self::ShareGrabbed(event) => Some(event.packet),
            Self::PacketExpired(event) => Some(event.packet),
            _ => None,
        }
    }

    /// The coupon that it goes on with, but for its use to pay an order: that is the order's.
    #[must_use]
    pub fn coupon(&self) -> Option<crate::ids::CouponId> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "few kinds go on with coupons"
        )]
        match self {
            Self::CouponUsed(event) => Some(event.coupon),
            Self::CouponReturned(event) => Some(event.coupon),
            Self::CouponVoided(event) => Some(event.coupon),
            Self::SubsidyPaid(event) => Some(event.coupon),
            Self::SubsidyReturned(event) => Some(event.coupon),
            _ => None,
        }
    }

    /// The remittance that it goes on with.
    #[must_use]
    pub fn remittance(&self) -> Option<crate::ids::RemittanceId> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "few kinds go on with remittances"
        )]
        match self {
            Self::RemittanceArrived(event) => Some(event.remittance),
            Self::RemittanceTakenBack(event) => Some(event.remittance),
            Self::RemittanceAccepted(event) => Some(event.remittance),
            Self::RemittanceReturned(event) => Some(event.remittance),
            _ => None,
        }
    }

    /// The request for money that it goes on with.
    #[must_use]
    pub fn request(&self) -> Option<crate::ids::RequestId> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "few kinds go on with requests"
        )]
        match self {
            Self::MoneySent(event) => event.request,
            Self::ShareDeclined(event) => Some(event.request),
            Self::RequestCancelled(event) => Some(event.request),
            Self::RequestExpired(event) => Some(event.request),
            _ => None,
        }
    }

    /// The top-up or withdrawal that it goes on with.
    #[must_use]
    pub fn transfer(&self) -> Option<crate::ids::TransferId> {
        #[allow(clippy::wildcard_enum_match_arm, reason = "one kind answers transfers")]
        match self {
            Self::TransferAnswered(event) => Some(event.transfer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn events_are_small() {
        assert!(size_of::<super::Event>() <= 128);
    }
}
