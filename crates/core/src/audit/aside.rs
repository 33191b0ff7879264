//! What an audit cannot check at once and puts aside: each name that was used, and the stories that
//! go on after they left the window.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use minicbor::Encode;

use crate::event::Event;
use crate::ids::EventNumber;

use super::Contradiction;
use super::accounts::Accounts;
use super::story::{Book, expect_postings, go_on};

/// What an audit has put aside since it was last taken away.
#[derive(Default)]
pub struct Aside {
    /// Every caller's number that was used up.
    pub uses: Vec<Use>,
    /// Records of stories, in the order of their events.
    pub stories: Vec<u8>,
}

/// A caller's number, in its scope: the first 16 bytes of a BLAKE3 hash over both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub [u8; 16]);

impl Name {
    /// The name that an event uses up.
    #[must_use]
    pub fn used_by(event: &Event) -> Option<Self> {
        let (key, _) = event.named(EventNumber(0))?;
        let number = key.number.as_str().as_bytes();
        // On the stack and hashed at once: this is done for every other event.
        let mut text = [0; 8 + crate::limits::NUMBER_CHARS_MAX];
        let (scope, rest) = text.split_at_mut(8);
        scope.copy_from_slice(&key.scope.code().to_le_bytes());
        rest.iter_mut()
            .zip(number)
            .for_each(|(to, from)| *to = *from);
        let mut name = [0; 16];
        let hash = blake3::hash(&text[..number.len().saturating_add(8)]);
        name.copy_from_slice(&hash.as_bytes()[..16]);
        Some(Self(name))
    }
}

/// A name, and the event that used it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// What was used.
    pub name: Name,
    /// By which event.
    pub event: EventNumber,
}

impl Use {
    /// Bytes of one.
    pub const BYTES: usize = 24;

    /// As bytes, for a file.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(&self.name.0);
        bytes[16..].copy_from_slice(&self.event.0.to_le_bytes());
        bytes
    }

    /// From such bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (mut name, mut event) = ([0; 16], [0; 8]);
        name.copy_from_slice(&bytes[..16]);
        event.copy_from_slice(&bytes[16..]);
        Self {
            name: Name(name),
            event: EventNumber(u64::from_le_bytes(event)),
        }
    }
}

/// Finds the first event that uses a name for the second time, among all uses of some names.
#[must_use]
pub fn used_twice(uses: &mut [Use]) -> Option<Contradiction> {
    uses.sort_unstable();
    let twice = uses.windows(2).filter(|two| two[0].name == two[1].name);
    let first = twice.min_by_key(|two| two[1].event)?;
    Some(Contradiction {
        event: first[1].event,
        what: format!("its number is used twice: event {} had it", first[0].event),
    })
}

/// Before each record: the event that began the story (8), the event that this record is of (8), and
/// the record's length (4). The record is the event's CBOR, or for the event that began the story
/// its book's, as it was when it left the window.
const HEADER_BYTES: usize = 20;

impl Aside {
    pub(super) fn leave(&mut self, began: EventNumber, book: &Book) {
        self.put(began, began, book);
    }

    pub(super) fn later(&mut self, began: EventNumber, number: EventNumber, event: &Event) {
        self.put(began, number, event);
    }

    fn put(&mut self, began: EventNumber, number: EventNumber, what: &impl Encode<()>) {
        let start = self.stories.len();
        self.stories.extend_from_slice(&began.0.to_le_bytes());
        self.stories.extend_from_slice(&number.0.to_le_bytes());
        self.stories.extend_from_slice(&[0; 4]);
        let record = start.saturating_add(HEADER_BYTES);
        minicbor::encode(what, &mut self.stories).expect("writing to memory does not fail");
        let bytes = self.stories.len().saturating_sub(record);
        let length = u32::try_from(bytes).expect("an event is below 1 MiB");
        self.stories[record.saturating_sub(4)..record].copy_from_slice(&length.to_le_bytes());
    }
}

struct Record<'a> {
    began: EventNumber,
    number: EventNumber,
    cbor: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record in `stories`, when all of it is there, and what follows it.
    fn first(stories: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (began, rest) = stories.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (cbor, rest) = rest.split_at_checked(length)?;
        let record = Self {
            began: EventNumber(u64::from_le_bytes(*began)),
            number: EventNumber(u64::from_le_bytes(*number)),
            cbor,
        };
        Some((record, rest))
    }

    fn is_book(&self) -> bool {
        self.number == self.began
    }

    /// Goes on with the story.
    fn tell(&self, book: &mut Option<Book>, accounts: &Accounts) -> Result<(), String> {
        let unreadable = |error| format!("what was put aside of it cannot be read: {error}");
        if self.is_book() {
            *book = Some(minicbor::decode(self.cbor).map_err(unreadable)?);
            return Ok(());
        }
        let event = minicbor::decode(self.cbor).map_err(unreadable)?;
        let expected = go_on(book, self.number, &event, accounts)?;
        expect_postings(&event, &expected)
    }
}

/// The first record in `stories`, when all of it is there: the event that began its story, and how
/// many bytes the record takes.
#[must_use]
pub fn first_record(stories: &[u8]) -> Option<(EventNumber, usize)> {
    let (record, rest) = Record::first(stories)?;
    Some((record.began, stories.len().saturating_sub(rest.len())))
}

fn records(mut stories: &[u8]) -> impl Iterator<Item = Record<'_>> {
    core::iter::from_fn(move || {
        let (record, rest) = Record::first(stories)?;
        stories = rest;
        Some(record)
    })
}

/// Tells stories to their end: all records of some stories, in the order of their events.
pub(super) fn tell(stories: &[u8], accounts: &Accounts) -> Option<Contradiction> {
    // Most stories ended in the window: only those that did not are told.
    let later = records(stories).filter(|record| !record.is_book());
    let mut books: HashMap<EventNumber, Option<Book>, FixedState> =
        later.map(|record| (record.began, None)).collect();
    records(stories).find_map(|record| {
        let book = books.get_mut(&record.began)?;
        let what = record.tell(book, accounts).err()?;
        let event = record.number;
        Some(Contradiction { event, what })
    })
}
