//! `feiqian bench refunds`: every payment given back in two parts.
//!
//! First the payments are made, then each gets its two refunds, one after the other. A refund counts
//! when it is durable. Most of the orders have left memory by then and come back from the store.

use std::path::{Path, PathBuf};

use clap::Args;
use feiqian_core::order::OrderRef;
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::{Command, EventNumber, Fen};
use serde_json::{Value, json};

use super::chance::Chance;
use super::load::{Load, Pace, Work};
use super::payment::{Numbers, Paid, fresh};
use super::set_up::{World, wait_for_store};
use super::{process, report};
use crate::Failure;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: World,
    /// Payments to make and give back
    #[arg(long, default_value_t = 5_000_000)]
    payments: u64,
    /// Stop after so many seconds of refunds, the warm-up not counted
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds of refunds before measuring
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Give back in any order, instead of that of the payments
    #[arg(long)]
    shuffled: bool,
    /// Folder to use and keep; one with enough wallets is used as it is [default: a temporary one]
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
    eprintln!("making {} payments …", options.payments);
    let mut payments = options.world.payments(1);
    let pace = Pace {
        at_least: options.payments,
        ..Pace::default()
    };
    options.world.pay(&engine, &mut payments, pace)?;
    wait_for_store(&engine)?;
    let mut paid = payments.kept;
    if options.shuffled {
        shuffle(&mut paid);
    }
    eprintln!("giving them back …");
    let in_flight = options.world.in_flight;
    let mut refunds = Refunds {
        numbers: Numbers::new(&format!("{:x}", fresh())),
        paid: paid.into_iter(),
        under_way: vec![None; in_flight],
    };
    let pace = Pace {
        in_flight,
        warm_up: options.warm_up,
        seconds: options.seconds,
        ..Pace::default()
    };
    let run = Load::new(&engine, &mut refunds, pace).run()?;
    let rates: Vec<u64> = run.windows.iter().map(|window| window.commands).collect();
    wait_for_store(&engine)?;
    engine.stop();
    Ok(json!({
        "machine": process::machine(),
        "wallets": options.world.wallets,
        "merchants": options.world.merchants,
        "in_flight": in_flight,
        "payments": options.payments,
        "shuffled": options.shuffled,
        "refunds_per_second": report::windows(&rates),
        "refund_submit_to_durable_ms": report::quantiles(&run.commands),
        "cpu_us_per_refund": report::per_thing(&run.cpu, run.commands.count()),
        "peak_memory_bytes": process::peak_memory(),
    }))
}

/// Fisher and Yates.
fn shuffle(paid: &mut [Paid]) {
    let mut chance = Chance(1);
    for last in (1..paid.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        paid.swap(last, chance.below(bound) as usize);
    }
}

/// A payment that is being given back.
#[derive(Clone, Copy)]
struct Under {
    paid: Paid,
    again: bool,
}

struct Refunds {
    numbers: Numbers,
    paid: std::vec::IntoIter<Paid>,
    under_way: Vec<Option<Under>>,
}

impl Refunds {
    /// The first part is a third, the second the rest.
    fn refund(&mut self, Under { paid, again }: Under) -> Command {
        let third = Fen(paid.amount.0 / 3);
        let amount = if again {
            Fen(paid.amount.0 - third.0)
        } else {
            third
        };
        RefundOrder {
            merchant: paid.merchant,
            number: self.numbers.number(paid.n * 2 + u64::from(again)),
            order: OrderRef::Id(paid.order),
            amount,
            order_amount: paid.amount,
            reason: None,
            notify: None,
        }
        .into()
    }
}

impl Work for Refunds {
    fn begin(&mut self, slot: usize) -> Option<Command> {
        // Less than three fen have no three parts.
        let paid = self.paid.find(|paid| paid.amount.0 >= 3)?;
        let under = Under { paid, again: false };
        self.under_way[slot] = Some(under);
        Some(self.refund(under))
    }

    fn go_on(&mut self, slot: usize, _: EventNumber) -> Option<Command> {
        let under = self.under_way[slot].take().filter(|under| !under.again)?;
        let under = Under {
            again: true,
            ..under
        };
        self.under_way[slot] = Some(under);
        Some(self.refund(under))
    }
}
