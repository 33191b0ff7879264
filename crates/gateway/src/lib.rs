//! The edges: HTTP in, commands out; verify, translate, answer, never decide.

pub mod access;
pub mod limiter;
pub mod pay_codes;
pub mod platform;

pub mod wechat;
