//! Random histories: whatever happened, the reports are what the ledger and a count by hand say.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::needless_pass_by_value,
    reason = "a test says what it looks at"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use feiqian_core::archive::Nothing;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::{add::AddBrand, open::Open};
use feiqian_core::campaign::grant::{Part, RebateBack, RebateStage, Returned};
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent,
};
use feiqian_core::campaign::{
    add::AddCampaign, budget::ChangeBudget, give::GiveCoupon, step::Step, step::StepCampaign,
};
use feiqian_core::ids::Digest;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::create::{self, Channel, CreateOrder};
use feiqian_core::order::refund::{OrderRefunded, RefundOrder};
use feiqian_core::order::{Attempt, OrderRef, pay::PayOrder, reverse::ReverseOrder};
use feiqian_core::time::Day;
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    Account, BasisPoints, BrandId, CampaignId, Command, Decision, Event, EventNumber, Fen,
    MerchantId, Mode, Number, OrderId, Postings, State, TransferId, UnixMillis, UserId, decide,
    evolve,
};
use feiqian_reports::campaign::{CROWD_MIN, Sight};
use feiqian_reports::checkpoint::{self, Checkpoint};
use feiqian_reports::experiment::Moments;
use feiqian_reports::income::{Income, IncomeStatement};
use feiqian_reports::{By, Period, Span, Totals};

const START: UnixMillis = UnixMillis(1_510_329_600_000);
const HOUR_MS: i64 = 3_600_000;
const BRANDS: u16 = 2;
const SHOPS: u32 = 3;
const USERS: u32 = 60;

fn number(text: String) -> Number {
    Number::new(&text).unwrap()
}

fn campaign(kind: Kind, benefit: Benefit, funding: Funding, holdout: u16) -> Terms {
    Terms {
        name: "lunch".into(),
        kind,
        benefit,
        funding,
        from: START,
        until: START.plus(300 * 24 * HOUR_MS),
        minimum: Fen::ZERO,
        per_day: None,
        per_payment: None,
        per_user: PerUser::default(),
        users: None,
        brand: None,
        merchants: Vec::new(),
        rule: None,
        group: None,
        holdout: BasisPoints(holdout),
        when_spent: WhenSpent::PayWithout,
        seed: u64::from(holdout) + 7,
        echo: None,
    }
}

fn campaigns() -> Vec<Terms> {
    let third = |cap| Benefit::Percent {
        rate: BasisPoints(3_333),
        cap: Fen(cap),
    };
    let merchant = MerchantId(1);
    let platform = BasisPoints(3_000);
    let coupons = CouponTerms {
        days: Some(9),
        most: 500,
        per_user: 9,
        claimed: true,
        after: Some(Fen(700)),
    };
    vec![
        campaign(Kind::Discount, third(1_000), Funding::Platform, 2_500),
        campaign(
            Kind::Discount,
            Benefit::Fixed(Fen(501)),
            Funding::Shared { merchant, platform },
            0,
        ),
        campaign(
            Kind::Rebate { wait_days: 0 },
            Benefit::Fixed(Fen(333)),
            Funding::Platform,
            4_000,
        ),
        campaign(
            Kind::Rebate { wait_days: 3 },
            third(777),
            Funding::Shared { merchant, platform },
            0,
        ),
        campaign(
            Kind::Coupon(coupons),
            Benefit::Fixed(Fen(99)),
            Funding::Merchant(merchant),
            0,
        ),
        campaign(
            Kind::Coupon(coupons),
            Benefit::Fixed(Fen(98)),
            Funding::Platform,
            0,
        ),
    ]
}

