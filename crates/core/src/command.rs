//! All commands, and the one place that sends each to its file.

use crate::archive::{Archive, ArchiveError};
use crate::event::Event;
use crate::ids::EventNumber;
use crate::numbers::Key;
use crate::order::OrderRef;
use crate::state::State;
use crate::time::UnixMillis;
use crate::{bank, brand, campaign, merchant, order, packet, remittance, request, user};

/// What deciding a command gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<E, R> {
    /// It happens: this event says how.
    Accept(E),
    /// It has happened already: the event that recorded it.
    Again(EventNumber),
    /// It does not happen, and nothing changes.
    Refuse(R),
}

/// A command's type leads to its refusals.
pub trait Submit: Into<Command> {
    /// Why this command can be refused.
    type Refusal: core::fmt::Debug + core::fmt::Display;
    /// The refusal, if it is one of this command.
    fn refusal(refusal: Refusal) -> Option<Self::Refusal>;
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident => $($module:ident)::+, $command:ident => $event:ident;)*) => {
        /// Whatever can be asked of the engine.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $($(#[$doc])* $name($($module)::+::$command),)*
        }

        /// Why a command is refused.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* $name($($module)::+::Refusal),)*
        }

        /// Decides a command against the state. Nothing changes.
        #[must_use]
        pub fn decide(state: &State, now: UnixMillis, command: &Command) -> Decision<Event, Refusal> {
            match command {
                $(Command::$name(command) => match $($module)::+::decide(state, now, command) {
                    Decision::Accept(event) => Decision::Accept(Event::$event(event.into())),
                    Decision::Again(event) => Decision::Again(event),
                    Decision::Refuse(refusal) => Decision::Refuse(Refusal::$name(refusal)),
                },)*
            }
        }

        impl Command {
            /// Its name, for metrics.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Brings back into memory what this command names.
            pub fn fetch(
                &self,
                state: &mut State,
                archive: &dyn Archive,
            ) -> Result<(), ArchiveError> {
                match self { $(Self::$name(command) => command.fetch(state, archive),)* }
            }
        }

        impl Refusal {
            /// The refused command's name and the refusal's, for metrics.
            #[must_use]
            pub fn names(&self) -> (&'static str, &'static str) {
                match self { $(Self::$name(refusal) => (stringify!($name), refusal.name()),)* }
            }
        }

        $(
            impl From<$($module)::+::$command> for Command {
                fn from(command: $($module)::+::$command) -> Self {
                    Self::$name(command)
                }
            }

            impl Submit for $($module)::+::$command {
                type Refusal = $($module)::+::Refusal;
                fn refusal(refusal: Refusal) -> Option<Self::Refusal> {
                    #[allow(clippy::wildcard_enum_match_arm, reason = "one variant is ours, by macro")]
                    match refusal {
                        Refusal::$name(refusal) => Some(refusal),
                        _ => None,
                    }
                }
            }
        )*
    };
}

