//! Where keys for pay codes are kept: in the vault, by alias.
//!
//! | name of the secret | holds |
//! | --- | --- |
//! | `pay-code/ALIAS` | user, prefix, secret, and until when, if a later key took its place |
//! | `pay-code-of/USER/DEVICE` | the device's aliases, newest first |

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::limits::{DAY_MS, PAY_CODE_STEP_MS};
use feiqian_core::{UnixMillis, UserId};
use feiqian_store::vault::Vault;
use serde::{Deserialize, Serialize};

use super::derive::{ALIASES, CodeKey};
use crate::platform::{PlatformError, read_record, write_record};

/// A key of the server's own is good for so long: for the one code that was made of it.
const OWN_LIFE_MS: i64 = 4 * PAY_CODE_STEP_MS;

/// Keys, as far as they are not in the vault alone.
#[derive(Default)]
pub struct Keys {
    /// One change at a time; and the keys of codes that were made here ([`Keys::lend`]).
    own: Mutex<HashMap<u32, (CodeKey, UnixMillis)>>,
}

/// A key as the vault keeps it.
#[derive(Serialize, Deserialize)]
struct Record {
    user: u32,
    prefix: u8,
    /// base64, 32 bytes.
    secret: String,
    /// Unix milliseconds.
    until: Option<i64>,
}

/// A fresh key on its way to its device.
pub struct Fresh {
    /// Which key.
    pub alias: u32,
    /// base64, 32 bytes.
    pub secret: String,
}

impl Keys {
    /// A fresh key for a device. The one before goes on for a day, those before that end.
    pub fn issue(
        &self,
        vault: &Vault,
        (user, prefix): (UserId, u8),
        device: &str,
        now: UnixMillis,
    ) -> Result<Fresh, PlatformError> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let list = list_name(user, device);
        let mut aliases = read_record::<Vec<u32>>(vault, &list)?.unwrap_or_default();
        for old in aliases.drain(aliases.len().min(1)..) {
            vault.remove_secret(&name(old))?;
        }
        if let Some(before) = aliases.first()
            && let Some(mut record) = read_record::<Record>(vault, &name(*before))?
        {
            record.until = Some(now.plus(DAY_MS).0);
            write_record(vault, &name(*before), &record)?;
        }
        let (alias, secret) = fresh(vault, &own)?;
        let secret = STANDARD.encode(secret);
        let record = Record {
            user: user.0,
            prefix,
            secret: secret.clone(),
            until: None,
        };
        write_record(vault, &name(alias), &record)?;
        aliases.insert(0, alias);
        write_record(vault, &list, &aliases)?;
        Ok(Fresh { alias, secret })
    }

    /// A code of this step, of a key that is used for nothing else and lives in memory only: for
    /// shoppers without a phone of ours.
    pub fn lend(
        &self,
        vault: &Vault,
        (user, prefix): (UserId, u8),
        step: u64,
        now: UnixMillis,
    ) -> Result<String, PlatformError> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, (_, until)| *until > now);
        let (alias, secret) = fresh(vault, &own)?;
        let key = CodeKey::new(user, prefix, alias, &secret);
        let code = key.code(step);
        own.insert(alias, (key, now.plus(OWN_LIFE_MS)));
        Ok(code)
    }

    /// Does something with the key of an alias, if there is one.
    pub fn with<T>(
        &self,
        vault: &Vault,
        alias: u32,
        now: UnixMillis,
        then: impl FnOnce(&CodeKey) -> T,
    ) -> Result<Option<T>, PlatformError> {
        {
            let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((key, _)) = own.get(&alias) {
                return Ok(Some(then(key)));
            }
        }
        let Some(record) = read_record::<Record>(vault, &name(alias))? else {
            return Ok(None);
        };
        if record.until.is_some_and(|until| until <= now.0) {
            return Ok(None);
        }
        let secret = STANDARD.decode(&record.secret).ok();
        let secret: [u8; 32] = secret
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| PlatformError::Record(name(alias)))?;
        let key = CodeKey::new(UserId(record.user), record.prefix, alias, &secret);
        Ok(Some(then(&key)))
    }

    /// Ends the keys of a device, or of all devices of a user.
    pub fn revoke(
        &self,
        vault: &Vault,
        user: UserId,
        device: Option<&str>,
    ) -> Result<(), PlatformError> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = match device {
            Some(device) => vec![list_name(user, device)],
            None => {
                own.retain(|_, (key, _)| key.user != user);
                vault.secrets_with_prefix(&list_name(user, ""))?
            }
        };
        for list in lists {
            for alias in read_record::<Vec<u32>>(vault, &list)?.unwrap_or_default() {
                vault.remove_secret(&name(alias))?;
            }
            vault.remove_secret(&list)?;
        }
        Ok(())
    }
}

fn name(alias: u32) -> String {
    format!("pay-code/{alias:09}")
}

fn list_name(user: UserId, device: &str) -> String {
    format!("pay-code-of/{user}/{device}")
}

/// An alias that nobody has, and a secret.
fn fresh(
    vault: &Vault,
    own: &HashMap<u32, (CodeKey, UnixMillis)>,
) -> Result<(u32, [u8; 32]), PlatformError> {
    let no_random = |_| PlatformError::Record("random".into());
    let mut secret = [0; 32];
    rand::fill(&mut secret).map_err(no_random)?;
    loop {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes).map_err(no_random)?;
        let alias = u64::from_be_bytes(bytes) % u64::from(ALIASES);
        let alias = u32::try_from(alias).expect("below 10^9");
        if !own.contains_key(&alias) && vault.secret(&name(alias))?.is_none() {
            return Ok((alias, secret));
        }
    }
}
