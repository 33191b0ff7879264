//! What an audit puts aside, in temporary files: on shelves, so that what must be checked together
//! lies on one shelf, and one shelf fits in memory.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;

use feiqian_core::audit::{Aside, Audit, Contradiction, Use, first_record, used_twice};

/// Shelves of one level.
const SHELVES: usize = 1 << SHELF_BITS;
const SHELF_BITS: u32 = 7;

/// Bytes of a shelf that wait in memory for one write.
const BUFFER_BYTES: usize = 32 << 10;

/// A shelf with more bytes than this is divided once more before it is checked.
const SHELF_BYTES_MAX: u64 = 32 << 20;

/// How often shelves are divided. After that, what is left on one are records of the same thing.
const LEVELS: u32 = 4;

/// Threads that check.
const CHECKERS: usize = 2;

/// Bytes read at once when a shelf is divided.
const READ_BYTES: u64 = 1 << 20;

/// Everything that was put aside.
pub struct PutAside {
    uses: Shelves,
    stories: Shelves,
}

/// What lies on a shelf.
#[derive(Clone, Copy)]
enum Kind {
    /// Of [`Aside::uses`], by their name.
    Uses,
    /// Of [`Aside::stories`], by the event that began them.
    Stories,
}

/// Shelves of one level.
struct Shelves {
    kind: Kind,
    level: u32,
    shelves: Vec<Shelf>,
}

/// Records, in the order in which they were put. A few never leave memory.
#[derive(Default)]
struct Shelf {
    /// It has no name in any folder, so it goes with this process however that ends.
    file: Option<File>,
    bytes_in_file: u64,
    buffer: Vec<u8>,
}

/// A shelf to check.
struct Task {
    kind: Kind,
    level: u32,
    shelf: Shelf,
}

impl PutAside {
    pub fn new() -> Self {
        Self {
            uses: Shelves::new(Kind::Uses, 0),
            stories: Shelves::new(Kind::Stories, 0),
        }
    }

    /// Takes away what the audit has put aside.
    pub fn keep(&mut self, aside: &mut Aside) -> io::Result<()> {
        for used in aside.uses.drain(..) {
            self.uses.put_all(&used.to_bytes())?;
        }
        self.stories.put_all(&aside.stories)?;
        aside.stories.clear();
        Ok(())
    }

