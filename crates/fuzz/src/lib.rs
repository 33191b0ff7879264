//! Feeds what others may have written, changed at random, to whatever reads it: it must not panic
//! and not hang.
//!
//! On stable Rust and with nothing to install. Inputs are mutations of kept ones: what the tests
//! give as seeds, and the files of `corpus/<target>/`. There is no coverage to go by; instead an
//! input that leads to an outcome not seen before joins those that are mutated. See
//! `docs/FUZZING.md`.

mod mutate;
mod watchdog;

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs};

use mutate::Mutator;
use watchdog::Watchdog;

/// Seconds of a target when `FUZZ_SECONDS` says nothing: a smoke run.
const SECONDS_DEFAULT: u64 = 2;

/// Most inputs that are mutated.
const POOL_MAX: usize = 4_096;

/// One target at a time, so that a panic in any thread is that target's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Panics of all threads: a server catches those of its handlers.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Runs `case` on every kept input of `target` and on mutations of them, for `FUZZ_SECONDS`. What it
/// returns tells one outcome from another.
///
/// # Panics
/// When a case panics, in whatever thread; the input is kept in the target's corpus. A case that
/// hangs ends the process, and its input is kept too.
pub fn fuzz<O: Hash>(
    target: &str,
    seeds: impl IntoIterator<Item = Vec<u8>>,
    case: impl FnMut(&[u8]) -> O,
) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    fuzz_in(&corpus.join(target), seeds, case);
}

fn fuzz_in<O: Hash>(
    corpus: &Path,
    seeds: impl IntoIterator<Item = Vec<u8>>,
    mut case: impl FnMut(&[u8]) -> O,
) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    count_panics();
    PANICS.store(0, Ordering::Relaxed);
    let target = corpus.file_name().unwrap_or_default().display();
    let mut pool: Vec<Vec<u8>> = seeds.into_iter().chain(kept(corpus)).collect();
    assert!(!pool.is_empty(), "{target} has nothing to begin with");
    let seconds = number_of("FUZZ_SECONDS").unwrap_or(SECONDS_DEFAULT);
    let mut mutator = Mutator::new(number_of("FUZZ_SEED").unwrap_or(1));
    let watchdog = Watchdog::start(corpus);
    let mut outcomes = HashSet::new();
    let mut run = |input: &[u8]| {
        watchdog.begin(input);
        let outcome = catch_unwind(AssertUnwindSafe(|| case(input)));
        watchdog.end();
        let (Ok(outcome), 0) = (outcome, PANICS.swap(0, Ordering::Relaxed)) else {
            let file = keep(corpus, "panic", input);
            panic!("{target} panics; the input is kept as {}", file.display());
        };
        let hash = foldhash::fast::FixedState::default().hash_one(&outcome);
        outcomes.insert(hash)
    };
    for input in &pool {
        run(input);
    }
    let (begun, mut cases) = (Instant::now(), pool.len());
    while begun.elapsed() < Duration::from_secs(seconds) {
        let input = mutator.mutate(&pool);
        cases += 1;
        if run(&input) && pool.len() < POOL_MAX {
            pool.push(input);
        }
    }
    println!(
        "{target}: {cases} cases in {seconds} s, {} kinds of outcome",
        outcomes.len()
    );
}

/// The beginning of a message, up to what it quotes: an outcome that a case can return. Short, in case
/// it quotes without saying so.
#[must_use]
pub fn words(message: &str) -> String {
    let quotes = |c: char| c.is_ascii_digit() || "\"'`“(".contains(c);
    message
        .chars()
        .take_while(|c| !quotes(*c))
        .take(40)
        .collect()
}

fn number_of(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            print(panic);
        }));
    });
}

fn kept(corpus: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = match fs::read_dir(corpus) {
        Ok(files) => files.flatten().map(|file| file.path()).collect(),
        Err(_) => Vec::new(),
    };
    files.sort();
    files.iter().flat_map(fs::read).collect()
}

/// Writes an input that went wrong where the next run begins with it.
fn keep(corpus: &Path, what: &str, input: &[u8]) -> PathBuf {
    let hash = foldhash::fast::FixedState::default().hash_one(input);
    let file = corpus.join(format!("{what}-{hash:016x}"));
    let written = fs::create_dir_all(corpus).and_then(|()| fs::write(&file, input));
    if let Err(error) = written {
        eprintln!(
            "{} cannot be written: {error}; it is {input:?}",
            file.display()
        );
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panics(corpus: &Path, case: impl FnMut(&[u8])) -> bool {
        let seeds = [b"{\"amount\":12}".to_vec()];
        catch_unwind(AssertUnwindSafe(|| fuzz_in(corpus, seeds, case))).is_err()
    }

    /// A planted bug in this thread, and one in a thread that nobody joins, are found and kept; what
    /// was kept is the first thing that the next run tries.
    #[test]
    fn a_panic_is_found_kept_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let bug = |input: &[u8]| assert!(!input.ends_with(b":-1}"), "planted");
        let elsewhere = |input: &[u8]| {
            let input = input.to_vec();
            drop(std::thread::spawn(move || bug(&input)).join());
        };
        assert!(panics(&dir.path().join("here"), bug));
        let there = dir.path().join("there");
        assert!(panics(&there, elsewhere));
        let found = kept(&there);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with(b":-1}"));
        let mut cases = 0;
        assert!(panics(&there, |input| {
            cases += 1;
            bug(input);
        }));
        assert_eq!(cases, 2);
    }
}
