//! What campaigns put into the log and the snapshot, byte for byte: a history of commands that gives every kind
//! of their events. `golden/campaigns.cbor` is never changed: data outlives code.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeSet;
use std::path::Path;

use feiqian_core::archive::Nothing;
use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::{add::AddBrand, fund::FundBrand, open::Open};
use feiqian_core::campaign::rule::{Clause, Compare, Rule, Step as Op, Variable};
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, Tier as Spend, WhenSpent,
};
use feiqian_core::campaign::{
    add::AddCampaign, budget::ChangeBudget, coupons::ChangeCoupons, end::EndCampaign,
    give::GiveCoupon, payout::PayRebate, return_coupon::ReturnCoupon,
    return_subsidy::ReturnSubsidy, subsidise::PaySubsidy, sweep::Sweep, use_coupon::UseCoupon,
    void_coupon::VoidCoupon,
};
use feiqian_core::limits::DAY_MS;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::create::{Channel, CreateOrder, Terms as OrderTerms};
use feiqian_core::order::{
    Attempt, OrderRef, pay::PayOrder, refund::RefundOrder, reverse::ReverseOrder,
};
use feiqian_core::user::{Tier, add::AddUser, set_traits::SetTraits};
use feiqian_core::{
    BasisPoints, BrandId, CampaignId, Command, CouponId, Decision, Event, EventNumber, Fen,
    MerchantId, Mode, Number, OrderId, RefundId, State, TransferId, UnixMillis, UserId, decide,
    evolve, snapshot,
};

const START: UnixMillis = UnixMillis(1_510_329_600_000);

#[derive(Default)]
struct World {
    state: State,
    now: UnixMillis,
    events: Vec<Event>,
    names: u32,
}

impl World {
    fn ask(&mut self, command: impl Into<Command>) -> EventNumber {
        let (command, number) = (command.into(), self.state.next_event());
        command.fetch(&mut self.state, &Nothing).unwrap();
        let decision = decide(&self.state, self.now, &command);
        let Decision::Accept(event) = decision else {
            panic!("{command:?} gave {decision:?}")
        };
        let mut known = event.clone();
        // The bytes are of a time when tiers had no limits: who is `Verified` in them is `Full` here.
        if let Event::UserAdded(added) = &mut known {
            added.tier = Tier::Full;
        }
        evolve(&mut self.state, &known);
        self.events.push(event);
        number
    }

    fn number(&mut self) -> Number {
        self.names += 1;
        number(&format!("n{}", self.names))
    }

    fn run(&mut self, budget: i64, terms: Terms) -> CampaignId {
        let campaign = CampaignId(u32::try_from(self.state.campaigns().len()).unwrap());
        let (number, by) = (self.number(), number("wang"));
        self.ask(AddCampaign {
            number,
            by,
            budget: Fen(budget),
            terms: terms.into(),
        });
        for to in [Step::Approve, Step::Start] {
            self.step(campaign, to);
        }
        campaign
    }

    fn step(&mut self, campaign: CampaignId, step: Step) {
        let by = number("zhao");
        self.ask(StepCampaign { campaign, step, by });
    }

    fn buy(&mut self, fen: i64, user: u32) -> OrderId {
        self.buy_at(MerchantId(0), fen, user)
    }

    fn buy_at(&mut self, merchant: MerchantId, fen: i64, user: u32) -> OrderId {
        let number = self.number();
        let terms = OrderTerms {
            amount: Fen(fen),
            channel: Channel::Scan,
            description: "面".into(),
            attach: None,
            notify: None,
            expires_at: None,
            only_payer: None,
            echo: None,
        };
        let create = CreateOrder {
            merchant,
            number,
            terms: terms.into(),
        };
        let order = OrderId(self.ask(create));
        self.ask(PayOrder {
            order,
            payer: UserId(user),
            attempt: Attempt(7),
            at_most: Some(Fen(fen)),
        });
        order
    }

