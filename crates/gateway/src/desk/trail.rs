//! The trail of what operators do: every request of theirs that changes something or reads who a person is,
//! with what came of it. No bodies, no secrets, no personal data.
//!
//! Each entry holds the hash of the one before, so that changing, removing or exchanging one breaks the chain
//! from there on. Whoever holds the master key could write it anew from an entry on: the hash of the last
//! entry, kept elsewhere, tells that too.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Extensions;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use feiqian_core::Number;
use feiqian_store::vault::Vault;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::app::blocking;
use crate::platform::{Platform, PlatformError, read_record, unix_millis};

/// Longest subject that is kept, in characters.
const SUBJECT_MAX: usize = 64;
const HEAD: &str = "trail/head";
/// What is asked by POST and changes nothing: a draft is checked while it is written.
const TRIES: [&str; 3] = [
    "/v1/campaigns/check",
    "/v1/campaigns/quote",
    "/v1/campaigns/backtest",
];

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which; from 0 on without gaps.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Which operator.
    pub by: String,
    /// Method and route.
    pub what: String,
    /// What the path names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// In the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The hash of the entry before; of the first, empty.
    pub before: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Head {
    next: u64,
    hash: String,
}

/// Whether the trail is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Entries that were read.
    pub entries: u64,
    /// The hash of the last entry: to be kept elsewhere.
    pub hash: String,
    /// The first entry that is not what it was.
    pub broken_at: Option<u64>,
}

/// Writes the trail.
#[derive(Default)]
pub struct Trail {
    writing: Mutex<()>,
}

impl Trail {
    /// Adds an entry after the last. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`PlatformError`] of the vault.
    pub fn add(&self, vault: &Vault, mut entry: Entry) -> Result<(), PlatformError> {
        let _held = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let head = read_record::<Head>(vault, HEAD)?.unwrap_or_default();
        (entry.number, entry.before) = (head.next, head.hash);
        let bytes = json(&entry)?;
        let head = Head {
            next: entry.number.saturating_add(1),
            hash: hash(&bytes),
        };
        let (name, head) = (record(entry.number), json(&head)?);
        Ok(vault.put_secrets(&[(&name, &bytes), (HEAD, &head)])?)
    }
}

/// How many entries there are.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn len(vault: &Vault) -> Result<u64, PlatformError> {
    Ok(read_record::<Head>(vault, HEAD)?.unwrap_or_default().next)
}

/// The entry of a number, if there is one.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn entry(vault: &Vault, number: u64) -> Result<Option<Entry>, PlatformError> {
    read_record(vault, &record(number))
}

/// Reads all of it, and follows the chain.
///
/// # Errors
/// [`PlatformError`] of the vault.
pub fn check(vault: &Vault) -> Result<Check, PlatformError> {
    let head = read_record::<Head>(vault, HEAD)?.unwrap_or_default();
    let mut last = String::new();
    for number in 0..head.next {
        let bytes = vault.secret(&record(number))?;
        let found = bytes.as_ref().and_then(|bytes| {
            let entry: Entry = serde_json::from_slice(bytes.expose_secret()).ok()?;
            (entry.number == number && entry.before == last).then(|| hash(bytes.expose_secret()))
        });
        let Some(found) = found else {
            return Ok(broken(number, last));
        };
        last = found;
    }
    if last != head.hash {
        return Ok(broken(head.next.saturating_sub(1), last));
    }
    Ok(Check {
        entries: head.next,
        hash: last,
        broken_at: None,
    })
}

