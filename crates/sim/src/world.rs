//! Shoppers, merchants, operators and the bank: what they ask for, in their right mind and out of it.

mod campaigns;
mod codes;
mod packets;
mod people;

use std::collections::VecDeque;

use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::fee::WithdrawalTerms;
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::bank::withdraw::Withdraw;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::brand::fund::FundBrand;
use feiqian_core::brand::open::Open;
use feiqian_core::brand::set_withdrawal_terms::SetWithdrawalTerms;
use feiqian_core::campaign::budget::ChangeBudget;
use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::merchant::change::ChangeMerchant;
use feiqian_core::merchant::{Category, MerchantStatus};
use feiqian_core::order::close::CloseOrder;
use feiqian_core::order::create::{Channel, CreateOrder, Notify, NotifyForm, Terms};
use feiqian_core::order::expire::ExpireOrder;
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::reverse::ReverseOrder;
use feiqian_core::order::spend_code::SpendCode;
use feiqian_core::order::{Attempt, OrderRef};
use feiqian_core::packet::send::SendPacket;
use feiqian_core::remittance::send::SendMoney;
use feiqian_core::request::ask::RequestMoney;
use feiqian_core::user::add::AddUser;
use feiqian_core::user::set_status::SetUserStatus;
use feiqian_core::user::{Tier, UserStatus};
use feiqian_core::{
    Account, BasisPoints, BrandId, Command, Fen, MerchantId, Mode, Number, OrderId, TransferId,
    UnixMillis, UserId,
};

use crate::books::{Books, Stage};
use crate::chance::Chance;
use campaigns::Wish;

/// Commands that a world remembers, to ask again or to ask otherwise.
const REMEMBERED: usize = 200;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Open,
    AddBrand,
    AddUser,
    SetUserStatus,
    AddMerchant,
    ChangeMerchant,
    TopUp,
    SetWithdrawalTerms,
    Withdraw,
    AnswerTransfer,
    CreateOrder,
    PayOrder,
    CloseOrder,
    ExpireOrder,
    ReverseOrder,
    RefundOrder,
    Campaign(Wish),
    People(people::Wish),
    Packet(packets::Wish),
    Code(codes::Wish),
}

const USUAL: [(Kind, u32); 40] = [
    (Kind::Open, 1),
    (Kind::AddBrand, 3),
    (Kind::AddUser, 6),
    (Kind::SetUserStatus, 3),
    (Kind::AddMerchant, 4),
    (Kind::ChangeMerchant, 4),
    (Kind::TopUp, 16),
    (Kind::SetWithdrawalTerms, 2),
    (Kind::Withdraw, 8),
    (Kind::AnswerTransfer, 22),
    (Kind::CreateOrder, 40),
    (Kind::PayOrder, 70),
    (Kind::CloseOrder, 6),
    (Kind::ExpireOrder, 3),
    (Kind::ReverseOrder, 8),
    (Kind::RefundOrder, 25),
    (Kind::Campaign(Wish::FundBrand), 2),
    (Kind::Campaign(Wish::SetTraits), 5),
    (Kind::Campaign(Wish::Add), 6),
    (Kind::Campaign(Wish::Step), 8),
    (Kind::Campaign(Wish::ChangeBudget), 8),
    (Kind::Campaign(Wish::End), 1),
    (Kind::Campaign(Wish::GiveCoupon), 14),
    (Kind::Campaign(Wish::PayRebate), 2),
    (Kind::Campaign(Wish::Sweep), 1),
    (Kind::People(people::Wish::SetTier), 3),
    (Kind::People(people::Wish::Send), 24),
    (Kind::People(people::Wish::TakeBack), 4),
    (Kind::People(people::Wish::Accept), 5),
    (Kind::People(people::Wish::Arrive), 1),
    (Kind::People(people::Wish::Return), 1),
    (Kind::People(people::Wish::Ask), 8),
    (Kind::People(people::Wish::Decline), 3),
    (Kind::People(people::Wish::Cancel), 2),
    (Kind::People(people::Wish::Expire), 1),
    (Kind::Packet(packets::Wish::Send), 10),
    (Kind::Code(codes::Wish::Spend), 18),
    (Kind::Code(codes::Wish::Decline), 4),
    (Kind::Packet(packets::Wish::Grab), 20),
    (Kind::Packet(packets::Wish::Expire), 1),
];

