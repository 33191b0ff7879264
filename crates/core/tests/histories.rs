//! Random histories: whatever is asked, in whatever order, the money adds up and every way to keep
//! the state decides alike.
//!
//! Each history runs on two states at once. One keeps everything in memory. The other forgets what
//! its archive has, at random, and is now and then written to a snapshot and read back.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "a few lines for each kind, and few kinds of all"
)]

use std::collections::{BTreeMap, BTreeSet};

use feiqian_core::archive::{Archive, ArchiveError, Nothing};
use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::{top_up::TopUp, withdraw::Withdraw};
use feiqian_core::brand::{add::AddBrand, open::Open};
use feiqian_core::limits::{AMOUNT_MAX, DAY_MS, FEE_MAX, REFUNDS_PER_ORDER_MAX};
use feiqian_core::merchant::{Category, MerchantStatus, add::AddMerchant, change::ChangeMerchant};
use feiqian_core::numbers::{Key, Known};
use feiqian_core::order::create::{Channel, CreateOrder, Notify, NotifyForm, Terms};
use feiqian_core::order::{Attempt, Order, OrderRef, OrderState};
use feiqian_core::order::{
    close::CloseOrder, expire::ExpireOrder, pay::PayOrder, refund::RefundOrder,
    reverse::ReverseOrder,
};
use feiqian_core::packet::{
    self, Packet, draw::Seed, expire::ExpirePacket, grab::GrabShare, send::SendPacket,
};
use feiqian_core::remittance::{
    Claim, Delay, To, accept::AcceptRemittance, arrive::ArriveRemittance,
    give_back::ReturnRemittance, send::SendMoney, take_back::TakeBackRemittance,
};
use feiqian_core::request::{
    ask::RequestMoney, cancel::CancelRequest, decline::DeclineShare, expire::ExpireRequest,
};
use feiqian_core::snapshot::{self, Frozen};
use feiqian_core::user::set_tier::SetTier;
use feiqian_core::user::{Tier, UserStatus, add::AddUser, set_status::SetUserStatus};
use feiqian_core::{
    Account, BasisPoints, BrandId, Command, Decision, Event, EventNumber, Fen, Keep, MerchantId,
    Mode, Number, OrderId, PacketId, Refusal, RemittanceId, RequestId, State, TransferId,
    UnixMillis, UserId, decide, evolve, order,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const HOUR_MS: i64 = 3_600_000;

#[derive(Clone, Debug)]
enum Step {
    /// Asks for something: what is read from these in [`Run::command`].
    Ask(u8, u8, u8, u8),
    /// Asks for something again that was asked before, counted back.
    Repeat(u8),
    /// Lets time pass.
    Wait(i64),
    /// The archive catches up but for so many events; all beyond `keep` that it has is forgotten.
    Forget { lag: u8, keep: u8 },
    /// The archive catches up; a new process starts from a snapshot.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let days = vec![1, 6, 7, 8, 40, 365, 366];
    let wait = prop_oneof![
        8 => 0..5_000_i64,
        4 => 0..2 * HOUR_MS,
        1 => prop::sample::select(days).prop_map(|days| days * DAY_MS),
    ];
    let step = prop_oneof![
        50 => any::<(u8, u8, u8, u8)>().prop_map(|(a, b, c, d)| Step::Ask(a, b, c, d)),
        6 => any::<u8>().prop_map(Step::Repeat),
        6 => wait.prop_map(Step::Wait),
        3 => (0..20_u8, 0..4_u8).prop_map(|(lag, keep)| Step::Forget { lag, keep }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 100..400)
}

/// The archive: what these events say.
struct Log<'a>(&'a [Event]);

impl Log<'_> {
    fn events(&self) -> impl Iterator<Item = (EventNumber, &Event)> {
        (0..).map(EventNumber).zip(self.0)
    }
}

