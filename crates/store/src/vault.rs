//! The vault: personal data and secrets, which must never be in the log.
//!
//! It lies in a folder of its own (a fjall database) and everything in it is AES-256-GCM (NIST SP
//! 800-38D) under keys derived from one master key by HKDF-SHA256 (RFC 5869).
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `meta` | `check` | a known text, sealed: tells a wrong master key at once |
//! | `secrets` | name | secret, sealed under the secrets key, the name as associated data |
//! | `people` | person's number, 8 bytes big endian | record, sealed under that person's own key |
//! | `person_keys` | the same number | that person's random key, sealed under the wrapping key |
//!
//! Every value is `version (1) ‖ nonce (12, random) ‖ ciphertext ‖ tag (16)`.
//!
//! **What is not hidden**: names of secrets, numbers of people, lengths, how many there are.
//!
//! **What erasing guarantees.** A person's key reaches the disk only inside a table file of
//! `person_keys`, never in fjall's journal. Erasing removes it, syncs, and rewrites the tables
//! without it; the old files are deleted. From then on no file of the vault holds the key, so the
//! record is unreadable even to somebody with the master key, wherever old bytes of the *record* may
//! linger (fjall's journal). Not covered: backups and file-system snapshots made before, and flash
//! cells that the disk has not yet reclaimed; there the key is still sealed under the master key.
//! A removed *secret* has no such guarantee: its old sealed bytes may stay in the journal for a
//! while. Change the secret at its source when it has leaked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, rand};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox, SecretSlice};

use crate::export::{Export, ExportError};

/// Longest name of a secret, in bytes.
pub const SECRET_NAME_MAX: usize = 200;
/// Longest secret or personal record, in bytes.
pub const VALUE_MAX: usize = 64 * 1024;

const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
const SEALED_VERSION: u8 = 1;
const SEALED_OVERHEAD: usize = 1 + NONCE_LEN + TAG_LEN;
/// Longest master key file: 64 hexadecimal digits and some white space.
const KEY_FILE_MAX: u64 = 128;
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
const CHECK_KEY: &str = "check";
const CHECK_TEXT: &[u8] = b"feiqian vault, format 1";

/// Why the vault cannot answer. No variant ever carries plaintext or key bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Operator: the master key file can be read or written by others.
    #[error(
        "master key file {} has mode {mode:04o}: only its owner may read it; run: chmod 600 {}",
        path.display(), path.display()
    )]
    KeyFileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Operator: the master key file cannot be opened, read or created.
    #[error("master key file {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Operator: a master key is 64 hexadecimal digits, and this is not.
    #[error("the master key is not 64 hexadecimal digits")]
    KeyText,
    /// Operator: the vault was made with another master key.
    #[error("this is not the master key that the vault was made with")]
    WrongMasterKey,
    /// Storage: a stored value was altered, moved or cut.
    #[error("vault entry {entry} is damaged or was tampered with")]
    Damaged {
        /// Keyspace and key of the entry.
        entry: String,
    },
    /// Caller: an empty name, or one longer than [`SECRET_NAME_MAX`].
    #[error("the name of a secret is 1 to {SECRET_NAME_MAX} bytes")]
    Name,
    /// Caller: a value longer than [`VALUE_MAX`].
    #[error("a vault value is at most {VALUE_MAX} bytes")]
    TooLong,
    /// System: no random bytes, or the cryptographic library refused.
    #[error("the cryptographic library refused to work")]
    Crypto,
    /// Storage: the database under the vault failed.
    #[error("vault storage")]
    Storage(#[from] fjall::Error),
}

/// The one key that opens the vault: 32 bytes that cannot be printed and are wiped when dropped.
///
/// As text it is 64 hexadecimal digits, so that it can be kept on paper.
#[derive(Debug)]
pub struct MasterKey(SecretBox<[u8; KEY_LEN]>);

