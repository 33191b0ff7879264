//! Bearer keys of the native API: who holds them and what they may do.
//!
//! A key is 32 random bytes; the vault keeps its SHA-256 only, so a key that is lost is made anew.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::ids::BadNumber;
use feiqian_core::{MerchantId, Number, UserId};
use feiqian_store::vault::Vault;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::platform::{PlatformError, read_record, write_record};

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything an operator does, under this name.
    Operator(Number),
    /// What one merchant does.
    Merchant(u32),
    /// What one shopper does.
    User(u32),
}

/// A role as the vault keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    /// The one operator of keys made before operators had names.
    Operator,
    NamedOperator(String),
    Merchant(u32),
    User(u32),
}

/// The operator whose key the first start writes.
pub const FIRST_OPERATOR: &str = "operator";

impl From<Role> for Record {
    fn from(role: Role) -> Self {
        match role {
            Role::Operator(name) => Self::NamedOperator(name.as_str().to_owned()),
            Role::Merchant(merchant) => Self::Merchant(merchant),
            Role::User(user) => Self::User(user),
        }
    }
}

impl TryFrom<Record> for Role {
    type Error = BadNumber;

    fn try_from(record: Record) -> Result<Self, BadNumber> {
        Ok(match record {
            Record::Operator => Self::first_operator(),
            Record::NamedOperator(name) => Self::Operator(Number::new(&name)?),
            Record::Merchant(merchant) => Self::Merchant(merchant),
            Record::User(user) => Self::User(user),
        })
    }
}

impl Role {
    /// For the operator who was there first.
    ///
    /// # Panics
    /// Never: its name is a name.
    #[must_use]
    pub fn first_operator() -> Self {
        Self::Operator(Number::new(FIRST_OPERATOR).expect("its name is a name"))
    }

    /// For a merchant.
    #[must_use]
    pub fn merchant(merchant: MerchantId) -> Self {
        Self::Merchant(merchant.0)
    }

    /// For a shopper.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self::User(user.0)
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Operator(_) => "fqo_",
            Self::Merchant(_) => "fqm_",
            Self::User(_) => "fqu_",
        }
    }
}

/// The keys seen so far.
#[derive(Default)]
pub struct Access {
    seen: RwLock<HashMap<[u8; 32], Role>>,
}

impl Access {
    /// Makes a key and remembers whom it is for. It is told this once.
    pub fn grant(&self, vault: &Vault, role: Role) -> Result<SecretString, PlatformError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PlatformError::Record("random".into()))?;
        let key = format!("{}{}", role.prefix(), URL_SAFE_NO_PAD.encode(bytes));
        write_record(vault, &name(&hash(&key)), &Record::from(role))?;
        Ok(key.into())
    }

    /// Who holds this key, if anybody. A look-up by hash tells a guesser nothing by its time.
    pub fn role(&self, vault: &Vault, key: &str) -> Result<Option<Role>, PlatformError> {
        let hash = hash(key);
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(role) = seen.get(&hash) {
            return Ok(Some(*role));
        }
        drop(seen);
        // Held over the look-up, so that a key revoked meanwhile is not remembered.
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let record = read_record::<Record>(vault, &name(&hash))?;
        let role = record
            .map(Role::try_from)
            .transpose()
            .map_err(|_| PlatformError::Record("access".into()))?;
        if let Some(role) = role {
            seen.insert(hash, role);
        }
        Ok(role)
    }

    /// From now on nobody holds this key.
    pub fn revoke(&self, vault: &Vault, key: &str) -> Result<(), PlatformError> {
        let hash = hash(key);
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        vault.remove_secret(&name(&hash))?;
        seen.remove(&hash);
        Ok(())
    }
}

fn hash(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}

fn name(hash: &[u8; 32]) -> String {
    format!("access/{}", URL_SAFE_NO_PAD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_made_before_operators_had_names_are_good() {
        let read = |text: &str| serde_json::from_str::<Record>(text).unwrap().try_into();
        let named = Role::Operator(Number::new("second").unwrap());
        for (stored, role) in [
            (r#""operator""#, Role::first_operator()),
            (r#"{"named_operator":"second"}"#, named),
            (r#"{"merchant":7}"#, Role::Merchant(7)),
            (r#"{"user":7}"#, Role::User(7)),
        ] {
            assert_eq!(read(stored), Ok(role), "{stored}");
            let written = serde_json::to_string(&Record::from(role)).unwrap();
            assert_eq!(read(&written), Ok(role), "{written}");
        }
        assert_eq!(read(r#"{"named_operator":"a b"}"#), Err(BadNumber));
    }
}
