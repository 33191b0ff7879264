//! What people ask of people.

use feiqian_core::remittance::accept::AcceptRemittance;
use feiqian_core::remittance::arrive::ArriveRemittance;
use feiqian_core::remittance::give_back::ReturnRemittance;
use feiqian_core::remittance::send::SendMoney;
use feiqian_core::remittance::take_back::TakeBackRemittance;
use feiqian_core::remittance::{Claim, Delay, To};
use feiqian_core::request::ask::RequestMoney;
use feiqian_core::request::cancel::CancelRequest;
use feiqian_core::request::decline::DeclineShare;
use feiqian_core::request::expire::ExpireRequest;
use feiqian_core::user::Tier;
use feiqian_core::user::set_tier::SetTier;
use feiqian_core::{Account, Command, Fen, RemittanceId, RequestId, UserId};

use super::World;
use crate::books::Books;

/// What people ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    SetTier,
    Send,
    TakeBack,
    Accept,
    Arrive,
    Return,
    Ask,
    Decline,
    Cancel,
    Expire,
}

impl World {
    pub(super) fn wish_of_people(&mut self, wish: Wish, books: &Books) -> Command {
        match wish {
            Wish::SetTier => SetTier {
                user: self.user(books),
                tier: self.tier(),
            }
            .into(),
            Wish::Send => self.send(books).into(),
            Wish::TakeBack => self.take_back(books).into(),
            Wish::Accept => self.accept(books).into(),
            Wish::Arrive => ArriveRemittance {
                remittance: self.remittance(books),
            }
            .into(),
            Wish::Return => ReturnRemittance {
                remittance: self.remittance(books),
            }
            .into(),
            Wish::Ask => self.ask_for_money(books).into(),
            Wish::Decline => {
                let request = self.request(books);
                let payer = self.one_of_the_asked(books, request);
                DeclineShare { request, payer }.into()
            }
            Wish::Cancel => self.cancel(books).into(),
            Wish::Expire => ExpireRequest {
                request: self.request(books),
            }
            .into(),
        }
    }

    fn tier(&mut self) -> Tier {
        self.chance.of([Tier::Basic, Tier::Verified, Tier::Full])
    }

    /// To somebody, or what a request asks for.
    fn send(&mut self, books: &Books) -> SendMoney {
        if self.chance.one_in(3) && !books.people.requests.is_empty() {
            return self.pay_share(books);
        }
        let payer = self.rich(books);
        let all = Fen(books.balance(Account::Wallet(payer)));
        let some = self.amount(60_000);
        let payee = self.user(books);
        SendMoney {
            payer,
            number: self.number("s"),
            to: match self.chance.below(4) {
                0 => To::Unregistered(Claim(self.chance.below(6))),
                1 => To::Later(payee, self.chance.of([Delay::TwoHours, Delay::Day])),
                _ => To::Now(payee),
            },
            amount: if self.chance.one_in(16) { all } else { some },
            message: self.chance.one_in(3).then(|| self.text(60).into()),
            request: self.chance.one_in(40).then(|| self.request(books)),
        }
    }

    fn pay_share(&mut self, books: &Books) -> SendMoney {
        let request = self.request(books);
        let payer = self.one_of_the_asked(books, request);
        let row = books.people.requests.get(&request.0.0);
        let asker = row.map_or(UserId(0), |row| row.asker);
        let share = row.and_then(|row| row.shares.iter().find(|share| share.0 == payer));
        let share = share.map_or(1, |share| share.1);
        let wrong = i64::from(self.chance.one_in(20));
        SendMoney {
            payer,
            number: self.number("s"),
            to: if self.chance.one_in(20) {
                To::Later(asker, Delay::Day)
            } else {
                To::Now(asker)
            },
            amount: Fen(share.saturating_add(wrong)),
            message: None,
            request: Some(request),
        }
    }

    /// Mostly somebody who has something.
    pub(super) fn rich(&mut self, books: &Books) -> UserId {
        let users = (0..).map(UserId).take(books.users.len());
        let rich = users.filter(|user| books.balance(Account::Wallet(*user)) > 0);
        let rich: Vec<UserId> = rich.collect();
        match self.chance.pick(&rich) {
            Some(user) if !self.chance.one_in(10) => *user,
            Some(_) | None => self.user(books),
        }
    }

    /// Money on its way, mostly.
    fn remittance(&mut self, books: &Books) -> RemittanceId {
        let waiting: Vec<u64> = books.people.waiting.keys().copied().collect();
        let event = match self.chance.pick(&waiting) {
            Some(event) if !self.chance.one_in(8) => *event,
            Some(_) | None => self.chance.below(books.next() + 3),
        };
        RemittanceId(Books::number(event))
    }

    fn take_back(&mut self, books: &Books) -> TakeBackRemittance {
        let remittance = self.remittance(books);
        let row = books.people.waiting.get(&remittance.0.0);
        let payer = match row {
            Some(row) if !self.chance.one_in(8) => row.payer,
            Some(_) | None => self.user(books),
        };
        TakeBackRemittance { payer, remittance }
    }

    fn accept(&mut self, books: &Books) -> AcceptRemittance {
        let held = books.people.waiting.iter();
        let held = held.filter_map(|(id, row)| match row.to {
            To::Unregistered(claim) => Some((*id, claim)),
            To::Now(_) | To::Later(..) => None,
        });
        let held: Vec<(u64, Claim)> = held.collect();
        let payee = self.user(books);
        match self.chance.pick(&held).copied() {
            Some((id, claim)) if !self.chance.one_in(8) => AcceptRemittance {
                remittance: RemittanceId(Books::number(id)),
                claim,
                payee,
            },
            Some(_) | None => AcceptRemittance {
                remittance: self.remittance(books),
                claim: Claim(self.chance.below(8)),
                payee,
            },
        }
    }

    fn ask_for_money(&mut self, books: &Books) -> RequestMoney {
        let count = match self.chance.below(30) {
            0 => 0,
            1 => 51,
            2..12 => 1,
            _ => self.chance.between(2, 4),
        };
        let shares = (0..count).map(|_| (self.user(books), self.amount(9_000)));
        let mut shares: Vec<(UserId, Fen)> = shares.collect();
        if !self.chance.one_in(10) {
            // There are few users: mostly each is asked once.
            shares.sort_unstable();
            shares.dedup_by_key(|share| share.0);
        }
        RequestMoney {
            asker: self.user(books),
            number: self.number("q"),
            shares,
            note: self.text(60).into(),
        }
    }

    /// A request that is open, mostly.
    fn request(&mut self, books: &Books) -> RequestId {
        let open: Vec<u64> = books.people.requests.keys().copied().collect();
        let event = match self.chance.pick(&open) {
            Some(event) if !self.chance.one_in(12) => *event,
            Some(_) | None => self.chance.below(books.next() + 3),
        };
        RequestId(Books::number(event))
    }

    fn one_of_the_asked(&mut self, books: &Books, request: RequestId) -> UserId {
        let row = books.people.requests.get(&request.0.0);
        let asked = row.map_or(&[][..], |row| &row.shares);
        match self.chance.pick(asked) {
            Some((payer, _, _)) if !self.chance.one_in(12) => *payer,
            Some(_) | None => self.user(books),
        }
    }

    fn cancel(&mut self, books: &Books) -> CancelRequest {
        let request = self.request(books);
        let row = books.people.requests.get(&request.0.0);
        let asker = match row {
            Some(row) if !self.chance.one_in(6) => row.asker,
            Some(_) | None => self.user(books),
        };
        CancelRequest { asker, request }
    }
}
