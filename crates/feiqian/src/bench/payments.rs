//! `feiqian bench payments`: what a machine sustains.
//!
//! Each payment is an order created and, once that is durable and its id is known, paid. A payment
//! counts when its second event is durable. A fixed number of payments is under way at any time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::Attempt;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::{Command, Fen, MerchantId, Mode, OrderId, UserId};
use feiqian_engine::{Engine, Outcome, Sink};
use feiqian_log::Reader;
use serde_json::json;

use super::latency::Latencies;
use super::process;
use super::set_up::{Answers, SetUp, number, wait_for_store};
use crate::{Failure, audit};

#[derive(Args)]
pub struct Options {
    /// Wallets, each with money in it
    #[arg(long, default_value_t = 10_000_000)]
    wallets: u32,
    /// Merchants; how often each is paid falls with its rank, as among real shops (Zipf, s = 1)
    #[arg(long, default_value_t = 100_000)]
    merchants: u32,
    /// Seconds to measure, after the warm-up
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Seconds of warm-up
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Payments under way at once
    #[arg(long, default_value_t = 8_192)]
    in_flight: usize,
    /// Folder to use and keep; one with enough wallets is used as it is [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    if let Some(dir) = &options.data {
        return measure(options, dir);
    }
    let dir = std::env::temp_dir().join(format!("feiqian-bench-{}", std::process::id()));
    let result = measure(options, &dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn measure(options: &Options, dir: &Path) -> Result<(), Failure> {
    let engine = Engine::open(feiqian_engine::Options::new(dir, Mode::Sandbox))?;
    let answers = Arc::new(Answers::default());
    SetUp::new(&engine, &answers).run(options.wallets, options.merchants)?;
    eprintln!(
        "paying for {} s after {} s of warm-up …",
        options.seconds, options.warm_up
    );
    let before = disk(dir);
    let (first, peak) = (engine.durable().0, process::peak_memory());
    let run = Load::new(options).run(&engine, &answers, options)?;
    let lag = engine
        .durable()
        .0
        .saturating_sub(engine.store_now().position().0);
    let caught_up = Instant::now();
    wait_for_store(&engine)?;
    let catch_up = caught_up.elapsed();
    let found = look_up(&engine, &run)?;
    let events = engine.durable().0 - first;
    engine.stop();
    let per_payment = |bytes: u64| bytes.saturating_mul(2) / events.max(1);
    let after = disk(dir);
    let audited = audit::audit(&Reader::open(&dir.join("log"))?, |_| ())?;
    let windows = run.windows(options);
    let figures = json!({
        "machine": process::machine(),
        "wallets": options.wallets,
        "merchants": options.merchants,
        "seconds": options.seconds,
        "in_flight": options.in_flight,
        "durable": true,
        "payments_per_second": {
            "median": windows[windows.len() / 2],
            "min": windows.first(),
            "max": windows.last(),
        },
        "command_submit_to_durable_ms": quantiles(&run.commands),
        "payment_submit_to_durable_ms": quantiles(&run.payments),
        "log_bytes_per_payment": per_payment(after.0.saturating_sub(before.0)),
        "store_bytes_per_payment": per_payment(after.1.saturating_sub(before.1)),
        "peak_memory_bytes": process::peak_memory(),
        "peak_memory_after_set_up_bytes": peak,
        "store_lag_events": lag,
        "store_catch_up_seconds": catch_up.as_secs_f64(),
        "looked_up": found,
        "audit": "passed",
        "audited_events": audited.totals.events,
    });
    print(&figures, options.json);
    Ok(())
}

fn quantiles(latencies: &Latencies) -> serde_json::Value {
    let ms = |share| (latencies.quantile(share).as_secs_f64() * 1e5).round() / 100.0;
    json!({ "p50": ms(0.5), "p99": ms(0.99), "p999": ms(0.999) })
}

fn print(figures: &serde_json::Value, as_json: bool) {
    if as_json {
        crate::say!("{figures}");
        return;
    }
    let Some(figures) = figures.as_object() else {
        return;
    };
    for (name, value) in figures {
        crate::say!("{:<36} {value}", name.replace('_', " "));
    }
}

/// Bytes of log and store.
fn disk(dir: &Path) -> (u64, u64) {
    (
        process::disk_bytes(&dir.join("log")),
        process::disk_bytes(&dir.join("store")),
    )
}

/// SplitMix64: enough chance for a load, and the same every time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        let product = u128::from(self.next()) * u128::from(bound);
        u32::try_from(product >> 64).unwrap_or(0)
    }

    /// Log-uniform in `0..bound`: rank r is hit in proportion to 1 / (r + 1).
    fn rank_below(&mut self, bound: u32) -> u32 {
        let share = f64::from(self.below(u32::MAX)) / f64::from(u32::MAX);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below bound + 1"
        )]
        let rank = (f64::from(bound) + 1.0).powf(share) as u32;
        rank.saturating_sub(1).min(bound - 1)
    }
}

/// A payment that is under way.
#[derive(Clone, Copy)]
struct Flight {
    payer: UserId,
    merchant: MerchantId,
    number: u64,
    begun: Instant,
    asked: Instant,
    created: bool,
}

struct Load {
    chance: Chance,
    flights: Vec<Flight>,
    next: u64,
    name: String,
    wallets: u32,
    merchants: u32,
}

