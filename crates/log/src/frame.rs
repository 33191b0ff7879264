//! A batch as it lies on disk: a header, then one frame for each event, then zeros up to a multiple
//! of 8 bytes.

use crate::{
    Address, Appended, BATCH_BYTES_MAX, Chain, Damage, EVENT_BYTES_MAX, Position, PushError,
};

const MAGIC: [u8; 4] = *b"FQB1";

/// Bytes of a batch's header.
pub(crate) const BATCH_HEADER_BYTES: usize = 72;

/// Bytes before each event: its length and checksum.
pub(crate) const FRAME_HEADER_BYTES: usize = 8;

/// Where batches start; a search for batches after damage relies on it.
pub(crate) const ALIGNMENT: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Bytes of all frames, without the zeros at the end.
    pub framed: u32,
    pub count: u32,
    pub first: Position,
    pub time_ms: i64,
    /// Chain up to and with this batch.
    pub chain: Chain,
    /// Where this header lies: a batch written or copied to the wrong place is not intact there,
    /// and neither is one that somebody hid inside an event.
    pub address: u64,
}

impl BatchHeader {
    fn encode(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut bytes = [0; BATCH_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.framed.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.count.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.time_ms.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.address.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.chain.0);
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header at the front of `bytes`, when it is one and belongs at `address`.
    pub fn decode(bytes: &[u8], address: u64) -> Option<Self> {
        let bytes = bytes.get(..BATCH_HEADER_BYTES)?;
        if bytes[..4] != MAGIC || u32_at(bytes, 4) != crc32c::crc32c(&bytes[8..]) {
            return None;
        }
        let mut chain = [0; 32];
        chain.copy_from_slice(&bytes[40..72]);
        let header = Self {
            framed: u32_at(bytes, 8),
            count: u32_at(bytes, 12),
            first: Position(u64_at(bytes, 16)),
            time_ms: i64::from_le_bytes(u64_at(bytes, 24).to_le_bytes()),
            address: u64_at(bytes, 32),
            chain: Chain(chain),
        };
        let framed = header.framed as usize;
        let sound = header.address == address
            && header.count > 0
            && framed <= BATCH_BYTES_MAX
            && header.count as usize <= framed / FRAME_HEADER_BYTES;
        sound.then_some(header)
    }

    /// Position after the last event.
    pub fn end(&self) -> Position {
        Position(self.first.0 + u64::from(self.count))
    }

    /// Bytes of the batch without the zeros at its end.
    pub fn bytes(&self) -> usize {
        BATCH_HEADER_BYTES + self.framed as usize
    }
}

/// Checks that `framed` is exactly the batch's events, each with its checksum.
pub(crate) fn check_frames(header: &BatchHeader, framed: &[u8]) -> Result<(), Damage> {
    let mut rest = framed;
    for number in 0..header.count {
        let length = frame_length(rest).ok_or(Damage::BatchFrames)?;
        let (frame, after) = rest
            .split_at_checked(FRAME_HEADER_BYTES + length)
            .ok_or(Damage::BatchFrames)?;
        if u32_at(frame, 4) != frame_crc(frame) {
            return Err(Damage::Event {
                position: Position(header.first.0 + u64::from(number)),
            });
        }
        rest = after;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Damage::BatchFrames)
    }
}

/// The length in a frame's header, when there is one and it is within limits.
pub(crate) fn frame_length(frame: &[u8]) -> Option<usize> {
    let length = u32_at(frame.get(..FRAME_HEADER_BYTES)?, 0) as usize;
    (length <= EVENT_BYTES_MAX).then_some(length)
}

/// Checksum of a whole frame: over its length and its event. With the length in it, zeros on disk
/// are not an intact empty event.
pub(crate) fn frame_crc(frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[FRAME_HEADER_BYTES..])
}

