//! What operators, merchants and shoppers ask of campaigns.

use std::sync::Arc;

use feiqian_core::brand::fund::FundBrand;
use feiqian_core::campaign::Status;
use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::budget::ChangeBudget;
use feiqian_core::campaign::end::EndCampaign;
use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::campaign::payout::PayRebate;
use feiqian_core::campaign::rule::{Clause, Compare, Rule, Step as Postfix, Variable};
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::sweep::Sweep;
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, Tier, WhenSpent,
};
use feiqian_core::user::set_traits::SetTraits;
use feiqian_core::{
    BasisPoints, BrandId, CampaignId, Command, Fen, MerchantId, OrderId, UnixMillis,
};

use super::{World, number};
use crate::books::Books;
use crate::run::BEGINNING;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// Enough campaigns, one by one and partly out of order, that more run than can.
pub(super) fn crowd() -> impl Iterator<Item = Command> {
    let terms = Arc::new(Terms {
        name: "one of many".into(),
        kind: Kind::Discount,
        benefit: Benefit::Fixed(Fen(1)),
        funding: Funding::Platform,
        from: UnixMillis(BEGINNING),
        until: UnixMillis(BEGINNING + 700 * DAY),
        minimum: Fen(1_000_000_000_000),
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
        seed: 0,
        echo: None,
    });
    let add = move |n| AddCampaign {
        number: number("many", n),
        by: number("op", 1),
        budget: Fen(1_000),
        terms: terms.clone(),
    };
    let step = |step| {
        (0..750).map(CampaignId).map(move |campaign| StepCampaign {
            campaign,
            step,
            by: number("op", 2),
        })
    };
    let steps = step(Step::Approve).chain(step(Step::Start));
    let add = (0..750).map(add).map(Command::from);
    add.chain(steps.map(Command::from))
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    FundBrand,
    SetTraits,
    Add,
    Step,
    ChangeBudget,
    End,
    GiveCoupon,
    PayRebate,
    Sweep,
}

impl World {
    pub(super) fn wish(&mut self, wish: Wish, books: &Books, now: i64) -> Command {
        match wish {
            Wish::FundBrand => self.fund_brand(books).into(),
            Wish::SetTraits => self.set_traits(books).into(),
            Wish::Add => self.add_campaign(books, now).into(),
            Wish::Step => self.step_campaign(books).into(),
            Wish::ChangeBudget => self.change_budget(books).into(),
            Wish::End => EndCampaign {
                campaign: self.campaign(books),
            }
            .into(),
            Wish::GiveCoupon => self.give_coupon(books).into(),
            Wish::PayRebate => self.pay_rebate(books).into(),
            Wish::Sweep => Sweep.into(),
        }
    }

    /// The same number for another draw of the same campaign, or for another campaign.
    pub(super) fn another(&mut self, mut asked: AddCampaign) -> AddCampaign {
        Arc::make_mut(&mut asked.terms).seed = self.chance.below(100);
        asked.budget = Fen(asked.budget.0 ^ i64::from(self.chance.one_in(2)));
        asked
    }

    fn fund_brand(&mut self, books: &Books) -> FundBrand {
        FundBrand {
            brand: self.brand(books),
            number: self.number("f"),
            amount: self.amount(50_000),
        }
    }

    fn set_traits(&mut self, books: &Books) -> SetTraits {
        let person = self.chance.of([1, 2, 2, 3]);
        SetTraits {
            user: self.user(books),
            city: self.chance.of([0, 310_100, 110_100]),
            segment: self.chance.of([0, 1, 7]),
            person: self.chance.one_in(2).then_some([person; 16]),
        }
    }

    fn add_campaign(&mut self, books: &Books, now: i64) -> AddCampaign {
        let mut terms = self.terms(books, now);
        let worth = match &terms.benefit {
            Benefit::Fixed(fen) | Benefit::Percent { cap: fen, .. } => fen.0,
            Benefit::Random { most, .. } => most.0,
            Benefit::Tiers(tiers) => tiers.last().map_or(1, |tier| tier.get.0),
        };
        // Small ones, so that the ceiling is often in the way.
        let most = worth.saturating_mul(self.chance.of([1, 3, 6, 20]));
        let mut budget = self.chance.between(worth, most);
        if self.chance.one_in(12) {
            budget = self.spoil(&mut terms, budget);
        }
        // Mostly it is wanted at once.
        if !self.chance.one_in(4) {
            let next = u32::try_from(books.campaigns.rows.len()).unwrap_or_default();
            let step = |step| StepCampaign {
                campaign: CampaignId(next),
                step,
                by: number("op", 2),
            };
            self.soon
                .extend([Step::Approve, Step::Start].map(step).map(Command::from));
        }
        AddCampaign {
            number: self.number("k"),
            by: number("op", if self.chance.one_in(8) { 2 } else { 1 }),
            budget: Fen(budget),
            terms: terms.into(),
        }
    }