impl MasterKey {
    /// Makes a random key and writes it, synced, to a **new** file of mode 0600.
    ///
    /// A sandbox's key can be told from others ([`MasterKey::is_sandbox`]): its last 8 bytes are a
    /// hash of the 24 random ones.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] if the file exists or cannot be written, [`VaultError::Crypto`]
    /// without random bytes.
    pub fn create(path: &Path, sandbox: bool) -> Result<Self, VaultError> {
        let failed = |source| VaultError::KeyFile {
            path: path.to_owned(),
            source,
        };
        let mut key = random_key()?;
        if sandbox {
            let mark = sandbox_mark(&key);
            key[MARKED..].copy_from_slice(&mark);
        }
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_LEN + 1));
        for byte in key.iter() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        text.push('\n');
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        // The name lasts only once the folder is synced too.
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|f| f.sync_all())
            .map_err(failed)?;
        Ok(Self::wrap(&key))
    }

    /// Reads the key from a file that nobody but its owner can touch: mode 0600 (or 0400).
    ///
    /// # Errors
    /// [`VaultError::KeyFileMode`], [`VaultError::KeyFile`], [`VaultError::KeyText`].
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::KeyFile {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // Asked of the open file, not of the path, so that it cannot be swapped in between.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if mode & !0o600 != 0 {
            return Err(VaultError::KeyFileMode {
                path: path.to_owned(),
                mode,
            });
        }
        let mut text = Zeroizing::new(String::with_capacity(256));
        match file.take(KEY_FILE_MAX).read_to_string(&mut text) {
            Ok(_) => Self::from_hex(&text),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(VaultError::KeyText),
            Err(error) => Err(failed(error)),
        }
    }

    /// The key from 64 hexadecimal digits, as an environment variable holds them; white space
    /// around them is ignored.
    ///
    /// # Errors
    /// [`VaultError::KeyText`].
    pub fn from_hex(text: &str) -> Result<Self, VaultError> {
        let digits = text.trim().as_bytes();
        if digits.len() != 2 * KEY_LEN {
            return Err(VaultError::KeyText);
        }
        let nibble = |digit: u8| {
            let value = char::from(digit)
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok());
            value.ok_or(VaultError::KeyText)
        };
        let mut key = Zeroizing::new([0_u8; KEY_LEN]);
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self::wrap(&key))
    }

    /// Whether a sandbox made this key. Production must not run on one: demo folders get copied and
    /// shared.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        let key = self.0.expose_secret();
        key[MARKED..] == sandbox_mark(key)
    }

    fn wrap(key: &[u8; KEY_LEN]) -> Self {
        Self(SecretBox::init_with(|| *key))
    }
}

/// Where the mark of a sandbox's key starts.
const MARKED: usize = 24;

fn sandbox_mark(key: &[u8; KEY_LEN]) -> [u8; KEY_LEN - MARKED] {
    let mut text = b"feiqian sandbox key 1".to_vec();
    text.extend_from_slice(&key[..MARKED]);
    let hash = digest::digest(&digest::SHA256, &text);
    let mut mark = [0; KEY_LEN - MARKED];
    mark.copy_from_slice(&hash.as_ref()[..KEY_LEN - MARKED]);
    mark
}

/// Personal data and secrets on disk. See the module's documentation for what is guaranteed.
///
/// May be shared between threads. Every write is on the disk (`fsync`) before it returns.
pub struct Vault {
    database: Database,
    secrets: Keyspace,
    people: Keyspace,
    person_keys: Keyspace,
    root: hkdf::Prk,
    secrets_key: LessSafeKey,
    wrapping_key: LessSafeKey,
    /// Held while people are written: a record must not be sealed under a key being erased.
    writing_people: Mutex<()>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Vault(..)")
    }
}

