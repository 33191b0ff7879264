//! Totals as a file: `totals`, so that a restart goes on where it was.
//!
//! A magic, the totals as CBOR, CRC32C of all before. A damaged one counts as none: the log makes it again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use feiqian_core::{Event, EventNumber};
use minicbor::Decode;

use crate::totals::Totals;

const MAGIC: &[u8; 8] = b"FQTOTL01";
const CRC_BYTES: usize = 4;
/// The file's name in its folder.
const NAME: &str = "totals";
/// A file on its way; what a crash leaves of it is written over.
const NEW: &str = "new";

/// Totals, and the last event in them to know the log by.
#[derive(Clone, Debug, Default, Decode)]
#[cbor(array)]
pub struct Checkpoint {
    /// The totals.
    #[n(0)]
    pub totals: Totals,
    /// CRC32C of the last event in them; 0 before the first.
    #[n(1)]
    pub last: u32,
}

/// What a [`Checkpoint`] knows an event by.
#[must_use]
pub fn mark(event: &Event) -> u32 {
    let mut bytes = Vec::new();
    event.write(&mut bytes);
    crc32c::crc32c(&bytes)
}

/// Totals with the [`mark`] of their last event, as the bytes of a file.
#[must_use]
pub fn to_bytes(totals: &Totals, last: u32) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    minicbor::encode((totals, last), &mut bytes).expect("writing to memory does not fail");
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

impl Checkpoint {
    /// The number of its last event.
    #[must_use]
    pub fn last_event(&self) -> Option<EventNumber> {
        self.totals.next().0.checked_sub(1).map(EventNumber)
    }

    /// From the bytes of a file; none if a bit of it is wrong.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_at_checked(bytes.len().checked_sub(CRC_BYTES)?)?;
        if crc32c::crc32c(body).to_le_bytes() != crc {
            return None;
        }
        minicbor::decode(body.strip_prefix(MAGIC)?).ok()
    }
}

/// Writes a file in the folder `dir`, which is made if missing: whole, or not at all.
///
/// # Errors
/// As the operating system says.
pub fn save(dir: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut file = File::create(dir.join(NEW))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(dir.join(NEW), dir.join(NAME))?;
    File::open(dir)?.sync_all()
}

/// Reads the file in the folder `dir`; none if there is none, or it is damaged.
///
/// # Errors
/// As the operating system says.
pub fn load(dir: &Path) -> io::Result<Option<Checkpoint>> {
    match fs::read(dir.join(NAME)) {
        Ok(bytes) => Ok(Checkpoint::from_bytes(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