/// What a load measured.
struct Run {
    name: String,
    per_second: Vec<u64>,
    commands: Latencies,
    payments: Latencies,
    /// Some of the payments, to be looked up afterwards.
    sample: Vec<(MerchantId, u64)>,
}

impl Run {
    /// Payments of each measured second, ascending.
    fn windows(&self, options: &Options) -> Vec<u64> {
        let warm_up = usize::try_from(options.warm_up).unwrap_or(0);
        let seconds = usize::try_from(options.seconds).unwrap_or(1);
        let mut windows: Vec<u64> = self
            .per_second
            .iter()
            .copied()
            .skip(warm_up)
            .take(seconds)
            .collect();
        windows.resize(seconds.max(1), 0);
        windows.sort_unstable();
        windows
    }
}

impl Load {
    fn new(options: &Options) -> Self {
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = started.unwrap_or_default().as_millis();
        Self {
            chance: Chance(u64::try_from(seed).unwrap_or(0)),
            flights: Vec::with_capacity(options.in_flight),
            next: 0,
            // Numbers of an earlier run in the same folder are used up.
            name: format!("{seed:x}"),
            wallets: options.wallets,
            merchants: options.merchants,
        }
    }

    fn create(&mut self, now: Instant) -> (Flight, Command) {
        let flight = Flight {
            payer: UserId(self.chance.below(self.wallets)),
            merchant: MerchantId(self.chance.rank_below(self.merchants)),
            number: self.next,
            begun: now,
            asked: now,
            created: false,
        };
        self.next += 1;
        let terms = Terms {
            amount: Fen(i64::from(self.chance.below(50_000)) + 1),
            channel: Channel::Scan,
            description: "bench".into(),
            attach: None,
            notify: None,
            expires_at: None,
            only_payer: None,
            echo: None,
        };
        let number = number(&self.name, flight.number);
        (
            flight,
            CreateOrder {
                merchant: flight.merchant,
                number,
                terms: terms.into(),
            }
            .into(),
        )
    }

    fn run(mut self, engine: &Engine, answers: &Arc<Answers>, o: &Options) -> Result<Run, Failure> {
        let mut run = Run {
            name: self.name.clone(),
            per_second: Vec::new(),
            commands: Latencies::new(),
            payments: Latencies::new(),
            sample: Vec::new(),
        };
        let sink: Arc<dyn Sink> = answers.clone();
        let begin = Instant::now();
        let end = begin + Duration::from_secs(o.warm_up + o.seconds);
        let mut commands = Vec::with_capacity(o.in_flight);
        for tag in 0..o.in_flight as u64 {
            let (flight, command) = self.create(begin);
            self.flights.push(flight);
            commands.push((command, tag));
        }
        let (mut under_way, mut come) = (o.in_flight, Vec::new());
        while under_way > 0 {
            engine.submit_many(std::mem::take(&mut commands), &sink)?;
            come.clear();
            answers.take(engine, &mut come)?;
            let now = Instant::now();
            for (tag, outcome) in come.drain(..) {
                match self.go_on(&mut run, tag, &outcome, (begin, now), now < end)? {
                    Some(command) => commands.push((command, tag)),
                    None => under_way -= 1,
                }
            }
        }
        Ok(run)
    }

    /// The next command of a payment that was answered, or the first of another one.
    fn go_on(
        &mut self,
        run: &mut Run,
        tag: u64,
        outcome: &Outcome,
        (begin, now): (Instant, Instant),
        more: bool,
    ) -> Result<Option<Command>, Failure> {
        let Outcome::Done(receipt) = outcome else {
            return Err(format!("a payment failed: {outcome:?}").into());
        };
        let slot = usize::try_from(tag)?;
        let flight = &mut self.flights[slot];
        run.commands.record(now - flight.asked);
        if !flight.created {
            (flight.created, flight.asked) = (true, now);
            let (order, payer) = (OrderId(receipt.event), flight.payer);
            return Ok(Some(
                PayOrder {
                    order,
                    payer,
                    attempt: Attempt(flight.number),
                }
                .into(),
            ));
        }
        run.payments.record(now - flight.begun);
        let second = usize::try_from((now - begin).as_secs())?;
        if run.per_second.len() <= second {
            run.per_second.resize(second + 1, 0);
        }
        run.per_second[second] += 1;
        if flight.number.is_multiple_of(10_007) {
            run.sample.push((flight.merchant, flight.number));
        }
        if !more {
            return Ok(None);
        }
        let (next, command) = self.create(now);
        self.flights[slot] = next;
        Ok(Some(command))
    }
}

/// Looks some payments up by the merchant's number, as a query would.
fn look_up(engine: &Engine, run: &Run) -> Result<serde_json::Value, Failure> {
    let store = engine.store_now();
    let mut latencies = Latencies::new();
    for (merchant, n) in &run.sample {
        let begin = Instant::now();
        let key = Key {
            scope: Scope::Orders(*merchant),
            number: number(&run.name, *n),
        };
        let (event, _) = store
            .number(&key)?
            .ok_or("an acknowledged order is not found")?;
        let story = store
            .order(OrderId(event))?
            .ok_or("an acknowledged order is not found")?;
        if story.later.is_empty() {
            return Err("an acknowledged payment is not found".into());
        }
        latencies.record(begin.elapsed());
    }
    Ok(json!({ "orders": run.sample.len(), "ms": quantiles(&latencies) }))
}