commands! {
    /// Opens the log of a new installation.
    Open => brand::open, Open => Opened;
    /// Adds a brand.
    AddBrand => brand::add, AddBrand => BrandAdded;
    /// Adds a user to a brand.
    AddUser => user::add, AddUser => UserAdded;
    /// Freezes, thaws or closes a user.
    SetUserStatus => user::set_status, SetUserStatus => UserStatusSet;
    /// Adds a merchant.
    AddMerchant => merchant::add, AddMerchant => MerchantAdded;
    /// Changes a merchant's fee or status.
    ChangeMerchant => merchant::change, ChangeMerchant => MerchantChanged;
    /// Asks the bank for a user's money.
    TopUp => bank::top_up, TopUp => TopUpRequested;
    /// Sends a user's money to the bank.
    Withdraw => bank::withdraw, Withdraw => WithdrawalRequested;
    /// Takes the bank's answer.
    AnswerTransfer => bank::answer, AnswerTransfer => TransferAnswered;
    /// Creates an order.
    CreateOrder => order::create, CreateOrder => OrderCreated;
    /// Pays an order.
    PayOrder => order::pay, PayOrder => OrderPaid;
    /// Closes an unpaid order.
    CloseOrder => order::close, CloseOrder => OrderClosed;
    /// Closes an order whose time is over.
    ExpireOrder => order::expire, ExpireOrder => OrderExpired;
    /// Undoes an order, paid or not.
    ReverseOrder => order::reverse, ReverseOrder => OrderReversed;
    /// Gives back part or all of a paid order.
    RefundOrder => order::refund, RefundOrder => OrderRefunded;
    /// Spends a shopper's pay code on an order.
    SpendCode => order::spend_code, SpendCode => CodeSpent;
    /// Declines an order that waits for consent.
    DeclineOrder => order::decline, DeclineOrder => OrderDeclined;
    /// Puts the operator's own money into a brand's reserve.
    FundBrand => brand::fund, FundBrand => BrandFunded;
    /// Sets what a brand takes for withdrawals.
    SetWithdrawalTerms => brand::set_withdrawal_terms, SetWithdrawalTerms => WithdrawalTermsSet;
    /// Sets what campaigns may know of a user.
    SetTraits => user::set_traits, SetTraits => TraitsSet;
    /// Adds a campaign.
    AddCampaign => campaign::add, AddCampaign => CampaignAdded;
    /// Approves, starts, pauses, resumes or ends a campaign.
    StepCampaign => campaign::step, StepCampaign => CampaignStepped;
    /// Changes a campaign's budget.
    ChangeBudget => campaign::budget, ChangeBudget => BudgetChanged;
    /// Ends a campaign whose time or budget is over.
    EndCampaign => campaign::end, EndCampaign => CampaignEnded;
    /// Gives a user a coupon.
    GiveCoupon => campaign::give, GiveCoupon => CouponGiven;
    /// Uses a coupon at its merchant's till.
    UseCoupon => campaign::use_coupon, UseCoupon => CouponUsed;
    /// Gives back a coupon that was used at a till.
    ReturnCoupon => campaign::return_coupon, ReturnCoupon => CouponReturned;
    /// Makes a coupon void.
    VoidCoupon => campaign::void_coupon, VoidCoupon => CouponVoided;
    /// Pays another merchant for honouring a coupon.
    PaySubsidy => campaign::subsidise, PaySubsidy => SubsidyPaid;
    /// Gives back a subsidy.
    ReturnSubsidy => campaign::return_subsidy, ReturnSubsidy => SubsidyReturned;
    /// Changes how many coupons a campaign gives.
    ChangeCoupons => campaign::coupons, ChangeCoupons => CouponsChanged;
    /// Pays out a rebate whose day has come.
    PayRebate => campaign::payout, PayRebate => RebatePaid;
    /// Puts money into a red packet.
    SendPacket => packet::send, SendPacket => PacketSent;
    /// Takes a share of a red packet.
    GrabShare => packet::grab, GrabShare => ShareGrabbed;
    /// Gives back what is left of a red packet whose time is over.
    ExpirePacket => packet::expire, ExpirePacket => PacketExpired;
    /// Lets go of what time made useless.
    Sweep => campaign::sweep, Sweep => Swept;
    /// Sets how well the person behind a user is known.
    SetTier => user::set_tier, SetTier => UserTierSet;
    /// Sends a user's money to a person.
    SendMoney => remittance::send, SendMoney => MoneySent;
    /// Lets a remittance arrive whose time has come.
    ArriveRemittance => remittance::arrive, ArriveRemittance => RemittanceArrived;
    /// Takes a remittance back before it arrives.
    TakeBackRemittance => remittance::take_back, TakeBackRemittance => RemittanceTakenBack;
    /// Accepts a remittance that was sent before its payee was here.
    AcceptRemittance => remittance::accept, AcceptRemittance => RemittanceAccepted;
    /// Returns a remittance that cannot arrive.
    ReturnRemittance => remittance::give_back, ReturnRemittance => RemittanceReturned;
    /// Asks persons for money.
    RequestMoney => request::ask, RequestMoney => MoneyRequested;
    /// Declines a share of a request.
    DeclineShare => request::decline, DeclineShare => ShareDeclined;
    /// Cancels a request.
    CancelRequest => request::cancel, CancelRequest => RequestCancelled;
    /// Ends a request whose time is over.
    ExpireRequest => request::expire, ExpireRequest => RequestExpired;
}