    fn terms(&mut self, books: &Books, now: i64) -> Terms {
        let kind = self.kind();
        let is_coupon = matches!(kind, Kind::Coupon(_));
        let is_rebate = matches!(kind, Kind::Rebate { .. });
        let benefit = self.benefit();
        let from = match self.chance.below(8) {
            0 => now + self.chance.between(1, 10 * MINUTE),
            _ => now - self.chance.between(0, DAY),
        };
        let life = match self.chance.below(6) {
            0 => self.chance.between(1, 60 * MINUTE),
            1..3 => self.chance.between(DAY, 12 * DAY),
            _ => self.chance.between(DAY, 700 * DAY),
        };
        let mut limit = |one_in: u64, most: i64| {
            let limits = self.chance.one_in(one_in);
            limits.then(|| self.chance.between(1, most))
        };
        let small = |limit: Option<i64>| limit.and_then(|limit| u32::try_from(limit).ok());
        let (per_day, per_payment) = (limit(5, 4_000).map(Fen), limit(8, 1_500).map(Fen));
        let (times, times_a_day) = (small(limit(5, 3)), small(limit(5, 2)));
        let (amount, users) = (limit(8, 4_000).map(Fen), small(limit(5, 3)));
        let minimum = Fen(limit(5, 4_000).unwrap_or(0));
        Terms {
            name: "活动".into(),
            kind,
            benefit,
            funding: self.funding(books, is_coupon),
            from: UnixMillis(from),
            until: UnixMillis(now + life),
            minimum,
            per_day,
            per_payment,
            per_user: PerUser {
                times,
                times_a_day,
                amount,
                by_person: self.chance.one_in(2),
            },
            users,
            brand: self.chance.one_in(12).then(|| self.brand(books)),
            merchants: self.some_merchants(books),
            rule: self.chance.one_in(4).then(|| self.rule()),
            group: (!is_rebate && self.chance.one_in(3))
                .then(|| self.chance.of([0, 1, 2, 3, 4, 5])),
            holdout: BasisPoints(self.chance.of([0, 0, 0, 0, 3_000, 5_000])),
            when_spent: self.chance.of([
                WhenSpent::PayWithout,
                WhenSpent::PayWithout,
                WhenSpent::Tell,
            ]),
            seed: self.chance.below(u64::MAX),
            echo: self.chance.one_in(10).then(|| "echo".into()),
        }
    }

    fn kind(&mut self) -> Kind {
        match self.chance.below(10) {
            0..4 => Kind::Discount,
            4..7 => Kind::Coupon(CouponTerms {
                days: self.chance.one_in(2).then(|| self.chance.of([1, 2, 30])),
                most: self.chance.of([1, 3, 100]),
                per_user: self.chance.of([1, 2, 2, 100]),
                claimed: !self.chance.one_in(3),
                after: self
                    .chance
                    .one_in(2)
                    .then(|| Fen(self.chance.between(1, 5_000))),
            }),
            _ => Kind::Rebate {
                wait_days: self.chance.of([0, 0, 1, 3, 7, 180]),
            },
        }
    }

    fn benefit(&mut self) -> Benefit {
        let fen = self.chance.of([1, 20, 300, 2_000]);
        let least = self.chance.between(1, fen);
        let most = self.chance.between(least, 2 * fen);
        match self.chance.below(4) {
            0 => Benefit::Fixed(Fen(least)),
            1 => Benefit::Percent {
                rate: BasisPoints(self.chance.of([1, 500, 1_250, 5_000, 10_000])),
                cap: Fen(most),
            },
            2 => Benefit::Random {
                least: Fen(least),
                most: Fen(most),
                mean: Fen(self.chance.between(least, most)),
            },
            _ => {
                let tier = |n: i64| Tier {
                    spend: Fen(n * n * 700),
                    get: Fen(least + n * n),
                };
                Benefit::Tiers((1..=self.chance.between(1, 5)).map(tier).collect())
            }
        }
    }

