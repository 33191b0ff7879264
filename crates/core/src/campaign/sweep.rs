//! Sweep: lets go of what time has made useless. A timer asks for it, once a minute if there is anything.
//!
//! Coupons whose end has come, and payments that were made 30 days ago; at most [`SWEEP_MAX`] of each. Ledger: none.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::Campaigns;
use crate::command::{Decision, refusals};
use crate::limits::SWEEP_MAX;
use crate::state::State;
use crate::time::UnixMillis;

/// Between two sweeps.
const EVERY_MS: i64 = 60_000;

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep;

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Swept {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
}

refusals! {
    /// Nothing to let go of, or it was swept a moment ago.
    NotDue = "there is nothing to sweep",
}

impl Sweep {
    #[allow(clippy::unnecessary_wraps, reason = "all commands fetch alike")]
    pub(crate) fn fetch(&self, _: &mut State, _: &dyn Archive) -> Result<(), ArchiveError> {
        Ok(())
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, _: &Sweep) -> Decision<Swept, Refusal> {
    if state.sweep_due().is_some_and(|due| due <= now) {
        Decision::Accept(Swept { at: now })
    } else {
        Decision::Refuse(Refusal::NotDue)
    }
}

/// Applies it.
pub fn evolve(state: &mut State, event: &Swept) {
    state.shoppers.retire(event.at, SWEEP_MAX);
    state.campaigns.sweep(event.at, SWEEP_MAX);
    if state.sweepable_from().is_none_or(|from| from > event.at) {
        state.campaigns.swept = event.at;
    }
}

impl State {
    /// Since when there has been something to sweep.
    fn sweepable_from(&self) -> Option<UnixMillis> {
        let coupons = self.campaigns.first_end();
        self.shoppers.old_from().into_iter().chain(coupons).min()
    }

    /// When to sweep next.
    pub(crate) fn sweep_due(&self) -> Option<UnixMillis> {
        let from = self.sweepable_from()?;
        Some(from.max(self.campaigns.swept.plus(EVERY_MS)))
    }
}

impl Campaigns {
    /// When the first coupon ends.
    fn first_end(&self) -> Option<UnixMillis> {
        let firsts = self.ends.values().filter_map(|ends| ends.front());
        firsts
            .filter_map(|id| self.coupons.get(*id))
            .map(|coupon| coupon.until)
            .min()
    }

    fn sweep(&mut self, now: UnixMillis, most: usize) {
        let mut left = most;
        let mut over = Vec::new();
        for ends in self.ends.values_mut() {
            while left > 0
                && let Some(id) = ends.front().copied()
                && self
                    .coupons
                    .get(id)
                    .is_none_or(|coupon| coupon.until <= now)
            {
                ends.pop_front();
                over.push(id);
                left = left.saturating_sub(1);
            }
        }
        self.ends.retain(|_, ends| !ends.is_empty());
        over.into_iter().for_each(|id| self.forget_coupon(id));
    }
}