impl Command {
    /// The caller's number that it would use up.
    #[must_use]
    pub fn number(&self) -> Option<Key> {
        match self {
            Self::AddBrand(command) => Some(command.key()),
            Self::AddUser(command) => Some(command.key()),
            Self::AddMerchant(command) => Some(command.key()),
            Self::TopUp(command) => Some(command.key()),
            Self::Withdraw(command) => Some(command.key()),
            Self::CreateOrder(command) => Some(command.key()),
            Self::RefundOrder(command) => Some(command.key()),
            Self::SpendCode(command) => Some(command.key()),
            Self::FundBrand(command) => Some(command.key()),
            Self::AddCampaign(command) => Some(command.key()),
            Self::ChangeBudget(command) => Some(command.key()),
            Self::GiveCoupon(command) => Some(command.key()),
            Self::UseCoupon(command) => Some(command.key()),
            Self::ReturnCoupon(command) => Some(command.key()),
            Self::VoidCoupon(command) => Some(command.key()),
            Self::PaySubsidy(command) => Some(command.key()),
            Self::ReturnSubsidy(command) => Some(command.key()),
            Self::ChangeCoupons(command) => Some(command.key()),
            Self::SendPacket(command) => Some(command.key()),
            Self::SendMoney(command) => Some(command.key()),
            Self::RequestMoney(command) => Some(command.key()),
            Self::Open(_)
            | Self::SetUserStatus(_)
            | Self::ChangeMerchant(_)
            | Self::AnswerTransfer(_)
            | Self::PayOrder(_)
            | Self::CloseOrder(_)
            | Self::ExpireOrder(_)
            | Self::ReverseOrder(_)
            | Self::DeclineOrder(_)
            | Self::SetTraits(_)
            | Self::StepCampaign(_)
            | Self::EndCampaign(_)
            | Self::PayRebate(_)
            | Self::GrabShare(_)
            | Self::ExpirePacket(_)
            | Self::Sweep(_)
            | Self::SetTier(_)
            | Self::SetWithdrawalTerms(_)
            | Self::ArriveRemittance(_)
            | Self::TakeBackRemittance(_)
            | Self::AcceptRemittance(_)
            | Self::ReturnRemittance(_)
            | Self::DeclineShare(_)
            | Self::CancelRequest(_)
            | Self::ExpireRequest(_) => None,
        }
    }

    /// Reads the rows that deciding will read, whose number has this hash: many commands' rows come
    /// into the processor's cache faster together than one by one. What it answers means nothing.
    #[must_use]
    pub fn warm(&self, hash: u64, state: &State) -> u64 {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "only what comes in masses matters"
        )]
        match self {
            Self::CreateOrder(_) | Self::SpendCode(_) => state.numbers.warm(hash),
            Self::RefundOrder(command) => {
                let OrderRef::Id(order) = command.order else {
                    return state.numbers.warm(hash);
                };
                let order = state.order(order).map_or(0, |order| order.merchant.0);
                state.numbers.warm(hash) ^ u64::from(order)
            }
            Self::PayOrder(command) => {
                let order = state
                    .order(command.order)
                    .map_or(0, |order| order.merchant.0);
                let user = state.user(command.payer).map_or(0, |user| user.brand.0);
                let shopper = state.shopper(command.payer).map_or(0, |row| row.payments);
                let coupons = state.open_coupons(command.payer).len() as u64;
                u64::from(order) ^ u64::from(user) ^ u64::from(shopper) ^ coupons
            }
            Self::GrabShare(command) => {
                let packet = state.packet(command.packet);
                let packet = packet.map_or(0, |packet| packet.sender.0);
                let user = state.user(command.user).map_or(0, |user| user.brand.0);
                u64::from(packet) ^ u64::from(user)
            }
            _ => 0,
        }
    }
}

/// Declares a command's refusals: an enum in order of precedence, each with what a person reads.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $({ $($(#[$fdoc:meta])* $field:ident: $type:ty),* })? = $text:literal,)*) => {
        /// Why it is refused: the first that applies is the answer.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {
            $($(#[$doc])* #[error($text)] $name $({ $($(#[$fdoc])* $field: $type),* })?,)*
        }

        impl Refusal {
            /// The variant's name, for metrics.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)* }
            }
        }
    };
}
pub(crate) use refusals;