    fn give(&mut self, campaign: CampaignId, user: u32) -> CouponId {
        let number = self.number();
        CouponId(self.ask(GiveCoupon {
            campaign,
            number,
            user: UserId(user),
            claimed: false,
        }))
    }
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

fn offer(kind: Kind, benefit: Benefit) -> Terms {
    Terms {
        name: "午餐".into(),
        kind,
        benefit,
        funding: Funding::Platform,
        from: START,
        until: START.plus(60 * DAY_MS),
        minimum: Fen(100),
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
        seed: 9,
        echo: None,
    }
}

fn coupon(days: Option<u16>, after: Option<i64>) -> Kind {
    Kind::Coupon(CouponTerms {
        days,
        most: 10,
        per_user: 5,
        claimed: true,
        after: after.map(Fen),
    })
}

/// Every kind of campaign and each of their fields, with and without a value.
fn history() -> World {
    let mut w = World {
        now: START,
        ..World::default()
    };
    w.ask(Open {
        mode: Mode::Sandbox,
    });
    for name in ["Red", "Blue"] {
        let (number, name) = (number(name), name.into());
        w.ask(AddBrand { number, name });
    }
    w.ask(FundBrand {
        brand: BrandId(1),
        number: number("capital"),
        amount: Fen(1_000_000),
    });
    for name in ["Noodles", "Tea"] {
        w.ask(AddMerchant {
            number: number(name),
            name: name.into(),
            category: Category(5812),
            fee: BasisPoints(60),
        });
    }
    for user in 0..3 {
        let number = w.number();
        let (brand, tier) = (BrandId(u16::try_from(user % 2).unwrap()), Tier::Verified);
        w.ask(AddUser {
            number,
            brand,
            tier,
        });
        let (user, amount) = (UserId(user), Fen(1_000_000));
        let number = number_of(user);
        let asked = w.ask(TopUp {
            user,
            number,
            amount,
        });
        let (transfer, answer) = (TransferId(asked), Answer::Done);
        w.ask(AnswerTransfer { transfer, answer });
    }
    for (user, person) in [(0, Some([1; 16])), (1, None), (2, Some([1; 16]))] {
        w.ask(SetTraits {
            user: UserId(user),
            city: 310_100,
            segment: 4,
            person,
        });
    }
    // So that the shops have something to pay in advance with.
    w.buy(900_000, 0);
    w.buy_at(MerchantId(1), 9_000, 0);
    let discount = w.run(
        50_000,
        Terms {
            funding: Funding::Shared {
                merchant: MerchantId(0),
                platform: BasisPoints(4_000),
            },
            per_day: Some(Fen(40_000)),
            per_payment: Some(Fen(900)),
            per_user: PerUser {
                times: Some(9),
                times_a_day: Some(8),
                amount: Some(Fen(9_000)),
                by_person: true,
            },
            users: Some(7),
            brand: Some(BrandId(1)),
            merchants: vec![MerchantId(0), MerchantId(1)],
            rule: Some(rule()),
            group: Some(3),
            holdout: BasisPoints(1),
            when_spent: WhenSpent::Tell,
            echo: Some("{}".into()),
            ..offer(
                Kind::Discount,
                Benefit::Percent {
                    rate: BasisPoints(1_000),
                    cap: Fen(1_000),
                },
            )
        },
    );
    let (least, most, mean) = (Fen(1), Fen(88), Fen(18));
    w.run(
        900,
        offer(Kind::Discount, Benefit::Random { least, most, mean }),
    );
    let tiers = [(100, 5), (1_000, 60)].map(|(spend, get)| Spend {
        spend: Fen(spend),
        get: Fen(get),
    });
    w.run(900, offer(Kind::Discount, Benefit::Tiers(tiers.into())));
    let fixed = |fen| Benefit::Fixed(Fen(fen));
    let coupons = w.run(900, offer(coupon(Some(3), Some(2_000)), fixed(100)));
    let rebate = w.run(900, offer(Kind::Rebate { wait_days: 2 }, fixed(30)));
    w.run(
        900,
        Terms {
            holdout: BasisPoints(5_000),
            ..offer(Kind::Discount, fixed(2))
        },
    );
    let outside = w.run(
        0,
        Terms {
            funding: Funding::Outside(MerchantId(1)),
            ..offer(coupon(None, None), fixed(700))
        },
    );
    w.step(discount, Step::Pause);
    w.step(discount, Step::Resume);
    let (number_1, number_2, by) = (w.number(), w.number(), number("wang"));
    w.ask(ChangeBudget {
        campaign: discount,
        number: number_1,
        by,
        from: Fen(50_000),
        to: Fen(45_000),
    });
    w.ask(ChangeCoupons {
        campaign: outside,
        number: number_2,
        by,
        from: 10,
        to: 12,
    });
    w.give(coupons, 1);
    let bought = w.buy(9_999, 1);
    let undone = w.buy(3_000, 0);
    for (n, fen) in [(0, 3_333), (1, 6_666)] {
        w.ask(RefundOrder {
            merchant: MerchantId(0),
            number: number(&format!("r{n}")),
            order: OrderRef::Id(bought),
            amount: Fen(fen),
            order_amount: Fen(9_999),
            reason: None,
            notify: None,
        });
    }
    let (merchant, order) = (MerchantId(0), OrderRef::Id(undone));
    w.ask(ReverseOrder { merchant, order });
    let merchant = MerchantId(1);
    let (used, void) = (w.give(outside, 1), w.give(outside, 2));
    let paid_for = w.buy(2_000, 1);
    let user = Some(UserId(1));
    let number = number_of(UserId(99));
    w.ask(UseCoupon {
        merchant,
        number,
        coupon: used,
        user,
    });
    w.ask(PaySubsidy {
        payer: merchant,
        number,
        payee: MerchantId(0),
        coupon: used,
        order: paid_for,
        amount: Fen(600),
        description: "补差".into(),
    });
    w.ask(ReturnSubsidy {
        merchant: MerchantId(0),
        number,
        coupon: used,
        amount: Fen(600),
        description: "退回".into(),
        refund: None::<RefundId>,
    });
    let coupon = used;
    w.ask(ReturnCoupon {
        merchant,
        number,
        coupon,
    });
    let (coupon, reason) = (void, Some("误发".into()));
    w.ask(VoidCoupon {
        merchant,
        number: self::number("void"),
        coupon,
        reason,
    });
    w.now = START.plus(4 * DAY_MS);
    w.ask(PayRebate { order: bought });
    w.ask(Sweep);
    w.now = START.plus(60 * DAY_MS);
    w.ask(EndCampaign { campaign: rebate });
    w.step(coupons, Step::End);
    w
}

fn number_of(user: UserId) -> Number {
    number(&format!("of-{user}"))
}

fn rule() -> Rule {
    let steps = [
        Op::Load(Variable::Spend30Days),
        Op::Number(100),
        Op::Divide,
        Op::Number(0),
        Op::Compare(Compare::AtLeast),
        Op::Load(Variable::FirstPayment),
        Op::Not,
        Op::Or,
    ];
    Rule {
        text: "tier >= VERIFIED && category in [5812, 5814] && (…)".into(),
        clauses: vec![
            Clause::Test(Variable::Tier, Compare::AtLeast, 1),
            Clause::OneOf(Variable::Category, vec![5812, 5814]),
            Clause::Steps(steps.into()),
        ],
    }
}

#[test]
fn campaigns_keep_their_bytes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/campaigns.cbor");
    let world = history();
    let mut bytes = Vec::new();
    world
        .events
        .iter()
        .for_each(|event| event.write(&mut bytes));
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    let mut decoder = minicbor::Decoder::new(&golden);
    let (mut audit, mut kinds) = (Audit::new(), BTreeSet::new());
    for event in &world.events {
        kinds.insert(golden[decoder.position() + 1] & 0x1f);
        let read: Event = decoder.decode().unwrap();
        assert_eq!(&read, event);
        audit.read(&read).unwrap();
    }
    assert_eq!(decoder.position(), golden.len());
    assert_eq!(bytes, golden, "events are written as they were");
    audit.finish().unwrap();
    assert!(kinds.len() >= 20, "{kinds:?}");
}

#[test]
fn a_snapshot_holds_all_of_campaigns() {
    let world = history();
    let mut bytes = Vec::new();
    world.state.freeze().write(&mut bytes).unwrap();
    let read = snapshot::read(&bytes).unwrap();
    let mut again = Vec::new();
    read.freeze().write(&mut again).unwrap();
    assert_eq!(again, bytes);
    for (account, balance) in world.state.balances() {
        assert_eq!(read.balance(account), Some(balance), "{account}");
    }
    assert!(read.campaigns().eq(world.state.campaigns()));
}
