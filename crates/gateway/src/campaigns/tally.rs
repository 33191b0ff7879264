//! What a backtest found, added up.

use std::collections::{BTreeMap, HashSet};

use feiqian_core::campaign::backtest::Did;
use feiqian_core::campaign::grant::Why;
use feiqian_core::time::Day;
use feiqian_core::{Event, Fen, UnixMillis, UserId};
use serde_json::{Value, json};

use crate::reports::tables::written;
use crate::v1::fields::Time;

/// One day, or all of them.
#[derive(Default)]
struct Sums {
    /// Payments that there were.
    payments: u64,
    /// To which it would have given something.
    reached: u64,
    /// Payers who would have got something for the first time.
    users: u64,
    granted: i64,
    platform: i64,
    /// By refunds.
    returned: i64,
    platform_returned: i64,
    /// Payments of its control group.
    held_out: u64,
    /// Payments that would have got something, had there been budget, or room for more payers.
    missed: u64,
}

/// Adds it up.
pub struct Tally {
    budget: Fen,
    from: UnixMillis,
    until: UnixMillis,
    days: BTreeMap<Day, Sums>,
    users: HashSet<UserId>,
    /// The first payment that found too little budget left.
    spent_at: Option<UnixMillis>,
}

impl Tally {
    /// Of a draft with this budget that would have run from one instant to before another.
    #[must_use]
    pub fn new(budget: Fen, from: UnixMillis, until: UnixMillis) -> Self {
        Self {
            budget,
            from,
            until,
            days: BTreeMap::new(),
            users: HashSet::new(),
            spent_at: None,
        }
    }

    /// Counts what the draft would have done when something happened.
    pub fn add(&mut self, event: &Event, did: Did) {
        let at = event.at();
        #[allow(clippy::wildcard_enum_match_arm, reason = "one kind is a payment")]
        let paid = match event {
            Event::OrderPaid(paid) if self.from <= at && at < self.until => Some(paid.payer),
            _ => None,
        };
        if paid.is_none() && did == Did::Nothing {
            return;
        }
        let day = self.days.entry(at.day()).or_default();
        day.payments += u64::from(paid.is_some());
        match did {
            Did::Nothing => {}
            Did::Gave { amount, platform } => {
                day.reached += 1;
                day.granted += amount.0;
                day.platform += platform.0;
                day.users += u64::from(paid.is_some_and(|payer| self.users.insert(payer)));
            }
            Did::GotBack { amount, platform } => {
                day.returned += amount.0;
                day.platform_returned += platform.0;
            }
            Did::HeldOut => day.held_out += 1,
            Did::Spent(why) => {
                day.missed += 1;
                if why == Why::BudgetSpent {
                    self.spent_at.get_or_insert(at);
                }
            }
        }
    }

    fn total(&self) -> Sums {
        self.days.values().fold(Sums::default(), |mut sum, day| {
            sum.payments += day.payments;
            sum.reached += day.reached;
            sum.users += day.users;
            sum.granted += day.granted;
            sum.platform += day.platform;
            sum.returned += day.returned;
            sum.platform_returned += day.platform_returned;
            sum.held_out += day.held_out;
            sum.missed += day.missed;
            sum
        })
    }

    /// Days and total; amounts are fen.
    #[must_use]
    pub fn json(&self) -> Value {
        let days = self.days.iter();
        let days: Vec<Value> = days.map(|(day, sums)| sums.json(&written(*day))).collect();
        json!({
            "budget": self.budget.0,
            "budget_spent_at": self.spent_at.map(|at| Time(at).to_string()),
            "total": self.total().json("total"),
            "days": days,
        })
    }

    /// Days and total as CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut rows = vec![COLUMNS.join(",")];
        let line = |name: &str, sums: &Sums| {
            let cells = sums.cells().map(|cell| cell.to_string());
            format!("{name},{}", cells.join(","))
        };
        rows.extend(
            self.days
                .iter()
                .map(|(day, sums)| line(&written(*day), sums)),
        );
        rows.push(line("total", &self.total()));
        rows.join("\n")
    }

    /// What it would have cost, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let total = self.total();
        let cost = Fen(total.platform.saturating_sub(total.platform_returned));
        let end = match self.spent_at {
            Some(at) => format!(
                "the budget of {} yuan would have run out at {}",
                self.budget,
                Time(at)
            ),
            None => format!("the budget of {} yuan would have lasted", self.budget),
        };
        format!("it would have cost the platform {cost} yuan; {end}")
    }
}

const COLUMNS: [&str; 10] = [
    "date",
    "payments",
    "reached",
    "users",
    "granted",
    "granted_platform",
    "returned",
    "returned_platform",
    "held_out",
    "missed",
];

impl Sums {
    fn cells(&self) -> [i128; 9] {
        [
            self.payments.into(),
            self.reached.into(),
            self.users.into(),
            self.granted.into(),
            self.platform.into(),
            self.returned.into(),
            self.platform_returned.into(),
            self.held_out.into(),
            self.missed.into(),
        ]
    }

    fn json(&self, date: &str) -> Value {
        json!({
            "date": date,
            "payments": self.payments,
            "reached": self.reached,
            "users": self.users,
            "granted": self.granted,
            "granted_platform": self.platform,
            "returned": self.returned,
            "returned_platform": self.platform_returned,
            "held_out": self.held_out,
            "missed": self.missed,
        })
    }
}
