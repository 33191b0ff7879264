//! `feiqian campaign`: make and run campaigns of a server, over the native API.

mod client;
mod print;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::Failure;
use client::Client;

#[derive(Subcommand)]
pub enum Command {
    /// List all campaigns, newest first.
    List(ListOptions),
    /// Show a campaign with its terms.
    Show(OneOptions),
    /// Add a campaign as a draft, from a file with budget and terms as docs/CAMPAIGNS.md shows them.
    Create(CreateOptions),
    /// Approve a draft: another operator than the one who added it must.
    Approve(OneOptions),
    /// Start an approved campaign.
    Start(OneOptions),
    /// Pause a running campaign.
    Pause(OneOptions),
    /// Resume a paused campaign.
    Resume(OneOptions),
    /// End a campaign for good.
    End(OneOptions),
    /// Change a campaign's budget, if it is still what you believe.
    Budget(BudgetOptions),
    /// Tell what a draft would have cost and reached, from past payments. Nothing is written.
    Backtest(crate::backtest::Options),
    /// Tell what an order would cost a sandbox's shopper now, and why. Nothing happens.
    Quote(QuoteOptions),
}

/// Which server, and who asks.
#[derive(Args)]
pub struct Server {
    /// Base URL of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Operator {
    #[command(flatten)]
    server: Server,
    /// Which operator of the credentials asks; if not said, the first
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// File with the credentials that `feiqian demo` writes
    #[arg(long, value_name = "FILE", default_value = "credentials.json")]
    credentials: PathBuf,
    /// File with nothing but an operator's key, instead: `operator.key` of a data folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["credentials", "operator"])]
    key_file: Option<PathBuf>,
}

#[derive(Args)]
pub struct ListOptions {
    #[command(flatten)]
    who: Operator,
}

#[derive(Args)]
pub struct OneOptions {
    /// The campaign's id (cmp_0)
    #[arg(value_name = "ID")]
    campaign: String,
    #[command(flatten)]
    who: Operator,
}

#[derive(Args)]
pub struct CreateOptions {
    /// JSON with budget and terms
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Number of this request: the same one adds the same campaign. If not said, a new one
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    #[command(flatten)]
    who: Operator,
}

#[derive(Args)]
pub struct BudgetOptions {
    /// The campaign's id (cmp_0)
    #[arg(value_name = "ID")]
    campaign: String,
    /// What the budget is, in fen
    #[arg(long, value_name = "FEN")]
    from: i64,
    /// What it shall be, in fen
    #[arg(long, value_name = "FEN")]
    to: i64,
    #[command(flatten)]
    who: Operator,
}

#[derive(Args)]
pub struct QuoteOptions {
    /// The order's id (ord_17)
    #[arg(value_name = "ORDER")]
    order: String,
    /// The shopper: a handle (mei), a Chinese name or a Latin one
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    #[command(flatten)]
    server: Server,
}

pub fn run(command: &Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(ask(command))
}

async fn ask(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(options) => list(&options.who).await,
        Command::Show(options) => {
            let path = format!("/v1/campaigns/{}", options.campaign);
            let shown = Client::of(&options.who)?.get(&path).await?;
            print::answer(&options.who.server, &shown, print::campaign);
            Ok(())
        }
        Command::Create(options) => create(options).await,
        Command::Backtest(options) => crate::backtest::run(options),
        Command::Approve(options) => step(options, "approve").await,
        Command::Start(options) => step(options, "start").await,
        Command::Pause(options) => step(options, "pause").await,
        Command::Resume(options) => step(options, "resume").await,
        Command::End(options) => step(options, "end").await,
        Command::Budget(options) => {
            let path = format!("/v1/campaigns/{}/budget", options.campaign);
            let body = json!({ "from": options.from, "to": options.to });
            let changed = Client::of(&options.who)?.post(&path, None, &body).await?;
            print::answer(&options.who.server, &changed, print::budget);
            Ok(())
        }
        Command::Quote(options) => {
            let client = Client::shopper(&options.server, &options.name).await?;
            let path = format!("/v1/orders/{}/quote", options.order);
            let quote = client.post(&path, None, &json!({})).await?;
            print::answer(&options.server, &quote, print::quote);
            Ok(())
        }
    }
}

async fn list(who: &Operator) -> Result<(), Failure> {
    let client = Client::of(who)?;
    let mut path = "/v1/campaigns?limit=100".to_owned();
    loop {
        let page = client.get(&path).await?;
        for campaign in page["data"].as_array().into_iter().flatten() {
            print::answer(&who.server, campaign, print::line);
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            return Ok(());
        };
        path = format!("/v1/campaigns?limit=100&cursor={cursor}");
    }
}

async fn create(options: &CreateOptions) -> Result<(), Failure> {
    let file = options.file.display();
    let text =
        std::fs::read_to_string(&options.file).map_err(|error| format!("{file}: {error}"))?;
    let body: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
    let number = options.number.as_deref();
    let client = Client::of(&options.who)?;
    let added = client.post("/v1/campaigns", number, &body).await?;
    print::answer(&options.who.server, &added, print::line);
    Ok(())
}

async fn step(options: &OneOptions, step: &str) -> Result<(), Failure> {
    let path = format!("/v1/campaigns/{}/{step}", options.campaign);
    let client = Client::of(&options.who)?;
    let stepped = client.post(&path, None, &json!({})).await?;
    print::answer(&options.who.server, &stepped, print::line);
    Ok(())
}
