//! Bugs on purpose, so that the simulator can show that it finds them. Not in any build that is shipped:
//! only the feature `planted` compiles them.

use std::cell::Cell;

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
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
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
