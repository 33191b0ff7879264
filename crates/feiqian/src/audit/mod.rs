//! `feiqian audit`: the books again, from the log alone.
//!
//! The log is read once, on several threads. What the audit puts aside goes to temporary files and
//! comes back in parts, so that memory does not depend on how long the log is.

pub mod pipeline;
mod shelves;

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use feiqian_core::audit::{Audit, Totals};
use feiqian_log::{Chain, Reader};
use serde_json::json;

use shelves::PutAside;

use crate::{Failure, folder};

#[derive(Args)]
pub struct Options {
    /// Data folder to audit; a server may be running on it
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Print the totals as JSON, amounts in fen
    #[arg(long)]
    json: bool,
}

/// What an audit found.
pub struct Audited {
    pub totals: Totals,
    /// Hash over every byte of every event, and their order.
    pub chain: Chain,
    /// Bytes of an append that did not end, if there are any.
    pub torn: u64,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let dir = options.data.join("log");
    if !dir.is_dir() {
        let data = options.data.display();
        return Err(format!("{data} is no data folder of Feiqian: it has no log").into());
    }
    let reader = Reader::open(&dir)?;
    let bar = folder::bar("auditing");
    let audited = audit(&reader, |events| bar.set_position(events))?;
    bar.finish_and_clear();
    if options.json {
        crate::say!("{}", as_json(&audited));
    } else {
        crate::say!("{}", audited.totals);
        crate::say!("chain {}", audited.chain);
        if audited.torn > 0 {
            crate::say!(
                "the last append did not end: {} bytes of it are not counted",
                audited.torn
            );
        }
        crate::say!("audit passed: debits equal credits, every rule held");
    }
    Ok(())
}

/// Reads the whole log, checking frames, chain and every rule.
pub fn audit(reader: &Reader, mut progress: impl FnMut(u64)) -> Result<Audited, Failure> {
    let mut audit = Audit::new();
    let mut aside = PutAside::new();
    let mut kept = Ok(());
    let read = pipeline::read(reader, |events: pipeline::Events| {
        for (event, name) in events.iter() {
            // The audit remembers what it found: something earlier may be found at the end.
            if audit.read_named(event, name).is_err() {
                return ControlFlow::Break(());
            }
        }
        kept = aside.keep(audit.aside());
        progress(audit.read_so_far().0);
        match kept {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    let kept = kept.and_then(|()| aside.keep(audit.aside()));
    let found = kept.and_then(|()| aside.check(&audit)).map_err(|error| {
        let folder = std::env::temp_dir();
        format!(
            "cannot use the temporary folder {}: {error}",
            folder.display()
        )
    })?;
    let sound = audit.read_so_far();
    let totals = audit.close(found)?;
    let end = read.map_err(|failure| {
        let why = crate::with_causes(&*failure);
        format!("{why}; the {sound} events before it are sound")
    })?;
    Ok(Audited {
        totals,
        chain: end.chain,
        torn: end.torn,
    })
}

fn as_json(audited: &Audited) -> serde_json::Value {
    let t = &audited.totals;
    json!({
        "events": t.events,
        "users": t.users,
        "merchants": t.merchants,
        "orders": t.orders,
        "payments": t.payments,
        "paid": t.paid.0,
        "refunds": t.refunds,
        "refunded": t.refunded.0,
        "pending_transfers": t.pending_transfers,
        "bank_reserve": t.bank_reserve.0,
        "wallets": t.wallets.0,
        "merchant_balances": t.merchant_balances.0,
        "transit": t.transit.0,
        "fee_income": t.fee_income.0,
        "capital": t.capital.0,
        "campaign_funds": t.campaign_funds.0,
        "pending_rebates": t.pending_rebates.0,
        "subsidies": t.subsidies.0,
        "rebate_losses": t.rebate_losses.0,
        "chain": audited.chain.to_string(),
        "torn_bytes": audited.torn,
    })
}
