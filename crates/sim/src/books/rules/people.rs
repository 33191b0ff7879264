//! Money between people: sent, taken back, accepted, asked for; and what a tier lets a user spend.

use feiqian_core::remittance::accept::AcceptRemittance;
use feiqian_core::remittance::send::SendMoney;
use feiqian_core::remittance::take_back::TakeBackRemittance;
use feiqian_core::remittance::{To, accept, arrive, give_back, send, take_back};
use feiqian_core::request::ask::RequestMoney;
use feiqian_core::request::decline::DeclineShare;
use feiqian_core::request::{ask, cancel, decline, expire};
use feiqian_core::user::limits::{Above, Bound};
use feiqian_core::user::set_tier::SetTier;
use feiqian_core::user::{Tier, UserStatus, set_tier};
use feiqian_core::{Account, Fen, Refusal, UserId};

use super::super::campaigns::day;
use super::super::people::{Asked, Waiting, year};
use super::super::{Books, Verdict, What};
use super::operators::happens;
use super::{is_amount, refused};

const TEXT_MAX: usize = 60;

/// Who gives what to whom.
type Moves = Vec<(Account, Account, i64)>;

impl Books {
    pub(super) fn set_tier(&self, now: i64, asked: &SetTier) -> Verdict {
        use set_tier::Refusal as R;
        match self.user(asked.user).map(|user| user.status) {
            None => refused(Refusal::SetTier(R::UserNotFound)),
            Some(UserStatus::Closed) => refused(Refusal::SetTier(R::UserClosed)),
            Some(_) => happens(now, What::TierSet(asked.clone())),
        }
    }

    /// The first limit that an amount passes, and what that leaves.
    pub(super) fn above(&self, now: i64, user: UserId, amount: i64) -> Option<Above> {
        let (single, daily, yearly) = match self.user(user)?.tier {
            Tier::Basic => (50_000, 100_000, 100_000),
            Tier::Verified => (500_000, 500_000, 10_000_000),
            Tier::Full => return None,
        };
        let today = day(now);
        let spent = self.people.spent.get(&user);
        let today_spent = spent.and_then(|spent| spent.days.get(&today).copied());
        let year_spent = spent.and_then(|spent| spent.years.get(&year(today)).copied());
        [
            (Bound::Single, single),
            (Bound::Daily, daily - today_spent.unwrap_or(0)),
            (Bound::Yearly, yearly - year_spent.unwrap_or(0)),
        ]
        .into_iter()
        .map(|(bound, left)| (bound, left.max(0)))
        .find(|(_, left)| amount > *left)
        .map(|(bound, left)| Above {
            bound,
            left: Fen(left),
        })
    }

    pub(super) fn send_money(&self, now: i64, asked: &SendMoney) -> Verdict {
        use send::Refusal as R;
        let wallet = Account::Wallet(asked.payer);
        let verdict = self
            .numbered(What::MoneySent(asked.clone()), now, || {
                match self.user(asked.payer).map(|user| user.status) {
                    None => return Some(R::PayerNotFound),
                    Some(UserStatus::Active) => {}
                    Some(_) => return Some(R::PayerNotActive),
                }
                if let Some(payee) = asked.to.payee() {
                    match self.user(payee).map(|user| user.status) {
                        None => return Some(R::PayeeNotFound),
                        Some(UserStatus::Active) => {}
                        Some(_) => return Some(R::PayeeNotActive),
                    }
                    if payee == asked.payer {
                        return Some(R::ToOneself);
                    }
                }
                if !is_amount(asked.amount) {
                    return Some(R::AmountOutOfRange);
                }
                let message = asked.message.as_ref();
                if message.is_some_and(|text| text.chars().count() > TEXT_MAX) {
                    return Some(R::TextTooLong);
                }
                if let Some(refusal) = self.against_request(asked) {
                    return Some(refusal);
                }
                let available = Fen(self.balance(wallet));
                if available < asked.amount {
                    return Some(R::BalanceShort { available });
                }
                let above = self.above(now, asked.payer, asked.amount.0);
                above.map(|above| R::AboveLimit { above })
            })
            .map_refusal(R::NumberReused, Refusal::SendMoney);
        if !matches!(verdict, Verdict::Happens(_)) {
            return verdict;
        }
        verdict.moving(match asked.to {
            To::Now(payee) => self.reach(wallet, asked.payer, payee, asked.amount.0),
            To::Later(..) | To::Unregistered(_) => {
                vec![(wallet, self.between(asked.payer), asked.amount.0)]
            }
        })
    }

