//! Campaigns at work: what is granted, what goes back, and what is refused.

use super::add::Refusal as Add;
use super::budget::{ChangeBudget, Refusal as Budget};
use super::end::{EndCampaign, EndedBy, Refusal as End};
use super::give::Refusal as Give;
use super::grant::{Part, RebateStage, Why};
use super::payout::{PayRebate, Refusal as Payout};
use super::rule::{Clause, Compare, Rule, Step as RuleStep, Variable};
use super::step::{Refusal as Stepping, Step};
use super::sweep::{Refusal as Sweeping, Sweep};
use super::terms::{Benefit, CouponTerms, Flaw, Funding, Kind, PerUser, Terms, Tier, WhenSpent};
use super::*;
use crate::event::Event;
use crate::ids::{BrandId, MerchantId};
use crate::ledger::Account;
use crate::limits::{AMOUNT_MAX, DAY_MS};
use crate::money::BasisPoints;
use crate::order::pay::Refusal as Pay;
use crate::testing::{
    FREE_SHOP, LEI, MEI, NO_SHOP, NOBODY, SHOP, World, add_campaign, coupons, create, give, given,
    named, number, offer, pay, pay_at_most, refund, reverse, running, set_status, step, withdraw,
};
use crate::user::UserStatus;
use crate::user::set_traits::SetTraits;

const ONE: CampaignId = CampaignId(0);

fn world<const N: usize>(campaigns: [(i64, Terms); N]) -> World {
    let all = (0..).zip(campaigns);
    given(all.flat_map(|(id, (budget, terms))| running(id, budget, terms)))
}

fn rebate(fen: i64, wait_days: u16) -> Terms {
    Terms {
        kind: Kind::Rebate { wait_days },
        ..offer(fen)
    }
}

fn funded(funding: Funding) -> Terms {
    Terms {
        funding,
        ..offer(1_000)
    }
}

/// Refunds so much of the newest order.
fn refund_last(world: &mut World, text: &str, fen: i64) -> crate::order::refund::OrderRefunded {
    let paid = world.events.iter().rev().find_map(|event| match event {
        Event::OrderPaid(paid) => Some(paid.clone()),
        _ => None,
    });
    let paid = paid.unwrap();
    world.accept(&refund(text, paid.order, fen, paid.amount.0));
    match world.events.last() {
        Some(Event::OrderRefunded(event)) => (**event).clone(),
        other => panic!("{other:?} is no refund"),
    }
}

#[test]
fn a_discount_is_the_platforms_expense() {
    let mut world = world([(5_000, offer(1_000))]);
    assert_eq!(world.grants(10_000, MEI), (vec![(0, 1_000)], 9_000));
    // The shop gets all of it, and its fee is counted on that.
    let mut world = world
        .has(Account::Wallet(MEI), 91_000)
        .has(Account::Merchant(SHOP), 10_000 - 60)
        .has(Account::Subsidy(ONE), 1_000)
        .has(Account::FeeIncome(BrandId(0)), 60);
    let parts: Vec<_> = [3_333, 3_333, 3_334]
        .iter()
        .enumerate()
        .map(|(n, fen)| {
            let event = refund_last(&mut world, &format!("r{n}"), *fen);
            let returned = event.returned.unwrap();
            (returned.payer.0, returned.grants[0].platform.0)
        })
        .collect();
    assert_eq!(parts, [(3_000, 333), (2_999, 334), (3_001, 333)]);
    world
        .has(Account::Wallet(MEI), 100_000)
        .has(Account::Merchant(SHOP), 0)
        .has(Account::Subsidy(ONE), 0)
        .has(Account::FeeIncome(BrandId(0)), 0);
}

