//! `feiqian bench restart`: how soon the engine is ready again.
//!
//! The engine runs in processes of their own, so that each start begins with empty hands. Ready means
//! that the folder is open and commands are taken; the time counts from the process's start. The log
//! since the last snapshot is replayed: none of it after an orderly stop, up to
//! [`feiqian_engine::SNAPSHOT_EVERY`] events after a kill.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Args;
use feiqian_core::Mode;
use feiqian_engine::{Engine, SNAPSHOT_EVERY, Stage};
use serde_json::{Value, json};

use super::load::Pace;
use super::set_up::World;
use super::{process, report};
use crate::Failure;

/// Being ready is one thing, being fast another: payments are counted in each of so many seconds.
const FIRST_SECONDS: u32 = 20;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: World,
    /// Payments that the folder holds before; missing ones are made
    #[arg(long, default_value_t = 20_000_000)]
    payments: u64,
    /// Payments after which it is killed, as late before the next snapshot as can be
    #[arg(long, default_value_t = SNAPSHOT_EVERY / 2 * 95 / 100)]
    kill_after: u64,
    /// Forget the files that the operating system holds in memory before each start (needs root)
    #[arg(long)]
    cold: bool,
    /// Folder to use and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Start {
    #[command(flatten)]
    world: World,
    /// Payments after which to say so, paying on; none for an orderly stop at once
    #[arg(long)]
    payments: Option<u64>,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let figures = report::in_folder(options.data.as_deref(), |dir| measure(options, dir))?;
    report::print(&figures, options.json);
    Ok(())
}

fn measure(o: &Options, dir: &Path) -> Result<Value, Failure> {
    let mut fill = own("fill", &o.world, dir)?
        .args(["--payments", &o.payments.to_string()])
        .stdout(Stdio::null())
        .spawn()?;
    if !fill.wait()?.success() {
        return Err("the folder could not be filled".into());
    }
    let mut loaded = Started::spawn(o, dir, Some(o.kill_after))?;
    let orderly = loaded.line()?;
    eprintln!("paying {} times, then kill -9 …", o.kill_after);
    let first_seconds = loaded.line()?;
    loaded.line()?;
    drop(loaded);
    let mut again = Started::spawn(o, dir, None)?;
    let killed = again.line()?;
    if !again.child.wait()?.success() {
        return Err("the engine did not stop in order".into());
    }
    Ok(json!({
        "machine": process::machine(),
        "wallets": o.world.wallets,
        "payments": o.payments,
        "files_in_memory": !o.cold,
        "after_orderly_stop": orderly,
        "payments_in_each_of_the_first_seconds": first_seconds["payments"],
        "after_kill_9": killed,
    }))
}

/// This program again.
fn own(what: &str, world: &World, dir: &Path) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["bench", what])
        .args(["--wallets", &world.wallets.to_string()])
        .args(["--merchants", &world.merchants.to_string()])
        .args(["--in-flight", &world.in_flight.to_string()])
        .arg("--data")
        .arg(dir);
    Ok(command)
}

/// A process that was started to open the folder.
struct Started {
    child: Child,
    lines: BufReader<ChildStdout>,
    begun: Instant,
}

impl Started {
    fn spawn(o: &Options, dir: &Path, payments: Option<u64>) -> Result<Self, Failure> {
        if o.cold {
            std::fs::write("/proc/sys/vm/drop_caches", "3")?;
        }
        let mut command = own("start", &o.world, dir)?;
        if let Some(payments) = payments {
            command.args(["--payments", &payments.to_string()]);
        }
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("the process has no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(out),
            begun,
        })
    }

    /// The next line that it says, with the time since its start.
    fn line(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            self.child.wait()?;
            return Err("the process ended before it was ready".into());
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let mut said: Value = serde_json::from_str(&line)?;
        said["seconds"] = report::rounded(seconds, 1e3).into();
        Ok(said)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended: but one that pays goes on for ever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens the folder, says so, and pays until it is killed.
pub fn start(options: &Start) -> Result<(), Failure> {
    let replayed = Rc::new(Cell::new(0));
    let mut open = feiqian_engine::Options::new(&options.data, Mode::Sandbox);
    let told = replayed.clone();
    open.progress = Some(Box::new(move |stage| match stage {
        Stage::Snapshot | Stage::Rebuild => {}
        Stage::Replay(_, events) => told.set(events),
    }));
    let engine = Engine::open(open)?;
    crate::say!(
        "{}",
        json!({
            "replayed_events": replayed.get(),
            "peak_memory_bytes": process::peak_memory(),
        })
    );
    if let Some(payments) = options.payments {
        let watched = engine.clone();
        std::thread::spawn(move || watch(&watched, payments));
        let pace = Pace {
            at_least: u64::MAX,
            ..Pace::default()
        };
        let mut work = options.world.payments(u64::MAX);
        options.world.pay(&engine, &mut work, pace)?;
    }
    engine.stop();
    Ok(())
}

/// Says how many payments the first seconds saw, and when so many were made.
fn watch(engine: &Engine, payments: u64) {
    let first = engine.durable().0;
    let seconds: Vec<u64> = (0..FIRST_SECONDS)
        .map(|_| {
            let before = engine.durable().0;
            std::thread::sleep(Duration::from_secs(1));
            (engine.durable().0 - before) / 2
        })
        .collect();
    crate::say!("{}", json!({ "payments": seconds }));
    while engine.durable().0 < first + 2 * payments {
        std::thread::sleep(Duration::from_millis(10));
    }
    crate::say!("{}", json!({}));
}