    fn against_request(&self, asked: &SendMoney) -> Option<send::Refusal> {
        use send::Refusal as R;
        let Some(request) = self.people.requests.get(&asked.request?.0.0) else {
            return Some(R::RequestNotOpen);
        };
        let share = share_of(request, asked.payer);
        let Some((_, fen, open)) = share.filter(|_| asked.to.payee() == Some(request.asker)) else {
            return Some(R::NotAsked);
        };
        if !open {
            return Some(R::ShareSettled);
        }
        let amount = Fen(fen);
        let right = asked.amount == amount && matches!(asked.to, To::Now(_));
        (!right).then_some(R::OtherShare { amount })
    }

    /// Where money waits that a user sent.
    fn between(&self, payer: UserId) -> Account {
        Account::Remittance(self.users[payer.0 as usize].brand)
    }

    /// Money reaches a person; what the other brand's bank holds of it goes along, as far as it is free.
    pub(super) fn reach(&self, from: Account, payer: UserId, payee: UserId, amount: i64) -> Moves {
        let [ours, theirs] = [payer, payee].map(|user| self.users[user.0 as usize].brand);
        let reserve = Account::BankReserve(ours);
        let free = self.balance(reserve) - self.balance(Account::Transit(ours));
        let moved = if ours == theirs {
            0
        } else {
            amount.min(free.max(0))
        };
        vec![
            (from, Account::Wallet(payee), amount),
            (Account::BankReserve(theirs), reserve, moved),
        ]
    }

    pub(super) fn take_back_sent(&self, now: i64, asked: &TakeBackRemittance) -> Verdict {
        use take_back::Refusal as R;
        let refuse = |refusal| refused(Refusal::TakeBackRemittance(refusal));
        let Some(row) = self.people.waiting.get(&asked.remittance.0.0) else {
            return refuse(R::NotWaiting);
        };
        if row.payer != asked.payer {
            return refuse(R::NotYours);
        }
        if row.due <= now {
            return refuse(R::TooLate);
        }
        self.back(now, asked.remittance.0.0, row, true)
    }

    fn back(&self, now: i64, remittance: u64, row: &Waiting, taken: bool) -> Verdict {
        let what = What::RemittanceBack {
            remittance,
            payer: row.payer,
            taken,
        };
        let wallet = Account::Wallet(row.payer);
        happens(now, what).moving(vec![(self.between(row.payer), wallet, row.amount)])
    }

    fn arrived(
        &self,
        now: i64,
        remittance: u64,
        row: &Waiting,
        payee: UserId,
        claimed: bool,
    ) -> Verdict {
        let what = What::RemittanceArrived {
            remittance,
            payer: row.payer,
            payee,
            claimed,
        };
        let from = self.between(row.payer);
        happens(now, what).moving(self.reach(from, row.payer, payee, row.amount))
    }

    pub(super) fn accept(&self, now: i64, asked: &AcceptRemittance) -> Verdict {
        use accept::Refusal as R;
        let refuse = |refusal| refused(Refusal::AcceptRemittance(refusal));
        let Some(row) = self.people.waiting.get(&asked.remittance.0.0) else {
            return refuse(R::NotWaiting);
        };
        if row.to != To::Unregistered(asked.claim) {
            return refuse(R::OtherClaim);
        }
        match self.user(asked.payee).map(|user| user.status) {
            None => return refuse(R::PayeeNotFound),
            Some(UserStatus::Active) => {}
            Some(_) => return refuse(R::PayeeNotActive),
        }
        if row.due <= now {
            return refuse(R::TooLate);
        }
        self.arrived(now, asked.remittance.0.0, row, asked.payee, true)
    }

    pub(super) fn arrive(&self, now: i64, remittance: u64) -> Verdict {
        use arrive::Refusal as R;
        let refuse = |refusal| refused(Refusal::ArriveRemittance(refusal));
        let Some(row) = self.people.waiting.get(&remittance) else {
            return refuse(R::NotWaiting);
        };
        let Some(payee) = row.to.payee() else {
            return refuse(R::Unclaimed);
        };
        if !self.can_arrive(row) {
            return refuse(R::PayeeClosed);
        }
        if now < row.due {
            return refuse(R::NotDue);
        }
        self.arrived(now, remittance, row, payee, false)
    }

