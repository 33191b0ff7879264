//! `feiqian bench`: measurements, each with the command that repeats it.

mod audit;
mod fill;
mod http;
mod payments;
mod queries;
mod redpackets;
mod refunds;
mod restart;

mod answers;
mod campaigns;
mod chance;
mod latency;
mod load;
mod payment;
mod process;
mod report;
mod set_up;

use clap::Subcommand;

use crate::Failure;

#[derive(Subcommand)]
pub enum Command {
    /// Orders created and paid, durable, through the real engine, log and store in this process.
    Payments(payments::Options),
    /// Payments made, then each given back in two parts.
    Refunds(refunds::Options),
    /// Shares taken from a stream of red packets.
    Redpackets(redpackets::Options),
    /// Questions to the store while payments run.
    Queries(queries::Options),
    /// How soon the engine is ready again, after an orderly stop and after `kill -9` under load.
    Restart(restart::Options),
    /// Every balance and rule again, from the log alone: how fast, and in how much memory.
    Audit(audit::Options),
    /// What requests cost the server: payments over `/v1`, and signed WeChat Pay v3 queries beside the
    /// cryptography alone.
    Http(http::Options),
    /// Fills a folder for the other benchmarks: wallets, merchants and payments, then an orderly stop.
    Fill(fill::Options),
    /// Opens a folder, says so, and pays until it is killed: what `restart` measures.
    #[command(hide = true)]
    Start(restart::Start),
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Payments(options) => payments::run(options),
        Command::Refunds(options) => refunds::run(options),
        Command::Redpackets(options) => redpackets::run(options),
        Command::Queries(options) => queries::run(options),
        Command::Restart(options) => restart::run(options),
        Command::Audit(options) => audit::run(options),
        Command::Http(options) => http::run(options),
        Command::Fill(options) => fill::run(options),
        Command::Start(options) => restart::start(options),
    }
}
