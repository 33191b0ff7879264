//! What a share of a packet is worth.
//!
//! An equal share is a part of what is left. A lucky one is drawn: uniform between 1 fen and twice the
//! mean of what is left, but so that 1 fen stays for each further share; the last takes the rest. So every
//! share has the same expectation, whoever comes when, and the shares add up to the packet.
//!
//! Luck is SipHash-2-4 under the packet's seed, of how many shares were left. The seed comes with the
//! command, from the secure source of whoever sends it: the log has it, so that replay gives the same and
//! anybody who may read the log can check every draw; those who draw never see it, and the draws that they
//! see do not give the key of that hash away.

use core::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use siphasher::sip::SipHasher24;

use super::Kind;
use crate::money::Fen;

/// 16 secret bytes that nobody can guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 16]);

impl fmt::Debug for Seed {
    /// Without the bytes: what prints a command must not tell what will be drawn.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl<C> Encode<C> for Seed {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Seed {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.bytes()?
            .try_into()
            .map(Self)
            .map_err(|_| decode::Error::message("a seed has 16 bytes"))
    }
}

/// The next share, when so much is left for so many. There is at least one share, and 1 fen for each.
#[must_use]
pub fn draw(kind: Kind, seed: &Seed, left: Fen, shares: u16) -> Fen {
    let others = i64::from(shares).saturating_sub(1);
    assert!(
        others >= 0 && left.0 > others,
        "each share has a fen at least"
    );
    if others == 0 {
        return left;
    }
    match kind {
        Kind::Equal => Fen(left.0.div_euclid(shares.into())),
        Kind::Lucky => {
            let twice_the_mean = left.0.saturating_mul(2).div_euclid(shares.into());
            let most = twice_the_mean.min(left.0.saturating_sub(others));
            Fen(luck(seed, shares, most))
        }
    }
}

/// A number from 1 to `most`: the upper half of a product, which is uniform to one part in 2⁶⁴ / `most`.
fn luck(seed: &Seed, shares: u16, most: i64) -> i64 {
    let hash = SipHasher24::new_with_key(&seed.0).hash(&shares.to_le_bytes());
    let below = u128::from(hash).saturating_mul(u128::from(most.unsigned_abs())) >> 64;
    i64::try_from(below)
        .expect("below an i64")
        .saturating_add(1)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every packet that was ever sent is drawn so; the numbers were reckoned by another program.
    #[test]
    fn a_seeds_draws_never_change() {
        let seed = Seed(*b"Feiqian packets!");
        assert_eq!(all(Kind::Lucky, seed, 1_000, 5), [379, 257, 99, 175, 90]);
        assert_eq!(all(Kind::Equal, seed, 1_000, 5), [200; 5]);
    }

    fn all(kind: Kind, seed: Seed, total: i64, shares: u16) -> Vec<i64> {
        let mut left = Fen(total);
        let draws = (1..=shares).rev().map(|shares| {
            let drawn = draw(kind, &seed, left, shares);
            left = left.minus(drawn).unwrap();
            drawn.0
        });
        let draws = draws.collect();
        assert_eq!(left, Fen::ZERO);
        draws
    }

    proptest! {
        /// Whatever the seed: a fen at least, twice the mean of what was left at most, and the whole together.
        #[test]
        fn draws_keep_their_bounds(seed: [u8; 16], shares in 1..=500_u16, more in prop_oneof![0..1_000_i64, 0..1_000_000_000_000 - 500_i64]) {
            let total = i64::from(shares) + more;
            let mut left = total;
            let draws = all(Kind::Lucky, Seed(seed), total, shares);
            for (drawn, shares) in draws.iter().zip((1..=i64::from(shares)).rev()) {
                prop_assert!(*drawn >= 1 && (shares == 1 || *drawn * shares <= 2 * left), "{draws:?}");
                left -= drawn;
            }
            prop_assert_eq!(left, 0);
        }
    }

    /// The mean of each place's draws is that of the packet: nobody gains by coming first or last.
    #[test]
    fn every_place_is_worth_the_same() {
        const SEEDS: i64 = 20_000;
        let mut sums = [0; 10];
        for n in 0..SEEDS {
            let mut seed = [7; 16];
            seed[..8].copy_from_slice(&n.to_le_bytes());
            let draws = all(Kind::Lucky, Seed(seed), 100_000, 10);
            sums.iter_mut()
                .zip(draws)
                .for_each(|(sum, drawn)| *sum += drawn);
        }
        for sum in sums {
            // A draw's standard deviation is below 10,000: six of the mean's are 424.
            assert!((sum / SEEDS - 10_000).abs() < 424, "{sums:?}");
        }
    }
}
