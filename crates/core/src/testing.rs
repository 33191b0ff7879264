//! *Given – when – then* for the tests of command files: a new case costs a line.
//!
//! The world has brands 0 and 1, merchants 0 (fee 0.60 %) and 1 (no fee), and users 0 … 3 with 1,000
//! yuan each; users 0 and 1 are of brand 0. After every step the audit's own books must agree.

use crate::audit::Audit;
use crate::bank::answer::{Answer, AnswerTransfer};
use crate::bank::top_up::TopUp;
use crate::bank::withdraw::Withdraw;
use crate::brand::add::AddBrand;
use crate::brand::open::Open;
use crate::campaign::add::AddCampaign;
use crate::campaign::give::GiveCoupon;
use crate::campaign::step::{Step, StepCampaign};
use crate::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms as Offer, WhenSpent,
};
use crate::command::{Command, Decision, Refusal, decide};
use crate::event::{Event, evolve};
use crate::ids::{
    BrandId, CampaignId, EventNumber, MerchantId, Number, OrderId, PacketId, RemittanceId,
    RequestId, TransferId, UserId,
};
use crate::ledger::Account;
use crate::limits::DAY_MS;
use crate::merchant::{Category, MerchantStatus, add::AddMerchant, change::ChangeMerchant};
use crate::money::{BasisPoints, Fen};
use crate::order::close::CloseOrder;
use crate::order::create::{Channel, CreateOrder, Notify, NotifyForm, Terms};
use crate::order::decline::DeclineOrder;
use crate::order::expire::ExpireOrder;
use crate::order::pay::{OrderPaid, PayOrder};
use crate::order::refund::RefundOrder;
use crate::order::reverse::ReverseOrder;
use crate::order::spend_code::{PayCode, SpendCode};
use crate::order::{Attempt, OrderRef};
use crate::packet::draw::Seed;
use crate::packet::{Kind as PacketKind, expire::ExpirePacket, grab::GrabShare, send::SendPacket};
use crate::remittance::accept::AcceptRemittance;
use crate::remittance::arrive::ArriveRemittance;
use crate::remittance::give_back::ReturnRemittance;
use crate::remittance::send::SendMoney;
use crate::remittance::take_back::TakeBackRemittance;
use crate::remittance::{Claim, To};
use crate::request::ask::RequestMoney;
use crate::request::cancel::CancelRequest;
use crate::request::decline::DeclineShare;
use crate::request::expire::ExpireRequest;
use crate::state::{Mode, State};
use crate::time::UnixMillis;
use crate::user::{Tier, UserStatus, add::AddUser, set_status::SetUserStatus};

pub const SHOP: MerchantId = MerchantId(0);
pub const FREE_SHOP: MerchantId = MerchantId(1);
pub const MEI: UserId = UserId(0);
pub const LEI: UserId = UserId(2);

pub struct World {
    pub state: State,
    pub audit: Audit,
    pub now: UnixMillis,
    /// All events, by number.
    pub events: Vec<Event>,
    last: Option<Decision<Event, Refusal>>,
}

pub fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

/// The world, after these commands, each of which must be accepted.
pub fn given(commands: impl IntoIterator<Item = Command>) -> World {
    let mut world = World {
        state: State::default(),
        audit: Audit::new(),
        now: UnixMillis(1_510_329_600_000),
        events: Vec::new(),
        last: None,
    };
    let mode = Mode::Sandbox;
    world.accept(&Open { mode }.into());
    for name in ["Red", "Blue"] {
        world.accept(&add_brand(name, name));
    }
    for (name, fee) in [("Noodles", 60), ("Charity", 0)] {
        world.accept(&add_merchant(name, name, 5812, fee));
    }
    for (text, brand) in [("mei", 0), ("mei2", 0), ("lei", 1), ("lei2", 1)] {
        world.accept(&add_user(text, brand, Tier::Full));
    }
    for user in 0..4 {
        let asked = world.accept(&top_up(UserId(user), "first", 100_000));
        world.accept(&answer(TransferId(asked), Answer::Done));
    }
    for command in commands {
        world.accept(&command);
    }
    world
}