#[test]
fn a_merchants_own_campaign_is_paid_in_advance() {
    let mut before = given([]);
    before.buy(100_000, MEI);
    // 99,400 fen are the shop's.
    let terms = || funded(Funding::Merchant(SHOP));
    let mut world = before;
    for command in running(0, 3_000, terms()) {
        world.accept(&command);
    }
    let mut world = world
        .has(Account::Merchant(SHOP), 96_400)
        .has(Account::CampaignFund(ONE), 3_000);
    assert_eq!(world.grants(10_000, LEI), (vec![(0, 1_000)], 9_000));
    // The fee is 0.60 % of 9,000.
    let mut world = world
        .has(Account::Merchant(SHOP), 96_400 + 10_000 - 54)
        .has(Account::CampaignFund(ONE), 2_000)
        .has(Account::Subsidy(ONE), 0);
    let event = refund_last(&mut world, "r", 5_000);
    let part = Part {
        campaign: ONE,
        platform: Fen(0),
        funder: Fen(500),
    };
    assert_eq!(event.returned.unwrap().grants, [part]);
    let mut world = world
        .has(Account::CampaignFund(ONE), 2_500)
        .when(step(0, Step::End))
        .accepts()
        .has(Account::CampaignFund(ONE), 0);
    let had = world.state.balance(Account::Merchant(SHOP)).unwrap();
    // What comes back after the end would go from the shop to itself.
    refund_last(&mut world, "r2", 5_000);
    world
        .has(Account::Merchant(SHOP), had.0 - 4_500 + 27)
        .has(Account::CampaignFund(ONE), 0);
}

#[test]
fn a_shared_campaign_is_shared_to_the_fen() {
    let shared = |merchant| {
        funded(Funding::Shared {
            merchant,
            platform: BasisPoints(3_333),
        })
    };
    let mut world = given([]);
    world.buy(100_000, MEI);
    for command in running(0, 10_000, shared(SHOP)) {
        world.accept(&command);
    }
    let mut world = world.has(Account::CampaignFund(ONE), 10_000 - 3_333);
    world.buy(10_000, LEI);
    // 333.3 fen are the platform's; the fee is of 10,000 − 667.
    world
        .has(Account::Subsidy(ONE), 333)
        .has(Account::CampaignFund(ONE), 6_667 - 667)
        .has(Account::FeeIncome(BrandId(1)), 56);
    given(running(0, 10_000, shared(SHOP)).into_iter().take(1))
        .when(step(0, Step::Approve))
        .refuses(Stepping::BalanceShort { available: Fen(0) });
}

#[test]
fn the_budget_is_a_ceiling_whoever_races() {
    let mut world = world([(100 * 500, offer(500))]);
    let mut granted = 0;
    for n in 0..300 {
        let user = UserId(n % 4);
        granted += world.grants(600, user).0.len();
        if n % 50 == 49 {
            refund_last(&mut world, &format!("r{n}"), 600);
        }
    }
    // 100, and one more for each grant that came back while there was still a campaign.
    let back = 2;
    assert_eq!(granted, 100 + back);
    let campaign = world.state.campaign(ONE).unwrap();
    assert_eq!((campaign.left(), campaign.spent), (Fen(0), Fen(50_000)));
    world
        .when(EndCampaign { campaign: ONE })
        .accepts()
        .when(EndCampaign { campaign: ONE })
        .refuses(End::NotOver);
}

