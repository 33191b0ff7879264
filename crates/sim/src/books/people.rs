//! Money between people in the books: what they sent, what they ask for, what their tiers let them spend.

use std::collections::{BTreeMap, BTreeSet};

use feiqian_core::bank::Direction;
use feiqian_core::bank::answer::Answer;
use feiqian_core::remittance::arrive::ArriveRemittance;
use feiqian_core::remittance::give_back::ReturnRemittance;
use feiqian_core::remittance::send::SendMoney;
use feiqian_core::remittance::{Delay, To};
use feiqian_core::request::ask::RequestMoney;
use feiqian_core::request::expire::ExpireRequest;
use feiqian_core::user::{Tier, UserStatus};
use feiqian_core::{Account, BrandId, Command, RemittanceId, RequestId, UserId};

use super::campaigns::day;
use super::{Books, Fact, What};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 1970 was no leap year, and every fourth from 1972 to 2096 is one.
const FIRST_YEAR: i64 = 1970;

/// Money that was sent and has not arrived.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Who sent it.
    pub payer: UserId,
    /// To whom.
    pub to: To,
    /// Fen.
    pub amount: i64,
    /// When it was sent.
    pub at: i64,
    /// It arrives or goes back here.
    pub due: i64,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks.
    pub asker: UserId,
    /// Of whom, how much, and whether it waits still.
    pub shares: Vec<(UserId, i64, bool)>,
    /// It ends here.
    pub until: i64,
}

/// What a user spent while limits counted it: by day, by year.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    /// Fen by day.
    pub days: BTreeMap<i64, i64>,
    /// Fen by year.
    pub years: BTreeMap<i64, i64>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// By the event that sent it.
    pub waiting: BTreeMap<u64, Waiting>,
    /// By the event that asked; open ones.
    pub requests: BTreeMap<u64, Asked>,
    /// By user.
    pub spent: BTreeMap<UserId, Spent>,
}

/// The year that the platform's clock shows on a day.
pub(super) fn year(day: i64) -> i64 {
    let (mut year, mut left) = (FIRST_YEAR, day);
    loop {
        let days = if year % 4 == 0 { 366 } else { 365 };
        if left < days {
            return year;
        }
        (year, left) = (year + 1, left - days);
    }
}

/// When what is sent now arrives or goes back by itself.
pub(super) fn due(to: To, now: i64) -> Option<i64> {
    match to {
        To::Now(_) => None,
        To::Later(_, Delay::TwoHours) => Some(now + 2 * HOUR),
        To::Later(_, Delay::Day) | To::Unregistered(_) => Some(now + DAY),
    }
}

impl Books {
    /// Whether its payee is known and may get it.
    pub(super) fn can_arrive(&self, waiting: &Waiting) -> bool {
        let payee = waiting.to.payee().and_then(|payee| self.user(payee));
        payee.is_some_and(|payee| payee.status != UserStatus::Closed)
    }

    /// What time asks of money between people, in the order in which it is asked for.
    #[must_use]
    pub fn due_of_people(&self, now: i64) -> Vec<Command> {
        let waiting = self.people.waiting.iter();
        let waiting: BTreeSet<_> = waiting
            .filter(|(_, row)| row.due <= now)
            .map(|(id, row)| (row.due, *id))
            .collect();
        let requests = self.people.requests.iter();
        let requests: BTreeSet<_> = requests
            .filter(|(_, row)| row.until <= now)
            .map(|(id, row)| (row.until, *id))
            .collect();
        let end = |(_, id): (i64, u64)| {
            let remittance = RemittanceId(Self::number(id));
            if self.can_arrive(&self.people.waiting[&id]) {
                ArriveRemittance { remittance }.into()
            } else {
                ReturnRemittance { remittance }.into()
            }
        };
        let expire = |(_, id): (i64, u64)| {
            let request = RequestId(Self::number(id));
            ExpireRequest { request }.into()
        };
        let requests = requests.into_iter().map(expire);
        waiting.into_iter().map(end).chain(requests).collect()
    }

