//! The simulator: tries to break the engine all day.
//!
//! A world is made from one seed: shoppers, merchants, operators and a bank ask for everything that
//! can be asked for, on the real core, engine, log and store, in one thread, on a disk and a clock that
//! are simulated. Faults strike. An auditor with books of its own, which share no code with the rules,
//! checks every answer, every balance and every index. The same seed gives the same run.
//!
//! docs/SIMULATOR.md says how to use it.

pub mod chance;
pub mod coverage;
pub mod disk;

pub mod books;
pub mod world;

pub mod run;

pub use run::{Outcome, Planted, Violation, run};
