//! How many wrong codes are heard out: of one key, and at one merchant's tills.
//!
//! Counted by the hour, in memory. A wrong code hits with 3 in 10⁷, so ten an hour leave a guesser who knows
//! an alias a chance of 3 in 10⁶ an hour. A merchant who sends wrong codes on purpose can shut out a key of
//! which it saw a code until the hour is over; the phone then asks for a fresh key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use feiqian_core::{MerchantId, UnixMillis};

/// Wrong codes of one key in an hour.
pub const WRONG_PER_KEY: u32 = 10;
/// Wrong codes at one merchant's tills in an hour.
pub const WRONG_PER_MERCHANT: u32 = 120;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// What was wrong in this hour.
#[derive(Default)]
pub struct Attempts {
    hour: Mutex<Hour>,
}

#[derive(Default)]
struct Hour {
    number: i64,
    of_key: HashMap<u32, u32>,
    at_merchant: HashMap<MerchantId, u32>,
}

impl Attempts {
    /// Takes an attempt, unless there were too many wrong ones. It counts as wrong until it is
    /// [`forgiven`](Self::forgive), so that many at once are not heard out either.
    #[must_use]
    pub fn take(&self, merchant: MerchantId, alias: u32, now: UnixMillis) -> bool {
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.0.div_euclid(HOUR_MS);
        if hour.number != number {
            *hour = Hour {
                number,
                ..Hour::default()
            };
        }
        let wrong = hour.of_key.get(&alias).copied().unwrap_or_default();
        let here = hour.at_merchant.get(&merchant).copied().unwrap_or_default();
        if wrong >= WRONG_PER_KEY || here >= WRONG_PER_MERCHANT {
            return false;
        }
        hour.of_key.insert(alias, wrong + 1);
        hour.at_merchant.insert(merchant, here + 1);
        true
    }

    /// The attempt was not a wrong code.
    pub fn forgive(&self, merchant: MerchantId, alias: u32) {
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        let Hour {
            of_key,
            at_merchant,
            ..
        } = &mut *hour;
        if let Some(wrong) = of_key.get_mut(&alias) {
            *wrong = wrong.saturating_sub(1);
            if *wrong == 0 {
                of_key.remove(&alias);
            }
        }
        if let Some(wrong) = at_merchant.get_mut(&merchant) {
            *wrong = wrong.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis(HOUR_MS);

    #[test]
    fn guesses_are_limited_by_key_and_by_merchant_for_an_hour() {
        let attempts = Attempts::default();
        let merchant = MerchantId(1);
        for _ in 0..100 {
            assert!(attempts.take(merchant, 7, NOW));
            attempts.forgive(merchant, 7);
        }
        for _ in 0..WRONG_PER_KEY {
            assert!(attempts.take(merchant, 7, NOW));
        }
        assert!(!attempts.take(merchant, 7, NOW));
        assert!(!attempts.take(MerchantId(2), 7, NOW));
        for alias in WRONG_PER_KEY..WRONG_PER_MERCHANT {
            assert!(attempts.take(merchant, 100 + alias, NOW));
        }
        assert!(!attempts.take(merchant, 999, NOW));
        assert!(attempts.take(MerchantId(2), 999, NOW));
        assert!(attempts.take(merchant, 7, NOW.plus(HOUR_MS)));
    }

    proptest! {
        /// Whoever mixes wrong codes with right ones, at whichever tills, is heard out no more often.
        #[test]
        fn no_order_of_attempts_gives_more_wrong_ones(
            tries in prop::collection::vec((0..3_u32, 0..30_u32, any::<bool>()), 0..1_000)
        ) {
            let attempts = Attempts::default();
            let (mut of_key, mut at) = (HashMap::new(), HashMap::new());
            for (merchant, alias, right) in tries {
                let merchant = MerchantId(merchant);
                if !attempts.take(merchant, alias, NOW) {
                    continue;
                }
                if right {
                    attempts.forgive(merchant, alias);
                    continue;
                }
                *of_key.entry(alias).or_insert(0) += 1;
                *at.entry(merchant).or_insert(0) += 1;
            }
            prop_assert!(of_key.values().all(|wrong| *wrong <= WRONG_PER_KEY));
            prop_assert!(at.values().all(|wrong| *wrong <= WRONG_PER_MERCHANT));
        }
    }
}
