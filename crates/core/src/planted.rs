//! Bugs on purpose, so that the simulator can show that it finds them. Not in any build that is shipped:
//! only the feature `planted` compiles them.

use std::cell::{Cell, RefCell};

use crate::ids::CampaignId;
use crate::money::Fen;
use crate::state::{State, index};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// What a merchant gives back comes to the wallet twice.
    DoubleCredit,
    /// A frozen or closed user pays.
    SkippedRefusal,
    /// An order expires twice.
    TimerTwice,
    /// The newest run of the store is not asked for numbers.
    StaleIndex,
    /// A campaign's ceiling is checked against what was left before the batch.
    CeilingBeforeBatch,
    /// What a refund took of a waiting rebate reaches the wallet all the same.
    RebateTwice,
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    /// What each campaign had left when the batch began.
    static LEFT: RefCell<Vec<Fen>> = const { RefCell::new(Vec::new()) };
}

/// Plants a bug on this thread, in place of the one before.
pub fn set(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this bug is planted on this thread.
#[must_use]
pub fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// A batch begins with this state.
pub fn begin_batch(state: &State) {
    if is(Bug::CeilingBeforeBatch) {
        LEFT.set(state.campaigns().map(|(_, row)| row.left()).collect());
    }
}

/// What a campaign has left, as far as the bug lets it be seen.
pub(crate) fn left(id: CampaignId, left: Fen) -> Fen {
    if !is(Bug::CeilingBeforeBatch) {
        return left;
    }
    LEFT.with_borrow(|before| before.get(index(id.0)).copied().unwrap_or(left))
}
