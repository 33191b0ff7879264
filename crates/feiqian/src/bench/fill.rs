//! `feiqian bench fill`: a folder for the other benchmarks.

use std::path::PathBuf;

use clap::Args;

use super::set_up::World;
use crate::Failure;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: World,
    /// Payments that the folder shall hold
    #[arg(long, default_value_t = 20_000_000)]
    payments: u64,
    /// Folder to fill; what it holds already is kept and counts
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let engine = options.world.open(&options.data)?;
    options.world.fill(&engine, options.payments)?;
    engine.stop();
    crate::say!("{} events", engine.durable());
    Ok(())
}
