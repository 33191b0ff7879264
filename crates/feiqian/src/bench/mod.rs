//! `feiqian bench`: measurements, each with the command that repeats it.

mod http;
mod payments;
mod set_up;

mod latency;
mod process;

use clap::Subcommand;

use crate::Failure;

#[derive(Subcommand)]
pub enum Command {
    /// Orders created and paid, durable, through the real engine, log and store in this process.
    Payments(payments::Options),
    /// What one signed WeChat Pay v3 query costs the server, beside the cryptography alone.
    Http(http::Options),
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Payments(options) => payments::run(options),
        Command::Http(options) => http::run(options),
    }
}