    pub(super) fn return_remittance(&self, now: i64, remittance: u64) -> Verdict {
        use give_back::Refusal as R;
        let refuse = |refusal| refused(Refusal::ReturnRemittance(refusal));
        let Some(row) = self.people.waiting.get(&remittance) else {
            return refuse(R::NotWaiting);
        };
        if self.can_arrive(row) {
            return refuse(R::CanArrive);
        }
        if now < row.due {
            return refuse(R::NotDue);
        }
        self.back(now, remittance, row, false)
    }

    pub(super) fn request_money(&self, now: i64, asked: &RequestMoney) -> Verdict {
        use ask::Refusal as R;
        self.numbered(What::MoneyRequested(asked.clone()), now, || {
            match self.user(asked.asker).map(|user| user.status) {
                None => return Some(R::AskerNotFound),
                Some(UserStatus::Active) => {}
                Some(_) => return Some(R::AskerNotActive),
            }
            if asked.shares.is_empty() || asked.shares.len() > 50 {
                return Some(R::SharesOutOfRange);
            }
            if asked.note.chars().count() > TEXT_MAX {
                return Some(R::TextTooLong);
            }
            let flawed = (0..asked.shares.len()).find_map(|place| self.flaw_of_share(asked, place));
            let open = self.people.requests.values();
            let open = open.filter(|row| row.asker == asked.asker).count();
            flawed.or((open >= 100).then_some(R::TooManyOpen))
        })
        .map_refusal(R::NumberReused, Refusal::RequestMoney)
    }

    fn flaw_of_share(&self, asked: &RequestMoney, place: usize) -> Option<ask::Refusal> {
        use ask::Refusal as R;
        let (payer, amount) = asked.shares[place];
        match self.user(payer).map(|user| user.status) {
            None => return Some(R::PayerNotFound),
            Some(UserStatus::Closed) => return Some(R::PayerClosed),
            Some(_) => {}
        }
        if payer == asked.asker {
            return Some(R::OfOneself);
        }
        if asked.shares[..place]
            .iter()
            .any(|(other, _)| *other == payer)
        {
            return Some(R::AskedTwice);
        }
        (!is_amount(amount)).then_some(R::AmountOutOfRange)
    }

    pub(super) fn decline(&self, now: i64, asked: &DeclineShare) -> Verdict {
        use decline::Refusal as R;
        let refuse = |refusal| refused(Refusal::DeclineShare(refusal));
        let Some(row) = self.people.requests.get(&asked.request.0.0) else {
            return refuse(R::RequestNotOpen);
        };
        match share_of(row, asked.payer) {
            None => refuse(R::NotAsked),
            Some((_, _, false)) => refuse(R::ShareSettled),
            Some((_, _, true)) => happens(
                now,
                What::ShareDeclined {
                    request: asked.request.0.0,
                    payer: asked.payer,
                    asker: row.asker,
                },
            ),
        }
    }

    pub(super) fn cancel(&self, now: i64, asked: &cancel::CancelRequest) -> Verdict {
        use cancel::Refusal as R;
        let refuse = |refusal| refused(Refusal::CancelRequest(refusal));
        let Some(row) = self.people.requests.get(&asked.request.0.0) else {
            return refuse(R::RequestNotOpen);
        };
        if row.asker != asked.asker {
            return refuse(R::NotYours);
        }
        self.request_ended(now, asked.request.0.0, row, true)
    }

    pub(super) fn expire_request(&self, now: i64, request: u64) -> Verdict {
        use expire::Refusal as R;
        let refuse = |refusal| refused(Refusal::ExpireRequest(refusal));
        let Some(row) = self.people.requests.get(&request) else {
            return refuse(R::RequestNotOpen);
        };
        if now < row.until {
            return refuse(R::NotDue);
        }
        self.request_ended(now, request, row, false)
    }

    fn request_ended(&self, now: i64, request: u64, row: &Asked, cancelled: bool) -> Verdict {
        let what = What::RequestEnded {
            request,
            asker: row.asker,
            cancelled,
        };
        happens(now, what)
    }
}

/// Of whom, how much, and whether it waits still.
fn share_of(request: &Asked, payer: UserId) -> Option<(UserId, i64, bool)> {
    let mut shares = request.shares.iter();
    shares.find(|(of, _, _)| *of == payer).copied()
}
