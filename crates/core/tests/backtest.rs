//! A draft gives in a backtest what it would have given had it run.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it looks at"
)]

use std::sync::Arc;

use feiqian_core::archive::Nothing;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::{add::AddBrand, open::Open};
use feiqian_core::campaign::backtest::{Backtest, Did};
use feiqian_core::campaign::terms::{Benefit, Funding, Kind, PerUser, Terms, WhenSpent};
use feiqian_core::campaign::{add::AddCampaign, step::Step, step::StepCampaign};
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::create::{self, Channel, CreateOrder};
use feiqian_core::order::{Attempt, OrderRef, pay::PayOrder, refund::RefundOrder};
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    BasisPoints, BrandId, CampaignId, Command, Decision, Event, Fen, MerchantId, Mode, Number,
    OrderId, State, TransferId, UnixMillis, UserId, decide, evolve,
};
use proptest::prelude::*;

const START: UnixMillis = UnixMillis(1_510_329_600_000);
const END: UnixMillis = UnixMillis(START.0 + 100 * 86_400_000);
const BUDGET: Fen = Fen(20_000);

/// A payer, an amount, what goes back of an earlier order if anything, and how long until the next.
type Act = (u32, i64, Option<(usize, i64)>, i64);

struct World {
    now: UnixMillis,
    state: State,
    events: Vec<Event>,
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

impl World {
    fn ask(&mut self, command: impl Into<Command>) -> bool {
        let command = command.into();
        command.fetch(&mut self.state, &Nothing).unwrap();
        let Decision::Accept(event) = decide(&self.state, self.now, &command) else {
            return false;
        };
        evolve(&mut self.state, &event);
        self.events.push(event);
        true
    }

    fn pay(&mut self, payer: u32, fen: i64) -> OrderId {
        let id = OrderId(self.state.next_event());
        let terms = create::Terms {
            amount: Fen(fen),
            channel: Channel::Scan,
            description: "noodles".into(),
            attach: None,
            notify: None,
            expires_at: None,
            only_payer: None,
            echo: None,
        };
        let (merchant, number) = (MerchantId(0), number(&format!("o{id}")));
        let terms = terms.into();
        assert!(self.ask(CreateOrder {
            merchant,
            number,
            terms
        }));
        let (payer, attempt) = (UserId(payer), Attempt::of(&number));
        assert!(self.ask(PayOrder {
            order: id,
            payer,
            attempt,
            at_most: None
        }));
        id
    }

