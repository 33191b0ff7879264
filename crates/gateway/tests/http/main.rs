//! Everything that is served, asked over HTTP, with a real engine behind it.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![allow(clippy::too_many_lines, reason = "a test is a story told once")]

mod hand;
mod world;

mod alipay;
mod alipay_v3;
mod apps;
mod bank;
mod campaigns;
mod codes;
mod desk;
mod flow;
mod numbers;
mod passkeys;
mod refusals;
mod reports;
mod roles;

mod limits;
mod pages;
mod server;
mod till;
mod wallet;
