//! The edges: HTTP in, commands out; verify, translate, answer, never decide.
//!
//! Reading order: [`platform`] (what every edge shares), [`server`] (what is in front of them all),
//! then the edges: [`v1`], [`wechat`], [`wechat_v2`], [`alipay`], what the apps ask ([`app`]), the pages for people ([`link`]), [`notify`] (what merchants are told), and what only a sandbox has.

pub mod access;
pub mod limiter;
pub mod platform;

pub mod health;
pub mod server;

pub mod live;

pub mod campaigns;
pub mod desk;

pub mod pdf;

pub mod codes;
pub mod paycode;

pub mod alipay;
pub mod v1;
pub mod wechat;
pub mod wechat_v2;

pub mod app;
pub mod link;
pub mod web;

pub mod notify;

pub mod reports;

pub mod bank;
pub mod sandbox;
