//! What a backup holds.

use feiqian_core::{Event, Mode};
use serde::{Deserialize, Serialize};

use super::log::Copied;
use crate::Failure;

/// Backups of another format are refused.
const FORMAT: u32 = 1;

/// A backup's contents. What is not listed here is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Which program made it.
    made_by: String,
    /// `sandbox` or `production`, as the log says; for people.
    mode: String,
    /// How many events the log holds.
    pub events: u64,
    /// The log's hash chain there.
    pub chain: String,
    /// The log's files, in order.
    pub log: Vec<Segment>,
    /// Hashes of the vault's parts, in order.
    pub vault: Vec<String>,
    /// Hashes of the notices' parts, in order.
    pub notices: Vec<String>,
    /// BLAKE3 of the manifest as compact JSON with this field empty.
    check: String,
}

/// A file of the log. The file may be longer: an interrupted backup went further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub file: String,
    pub bytes: u64,
    /// Of so many bytes.
    pub blake3: String,
}

impl Manifest {
    pub fn new(copied: &Copied, parts: super::parts::List) -> Result<Self, Failure> {
        let super::parts::List { vault, notices } = parts;
        let mode = match copied.mode {
            Mode::Sandbox => "sandbox",
            Mode::Production => "production",
        };
        let mut manifest = Self {
            format: FORMAT,
            made_by: concat!("feiqian ", env!("CARGO_PKG_VERSION")).to_owned(),
            mode: mode.to_owned(),
            events: copied.events,
            chain: copied.chain.to_string(),
            log: copied.segments.clone(),
            vault,
            notices,
            check: String::new(),
        };
        manifest.check = manifest.hash()?;
        Ok(manifest)
    }

    fn hash(&self) -> Result<String, Failure> {
        let unchecked = Self {
            check: String::new(),
            ..self.clone()
        };
        Ok(blake3::hash(&serde_json::to_vec(&unchecked)?).to_string())
    }

    /// As it lies on disk.
    pub fn text(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let format: Format = serde_json::from_slice(bytes)?;
        if format.format != FORMAT {
            let other = format.format;
            return Err(format!("backups of format {other} cannot be read by this program").into());
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.hash()? != manifest.check {
            return Err("its check does not match".into());
        }
        Ok(manifest)
    }
}

/// The mode that a log's first event sets.
pub fn mode(first: &[u8]) -> Result<Mode, Failure> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "every log begins with this event"
    )]
    match minicbor::decode(first)? {
        Event::Opened(opened) => Ok(opened.mode),
        _ => Err("the log does not begin with the event that opens it".into()),
    }
}
