//! How figures are shown.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::latency::Latencies;
use crate::Failure;

/// A line per figure, or JSON.
pub fn print(figures: &Value, as_json: bool) {
    if as_json {
        crate::say!("{figures}");
        return;
    }
    for (name, value) in figures.as_object().into_iter().flatten() {
        crate::say!("{:<40} {value}", name.replace('_', " "));
    }
}

/// Milliseconds, to the hundredth.
pub fn quantiles(latencies: &Latencies) -> Value {
    let ms = |share| rounded(latencies.quantile(share).as_secs_f64() * 1e3, 100.0);
    json!({ "p50": ms(0.5), "p99": ms(0.99), "p999": ms(0.999) })
}

/// The rates of one-second windows, which come in order of time.
pub fn windows(rates: &[u64]) -> Value {
    let mut sorted = rates.to_vec();
    sorted.sort_unstable();
    let last = &rates[rates.len().saturating_sub(50)..];
    json!({
        "median": median(rates),
        "min": sorted.first(),
        "max": sorted.last(),
        "min_of_last_50": last.iter().min(),
        "windows": rates.len(),
        "each": rates,
    })
}

/// The middle one.
pub fn median(rates: &[u64]) -> u64 {
    let mut sorted = rates.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// CPU microseconds of each thread per thing done, and together.
pub fn per_thing(cpu: &BTreeMap<String, f64>, things: u64) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let micros = |seconds: f64| rounded(seconds * 1e6 / things.max(1) as f64, 1000.0);
    let mut each: serde_json::Map<_, _> = cpu
        .iter()
        .filter(|(_, seconds)| **seconds > 0.0)
        .map(|(name, seconds)| (name.clone(), micros(*seconds).into()))
        .collect();
    each.insert("together".into(), micros(cpu.values().sum()).into());
    each.into()
}

/// To so many steps in one.
pub fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

/// Does something in a folder, or in a temporary one that is removed afterwards.
pub fn in_folder<T>(
    data: Option<&Path>,
    work: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(dir) = data {
        return work(dir);
    }
    let dir = std::env::temp_dir().join(format!("feiqian-bench-{}", std::process::id()));
    let result = work(&dir);
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    result
}