impl World {
    pub fn decide(&mut self, command: &Command) -> Decision<Event, Refusal> {
        command
            .fetch(&mut self.state, &crate::archive::Nothing)
            .unwrap();
        let decision = decide(&self.state, self.now, command);
        if let Decision::Accept(event) = &decision {
            self.audit.read(event).unwrap();
            evolve(&mut self.state, event);
            self.events.push(event.clone());
            for (account, balance) in self.state.balances() {
                assert_eq!(self.audit.balance(account), balance, "{account}");
            }
        }
        decision
    }

    pub fn accept(&mut self, command: &Command) -> EventNumber {
        let number = self.state.next;
        let decision = self.decide(command);
        assert!(
            matches!(decision, Decision::Accept(_)),
            "{command:?} gave {decision:?}"
        );
        number
    }

    pub fn after_ms(mut self, ms: i64) -> Self {
        self.now = self.now.plus(ms);
        self
    }

    pub fn when(mut self, command: impl Into<Command>) -> Self {
        self.last = Some(self.decide(&command.into()));
        self
    }

    pub fn accepts(self) -> Self {
        let last = self.last.as_ref().expect("a command came before");
        assert!(matches!(last, Decision::Accept(_)), "got {last:?}");
        self
    }

    pub fn refuses(self, refusal: impl Into<Refusal>) -> Self {
        assert_eq!(self.last, Some(Decision::Refuse(refusal.into())));
        self
    }

    /// Each of these commands, refused so.
    pub fn refuses_each<R: Into<Refusal>>(
        mut self,
        cases: impl IntoIterator<Item = (Command, R)>,
    ) -> Self {
        for (command, refusal) in cases {
            let refusal = Decision::Refuse(refusal.into());
            assert_eq!(self.decide(&command), refusal, "{command:?}");
        }
        self
    }

    pub fn answers_again(self, event: EventNumber) -> Self {
        assert_eq!(self.last, Some(Decision::Again(event)));
        self
    }

    pub fn has(self, account: Account, fen: i64) -> Self {
        assert_eq!(self.state.balance(account), Some(Fen(fen)), "{account}");
        self
    }

    /// Sets a balance by hand, for refusals that no history of commands leads to yet.
    pub fn doctored(mut self, account: Account, fen: i64) -> Self {
        *self.state.balance_mut(account).unwrap() = Fen(fen);
        self
    }
}

macro_rules! refusals_of {
    ($($name:ident: $($module:ident)::+,)*) => {$(
        impl From<crate::$($module)::+::Refusal> for Refusal {
            fn from(refusal: crate::$($module)::+::Refusal) -> Self {
                Self::$name(refusal)
            }
        }
    )*};
}

refusals_of! {
    Open: brand::open, AddBrand: brand::add,
    AddUser: user::add, SetUserStatus: user::set_status,
    AddMerchant: merchant::add, ChangeMerchant: merchant::change,
    TopUp: bank::top_up, Withdraw: bank::withdraw, AnswerTransfer: bank::answer,
    CreateOrder: order::create, PayOrder: order::pay, CloseOrder: order::close,
    ExpireOrder: order::expire, ReverseOrder: order::reverse, RefundOrder: order::refund,
    SpendCode: order::spend_code, DeclineOrder: order::decline,
    FundBrand: brand::fund, SetWithdrawalTerms: brand::set_withdrawal_terms, SetTraits: user::set_traits, AddCampaign: campaign::add,
    StepCampaign: campaign::step, ChangeBudget: campaign::budget, EndCampaign: campaign::end,
    GiveCoupon: campaign::give, UseCoupon: campaign::use_coupon,
    ReturnCoupon: campaign::return_coupon, VoidCoupon: campaign::void_coupon,
    PaySubsidy: campaign::subsidise, ReturnSubsidy: campaign::return_subsidy,
    ChangeCoupons: campaign::coupons, PayRebate: campaign::payout, Sweep: campaign::sweep,
    SendPacket: packet::send, GrabShare: packet::grab, ExpirePacket: packet::expire,
    SetTier: user::set_tier, SendMoney: remittance::send, ArriveRemittance: remittance::arrive,
    TakeBackRemittance: remittance::take_back, AcceptRemittance: remittance::accept,
    ReturnRemittance: remittance::give_back, RequestMoney: request::ask,
    DeclineShare: request::decline, CancelRequest: request::cancel,
    ExpireRequest: request::expire,
}

