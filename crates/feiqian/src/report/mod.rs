//! `feiqian report`: income, market share, campaigns; of a running server, or of a folder's log.

mod ask;
pub mod offline;
pub mod table;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use feiqian_core::time::Day;
use feiqian_core::{BrandId, CampaignId};
use feiqian_gateway::reports::tables::{self, Asked};
use feiqian_gateway::v1::fields::{BrandRef, CampaignRef};
use feiqian_reports::{By, Span};

use crate::Failure;

#[derive(Subcommand)]
pub enum Command {
    /// Fee income, subsidy and profit, by period and brand.
    Income(IncomeOptions),
    /// Who pays with which brand: volume, users, new users and what they cost.
    Share(IncomeOptions),
    /// What a campaign cost, whom it reached, and what it changed.
    Campaign(CampaignOptions),
}

#[derive(Args)]
pub struct IncomeOptions {
    /// One brand only, as brd_0
    #[arg(long, value_name = "BRAND", value_parser = brand)]
    brand: Option<BrandId>,
    /// What rows are made by
    #[arg(long, value_enum, default_value = "month")]
    by: Period,
    /// First day, as 2026-01-31; the whole period that holds it is shown
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Day>,
    /// Last day; the whole period that holds it is shown
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<Day>,
    #[command(flatten)]
    source: Source,
}

#[derive(Args)]
pub struct CampaignOptions {
    /// The campaign, as cmp_0
    #[arg(value_name = "ID", value_parser = campaign)]
    id: CampaignId,
    #[command(flatten)]
    source: Source,
}

#[derive(Args)]
pub struct Source {
    /// Base URL of the server to ask
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        conflicts_with = "data"
    )]
    server: String,
    /// File with the operator's key for the server; else the environment variable FEIQIAN_OPERATOR_KEY has it
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    key_file: Option<PathBuf>,
    /// Read this data folder's log instead; no server need run on it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON, amounts in fen
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV, amounts in fen
    #[arg(long)]
    csv: bool,
    /// Which table of the report; JSON has all
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Period {
    Day,
    Month,
    Quarter,
    Year,
}

/// A report that was asked for.
pub enum Question {
    Income(Asked),
    Share(Asked),
    Campaign(CampaignId),
}

/// The form in which it is wanted.
pub enum Form {
    Json,
    Csv(Option<String>),
}

fn brand(text: &str) -> Result<BrandId, String> {
    let id = text.parse::<BrandRef>();
    id.map(|id| id.0).map_err(|error| error.to_string())
}

fn campaign(text: &str) -> Result<CampaignId, String> {
    let id = text.parse::<CampaignRef>();
    id.map(|id| id.0).map_err(|error| error.to_string())
}

/// For other commands that take days.
pub fn day(text: &str) -> Result<Day, String> {
    tables::read_day(text).ok_or_else(|| "a day is written as 2026-01-31".into())
}

pub fn run(command: &Command) -> Result<(), Failure> {
    let (question, source) = match command {
        Command::Income(options) => (Question::Income(options.asked()), &options.source),
        Command::Share(options) => (Question::Share(options.asked()), &options.source),
        Command::Campaign(options) => (Question::Campaign(options.id), &options.source),
    };
    let form = if source.json {
        Form::Json
    } else {
        Form::Csv(source.table.clone())
    };
    let text = match &source.data {
        Some(data) => offline::report(data, &question, &form)?,
        None => ask::report(source, &question, &form)?,
    };
    if source.json || source.csv {
        crate::say!("{}", text.trim_end());
    } else {
        crate::say!("{}", table::of(&text)?);
    }
    Ok(())
}

impl IncomeOptions {
    fn asked(&self) -> Asked {
        Asked {
            by: match self.by {
                Period::Day => By::Day,
                Period::Month => By::Month,
                Period::Quarter => By::Quarter,
                Period::Year => By::Year,
            },
            span: Span {
                from: self.from,
                to: self.to,
            },
            brand: self.brand,
        }
    }
}