fn broken(number: u64, hash: String) -> Check {
    Check {
        entries: number,
        hash,
        broken_at: Some(number),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, PlatformError> {
    serde_json::to_vec(value).map_err(|_| PlatformError::Record("trail".into()))
}

fn hash(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn record(number: u64) -> String {
    format!("trail/entry/{number:020}")
}

/// What is learnt about a request while it is answered.
#[derive(Clone, Default)]
pub struct Note(Arc<Mutex<Noted>>);

#[derive(Clone, Default)]
struct Noted {
    by: Option<Number>,
    why: Option<String>,
    reads_person: bool,
}

impl Note {
    fn change(&self, change: impl FnOnce(&mut Noted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Of the request with these extensions; of one that is not watched, nobody reads it.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// An operator asks.
    pub fn by(&self, operator: Number) {
        self.change(|noted| noted.by = Some(operator));
    }

    /// The operator says why.
    pub fn why(&self, why: &str) {
        self.change(|noted| noted.why = Some(why.to_owned()));
    }

    /// It shows who a person is.
    pub fn reads_person(&self) {
        self.change(|noted| noted.reads_person = true);
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Note {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

/// Around every route of `/v1`.
pub async fn keep(
    State(platform): State<Arc<Platform>>,
    mut request: Request,
    next: Next,
) -> Response {
    let note = Note::default();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(note.clone());
    let response = next.run(request).await;
    let noted = note
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(by) = noted.by else { return response };
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let looks = method.is_safe() || TRIES.contains(&route);
    if looks && !noted.reads_person {
        return response;
    }
    let entry = Entry {
        number: 0,
        at: unix_millis().0,
        by: by.as_str().to_owned(),
        what: format!("{method} {route}"),
        subject: subject(route, &path),
        why: noted.why,
        status: response.status().as_u16(),
        before: String::new(),
    };
    let add = move |platform: &Platform| Ok(platform.desk.trail.add(&platform.vault, entry)?);
    match blocking(&platform, add).await {
        Ok(()) => response,
        // Nobody acts unseen: the operator hears that something is wrong here.
        Err(error) => error.into_response(),
    }
}

/// What the path names first.
fn subject(route: &str, path: &str) -> Option<String> {
    let mut parts = route.split('/').zip(path.split('/'));
    let (_, named) = parts.find(|(part, _)| part.starts_with('{'))?;
    let plain = |c: &char| c.is_ascii_alphanumeric() || "_-".contains(*c);
    Some(named.chars().filter(plain).take(SUBJECT_MAX).collect())
}

#[cfg(test)]
mod tests {
    use feiqian_store::vault::MasterKey;

    use super::*;

    fn entry_of(by: &str) -> Entry {
        Entry {
            number: 9,
            at: 1,
            by: by.into(),
            what: "POST /v1/brands".into(),
            subject: None,
            why: None,
            status: 201,
            before: String::new(),
        }
    }

    #[test]
    fn a_trail_that_was_tampered_with_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let vault =
            Vault::open(dir.path(), MasterKey::from_hex(&"07".repeat(32)).unwrap()).unwrap();
        let trail = Trail::default();
        assert_eq!(check(&vault).unwrap().broken_at, None);
        for by in ["anna", "bert", "anna"] {
            trail.add(&vault, entry_of(by)).unwrap();
        }
        let whole = check(&vault).unwrap();
        assert_eq!((whole.entries, whole.broken_at), (3, None));
        let first = vault.secret(&record(0)).unwrap().unwrap();

        let mut forged = entry(&vault, 1).unwrap().unwrap();
        forged.by = "anna".into();
        let kept = vault.secret(&record(1)).unwrap().unwrap();
        vault
            .put_secret(&record(1), &json(&forged).unwrap())
            .unwrap();
        assert_eq!(check(&vault).unwrap().broken_at, Some(2), "changed");
        vault.put_secret(&record(1), kept.expose_secret()).unwrap();
        assert_eq!(check(&vault).unwrap(), whole);
        vault.remove_secret(&record(0)).unwrap();
        assert_eq!(check(&vault).unwrap().broken_at, Some(0), "removed");
        vault.put_secret(&record(0), first.expose_secret()).unwrap();
        let mut last = entry(&vault, 2).unwrap().unwrap();
        last.status = 200;
        vault.put_secret(&record(2), &json(&last).unwrap()).unwrap();
        assert_eq!(check(&vault).unwrap().broken_at, Some(2), "the last one");
    }

    #[test]
    fn a_subject_is_what_the_path_names() {
        let of = |path| subject("/v1/users/{id}/status", path);
        assert_eq!(of("/v1/users/usr_7/status").as_deref(), Some("usr_7"));
        assert_eq!(of("/v1/users/%3Cb%3E/status").as_deref(), Some("3Cb3E"));
        assert_eq!(subject("/v1/brands", "/v1/brands"), None);
    }
}
