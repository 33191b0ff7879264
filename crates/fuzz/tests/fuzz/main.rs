//! What others may have written, fed to whatever reads it. `FUZZ_SECONDS=600` for a real run, see
//! `docs/FUZZING.md`.

#![allow(clippy::unwrap_used, reason = "a case that panics is a finding")]

mod memory_disk;

mod stored;

mod texts;

mod http;