/// The number of the `n`th event after the world's own, from 0.
pub const fn nth(n: u64) -> EventNumber {
    EventNumber(n.saturating_add(17))
}

/// Another user of Mei's brand.
pub const MEI2: UserId = UserId(1);
/// The first remittance of the test.
pub const REMITTANCE: RemittanceId = RemittanceId(nth(0));
/// The first request of the test.
pub const REQUEST: RequestId = RequestId(nth(0));
/// Whoever registers later.
pub const CLAIM: Claim = Claim(7);
/// The first order created in the test.
pub const ORDER: OrderId = OrderId(nth(0));
/// An order that never was.
pub const NO_ORDER: OrderId = OrderId(EventNumber(1));
/// The first top-up or withdrawal asked for in the test.
pub const TRANSFER: TransferId = TransferId(nth(0));
/// The first red packet sent in the test.
pub const PACKET: PacketId = PacketId::new(nth(0)).expect("few events");
/// A red packet that never was.
pub const NO_PACKET: PacketId = PacketId::new(EventNumber(1)).expect("few events");
/// A user that never was.
pub const NOBODY: UserId = UserId(99);
/// A merchant that never was.
pub const NO_SHOP: MerchantId = MerchantId(99);

pub fn add_brand(text: &str, name: &str) -> Command {
    let (number, name) = (number(text), name.into());
    AddBrand { number, name }.into()
}

pub fn add_user(text: &str, brand: u16, tier: Tier) -> Command {
    let (number, brand) = (number(text), BrandId(brand));
    AddUser {
        number,
        brand,
        tier,
    }
    .into()
}

pub fn set_status(user: UserId, status: UserStatus) -> Command {
    SetUserStatus { user, status }.into()
}

pub fn add_merchant(text: &str, name: &str, category: u16, fee: u16) -> Command {
    AddMerchant {
        number: number(text),
        name: name.into(),
        category: Category(category),
        fee: BasisPoints(fee),
    }
    .into()
}

pub fn change_fee(merchant: MerchantId, fee: u16) -> Command {
    let fee = Some(BasisPoints(fee));
    ChangeMerchant {
        merchant,
        fee,
        status: None,
    }
    .into()
}

pub fn pause(merchant: MerchantId) -> Command {
    let status = Some(MerchantStatus::Paused);
    ChangeMerchant {
        merchant,
        fee: None,
        status,
    }
    .into()
}

pub fn top_up(user: UserId, text: &str, fen: i64) -> Command {
    let (number, amount) = (number(text), Fen(fen));
    TopUp {
        user,
        number,
        amount,
    }
    .into()
}

pub fn withdraw(user: UserId, text: &str, fen: i64) -> Command {
    let (number, amount) = (number(text), Fen(fen));
    Withdraw {
        user,
        number,
        amount,
        fee_at_most: None,
    }
    .into()
}

pub fn answer(transfer: TransferId, answer: Answer) -> Command {
    AnswerTransfer { transfer, answer }.into()
}

pub fn terms(fen: i64) -> Terms {
    Terms {
        amount: Fen(fen),
        channel: Channel::Scan,
        description: "noodles".into(),
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
    }
}

pub fn create(text: &str, fen: i64) -> Command {
    create_with(SHOP, text, terms(fen))
}

pub fn create_with(merchant: MerchantId, text: &str, terms: Terms) -> Command {
    let number = number(text);
    CreateOrder {
        merchant,
        number,
        terms: terms.into(),
    }
    .into()
}

pub fn pay(order: OrderId, payer: UserId) -> Command {
    pay_trying(order, payer, "try")
}

