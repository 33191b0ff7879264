//! Follows a log batch by batch, over segments, up to its live end and on when more comes.

use crate::damage::Fault;
use crate::frame::{BATCH_HEADER_BYTES, BatchHeader, Frames};
use crate::walk::{Depth, Rest, Walk};
use crate::{Address, Chain, Cut, Damage, Position, ReadError, Reader};

/// What a cursor checks in what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Checksums of headers and events: finds accidents.
    Frames,
    /// And the hash chain: finds alterations too, as long as the last hash is known elsewhere.
    Chain,
}

/// A place in a log. It keeps its place at the end and after errors.
pub struct Cursor {
    reader: Reader,
    depth: Depth,
    /// None as long as the log has no segment.
    walk: Option<Walk>,
    /// The first event asked for.
    from: Position,
    /// Base of the segment whose rest was searched: what comes there later was written since.
    searched: Option<u64>,
    torn_tail: Option<Cut>,
}

impl Cursor {
    pub(crate) fn seek(
        reader: Reader,
        position: Position,
        verify: Verify,
    ) -> Result<Self, ReadError> {
        reader.refresh()?;
        let mut cursor = Self {
            reader,
            depth: Depth::Header,
            walk: None,
            from: position,
            searched: None,
            torn_tail: None,
        };
        cursor.start(position)?;
        let end = loop {
            let Some(header) = cursor.find()? else {
                break cursor.position();
            };
            if header.end() > position {
                break header.end();
            }
            cursor.advance(&header);
        };
        if end < position {
            return Err(ReadError::BeyondEnd {
                asked: position,
                end,
            });
        }
        cursor.depth = match verify {
            Verify::Frames => Depth::Frames,
            Verify::Chain => Depth::Chain,
        };
        Ok(cursor)
    }