impl Archive for Log<'_> {
    fn number(&self, key: &Key) -> Result<Option<Known>, ArchiveError> {
        let mut named = self.events().filter_map(|(n, event)| event.named(n));
        Ok(named.find(|(k, _)| k == key).map(|(_, known)| known))
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ArchiveError> {
        let of_order = |(n, event): &(EventNumber, &Event)| *n == id.0 || event.order() == Some(id);
        Ok(Order::replay(self.events().filter(of_order)))
    }

    fn packet(&self, id: PacketId) -> Result<Option<Packet>, ArchiveError> {
        let of_packet =
            |(n, event): &(EventNumber, &Event)| *n == id.event() || event.packet() == Some(id);
        Ok(Packet::replay(self.events().filter(of_packet)))
    }
}

/// All that a snapshot holds: every account, open order and pending transfer.
fn bytes(frozen: &Frozen) -> Vec<u8> {
    let mut bytes = Vec::new();
    frozen.write(&mut bytes).unwrap();
    bytes
}

fn balances(state: &State) -> BTreeMap<Account, Fen> {
    state.balances().collect()
}

/// The order that a timer would close.
#[allow(
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    reason = "one kind of timer is of orders"
)]
fn expired(timer: Command) -> Option<OrderId> {
    match timer {
        Command::ExpireOrder(ExpireOrder { order }) => Some(order),
        _ => None,
    }
}

fn open_orders(state: &State) -> Vec<(OrderId, Order)> {
    let all = state.clone().due(UnixMillis(i64::MAX), usize::MAX);
    all.into_iter()
        .filter_map(expired)
        .map(|id| (id, state.order(id).unwrap().clone()))
        .collect()
}

/// A timer asks only for orders that are open, so it does not matter whether one that is settled is
/// still remembered.
fn alike(decision: Decision<Event, Refusal>) -> Decision<Event, Refusal> {
    match decision {
        Decision::Refuse(Refusal::ExpireOrder(order::expire::Refusal::NotOpen)) => {
            Decision::Refuse(order_not_found())
        }
        Decision::Accept(_) | Decision::Again(_) | Decision::Refuse(_) => decision,
    }
}

fn order_not_found() -> Refusal {
    Refusal::ExpireOrder(order::expire::Refusal::OrderNotFound)
}

fn number(text: &str, n: u8) -> Number {
    Number::new(&format!("{text}{n}")).unwrap()
}

fn amount(n: u8) -> Fen {
    let amounts = [
        1, 2, 3, 50, 83, 84, 99, 1_000, 3_333, 9_999, 12_345, 60_000, 250_000, 0, -1,
    ];
    match n {
        0..=250 => Fen(amounts[usize::from(n) % amounts.len()]),
        251..=253 => Fen(AMOUNT_MAX.0 / 3),
        254 => AMOUNT_MAX,
        255 => Fen(AMOUNT_MAX.0 + 1),
    }
}

/// One of `all`, counted from the newest; few of them, so that each is met again.
fn pick<T: Copy>(all: &[T], n: u8) -> Option<T> {
    let near = all.len().min(12);
    (near > 0).then(|| all[all.len() - 1 - usize::from(n) % near])
}

struct Run {
    now: UnixMillis,
    keeps: State,
    forgets: State,
    /// How many events the archive of `forgets` has.
    archived: usize,
    audit: Audit,
    events: Vec<Event>,
    asked: Vec<Command>,
    orders: Vec<(OrderId, MerchantId, Number)>,
    remittances: Vec<RemittanceId>,
    requests: Vec<RequestId>,
    /// Frozen states, and what each was when it was frozen.
    frozen: Vec<(Frozen, Vec<u8>)>,
}