impl Vault {
    /// Opens the vault in `folder`, making it there if it is new. One process at a time.
    ///
    /// # Errors
    /// [`VaultError::WrongMasterKey`] if it was made with another key; [`VaultError::Storage`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the master key is wiped once it is used"
    )]
    pub fn open(folder: &Path, master: MasterKey) -> Result<Self, VaultError> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"feiqian vault 1")
            .extract(master.0.expose_secret());
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .open()?;
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        let vault = Self {
            secrets: keyspace("secrets")?,
            people: keyspace("people")?,
            person_keys: keyspace("person_keys")?,
            secrets_key: aead_key(&*expand(&root, "vault/secrets")?)?,
            wrapping_key: aead_key(&*expand(&root, "vault/person-keys")?)?,
            writing_people: Mutex::new(()),
            root,
            database,
        };
        vault.check_master()?;
        Ok(vault)
    }

    fn check_master(&self) -> Result<(), VaultError> {
        let meta = self
            .database
            .keyspace("meta", KeyspaceCreateOptions::default)?;
        let key = aead_key(&*expand(&self.root, "vault/check")?)?;
        if let Some(stored) = meta.get(CHECK_KEY)? {
            return match open_sealed(&key, b"check", &stored) {
                Some(text) if text.as_slice() == CHECK_TEXT => Ok(()),
                _ => Err(VaultError::WrongMasterKey),
            };
        }
        if !(self.secrets.is_empty()? && self.people.is_empty()? && self.person_keys.is_empty()?) {
            // Only damage leaves entries without the check value that was written before them.
            return Err(VaultError::Damaged {
                entry: "meta/check".to_owned(),
            });
        }
        meta.insert(CHECK_KEY, seal(&key, b"check", CHECK_TEXT)?)?;
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// A key of its own for one purpose elsewhere in the program (opaque ids, MACs …). The same
    /// label gives the same key as long as the master key is the same.
    ///
    /// # Errors
    /// [`VaultError::Crypto`].
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        // The prefix keeps callers' labels apart from the vault's own.
        expand(&self.root, &format!("derived/{label}"))
    }

    /// Keeps `secret` under `name`, in place of what was there.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::TooLong`], [`VaultError::Storage`].
    pub fn put_secret(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.put_secrets(&[(name, secret)])
    }

    /// [`Self::put_secret`] for many at once: all or none, with one sync.
    ///
    /// # Errors
    /// As [`Self::put_secret`].
    pub fn put_secrets(&self, secrets: &[(&str, &[u8])]) -> Result<(), VaultError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (name, secret) in secrets {
            check_name(name)?;
            let sealed = seal(&self.secrets_key, name.as_bytes(), secret)?;
            batch.insert(&self.secrets, *name, sealed);
        }
        Ok(batch.commit()?)
    }

    /// The secret called `name`, if there is one. It is wiped from memory when dropped.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Storage`].
    pub fn secret(&self, name: &str) -> Result<Option<SecretSlice<u8>>, VaultError> {
        // fjall asserts on empty and overlong keys; no such name can be there.
        if check_name(name).is_err() {
            return Ok(None);
        }
        let Some(sealed) = self.secrets.get(name)? else {
            return Ok(None);
        };
        let mut plain =
            open_sealed(&self.secrets_key, name.as_bytes(), &sealed).ok_or_else(|| {
                VaultError::Damaged {
                    entry: format!("secrets/{name}"),
                }
            })?;
        Ok(Some(SecretSlice::from(std::mem::take(&mut *plain))))
    }

    /// Forgets the secret called `name`; nothing happens if there is none.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn remove_secret(&self, name: &str) -> Result<(), VaultError> {
        if check_name(name).is_err() {
            return Ok(());
        }
        self.secrets.remove(name)?;
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// The names of all secrets that begin with `prefix`, in order.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn secrets_with_prefix(&self, prefix: &str) -> Result<Vec<String>, VaultError> {
        let names = self.secrets.prefix(prefix).map(|entry| {
            let name = entry.key()?;
            String::from_utf8(name.to_vec()).map_err(|_| VaultError::Damaged {
                entry: "secrets: a name".to_owned(),
            })
        });
        names.collect()
    }

    /// Keeps the personal record of `person`, in place of what was there.
    ///
    /// # Errors
    /// [`VaultError::TooLong`], [`VaultError::Damaged`] if the person's key is damaged,
    /// [`VaultError::Storage`].
    pub fn put_person(&self, person: u64, record: &[u8]) -> Result<(), VaultError> {
        self.put_people(&[(person, record)])
    }

    /// [`Self::put_person`] for many at once, with a constant number of syncs. Of two records of
    /// one person the later one stays. After a failure the records are all there or none is.
    ///
    /// # Errors
    /// As [`Self::put_person`].
    pub fn put_people(&self, people: &[(u64, &[u8])]) -> Result<(), VaultError> {
        let _held = self.hold_people();
        let mut keys = BTreeMap::new();
        let mut fresh = BTreeMap::new();
        for (person, _) in people {
            if keys.contains_key(person) {
                continue;
            }
            let key = if let Some(key) = self.person_key(*person)? {
                key
            } else {
                let key = random_key()?;
                fresh.insert(
                    *person,
                    seal(&self.wrapping_key, &key_label(*person), &*key)?,
                );
                aead_key(&*key)?
            };
            keys.insert(*person, key);
        }
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (person, record) in people {
            // Nothing is written before every record is sealed.
            let sealed = seal(&keys[person], &record_label(*person), record)?;
            batch.insert(&self.people, person.to_be_bytes(), sealed);
        }
        if !fresh.is_empty() {
            // Bulk ingestion writes a synced table file and leaves the journal alone, so that an
            // erased key leaves the disk with its table. A crash before the records are written
            // leaves keys of nobody: harmless, and used when that person is written again.
            let mut tables = self.person_keys.start_ingestion()?;
            for (person, sealed) in fresh {
                tables.write(person.to_be_bytes(), sealed)?;
            }
            tables.finish()?;
        }
        Ok(batch.commit()?)
    }

    /// The personal record of `person`; `None` for somebody unknown or erased. It is wiped from
    /// memory when dropped.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Storage`].
    pub fn person(&self, person: u64) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        // Record first: the other way round, an erasure in between would look like damage.
        let Some(sealed) = self.people.get(person.to_be_bytes())? else {
            return Ok(None);
        };
        let Some(key) = self.person_key(person)? else {
            return Ok(None);
        };
        open_sealed(&key, &record_label(person), &sealed)
            .map(Some)
            .ok_or_else(|| VaultError::Damaged {
                entry: format!("people/{person}"),
            })
    }

    /// Erases one person for good. See [`Self::erase_people`].
    ///
    /// # Errors
    /// As [`Self::erase_people`].
    pub fn erase_person(&self, person: u64) -> Result<(), VaultError> {
        self.erase_people(&[person])
    }

    /// Erases people for good: keys and records in one synced step, then the key tables are
    /// rewritten without them. That is one pass over all keys (about 70 bytes a person), so erase
    /// many at once. Numbers of nobody do no harm. While a [`Self::people`] iterator is open, the
    /// old tables stay until the next erasure or start.
    ///
    /// # Errors
    /// [`VaultError::Storage`]; the people may by then be unreadable already, but their old key
    /// bytes may still be on the disk. Call it again.
    pub fn erase_people(&self, people: &[u64]) -> Result<(), VaultError> {
        let people = BTreeSet::from_iter(people.iter().copied());
        if people.is_empty() {
            return Ok(());
        }
        {
            let _held = self.hold_people();
            let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
            for person in &people {
                batch.remove(&self.person_keys, person.to_be_bytes());
                batch.remove(&self.people, person.to_be_bytes());
            }
            batch.commit()?;
            // From here on nobody can read them. The rest is for the bytes on the disk: an
            // ingestion first writes what is in memory to tables and moves the mark below which
            // fjall may drop old values; without it the compaction would keep the keys.
            let mut tables = self.person_keys.start_ingestion()?;
            for person in &people {
                tables.write_tombstone(person.to_be_bytes())?;
            }
            tables.finish()?;
        }
        self.person_keys.major_compact()?;
        // The tables before the compaction still serve readers of the state before it. One more
        // (empty) change, and rotating it away, lets fjall drop that state and delete its files.
        if let Some(person) = people.first() {
            self.person_keys.remove(person.to_be_bytes())?;
            self.person_keys.rotate_memtable()?;
        }
        Ok(())
    }

    /// The numbers of all people who have a record, in order.
    pub fn people(&self) -> impl Iterator<Item = Result<u64, VaultError>> + use<> {
        self.people.iter().map(|entry| {
            let key = entry.key()?;
            let bytes = <[u8; 8]>::try_from(key.as_ref()).map_err(|_| VaultError::Damaged {
                entry: "people: a number".to_owned(),
            })?;
            Ok(u64::from_be_bytes(bytes))
        })
    }

    /// The vault as it is now, sealed as it lies on the disk, for a backup. People who are erased
    /// later are still in it.
    ///
    /// # Errors
    /// [`ExportError::Storage`].
    pub fn export(&self) -> Result<Export, ExportError> {
        Export::of(&self.database)
    }

    fn person_key(&self, person: u64) -> Result<Option<LessSafeKey>, VaultError> {
        let Some(sealed) = self.person_keys.get(person.to_be_bytes())? else {
            return Ok(None);
        };
        let key =
            open_sealed(&self.wrapping_key, &key_label(person), &sealed).ok_or_else(|| {
                VaultError::Damaged {
                    entry: format!("person_keys/{person}"),
                }
            })?;
        aead_key(&key).map(Some)
    }

    fn hold_people(&self) -> MutexGuard<'_, ()> {
        // Guards no data of its own, so a panic elsewhere leaves nothing half done.
        self.writing_people
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_name(name: &str) -> Result<(), VaultError> {
    if (1..=SECRET_NAME_MAX).contains(&name.len()) {
        Ok(())
    } else {
        Err(VaultError::Name)
    }
}