    fn funding(&mut self, books: &Books, is_coupon: bool) -> Funding {
        let merchant = self.merchant(books);
        match self.chance.below(8) {
            0..3 => Funding::Platform,
            3..5 => Funding::Merchant(merchant),
            7 if is_coupon => Funding::Outside(merchant),
            _ => Funding::Shared {
                merchant,
                platform: BasisPoints(self.chance.of([0, 1, 3_333, 5_000, 9_999, 10_000])),
            },
        }
    }

    fn some_merchants(&mut self, books: &Books) -> Vec<MerchantId> {
        if !self.chance.one_in(8) {
            return Vec::new();
        }
        let mut some = vec![self.merchant(books), self.merchant(books)];
        some.sort_unstable();
        some.dedup();
        some
    }

    fn rule(&mut self) -> Rule {
        let clauses = 1 + self.chance.index(3);
        let mut clauses: Vec<Clause> = (0..clauses).map(|_| self.clause()).collect();
        if self.chance.one_in(25) {
            clauses.push(Clause::Steps(vec![Postfix::Number(1), Postfix::Not]));
        }
        Rule {
            text: "as below".into(),
            clauses,
        }
    }

    fn clause(&mut self) -> Clause {
        match self.chance.below(8) {
            0 => Clause::OneOf(Variable::Category, vec![5_411, 5_812]),
            1 => Clause::Test(
                Variable::Payments30Days,
                Compare::Less,
                self.chance.between(1, 9),
            ),
            // Money comes from wallets: zero.
            2 => Clause::Steps(vec![
                Postfix::Number(1),
                Postfix::Load(Variable::Funding),
                Postfix::Divide,
                Postfix::In(vec![1]),
            ]),
            3..6 => {
                let variable = self.chance.of(Variable::ALL);
                Clause::Test(variable, self.compare(), self.whole())
            }
            _ => {
                let mut steps = Vec::new();
                self.truth(&mut steps, 3);
                Clause::Steps(steps)
            }
        }
    }

    fn compare(&mut self) -> Compare {
        self.chance.of([
            Compare::Less,
            Compare::AtMost,
            Compare::More,
            Compare::AtLeast,
            Compare::Equal,
            Compare::Unequal,
        ])
    }

    fn whole(&mut self) -> i64 {
        self.chance.of([
            -1,
            0,
            1,
            2,
            5,
            7,
            12,
            700,
            5_812,
            20_000,
            310_100,
            i64::MAX,
            i64::MIN,
        ])
    }

    /// Steps that come out as true or false, at most so deep.
    fn truth(&mut self, steps: &mut Vec<Postfix>, depth: u32) {
        match self.chance.below(if depth == 0 { 2 } else { 7 }) {
            0 => steps.push(Postfix::Truth(self.chance.one_in(2))),
            1 => steps.push(Postfix::Load(Variable::FirstPayment)),
            2 => {
                self.truth(steps, depth - 1);
                steps.push(Postfix::Not);
            }
            3 => {
                self.truth(steps, depth - 1);
                self.truth(steps, depth - 1);
                let all = self.chance.one_in(2);
                steps.push(if all { Postfix::And } else { Postfix::Or });
            }
            4 => {
                self.count(steps, depth - 1);
                steps.push(Postfix::In(vec![0, 1, 7, 5_812]));
            }
            _ => {
                self.count(steps, depth - 1);
                self.count(steps, depth - 1);
                steps.push(Postfix::Compare(self.compare()));
            }
        }
    }

    /// Steps that come out as a number.
    fn count(&mut self, steps: &mut Vec<Postfix>, depth: u32) {
        match self.chance.below(if depth == 0 { 3 } else { 6 }) {
            0 => steps.push(Postfix::Number(self.whole())),
            1 | 2 => {
                let variables = [
                    Variable::Amount,
                    Variable::Hour,
                    Variable::Weekday,
                    Variable::Funding,
                    Variable::AgeDays,
                    Variable::Spend30Days,
                    Variable::City,
                ];
                steps.push(Postfix::Load(self.chance.of(variables)));
            }
            3 => {
                self.count(steps, depth - 1);
                steps.push(Postfix::Negate);
            }
            4 => {
                self.truth(steps, depth - 1);
                self.count(steps, depth - 1);
                self.count(steps, depth - 1);
                steps.push(Postfix::Choose);
            }
            _ => {
                self.count(steps, depth - 1);
                self.count(steps, depth - 1);
                steps.push(match self.chance.below(5) {
                    0 => Postfix::Add,
                    1 => Postfix::Subtract,
                    2 => Postfix::Multiply,
                    3 => Postfix::Divide,
                    _ => Postfix::Remainder,
                });
            }
        }
    }

