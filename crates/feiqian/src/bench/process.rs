//! What the operating system says of processes, threads and folders.

use std::collections::BTreeMap;
use std::path::Path;

/// Peak memory of this process in bytes (`VmHWM`).
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

/// CPU seconds that a process has used, user and system, of all its threads.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    seconds_of_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// CPU seconds of this process's threads, by name. The first thread makes the load.
pub fn cpu_by_thread() -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    let own = std::process::id().to_string();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return threads;
    };
    for task in tasks.flatten() {
        // A thread may end while it is being looked at.
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let name = if task.file_name().to_str() == Some(&own) {
            "generator".to_owned()
        } else {
            read("comm").trim().to_owned()
        };
        if let Some(seconds) = seconds_of_stat(&read("stat")) {
            *threads.entry(name).or_default() += seconds;
        }
    }
    threads
}

/// What the processors' time went to since the machine started, in ticks (`/proc/stat`).
#[derive(Clone, Copy)]
pub struct HostTime {
    all: u64,
    stolen: u64,
}

impl HostTime {
    pub fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let first = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = first
            .split_whitespace()
            .skip(1)
            // Guests' time, after these, is counted under user already.
            .take(8)
            .filter_map(|field| field.parse().ok())
            .collect();
        Self {
            all: ticks.iter().sum(),
            stolen: ticks.get(7).copied().unwrap_or(0),
        }
    }

    /// Percent of the time between the two that the host gave to others.
    pub fn stolen_since(&self, before: &Self) -> u64 {
        let stolen = self.stolen.saturating_sub(before.stolen);
        stolen * 100 / self.all.saturating_sub(before.all).max(1)
    }
}

fn seconds_of_stat(stat: &str) -> Option<f64> {
    // The second field is the name in parentheses and may hold blanks.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let ticks = u32::try_from(user + system).ok()?;
    // Linux counts in hundredths of a second for programs, whatever its own clock does.
    Some(f64::from(ticks) / 100.0)
}

/// Bytes on disk of everything below a folder.
pub fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// The machine in a line: processor and how many of them.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{cores} × {}",
        model.map_or("unknown processor", |(_, name)| name.trim())
    )
}
