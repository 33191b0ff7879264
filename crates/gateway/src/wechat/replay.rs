//! Nonces seen, so that a request is taken once. In memory only: after a restart a request of the
//! last minutes could be sent again; the merchants' own numbers keep that from doing anything twice.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use feiqian_core::MerchantId;

/// How far a request's timestamp may be off, in seconds, either way (contract 2.1).
pub const WINDOW_SECONDS: i64 = 300;
/// Nonces remembered for one merchant: seven thousand requests a second over the window. Beyond, the
/// merchant has to wait.
pub const NONCES_MAX: usize = 1 << 21;

/// The nonces of the window, by merchant. Only those of verified requests come here, so strangers
/// cannot fill it.
#[derive(Default)]
pub struct Nonces {
    seen: Mutex<HashMap<MerchantId, Seen>>,
    /// Nonces are kept as 64-bit hashes under a key that no merchant knows.
    hash: RandomState,
}

#[derive(Default)]
struct Seen {
    nonces: HashSet<u64>,
    /// Until when each must be remembered, in order of arrival.
    until: VecDeque<(i64, u64)>,
}

/// Why a nonce is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It came before.
    Used,
    /// Too many came within the window.
    Full,
}

impl Nonces {
    /// Takes a nonce of a request signed at `timestamp`, which is within the window around `now`
    /// (Unix seconds).
    pub fn take(
        &self,
        merchant: MerchantId,
        nonce: &str,
        timestamp: i64,
        now: i64,
    ) -> Result<(), Refused> {
        let hash = self.hash.hash_one(nonce);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(merchant).or_default();
        while let Some((_, old)) = seen.until.pop_front_if(|(until, _)| *until < now) {
            seen.nonces.remove(&old);
        }
        if seen.nonces.contains(&hash) {
            return Err(Refused::Used);
        }
        if seen.nonces.len() >= NONCES_MAX {
            return Err(Refused::Full);
        }
        seen.nonces.insert(hash);
        seen.until
            .push_back((timestamp.saturating_add(WINDOW_SECONDS), hash));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_taken_once_within_the_window() {
        let nonces = Nonces::default();
        let (us, other) = (MerchantId(1), MerchantId(2));
        assert_eq!(nonces.take(us, "a", 1_000, 1_000), Ok(()));
        assert_eq!(nonces.take(us, "a", 1_200, 1_200), Err(Refused::Used));
        assert_eq!(nonces.take(us, "a", 1_300, 1_300), Err(Refused::Used));
        assert_eq!(nonces.take(other, "a", 1_000, 1_300), Ok(()));
        assert_eq!(nonces.take(us, "a", 1_301, 1_301), Ok(()));
        assert_eq!(nonces.seen.lock().unwrap()[&us].until.len(), 1);
    }
}
