//! The orders and transfers that the newest events began. Most stories end soon after they began,
//! so most are told here to their end.

use std::collections::VecDeque;

use crate::ids::EventNumber;

use super::story::Book;

pub(super) struct Window {
    /// What each of the newest events began, if it began something.
    books: VecDeque<Option<Book>>,
    /// The number of the first of them.
    first: EventNumber,
    room: usize,
}

/// Where the book of a story lies.
pub(super) enum Place<'a> {
    Here(&'a mut Option<Book>),
    /// It left the window, if it ever was.
    Gone,
    /// Nothing as late has begun yet.
    Never,
}

impl Window {
    pub fn new(room: usize) -> Self {
        Self {
            books: VecDeque::new(),
            first: EventNumber(0),
            room,
        }
    }

    pub fn find(&mut self, began: EventNumber) -> Place<'_> {
        let Some(index) = began.0.checked_sub(self.first.0) else {
            return Place::Gone;
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.books.get_mut(index).map_or(Place::Never, Place::Here)
    }

    /// Takes what the next event began; gives what had to make room for it.
    pub fn push(&mut self, book: Option<Book>) -> Option<(EventNumber, Book)> {
        self.books.push_back(book);
        if self.books.len() <= self.room {
            return None;
        }
        let began = self.first;
        self.first = began.next();
        self.books.pop_front().flatten().map(|book| (began, book))
    }
}
