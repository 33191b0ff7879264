//! What operators run the platform by, besides the rules: who may do what, what waits for a second one,
//! shops that apply, and the trail of it all. It lies in the vault.

pub mod operators;

pub mod applications;
pub mod approvals;
pub mod trail;

/// What it keeps while the server runs.
#[derive(Default)]
pub struct Desk {
    /// Operators seen so far.
    pub operators: operators::Operators,
    /// The trail's end.
    pub trail: trail::Trail,
    /// One decision about an approval or an application at a time.
    pub deciding: tokio::sync::Mutex<()>,
    /// One backtest at a time.
    pub backtesting: tokio::sync::Mutex<()>,
}