/// Everybody outside of the engine.
pub struct World {
    chance: Chance,
    /// How often each kind is asked for in this world.
    kinds: Vec<(Kind, u32)>,
    /// How many numbers were made.
    numbers: u64,
    remembered: VecDeque<Command>,
    /// Asked for, and on the way: it arrives in any order.
    network: Vec<Command>,
    /// Asked for right after what is asked now.
    soon: Vec<Command>,
}

impl World {
    /// Nobody has asked for anything.
    pub fn new(mut chance: Chance) -> Self {
        // Each world likes some things more than others, so that unusual mixtures happen.
        let kinds = USUAL.map(|(kind, weight)| (kind, weight * chance.of([1, 2, 2, 2, 6])));
        let mut network = Vec::new();
        if chance.one_in(8) {
            let brand = |n| AddBrand {
                number: number("many", n),
                name: "Brand".into(),
            };
            network.extend((0..103).map(|n| Command::from(brand(n))));
        }
        if chance.one_in(50) {
            network.extend(campaigns::crowd());
        }
        Self {
            chance,
            kinds: kinds.to_vec(),
            numbers: 0,
            remembered: VecDeque::new(),
            network,
            soon: Vec::new(),
        }
    }

    /// Somebody asks; what arrives now, if anything.
    pub fn ask(&mut self, books: &Books, now: i64) -> Option<Command> {
        let command = self.make(books, now);
        if self.remembered.len() == REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back(command.clone());
        if self.chance.one_in(30) {
            self.network.push(command.clone());
        }
        self.network.push(command);
        self.network.append(&mut self.soon);
        self.arrive()
    }

    /// Something arrives that was on the way.
    pub fn arrive(&mut self) -> Option<Command> {
        // Mostly in order.
        let length = self.network.len();
        let index = if self.chance.one_in(4) {
            self.chance.index(length)
        } else {
            0
        };
        (length > 0).then(|| self.network.remove(index))
    }

    /// Whoever has no answer asks again, some time.
    pub fn ask_again(&mut self, command: Command) {
        self.network.push(command);
    }

    fn make(&mut self, books: &Books, now: i64) -> Command {
        if self.chance.one_in(12)
            && let Some(index) = Some(self.chance.index(self.remembered.len()))
            && let Some(command) = self.remembered.get(index).cloned()
        {
            return if self.chance.one_in(2) {
                command
            } else {
                self.otherwise(command)
            };
        }
        let running = books
            .campaigns
            .rows
            .iter()
            .filter(|row| row.is_live())
            .count();
        let early = books.brands == 0 || books.users.len() < 3 || books.merchants.len() < 2;
        let kind = if early && !self.chance.one_in(4) {
            self.chance.of([
                Kind::AddBrand,
                Kind::AddUser,
                Kind::AddUser,
                Kind::AddMerchant,
            ])
        } else if running == 0 && self.chance.one_in(6) {
            Kind::Campaign(Wish::Add)
        } else {
            let kind = self.chance.weighted(&self.kinds).unwrap_or(Kind::TopUp);
            self.instead(kind, books)
        };
        self.command(kind, books, now)
    }

    /// Who wants to pay mostly waits until there is something to pay, and money.
    fn instead(&mut self, kind: Kind, books: &Books) -> Kind {
        let is_payment = matches!(kind, Kind::PayOrder);
        if !is_payment || self.chance.one_in(5) {
            return kind;
        }
        let mut users = (0..).map(UserId).take(books.users.len());
        if users.all(|user| books.balance(Account::Wallet(user)) < 20_000) {
            let asked = books.pending.is_empty();
            return if asked {
                Kind::TopUp
            } else {
                Kind::AnswerTransfer
            };
        }
        if books.open.is_empty() {
            Kind::CreateOrder
        } else {
            kind
        }
    }