impl Run {
    fn new() -> Self {
        let mut run = Self {
            now: UnixMillis(1_510_329_600_000),
            keeps: State::default(),
            forgets: State::default(),
            archived: 0,
            audit: Audit::new(),
            events: Vec::new(),
            asked: Vec::new(),
            orders: Vec::new(),
            remittances: Vec::new(),
            requests: Vec::new(),
            frozen: Vec::new(),
        };
        let mode = Mode::Sandbox;
        run.ask(Open { mode }.into());
        for n in 0..2 {
            let name = "Red".into();
            run.ask(
                AddBrand {
                    number: number("b", n),
                    name,
                }
                .into(),
            );
            let (number, name) = (number("m", n), "Noodles".into());
            let (category, fee) = (Category(5812), BasisPoints(60));
            run.ask(
                AddMerchant {
                    number,
                    name,
                    category,
                    fee,
                }
                .into(),
            );
        }
        for n in 0..4 {
            let (brand, tier) = (BrandId(u16::from(n) % 2), Tier::Full);
            run.ask(
                AddUser {
                    number: number("u", n),
                    brand,
                    tier,
                }
                .into(),
            );
            let (user, amount) = (UserId(n.into()), Fen(100_000));
            let transfer = TransferId(run.keeps.next_event());
            run.ask(
                TopUp {
                    user,
                    number: number("first", 0),
                    amount,
                }
                .into(),
            );
            run.ask(
                AnswerTransfer {
                    transfer,
                    answer: Answer::Done,
                }
                .into(),
            );
        }
        assert_eq!(run.events.len(), 17, "all of it is accepted");
        run
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Ask(a, b, c, d) => {
                let command = self.command(a, b, c, d);
                self.ask(command);
            }
            Step::Repeat(back) => {
                let back = usize::from(back) % self.asked.len();
                self.ask(self.asked[self.asked.len() - 1 - back].clone());
            }
            Step::Wait(ms) => self.now = self.now.plus(ms),
            Step::Forget { lag, keep } => {
                let reached = self.events.len().saturating_sub(lag.into());
                self.archived = self.archived.max(reached);
                let archived = EventNumber(self.archived as u64);
                let (numbers, orders, shares) = (keep.into(), keep.into(), keep.into());
                let keep = Keep {
                    numbers,
                    orders,
                    shares,
                };
                self.forgets.forget(archived, keep);
            }
            Step::Restart => {
                self.archived = self.events.len();
                let frozen = self.forgets.freeze();
                let bytes = bytes(&frozen);
                self.forgets = snapshot::read(&bytes).unwrap();
                self.frozen.push((frozen, bytes));
            }
        }
    }

    fn ask(&mut self, command: Command) {
        let before = bytes(&self.keeps.freeze());
        command.fetch(&mut self.keeps, &Nothing).unwrap();
        let archive = Log(&self.events[..self.archived]);
        command.fetch(&mut self.forgets, &archive).unwrap();
        let decision = decide(&self.keeps, self.now, &command);
        let other = decide(&self.forgets, self.now, &command);
        assert_eq!(alike(decision.clone()), alike(other), "{command:?}");
        if let Decision::Accept(event) = decision {
            self.happens(event);
        } else {
            assert_eq!(
                before,
                bytes(&self.keeps.freeze()),
                "{command:?} changed something"
            );
        }
        let (kept, other) = (bytes(&self.keeps.freeze()), bytes(&self.forgets.freeze()));
        assert_eq!(kept, other, "the states differ after {command:?}");
        self.asked.push(command);
    }

    fn happens(&mut self, event: Event) {
        let stored = minicbor::to_vec(&event).unwrap();
        assert_eq!(minicbor::decode::<Event>(&stored).unwrap(), event);
        if let Event::OrderCreated(created) = &event {
            let id = OrderId(self.keeps.next_event());
            self.orders.push((id, created.merchant, created.number));
        }
        let number = self.keeps.next_event();
        match &event {
            Event::MoneySent(_) => self.remittances.push(RemittanceId(number)),
            Event::MoneyRequested(_) => self.requests.push(RequestId(number)),
            _ => {}
        }
        self.audit.read(&event).unwrap();
        evolve(&mut self.keeps, &event);
        evolve(&mut self.forgets, &event);
        for (account, balance) in self.keeps.balances() {
            assert_eq!(
                self.audit.balance(account),
                balance,
                "{account} after {event:?}"
            );
        }
        if let Some(order) = event.order().and_then(|id| self.keeps.order(id))
            && let OrderState::Paid(paid) | OrderState::Reversed(Some(paid)) = &order.state
        {
            assert!(paid.refunded <= order.amount && paid.fee_returned <= paid.fee);
        }
        self.events.push(event);
    }

    fn command(&mut self, a: u8, b: u8, c: u8, d: u8) -> Command {
        let user = UserId(u32::from(b % 5));
        let merchant = MerchantId([0, 1, 0, 1, 0, 1, 2, 3][usize::from(b % 8)]);
        if (144..176).contains(&a) {
            return self.command_on_packet(a, b, c, d);
        }
        if a >= 176 {
            return self.command_of_people(a, b, c, d);
        }
        match a % 64 {
            0 => {
                let mode = [Mode::Sandbox, Mode::Production][usize::from(b % 2)];
                Open { mode }.into()
            }
            1 => {
                let name = ["Red", "Blue", ""][usize::from(d % 3)].into();
                AddBrand {
                    number: number("b", c % 4),
                    name,
                }
                .into()
            }
            2 => {
                let (number, brand) = (number("u", c % 8), BrandId(u16::from(b % 4)));
                let tier = [Tier::Full, Tier::Verified, Tier::Full][usize::from(d % 3)];
                AddUser {
                    number,
                    brand,
                    tier,
                }
                .into()
            }
            3 | 4 => {
                let status = match d {
                    0..8 => UserStatus::Closed,
                    8..64 => UserStatus::Frozen,
                    64.. => UserStatus::Active,
                };
                SetUserStatus { user, status }.into()
            }
            5 => {
                let name = ["Rice", "茶", "\n"][usize::from(d % 3)].into();
                let (number, category) = (number("m", c % 4), Category(u16::from(c) * 50));
                let fee = BasisPoints(u16::from(d) * 5);
                AddMerchant {
                    number,
                    name,
                    category,
                    fee,
                }
                .into()
            }
            6 | 7 => {
                let fee = (c < 128).then_some(BasisPoints(u16::from(c) * 10));
                let status = [MerchantStatus::Active, MerchantStatus::Paused];
                let status = (d < 64).then_some(status[usize::from(d < 8)]);
                ChangeMerchant {
                    merchant,
                    fee,
                    status,
                }
                .into()
            }
            8..26 => self.command_on_money(a, b, c, d),
            26..38 => {
                let (number, terms) = (number("o", c % 64), self.terms(b, d));
                CreateOrder {
                    merchant,
                    number,
                    terms: terms.into(),
                }
                .into()
            }
            38.. => self.command_on_order(a, b, c, d),
        }
    }

    fn command_on_money(&self, a: u8, b: u8, c: u8, d: u8) -> Command {
        let (user, amount) = (UserId(u32::from(b % 5)), amount(d));
        match a % 64 {
            8..14 => {
                let number = number("t", c % 32);
                TopUp {
                    user,
                    number,
                    amount,
                }
                .into()
            }
            14..18 => {
                let number = number("w", c % 32);
                Withdraw {
                    user,
                    number,
                    amount,
                    fee_at_most: None,
                }
                .into()
            }
            _ => self.answer(b, c, d),
        }
    }

    fn command_on_packet(&mut self, a: u8, b: u8, c: u8, d: u8) -> Command {
        let user = UserId(u32::from(c % 5));
        if a < 152 {
            return SendPacket {
                sender: user,
                number: number("p", b % 32),
                kind: [packet::Kind::Equal, packet::Kind::Lucky][usize::from(d % 2)],
                to: (b > 200).then_some(UserId(u32::from(d % 5))),
                total: amount(d),
                shares: [1, 2, 3, 5, 0, 1][usize::from(b % 6)],
                message: None,
                seed: Seed([b; 16]),
            }
            .into();
        }
        let sent = (0..).map(EventNumber).zip(&self.events);
        let sent = sent.filter(|(_, event)| matches!(event, Event::PacketSent(_)));
        let sent: Vec<EventNumber> = sent.map(|(number, _)| number).collect();
        let packet = pick(&sent, b).unwrap_or(EventNumber(d.into()));
        let packet = PacketId::new(packet).unwrap();
        if a < 172 {
            return GrabShare { packet, user }.into();
        }
        #[allow(clippy::wildcard_enum_match_arm, reason = "one timer is of packets")]
        let due = self
            .keeps
            .due(self.now, 99)
            .into_iter()
            .find_map(|due| match due {
                Command::ExpirePacket(due) => Some(due),
                _ => None,
            });
        due.unwrap_or(ExpirePacket { packet }).into()
    }

    fn command_of_people(&mut self, a: u8, b: u8, c: u8, d: u8) -> Command {
        let (payer, user) = (UserId(u32::from(b % 5)), UserId(u32::from(c % 5)));
        let claim = Claim(u64::from(d % 3));
        let never = RemittanceId(EventNumber(b.into()));
        let remittance = pick(&self.remittances, c).filter(|_| d < 240);
        let remittance = remittance.unwrap_or(never);
        let request = pick(&self.requests, c).unwrap_or(RequestId(never.0));
        let delay = [Delay::TwoHours, Delay::Day][usize::from(d % 2)];
        match a {
            ..200 => SendMoney {
                payer,
                number: number("s", d % 64),
                to: match a % 4 {
                    0 => To::Now(user),
                    1 | 2 => To::Later(user, delay),
                    _ => To::Unregistered(claim),
                },
                amount: amount(d),
                message: c
                    .is_multiple_of(3)
                    .then(|| "谢".repeat(usize::from(d) / 4).into()),
                request: None,
            }
            .into(),
            200..206 => TakeBackRemittance { payer, remittance }.into(),
            206..212 => AcceptRemittance {
                remittance,
                claim,
                payee: payer,
            }
            .into(),
            212 => ArriveRemittance { remittance }.into(),
            213 => ReturnRemittance { remittance }.into(),
            214..222 => {
                let due = self.keeps.due(self.now, 99);
                let timer = due
                    .into_iter()
                    .find(|timer| expired(timer.clone()).is_none());
                timer.unwrap_or(ArriveRemittance { remittance }.into())
            }
            222..230 => RequestMoney {
                asker: payer,
                number: number("q", d % 32),
                shares: (1..=c % 4)
                    .map(|n| {
                        (
                            UserId((u32::from(b) + u32::from(n) + u32::from(d % 2)) % 5),
                            amount(d),
                        )
                    })
                    .collect(),
                note: "饭".repeat(usize::from(d) / 4).into(),
            }
            .into(),
            230..246 => self.pay_share(request, b, d),
            246..249 => DeclineShare { request, payer }.into(),
            249..251 => CancelRequest {
                request,
                asker: payer,
            }
            .into(),
            251 => ExpireRequest { request }.into(),
            252.. => {
                let tier = [Tier::Basic, Tier::Verified, Tier::Full][usize::from(d % 3)];
                SetTier { user, tier }.into()
            }
        }
    }

    /// A share of a request, mostly as it was asked.
    fn pay_share(&self, id: RequestId, b: u8, d: u8) -> Command {
        let open = self.keeps.request(id);
        let share = open.and_then(|open| pick(&open.shares, b));
        let (payer, fen) = share.map_or((UserId(0), Fen(1)), |share| (share.payer, share.amount));
        let asker = open.map_or(UserId(1), |open| open.asker);
        SendMoney {
            payer,
            number: number("p", d),
            to: To::Now(asker),
            amount: if b > 240 { Fen(1) } else { fen },
            message: None,
            request: Some(id),
        }
        .into()
    }

    fn answer(&self, b: u8, c: u8, d: u8) -> Command {
        let pending = self.keeps.pending_transfers();
        let transfer = pick(&pending, b).filter(|_| b < 240).map(|(id, _)| id);
        let transfer = transfer.unwrap_or(TransferId(EventNumber(c.into())));
        let answer = [Answer::Done, Answer::Declined][usize::from(d < 64)];
        AnswerTransfer { transfer, answer }.into()
    }

    fn terms(&self, b: u8, d: u8) -> Terms {
        let form = [NotifyForm::WechatPublicKey, NotifyForm::WechatCertificate];
        let url = "https://example.com/notify".into();
        let minutes = (b & 4 == 0).then_some(i64::from(d) * 60_000);
        Terms {
            amount: amount(d),
            channel: [Channel::Scan, Channel::PayCode][usize::from(d % 2)],
            description: ["noodles", "面", "rice", ""][usize::from(b >= 250) * 3].into(),
            attach: d.is_multiple_of(3).then(|| "table 7".into()),
            notify: (d % 5 < 2).then(|| Notify {
                url,
                form: form[usize::from(d % 5)],
            }),
            expires_at: minutes.map(|ms| self.now.plus(ms)),
            only_payer: b.is_multiple_of(16).then_some(UserId(u32::from(d % 6))),
            echo: d.is_multiple_of(7).then(|| "{}".into()),
        }
    }

    fn command_on_order(&mut self, a: u8, b: u8, c: u8, d: u8) -> Command {
        let stranger = (
            OrderId(EventNumber(b.into())),
            MerchantId(0),
            number("o", c % 64),
        );
        let known = pick(&self.orders, b).filter(|_| b < 245);
        let (id, mut merchant, text) = known.unwrap_or(stranger);
        if d % 32 == 1 {
            merchant = MerchantId(u32::from(c % 3));
        }
        let order = [OrderRef::Id(id), OrderRef::Number(text)][usize::from(c % 2)];
        let (whole, left) = match self.keeps.order(id) {
            Some(Order {
                amount,
                state: OrderState::Paid(paid),
                ..
            }) => (*amount, Fen(amount.0 - paid.refunded.0)),
            Some(Order { amount, .. }) => (*amount, *amount),
            None => (Fen(1), Fen(1)),
        };
        match a % 64 {
            38..50 => {
                let (payer, attempt) =
                    (UserId(u32::from(c % 5)), Attempt::of(&number("try", d % 3)));
                PayOrder {
                    order: id,
                    payer,
                    attempt,
                    at_most: None,
                }
                .into()
            }
            50 => CloseOrder { merchant, order }.into(),
            51 | 52 => {
                let due = self.keeps.due(self.now, 1).pop().and_then(expired);
                let order = due.filter(|_| c < 200).unwrap_or(id);
                ExpireOrder { order }.into()
            }
            53 => ReverseOrder { merchant, order }.into(),
            _ => RefundOrder {
                merchant,
                number: number("r", c % 96),
                order,
                amount: match d % 8 {
                    0 => left,
                    1 => Fen(left.0 / 2 + 1),
                    2 => Fen(left.0 + 1),
                    3..6 => Fen(left.0 / 3),
                    _ => amount(c),
                },
                order_amount: Fen(whole.0 + i64::from(d == 9)),
                reason: d
                    .is_multiple_of(3)
                    .then(|| "cold".repeat(usize::from(d) / 11).into()),
                notify: None,
            }
            .into(),
        }
    }

    /// The same events in another state, which knows every number, decide the same.
    fn replays(&self) {
        let mut again = State::default();
        for event in &self.events {
            evolve(&mut again, event);
        }
        assert_eq!(balances(&again), balances(&self.keeps));
        assert_eq!(bytes(&again.freeze()), bytes(&self.keeps.freeze()));
        for command in &self.asked {
            let (first, second) = (
                decide(&self.keeps, self.now, command),
                decide(&again, self.now, command),
            );
            assert_eq!(first, second, "{command:?}");
        }
    }

    /// A snapshot read back has the same balances and open orders and, with the archive, decides the
    /// same. What was frozen earlier has not changed since.
    fn goes_on_from_a_snapshot(&self) {
        for (frozen, then) in &self.frozen {
            assert_eq!(&bytes(frozen), then);
        }
        let mut read = snapshot::read(&bytes(&self.keeps.freeze())).unwrap();
        assert_eq!(read.next_event(), self.keeps.next_event());
        assert_eq!(balances(&read), balances(&self.keeps));
        assert_eq!(open_orders(&read), open_orders(&self.keeps));
        assert_eq!(read.pending_transfers(), self.keeps.pending_transfers());
        assert_eq!(read.orders_in_memory(), open_orders(&self.keeps).len());
        for command in &self.asked {
            command.fetch(&mut read, &Log(&self.events)).unwrap();
            let (first, second) = (
                decide(&self.keeps, self.now, command),
                decide(&read, self.now, command),
            );
            assert_eq!(alike(first), alike(second), "{command:?}");
        }
    }

    /// Both sides of the books are equal, and the sums are those of the state.
    fn adds_up(&self) {
        let totals = self.audit.finish().unwrap();
        let (mut assets, mut owed) = (0, 0);
        for (account, balance) in self.keeps.balances() {
            match account {
                Account::BankReserve(_) | Account::Subsidy(_) | Account::RebateLoss(_) => {
                    assets += balance.0;
                }
                Account::Wallet(_)
                | Account::Merchant(_)
                | Account::Transit(_)
                | Account::FeeIncome(_)
                | Account::Capital(_)
                | Account::CampaignFund(_)
                | Account::PendingRebate(_)
                | Account::Packet(_)
                | Account::Remittance(_) => owed += balance.0,
            }
        }
        assert_eq!(assets, owed);
        self.packets_add_up(totals.packets);
        self.what_is_sent_waits();
        assert_eq!(assets, totals.bank_reserve.0);
        assert!(totals.refunded <= totals.paid);
        assert_eq!(
            totals.pending_transfers,
            self.keeps.pending_transfers().len() as u64
        );
    }

    /// Of each packet: what was taken, went back and is left is what was sent, and nobody took twice.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the others are of no packet"
    )]
    fn packets_add_up(&self, together: Fen) {
        let mut left = BTreeMap::new();
        let mut takers = BTreeSet::new();
        for (number, event) in (0..).map(EventNumber).zip(&self.events) {
            match event {
                Event::PacketSent(event) => {
                    left.insert(PacketId::new(number).unwrap(), event.total.0);
                }
                Event::ShareGrabbed(event) => {
                    assert!(event.amount > Fen::ZERO);
                    assert!(takers.insert((event.packet, event.user)), "{event:?}");
                    *left.get_mut(&event.packet).unwrap() -= event.amount.0;
                }
                Event::PacketExpired(event) => {
                    *left.get_mut(&event.packet).unwrap() -= event.amount.0;
                    assert_eq!(left[&event.packet], 0);
                }
                _ => {}
            }
        }
        left.retain(|_, left| *left != 0);
        let balances = self.keeps.balances();
        let open = balances.filter_map(|(account, fen)| match account {
            Account::Packet(id) => Some((id, fen.0)),
            _ => None,
        });
        assert_eq!(open.collect::<BTreeMap<_, _>>(), left);
        assert_eq!(left.values().sum::<i64>(), together.0);
    }

    /// What each brand's users sent and what has not arrived is on its remittance account, to the fen.
    fn what_is_sent_waits(&self) {
        for (brand, row) in self.keeps.brands() {
            let waiting = self.remittances.iter();
            let waiting = waiting.filter_map(|id| self.keeps.remittance(*id));
            let ours = waiting.filter(|row| self.keeps.user(row.payer).unwrap().brand == brand);
            let sum: i64 = ours.map(|row| row.amount.0).sum();
            assert_eq!(row.remittance, Fen(sum), "brand {brand}");
        }
    }

    /// Gives back what is left of every payment: then each order's postings cancel out, so its payer,
    /// merchant and fee income are whole again.
    fn gives_all_back(&self) {
        let mut state = self.keeps.clone();
        let mut events = self.events.clone();
        for (id, merchant, _) in &self.orders {
            let order = state.order(*id).unwrap();
            let OrderState::Paid(paid) = &order.state else {
                continue;
            };
            if paid.refunded == order.amount {
                continue;
            }
            assert!(
                paid.refunds < REFUNDS_PER_ORDER_MAX,
                "histories are too short for that"
            );
            let rest = RefundOrder {
                merchant: *merchant,
                number: Number::new(&format!("rest{id}")).unwrap(),
                order: OrderRef::Id(*id),
                amount: Fen(order.amount.0 - paid.refunded.0),
                order_amount: order.amount,
                reason: None,
                notify: None,
            };
            let decision = decide(&state, paid.at, &rest.into());
            let Decision::Accept(event) = decision else {
                panic!("{decision:?}")
            };
            evolve(&mut state, &event);
            events.push(event);
        }
        let mut net = BTreeMap::<(OrderId, Account), i64>::new();
        for event in &events {
            let (Some(id), Some(postings)) = (event.order(), event.postings()) else {
                continue;
            };
            for posting in postings.iter() {
                *net.entry((id, posting.debit)).or_default() -= posting.amount.0;
                *net.entry((id, posting.credit)).or_default() += posting.amount.0;
            }
        }
        assert!(net.values().all(|sum| *sum == 0), "{net:?}");
        for (account, balance) in state.balances() {
            if matches!(account, Account::Merchant(_) | Account::FeeIncome(_)) {
                assert_eq!(balance, Fen::ZERO, "{account}");
            }
        }
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn any_history_adds_up_and_decides_alike(steps in steps()) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.adds_up();
        run.replays();
        run.goes_on_from_a_snapshot();
        run.gives_all_back();
    }
}