    /// Writes down what happened between people, and what it means for their limits.
    pub(super) fn record_people(&mut self, event: u64, fact: &Fact) {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the rest is not theirs")]
        match &fact.what {
            What::OrderPaid { asked, .. } => {
                let wallet = Account::Wallet(asked.payer);
                let paid = fact.moves.iter().filter(|(from, _, _)| *from == wallet);
                self.spend(fact.at, asked.payer, paid.map(|(_, _, fen)| fen).sum());
            }
            What::WithdrawalRequested { asked, .. } if self.is_basic(asked.user) => {
                self.spend(fact.at, asked.user, asked.amount.0);
            }
            What::TransferAnswered { asked, .. } => {
                let transfer = self.transfers[&asked.transfer.0.0];
                let back = (transfer.direction, asked.answer);
                if back == (Direction::Withdrawal, Answer::Declined) && self.is_basic(transfer.user)
                {
                    self.unspend(transfer.at, transfer.user, transfer.amount);
                }
            }
            What::MoneySent(asked) => self.record_sent(event, fact.at, asked),
            What::RemittanceArrived { remittance, .. } => {
                self.people.waiting.remove(remittance);
            }
            What::RemittanceBack { remittance, .. } => {
                if let Some(row) = self.people.waiting.remove(remittance) {
                    self.unspend(row.at, row.payer, row.amount);
                }
            }
            What::MoneyRequested(asked) => self.record_asked(event, fact.at, asked),
            What::ShareDeclined { request, payer, .. } => self.settle(*request, *payer),
            What::RequestEnded { request, .. } => {
                self.people.requests.remove(request);
            }
            _ => {}
        }
    }

    fn record_sent(&mut self, event: u64, at: i64, asked: &SendMoney) {
        if let Some(due) = due(asked.to, at) {
            let row = Waiting {
                payer: asked.payer,
                to: asked.to,
                amount: asked.amount.0,
                at,
                due,
            };
            self.people.waiting.insert(event, row);
        }
        if let Some(request) = asked.request {
            self.settle(request.0.0, asked.payer);
        }
        self.spend(at, asked.payer, asked.amount.0);
    }

    fn record_asked(&mut self, event: u64, at: i64, asked: &RequestMoney) {
        let shares = asked.shares.iter();
        let row = Asked {
            asker: asked.asker,
            shares: shares.map(|(payer, fen)| (*payer, fen.0, true)).collect(),
            until: at + 7 * DAY,
        };
        self.people.requests.insert(event, row);
    }

    /// A share is paid or declined; with the last one the request is done.
    fn settle(&mut self, request: u64, payer: UserId) {
        let Some(row) = self.people.requests.get_mut(&request) else {
            return;
        };
        for share in row.shares.iter_mut().filter(|share| share.0 == payer) {
            share.2 = false;
        }
        if row.shares.iter().all(|share| !share.2) {
            self.people.requests.remove(&request);
        }
    }

    fn is_basic(&self, user: UserId) -> bool {
        self.user(user).is_some_and(|row| row.tier == Tier::Basic)
    }

    pub(super) fn spend(&mut self, at: i64, user: UserId, amount: i64) {
        if self.user(user).is_some_and(|row| row.tier != Tier::Full) {
            let row = self.people.spent.entry(user).or_default();
            *row.days.entry(day(at)).or_default() += amount;
            *row.years.entry(year(day(at))).or_default() += amount;
        }
    }

    /// What came back from nobody, as far as it was counted.
    pub(super) fn unspend(&mut self, spent_at: i64, user: UserId, amount: i64) {
        let day = day(spent_at);
        let Some(row) = self.people.spent.get_mut(&user) else {
            return;
        };
        if let Some(fen) = row.days.get_mut(&day) {
            *fen = (*fen - amount).max(0);
        }
        if let Some(fen) = row.years.get_mut(&year(day)) {
            *fen = (*fen - amount).max(0);
        }
    }

    /// What money on its way between people is, by the brand from which it came, is in that brand's account.
    ///
    /// # Errors
    /// Says what does not add up.
    pub fn check_people(&self) -> Result<(), String> {
        for brand in (0..self.brands).map(BrandId) {
            let waiting = self.people.waiting.values();
            let sent = waiting.filter(|row| self.users[row.payer.0 as usize].brand == brand);
            let sum: i64 = sent.map(|row| row.amount).sum();
            let account = self.balance(Account::Remittance(brand));
            if sum != account {
                return Err(format!(
                    "{sum} fen wait for people, but {account} are in the remittances of brand {brand}"
                ));
            }
        }
        Ok(())
    }
}
