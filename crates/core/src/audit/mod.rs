//! The audit: every balance and invariant again, from the log alone.
//!
//! It shares the events' types with the rules and nothing else: it keeps books of its own, and says
//! for each event what its postings should have been.
//!
//! Its memory depends on how many users and merchants there are, not on how long the log is. What
//! needs the history of one order, transfer or number is checked at once while that history lies in
//! the [window](Audit::with_window), and is [put aside](Aside) otherwise: whoever reads a long log
//! takes it away to disk and brings it back in parts at the end.

mod accounts;
mod aside;
mod campaigns;
mod packets;
mod people;
mod story;
mod totals;
mod window;

#[cfg(test)]
mod tests;

use crate::event::Event;
use crate::ids::EventNumber;
use crate::ledger::Account;
use crate::money::Fen;
use crate::time::UnixMillis;

use accounts::Accounts;
use window::{Place, Window};

pub use aside::{Aside, Name, Use, first_record, used_twice};
pub use totals::Totals;

/// Events of which the orders and transfers are at hand: about 50 bytes each. With the next event it
/// is a power of two, so that it fills the memory that it takes.
pub const WINDOW_DEFAULT: usize = (1 << 20) - 1;

/// What the log contradicts itself in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event}: {what}")]
pub struct Contradiction {
    /// The first event that cannot be.
    pub event: EventNumber,
    /// Why it cannot be.
    pub what: String,
}

/// Reads events in their order, up to the first that cannot be whatever was before it.
pub struct Audit {
    next: EventNumber,
    now: UnixMillis,
    accounts: Accounts,
    window: Window,
    aside: Aside,
    totals: Totals,
    found: Option<Contradiction>,
}

impl Default for Audit {
    fn default() -> Self {
        Self::new()
    }
}

impl Audit {
    /// An audit that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::with_window(WINDOW_DEFAULT)
    }

    /// The same with another window, in events.
    #[must_use]
    pub fn with_window(events: usize) -> Self {
        Self {
            next: EventNumber(0),
            now: UnixMillis::default(),
            accounts: Accounts::default(),
            window: Window::new(events),
            aside: Aside::default(),
            totals: Totals::default(),
            found: None,
        }
    }

    /// Reads the next event.
    ///
    /// # Errors
    /// What it contradicts of what is at hand; nothing more is read then. [`finish`](Self::finish)
    /// tells whether an earlier event contradicts what was put aside.
    pub fn read(&mut self, event: &Event) -> Result<(), Contradiction> {
        self.read_named(event, Name::used_by(event))
    }

    /// The same, with the [`Name`] that the event uses up, which takes time to hash.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_named(&mut self, event: &Event, name: Option<Name>) -> Result<(), Contradiction> {
        if let Some(found) = &self.found {
            return Err(found.clone());
        }
        let number = self.next;
        if let Some(name) = name {
            let event = number;
            self.aside.uses.push(Use { name, event });
        }
        if let Err(what) = self.check(event) {
            let event = number;
            let found = self.found.insert(Contradiction { event, what });
            return Err(found.clone());
        }
        self.next = number.next();
        self.totals.events = self.next.0;
        Ok(())
    }

    fn check(&mut self, event: &Event) -> Result<(), String> {
        if matches!(event, Event::Opened(_)) != (self.next == EventNumber(0)) {
            return Err("a log is opened by its first event, and by no other".into());
        }
        if event.at() < self.now {
            return Err(format!(
                "its time {} is before the event before it",
                event.at()
            ));
        }
        self.now = event.at();
        let expected = match story::beginning(event) {
            None => Some(story::expected(self.next, event, &self.accounts)?),
            Some(began) => match self.window.find(began) {
                Place::Here(book) => Some(story::go_on(book, self.next, event, &self.accounts)?),
                Place::Never => Some(story::go_on(&mut None, self.next, event, &self.accounts)?),
                Place::Gone => {
                    self.aside.later(began, self.next, event);
                    None
                }
            },
        };
        self.accounts.check(self.next, event)?;
        if let Some(expected) = expected {
            story::expect_postings(event, &expected)?;
        }
        for posting in event.postings().map_or(&[][..], |postings| postings) {
            self.accounts.post(posting)?;
        }
        self.accounts.check_loss(event)?;
        self.totals.count(event)?;
        if let Some((began, book)) = self.window.push(story::begun(event)) {
            self.aside.leave(began, &book);
        }
        Ok(())
    }

    /// How many events it has read; the number of the next one.
    #[must_use]
    pub fn read_so_far(&self) -> EventNumber {
        self.next
    }

    /// An account's balance so far.
    #[must_use]
    pub fn balance(&self, account: Account) -> Fen {
        self.accounts.balance(account).unwrap_or_default()
    }

    /// What was put aside. Whoever takes it away checks all uses of a name together with
    /// [`used_twice`], all records of a story together and in their order with
    /// [`tell`](Self::tell), and then [`close`](Self::close)s the books.
    pub fn aside(&mut self) -> &mut Aside {
        &mut self.aside
    }

    /// Tells stories to their end: the first contradiction in these records, which are all that
    /// there are of some stories, in the order in which they were put aside.
    #[must_use]
    pub fn tell(&self, stories: &[u8]) -> Option<Contradiction> {
        aside::tell(stories, &self.accounts)
    }

    /// Closes the books, when nothing was taken away.
    ///
    /// # Errors
    /// The first contradiction in everything that was read.
    pub fn finish(&self) -> Result<Totals, Contradiction> {
        let twice = used_twice(&mut self.aside.uses.clone());
        self.close(twice.into_iter().chain(self.tell(&self.aside.stories)))
    }

    /// Closes the books: sums all accounts and compares both sides.
    ///
    /// # Errors
    /// The first contradiction, `found` in what was put aside or otherwise.
    pub fn close(
        &self,
        found: impl IntoIterator<Item = Contradiction>,
    ) -> Result<Totals, Contradiction> {
        let found = found.into_iter().chain(self.found.clone());
        if let Some(first) = found.min_by_key(|found| found.event) {
            return Err(first);
        }
        let mut totals = self.totals;
        self.accounts
            .sum(&mut totals)
            .map_err(|what| Contradiction {
                event: self.next,
                what,
            })?;
        Ok(totals)
    }
}