pub fn pay_trying(order: OrderId, payer: UserId, text: &str) -> Command {
    let attempt = Attempt::of(&number(text));
    PayOrder {
        order,
        payer,
        attempt,
        at_most: None,
    }
    .into()
}

/// By the shop's own number.
pub fn named(text: &str) -> OrderRef {
    OrderRef::Number(number(text))
}

pub fn close(merchant: MerchantId, order: OrderRef) -> Command {
    CloseOrder { merchant, order }.into()
}

pub fn expire(order: OrderId) -> Command {
    ExpireOrder { order }.into()
}

pub fn reverse(merchant: MerchantId, order: OrderRef) -> Command {
    ReverseOrder { merchant, order }.into()
}

/// Each user has one key. Its code of so many steps after the beginning of the test.
pub fn spend(order: OrderId, payer: UserId, step: i64, unasked: i64) -> Command {
    let start = PayCode::step_at(UnixMillis(1_510_329_600_000));
    SpendCode {
        merchant: SHOP,
        order,
        code: PayCode {
            alias: payer.0.saturating_add(123_456_789),
            step: start.saturating_add_signed(step),
        },
        payer,
        unasked: Fen(unasked),
    }
    .into()
}

pub fn decline_by(order: OrderId, payer: UserId) -> Command {
    DeclineOrder { order, payer }.into()
}

pub fn refund(text: &str, order: OrderId, fen: i64, order_fen: i64) -> Command {
    refund_of(text, OrderRef::Id(order), fen, order_fen).into()
}

pub fn refund_of(text: &str, order: OrderRef, fen: i64, order_fen: i64) -> RefundOrder {
    RefundOrder {
        merchant: SHOP,
        number: number(text),
        order,
        amount: Fen(fen),
        order_amount: Fen(order_fen),
        reason: None,
        notify: None,
    }
}

pub fn packet_of(
    sender: UserId,
    text: &str,
    kind: PacketKind,
    fen: i64,
    shares: u16,
) -> SendPacket {
    SendPacket {
        sender,
        number: number(text),
        kind,
        to: None,
        total: Fen(fen),
        shares,
        message: None,
        seed: Seed([7; 16]),
    }
}

pub fn send_packet(sender: UserId, text: &str, kind: PacketKind, fen: i64, shares: u16) -> Command {
    packet_of(sender, text, kind, fen, shares).into()
}

pub fn send_to(sender: UserId, text: &str, fen: i64, to: UserId) -> Command {
    SendPacket {
        to: Some(to),
        ..packet_of(sender, text, PacketKind::Lucky, fen, 1)
    }
    .into()
}

/// From Mei.
pub fn send(text: &str, to: To, fen: i64) -> SendMoney {
    SendMoney {
        payer: MEI,
        number: number(text),
        to,
        amount: Fen(fen),
        message: None,
        request: None,
    }
}

pub fn arrive(remittance: RemittanceId) -> Command {
    ArriveRemittance { remittance }.into()
}

pub fn take_back(payer: UserId, remittance: RemittanceId) -> Command {
    TakeBackRemittance { payer, remittance }.into()
}

pub fn accept(remittance: RemittanceId, claim: Claim, payee: UserId) -> Command {
    AcceptRemittance {
        remittance,
        claim,
        payee,
    }
    .into()
}

pub fn grab(packet: PacketId, user: UserId) -> Command {
    GrabShare { packet, user }.into()
}

pub fn expire_packet(packet: PacketId) -> Command {
    ExpirePacket { packet }.into()
}

pub fn give_back(remittance: RemittanceId) -> Command {
    ReturnRemittance { remittance }.into()
}

/// By Lei.
pub fn ask(text: &str, shares: &[(UserId, i64)]) -> RequestMoney {
    RequestMoney {
        asker: LEI,
        number: number(text),
        shares: shares
            .iter()
            .map(|(user, fen)| (*user, Fen(*fen)))
            .collect(),
        note: "火锅".into(),
    }
}

