//! `feiqian bench payments`: what a machine sustains.
//!
//! A payment counts when its second event is durable. A fixed number of payments is under way at any
//! time; whenever a batch is answered, as many commands follow.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use feiqian_core::EventNumber;
use feiqian_engine::{Engine, Next};
use feiqian_log::Reader;
use serde_json::{Value, json};

use super::load::{Pace, Run, Window};
use super::set_up::{World, wait_for_store};
use super::{process, report};
use crate::{Failure, audit};

/// One in so many payments is looked up afterwards.
const LOOKED_UP_EACH: u64 = 10_007;
/// Growth is told from the first and the last so many seconds.
const SEGMENT: usize = 60;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: World,
    /// Seconds to measure, after the warm-up
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds of warm-up
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Go on until so many payments were made, however long it takes
    #[arg(long, default_value_t = 0)]
    payments: u64,
    /// Folder to use and keep; one with enough wallets is used as it is [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Pay the same again with so many campaigns running, and compare
    #[arg(long, value_name = "N")]
    campaigns: Option<u32>,
    /// Compare the last minute with the first, or halves of a shorter run
    #[arg(long)]
    growth: bool,
    /// Leave out the audit of the whole log at the end
    #[arg(long)]
    skip_audit: bool,
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
    eprintln!(
        "paying for {} s after {} s of warm-up …",
        options.seconds, options.warm_up
    );
    let before = (log_bytes(&engine), store_bytes(dir));
    let (first, peak) = (engine.durable().0, process::peak_memory());
    let pace = Pace {
        warm_up: options.warm_up,
        seconds: options.seconds,
        at_least: options.payments,
        ..Pace::default()
    };
    let mut without = None;
    if let Some(count) = options.campaigns {
        let mut work = options.world.payments(LOOKED_UP_EACH);
        without = Some(options.world.pay(&engine, &mut work, pace)?.rates());
        eprintln!("the same with {count} campaigns …");
        options.world.run_campaigns(&engine, count)?;
    }
    let mut work = options.world.payments(LOOKED_UP_EACH);
    let run = options.world.pay(&engine, &mut work, pace)?;
    let catch_up = catch_up(&engine)?;
    let found = work.look_up(&engine)?;
    let payments = (engine.durable().0 - first) / 2;
    let log = log_bytes(&engine);
    engine.stop();
    let after = (log, store_bytes(dir));
    let per_payment = |before: u64, after: u64| after.saturating_sub(before) / payments.max(1);
    let rates = run.rates();
    let mut figures = json!({
        "machine": process::machine(),
        "wallets": options.world.wallets,
        "merchants": options.world.merchants,
        "in_flight": options.world.in_flight,
        "durable": true,
        "payments_made": payments,
        "payments_per_second": report::windows(&rates),
        "stolen_percent_each": run.windows.iter().map(|window| window.stolen).collect::<Vec<_>>(),
        "longest_pause_ms_each": run.windows.iter().map(|window| window.pause.as_millis()).collect::<Vec<_>>(),
        "command_submit_to_durable_ms": report::quantiles(&run.commands),
        "payment_submit_to_durable_ms": report::quantiles(&run.things),
        "cpu_us_per_payment": report::per_thing(&run.cpu, run.things.count()),
        "log_bytes_per_payment": per_payment(before.0, after.0),
        "store_bytes_per_payment": per_payment(before.1, after.1),
        "peak_memory_bytes": process::peak_memory(),
        "peak_memory_after_set_up_bytes": peak,
        "store_lag_seconds": lag(&run),
        "store_catch_up_seconds": report::rounded(catch_up.as_secs_f64(), 1e3),
        "looked_up": found,
    });
    if let (Some(count), Some(without)) = (options.campaigns, without) {
        let median = report::median(&without);
        figures["campaigns"] = count.into();
        figures["payments_per_second_without"] = report::windows(&without);
        figures["percent_of_payments_per_second_without"] =
            (report::median(&rates) * 100 / median.max(1)).into();
    }
    if options.growth {
        figures["growth"] = growth(&rates);
    }
    if !options.skip_audit {
        let audited = audit::audit(&Reader::open(&dir.join("log"))?, |_| ())?;
        figures["audit"] = format!("passed, {} events", audited.totals.events).into();
    }
    Ok(figures)
}

/// How long the store takes to find the last payment.
fn catch_up(engine: &Engine) -> Result<Duration, Failure> {
    let begin = Instant::now();
    wait_for_store(engine)?;
    Ok(begin.elapsed())
}

/// How far the store was behind, in seconds at the rate of the moment: at most at the begin and at the
/// end of the run, and last.
fn lag(run: &Run) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let seconds = |window: &Window| {
        let lag = window.store_lag as f64 / window.commands.max(1) as f64;
        report::rounded(lag, 1e3)
    };
    let most = |windows: &[Window]| windows.iter().map(seconds).reduce(f64::max);
    let (windows, ten) = (&run.windows, run.windows.len().min(10));
    json!({
        "most_in_first_ten": most(&windows[..ten]),
        "most_in_last_ten": most(&windows[windows.len() - ten..]),
        "at_the_end": windows.last().map(seconds),
    })
}

/// The rate at the begin of the run beside that at its end.
fn growth(rates: &[u64]) -> Value {
    let segment = (rates.len() / 2).clamp(1, SEGMENT).min(rates.len());
    let mean = |rates: &[u64]| rates.iter().sum::<u64>() / rates.len().max(1) as u64;
    let first = mean(&rates[..segment]);
    let last = mean(&rates[rates.len() - segment..]);
    json!({
        "segment_seconds": segment,
        "first_payments_per_second": first,
        "last_payments_per_second": last,
        "last_to_first_percent": last * 100 / first.max(1),
    })
}

/// Bytes in the log, without the room that its last file has left.
fn log_bytes(engine: &Engine) -> u64 {
    let last = EventNumber(engine.durable().0.saturating_sub(1));
    match engine.feed(last).next(Duration::ZERO) {
        Next::Batch(batch) => batch.events.last().map_or(0, |(address, _)| address.0),
        Next::Nothing | Next::Ended | Next::Failed(_) => 0,
    }
}

fn store_bytes(dir: &Path) -> u64 {
    process::disk_bytes(&dir.join("store"))
}