    /// The same acts, with the campaign running or without.
    #[allow(clippy::too_many_lines, reason = "a few lines for each act")]
    fn run(acts: &[Act], campaign: Option<&Terms>) -> Self {
        let (state, events) = (State::default(), Vec::new());
        let mut world = Self {
            now: START,
            state,
            events,
        };
        world.ask(Open {
            mode: Mode::Sandbox,
        });
        world.ask(AddBrand {
            number: number("b"),
            name: "Red".into(),
        });
        let (fee, category) = (BasisPoints(60), Category(5812));
        world.ask(AddMerchant {
            number: number("m"),
            name: "Noodles".into(),
            category,
            fee,
        });
        for n in 0..4 {
            let (number_, brand) = (number(&format!("u{n}")), BrandId(0));
            world.ask(AddUser {
                number: number_,
                brand,
                tier: Tier::Full,
            });
            let transfer = TransferId(world.state.next_event());
            let (user, amount) = (UserId(n), Fen(100_000_000));
            world.ask(TopUp {
                user,
                number: number("t"),
                amount,
            });
            assert!(world.ask(AnswerTransfer {
                transfer,
                answer: Answer::Done
            }));
        }
        world.pay(0, 1_000_000);
        if let Some(terms) = campaign {
            let (terms, budget) = (Arc::new(terms.clone()), BUDGET);
            let by = number("ann");
            assert!(world.ask(AddCampaign {
                number: number("c"),
                by,
                budget,
                terms
            }));
            for step in [Step::Approve, Step::Start] {
                let (campaign, by) = (CampaignId(0), number("bob"));
                assert!(world.ask(StepCampaign { campaign, step, by }));
            }
        }
        world.now = world.now.plus(1);
        let mut orders = Vec::new();
        for (payer, fen, back, wait) in acts {
            orders.push((world.pay(*payer, *fen), *fen));
            if let Some((place, part)) = back {
                let (order, fen) = orders[place % orders.len()];
                world.ask(RefundOrder {
                    merchant: MerchantId(0),
                    number: number(&format!("r{}", orders.len())),
                    order: OrderRef::Id(order),
                    amount: Fen(part % fen + 1),
                    order_amount: Fen(fen),
                    reason: None,
                    notify: None,
                });
            }
            world.now = world.now.plus(*wait);
        }
        world
    }
}

/// What the campaign that ran did.
fn did(event: &Event) -> Option<Did> {
    match event {
        Event::OrderPaid(paid) => {
            let granted = paid.granted.as_ref()?;
            let grant = granted.grants.first().map(|g| (g.amount, g.platform));
            let rebate = granted.rebate.map(|r| (r.amount, r.platform));
            let gave = grant
                .or(rebate)
                .map(|(amount, platform)| Did::Gave { amount, platform });
            gave.or((!granted.held_out.is_empty()).then_some(Did::HeldOut))
        }
        Event::OrderRefunded(refunded) => {
            let returned = refunded.returned.as_ref()?;
            let rebate = returned.rebate.iter().map(|back| &back.part);
            let part = returned.grants.iter().chain(rebate).next()?;
            let (amount, platform) = (part.amount(), part.platform);
            Some(Did::GotBack { amount, platform })
        }
        _ => None,
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let kind = prop_oneof![Just(Kind::Discount), Just(Kind::Rebate { wait_days: 0 })];
    let (least, most, mean) = (Fen(1), Fen(900), Fen(200));
    let (rate, cap) = (BasisPoints(1_111), Fen(700));
    let benefit = prop::sample::select(vec![
        Benefit::Fixed(Fen(333)),
        Benefit::Percent { rate, cap },
        Benefit::Random { least, most, mean },
    ]);
    let (merchant, platform) = (MerchantId(0), BasisPoints(3_333));
    let funding = prop::sample::select(vec![
        Funding::Platform,
        Funding::Shared { merchant, platform },
    ]);
    let limits = (
        prop::option::of(1_u32..20),
        prop::option::of(300_i64..3_000),
    );
    let holdout = prop_oneof![Just(0), Just(3_000_u16)];
    (kind, benefit, funding, limits, holdout, any::<u64>()).prop_map(
        |(kind, benefit, funding, (times, per_day), holdout, seed)| Terms {
            name: "lunch".into(),
            kind,
            benefit,
            funding,
            from: START,
            until: END,
            minimum: Fen(50),
            per_day: per_day.map(Fen),
            per_payment: None,
            per_user: PerUser {
                times,
                ..PerUser::default()
            },
            users: None,
            brand: None,
            merchants: Vec::new(),
            rule: None,
            group: None,
            holdout: BasisPoints(holdout),
            when_spent: WhenSpent::PayWithout,
            seed,
            echo: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_draft_gives_what_it_would_have_given(
        terms in terms(),
        acts in prop::collection::vec(
            (0_u32..4, 1_i64..9_000, prop::option::of((any::<usize>(), 0_i64..9_000)), 0_i64..40_000_000),
            1..120,
        ),
    ) {
        let (without, with) = (World::run(&acts, None), World::run(&acts, Some(&terms)));
        let mut backtest = Backtest::new(terms, BUDGET, START.plus(1), END).unwrap();
        let gave = |did: &Did| !matches!(did, Did::Nothing | Did::Spent(_));
        let draft: Vec<Did> = without.events.iter().map(|event| backtest.read(event)).filter(gave).collect();
        let ran: Vec<Did> = with.events.iter().filter_map(did).collect();
        prop_assert_eq!(draft, ran);
        prop_assert_eq!(backtest.spent(), with.state.campaign(CampaignId(0)).unwrap().spent);
    }

    /// Beside campaigns that ran, the log is followed as the rules follow it.
    #[test]
    fn a_log_with_campaigns_is_followed(terms in terms(), acts in prop::collection::vec(
        (0_u32..4, 1_i64..9_000, prop::option::of((any::<usize>(), 0_i64..9_000)), 0_i64..40_000_000), 1..60,
    )) {
        let world = World::run(&acts, Some(&terms));
        // Of two of a kind the one that ran gives more, or as much and is older.
        let least = Terms { benefit: Benefit::Fixed(Fen(1)), ..terms };
        let mut backtest = Backtest::new(least, BUDGET, START, END).unwrap();
        let given = world.events.iter().map(|event| (event, backtest.read(event)));
        for (event, draft) in given {
            let ran = did(event).is_some_and(|did| matches!(did, Did::Gave { .. }));
            let gave = matches!(draft, Did::Gave { .. });
            prop_assert!(!(ran && gave), "two of a group: {event:?}");
        }
    }
}
