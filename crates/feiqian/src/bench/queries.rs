//! `feiqian bench queries`: questions to the store while payments run.
//!
//! Payments come at a set rate, whether or not earlier ones are done, and so do the questions; a
//! question's time counts from when it was due, so that none hides behind a slow one before it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::{Account, Event, EventNumber, OrderId, UserId};
use feiqian_engine::Engine;
use feiqian_store::Store;
use serde_json::{Value, json};

use super::chance::Chance;
use super::latency::Latencies;
use super::load::{Pace, Run};
use super::set_up::{World, wait_for_store};
use super::{process, report};
use crate::Failure;

/// Entries of a wallet that are asked for.
const ENTRIES: usize = 20;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: World,
    /// Payments that the folder holds before; missing ones are made
    #[arg(long, default_value_t = 20_000_000)]
    stored: u64,
    /// Payments a second while asking
    #[arg(long, default_value_t = 50_000)]
    rate: u64,
    /// Orders looked up a second, by their merchants' numbers, any of those stored
    #[arg(long, default_value_t = 500)]
    orders_per_second: u32,
    /// Wallets a second whose last 20 entries are asked for, any of them
    #[arg(long, default_value_t = 200)]
    wallets_per_second: u32,
    /// Seconds to measure
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Seconds of payments before measuring
    #[arg(long, default_value_t = 20)]
    warm_up: u64,
    /// Folder to use and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let figures = report::in_folder(options.data.as_deref(), |dir| measure(options, dir))?;
    report::print(&figures, options.json);
    Ok(())
}

fn measure(options: &Options, dir: &Path) -> Result<Value, Failure> {
    let engine = options.world.open(dir)?;
    options.world.fill(&engine, options.stored)?;
    let count = u64::from(options.orders_per_second) * options.seconds;
    let keys = some_orders(engine.store_now(), usize::try_from(count)?)?;
    eprintln!("asking for {} s …", options.seconds);
    let (run, orders, wallets) = ask_while_paying(options, &engine, &keys)?;
    wait_for_store(&engine)?;
    engine.stop();
    Ok(json!({
        "machine": process::machine(),
        "wallets": options.world.wallets,
        "merchants": options.world.merchants,
        "stored_payments": options.stored,
        "payments_per_second": report::windows(&run.rates()),
        "command_submit_to_durable_ms": report::quantiles(&run.commands),
        "orders_asked": orders.count(),
        "order_by_merchant_number_ms": report::quantiles(&orders),
        "wallets_asked": wallets.count(),
        "last_20_entries_of_a_wallet_ms": report::quantiles(&wallets),
        "cpu_us_per_payment": report::per_thing(&run.cpu, run.things.count()),
        "peak_memory_bytes": process::peak_memory(),
    }))
}

/// The numbers of orders from all over the log.
fn some_orders(store: &Store, count: usize) -> Result<Vec<Key>, Failure> {
    let events = u32::try_from(store.position().0).unwrap_or(u32::MAX);
    let mut chance = Chance(1);
    let mut keys = Vec::with_capacity(count);
    for _ in 0..count.saturating_mul(100) {
        let number = EventNumber(chance.below(events).into());
        if let Some(Event::OrderCreated(order)) = store.event(number)? {
            keys.push(Key {
                scope: Scope::Orders(order.merchant),
                number: order.number,
            });
        }
        if keys.len() == count {
            return Ok(keys);
        }
    }
    Err("the folder holds too few orders to ask for".into())
}

fn ask_while_paying(
    o: &Options,
    engine: &Engine,
    keys: &[Key],
) -> Result<(Run, Latencies, Latencies), Failure> {
    let pace = Pace {
        per_second: Some(o.rate),
        warm_up: o.warm_up,
        seconds: o.seconds,
        ..Pace::default()
    };
    let asking = |rate| Asking {
        engine,
        begin: Instant::now() + Duration::from_secs(o.warm_up),
        rate,
        count: u64::from(rate) * o.seconds,
    };
    let (orders, wallets) = (asking(o.orders_per_second), asking(o.wallets_per_second));
    std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        let orders = named("ask-orders").spawn_scoped(scope, move || {
            let mut keys = keys.iter().cycle();
            orders.run(|store| keys.next().map_or(Ok(()), |key| order(store, key)))
        })?;
        let wallets = named("ask-wallets").spawn_scoped(scope, move || {
            let mut chance = Chance(2);
            wallets.run(|store| {
                let wallet = Account::Wallet(UserId(chance.below(o.world.wallets)));
                let entries = store.entries(wallet, None, ENTRIES);
                entries.map(drop).map_err(|error| error.to_string())
            })
        })?;
        let run = o.world.pay(engine, &mut o.world.payments(u64::MAX), pace)?;
        let asked = |thread: std::thread::ScopedJoinHandle<'_, Result<Latencies, String>>| {
            thread.join().map_err(|_| "a thread that asks panicked")
        };
        Ok((run, asked(orders)??, asked(wallets)??))
    })
}

/// What a merchant's query asks of the store.
fn order(store: &Store, key: &Key) -> Result<(), String> {
    let found = store.number(key).map_err(|error| error.to_string())?;
    let (event, _) = found.ok_or("a stored order is not found by its number")?;
    let story = store.order(OrderId(event));
    let story = story.map_err(|error| error.to_string())?;
    story.map(drop).ok_or("a stored order is not found".into())
}

/// Questions at a steady rate.
struct Asking<'a> {
    engine: &'a Engine,
    begin: Instant,
    rate: u32,
    count: u64,
}

impl Asking<'_> {
    /// Asks as the gateway does: once the store shows everything that is durable.
    fn run(
        self,
        mut question: impl FnMut(&Store) -> Result<(), String>,
    ) -> Result<Latencies, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let mut latencies = Latencies::new();
        for n in 0..self.count {
            let due = self.begin + Duration::from_nanos(n * 1_000_000_000 / u64::from(self.rate));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let store = runtime.block_on(self.engine.store());
            question(&*store.map_err(|error| error.to_string())?)?;
            latencies.record(due.elapsed());
        }
        Ok(latencies)
    }
}