/// Walks the frames of a batch that was checked: offset of each from the first, and its event.
#[derive(Clone, Debug)]
pub(crate) struct Frames<'a> {
    framed: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    pub fn new(framed: &'a [u8]) -> Self {
        Self { framed, at: 0 }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.framed.get(self.at..)?;
        let event = rest.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + frame_length(rest)?)?;
        let offset = self.at;
        self.at += FRAME_HEADER_BYTES + event.len();
        Some((offset, event))
    }
}

/// Events on their way into the log, framed where they are encoded: one buffer, reused, and one
/// write for all of them.
#[derive(Clone, Debug)]
pub struct BatchBuffer {
    /// Room for the batch's header, then the frames.
    bytes: Vec<u8>,
    count: u32,
}

impl Default for BatchBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuffer {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: vec![0; BATCH_HEADER_BYTES],
            count: 0,
        }
    }

    /// Forgets all events, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.truncate(BATCH_HEADER_BYTES);
        self.count = 0;
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of all events with their frames.
    #[must_use]
    pub fn framed_bytes(&self) -> usize {
        self.bytes.len() - BATCH_HEADER_BYTES
    }

    /// Adds one event: `encode` writes it at the end of the vector it is given, and must leave
    /// alone what is already there.
    ///
    /// # Errors
    /// When a limit is exceeded; the batch is then as it was.
    ///
    /// # Panics
    /// When `encode` made the vector shorter than it was.
    pub fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), PushError> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        encode(&mut self.bytes);
        let event = start + FRAME_HEADER_BYTES;
        assert!(self.bytes.len() >= event, "an encoder only adds bytes");
        let bytes = self.bytes.len() - event;
        let refusal = match u32::try_from(bytes) {
            Ok(length) if bytes <= EVENT_BYTES_MAX => {
                self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
                (self.framed_bytes() > BATCH_BYTES_MAX).then_some(PushError::BatchFull)
            }
            _ => Some(PushError::EventTooLarge { bytes }),
        };
        if let Some(refusal) = refusal {
            self.bytes.truncate(start);
            return Err(refusal);
        }
        let crc = frame_crc(&self.bytes[start..]);
        self.bytes[start + 4..event].copy_from_slice(&crc.to_le_bytes());
        self.count += 1;
        Ok(())
    }

    /// The events, in order.
    pub fn events(&self) -> impl Iterator<Item = &[u8]> {
        self.frames().map(|(_, event)| event)
    }

    /// Position and address of each event, in order, as `appended` answered for this batch.
    pub fn addresses(&self, appended: &Appended) -> impl Iterator<Item = (Position, Address)> {
        let (first, address) = (appended.first.0, appended.address.0);
        (first..)
            .zip(self.frames())
            .map(move |(position, (offset, _))| {
                (Position(position), Address(address + offset as u64))
            })
    }

    fn frames(&self) -> Frames<'_> {
        Frames::new(&self.bytes[BATCH_HEADER_BYTES..])
    }

    /// Bytes on disk with header and zeros at the end.
    pub(crate) fn stored_bytes(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGNMENT)
    }

    /// Fills in the header for a batch that is stored at `address`, and hands the whole batch to
    /// `write`. The buffer is then as it was.
    pub(crate) fn store<T>(
        &mut self,
        first: Position,
        time_ms: i64,
        previous: &Chain,
        address: u64,
        write: impl FnOnce(&BatchHeader, &[u8]) -> T,
    ) -> T {
        let end = self.bytes.len();
        let framed = u32::try_from(end - BATCH_HEADER_BYTES).expect("push keeps BATCH_BYTES_MAX");
        let chain = previous.next(
            first.0,
            time_ms,
            self.count,
            &self.bytes[BATCH_HEADER_BYTES..],
        );
        let header = BatchHeader {
            framed,
            count: self.count,
            first,
            time_ms,
            chain,
            address,
        };
        self.bytes[..BATCH_HEADER_BYTES].copy_from_slice(&header.encode());
        self.bytes.resize(self.stored_bytes(), 0);
        let written = write(&header, &self.bytes);
        self.bytes.truncate(end);
        written
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
