//! `feiqian-sim`: runs worlds, each from its seed.

use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use feiqian_sim::coverage::{Coverage, UNREACHABLE};
use feiqian_sim::{Outcome, Planted, Violation, run};

/// Seeds that every change must survive.
const FIXED: u64 = 200;
/// Seeds that nobody has tried before.
const FRESH: u64 = 20;

/// Tries to break the engine: worlds from seeds, with faults, against an auditor with its own books.
///
/// Exits with 1 at the first violation, and prints the command that replays it.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds from there on
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Run what a change must survive: 200 fixed seeds and 20 fresh ones, and see that they reach
    /// everything
    #[arg(long)]
    ci: bool,
    /// Print each step as it happens
    #[arg(long)]
    print: bool,
    /// Print what was reached how often
    #[arg(long)]
    coverage: bool,
    /// Plant a bug: lost-sync, double-credit, skipped-refusal, stale-index, timer-twice,
    /// ceiling-before-batch, rebate-twice. All but the first need a build with `--features planted`
    #[arg(long, value_parser = planted)]
    planted: Option<Planted>,
}

fn planted(name: &str) -> Result<Planted, String> {
    let known = Planted::ALL.into_iter().find(|(known, _)| *known == name);
    let (_, bug) = known.ok_or("no such bug can be planted")?;
    if bug != Planted::LostSync && !cfg!(feature = "planted") {
        return Err("this bug needs a build with `--features planted`".into());
    }
    Ok(bug)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.print {
        // A panic is caught and told as a violation, with its seed.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let begin = Instant::now();
    let fresh = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() * 1_000);
    let ranges = if arguments.ci {
        vec![(0, FIXED), (fresh, FRESH)]
    } else {
        vec![(arguments.seed, arguments.seeds)]
    };
    let mut total = Totals::default();
    for (first, count) in &ranges {
        println!("{count} seeds from {first}");
        for seed in *first..first.saturating_add(*count) {
            if let Err(violation) = total.one(seed, &arguments) {
                tell(seed, &violation, arguments.planted);
                return ExitCode::FAILURE;
            }
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{} seeds, {} steps, {} events in {seconds:.1} s: no violation",
        total.seeds, total.steps, total.events
    );
    if arguments.coverage {
        for (what, count) in total.coverage.table() {
            println!("{count:>9}  {what}");
        }
        for (command, refusal, why) in UNREACHABLE {
            println!("out of reach  {command} refused: {refusal}: {why}");
        }
    }
    let gaps = total.coverage.gaps();
    if arguments.ci && !gaps.is_empty() {
        println!("{}", gaps.join("\n"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Totals {
    seeds: u64,
    steps: u64,
    events: u64,
    coverage: Coverage,
}

impl Totals {
    fn one(&mut self, seed: u64, arguments: &Arguments) -> Result<(), Violation> {
        let Outcome {
            violation,
            coverage,
            trace,
            steps,
            events,
        } = run(seed, arguments.planted, arguments.print);
        if let Some(violation) = violation {
            return Err(violation);
        }
        self.seeds += 1;
        self.steps += steps;
        self.events += events;
        self.coverage.add(&coverage);
        if arguments.print {
            println!("seed {seed}: trace {trace}");
        }
        Ok(())
    }
}

fn tell(seed: u64, violation: &Violation, planted: Option<Planted>) {
    for line in &violation.before {
        println!("  {line}");
    }
    println!("seed {seed}, step {}: VIOLATION", violation.step);
    println!("{}", violation.what);
    let known = Planted::ALL
        .into_iter()
        .find(|(_, bug)| Some(*bug) == planted);
    let (features, bug) = known.map_or(("", String::new()), |(name, _)| {
        (" --features planted", format!(" --planted {name}"))
    });
    println!(
        "replay it: cargo run --release -p feiqian-sim{features} -- --seed {seed}{bug} --print"
    );
}