struct World {
    chance: fastrand::Rng,
    now: UnixMillis,
    state: State,
    events: Vec<Event>,
    orders: Vec<(OrderId, MerchantId, Fen)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            chance: fastrand::Rng::with_seed(seed),
            now: START,
            state: State::default(),
            events: Vec::new(),
            orders: Vec::new(),
        };
        assert!(world.ask(Open {
            mode: Mode::Sandbox
        }));
        for n in 0..BRANDS {
            world.ask(AddBrand {
                number: number(format!("b{n}")),
                name: format!("Brand {n}"),
            });
        }
        for n in 0..SHOPS {
            let (name, fee) = ("Noodles".into(), BasisPoints(60));
            let category = Category(if n == 0 { 5812 } else { 5411 });
            world.ask(AddMerchant {
                number: number(format!("m{n}")),
                name,
                category,
                fee,
            });
        }
        for n in 0..USERS {
            let brand = BrandId(u16::from(n % 3 == 0));
            world.ask(AddUser {
                number: number(format!("u{n}")),
                brand,
                tier: Tier::Full,
            });
            let transfer = TransferId(world.state.next_event());
            let (user, amount) = (UserId(n), Fen(3_000_000));
            world.ask(TopUp {
                user,
                number: number("t".into()),
                amount,
            });
            assert!(world.ask(AnswerTransfer {
                transfer,
                answer: Answer::Done
            }));
        }
        // The funder needs something to fund with.
        (0..20).for_each(|_| world.pay(MerchantId(1), 100_000));
        for (n, terms) in campaigns().into_iter().enumerate() {
            let id = CampaignId(u32::try_from(n).unwrap());
            let (number, by, budget) =
                (number(format!("c{n}")), number("ann".into()), Fen(200_000));
            assert!(
                world.ask(AddCampaign {
                    number,
                    by,
                    budget,
                    terms: Arc::new(terms)
                }),
                "{n}"
            );
            assert!(
                world.step(id, Step::Approve) && world.step(id, Step::Start),
                "{n}"
            );
        }
        world
    }

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

    fn step(&mut self, campaign: CampaignId, step: Step) -> bool {
        self.ask(StepCampaign {
            campaign,
            step,
            by: number("bob".into()),
        })
    }

    fn pay(&mut self, merchant: MerchantId, fen: i64) {
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
        let number = number(format!("o{}", id.0.0));
        assert!(self.ask(CreateOrder {
            merchant,
            number,
            terms: terms.into()
        }));
        let payer = UserId(self.chance.u32(0..USERS));
        let attempt = Attempt::of(&number);
        if self.ask(PayOrder {
            order: id,
            payer,
            attempt,
            at_most: None,
        }) {
            self.orders.push((id, merchant, Fen(fen)));
        }
    }

    fn act(&mut self) {
        let campaign = CampaignId(self.chance.u32(0..6));
        match self.chance.u32(0..100) {
            0..60 => {
                let (merchant, fen) = (self.chance.u32(0..SHOPS), self.chance.i64(1..5_000));
                self.pay(MerchantId(merchant), fen);
            }
            60..75 => {
                let place = self.chance.usize(0..self.orders.len());
                let (id, merchant, fen) = self.orders[place];
                let part = Fen(self.chance.i64(1..=fen.0));
                let amount = if self.chance.bool() { fen } else { part };
                self.ask(RefundOrder {
                    merchant,
                    number: number(format!("r{}", self.state.next_event())),
                    order: OrderRef::Id(id),
                    amount,
                    order_amount: fen,
                    reason: None,
                    notify: None,
                });
            }
            75..80 => {
                let (id, merchant, _) = *self.orders.last().unwrap();
                self.ask(ReverseOrder {
                    merchant,
                    order: OrderRef::Id(id),
                });
            }
            80..90 => {
                let number = number(format!("g{}", self.state.next_event()));
                let user = UserId(self.chance.u32(0..USERS));
                self.ask(GiveCoupon {
                    campaign,
                    number,
                    user,
                    claimed: false,
                });
            }
            90..92 => {
                let from = self.state.campaign(campaign).unwrap().budget;
                let (number, by) = (
                    number(format!("x{}", self.events.len())),
                    number("ann".into()),
                );
                let to = Fen(from.0 + self.chance.i64(-9_999..10_000));
                self.ask(ChangeBudget {
                    campaign,
                    number,
                    by,
                    from,
                    to,
                });
            }
            92..94 => {
                let end = if self.chance.u32(0..10) == 0 {
                    Step::End
                } else {
                    Step::Pause
                };
                let _ = self.step(campaign, end) || self.step(campaign, Step::Resume);
            }
            _ => self.now = self.now.plus(self.chance.i64(1..60 * HOUR_MS)),
        }
        for due in self.state.due(self.now, 100) {
            self.ask(due);
        }
    }

    fn fold(&self) -> Totals {
        let mut totals = Totals::default();
        self.events.iter().for_each(|event| totals.read(event));
        assert_eq!(totals.next(), self.state.next_event());
        totals
    }
}