proptest! {
    #![proptest_config(config(256))]

    /// Any amount, any fee, any parts: after each the fee given back is its share to half a fen, and
    /// after the last everybody has what they had.
    #[test]
    fn any_parts_of_a_payment_come_back_whole(
        whole in prop_oneof![1..200_i64, 1..=AMOUNT_MAX.0],
        fee in 0..=FEE_MAX.0,
        parts in prop::collection::vec(0.0..1.0_f64, 0..49),
    ) {
        let mut run = Run::new();
        let (user, merchant, fee) = (UserId(0), MerchantId(0), Some(BasisPoints(fee)));
        let transfer = TransferId(run.keeps.next_event());
        run.ask(TopUp { user, number: number("t", 0), amount: Fen(whole) }.into());
        run.ask(AnswerTransfer { transfer, answer: Answer::Done }.into());
        run.ask(ChangeMerchant { merchant, fee, status: None }.into());
        let before = balances(&run.keeps);
        let id = OrderId(run.keeps.next_event());
        let terms = Terms { only_payer: None, expires_at: None, ..run.terms(4, 0) };
        let terms = Terms { amount: Fen(whole), ..terms };
        run.ask(CreateOrder { merchant, number: number("o", 0), terms: terms.into() }.into());
        run.ask(PayOrder { order: id, payer: user, attempt: Attempt::of(&number("try", 0)), at_most: None }.into());
        let mut left = whole;
        for (n, part) in (0..).zip(parts.iter().chain([&1.0])) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a guess")]
            let amount = if *part == 1.0 { left } else { ((left as f64 * part) as i64).min(left) };
            if amount == 0 {
                continue;
            }
            left -= amount;
            run.ask(RefundOrder {
                merchant,
                number: number("r", n),
                order: OrderRef::Id(id),
                amount: Fen(amount),
                order_amount: Fen(whole),
                reason: None,
                notify: None,
            }.into());
            let Some(Order { state: OrderState::Paid(paid), .. }) = run.keeps.order(id) else {
                panic!("it is paid")
            };
            prop_assert_eq!(paid.refunded, Fen(whole - left));
            let off = i128::from(paid.fee_returned.0) * i128::from(whole)
                - i128::from(paid.fee.0) * i128::from(whole - left);
            prop_assert!(off.abs() * 2 <= i128::from(whole), "not the share to half a fen");
        }
        prop_assert_eq!(left, 0);
        prop_assert_eq!(balances(&run.keeps), before);
        run.adds_up();
    }
}
