//! `feiqian audit`: the books again, from the log alone.

use std::path::PathBuf;

use clap::Args;
use feiqian_core::Event;
use feiqian_core::audit::{Audit, Totals};
use feiqian_log::{Chain, Position, Reader, Verify};
use serde_json::json;

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
    let mut cursor = reader.batches_from(Position(0), Verify::Chain)?;
    while let Some(batch) = cursor.next_batch()? {
        for stored in batch.events() {
            let event: Event = minicbor::decode(stored.bytes)
                .map_err(|error| format!("event {} cannot be read: {error}", stored.position.0))?;
            audit.read(&event)?;
        }
        progress(batch.end.0);
    }
    let torn = cursor.torn_tail().map_or(0, |cut| cut.bytes);
    Ok(Audited {
        totals: audit.finish()?,
        chain: cursor.chain(),
        torn,
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
        "chain": audited.chain.to_string(),
        "torn_bytes": audited.torn,
    })
}
