//! *Given – when – then* for the tests of command files: a new case costs a line.
//!
//! The world has brands 0 and 1, merchants 0 (fee 0.60 %) and 1 (no fee), and users 0 … 3 with 1,000
//! yuan each; users 0 and 1 are of brand 0. After every step the audit's own books must agree.

use crate::audit::Audit;
use crate::bank::answer::{Answer, AnswerTransfer};
use crate::bank::top_up::TopUp;
use crate::brand::add::AddBrand;
use crate::brand::open::Open;
use crate::command::{Command, Decision, Refusal, decide};
use crate::event::{Event, evolve};
use crate::ids::{BrandId, EventNumber, MerchantId, Number, OrderId, TransferId, UserId};
use crate::ledger::Account;
use crate::merchant::{Category, add::AddMerchant};
use crate::money::{BasisPoints, Fen};
use crate::order::create::{Channel, CreateOrder, Terms};
use crate::order::pay::PayOrder;
use crate::order::refund::RefundOrder;
use crate::order::{Attempt, OrderRef};
use crate::state::{Mode, State};
use crate::time::UnixMillis;
use crate::user::{Tier, add::AddUser};

pub const SHOP: MerchantId = MerchantId(0);
pub const FREE_SHOP: MerchantId = MerchantId(1);
pub const MEI: UserId = UserId(0);
pub const LEI: UserId = UserId(2);

pub struct World {
    pub state: State,
    pub audit: Audit,
    pub now: UnixMillis,
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
        last: None,
    };
    world.accept(
        Open {
            mode: Mode::Sandbox,
        }
        .into(),
    );
    for name in ["Red", "Blue"] {
        world.accept(
            AddBrand {
                number: number(name),
                name: name.into(),
            }
            .into(),
        );
    }
    for (name, fee) in [("Noodles", 60), ("Charity", 0)] {
        let fee = BasisPoints(fee);
        let (number, name, category) = (number(name), name.into(), Category(5812));
        world.accept(
            AddMerchant {
                number,
                name,
                category,
                fee,
            }
            .into(),
        );
    }
    for (user, brand) in [0, 0, 1, 1].into_iter().enumerate() {
        let number = number(&format!("user{user}"));
        world.accept(
            AddUser {
                number,
                brand: BrandId(brand),
                tier: Tier::Basic,
            }
            .into(),
        );
    }
    for user in 0..4 {
        let transfer = TransferId(world.state.next);
        world.accept(top_up(UserId(user), "first", 100_000));
        world.accept(
            AnswerTransfer {
                transfer,
                answer: Answer::Done,
            }
            .into(),
        );
    }
    for command in commands {
        world.accept(command);
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
            for (account, balance) in self.state.balances() {
                assert_eq!(self.audit.balance(account), balance, "{account}");
            }
        }
        decision
    }

    pub fn accept(&mut self, command: Command) -> EventNumber {
        let number = self.state.next;
        let decision = self.decide(&command);
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

    pub fn refuses(self, refusal: Refusal) -> Self {
        assert_eq!(self.last, Some(Decision::Refuse(refusal)));
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
}

/// The id that the first order created in the test gets.
pub const ORDER: OrderId = OrderId(EventNumber(17));

pub fn top_up(user: UserId, text: &str, fen: i64) -> Command {
    TopUp {
        user,
        number: number(text),
        amount: Fen(fen),
    }
    .into()
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
    CreateOrder {
        merchant: SHOP,
        number: number(text),
        terms: terms(fen),
    }
    .into()
}

pub fn pay(order: OrderId, payer: UserId) -> Command {
    PayOrder {
        order,
        payer,
        attempt: Attempt::of(&number("try")),
    }
    .into()
}

pub fn refund(text: &str, order: OrderId, fen: i64, order_fen: i64) -> Command {
    RefundOrder {
        merchant: SHOP,
        number: number(text),
        order: OrderRef::Id(order),
        amount: Fen(fen),
        order_amount: Fen(order_fen),
        reason: None,
        notify: None,
    }
    .into()
}