fn worlds() -> impl Iterator<Item = World> {
    (0..24).map(|seed| {
        let mut world = World::new(seed);
        (0..1_500).for_each(|_| world.act());
        world
    })
}

#[test]
fn incomes_of_all_brands_and_periods_are_the_ledgers_accounts() {
    let mut subsidy = 0;
    for world in worlds() {
        let totals = world.fold();
        for by in By::ALL {
            let statement = totals.income(by, Span::default(), None);
            let sum = |of: fn(&Income) -> i64| statement.rows.values().map(of).sum::<i64>();
            let (mut all, mut profit) = ((0, 0, 0), 0);
            for (account, Fen(balance)) in world.state.balances() {
                match account {
                    Account::FeeIncome(_) => (all.0, profit) = (all.0 + balance, profit + balance),
                    Account::Subsidy(_) => (all.1, profit) = (all.1 + balance, profit - balance),
                    Account::RebateLoss(_) => (all.2, profit) = (all.2 + balance, profit - balance),
                    _ => {}
                }
            }
            let ours = (
                sum(|r| r.fee_income),
                sum(Income::subsidy),
                sum(|r| r.losses),
            );
            assert_eq!(ours, all, "{by:?}");
            assert_eq!(sum(Income::profit), profit);
            subsidy += all.1;
            for (brand, row) in world.state.brands() {
                let own = totals.income(by, Span::default(), Some(brand));
                let fees: i64 = own.rows.values().map(|row| row.fee_income).sum();
                let lost: i64 = own.rows.values().map(|row| row.losses).sum();
                assert_eq!((fees, lost), (row.fee_income.0, row.rebate_loss.0));
            }
            for (id, row) in world.state.campaigns() {
                let of_it = statement
                    .campaigns
                    .iter()
                    .filter(|((_, _, of), _)| *of == id);
                let (own, net) = of_it.fold((0, 0), |(own, net), (_, day)| {
                    (own + day.subsidy(), net + day.granted() - day.returned())
                });
                assert_eq!((own, net), (row.subsidy.0, row.spent.0), "{id}");
                let ours = totals.campaign(id).unwrap();
                assert_eq!((ours.budget, ours.status), (row.budget, row.status), "{id}");
            }
        }
    }
    assert!(subsidy > 0, "something was granted");
}

