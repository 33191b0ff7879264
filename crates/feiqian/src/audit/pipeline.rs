//! Reads a log on several threads: one checks frames and chain, some decode, the caller gets the
//! events in their order.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use feiqian_core::Event;
use feiqian_core::audit::Name;
use feiqian_log::{Chain, Position, Reader, StoredBatch, Verify};

/// Threads that decode.
const DECODERS: usize = 2;

/// Bytes of events that are decoded at once; a larger batch is not divided.
const CHUNK_BYTES: usize = 128 << 10;

/// Chunks that wait before and after each decoder.
const QUEUED: usize = 4;

/// Why the log cannot be read on, from any of the threads.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Events in their order, each with the name that it uses up.
pub struct Events {
    events: Vec<Event>,
    /// Apart from the events, so that those are not moved once more.
    names: Vec<Option<Name>>,
}

impl From<Vec<Event>> for Events {
    fn from(events: Vec<Event>) -> Self {
        let names = events.iter().map(Name::used_by).collect();
        Self { events, names }
    }
}

impl Events {
    pub fn iter(&self) -> impl Iterator<Item = (&Event, Option<Name>)> {
        self.events.iter().zip(self.names.iter().copied())
    }
}

/// Where a log ends.
pub struct End {
    /// Hash over every byte of every event, and their order.
    pub chain: Chain,
    /// Bytes of an append that did not end, if there are any.
    pub torn: u64,
}

/// Some events as they are stored.
#[derive(Default)]
struct Chunk {
    first: u64,
    bytes: Vec<u8>,
    /// Where each event ends in `bytes`.
    ends: Vec<usize>,
}

/// Reads the whole log and gives its events to `take`, in the form that it wants, until that breaks.
pub fn read<E: From<Vec<Event>> + Send>(
    reader: &Reader,
    mut take: impl FnMut(E) -> ControlFlow<()>,
) -> Result<End, Failure> {
    thread::scope(|scope| {
        let (mut to, mut from) = (Vec::new(), Vec::new());
        for _ in 0..DECODERS {
            let (chunks, encoded) = sync_channel(QUEUED);
            let (events, decoded) = sync_channel(QUEUED);
            scope.spawn(move || decode_all(&encoded, &events));
            to.push(chunks);
            from.push(decoded);
        }
        let reading = scope.spawn(move || read_chunks(reader, &to));
        let mut result = Ok(());
        for decoded in from.iter().cycle() {
            // The reader has stopped, and all that it sent was taken.
            let Ok((events, failed)) = decoded.recv() else {
                break;
            };
            let taken = take(events);
            result = failed;
            if taken.is_break() || result.is_err() {
                break;
            }
        }
        // Whoever still sends to here stops.
        drop(from);
        let end = reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and(end)
    })
}

/// Sends the log in chunks to the decoders in turn. A decoder that went away is no failure: the
/// caller has had enough.
fn read_chunks(reader: &Reader, to: &[SyncSender<Chunk>]) -> Result<End, Failure> {
    let mut cursor = reader.batches_from(Position(0), Verify::Chain)?;
    let mut decoders = to.iter().cycle();
    let mut chunk = Chunk::default();
    let mut send = |chunk| decoders.next().is_some_and(|next| next.send(chunk).is_ok());
    let mut wanted = true;
    while wanted
        && let Some(batch) = cursor.next_batch().inspect_err(|_| {
            // What came before the damage is still audited.
            send(std::mem::take(&mut chunk));
        })?
    {
        chunk.add(&batch);
        if chunk.bytes.len() >= CHUNK_BYTES {
            wanted = send(std::mem::take(&mut chunk));
        }
    }
    send(chunk);
    Ok(End {
        chain: cursor.chain(),
        torn: cursor.torn_tail().map_or(0, |cut| cut.bytes),
    })
}

impl Chunk {
    fn add(&mut self, batch: &StoredBatch<'_>) {
        if self.ends.is_empty() {
            self.first = batch.first.0;
        }
        for event in batch.events() {
            self.bytes.extend_from_slice(event.bytes);
            self.ends.push(self.bytes.len());
        }
    }
}

type Decoded<E> = (E, Result<(), Failure>);

fn decode_all<E: From<Vec<Event>>>(encoded: &Receiver<Chunk>, decoded: &SyncSender<Decoded<E>>) {
    for chunk in encoded {
        if decoded.send(decode(&chunk)).is_err() {
            return;
        }
    }
}

/// The events up to the first that cannot be read.
fn decode<E: From<Vec<Event>>>(chunk: &Chunk) -> Decoded<E> {
    let mut decoded = Vec::with_capacity(chunk.ends.len());
    let mut start = 0;
    for (number, end) in (chunk.first..).zip(&chunk.ends) {
        match minicbor::decode(&chunk.bytes[start..*end]) {
            Ok(event) => decoded.push(event),
            Err(error) => {
                let failure = format!("event {number} cannot be read: {error}");
                return (decoded.into(), Err(failure.into()));
            }
        }
        start = *end;
    }
    (decoded.into(), Ok(()))
}
