//! Challenges that are out: what a device or a passkey signs to show that it is there now.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::UserId;

use super::device::DeviceId;
use crate::platform::PlatformError;

/// Challenges that are out at once; beyond it the old ones go first.
const CHALLENGES_MAX: usize = 100_000;

/// What a challenge is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// This device signs in.
    SignIn(DeviceId),
    /// This user adds a passkey at this device.
    Add(UserId, DeviceId),
    /// Somebody signs in by passkey.
    Enter,
}

impl Purpose {
    /// It is answered within this time. Devices sign by themselves; people look for their key.
    #[must_use]
    pub fn life(self) -> Duration {
        match self {
            Self::SignIn(_) => Duration::from_secs(60),
            Self::Add(..) | Self::Enter => Duration::from_secs(3 * 60),
        }
    }
}

/// All of them.
#[derive(Default)]
pub struct Challenges(Mutex<HashMap<String, (Purpose, Instant)>>);

impl Challenges {
    /// A new one: 32 random bytes in base64url.
    ///
    /// # Errors
    /// Without random bytes.
    pub fn give(&self, purpose: Purpose, now: Instant) -> Result<String, PlatformError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PlatformError::Record("random".into()))?;
        let challenge = URL_SAFE_NO_PAD.encode(bytes);
        let mut all = self.lock();
        if all.len() >= CHALLENGES_MAX {
            all.retain(|_, (purpose, made)| now.duration_since(*made) < purpose.life());
        }
        if all.len() >= CHALLENGES_MAX {
            all.clear();
        }
        all.insert(challenge.clone(), (purpose, now));
        Ok(challenge)
    }

    /// Whether it was given for this. It is good once.
    pub fn take(&self, challenge: &str, purpose: Purpose, now: Instant) -> bool {
        let found = self.lock().remove(challenge);
        found.is_some_and(|(given_for, made)| {
            given_for == purpose && now.duration_since(made) < purpose.life()
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Purpose, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_for_its_purpose_and_a_while() {
        let (challenges, now) = (Challenges::default(), Instant::now());
        let device = DeviceId([1; 16]);
        let add = Purpose::Add(UserId(1), device);
        let give = |purpose| challenges.give(purpose, now).unwrap();
        let first = give(add);
        assert!(challenges.take(&first, add, now));
        assert!(!challenges.take(&first, add, now));
        let others = [
            Purpose::Add(UserId(2), device),
            Purpose::SignIn(device),
            Purpose::Enter,
        ];
        for other in others {
            assert!(!challenges.take(&give(add), other, now), "{other:?}");
            assert!(challenges.take(&give(other), other, now), "{other:?}");
            let late = now + other.life();
            assert!(!challenges.take(&give(other), other, late), "{other:?}");
        }
        assert!(!challenges.take("", Purpose::Enter, now));
    }
}