    #[allow(clippy::too_many_lines, reason = "a few lines for each kind")]
    fn command(&mut self, kind: Kind, books: &Books, now: i64) -> Command {
        match kind {
            Kind::Open => Open {
                mode: self.chance.of([Mode::Sandbox, Mode::Production]),
            }
            .into(),
            Kind::AddBrand => AddBrand {
                number: self.number("b"),
                name: self.name(),
            }
            .into(),
            Kind::AddUser => AddUser {
                number: self.number("u"),
                brand: self.brand(books),
                tier: self.chance.of([Tier::Basic, Tier::Verified, Tier::Full]),
            }
            .into(),
            Kind::SetUserStatus => SetUserStatus {
                user: self.user(books),
                status: self.user_status(),
            }
            .into(),
            Kind::AddMerchant => AddMerchant {
                number: self.number("m"),
                name: self.name(),
                category: self.category(),
                fee: self.fee(),
            }
            .into(),
            Kind::ChangeMerchant => self.change_merchant(books).into(),
            Kind::TopUp => TopUp {
                user: self.user(books),
                number: self.number("t"),
                amount: self.amount(1_000_000),
            }
            .into(),
            Kind::SetWithdrawalTerms => self.set_withdrawal_terms(books).into(),
            Kind::Withdraw => self.withdraw(books).into(),
            Kind::AnswerTransfer => AnswerTransfer {
                transfer: self.transfer(books),
                answer: self
                    .chance
                    .of([Answer::Done, Answer::Done, Answer::Declined]),
            }
            .into(),
            Kind::CreateOrder => self.create(books, now).into(),
            Kind::PayOrder => self.pay(books, now).into(),
            Kind::CloseOrder => {
                let (merchant, order) = self.order_of_somebody(books);
                CloseOrder { merchant, order }.into()
            }
            Kind::ExpireOrder => ExpireOrder {
                order: OrderId(Books::number(self.order(books))),
            }
            .into(),
            Kind::ReverseOrder => {
                let (merchant, order) = self.order_of_somebody(books);
                ReverseOrder { merchant, order }.into()
            }
            Kind::RefundOrder => self.refund(books).into(),
            Kind::Campaign(wish) => self.wish(wish, books, now),
            Kind::People(wish) => self.wish_of_people(wish, books),
            Kind::Code(wish) => self.wish_of_codes(wish, books, now),
            Kind::Packet(wish) => self.wish_of_packets(wish, books),
        }
    }

    fn withdraw(&mut self, books: &Books) -> Withdraw {
        let user = self.user(books);
        let all = Fen(books.balance(Account::Wallet(user)));
        let some = self.amount(300_000);
        Withdraw {
            user,
            number: self.number("w"),
            amount: if self.chance.one_in(16) { all } else { some },
            fee_at_most: self.chance.of([None, None, Some(Fen(0)), Some(Fen(500))]),
        }
    }

    fn set_withdrawal_terms(&mut self, books: &Books) -> SetWithdrawalTerms {
        let free = [0, 5_000, 50_000, 50_000, 300_000, -1, i64::MAX];
        let least = [0, 10, 10, 100, 10_000, -1, 10_001];
        SetWithdrawalTerms {
            brand: self.brand(books),
            terms: WithdrawalTerms {
                free_per_month: Fen(self.chance.of(free)),
                rate: self.fee(),
                least: Fen(self.chance.of(least)),
            },
        }
    }

