//! A thousand payers race for a budget that is enough for a hundred.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its cases in one place"
)]

use std::time::Duration;

use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::{Benefit, Funding, Kind, PerUser, Terms, WhenSpent};
use feiqian_core::limits::DAY_MS;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::Attempt;
use feiqian_core::order::create::{self, Channel, CreateOrder};
use feiqian_core::order::pay::{PayOrder, Refusal};
use feiqian_core::user::set_traits::SetTraits;
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    Account, BasisPoints, BrandId, CampaignId, Event, EventNumber, Fen, MerchantId, Mode, Number,
    OrderId, TransferId, UserId,
};
use feiqian_engine::{Engine, Next, Options, Rejected, system_clock};
use tokio::task::JoinSet;

const PAYERS: u32 = 1_000;
const GRANTS: i64 = 100;
const AMOUNT: Fen = Fen(1_000);
const GIVES: Fen = Fen(300);

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

fn offer() -> Terms {
    let now = system_clock()();
    Terms {
        name: "race".into(),
        kind: Kind::Discount,
        benefit: Benefit::Fixed(GIVES),
        funding: Funding::Platform,
        from: now.plus(-DAY_MS),
        until: now.plus(DAY_MS),
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
        seed: 1,
        echo: None,
    }
}

/// A shop, a thousand payers with money, one campaign.
async fn open(dir: &std::path::Path, budget: Fen, terms: Terms) -> Engine {
    let engine = Engine::open(Options::new(dir, Mode::Sandbox)).unwrap();
    let name = "Red".to_owned();
    engine
        .submit(AddBrand {
            number: number("b"),
            name,
        })
        .await
        .unwrap();
    let shop = AddMerchant {
        number: number("m"),
        name: "Shop".into(),
        category: Category(5812),
        fee: BasisPoints(60),
    };
    engine.submit(shop).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..PAYERS {
        tasks.spawn(add_payer(engine.clone(), n));
    }
    tasks.join_all().await;
    let campaign = AddCampaign {
        number: number("c"),
        by: number("one"),
        budget,
        terms: terms.into(),
    };
    engine.submit(campaign).await.unwrap();
    for step in [Step::Approve, Step::Start] {
        let (campaign, by) = (CampaignId(0), number("two"));
        engine
            .submit(StepCampaign { campaign, step, by })
            .await
            .unwrap();
    }
    engine
}

async fn add_payer(engine: Engine, n: u32) {
    let user = AddUser {
        number: number(&format!("u{n}")),
        brand: BrandId(0),
        tier: Tier::Full,
    };
    engine.submit(user).await.unwrap();
    let top_up = TopUp {
        user: UserId(n),
        number: number("t"),
        amount: AMOUNT,
    };
    // Users are numbered as they come; this one may not be there yet.
    let asked = loop {
        match engine.submit(top_up.clone()).await {
            Ok(receipt) => break receipt.event,
            Err(Rejected::Refused(_)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other:?}"),
        }
    };
    let (transfer, answer) = (TransferId(asked), Answer::Done);
    engine
        .submit(AnswerTransfer { transfer, answer })
        .await
        .unwrap();
}

/// Everybody pays an order of its own at once: how many were told that the campaign is spent.
async fn race(engine: &Engine) -> usize {
    let mut tasks = JoinSet::new();
    for n in 0..PAYERS {
        let engine = engine.clone();
        tasks.spawn(async move {
            let terms = create::Terms {
                amount: AMOUNT,
                channel: Channel::Scan,
                description: "tea".into(),
                attach: None,
                notify: None,
                expires_at: None,
                only_payer: None,
                echo: None,
            };
            let create = CreateOrder {
                merchant: MerchantId(0),
                number: number(&format!("o{n}")),
                terms: terms.into(),
            };
            let order = OrderId(engine.submit(create).await.unwrap().event);
            let pay = PayOrder {
                order,
                payer: UserId(n),
                attempt: Attempt(n.into()),
                at_most: None,
            };
            match engine.submit(pay).await {
                Ok(_) => 0,
                Err(Rejected::Refused(Refusal::CampaignSpent { .. })) => 1,
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// How many payments were granted something, and how many were not; the whole log is audited.
fn granted(engine: &Engine) -> (i64, i64) {
    let (mut audit, mut with, mut without) = (Audit::new(), 0, 0);
    let mut feed = engine.feed(EventNumber(0));
    while let Next::Batch(batch) = feed.next(Duration::from_millis(100)) {
        for (_, event) in &batch.events {
            audit.read(event).unwrap();
            if let Event::OrderPaid(paid) = event {
                let got = paid
                    .granted
                    .as_ref()
                    .is_some_and(|granted| !granted.grants.is_empty());
                *(if got { &mut with } else { &mut without }) += 1;
            }
        }
    }
    let totals = audit.finish().unwrap();
    assert_eq!(totals.subsidies, Fen(with * GIVES.0));
    (with, without)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_as_the_budget_pays_for() {
    let persons = PerUser {
        times: Some(1),
        by_person: true,
        ..PerUser::default()
    };
    let told = WhenSpent::Tell;
    let budget = Fen(GIVES.0 * GRANTS);
    let cases = [
        ("total", budget, offer(), 0),
        (
            "total, told",
            budget,
            Terms {
                when_spent: told,
                ..offer()
            },
            900,
        ),
        (
            "a day",
            Fen(GIVES.0 * 500),
            Terms {
                per_day: Some(budget),
                ..offer()
            },
            0,
        ),
        (
            "a person",
            Fen(GIVES.0 * 500),
            Terms {
                per_user: persons,
                ..offer()
            },
            0,
        ),
        (
            "users",
            Fen(GIVES.0 * 500),
            Terms {
                users: Some(100),
                ..offer()
            },
            0,
        ),
    ];
    for (what, budget, terms, refused) in cases {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(dir.path(), budget, terms).await;
        if what == "a person" {
            // Ten accounts of each of a hundred persons.
            for n in 0..PAYERS {
                let person = Some([u8::try_from(n % 100).unwrap(); 16]);
                let (user, city, segment) = (UserId(n), 0, 0);
                let traits = SetTraits {
                    user,
                    city,
                    segment,
                    person,
                };
                engine.submit(traits).await.unwrap();
            }
        }
        assert_eq!(race(&engine).await, refused, "{what}");
        let subsidy = engine.read(|state| state.balance(Account::Subsidy(CampaignId(0))));
        assert_eq!(
            subsidy.await.unwrap(),
            Some(Fen(GIVES.0 * GRANTS)),
            "{what}"
        );
        let without = i64::from(PAYERS) - GRANTS - i64::try_from(refused).unwrap();
        assert_eq!(granted(&engine), (GRANTS, without), "{what}");
        engine.stop();
    }
}
