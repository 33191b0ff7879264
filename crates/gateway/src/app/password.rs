//! PINs and passwords, as the vault keeps them: Argon2id (RFC 9106) with a salt each and a key of the vault.
//!
//! A hash takes 19 MiB and some tens of milliseconds (OWASP's second choice), so few are made at once.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::platform::PlatformError;
use crate::v1::error::{ApiError, ErrorType};

/// Memory of a hash, in KiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over it.
const PASSES: u32 = 2;
/// Hashes that are made at once; the others wait.
const AT_ONCE: usize = 4;
const LEN: usize = 32;

/// Makes and compares hashes.
pub struct Passwords {
    key: Zeroizing<[u8; 32]>,
    turns: Arc<Semaphore>,
}

/// A hash and how it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hash {
    memory_kib: u32,
    passes: u32,
    salt: String,
    hash: String,
}

impl Passwords {
    /// With a key that is used for nothing else.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self {
            key,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Waits for leave to make or compare a hash; to be held while it is made.
    ///
    /// # Errors
    /// 503 when the server stops.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let turn = self.turns.clone().acquire_owned().await;
        turn.map_err(|_| ApiError::new(ErrorType::Unavailable, "stopped", "the server is stopping"))
    }

    /// A hash of this word under a new salt. Takes long: not on the runtime's threads.
    ///
    /// # Errors
    /// Without random bytes or memory.
    pub fn hash(&self, word: &str) -> Result<Hash, PlatformError> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| failed())?;
        let hash = self.digest(word, &salt, MEMORY_KIB, PASSES)?;
        Ok(Hash {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: STANDARD.encode(salt),
            hash: STANDARD.encode(*hash),
        })
    }

    /// Whether it is the hash of this word. Takes long: not on the runtime's threads.
    ///
    /// # Errors
    /// Without memory, and for a record that this program did not write.
    pub fn fits(&self, word: &str, hash: &Hash) -> Result<bool, PlatformError> {
        let salt = STANDARD.decode(&hash.salt).map_err(|_| failed())?;
        let known = STANDARD.decode(&hash.hash).map_err(|_| failed())?;
        let given = self.digest(word, &salt, hash.memory_kib, hash.passes)?;
        Ok(verify_slices_are_equal(&*given, &known).is_ok())
    }

    fn digest(
        &self,
        word: &str,
        salt: &[u8],
        memory_kib: u32,
        passes: u32,
    ) -> Result<Zeroizing<[u8; LEN]>, PlatformError> {
        let params = Params::new(memory_kib, passes, 1, Some(LEN)).map_err(|_| failed())?;
        let argon = Argon2::new_with_secret(
            self.key.as_slice(),
            Algorithm::Argon2id,
            Version::V0x13,
            params,
        );
        let mut hash = Zeroizing::new([0; LEN]);
        argon
            .map_err(|_| failed())?
            .hash_password_into(word.as_bytes(), salt, hash.as_mut_slice())
            .map_err(|_| failed())?;
        Ok(hash)
    }
}

fn failed() -> PlatformError {
    PlatformError::Record("password".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_word_under_its_key_only() {
        let ours = Passwords::new(Zeroizing::new([1; 32]));
        let others = Passwords::new(Zeroizing::new([2; 32]));
        let hash = ours.hash("123456").unwrap();
        assert!(ours.fits("123456", &hash).unwrap());
        assert!(!ours.fits("123457", &hash).unwrap());
        assert!(!others.fits("123456", &hash).unwrap());
        assert_ne!(ours.hash("123456").unwrap(), hash, "a salt each");
    }
}
