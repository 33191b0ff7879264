//! The auditor's own statement of the rules: what the answer to each command must be.

mod bank;
mod campaigns;
mod choose;
mod codes;
mod draw;
mod eligible;
mod give_back;
mod operators;
mod orders;
mod packets;
mod people;

use feiqian_core::{Command, Fen, Refusal};

use super::{Books, Fact, Verdict, What};

pub use choose::Choice;
pub(super) use choose::{counts_payers, least, most};
pub(super) use orders::part;

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refused(vec![refusal])
}

fn is_amount(fen: Fen) -> bool {
    1 <= fen.0 && fen.0 <= 1_000_000_000_000
}

impl Books {
    /// What the answer must be, at this time.
    #[must_use]
    pub fn judge(&self, now: i64, command: &Command) -> Verdict {
        match command {
            Command::Open(asked) => self.open(now, asked),
            Command::AddBrand(asked) => self.add_brand(now, asked),
            Command::AddUser(asked) => self.add_user(now, asked),
            Command::SetUserStatus(asked) => self.set_user_status(now, asked),
            Command::AddMerchant(asked) => self.add_merchant(now, asked),
            Command::ChangeMerchant(asked) => self.change_merchant(now, asked),
            Command::TopUp(asked) => self.top_up(now, asked),
            Command::Withdraw(asked) => self.withdraw(now, asked),
            Command::AnswerTransfer(asked) => self.answer(now, asked),
            Command::CreateOrder(asked) => self.create(now, asked),
            Command::PayOrder(asked) => self.pay(now, asked),
            Command::CloseOrder(asked) => self.close(now, asked.merchant, asked.order),
            Command::ExpireOrder(asked) => self.expire(now, asked.order.0.0),
            Command::ReverseOrder(asked) => self.reverse(now, asked.merchant, asked.order),
            Command::RefundOrder(asked) => self.refund(now, asked),
            Command::FundBrand(asked) => self.fund_brand(now, asked),
            Command::SetTraits(asked) => self.set_traits(now, asked),
            Command::AddCampaign(asked) => self.add_campaign(now, asked),
            Command::StepCampaign(asked) => self.step_campaign(now, asked),
            Command::ChangeBudget(asked) => self.change_budget(now, asked),
            Command::EndCampaign(asked) => self.end_campaign(now, asked.campaign),
            Command::GiveCoupon(asked) => self.give_coupon(now, asked),
            Command::PayRebate(asked) => self.pay_rebate(now, asked.order.0.0),
            Command::Sweep(_) => self.sweep(now),
            Command::SetTier(asked) => self.set_tier(now, asked),
            Command::SendMoney(asked) => self.send_money(now, asked),
            Command::TakeBackRemittance(asked) => self.take_back_sent(now, asked),
            Command::AcceptRemittance(asked) => self.accept(now, asked),
            Command::ArriveRemittance(asked) => self.arrive(now, asked.remittance.0.0),
            Command::ReturnRemittance(asked) => self.return_remittance(now, asked.remittance.0.0),
            Command::RequestMoney(asked) => self.request_money(now, asked),
            Command::DeclineShare(asked) => self.decline(now, asked),
            Command::CancelRequest(asked) => self.cancel(now, asked),
            Command::ExpireRequest(asked) => self.expire_request(now, asked.request.0.0),
            Command::SpendCode(asked) => self.spend_code(now, asked),
            Command::DeclineOrder(asked) => self.decline_order(now, asked),
            Command::SendPacket(asked) => self.send_packet(now, asked),
            Command::GrabShare(asked) => self.grab(now, asked),
            Command::ExpirePacket(asked) => self.expire_packet(now, asked.packet),
            Command::SetWithdrawalTerms(asked) => self.set_withdrawal_terms(now, asked),
            // No world asks for these yet.
            Command::UseCoupon(_)
            | Command::ReturnCoupon(_)
            | Command::VoidCoupon(_)
            | Command::PaySubsidy(_)
            | Command::ReturnSubsidy(_)
            | Command::ChangeCoupons(_) => Verdict::Refused(Vec::new()),
        }
    }

    /// Of what uses up a number: its own checks come after the number's.
    fn numbered<R>(&self, what: What, now: i64, checks: impl FnOnce() -> Option<R>) -> Numbered<R> {
        let Some((key, asked)) = what.named() else {
            unreachable!("only what has a number is asked here")
        };
        match self.numbers.get(&key) {
            Some((event, before)) if *before == asked => Numbered::Again(*event),
            Some(_) => Numbered::Reused,
            None => match checks() {
                Some(refusal) => Numbered::Refused(refusal),
                None => Numbered::New(Fact {
                    at: now,
                    what,
                    moves: Vec::new(),
                }),
            },
        }
    }
}

/// What was asked under a number, before the refusals are named.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Numbered<R> {
    New(Fact),
    Again(u64),
    Reused,
    Refused(R),
}

impl<R> Numbered<R> {
    fn map_refusal(self, reused: R, named: impl FnOnce(R) -> Refusal) -> Verdict {
        match self {
            Self::New(fact) => Verdict::Happens(fact),
            Self::Again(event) => Verdict::Again(event),
            Self::Reused => refused(named(reused)),
            Self::Refused(refusal) => refused(named(refusal)),
        }
    }
}

impl Verdict {
    /// With the money that moves if it happens; nothing is not moved.
    fn moving(self, mut moves: Vec<(feiqian_core::Account, feiqian_core::Account, i64)>) -> Self {
        moves.retain(|(_, _, fen)| *fen > 0);
        match self {
            Self::Happens(fact) => Self::Happens(Fact { moves, ..fact }),
            other @ (Self::Again(_) | Self::Refused(_)) => other,
        }
    }
}