/// A share of Lei's first request.
pub fn pay_share(payer: UserId, fen: i64) -> SendMoney {
    SendMoney {
        payer,
        request: Some(REQUEST),
        ..send("share", To::Now(LEI), fen)
    }
}

pub fn decline(request: RequestId, payer: UserId) -> Command {
    DeclineShare { request, payer }.into()
}

pub fn cancel(request: RequestId, asker: UserId) -> Command {
    CancelRequest { request, asker }.into()
}

pub fn expire_request(request: RequestId) -> Command {
    ExpireRequest { request }.into()
}

/// A campaign's terms: a discount of so many fen for everybody, for thirty days from the beginning of the test.
pub fn offer(fen: i64) -> Offer {
    Offer {
        name: "飞钱 lunch".into(),
        kind: Kind::Discount,
        benefit: Benefit::Fixed(Fen(fen)),
        funding: Funding::Platform,
        from: UnixMillis(1_510_329_600_000),
        until: UnixMillis(1_510_329_600_000).plus(30 * DAY_MS),
        minimum: Fen(0),
        per_day: None,
        per_payment: None,
        per_user: PerUser::default(),
        users: None,
        brand: None,
        merchants: Vec::new(),
        rule: None,
        group: None,
        holdout: BasisPoints(0),
        when_spent: WhenSpent::PayWithout,
        seed: 7,
        echo: None,
    }
}

/// Coupons of so many fen, as many as anybody wants.
pub fn coupons(fen: i64) -> Offer {
    Offer {
        kind: Kind::Coupon(CouponTerms {
            days: None,
            most: 100,
            per_user: 100,
            claimed: true,
            after: None,
        }),
        ..offer(fen)
    }
}

pub fn add_campaign(text: &str, budget: i64, terms: Offer) -> Command {
    AddCampaign {
        number: number(text),
        by: number("wang"),
        budget: Fen(budget),
        terms: terms.into(),
    }
    .into()
}

pub fn step(campaign: u32, step: Step) -> Command {
    StepCampaign {
        campaign: CampaignId(campaign),
        step,
        by: number("zhao"),
    }
    .into()
}

/// The commands that make a campaign run: its id, its budget, its terms.
pub fn running(id: u32, budget: i64, terms: Offer) -> [Command; 3] {
    [
        add_campaign(&format!("c{id}"), budget, terms),
        step(id, Step::Approve),
        step(id, Step::Start),
    ]
}

pub fn give(campaign: u32, text: &str, user: UserId) -> Command {
    GiveCoupon {
        campaign: CampaignId(campaign),
        number: number(text),
        user,
        claimed: true,
    }
    .into()
}

pub fn pay_at_most(order: OrderId, payer: UserId, fen: i64) -> Command {
    PayOrder {
        order,
        payer,
        attempt: Attempt::of(&number("try")),
        at_most: Some(Fen(fen)),
    }
    .into()
}

impl World {
    /// Creates an order of `SHOP` and pays it: the payment's event.
    pub fn buy(&mut self, fen: i64, payer: UserId) -> OrderPaid {
        let text = format!("buy{}", self.state.next);
        let order = OrderId(self.accept(&create(&text, fen)));
        self.accept(&pay(order, payer));
        match self.events.last() {
            Some(Event::OrderPaid(event)) => event.clone(),
            other => panic!("{other:?} is no payment"),
        }
    }

    /// Creates an order of `SHOP`, pays it, and says what each campaign granted and what the payer paid.
    pub fn grants(&mut self, fen: i64, payer: UserId) -> (Vec<(u32, i64)>, i64) {
        let paid = self.buy(fen, payer);
        let granted = paid.granted.as_deref().cloned().unwrap_or_default();
        let each = granted.grants.iter();
        let each = each
            .map(|grant| (grant.campaign.0, grant.amount.0))
            .collect();
        (each, paid.postings[0].amount.0)
    }
}

/// A notification address of so many characters.
pub fn notify(chars: usize) -> Option<Notify> {
    let (url, form) = ("店".repeat(chars), NotifyForm::WechatPublicKey);
    Some(Notify { url, form })
}
