//! `feiqian bench audit`: the audit's speed and memory.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use feiqian_log::Reader;
use serde_json::json;

use super::{process, report};
use crate::{Failure, audit};

#[derive(Args)]
pub struct Options {
    /// Data folder to audit; `feiqian bench fill` makes one
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let reader = Reader::open(&options.data.join("log"))?;
    let begin = Instant::now();
    let totals = audit::audit(&reader, |_| ())?.totals;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu: f64 = process::cpu_by_thread().values().sum();
    #[allow(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let events = totals.events as f64;
    let figures = json!({
        "machine": process::machine(),
        "events": totals.events,
        "users": totals.users,
        "payments": totals.payments,
        "seconds": report::rounded(seconds, 1e3),
        "cpu_seconds": report::rounded(cpu, 1e2),
        "events_per_second": (events / seconds).round(),
        "peak_memory_bytes": process::peak_memory(),
    });
    report::print(&figures, options.json);
    Ok(())
}