    /// The same number for something else.
    #[allow(clippy::too_many_lines, reason = "a few lines for each kind")]
    fn otherwise(&mut self, command: Command) -> Command {
        match command {
            Command::AddBrand(asked) => AddBrand {
                name: self.name(),
                ..asked
            }
            .into(),
            Command::AddUser(asked) => AddUser {
                tier: self.chance.of([Tier::Basic, Tier::Full]),
                ..asked
            }
            .into(),
            Command::AddMerchant(asked) => AddMerchant {
                fee: self.fee(),
                ..asked
            }
            .into(),
            Command::TopUp(asked) => TopUp {
                amount: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::Withdraw(asked) => Withdraw {
                amount: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::CreateOrder(mut asked) => {
                std::sync::Arc::make_mut(&mut asked.terms).description = self.text(127);
                asked.into()
            }
            Command::PayOrder(asked) => PayOrder {
                attempt: Attempt(self.chance.below(3)),
                ..asked
            }
            .into(),
            Command::RefundOrder(asked) => RefundOrder {
                amount: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::FundBrand(asked) => FundBrand {
                amount: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::AddCampaign(asked) => self.another(asked).into(),
            Command::ChangeBudget(asked) => ChangeBudget {
                to: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::GiveCoupon(asked) => GiveCoupon {
                user: UserId(asked.user.0 ^ 1),
                ..asked
            }
            .into(),
            Command::SendMoney(asked) => SendMoney {
                amount: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::RequestMoney(asked) => RequestMoney {
                note: self.text(60).into(),
                ..asked
            }
            .into(),
            Command::SendPacket(asked) if self.chance.one_in(2) => SendPacket {
                seed: self.seed(),
                ..asked
            }
            .into(),
            Command::SendPacket(asked) => SendPacket {
                total: self.amount(1_000),
                ..asked
            }
            .into(),
            Command::SpendCode(asked) => SpendCode {
                payer: UserId(asked.payer.0 ^ 1),
                ..asked
            }
            .into(),
            other @ (Command::Open(_)
            | Command::SetTier(_)
            | Command::TakeBackRemittance(_)
            | Command::AcceptRemittance(_)
            | Command::ArriveRemittance(_)
            | Command::ReturnRemittance(_)
            | Command::DeclineShare(_)
            | Command::CancelRequest(_)
            | Command::ExpireRequest(_)
            | Command::SetUserStatus(_)
            | Command::ChangeMerchant(_)
            | Command::AnswerTransfer(_)
            | Command::CloseOrder(_)
            | Command::ExpireOrder(_)
            | Command::ReverseOrder(_)
            | Command::SetTraits(_)
            | Command::StepCampaign(_)
            | Command::EndCampaign(_)
            | Command::PayRebate(_)
            | Command::Sweep(_)
            | Command::SetWithdrawalTerms(_)
            | Command::DeclineOrder(_)
            | Command::UseCoupon(_)
            | Command::ReturnCoupon(_)
            | Command::VoidCoupon(_)
            | Command::PaySubsidy(_)
            | Command::ReturnSubsidy(_)
            | Command::ChangeCoupons(_)
            | Command::GrabShare(_)
            | Command::ExpirePacket(_)) => other,
        }
    }

    fn number(&mut self, kind: &str) -> Number {
        // Sometimes one that was used, perhaps by somebody else.
        if self.chance.one_in(25) {
            return number(kind, self.chance.below(self.numbers + 1));
        }
        self.numbers += 1;
        number(kind, self.numbers)
    }

    fn name(&mut self) -> String {
        match self.chance.below(30) {
            0 => String::new(),
            1 => " \u{3000}".into(),
            2 => "a\nb".into(),
            3 => "飞".repeat(65),
            4 => "飞".repeat(64),
            n => format!("名 {n}"),
        }
    }

    fn text(&mut self, most: usize) -> String {
        match self.chance.below(40) {
            0 => String::new(),
            1 => "长".repeat(most + 1),
            2 => "长".repeat(most),
            n => format!("茶 {n}"),
        }
    }

    fn amount(&mut self, usual: i64) -> Fen {
        Fen(match self.chance.below(60) {
            0 => 0,
            1 => -1,
            2 => 1_000_000_000_001,
            3 => i64::MAX,
            4 => i64::MIN,
            5 => 1_000_000_000_000,
            6 => 1,
            7..20 => self.chance.between(1, 100),
            _ => self.chance.between(1, usual),
        })
    }

    fn fee(&mut self) -> BasisPoints {
        BasisPoints(self.chance.of([0, 1, 20, 60, 60, 333, 999, 1_000, 1_001]))
    }

    fn category(&mut self) -> Category {
        Category(
            self.chance
                .of([0, 5_411, 5_812, 5_812, 5_812, 9_999, 10_000]),
        )
    }

    fn brand(&mut self, books: &Books) -> BrandId {
        let beyond = u64::from(self.chance.one_in(20));
        let brand = self.chance.below(u64::from(books.brands.min(4)).max(1)) + beyond * 200;
        BrandId(u16::try_from(brand).unwrap_or(u16::MAX))
    }

    fn user(&mut self, books: &Books) -> UserId {
        let beyond = u64::from(self.chance.one_in(40));
        let user = self.chance.below(books.users.len() as u64) + beyond * 1_000;
        UserId(u32::try_from(user).unwrap_or(u32::MAX))
    }

    fn merchant(&mut self, books: &Books) -> MerchantId {
        let beyond = u64::from(self.chance.one_in(40));
        let merchant = self.chance.below(books.merchants.len() as u64) + beyond * 1_000;
        MerchantId(u32::try_from(merchant).unwrap_or(u32::MAX))
    }

    fn user_status(&mut self) -> UserStatus {
        match self.chance.below(12) {
            0 => UserStatus::Closed,
            1..4 => UserStatus::Frozen,
            _ => UserStatus::Active,
        }
    }

    fn change_merchant(&mut self, books: &Books) -> ChangeMerchant {
        let paused = self.chance.one_in(4);
        let status = if paused {
            MerchantStatus::Paused
        } else {
            MerchantStatus::Active
        };
        ChangeMerchant {
            merchant: self.merchant(books),
            fee: self.chance.one_in(2).then(|| self.fee()),
            status: (!self.chance.one_in(3)).then_some(status),
        }
    }

    fn transfer(&mut self, books: &Books) -> TransferId {
        let pending: Vec<u64> = books.pending.iter().copied().collect();
        let event = match self.chance.pick(&pending) {
            Some(event) if !self.chance.one_in(10) => *event,
            Some(_) | None => self.chance.below(books.next() + 3),
        };
        TransferId(Books::number(event))
    }

    fn create(&mut self, books: &Books, now: i64) -> CreateOrder {
        let merchant = self.merchant(books);
        let channel = self.chance.of([
            Channel::Scan,
            Channel::InWallet,
            Channel::App,
            Channel::Browser,
            Channel::PayCode,
        ]);
        let notify = self.chance.one_in(4).then(|| self.notify());
        let terms = Terms {
            amount: self.amount(20_000),
            channel,
            description: self.text(127),
            attach: self.chance.one_in(4).then(|| self.text(128)),
            notify,
            expires_at: self.expiry(now),
            only_payer: self.chance.one_in(5).then(|| self.user(books)),
            echo: self.chance.one_in(6).then(|| self.echo()),
        };
        CreateOrder {
            merchant,
            number: self.number("o"),
            terms: terms.into(),
        }
    }

    fn notify(&mut self) -> Notify {
        Notify {
            url: self.text(256),
            form: self
                .chance
                .of([NotifyForm::WechatPublicKey, NotifyForm::WechatCertificate]),
        }
    }

    fn echo(&mut self) -> String {
        let length = self.chance.of([0, 1, 20, 100, 700, 8_192, 8_193]);
        "e".repeat(length)
    }

    fn expiry(&mut self, now: i64) -> Option<UnixMillis> {
        const DAY: i64 = 86_400_000;
        let life = match self.chance.below(20) {
            0 => 0,
            1 => -5_000,
            2 => 7 * DAY,
            3 => 7 * DAY + 60_000,
            4..8 => self.chance.between(1, 7 * DAY),
            8..14 => self.chance.between(1, 120_000),
            _ => return None,
        };
        Some(UnixMillis(now.saturating_add(life)))
    }

    /// An order, mostly a fresh one.
    fn order(&mut self, books: &Books) -> u64 {
        let count = books.orders.len();
        let back = match self.chance.below(10) {
            0 => return self.chance.below(books.next() + 3),
            1..4 => self.chance.index(count),
            _ => self.chance.index(count.min(8)),
        };
        let found = books.orders.keys().rev().nth(back);
        found.copied().unwrap_or(0)
    }

    fn order_of_somebody(&mut self, books: &Books) -> (MerchantId, OrderRef) {
        let id = self.order(books);
        let owner = books.orders.get(&id).map(|order| order.merchant);
        let merchant = match owner {
            Some(owner) if !self.chance.one_in(15) => owner,
            Some(_) | None => self.merchant(books),
        };
        (merchant, self.order_ref(books, id))
    }

    fn order_ref(&mut self, books: &Books, id: u64) -> OrderRef {
        let by_number = self.chance.one_in(2);
        let number = books.number_of(id).filter(|_| by_number);
        match number {
            Some(number) => OrderRef::Number(number),
            None if by_number && self.chance.one_in(4) => OrderRef::Number(self.number("o")),
            None => OrderRef::Id(OrderId(Books::number(id))),
        }
    }

    fn pay(&mut self, books: &Books, now: i64) -> PayOrder {
        let waiting: Vec<u64> = books.open.iter().map(|(_, order)| *order).collect();
        let id = match self.chance.pick(&waiting) {
            Some(id) if !self.chance.one_in(6) => *id,
            Some(_) | None => self.order(books),
        };
        let only = books.orders.get(&id).and_then(|order| {
            let shown = order.shown.map(|(payer, _, _)| payer);
            shown.or(order.only_payer)
        });
        let payer = match only {
            Some(only) if !self.chance.one_in(6) => only,
            Some(_) | None => self.payer(books, id),
        };
        PayOrder {
            order: OrderId(Books::number(id)),
            payer,
            attempt: Attempt(self.chance.below(3)),
            at_most: self.at_most(books, now, id, payer),
        }
    }

    /// What the payer was quoted, perhaps long ago, or would like.
    fn at_most(&mut self, books: &Books, now: i64, order: u64, payer: UserId) -> Option<Fen> {
        if self.chance.one_in(2) {
            return None;
        }
        let order = books.orders.get(&order)?;
        books.user(payer)?;
        Some(Fen(match self.chance.below(4) {
            0 => order.amount,
            1 => books.choose(now, order, payer).payable - 1,
            _ => books.choose(now, order, payer).payable,
        }))
    }

    /// Mostly somebody who has enough.
    fn payer(&mut self, books: &Books, order: u64) -> UserId {
        let amount = books.orders.get(&order).map_or(0, |order| order.amount);
        let can = (0..).map(UserId).take(books.users.len());
        let can = can.filter(|user| books.balance(Account::Wallet(*user)) >= amount);
        let can: Vec<UserId> = can.collect();
        match self.chance.pick(&can) {
            Some(user) if !self.chance.one_in(8) => *user,
            Some(_) | None => self.user(books),
        }
    }

    fn refund(&mut self, books: &Books) -> RefundOrder {
        let refundable = books.orders.iter().rev().filter(|(_, order)| {
            order.stage == Stage::Paid
                && order
                    .paid
                    .as_ref()
                    .is_some_and(|paid| paid.refunded < order.amount)
        });
        let refundable: Vec<u64> = refundable.map(|(id, _)| *id).take(40).collect();
        let id = match self.chance.pick(&refundable) {
            Some(id) if !self.chance.one_in(6) => *id,
            Some(_) | None => self.order(books),
        };
        let order = books.orders.get(&id);
        let owner = order.map_or(MerchantId(0), |order| order.merchant);
        let order_amount = order.map_or(1, |order| order.amount);
        let left = order.map_or(1, |order| {
            order.amount - order.paid.as_ref().map_or(0, |paid| paid.refunded)
        });
        let amount = match self.chance.below(12) {
            0..3 => Fen(left),
            3..9 => Fen(self.chance.between(1, left)),
            9 => Fen(left + 1),
            10 => Fen(1),
            _ => self.amount(left.max(1)),
        };
        let stranger = self.chance.one_in(25);
        let order_amount = order_amount + i64::from(self.chance.one_in(30));
        let asked = RefundOrder {
            merchant: if stranger {
                self.merchant(books)
            } else {
                owner
            },
            number: self.number("r"),
            order: self.order_ref(books, id),
            amount,
            order_amount: Fen(order_amount),
            reason: self.chance.one_in(3).then(|| self.text(80).into()),
            notify: self.chance.one_in(5).then(|| self.notify().into()),
        };
        // Somebody gives it back fen by fen.
        if left > 60 && self.chance.one_in(60) {
            for _ in 0..52 {
                let fen = RefundOrder {
                    number: self.number("r"),
                    amount: Fen(1),
                    ..asked.clone()
                };
                self.network.push(fen.into());
            }
        }
        asked
    }
}

fn number(kind: &str, n: u64) -> Number {
    match Number::new(&format!("{kind}{n}")) {
        Ok(number) => number,
        Err(error) => unreachable!("letters and digits: {error}"),
    }
}