    /// The next batch, checked; none when the log has no more for now: ask again later.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] where the log is not what was written. The cursor does not pass it.
    pub fn next_batch(&mut self) -> Result<Option<StoredBatch<'_>>, ReadError> {
        let Some(header) = self.find()? else {
            return Ok(None);
        };
        self.advance(&header);
        let from = self.from;
        let walk = self.walk.as_ref();
        Ok(walk.map(|walk| StoredBatch {
            first: header.first,
            end: header.end(),
            time_ms: header.time_ms,
            chain: header.chain,
            address: Address(header.address + BATCH_HEADER_BYTES as u64),
            from,
            framed: &walk.bytes(&header)[BATCH_HEADER_BYTES..],
        }))
    }

    /// Position of the first event of the next batch.
    #[must_use]
    pub fn position(&self) -> Position {
        self.walk.as_ref().map_or(Position(0), |walk| walk.next)
    }

    /// Where the next batch goes: every byte before it is of a batch that was checked.
    #[must_use]
    pub fn address(&self) -> Address {
        Address(self.walk.as_ref().map_or(0, Walk::address))
    }

    /// Chain of the last batch before the next one.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.walk.as_ref().map_or(Chain::GENESIS, |walk| walk.chain)
    }

    /// The incomplete bytes found when the cursor first came to the log's end, if there were any:
    /// a torn batch that the next opening cuts, or one that another process is just writing.
    #[must_use]
    pub fn torn_tail(&self) -> Option<&Cut> {
        self.torn_tail.as_ref()
    }

    /// Stands at the first batch of the segment that holds `position`.
    fn start(&mut self, position: Position) -> Result<(), ReadError> {
        let segment = {
            let segments = self.reader.segments();
            let before = segments
                .values()
                .rev()
                .find(|segment| segment.first <= position);
            before.copied()
        };
        if let Some(segment) = segment {
            let file = self.reader.file(segment.base);
            let file = file.map_err(|source| self.reader.io(segment.base, source))?;
            self.walk = Some(Walk::new(segment, file));
        }
        Ok(())
    }

    fn advance(&mut self, header: &BatchHeader) {
        self.torn_tail = None;
        if let Some(walk) = &mut self.walk {
            walk.advance(header);
        }
    }

    /// Finds and checks the next batch, going on to the next segment where one ends.
    fn find(&mut self) -> Result<Option<BatchHeader>, ReadError> {
        loop {
            if self.walk.is_none() {
                self.reader.refresh()?;
                self.start(Position(0))?;
            }
            let Self {
                reader,
                walk: Some(walk),
                depth,
                ..
            } = self
            else {
                return Ok(None);
            };
            let base = walk.segment.base;
            let successor = reader.segment_after(base);
            if let Some(next) = successor.filter(|next| next.base == walk.address()) {
                if next.first != walk.next || next.chain != walk.chain {
                    let (file, damage) = (reader.path(next.base), Damage::SegmentMissing);
                    return Err(ReadError::Damaged {
                        file,
                        offset: 0,
                        damage,
                    });
                }
                let file = reader.file(next.base);
                let file = file.map_err(|source| reader.io(next.base, source))?;
                walk.enter(next, file);
                continue;
            }
            let durable = reader.durable();
            if durable.is_some_and(|durable| durable <= walk.address()) {
                return Ok(None);
            }
            // The segment's bytes that are known to be whole batches; all when nothing is known.
            let sealed = successor.map(|next| next.base);
            let known = sealed.into_iter().chain(durable).min();
            let limit = known.map_or(u64::MAX, |end| end.saturating_sub(base));
            // Where nothing is known to be whole, a header says little.
            let depth = if known.is_none() {
                (*depth).max(Depth::Frames)
            } else {
                *depth
            };
            let damage = match walk.check(limit, depth) {
                Ok(Ok(header)) => return Ok(Some(header)),
                Ok(Err(damage)) => damage,
                Err(source) => return Err(reader.io(base, source)),
            };
            walk.forget();
            if sealed.is_none() {
                // The segment may have ended here since it was the newest.
                reader.refresh()?;
                if reader.segment_after(base).is_some() {
                    continue;
                }
                if durable.is_none() && damage.is_tear() {
                    return self.tail(depth);
                }
            }
            let (file, offset) = (reader.path(base), walk.offset);
            return Err(ReadError::Damaged {
                file,
                offset,
                damage,
            });
        }
    }

    /// No intact batch follows in the newest segment, and no writer of this process says whether
    /// one must. It is the log's end unless something intact comes later.
    fn tail(&mut self, depth: Depth) -> Result<Option<BatchHeader>, ReadError> {
        let Some(walk) = &mut self.walk else {
            return Ok(None);
        };
        let (base, offset) = (walk.segment.base, walk.offset);
        if self.searched == Some(base) {
            return Ok(None);
        }
        let io = |source| Fault::Io {
            file: self.reader.path(base),
            source,
        };
        let rest = Rest::read(&*walk.file, base, offset, walk.next).map_err(io)?;
        if rest.has_batch {
            // Batches are written in order: when a writer was at work, this one is intact by now.
            return match walk.check(u64::MAX, depth).map_err(io)? {
                Ok(header) => Ok(Some(header)),
                Err(damage) => {
                    walk.forget();
                    Err(ReadError::Damaged {
                        file: self.reader.path(base),
                        offset,
                        damage,
                    })
                }
            };
        }
        self.searched = Some(base);
        let bytes = rest.data_end - offset;
        self.torn_tail = (bytes > 0).then(|| Cut {
            file: self.reader.path(base),
            offset,
            bytes,
        });
        Ok(None)
    }
}

/// One batch of a log, checked.
#[derive(Clone, Debug)]
pub struct StoredBatch<'a> {
    /// Position of its first event.
    pub first: Position,
    /// Position after its last event.
    pub end: Position,
    /// What the writer's clock said, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Hash of the log up to and with this batch.
    pub chain: Chain,
    /// Address of its first event.
    pub address: Address,
    from: Position,
    framed: &'a [u8],
}

impl<'a> StoredBatch<'a> {
    /// Its events in order, from the position that the cursor was asked to start at: whoever stopped
    /// in the middle of a batch does not get its first half again.
    #[must_use]
    pub fn events(&self) -> Events<'a> {
        let mut events = Events {
            frames: Frames::new(self.framed),
            next: self.first,
            address: self.address,
        };
        while events.next < self.from && events.next().is_some() {}
        events
    }
}

/// One stored event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its number.
    pub position: Position,
    /// Where [`Reader::event_at`] finds it.
    pub address: Address,
    /// What was appended.
    pub bytes: &'a [u8],
}

/// The events of a batch, in order.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    frames: Frames<'a>,
    next: Position,
    /// Address of the batch's first event.
    address: Address,
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let (offset, bytes) = self.frames.next()?;
        let position = self.next;
        self.next = Position(position.0 + 1);
        Some(Event {
            position,
            address: Address(self.address.0 + offset as u64),
            bytes,
        })
    }
}
