//! Copies the log up to a position, beside the writer: no lock is taken, and what is not durable
//! yet is not copied.
//!
//! A file that was copied before is read again and goes on where it ended. All that is new is then
//! read from the copy, batch by batch, with the hash chain from the earlier backup on: the copy is
//! checked, not the source.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use feiqian_core::Mode;
use feiqian_log::{Chain, Position, ReadError, Reader, Verify};
use indicatif::ProgressBar;

use super::files::{Folder, failed, sync_folder};
use super::manifest::{self, Manifest, Segment};
use super::parts::List;
use crate::Failure;

/// Bytes of one read.
const BLOCK: usize = 1 << 20;

/// What was copied, now and before.
pub struct Copied {
    pub mode: Mode,
    pub events: u64,
    pub chain: Chain,
    pub segments: Vec<Segment>,
    pub new_bytes: u64,
    pub old_bytes: u64,
    /// Files of the backup that had changed, and were copied again.
    pub damaged: Vec<String>,
}

/// A piece of the log: so many bytes of a file.
struct Wanted {
    file: String,
    bytes: u64,
}

/// Copies the log in `from` up to `events`, or all of it if nobody writes it.
pub fn copy(
    from: &Path,
    to: &Folder,
    before: Option<&Manifest>,
    events: Option<u64>,
    quick: bool,
    bar: &ProgressBar,
) -> Result<Copied, Failure> {
    let source = Reader::open(from)?;
    refuse_another_log(&source, before)?;
    let (events, wanted) = wanted(&source, events)?;
    bar.set_length(wanted.iter().map(|wanted| wanted.bytes).sum());

    let unfinished = to.unfinished();
    let known = |piece: &Wanted| {
        let manifests = unfinished.iter().chain(before);
        let mut segments = manifests.flat_map(|manifest| &manifest.log);
        segments.find(|known| known.file == piece.file && known.bytes <= piece.bytes)
    };
    let mut copied = Copied {
        mode: mode(&source)?,
        events,
        chain: Chain::GENESIS,
        segments: Vec::new(),
        new_bytes: 0,
        old_bytes: 0,
        damaged: Vec::new(),
    };
    for piece in &wanted {
        let known = known(piece);
        let segment = match known {
            Some(known) if quick && known.bytes == piece.bytes => {
                copied.old_bytes = copied.old_bytes.saturating_add(known.bytes);
                bar.inc(known.bytes);
                known.clone()
            }
            known => copied.copy(from, to, piece, known, bar)?,
        };
        let is_new = known != Some(&segment);
        copied.segments.push(segment);
        if is_new {
            to.put_unfinished(&Manifest::new(&copied, List::default())?)?;
        }
    }
    sync_folder(&to.log())?;
    copied.chain = check(to, before, events)?;
    Ok(copied)
}

