//! `feiqian campaign backtest`: what a draft would have cost, and whom it would have reached, had it run.
//!
//! Past payments are asked one by one whether the draft would have given them something, beside the campaigns
//! that ran then. Nothing is written.

mod draft;

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use feiqian_core::Event;
use feiqian_core::campaign::backtest::Backtest;
use feiqian_core::time::Day;
use feiqian_gateway::campaigns::tally::Tally;

use crate::audit::pipeline;
use crate::report::{day, offline, table};
use crate::{Failure, folder};

#[derive(Args)]
pub struct Options {
    /// The draft, as JSON: what POST /v1/campaigns takes
    #[arg(value_name = "FILE")]
    draft: PathBuf,
    /// First day on which it would have run, as 2026-01-31
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Day,
    /// Last day
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Day,
    /// Data folder with the past payments; a server may be running on it
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Print JSON, amounts in fen
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let draft = draft::read(&options.draft)?;
    let (from, until) = (options.from.start(), options.to.plus(1).start());
    if until <= from {
        return Err("the last day is before the first".into());
    }
    let mut backtest = Backtest::new(draft.terms, draft.budget, from, until)
        .map_err(|flaw| format!("{}: {flaw}", options.draft.display()))?;
    let reader = offline::log(&options.data)?;
    let bar = folder::bar("asking past payments");
    let (mut tally, mut events) = (Tally::new(draft.budget, from, until), 0_u64);
    let read = pipeline::read(&reader, |read: Vec<Event>| {
        for event in &read {
            tally.add(event, backtest.read(event));
        }
        events += u64::try_from(read.len()).unwrap_or(u64::MAX);
        bar.set_position(events);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    read.map_err(|failure| crate::with_causes(&*failure))?;
    if options.json {
        crate::say!("{}", tally.json());
    } else {
        crate::say!("{}\n{}", table::of(&tally.csv())?, tally.words());
    }
    Ok(())
}
