//! A block of a run: sorted pairs with a checksum.
//!
//! ```text
//! CRC-32C of all that follows (4) ‖ number of pairs (4) ‖ number of the block in its file (8)
//! pairs, each value (8) ‖ key (8), then zeros
//! ```
//!
//! Integers are little endian.

use crate::index::Pair;

pub(crate) const BLOCK_BYTES: usize = 4096;
const HEADER_BYTES: usize = 16;
pub(crate) const PAIR_BYTES: usize = 16;
pub(crate) const PAIRS_PER_BLOCK: usize = (BLOCK_BYTES - HEADER_BYTES) / PAIR_BYTES;

/// Adds the block of at most [`PAIRS_PER_BLOCK`] pairs to `bytes`.
pub(crate) fn encode(pairs: &[Pair], number: u64, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    let count = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.resize(start + BLOCK_BYTES, 0);
    let room = bytes[start + HEADER_BYTES..].chunks_exact_mut(PAIR_BYTES);
    for (room, pair) in room.zip(pairs) {
        room.copy_from_slice(&pair.to_le_bytes());
    }
    let crc = crc32c::crc32c(&bytes[start + 4..]);
    bytes[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Adds the pairs of a block to `pairs`; none if the bytes are not that block, whole and unharmed.
pub(crate) fn decode(block: &[u8], number: u64, pairs: &mut Vec<Pair>) -> Option<()> {
    let (crc, checked) = block.split_first_chunk()?;
    let (count, rest) = checked.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let sound = block.len() == BLOCK_BYTES
        && u32::from_le_bytes(*crc) == crc32c::crc32c(checked)
        && u64::from_le_bytes(*at) == number
        && count <= PAIRS_PER_BLOCK;
    if !sound {
        return None;
    }
    let (chunks, _) = rest.as_chunks();
    pairs.extend(
        chunks[..count]
            .iter()
            .map(|pair| Pair::from_le_bytes(*pair)),
    );
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_and_a_damaged_one_does_not() {
        let pairs: Vec<Pair> = (0..100).map(|n| n << 60).collect();
        let mut bytes = Vec::new();
        encode(&pairs, 7, &mut bytes);
        assert_eq!(bytes.len(), BLOCK_BYTES);
        let mut back = Vec::new();
        assert_eq!(decode(&bytes, 7, &mut back), Some(()));
        assert_eq!(back, pairs);
        assert_eq!(decode(&bytes, 8, &mut back), None, "another block's place");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert_eq!(decode(&damaged, 7, &mut back), None, "byte {at}");
            assert_eq!(decode(&bytes[..at], 7, &mut back), None, "cut at {at}");
        }
    }
}
