//! One payment: an order created and, once that is durable and its id is known, paid.

use std::fmt::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::Attempt;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::{Command, Event, EventNumber, Fen, MerchantId, Number, OrderId, UserId};
use feiqian_engine::Engine;
use serde_json::{Value, json};

use super::chance::{Chance, Zipf};
use super::latency::Latencies;
use super::load::Work;
use super::report;
use crate::Failure;

/// Callers' numbers: a name and a count.
pub struct Numbers {
    text: String,
    stem: usize,
}

impl Numbers {
    pub fn new(name: &str) -> Self {
        let text = format!("{name}-");
        Self {
            stem: text.len(),
            text,
        }
    }

    pub fn number(&mut self, n: u64) -> Number {
        self.text.truncate(self.stem);
        // Writing to a string does not fail.
        let _ = write!(self.text, "{n}");
        match Number::new(&self.text) {
            Ok(number) => number,
            Err(error) => unreachable!("{error}"),
        }
    }
}

/// Milliseconds since 1970: what no earlier run in the same folder began with.
pub fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(0)
}

/// A payment that was made.
#[derive(Clone, Copy)]
pub struct Paid {
    pub merchant: MerchantId,
    pub n: u64,
    pub order: OrderId,
    pub amount: Fen,
}

/// A payment that is under way.
#[derive(Clone, Copy)]
struct Flight {
    payer: UserId,
    merchant: MerchantId,
    n: u64,
    amount: Fen,
    order: Option<OrderId>,
}

/// Payments without end.
pub struct Payments {
    chance: Chance,
    numbers: Numbers,
    next: u64,
    wallets: u32,
    merchants: Zipf,
    flights: Vec<Option<Flight>>,
    keep_each: u64,
    /// One in every so many payments that were made.
    pub kept: Vec<Paid>,
}

impl Payments {
    /// From any of these wallets to these merchants by rank. Keeps one in `keep_each`.
    pub fn new(wallets: u32, merchants: u32, in_flight: usize, keep_each: u64) -> Self {
        let seed = fresh();
        Self {
            chance: Chance(seed),
            numbers: Numbers::new(&format!("{seed:x}")),
            next: 0,
            wallets,
            merchants: Zipf::new(merchants),
            flights: vec![None; in_flight],
            keep_each,
            kept: Vec::new(),
        }
    }

    /// Looks the kept payments up by their merchants' numbers, as a query would.
    pub fn look_up(&mut self, engine: &Engine) -> Result<Value, Failure> {
        let store = engine.store_now();
        let mut latencies = Latencies::new();
        let (mut discounted, mut with_coupon) = (0_u64, 0_u64);
        for paid in &self.kept {
            let begin = Instant::now();
            let key = Key {
                scope: Scope::Orders(paid.merchant),
                number: self.numbers.number(paid.n),
            };
            let (event, _) = store
                .number(&key)?
                .ok_or("an acknowledged order is not found")?;
            let story = store.order(OrderId(event))?;
            let story = story.ok_or("an acknowledged order is not found")?;
            if story.later.is_empty() {
                return Err("an acknowledged payment is not found".into());
            }
            latencies.record(begin.elapsed());
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "one kind is granted something"
            )]
            let granted = story.later.iter().find_map(|(_, event)| match event {
                Event::OrderPaid(event) => event.granted.as_deref(),
                _ => None,
            });
            let grants = granted.map_or(&[][..], |granted| &granted.grants);
            let has = |coupon: bool| u64::from(grants.iter().any(|g| g.coupon.is_some() == coupon));
            (discounted, with_coupon) = (discounted + has(false), with_coupon + has(true));
        }
        let percent = |count: u64| count * 100 / latencies.count().max(1);
        Ok(json!({
            "orders": latencies.count(),
            "ms": report::quantiles(&latencies),
            "percent_with_discount": percent(discounted),
            "percent_with_coupon": percent(with_coupon),
        }))
    }
}

impl Work for Payments {
    fn begin(&mut self, slot: usize) -> Option<Command> {
        let flight = Flight {
            payer: UserId(self.chance.below(self.wallets)),
            merchant: MerchantId(self.merchants.draw(&mut self.chance)),
            n: self.next,
            amount: Fen(i64::from(self.chance.below(50_000)) + 1),
            order: None,
        };
        self.next += 1;
        self.flights[slot] = Some(flight);
        let terms = Terms {
            amount: flight.amount,
            channel: Channel::Scan,
            description: "bench".into(),
            attach: None,
            notify: None,
            expires_at: None,
            only_payer: None,
            echo: None,
        };
        let create = CreateOrder {
            merchant: flight.merchant,
            number: self.numbers.number(flight.n),
            terms: terms.into(),
        };
        Some(create.into())
    }

    fn go_on(&mut self, slot: usize, event: EventNumber) -> Option<Command> {
        let flight = self.flights[slot].as_mut()?;
        if let Some(order) = flight.order {
            if flight.n.is_multiple_of(self.keep_each) {
                self.kept.push(Paid {
                    merchant: flight.merchant,
                    n: flight.n,
                    order,
                    amount: flight.amount,
                });
            }
            return None;
        }
        let order = OrderId(event);
        flight.order = Some(order);
        let pay = PayOrder {
            order,
            payer: flight.payer,
            attempt: Attempt(flight.n),
            at_most: None,
        };
        Some(pay.into())
    }
}
