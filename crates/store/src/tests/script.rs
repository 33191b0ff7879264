//! Makes events that could have happened, from a seed, and keeps them in a plain list.

use feiqian_core::bank::answer::{Answer, TransferAnswered};
use feiqian_core::bank::top_up::TopUpRequested;
use feiqian_core::bank::withdraw::WithdrawalRequested;
use feiqian_core::ids::{BrandId, Digest};
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::Attempt;
use feiqian_core::order::close::OrderClosed;
use feiqian_core::order::create::{Channel, OrderCreated, Terms};
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::order::refund::OrderRefunded;
use feiqian_core::order::reverse::OrderReversed;
use feiqian_core::remittance::accept::RemittanceAccepted;
use feiqian_core::remittance::send::MoneySent;
use feiqian_core::remittance::take_back::RemittanceTakenBack;
use feiqian_core::remittance::{Claim, Delay, To};
use feiqian_core::request::ask::MoneyRequested;
use feiqian_core::request::cancel::RequestCancelled;
use feiqian_core::request::decline::ShareDeclined;
use feiqian_core::{
    Account, Event, EventNumber, Fen, MerchantId, Number, OrderId, Postings, RemittanceId,
    RequestId, TransferId, UnixMillis, UserId,
};

pub const BEGIN: UnixMillis = UnixMillis(1_510_329_600_000);
const AMOUNT: Fen = Fen(1_000);

pub struct Script {
    pub events: Vec<Event>,
    random: u64,
    now: UnixMillis,
    open: Vec<OrderId>,
    /// With what is left to refund.
    paid: Vec<(OrderId, UserId, Fen)>,
    pending: Vec<(TransferId, UserId)>,
    waiting: Vec<RemittanceId>,
    asked: Vec<RequestId>,
}

pub fn number(n: u64) -> Number {
    Number::new(&format!("n{n}")).unwrap()
}

pub fn order_key(merchant: MerchantId, n: u64) -> Key {
    Key {
        scope: Scope::Orders(merchant),
        number: number(n),
    }
}

impl Script {
    pub fn new() -> Self {
        let events = Vec::new();
        Self {
            events,
            random: 1,
            now: BEGIN,
            open: vec![],
            paid: vec![],
            pending: vec![],
            waiting: vec![],
            asked: vec![],
        }
    }

    fn below(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        (self.random >> 33) % below
    }

    fn one_of<T>(&mut self, things: impl Fn(&mut Self) -> &mut Vec<T>) -> Option<T> {
        let len = things(self).len() as u64;
        let index = self.below(len.max(1));
        (len > 0).then(|| things(self).swap_remove(usize::try_from(index).unwrap()))
    }

    /// What happens next.
    pub fn next(&mut self) -> Event {
        // Often several events in the same millisecond, sometimes none for a while.
        let pause = if self.below(4) == 0 { self.below(5) } else { 0 };
        self.now = self.now.plus(i64::try_from(pause).unwrap());
        let event = self.make();
        self.events.push(event.clone());
        event
    }

    fn make(&mut self) -> Event {
        let this = EventNumber(self.events.len() as u64);
        match self.below(12) {
            10 => self.send(RemittanceId(this)),
            11 => self.ask_people(RequestId(this)),
            0..=3 => self.create(OrderId(this)),
            4..=6 => self.pay().unwrap_or_else(|| self.create(OrderId(this))),
            7 => self
                .refund(this)
                .unwrap_or_else(|| self.create(OrderId(this))),
            8 => self.end().unwrap_or_else(|| self.create(OrderId(this))),
            _ => self.transfer(TransferId(this)),
        }
    }

    fn user(&mut self) -> UserId {
        UserId(u32::try_from(self.below(4)).unwrap())
    }

    fn merchant(order: OrderId) -> MerchantId {
        MerchantId(u32::try_from(order.0.0 % 3).unwrap())
    }

    fn create(&mut self, id: OrderId) -> Event {
        self.open.push(id);
        Event::OrderCreated(OrderCreated {
            at: self.now,
            merchant: Self::merchant(id),
            number: number(id.0.0),
            digest: Digest([1; 16]),
            expires_at: self.now.plus(1_000),
            terms: std::sync::Arc::new(Terms {
                amount: AMOUNT,
                channel: Channel::Scan,
                // Some do not fit into one small read.
                description: "面".repeat(usize::try_from(id.0.0 % 300).unwrap()),
                attach: None,
                notify: None,
                expires_at: None,
                only_payer: None,
                echo: None,
            }),
        })
    }

    fn pay(&mut self) -> Option<Event> {
        let order = self.one_of(|script| &mut script.open)?;
        let (payer, merchant) = (self.user(), Self::merchant(order));
        self.paid.push((order, payer, AMOUNT));
        let account = Account::Merchant(merchant);
        Some(Event::OrderPaid(OrderPaid {
            granted: None,
            at: self.now,
            order,
            merchant,
            payer,
            brand: BrandId(0),
            attempt: Attempt(5),
            amount: AMOUNT,
            fee: Fen(6),
            postings: Postings::new()
                .with(Account::Wallet(payer), account, AMOUNT)
                .with(account, Account::FeeIncome(BrandId(0)), Fen(6)),
        }))
    }

    fn refund(&mut self, this: EventNumber) -> Option<Event> {
        let (order, payer, left) = self.one_of(|script| &mut script.paid)?;
        let amount = Fen(100);
        if left > amount {
            self.paid.push((order, payer, left.minus(amount).unwrap()));
        }
        let merchant = Self::merchant(order);
        Some(Event::OrderRefunded(Box::new(OrderRefunded {
            returned: None,
            at: self.now,
            merchant,
            number: number(this.0),
            digest: Digest([2; 16]),
            order,
            payer,
            amount,
            fee_returned: Fen(0),
            reason: None,
            notify: None,
            postings: Postings::new().with(
                Account::Merchant(merchant),
                Account::Wallet(payer),
                amount,
            ),
        })))
    }

