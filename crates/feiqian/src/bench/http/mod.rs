//! `feiqian bench http`: what requests cost the server.
//!
//! Loads, one after the other, on a sandbox in a process of its own: orders created and then paid over
//! `/v1`, and signed queries of WeChat Pay v3 and of Alipay's classic gateway. The generator shares the cores with the server; the
//! CPU time of each is told apart.

mod client;
mod server;
mod signed;

mod alipay;
mod native;
mod wechat;

use clap::Args;
use serde_json::{Value, json};

use super::{process, report};
use crate::Failure;
use server::Server;

#[derive(Args)]
pub struct Options {
    /// Keep-alive connections that create and pay orders
    #[arg(long, default_value_t = 128)]
    connections: usize,
    /// Seconds of creating orders; then each of them is paid
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Signed queries to send, over WeChat Pay v3 and then over Alipay's classic gateway
    #[arg(long, default_value_t = 8_000)]
    queries: usize,
    /// Keep-alive connections to send them over
    #[arg(long, default_value_t = 8)]
    query_connections: usize,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let figures = report::in_folder(None, |dir| {
        let server = Server::start(dir)?;
        // One thread: the generator's CPU time is then that of its work, not of its waking.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(measure(options, &server))
    })?;
    report::print(&figures, options.json);
    Ok(())
}

async fn measure(options: &Options, server: &Server) -> Result<Value, Failure> {
    let mut figures = json!({ "machine": process::machine() });
    if options.seconds > 0 {
        let (create, pay) = native::load(server, options.connections, options.seconds).await?;
        figures["connections"] = options.connections.into();
        figures["v1_create_order"] = create;
        figures["v1_pay"] = pay;
    }
    if options.queries > 0 {
        let (queries, connections) = (options.queries, options.query_connections);
        figures["wechat_v3_query"] = wechat::load(server, queries, connections).await?;
        figures["alipay_query"] = alipay::load(server, queries, connections).await?;
    }
    Ok(figures)
}
