//! The sandbox bank: play money, and every answer that a bank may give, chosen by the amount.
//!
//! What it says follows from the order and the time alone, so that it is the same bank after a restart.
//! In production there is none: a real bank answers.

use std::future::pending;
use std::io;
use std::time::Duration;

use feiqian_core::{Fen, UnixMillis};
use tokio::time::sleep;

use super::clerk::{Clerk, Pauses};
use super::{Bank, Order, Reply};
use crate::platform::{Platform, unix_millis};

/// How long it thinks.
const DELAY: Duration = Duration::from_millis(300);
/// How long a slow transfer takes.
pub const SLOW_MS: i64 = 10_000;
/// How long it cannot be reached about a transfer whose answer was lost.
pub const UNKNOWN_MS: i64 = 5_000;
/// How long a request is lost on its way.
pub const LOST_MS: i64 = 3_000;
/// How long an outage is.
pub const OUTAGE_MS: i64 = 600_000;

/// What will happen to a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Done in a moment.
    Done,
    /// Declined in a moment.
    Declined,
    /// The bank says that it works on it, and does it after [`SLOW_MS`].
    Slow,
    /// Done, but nobody is told before [`UNKNOWN_MS`].
    UnknownThenDone,
    /// Declined, but nobody is told before [`UNKNOWN_MS`].
    UnknownThenDeclined,
    /// The request is lost for [`LOST_MS`]; asked anew, the bank does it.
    Lost,
    /// Nobody is told anything for [`OUTAGE_MS`]. Then it was done.
    Outage,
}

impl Fate {
    /// By the amount's last two digits.
    #[must_use]
    pub fn of(amount: Fen) -> Self {
        match amount.0.rem_euclid(100) {
            44 => Self::Declined,
            45 => Self::Slow,
            46 => Self::UnknownThenDone,
            47 => Self::UnknownThenDeclined,
            48 => Self::Lost,
            49 => Self::Outage,
            _ => Self::Done,
        }
    }

    /// What the bank says to the request, `age` milliseconds after the user's.
    fn asked(self, age: i64) -> Reply {
        match self {
            Self::Done => Reply::Done,
            Self::Declined => Reply::Declined,
            Self::Slow => Reply::Working,
            Self::Lost if age >= LOST_MS => Reply::Done,
            Self::UnknownThenDone | Self::UnknownThenDeclined | Self::Lost | Self::Outage => {
                Reply::Silence
            }
        }
    }

    /// What it says when asked again.
    fn found(self, age: i64) -> Reply {
        match self {
            Self::Done => Reply::Done,
            Self::Declined => Reply::Declined,
            Self::Slow if age >= SLOW_MS => Reply::Done,
            Self::Slow => Reply::Working,
            Self::UnknownThenDone if age >= UNKNOWN_MS => Reply::Done,
            Self::UnknownThenDeclined if age >= UNKNOWN_MS => Reply::Declined,
            Self::Outage if age >= OUTAGE_MS => Reply::Done,
            Self::Lost => Reply::NeverHeard,
            Self::UnknownThenDone | Self::UnknownThenDeclined | Self::Outage => Reply::Silence,
        }
    }
}

fn age(at: UnixMillis) -> i64 {
    unix_millis().0.saturating_sub(at.0)
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct SandboxBank(());

impl SandboxBank {
    /// Starts it, with a clerk that asks it.
    ///
    /// # Panics
    /// In production.
    pub fn start(platform: &Platform) -> io::Result<Clerk> {
        assert!(
            platform.is_sandbox(),
            "the sandbox bank gives away money of play only"
        );
        Clerk::start(platform, Self(()), Pauses::default())
    }
}

impl Bank for SandboxBank {
    async fn ask(&self, order: Order) -> Reply {
        sleep(DELAY).await;
        match Fate::of(order.amount).asked(age(order.at)) {
            Reply::Silence => pending().await,
            said @ (Reply::Done | Reply::Declined | Reply::Working | Reply::NeverHeard) => said,
        }
    }

    async fn query(&self, order: Order) -> Reply {
        Fate::of(order.amount).found(age(order.at))
    }
}

#[cfg(test)]
mod tests {
    use super::Reply::*;
    use super::*;

    #[test]
    fn fates_by_amount() {
        for (fen, asked, found_early, found_late) in [
            (1_000, Done, Done, Done),
            (1_044, Declined, Declined, Declined),
            (45, Working, Working, Done),
            (1_046, Silence, Silence, Done),
            (1_047, Silence, Silence, Declined),
            (1_048, Silence, NeverHeard, NeverHeard),
            (1_049, Silence, Silence, Done),
        ] {
            let fate = Fate::of(Fen(fen));
            assert_eq!(fate.asked(0), asked, "{fen}");
            assert_eq!(fate.found(0), found_early, "{fen}");
            assert_eq!(fate.found(OUTAGE_MS), found_late, "{fen}");
        }
        assert_eq!(Fate::of(Fen(48)).asked(LOST_MS), Done);
    }
}
