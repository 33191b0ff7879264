//! Chance that stays the same: SipHash after its paper (Aumasson and Bernstein, 2012). Campaigns draw by
//! SipHash-1-3 over a payer and a count, packets by SipHash-2-4 over how many shares are left.

use feiqian_core::UserId;

/// A payer's n-th number of a campaign.
pub fn draw(seed: u64, payer: UserId, n: u32) -> u64 {
    let word = u64::from(payer.0) | u64::from(n) << 32;
    sip13(seed, 0x0066_6569_7169_616e, word)
}

/// SipHash-1-3 of one word of eight bytes. The last word holds the length.
fn sip13(k0: u64, k1: u64, word: u64) -> u64 {
    sip(1, 3, [k0, k1], &[word, 8 << 56])
}

/// SipHash-2-4 of two bytes.
pub(super) fn sip24(key: [u8; 16], word: u16) -> u64 {
    let half = |from: usize| (0..8).map(|n| u64::from(key[from + n]) << (8 * n)).sum();
    sip(2, 4, [half(0), half(8)], &[u64::from(word) | 2 << 56])
}

fn sip(rounds: u8, last: u8, [k0, k1]: [u64; 2], words: &[u64]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    for word in words {
        v[3] ^= word;
        (0..rounds).for_each(|_| round(&mut v));
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..last).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}