/// A backup goes on with the log that it began with.
fn refuse_another_log(source: &Reader, before: Option<&Manifest>) -> Result<(), Failure> {
    let Some(before) = before else {
        return Ok(());
    };
    let held = before.events;
    match source.batches_from(Position(held), Verify::Frames) {
        Ok(cursor) if cursor.chain().to_string() == before.chain => Ok(()),
        Ok(_) => Err("the backup is of another log; name another folder with --to".into()),
        Err(ReadError::BeyondEnd { end, .. }) => Err(format!(
            "the backup holds {held} events but the log only {end}: the log has lost events, or \
             the backup is of another; see \"A damaged log\" in docs/OPERATIONS.md"
        )
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// The files up to a position, and the position: the log's end if none is asked for.
fn wanted(source: &Reader, events: Option<u64>) -> Result<(u64, Vec<Wanted>), Failure> {
    let segments = source.list()?;
    let asked = events.unwrap_or(u64::MAX);
    let near = segments
        .iter()
        .rev()
        .find(|segment| segment.first.0 < asked);
    let Some(near) = near else {
        return Err("the log holds no events yet".into());
    };
    let mut cursor = source.batches_from(near.first, Verify::Frames)?;
    while cursor.position().0 < asked && cursor.next_batch()?.is_some() {}
    let (reached, end) = (cursor.position().0, cursor.address());
    if events.is_some_and(|events| events != reached) {
        return Err(format!("the log ends at {reached}, not at {asked} as its server said").into());
    }
    let ends = segments.iter().skip(1).map(|next| next.base.min(end));
    let pieces = segments.iter().zip(ends.chain([end]));
    let pieces = pieces.map(|(segment, ends)| Wanted {
        file: segment.name.clone(),
        bytes: ends.0.saturating_sub(segment.base.0),
    });
    Ok((reached, pieces.filter(|piece| piece.bytes > 0).collect()))
}

fn mode(source: &Reader) -> Result<Mode, Failure> {
    let mut first = source.batches_from(Position(0), Verify::Frames)?;
    let batch = first.next_batch()?.ok_or("the log holds no events yet")?;
    let event = batch
        .events()
        .next()
        .ok_or("the log's first batch is empty")?;
    manifest::mode(event.bytes)
}

/// Reads what is new from the copy. Answers the chain at its end.
fn check(to: &Folder, before: Option<&Manifest>, events: u64) -> Result<Chain, Failure> {
    let begin = before.map_or(0, |before| before.events);
    let copy = Reader::open(&to.log())?;
    let mut cursor = copy.batches_from(Position(begin), Verify::Chain)?;
    while cursor.position().0 < events && cursor.next_batch()?.is_some() {}
    if cursor.position().0 != events {
        return Err("the copy of the log does not hold what was copied; check its disk".into());
    }
    Ok(cursor.chain())
}

impl Copied {
    /// Brings one file up to date.
    fn copy(
        &mut self,
        from: &Path,
        to: &Folder,
        piece: &Wanted,
        known: Option<&Segment>,
        bar: &ProgressBar,
    ) -> Result<Segment, Failure> {
        let (from, to) = (from.join(&piece.file), to.log().join(&piece.file));
        let mut target = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&to)
            .map_err(|error| failed(&to, &error))?;
        let mut hasher = blake3::Hasher::new();
        let mut kept = known.map_or(0, |known| known.bytes);
        each_block(&mut target, kept, |block| {
            hasher.update(block);
            bar.inc(block.len() as u64);
            Ok(())
        })
        .map_err(|error| failed(&to, &error))?;
        if known.is_some_and(|known| hasher.finalize().to_string() != known.blake3) {
            self.damaged.push(format!("log/{}", piece.file));
            hasher.reset();
            kept = 0;
        }
        let written = target
            .set_len(kept)
            .and_then(|()| target.seek(SeekFrom::Start(kept)).map(drop));
        written.map_err(|error| failed(&to, &error))?;

        let mut source = std::fs::File::open(&from).map_err(|error| failed(&from, &error))?;
        source.seek(SeekFrom::Start(kept))?;
        let new = piece.bytes.saturating_sub(kept);
        let read = each_block(&mut source, new, |block| {
            hasher.update(block);
            bar.inc(block.len() as u64);
            target.write_all(block)
        });
        let read = read.map_err(|error| failed(&to, &error))?;
        if read != new {
            return Err(format!("{} ends too early", from.display()).into());
        }
        target.sync_all().map_err(|error| failed(&to, &error))?;
        self.new_bytes = self.new_bytes.saturating_add(new);
        self.old_bytes = self.old_bytes.saturating_add(kept);
        Ok(Segment {
            file: piece.file.clone(),
            bytes: piece.bytes,
            blake3: hasher.finalize().to_string(),
        })
    }
}

/// Hands up to `bytes` bytes on. Answers how many there were.
pub fn each_block(
    file: &mut impl Read,
    bytes: u64,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        let read = match file.read(&mut block[..size]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        each(&block[..read])?;
        left = left.saturating_sub(read as u64);
    }
    Ok(bytes.saturating_sub(left))
}