#[test]
fn what_has_ended_says_why() {
    for (terms, after, by) in [
        (offer(500), 0, EndedBy::Budget),
        (offer(400), 30 * DAY_MS, EndedBy::Time),
    ] {
        let mut world = world([(500, terms)]);
        world.buy(1_000, MEI);
        world = world.after_ms(after).when(EndCampaign { campaign: ONE });
        match (by, world.events.last()) {
            (EndedBy::Budget, Some(Event::CampaignEnded(event))) => assert_eq!(event.by, by),
            (EndedBy::Time, Some(Event::CampaignEnded(event))) => assert_eq!(event.by, by),
            (_, other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn days_users_and_persons_have_limits() {
    let mut day = world([(
        9_000,
        Terms {
            per_day: Some(Fen(1_500)),
            ..offer(1_000)
        },
    )]);
    for (grants, later) in [(1, 0), (0, DAY_MS), (1, 0)] {
        assert_eq!(day.grants(2_000, MEI).0.len(), grants);
        day = day.after_ms(later);
    }
    let limit = |per_user, users| {
        world([(
            9_000,
            Terms {
                per_user,
                users,
                ..offer(1_000)
            },
        )])
    };
    let none = PerUser::default();
    let times = PerUser {
        times: Some(2),
        ..none
    };
    let mut twice = limit(times, None);
    let all: Vec<_> = [MEI, MEI, MEI, LEI]
        .map(|user| twice.grants(2_000, user).0.len())
        .into();
    assert_eq!(all, [1, 1, 0, 1]);
    let mut daily = limit(
        PerUser {
            times_a_day: Some(1),
            ..none
        },
        None,
    );
    assert_eq!(daily.grants(2_000, MEI).0.len(), 1);
    assert_eq!(daily.grants(2_000, MEI).0.len(), 0);
    daily = daily.after_ms(DAY_MS);
    assert_eq!(daily.grants(2_000, MEI).0.len(), 1);
    let mut amount = limit(
        PerUser {
            amount: Some(Fen(1_999)),
            ..none
        },
        None,
    );
    assert_eq!(amount.grants(2_000, MEI).0.len(), 1);
    let paid = amount.buy(2_000, MEI);
    assert_eq!(paid.granted.unwrap().passed_over[0].why, Why::UserLimit);
    let mut users = limit(none, Some(1));
    let all: Vec<_> = [MEI, LEI, MEI]
        .map(|user| users.grants(2_000, user).0.len())
        .into();
    assert_eq!(all, [1, 0, 1]);

    // Two accounts of one person, known before and after.
    let person = |user| SetTraits {
        user,
        city: 0,
        segment: 0,
        person: Some([9; 16]),
    };
    let by_person = PerUser {
        times: Some(2),
        by_person: true,
        ..none
    };
    let mut persons = limit(by_person, Some(2));
    persons.buy(2_000, LEI);
    persons.accept(&person(MEI).into());
    persons.buy(2_000, MEI);
    assert_eq!(persons.state.campaign(ONE).unwrap().users, 2);
    persons.accept(&person(LEI).into());
    assert_eq!(persons.state.campaign(ONE).unwrap().users, 1);
    let all: Vec<_> = [MEI, LEI, UserId(1)]
        .map(|user| persons.grants(2_000, user).0.len())
        .into();
    assert_eq!(all, [0, 0, 1]);
}

#[test]
fn the_best_of_each_group_and_one_fen_to_pay() {
    let tiers = Benefit::Tiers(vec![
        Tier {
            spend: Fen(1_000),
            get: Fen(100),
        },
        Tier {
            spend: Fen(5_000),
            get: Fen(900),
        },
    ]);
    let percent = Benefit::Percent {
        rate: BasisPoints(1_000),
        cap: Fen(300),
    };
    let with = |benefit, group| Terms {
        benefit,
        group,
        ..offer(1)
    };
    let campaigns = || {
        [
            (99_000, with(percent.clone(), None)),
            (99_000, with(tiers.clone(), None)),
            (99_000, with(Benefit::Fixed(Fen(50)), Some(7))),
            (99_000, rebate(40, 0)),
        ]
    };
    for (fen, grants, paid) in [
        (800, vec![(0, 80), (2, 50)], 670),
        (1_000, vec![(0, 100), (2, 50)], 850),
        (5_000, vec![(1, 900), (2, 50)], 4_050),
        (30, vec![(2, 29)], 1),
    ] {
        assert_eq!(world(campaigns()).grants(fen, MEI), (grants, paid), "{fen}");
    }
    let mut world = world(campaigns());
    let paid = world.buy(1_000, MEI);
    let granted = paid.granted.as_deref().unwrap();
    assert_eq!(granted.rebate.unwrap().amount, Fen(40));
    let passed: Vec<_> = granted
        .passed_over
        .iter()
        .map(|p| (p.campaign.0, p.why))
        .collect();
    assert_eq!(passed, [(1, Why::AnotherGivesMore)]);
    let mut why = Vec::new();
    let order = crate::order::Order {
        amount: Fen(30),
        ..world.state.order(paid.order).unwrap().clone()
    };
    let _ = choose::choose(&world.state, world.now, &order, MEI, |id, reason| {
        why.push((id.0, reason));
    });
    assert_eq!(
        why,
        [(1, Why::BelowMinimum), (0, Why::NothingLeft)],
        "29 fen go to the one that gives more"
    );
}

#[test]
fn only_those_whom_the_rule_says() {
    let rule = |clauses| Terms {
        rule: Some(Rule {
            text: "…".into(),
            clauses,
        }),
        ..offer(100)
    };
    let first = vec![Clause::Steps(vec![RuleStep::Load(Variable::FirstPayment)])];
    let mut once = world([(9_000, rule(first))]);
    assert_eq!(once.grants(1_000, MEI).0.len(), 1);
    assert_eq!(once.grants(1_000, MEI).0.len(), 0);
    assert_eq!(once.grants(1_000, LEI).0.len(), 1);
    let spend = vec![
        Clause::Test(Variable::Spend30Days, Compare::AtLeast, 2_000),
        Clause::Test(Variable::Payments30Days, Compare::Equal, 2),
    ];
    let mut third = world([(9_000, rule(spend))]);
    let all: Vec<_> = [0; 4].map(|_| third.grants(1_000, MEI).0.len()).into();
    assert_eq!(all, [0, 0, 1, 0]);
    let broken = vec![Clause::Steps(vec![
        RuleStep::Number(1),
        RuleStep::Load(Variable::City),
        RuleStep::Divide,
        RuleStep::Number(0),
        RuleStep::Compare(Compare::More),
    ])];
    let mut city = world([(9_000, rule(broken))]);
    let granted = city.buy(1_000, MEI).granted.unwrap();
    assert_eq!(granted.grants, []);
    assert_eq!(granted.passed_over[0].why, Why::RuleBroken);
    let (user, person) = (MEI, None);
    city.accept(
        &SetTraits {
            user,
            city: 1,
            segment: 0,
            person,
        }
        .into(),
    );
    assert_eq!(city.grants(1_000, MEI).0.len(), 1);
    for terms in [
        Terms {
            brand: Some(BrandId(1)),
            ..offer(100)
        },
        Terms {
            merchants: vec![FREE_SHOP],
            ..offer(100)
        },
        Terms {
            minimum: Fen(1_001),
            ..offer(100)
        },
        Terms {
            from: offer(1).from.plus(1),
            ..offer(100)
        },
    ] {
        assert_eq!(world([(9_000, terms)]).grants(1_000, MEI).0.len(), 0);
    }
    for (steps, grants) in [(vec![Step::Pause], 0), (vec![Step::Pause, Step::Resume], 1)] {
        let mut paused = world([(9_000, offer(100))]);
        for to in steps {
            paused.accept(&step(0, to));
        }
        assert_eq!(paused.grants(1_000, MEI).0.len(), grants);
    }
}

#[test]
fn a_draw_is_the_payers_and_does_not_change() {
    let random = || Terms {
        benefit: Benefit::Random {
            least: Fen(1),
            most: Fen(900),
            mean: Fen(50),
        },
        ..offer(1)
    };
    let draws = |seed, orders: [i64; 3]| {
        let mut world = world([(99_000, Terms { seed, ..random() })]);
        orders.map(|fen| world.grants(fen, MEI).0[0].1)
    };
    let first = draws(7, [1_000, 2_000, 3_000]);
    assert_eq!(first, draws(7, [9_000, 1_000, 8_000]));
    assert_ne!(first, draws(8, [1_000, 2_000, 3_000]));
    assert!(first.iter().all(|fen| (1..=900).contains(fen)));
}

#[test]
fn some_are_held_out_for_ever() {
    let half = Terms {
        holdout: BasisPoints(5_000),
        ..offer(100)
    };
    let out = |seed| {
        let mut world = world([(
            9_000,
            Terms {
                seed,
                ..half.clone()
            },
        )]);
        [0; 2].map(|_| world.buy(1_000, MEI).granted.unwrap().held_out.len())
    };
    let all: Vec<_> = (0..40).map(out).collect();
    assert!(all.iter().all(|[one, two]| one == two));
    let sum: usize = all.iter().map(|[one, _]| one).sum();
    assert!((5..35).contains(&sum), "{sum}");
}

#[test]
fn who_is_to_be_told_is_told() {
    let tell = || {
        (
            500,
            Terms {
                when_spent: WhenSpent::Tell,
                ..offer(500)
            },
        )
    };
    let payable = Fen(1_000);
    let mut spent = world([tell()]);
    spent.buy(1_000, MEI);
    let order = OrderId(spent.accept(&create("a", 1_000)));
    assert!(
        spent
            .state
            .campaign(ONE)
            .unwrap()
            .is_over(spent.now.plus(30 * DAY_MS))
    );
    assert!(!spent.state.campaign(ONE).unwrap().is_over(spent.now));
    spent
        .when(pay(order, LEI))
        .refuses(Pay::CampaignSpent { payable })
        .when(pay_at_most(order, LEI, 999))
        .refuses(Pay::PriceChanged { payable })
        .when(pay_at_most(order, LEI, 1_000))
        .accepts();
}

#[test]
fn a_coupon_is_used_once_and_comes_back_with_the_whole_payment() {
    let mut held = world([(5_000, coupons(500))]);
    assert_eq!(held.grants(1_000, MEI).0.len(), 0);
    let coupon = CouponId(held.accept(&give(0, "g", MEI)));
    let promised = |world: &World| world.state.campaign(ONE).unwrap().promised;
    assert_eq!(
        (promised(&held), held.state.open_coupons(MEI)),
        (Fen(500), &[coupon][..])
    );
    assert_eq!(held.grants(1_000, LEI).0.len(), 0);
    assert_eq!(held.grants(1_000, MEI), (vec![(0, 500)], 500));
    assert_eq!(held.grants(1_000, MEI).0.len(), 0);
    assert_eq!(promised(&held), Fen(0));
    // The coupon's order was the one before the newest.
    let used = held.state.coupon(coupon).unwrap().state;
    let CouponState::Used(order) = used else {
        panic!("{used:?}")
    };
    held.accept(&refund("r1", order, 400, 1_000));
    assert!(matches!(
        held.state.coupon(coupon).unwrap().state,
        CouponState::Used(_)
    ));
    held.accept(&refund("r2", order, 600, 1_000));
    assert_eq!(promised(&held), Fen(500));
    assert_eq!(held.grants(1_000, MEI), (vec![(0, 500)], 500));
    // A promise keeps others out of the budget.
    let mut short = world([(900, coupons(500))]);
    short.accept(&give(0, "g", MEI));
    short.when(give(0, "h", LEI)).refuses(Give::Spent);
}

#[test]
fn coupons_end_with_their_days_or_their_campaign() {
    let days = |days| Terms {
        kind: Kind::Coupon(CouponTerms {
            days: Some(days),
            most: 100,
            per_user: 1,
            claimed: false,
            after: Some(Fen(2_000)),
        }),
        ..coupons(500)
    };
    // Given after a payment, not to be claimed.
    let mut earned = world([(5_000, days(2))]);
    assert_eq!(earned.buy(1_999, MEI).granted, None);
    let paid = earned.buy(2_000, MEI);
    assert_eq!(
        paid.granted.unwrap().earned.unwrap().until,
        earned.now.plus(2 * DAY_MS)
    );
    assert!(
        earned.buy(2_000, MEI).granted.unwrap().earned.is_none(),
        "it used the one it had"
    );
    earned = earned.when(give(0, "g", LEI)).refuses(Give::NotClaimed);
    earned.buy(2_000, LEI);
    assert_eq!(earned.state.open_coupons(LEI).len(), 1);
    earned = earned.after_ms(2 * DAY_MS);
    assert_eq!(earned.grants(1_000, LEI).0.len(), 0);
    earned = earned
        .when(Sweep)
        .accepts()
        .when(Sweep)
        .refuses(Sweeping::NotDue);
    assert_eq!(earned.state.open_coupons(LEI), []);
    assert_eq!(earned.state.campaign(ONE).unwrap().promised, Fen(0));
    let mut ended = world([(5_000, coupons(500))]);
    ended.accept(&give(0, "g", MEI));
    ended.accept(&step(0, Step::End));
    assert_eq!(ended.grants(1_000, MEI).0.len(), 0);
    assert_eq!(ended.state.campaign(ONE).unwrap().promised, Fen(0));
}

#[test]
fn a_rebate_arrives_or_waits() {
    let mut now = world([(900, rebate(300, 0))]);
    now.buy(1_000, MEI);
    let mut now = now
        .has(Account::Wallet(MEI), 99_300)
        .has(Account::Subsidy(ONE), 300);
    let event = refund_last(&mut now, "r", 500);
    let back = event.returned.unwrap().rebate.unwrap();
    assert_eq!(
        (back.from, back.part.platform, back.lost),
        (RebateStage::Arrived, Fen(150), Fen(0))
    );
    let mut waits = world([(900, rebate(300, 7))]);
    let order = waits.buy(1_000, MEI).order;
    waits = waits
        .has(Account::PendingRebate(ONE), 300)
        .has(Account::Wallet(MEI), 99_000);
    let event = refund_last(&mut waits, "r", 500);
    assert_eq!(
        event.returned.unwrap().rebate.unwrap().from,
        RebateStage::Waits
    );
    waits
        .has(Account::PendingRebate(ONE), 150)
        .has(Account::Subsidy(ONE), 150)
        .after_ms(7 * DAY_MS - 1)
        .when(PayRebate { order })
        .refuses(Payout::NotDue)
        .after_ms(1)
        .when(PayRebate { order })
        .accepts()
        .has(Account::Wallet(MEI), 99_000 + 500 + 150)
        .has(Account::PendingRebate(ONE), 0)
        .when(PayRebate { order })
        .refuses(Payout::NotDue)
        .when(reverse(SHOP, named("none")))
        .refuses(crate::order::reverse::Refusal::OrderNotFound);
}

#[test]
fn a_reversal_takes_all_back_and_nothing_arrives_later() {
    let mut world = world([(900, rebate(300, 7)), (900, coupons(200))]);
    world.accept(&give(1, "g", MEI));
    let order = world.buy(1_000, MEI).order;
    world.accept(&reverse(SHOP, crate::order::OrderRef::Id(order)));
    let world = world
        .has(Account::Wallet(MEI), 100_000)
        .has(Account::Merchant(SHOP), 0)
        .has(Account::Subsidy(ONE), 0)
        .has(Account::PendingRebate(ONE), 0)
        .after_ms(8 * DAY_MS)
        .when(PayRebate { order })
        .accepts()
        .has(Account::Wallet(MEI), 100_000);
    assert_eq!(world.state.open_coupons(MEI).len(), 1);
}

#[test]
fn what_the_wallet_lacks_is_the_platforms_loss() {
    // Half is paid by a discount and the other half comes back, so a refund of one fen is all the discount's by
    // rounding, and a fen of the rebate is due from a wallet that it does not reach.
    let back = || {
        let mut world = world([(900, offer(50)), (900, rebate(50, 0))]);
        world.buy(100, MEI);
        world.has(Account::Wallet(MEI), 100_000)
    };
    let mut empty = back().when(withdraw(MEI, "w", 100_000)).accepts();
    let event = refund_last(&mut empty, "r", 1);
    let returned = event.returned.unwrap();
    assert_eq!(
        (returned.payer, returned.rebate.unwrap().lost),
        (Fen(0), Fen(1))
    );
    empty
        .has(Account::Wallet(MEI), 0)
        .has(Account::RebateLoss(BrandId(0)), 1)
        .has(Account::Subsidy(CampaignId(1)), 49);
    let mut full = back();
    let event = refund_last(&mut full, "r", 1);
    assert_eq!(event.returned.unwrap().rebate.unwrap().lost, Fen(0));
    full.has(Account::Wallet(MEI), 99_999)
        .has(Account::RebateLoss(BrandId(0)), 0);
}

#[test]
fn a_withdrawal_leaves_the_reserve_what_it_needs() {
    let mut world = world([(100_000, rebate(100_000, 0))]);
    world.buy(100_000, MEI);
    // Of brand 0's reserve 200,000 are there; both its users have 100,000, and the shop 99,400.
    world
        .when(withdraw(MEI, "w", 100_000))
        .accepts()
        .when(withdraw(UserId(1), "w", 100_000))
        .accepts();
    let mut short = self::world([(100_000, rebate(100_000, 0))]);
    short.buy(100_000, MEI);
    short
        .doctored(Account::BankReserve(BrandId(0)), 99_999)
        .refuses_each([(
            withdraw(MEI, "w", 100_000),
            crate::bank::withdraw::Refusal::ReserveShort,
        )]);
}

#[test]
fn a_budget_is_changed_from_what_it_is() {
    let change = |text: &str, from, to| -> crate::Command {
        ChangeBudget {
            campaign: ONE,
            number: number(text),
            by: number("wang"),
            from: Fen(from),
            to: Fen(to),
        }
        .into()
    };
    let mut world = world([(900, offer(300))]);
    world.buy(1_000, MEI);
    let last = world.accept(&change("a", 900, 2_000));
    let used = Fen(300);
    let world = world
        .when(change("a", 900, 2_000))
        .answers_again(last)
        .refuses_each([
            (change("a", 900, 2_001), Budget::NumberReused),
            (
                change("b", 900, 0),
                Budget::OtherBudget { budget: Fen(2_000) },
            ),
            (change("b", 2_000, 0), Budget::AmountOutOfRange),
            (change("b", 2_000, 299), Budget::BelowUsed { used }),
        ])
        .when(change("b", 2_000, 300))
        .accepts();
    assert_eq!(world.state.campaign(ONE).unwrap().left(), Fen(0));
    world
        .when(step(0, Step::End))
        .accepts()
        .refuses_each([(change("c", 300, 400), Budget::Ended)]);
    let mut funded = given([]);
    funded.buy(10_000, MEI);
    for command in running(0, 1_000, self::funded(Funding::Merchant(SHOP))) {
        funded.accept(&command);
    }
    funded
        .when(change("a", 1_000, 9_940))
        .accepts()
        .has(Account::CampaignFund(ONE), 9_940)
        .has(Account::Merchant(SHOP), 0)
        .refuses_each([(
            change("b", 9_940, 9_941),
            Budget::BalanceShort { available: Fen(0) },
        )])
        .when(change("c", 9_940, 2_000))
        .accepts()
        .has(Account::Merchant(SHOP), 7_940);
}

#[test]
fn steps_in_their_order_by_two_operators() {
    let by_wang = |campaign: u32, to| -> crate::Command {
        step::StepCampaign {
            campaign: CampaignId(campaign),
            step: to,
            by: number("wang"),
        }
        .into()
    };
    let wrong = |status| Stepping::WrongStatus { status };
    let mut world = given([add_campaign("c", 900, offer(1))]).refuses_each([
        (step(1, Step::Approve), Stepping::CampaignNotFound),
        (step(0, Step::Start), wrong(Status::Draft)),
        (by_wang(0, Step::Approve), Stepping::SameOperator),
    ]);
    let approved = world.accept(&step(0, Step::Approve));
    world = world
        .when(by_wang(0, Step::Approve))
        .answers_again(approved)
        .refuses_each([(step(0, Step::Pause), wrong(Status::Approved))]);
    let late = world.state.clone();
    world.accept(&step(0, Step::Start));
    world
        .refuses_each([(step(0, Step::Approve), wrong(Status::Running))])
        .when(step(0, Step::End))
        .accepts()
        .refuses_each([(step(0, Step::Resume), wrong(Status::Ended))]);
    let over = crate::command::decide(&late, offer(1).until, &step(0, Step::Start));
    assert_eq!(over, crate::Decision::Refuse(Stepping::TimeOver.into()));
    // A merchant's own money needs no second operator.
    let mut own = given([]);
    own.buy(10_000, MEI);
    own.accept(&add_campaign("c", 900, funded(Funding::Merchant(SHOP))));
    own.accept(&by_wang(0, Step::Approve));
}

#[test]
fn flaws_of_terms_in_order_of_precedence() {
    let flawed = |flaw| Add::Flawed { flaw };
    let with = |change: fn(&mut Terms)| {
        let mut terms = offer(10);
        change(&mut terms);
        add_campaign("n", 900, terms)
    };
    let last = given([add_campaign("c", 900, offer(10))])
        .when(add_campaign(
            "c",
            900,
            Terms {
                seed: 8,
                ..offer(10)
            },
        ))
        .answers_again(crate::testing::nth(0));
    last.refuses_each([
        (add_campaign("c", 901, offer(10)), Add::NumberReused),
        (
            with(|t| (t.name, t.benefit) = (String::new(), Benefit::Fixed(Fen(0)))),
            flawed(Flaw::Name),
        ),
        (
            with(|t| t.benefit = Benefit::Fixed(Fen(0))),
            flawed(Flaw::Benefit),
        ),
        (
            with(|t| t.benefit = Benefit::Tiers(vec![])),
            flawed(Flaw::Benefit),
        ),
        (
            with(|t| {
                t.benefit = Benefit::Random {
                    least: Fen(1),
                    most: Fen(3),
                    mean: Fen(4),
                }
            }),
            flawed(Flaw::Benefit),
        ),
        (add_campaign("n", 0, offer(10)), flawed(Flaw::Budget)),
        (
            add_campaign("n", AMOUNT_MAX.0 + 1, offer(10)),
            flawed(Flaw::Budget),
        ),
        (with(|t| t.until = t.from), flawed(Flaw::Times)),
        (
            with(|t| t.until = t.from.plus(3 * 366 * DAY_MS)),
            flawed(Flaw::Times),
        ),
        (with(|t| t.per_day = Some(Fen(0))), flawed(Flaw::Limits)),
        (
            with(|t| t.holdout = BasisPoints(5_001)),
            flawed(Flaw::Limits),
        ),
        (
            with(|t| t.merchants = vec![FREE_SHOP, SHOP]),
            flawed(Flaw::Limits),
        ),
        (
            with(|t| t.kind = Kind::Rebate { wait_days: 181 }),
            flawed(Flaw::Kind),
        ),
        (
            with(|t| t.funding = Funding::Outside(SHOP)),
            flawed(Flaw::Kind),
        ),
        (
            with(|t| {
                t.rule = Some(Rule {
                    text: String::new(),
                    clauses: vec![Clause::Steps(vec![])],
                })
            }),
            flawed(Flaw::Rule),
        ),
        (with(|t| t.brand = Some(BrandId(9))), Add::BrandNotFound),
        (
            with(|t| t.funding = Funding::Merchant(NO_SHOP)),
            Add::MerchantNotFound,
        ),
        (
            with(|t| t.merchants = vec![SHOP, MerchantId(9)]),
            Add::MerchantNotFound,
        ),
    ]);
}

#[test]
fn refusals_of_coupons_in_order_of_precedence() {
    let mut terms = coupons(10);
    terms.kind = Kind::Coupon(CouponTerms {
        days: None,
        most: 2,
        per_user: 1,
        claimed: true,
        after: None,
    });
    terms.brand = Some(BrandId(0));
    let mut world = world([(900, terms), (900, offer(10))]);
    let first = world.accept(&give(0, "g", MEI));
    let mut world = world
        .when(give(0, "g", MEI))
        .answers_again(first)
        .refuses_each([
            (give(0, "g", UserId(1)), Give::NumberReused),
            (give(1, "h", NOBODY), Give::CampaignNotFound),
            (give(2, "h", NOBODY), Give::CampaignNotFound),
            (give(0, "h", NOBODY), Give::UserNotFound),
            (give(0, "h", LEI), Give::OtherBrand),
            (give(0, "h", MEI), Give::UserLimit),
        ]);
    world.accept(&set_status(UserId(1), UserStatus::Frozen));
    let mut world = world.refuses_each([(give(0, "h", UserId(1)), Give::UserNotActive)]);
    world.accept(&set_status(UserId(1), UserStatus::Active));
    world.accept(&give(0, "h", UserId(1)));
    let mut world = world.refuses_each([(give(0, "i", MEI), Give::Spent)]);
    world.accept(&step(0, Step::Pause));
    world.refuses_each([(give(0, "i", MEI), Give::NotRunning)]);
}
