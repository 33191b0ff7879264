//! The hash that ties each batch to all batches before it.

use std::fmt;

/// BLAKE3 over everything in the log up to a batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// What the first batch of every log is chained to.
    pub const GENESIS: Chain = Chain(*b"Feiqian log, chain of batches v1");

    /// `BLAKE3(previous || first position || time || count || framed events)`, integers little
    /// endian. It leaves out addresses, so the same events have the same chain in any segments.
    #[must_use]
    pub(crate) fn next(&self, first: u64, time_ms: i64, count: u32, framed: &[u8]) -> Chain {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(&first.to_le_bytes());
        hasher.update(&time_ms.to_le_bytes());
        hasher.update(&count.to_le_bytes());
        hasher.update(framed);
        Chain(*hasher.finalize().as_bytes())
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({self})")
    }
}