/// Associated data: ties a sealed value to its place, so that it cannot be copied to another.
fn record_label(person: u64) -> Vec<u8> {
    [b"person/".as_slice(), &person.to_be_bytes()].concat()
}

fn key_label(person: u64) -> Vec<u8> {
    [b"person-key/".as_slice(), &person.to_be_bytes()].concat()
}

fn random_key() -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    rand::fill(&mut *key).map_err(|_| VaultError::Crypto)?;
    Ok(key)
}

fn expand(root: &hkdf::Prk, label: &str) -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    root.expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| VaultError::Crypto)?;
    Ok(key)
}

fn aead_key(key: &[u8]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| VaultError::Crypto)
}

fn seal(key: &LessSafeKey, label: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    if plain.len() > VALUE_MAX {
        return Err(VaultError::TooLong);
    }
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| VaultError::Crypto)?;
    let mut sealed = Vec::with_capacity(plain.len() + SEALED_OVERHEAD);
    sealed.push(SEALED_VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(label), &mut sealed[1 + NONCE_LEN..])
        .map_err(|_| VaultError::Crypto)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// `None` says only that it is not authentic: wrong key, wrong place, altered or cut.
fn open_sealed(key: &LessSafeKey, label: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (&version, rest) = sealed.split_first()?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
    if version != SEALED_VERSION {
        return None;
    }
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(label), &mut plain)
        .ok()?
        .len();
    plain.truncate(length);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn master() -> MasterKey {
        MasterKey::from_hex(MASTER).expect("a good key")
    }

    fn vault(folder: &Path) -> Vault {
        Vault::open(folder, master()).expect("opens")
    }

    fn exposed(vault: &Vault, name: &str) -> Option<Vec<u8>> {
        vault
            .secret(name)
            .expect("reads")
            .map(|secret| secret.expose_secret().to_vec())
    }

    /// Every file under `folder` that holds `bytes`.
    fn files_holding(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).expect("lists") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                found.extend(files_holding(&path, bytes));
            } else if fs::read(&path)
                .expect("reads")
                .windows(bytes.len())
                .any(|w| w == bytes)
            {
                found.push(path);
            }
        }
        found
    }

    #[test]
    fn secrets_survive_a_restart_and_can_be_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let first = vault(folder.path());
        first
            .put_secrets(&[("wechat/1/key", b"one"), ("wechat/2/key", b"two")])
            .unwrap();
        first.put_secret("wechat/1/key", b"newer").unwrap();
        first.put_secret("other", b"").unwrap();
        drop(first);
        let again = vault(folder.path());
        assert_eq!(exposed(&again, "wechat/1/key").unwrap(), b"newer");
        assert_eq!(exposed(&again, "other").unwrap(), b"");
        assert_eq!(
            again.secrets_with_prefix("wechat/").unwrap(),
            ["wechat/1/key", "wechat/2/key"]
        );
        again.remove_secret("wechat/1/key").unwrap();
        assert_eq!(exposed(&again, "wechat/1/key"), None);
        assert_eq!(
            again.secrets_with_prefix("").unwrap(),
            ["other", "wechat/2/key"]
        );
        assert!(matches!(again.put_secret("", b"x"), Err(VaultError::Name)));
        assert_eq!(exposed(&again, ""), None);
        let long = vec![0; VALUE_MAX + 1];
        assert!(matches!(
            again.put_secret("long", &long),
            Err(VaultError::TooLong)
        ));
    }

    #[test]
    fn people_survive_a_restart_and_keep_their_key() {
        let folder = tempfile::tempdir().unwrap();
        let first = vault(folder.path());
        first
            .put_people(&[(9, b"nine"), (3, b"three"), (9, b"nine again")])
            .unwrap();
        let key = first.person_keys.get(3_u64.to_be_bytes()).unwrap();
        first.put_person(3, b"three again").unwrap();
        assert_eq!(first.person_keys.get(3_u64.to_be_bytes()).unwrap(), key);
        drop(first);
        let again = vault(folder.path());
        assert_eq!(again.person(3).unwrap().unwrap().as_slice(), b"three again");
        assert_eq!(again.person(9).unwrap().unwrap().as_slice(), b"nine again");
        assert_eq!(again.person(4).unwrap(), None);
        assert_eq!(
            again.people().collect::<Result<Vec<_>, _>>().unwrap(),
            [3, 9]
        );
    }

    #[test]
    fn a_wrong_master_key_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        drop(vault(folder.path()));
        let other = MasterKey::from_hex(&MASTER.replace("00", "01")).unwrap();
        assert!(matches!(
            Vault::open(folder.path(), other),
            Err(VaultError::WrongMasterKey)
        ));
        vault(folder.path());
    }

    #[test]
    fn altered_and_moved_values_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path());
        vault.put_secret("a", b"secret of a").unwrap();
        let sealed = vault.secrets.get("a").unwrap().unwrap().to_vec();
        vault.secrets.insert("b", sealed.clone()).unwrap();
        assert!(
            matches!(vault.secret("b"), Err(VaultError::Damaged { entry }) if entry == "secrets/b")
        );
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            vault.secrets.insert("a", altered).unwrap();
            assert!(
                matches!(vault.secret("a"), Err(VaultError::Damaged { .. })),
                "byte {place}"
            );
        }
        for length in 0..sealed.len() {
            vault.secrets.insert("a", &sealed[..length]).unwrap();
            assert!(
                matches!(vault.secret("a"), Err(VaultError::Damaged { .. })),
                "length {length}"
            );
        }
        vault.put_people(&[(1, b"one"), (2, b"two")]).unwrap();
        for keyspace in [&vault.people, &vault.person_keys] {
            let kept = keyspace.get(2_u64.to_be_bytes()).unwrap().unwrap();
            let moved = keyspace.get(1_u64.to_be_bytes()).unwrap().unwrap();
            keyspace.insert(2_u64.to_be_bytes(), moved).unwrap();
            assert!(matches!(vault.person(2), Err(VaultError::Damaged { .. })));
            keyspace.insert(2_u64.to_be_bytes(), kept).unwrap();
        }
        assert_eq!(vault.person(2).unwrap().unwrap().as_slice(), b"two");
    }

    #[test]
    fn an_erased_person_is_gone_and_the_key_has_left_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path());
        let record = b"Li Lei, +86 138 0000 0000";
        for person in 0..20 {
            vault.put_person(person, record).unwrap();
        }
        let key = vault.person_keys.get(7_u64.to_be_bytes()).unwrap().unwrap();
        let ciphertext = vault.people.get(7_u64.to_be_bytes()).unwrap().unwrap();
        assert!(!files_holding(folder.path(), &key).is_empty());
        vault.erase_person(7).unwrap();
        assert_eq!(files_holding(folder.path(), &key), Vec::<PathBuf>::new());
        assert_eq!(vault.person(7).unwrap(), None);
        assert_eq!(vault.people().count(), 19);
        // Somebody who brings the old record back still cannot read it.
        vault
            .people
            .insert(7_u64.to_be_bytes(), ciphertext)
            .unwrap();
        assert_eq!(vault.person(7).unwrap(), None);
        vault.erase_people(&[7, 7, 1000]).unwrap();
        assert_eq!(vault.person(8).unwrap().unwrap().as_slice(), record);
        drop(vault);
        let again = super::tests::vault(folder.path());
        assert_eq!(again.person(7).unwrap(), None);
        again.put_person(7, b"a new person").unwrap();
        assert_eq!(
            again.person(7).unwrap().unwrap().as_slice(),
            b"a new person"
        );
        assert_eq!(files_holding(folder.path(), &key), Vec::<PathBuf>::new());
    }

    #[test]
    fn nothing_plain_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path());
        vault
            .put_secret("name", b"correct horse battery staple")
            .unwrap();
        vault.put_person(1, b"Han Meimei of Chang'an").unwrap();
        drop(vault);
        for plain in [b"battery".as_slice(), b"Meimei", CHECK_TEXT] {
            assert_eq!(files_holding(folder.path(), plain), Vec::<PathBuf>::new());
        }
        // The search itself works: names are not hidden.
        assert!(!files_holding(folder.path(), b"secrets").is_empty());
    }

    #[test]
    fn the_master_key_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::create(&path, false).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        let read = MasterKey::read(&path).unwrap();
        assert_eq!(made.0.expose_secret(), read.0.expose_secret());
        assert!(matches!(
            MasterKey::create(&path, false),
            Err(VaultError::KeyFile { .. })
        ));
        for mode in [0o640, 0o604, 0o644, 0o700] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::read(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for text in ["", "abc", &MASTER.replace('0', "g"), &MASTER.repeat(2)] {
            fs::write(&path, text).unwrap();
            assert!(
                matches!(MasterKey::read(&path), Err(VaultError::KeyText)),
                "{text}"
            );
        }
        assert!(!format!("{read:?}").contains(&MASTER[..4]));
    }

    #[test]
    fn a_sandbox_key_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (play, real) = (folder.path().join("play"), folder.path().join("real"));
        assert!(MasterKey::create(&play, true).unwrap().is_sandbox());
        assert!(MasterKey::read(&play).unwrap().is_sandbox());
        assert!(!MasterKey::create(&real, false).unwrap().is_sandbox());
    }

    #[test]
    fn derived_keys_differ_by_label_and_stay_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let first = vault(folder.path());
        let ids = first.derive("ids").unwrap();
        assert_ne!(ids, first.derive("macs").unwrap());
        drop(first);
        assert_eq!(ids, vault(folder.path()).derive("ids").unwrap());
    }
}