    /// Checks everything: the first contradiction of each shelf that has one.
    pub fn check(self, audit: &Audit) -> io::Result<Vec<Contradiction>> {
        let tasks = self.uses.into_tasks().chain(self.stories.into_tasks());
        let tasks = Mutex::new(tasks.collect());
        thread::scope(|scope| {
            let checkers = [(); CHECKERS].map(|()| scope.spawn(|| check_all(&tasks, audit)));
            let mut found = Vec::new();
            for checker in checkers {
                let joined = checker.join();
                found.extend(joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(found)
        })
    }
}

/// Checks shelves until none is left; divides those that are too large.
fn check_all(tasks: &Mutex<Vec<Task>>, audit: &Audit) -> io::Result<Vec<Contradiction>> {
    let lock = || tasks.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = Vec::new();
    loop {
        // A statement of its own, so that the lock is not held while checking.
        let task = lock().pop();
        let Some(Task { kind, level, shelf }) = task else {
            return Ok(found);
        };
        if shelf.bytes() > SHELF_BYTES_MAX && level + 1 < LEVELS {
            let mut parts = Shelves::new(kind, level + 1);
            shelf.move_to(&mut parts)?;
            lock().extend(parts.into_tasks());
        } else {
            found.extend(kind.check(&shelf.into_records()?, audit));
        }
    }
}

impl Kind {
    /// What the first record is put on its shelf by, and its bytes; none when its end is missing.
    fn first(self, records: &[u8]) -> Option<(u64, usize)> {
        match self {
            Self::Uses => {
                let hash = records
                    .first_chunk()
                    .map(|hash| u64::from_be_bytes(*hash))?;
                (records.len() >= Use::BYTES).then_some((hash, Use::BYTES))
            }
            Self::Stories => {
                let (began, bytes) = first_record(records)?;
                // Fibonacci hashing: spreads numbers that follow each other.
                Some((began.0.wrapping_mul(0x9e37_79b9_7f4a_7c15), bytes))
            }
        }
    }

    fn check(self, records: &[u8], audit: &Audit) -> Option<Contradiction> {
        match self {
            Self::Uses => {
                let (uses, _) = records.as_chunks();
                let mut uses: Vec<Use> = uses.iter().map(Use::from_bytes).collect();
                used_twice(&mut uses)
            }
            Self::Stories => audit.tell(records),
        }
    }
}

impl Shelves {
    fn new(kind: Kind, level: u32) -> Self {
        let mut shelves = Vec::new();
        shelves.resize_with(SHELVES, Shelf::default);
        Self {
            kind,
            level,
            shelves,
        }
    }

    /// Puts each whole record on its shelf; answers how many bytes those were.
    fn put_all(&mut self, records: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        while let Some((hash, bytes)) = self.kind.first(&records[at..]) {
            // The highest bits divide first, then those below.
            let digits = hash.rotate_left(SHELF_BITS * (self.level + 1));
            let shelf = usize::try_from(digits % SHELVES as u64).unwrap_or_default();
            self.shelves[shelf].put(&records[at..at + bytes])?;
            at += bytes;
        }
        Ok(at)
    }

    fn into_tasks(self) -> impl Iterator<Item = Task> {
        let Self {
            kind,
            level,
            shelves,
        } = self;
        let full = shelves.into_iter().filter(|shelf| shelf.bytes() > 0);
        full.map(move |shelf| Task { kind, level, shelf })
    }
}

impl Shelf {
    fn bytes(&self) -> u64 {
        self.bytes_in_file + self.buffer.len() as u64
    }

    fn put(&mut self, record: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(record);
        if self.buffer.len() < BUFFER_BYTES {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.write_all(&self.buffer)?;
        self.bytes_in_file += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// All its records.
    fn into_records(self) -> io::Result<Vec<u8>> {
        let Some(mut file) = self.file else {
            return Ok(self.buffer);
        };
        file.rewind()?;
        let mut records = Vec::new();
        file.read_to_end(&mut records)?;
        records.extend_from_slice(&self.buffer);
        Ok(records)
    }

    /// Puts its records on other shelves, a piece at a time.
    fn move_to(self, shelves: &mut Shelves) -> io::Result<()> {
        let mut piece = Vec::new();
        if let Some(mut file) = self.file {
            file.rewind()?;
            while (&mut file).take(READ_BYTES).read_to_end(&mut piece)? > 0 {
                let put = shelves.put_all(&piece)?;
                piece.drain(..put);
            }
        }
        piece.extend_from_slice(&self.buffer);
        shelves.put_all(&piece)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use feiqian_core::audit::Name;
    use feiqian_core::bank::answer::{Answer, TransferAnswered};
    use feiqian_core::bank::top_up::TopUpRequested;
    use feiqian_core::brand::{add::BrandAdded, open::Opened};
    use feiqian_core::ids::{BrandId, Digest, EventNumber, Number, TransferId, UserId};
    use feiqian_core::user::{Tier, add::UserAdded};
    use feiqian_core::{Account, Event, Fen, Mode, Postings, UnixMillis};

    use super::*;

    const AT: UnixMillis = UnixMillis(1_510_329_600_000);
    const DIGEST: Digest = Digest([7; 16]);
    const USER: UserId = UserId(0);
    const BRAND: BrandId = BrandId(0);

    /// Events before the first top-up.
    const BEFORE: u64 = 3;
    /// Enough that every shelf of both kinds has a file.
    const TOP_UPS: u64 = 200_000;

    fn number(n: u64) -> Number {
        Number::new(&n.to_string()).unwrap()
    }

    fn top_up(n: u64) -> Event {
        Event::TopUpRequested(TopUpRequested {
            at: AT,
            number: number(n),
            digest: DIGEST,
            user: USER,
            amount: Fen(5),
        })
    }

    fn answer(n: u64) -> Event {
        let (bank, wallet) = (Account::BankReserve(BRAND), Account::Wallet(USER));
        Event::TransferAnswered(TransferAnswered {
            at: AT,
            transfer: TransferId(EventNumber(BEFORE + n)),
            user: USER,
            answer: Answer::Done,
            postings: Postings::new().with(bank, wallet, Fen(5)),
            uncounted: None,
        })
    }

    /// Many top-ups, all answered after they left the window, and some more events.
    fn audit(more: &[Event]) -> Result<feiqian_core::audit::Totals, Contradiction> {
        let mode = Mode::Sandbox;
        let beginning = [
            Event::Opened(Opened { at: AT, mode }),
            Event::BrandAdded(BrandAdded {
                at: AT,
                number: number(0),
                digest: DIGEST,
                brand: BRAND,
                name: "Red".into(),
            }),
            Event::UserAdded(UserAdded {
                at: AT,
                number: number(0),
                digest: DIGEST,
                user: USER,
                brand: BRAND,
                tier: Tier::Full,
            }),
        ];
        let (mut audit, mut aside) = (Audit::with_window(1_000), PutAside::new());
        let top_ups = (0..TOP_UPS).map(top_up).chain((0..TOP_UPS).map(answer));
        for event in beginning
            .into_iter()
            .chain(top_ups)
            .chain(more.iter().cloned())
        {
            audit.read(&event)?;
            aside.keep(audit.aside()).unwrap();
        }
        let shelves = aside.uses.shelves.iter().chain(&aside.stories.shelves);
        assert!(shelves.into_iter().all(|shelf| shelf.file.is_some()));
        audit.close(aside.check(&audit).unwrap())
    }

    #[test]
    fn what_was_put_on_files_is_checked() {
        let end = BEFORE + 2 * TOP_UPS;
        let totals = audit(&[]).unwrap();
        assert_eq!(totals.events, end);
        assert_eq!(totals.wallets, Fen(i64::try_from(TOP_UPS).unwrap() * 5));
        for (more, what) in [
            (answer(77), "transfer 80 is not pending"),
            (answer(TOP_UPS - 1), "is not pending"),
            (top_up(1_234), "used twice: event 1237 had it"),
        ] {
            let found = audit(&[top_up(TOP_UPS), more, answer(3)]).unwrap_err();
            assert_eq!(found.event, EventNumber(end + 1), "{found}");
            assert!(found.what.contains(what), "{found}");
        }
    }

    #[test]
    fn a_shelf_that_is_too_large_is_divided() {
        let mut aside = PutAside::new();
        let name = |n: u64| Name((u128::from(n) << 80).to_be_bytes());
        let used = |n, event| {
            let event = EventNumber(event);
            Use {
                name: name(n),
                event,
            }
        };
        let many = SHELF_BYTES_MAX / Use::BYTES as u64 + 1_000;
        let mut audit = Audit::new();
        audit.aside().uses.extend((0..many).map(|n| used(n, n)));
        audit.aside().uses.push(used(5, many));
        aside.keep(audit.aside()).unwrap();
        assert!(aside.uses.shelves[0].bytes() > SHELF_BYTES_MAX);
        let found = aside.check(&audit).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].event, EventNumber(many));
        assert!(found[0].what.contains("event 5 had it"));
    }
}
