//! The one binary of Feiqian.

/// Prints a line. A reader that went away (`| head`) is no reason to fail.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        drop(writeln!(std::io::stdout(), $($text)*));
    }};
}
pub(crate) use say;

mod audit;
mod backtest;
mod backup;
mod bench;
mod campaign;
mod demo;
mod folder;
mod report;
mod restore;
mod seed;
mod serve;
mod shopper;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Events are made on one thread and let go on another, which it is made for (docs/BENCHMARKS.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A mobile payment platform that you run yourself: wallets, merchants, QR and code payments,
/// refunds, on one durable log. Merchants' WeChat Pay SDKs work against it by changing the base URL.
#[derive(Parser)]
#[command(name = "feiqian", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a sandbox with brands, merchants, shoppers and play money.
    ///
    /// A fresh folder is filled; an old one goes on where it was. Stop it with Ctrl-C.
    Demo(demo::Options),
    /// Serve in production, as a configuration file says.
    Serve(serve::Options),
    /// Pay an order as a shopper of a sandbox.
    ///
    /// Prints one line. Exits with 1 and the reason when the payment is refused.
    Pay(shopper::PayOptions),
    /// Print a fresh pay code of a sandbox's shopper: 18 digits, as the last word.
    Paycode(shopper::PayCodeOptions),
    /// Make and run campaigns of a server: discounts, coupons, rebates.
    #[command(subcommand)]
    Campaign(campaign::Command),
    /// Compute every balance and check every rule again, from the log alone.
    ///
    /// Works while the server runs. Exits with 1 and the first contradiction if there is one. Memory
    /// is for users and merchants, not for the log's length: what must wait for the end takes about
    /// 30 bytes of temporary disk an event (and its own size once more for an event that goes on
    /// with an order of a million events ago), in the folder that TMPDIR names.
    Audit(audit::Options),
    /// Copy a data folder to another disk, also while the server runs; later only what is new.
    Backup(backup::Options),
    /// Make a data folder from a backup, and audit it.
    ///
    /// Exits with 1 and the file's name when a file of the backup is not what was copied.
    Restore(restore::Options),
    /// Fee income, subsidy, profit, market share, and what campaigns did.
    #[command(subcommand)]
    Report(report::Command),
    /// Measure this machine. Not a test: the figures say what they were measured with.
    #[command(subcommand)]
    Bench(bench::Command),
}

/// What went wrong, for a person: what happened and what to do next.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("FEIQIAN_LOG")
                .unwrap_or_else(|_| "warn,feiqian=info".into()),
        )
        .init();
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("feiqian: the cryptography of this build cannot be used");
        return ExitCode::FAILURE;
    }
    let result = match arguments.command {
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Pay(options) => shopper::pay(&options),
        Command::Paycode(options) => shopper::pay_code(&options),
        Command::Campaign(command) => campaign::run(&command),
        Command::Audit(options) => audit::run(&options),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => restore::run(&options),
        Command::Report(command) => report::run(&command),
        Command::Bench(command) => bench::run(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("feiqian: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        // Some errors repeat their cause in their own words.
        if !text.contains(&next.to_string()) {
            text = format!("{text}: {next}");
        }
        cause = next.source();
    }
    text
}