/// Histories lead there seldom: a wallet that has less than a part of the rebate after the refund.
#[test]
fn a_rebate_that_is_lost_lowers_the_profit_and_not_the_subsidy_twice() {
    let mut world = World::new(1);
    let (brand, campaign, payer) = (BrandId(0), CampaignId(2), UserId(1));
    let before = world.fold().income(By::Year, Span::default(), Some(brand));
    let (loss, subsidy) = (Account::RebateLoss(brand), Account::Subsidy(campaign));
    let part = Part {
        campaign,
        platform: Fen(7),
        funder: Fen::ZERO,
    };
    let (from, lost) = (RebateStage::Arrived, Fen(7));
    let rebate = Some(RebateBack { part, from, lost });
    let returned = Returned {
        payer: Fen(1),
        rebate,
        ..Returned::default()
    };
    world
        .events
        .push(Event::OrderRefunded(Box::new(OrderRefunded {
            at: world.now,
            merchant: MerchantId(0),
            number: number("r".into()),
            digest: Digest([0; 16]),
            order: OrderId(EventNumber(0)),
            payer,
            amount: Fen(1),
            fee_returned: Fen::ZERO,
            reason: None,
            notify: None,
            postings: Postings::new().with(loss, subsidy, Fen(7)),
            returned: Some(Box::new(returned)),
        })));
    let mut totals = Totals::default();
    world.events.iter().for_each(|event| totals.read(event));
    let after = totals.income(By::Year, Span::default(), Some(brand));
    let profit = |statement: &IncomeStatement| {
        let rows = statement.rows.values();
        rows.map(|row| (row.losses, row.subsidy(), row.profit()))
            .collect::<Vec<_>>()
    };
    let (losses, subsidy, rest) = profit(&before)[0];
    assert_eq!(profit(&after), [(losses + 7, subsidy - 7, rest)]);
}

/// Who paid in each period, counted by hand.
fn payers(events: &[Event], by: By) -> BTreeMap<Period, BTreeSet<UserId>> {
    let mut payers: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for event in events {
        if let Event::OrderPaid(paid) = event {
            payers
                .entry(by.of(paid.at.day()))
                .or_default()
                .insert(paid.payer);
        }
    }
    payers
}

#[test]
fn users_are_counted_once_a_period() {
    for world in worlds() {
        let totals = world.fold();
        for by in By::ALL {
            let shares = totals.shares(by, Span::default(), None);
            let (all, mut met) = (payers(&world.events, by), BTreeSet::new());
            for (period, users) in &all {
                let before = all.get(&period.before()).cloned().unwrap_or_default();
                for brand in totals.brands() {
                    let is_of = |user: &&UserId| world.state.user(**user).unwrap().brand == brand;
                    let crowd = shares
                        .rows
                        .get(&(*period, brand))
                        .copied()
                        .unwrap_or_default()
                        .crowd;
                    let hand = (
                        users.iter().filter(is_of).count(),
                        users.difference(&met).filter(is_of).count(),
                        users.intersection(&before).filter(is_of).count(),
                    );
                    let ours = [crowd.active, crowd.new, crowd.retained];
                    let hand = [hand.0, hand.1, hand.2].map(|count| count as u64);
                    assert_eq!(ours, hand, "{period}");
                }
                met.extend(users.iter().copied());
            }
            for period in all.keys() {
                let rows = || {
                    totals
                        .brands()
                        .filter_map(|brand| shares.rows.get(&(*period, brand)))
                };
                let parts: u32 = rows().filter_map(|row| row.volume_share).sum();
                assert!((9_999..=10_001).contains(&parts), "{parts}");
                for row in rows().filter(|row| row.payments > 0) {
                    let index = row.concentration.unwrap();
                    assert!((5_000..=10_000).contains(&index), "two categories: {index}");
                }
            }
        }
    }
}