    /// Something that makes no sense; the budget with it.
    fn spoil(&mut self, terms: &mut Terms, budget: i64) -> i64 {
        match self.chance.below(12) {
            0 => terms.name = self.name(),
            1 => terms.benefit = Benefit::Fixed(self.amount(10)),
            2 => terms.benefit = Benefit::Tiers(Vec::new()),
            3 => return self.amount(10).0,
            4 => terms.until = terms.from,
            5 => terms.until = terms.from.plus(732 * DAY + self.chance.between(0, 1)),
            6 => terms.holdout = BasisPoints(5_001),
            7 => terms.merchants = vec![MerchantId(1), MerchantId(0)],
            8 => terms.kind = Kind::Rebate { wait_days: 181 },
            9 => terms.echo = Some("e".repeat(8_193)),
            10 => terms.per_day = Some(self.amount(10)),
            _ => terms.brand = Some(BrandId(99)),
        }
        budget
    }

    /// Mostly one that can still do something.
    fn campaign(&mut self, books: &Books) -> CampaignId {
        let rows = (0..).map(CampaignId).zip(&books.campaigns.rows);
        let fresh = rows.filter(|(_, row)| row.status != Status::Ended);
        let fresh: Vec<CampaignId> = fresh.map(|(id, _)| id).collect();
        match self.chance.pick(&fresh) {
            Some(id) if !self.chance.one_in(15) => *id,
            Some(_) | None => {
                let any = self.chance.below(books.campaigns.rows.len() as u64 + 2);
                CampaignId(u32::try_from(any).unwrap_or_default())
            }
        }
    }

    fn step_campaign(&mut self, books: &Books) -> StepCampaign {
        let campaign = self.campaign(books);
        let status = books.campaign(campaign).map(|row| row.status);
        let any = [
            Step::Approve,
            Step::Start,
            Step::Pause,
            Step::Resume,
            Step::End,
        ];
        let step = match status {
            _ if self.chance.one_in(8) => self.chance.of(any),
            Some(Status::Draft) => Step::Approve,
            Some(Status::Approved) => Step::Start,
            Some(Status::Running) if !self.chance.one_in(4) => Step::Start,
            Some(Status::Running) if self.chance.one_in(3) => Step::End,
            Some(Status::Running) => Step::Pause,
            Some(Status::Paused) => Step::Resume,
            Some(Status::Ended) | None => self.chance.of(any),
        };
        StepCampaign {
            campaign,
            step,
            by: number("op", self.chance.between(1, 2).unsigned_abs()),
        }
    }

    fn change_budget(&mut self, books: &Books) -> ChangeBudget {
        let campaign = self.campaign(books);
        let row = books.campaign(campaign);
        let budget = row.map_or(1, |row| row.budget);
        let used = row.map_or(0, |row| row.spent() + books.promised(campaign));
        let to = match self.chance.below(8) {
            0 => self.amount(1_000_000),
            1 => Fen(used - 1),
            2..4 => Fen(used.max(1)),
            _ => Fen(self
                .chance
                .between(used.max(1), budget.saturating_mul(2).max(used + 1))),
        };
        ChangeBudget {
            campaign,
            number: self.number("x"),
            by: number("op", 1),
            from: Fen(budget + i64::from(self.chance.one_in(8))),
            to,
        }
    }

    fn give_coupon(&mut self, books: &Books) -> GiveCoupon {
        let rows = (0..).map(CampaignId).zip(&books.campaigns.rows);
        let fresh =
            rows.filter(|(_, row)| row.coupon_terms().is_some() && row.status == Status::Running);
        let fresh: Vec<CampaignId> = fresh.map(|(id, _)| id).collect();
        let campaign = match self.chance.pick(&fresh) {
            Some(id) if !self.chance.one_in(10) => *id,
            Some(_) | None => self.campaign(books),
        };
        GiveCoupon {
            campaign,
            number: self.number("c"),
            user: self.user(books),
            claimed: self.chance.one_in(2),
        }
    }

    fn pay_rebate(&mut self, books: &Books) -> PayRebate {
        let waits: Vec<u64> = books.campaigns.rebates.values().copied().collect();
        let order = match self.chance.pick(&waits) {
            Some(order) if !self.chance.one_in(4) => *order,
            Some(_) | None => self.order(books),
        };
        PayRebate {
            order: OrderId(Books::number(order)),
        }
    }
}