    fn end(&mut self) -> Option<Event> {
        let order = self.one_of(|script| &mut script.open)?;
        let (at, merchant) = (self.now, Self::merchant(order));
        Some(if order.0.0 % 2 == 0 {
            Event::OrderClosed(OrderClosed {
                at,
                order,
                merchant,
            })
        } else {
            let (amount, fee_returned, postings) = (Fen(0), Fen(0), Postings::new());
            let reversed = OrderReversed {
                returned: None,
                at,
                order,
                merchant,
                amount,
                fee_returned,
                postings,
            };
            Event::OrderReversed(reversed)
        })
    }

    fn transfer(&mut self, id: TransferId) -> Event {
        let (at, user, number) = (self.now, self.user(), number(id.0.0));
        let (wallet, transit) = (Account::Wallet(user), Account::Transit(BrandId(0)));
        let reserve = Account::BankReserve(BrandId(0));
        let (digest, amount) = (Digest([3; 16]), AMOUNT);
        match self.below(3) {
            0 => {
                self.pending.push((id, user));
                Event::TopUpRequested(TopUpRequested {
                    at,
                    number,
                    digest,
                    user,
                    amount,
                })
            }
            1 => {
                self.pending.push((id, user));
                let postings = Postings::new().with(wallet, transit, amount);
                let request = WithdrawalRequested {
                    at,
                    number,
                    digest,
                    user,
                    amount,
                    postings,
                    fee: None,
                };
                Event::WithdrawalRequested(request.into())
            }
            _ => match self.one_of(|script| &mut script.pending) {
                None => self.create(OrderId(id.0)),
                Some((transfer, user)) => Event::TransferAnswered(TransferAnswered {
                    at,
                    transfer,
                    user,
                    answer: Answer::Done,
                    postings: Postings::new().with(reserve, Account::Wallet(user), amount),
                    uncounted: None,
                }),
            },
        }
    }

    /// Sends money, or ends what waits.
    fn send(&mut self, id: RemittanceId) -> Event {
        let (at, payer) = (self.now, self.user());
        let (wallet, waits) = (Account::Wallet(payer), Account::Remittance(BrandId(0)));
        if self.below(2) == 0
            && let Some(remittance) = self.one_of(|script| &mut script.waiting)
        {
            let (payee, amount, reserve) = (self.user(), AMOUNT, Fen(0));
            let postings = Postings::new().with(waits, wallet, amount);
            return if self.below(2) == 0 {
                let back = RemittanceTakenBack {
                    at,
                    remittance,
                    payer,
                    amount,
                    postings,
                };
                Event::RemittanceTakenBack(back.into())
            } else {
                let found = RemittanceAccepted {
                    at,
                    remittance,
                    payer,
                    payee,
                    amount,
                    reserve,
                    postings,
                };
                Event::RemittanceAccepted(found.into())
            };
        }
        let request = self.one_of(|script| &mut script.asked);
        let payee = self.user();
        let to = match self.below(2) {
            0 => To::Later(payee, Delay::Day),
            _ => To::Unregistered(Claim(5)),
        };
        self.waiting.push(id);
        Event::MoneySent(Box::new(MoneySent {
            at,
            payer,
            number: number(id.0.0),
            digest: Digest([4; 16]),
            to: request.map_or(to, |_| To::Now(payee)),
            amount: AMOUNT,
            due: request.is_none().then(|| at.plus(5)),
            message: None,
            request,
            reserve: Fen(0),
            postings: Postings::new().with(wallet, waits, AMOUNT),
        }))
    }

    /// Asks for money, or wants none any more.
    fn ask_people(&mut self, id: RequestId) -> Event {
        let (at, asker) = (self.now, self.user());
        if self.below(3) == 0
            && let Some(request) = self.one_of(|script| &mut script.asked)
        {
            return match self.below(2) {
                0 => Event::RequestCancelled(RequestCancelled { at, request, asker }),
                _ => Event::ShareDeclined(ShareDeclined {
                    at,
                    request,
                    payer: UserId(0),
                    asker,
                }),
            };
        }
        self.asked.push(id);
        let others = (0..4).map(UserId).filter(|user| *user != asker);
        Event::MoneyRequested(Box::new(MoneyRequested {
            at,
            asker,
            number: number(id.0.0),
            digest: Digest([5; 16]),
            shares: others.map(|user| (user, AMOUNT)).collect(),
            note: "面".into(),
            until: at.plus(9),
        }))
    }

    pub fn event(&self, number: EventNumber) -> &Event {
        &self.events[usize::try_from(number.0).unwrap()]
    }

    /// All events with their numbers.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (EventNumber, &Event)> {
        self.events
            .iter()
            .enumerate()
            .map(|(n, event)| (EventNumber(n as u64), event))
    }

    /// What goes on with what an event began.
    pub fn later(&self, begun: EventNumber) -> Vec<(EventNumber, Event)> {
        let (order, transfer) = (Some(OrderId(begun)), Some(TransferId(begun)));
        self.numbered()
            .filter(|(_, event)| {
                event.order() == order
                    || event.transfer() == transfer
                    || event.remittance() == Some(RemittanceId(begun))
                    || event.request() == Some(RequestId(begun))
            })
            .map(|(number, event)| (number, event.clone()))
            .collect()
    }

    /// All numbers that were used up.
    pub fn keys(&self) -> impl Iterator<Item = (Key, EventNumber)> {
        self.numbered()
            .filter_map(|(n, event)| event.named(n))
            .map(|(key, known)| (key, known.event))
    }
}