#[test]
fn an_experiment_is_counted_as_by_hand() {
    let mut effects = 0;
    for world in worlds() {
        let totals = world.fold();
        for (id, _) in world.state.campaigns() {
            let Some(experiment) = &totals.campaign(id).unwrap().experiment else {
                continue;
            };
            let mut entered: BTreeMap<UserId, (bool, u64, u64)> = BTreeMap::new();
            for event in &world.events {
                let ended = match event {
                    Event::CampaignStepped(e) => e.campaign == id && e.step == Step::End,
                    Event::CampaignEnded(e) => e.campaign == id,
                    _ => false,
                };
                if ended {
                    break;
                }
                let Event::OrderPaid(paid) = event else {
                    continue;
                };
                if let Some(granted) = &paid.granted {
                    let given = granted.grants.iter().map(|g| g.campaign);
                    let mut given = given.chain(granted.rebate.iter().map(|r| r.campaign));
                    if given.any(|of| of == id) {
                        entered.entry(paid.payer).or_insert((true, 0, 0));
                    } else if granted.held_out.contains(&id) {
                        entered.entry(paid.payer).or_insert((false, 0, 0));
                    }
                }
                if let Some(row) = entered.get_mut(&paid.payer) {
                    (row.1, row.2) = (row.1 + 1, row.2 + paid.amount.0.unsigned_abs());
                }
            }
            for (is_treated, sums) in [(true, experiment.treated), (false, experiment.control)] {
                let group = || entered.values().filter(|row| row.0 == is_treated);
                let moments = |of: fn(&(bool, u64, u64)) -> u64| Moments {
                    sum: group().map(|row| u128::from(of(row))).sum(),
                    squares: group().map(|row| u128::from(of(row)).pow(2)).sum(),
                };
                assert_eq!(sums.users, group().count() as u64);
                assert_eq!(sums.payments, moments(|row| row.1));
                assert_eq!(sums.spend, moments(|row| row.2));
            }
            let report = totals.campaign_report(id, Sight::All).unwrap();
            effects += u32::from(report.effect.is_some());
        }
    }
    assert!(effects > 0, "some campaign has an effect");
}

#[test]
fn a_checkpoint_goes_on_where_it_was_and_damage_counts_as_none() {
    let world = worlds().next().unwrap();
    let whole = checkpoint::to_bytes(&world.fold(), 1);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("reports");
    assert!(checkpoint::load(&dir).unwrap().is_none());
    let half = world.events.len() / 2;
    let mut totals = Totals::default();
    world.events[..half]
        .iter()
        .for_each(|event| totals.read(event));
    let last = checkpoint::mark(&world.events[half - 1]);
    let bytes = checkpoint::to_bytes(&totals, last);
    checkpoint::save(&dir, &bytes).unwrap();
    let found = checkpoint::load(&dir).unwrap().unwrap();
    assert_eq!(found.last, last);
    assert_eq!(found.last_event(), Some(EventNumber(half as u64 - 1)));
    let mut totals = found.totals;
    world.events[half..]
        .iter()
        .for_each(|event| totals.read(event));
    assert!(
        checkpoint::to_bytes(&totals, 1) == whole,
        "as if it had never stopped"
    );

    for place in (0..bytes.len()).step_by(61) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 4;
        assert!(Checkpoint::from_bytes(&damaged).is_none(), "byte {place}");
        assert!(
            Checkpoint::from_bytes(&bytes[..place]).is_none(),
            "cut at {place}"
        );
    }
}

#[test]
fn few_users_are_hidden_from_whom_they_do_not_concern() {
    let mut hidden = 0;
    for world in worlds() {
        let totals = world.fold();
        for (id, _) in totals.campaigns() {
            let all = totals.campaign_report(id, Sight::All).unwrap();
            let crowds = totals.campaign_report(id, Sight::Crowds).unwrap();
            assert!(all.days.values().all(|row| row.reach.is_some()));
            let gone: Vec<Day> = crowds
                .days
                .iter()
                .filter(|(_, row)| row.reach.is_none())
                .map(|(day, _)| *day)
                .collect();
            assert!(
                gone.len() != 1 || crowds.days.len() == 1,
                "one alone could be computed"
            );
            for (day, row) in &crowds.days {
                assert!(row.reach.is_none_or(|reach| reach.users >= CROWD_MIN));
                assert_eq!(row.platform, all.days[day].platform);
            }
            hidden += gone.len();
        }
    }
    assert!(hidden > 0);
    assert!(
        Totals::default()
            .campaign_report(CampaignId(0), Sight::All)
            .is_none()
    );
}
