//! Latencies, counted in buckets less than 1.6 percent wide.

use std::time::Duration;

/// Each power of two of microseconds has so many buckets.
const PER_DOUBLING: u64 = 64;
/// Buckets up to 2^40 µs, which is twelve days.
const BUCKETS: usize = 36 * 64;

/// How long things took.
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
}

impl Latencies {
    pub fn new() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
        }
    }

    pub fn record(&mut self, took: Duration) {
        self.buckets[bucket(took).min(BUCKETS - 1)] += 1;
        self.count += 1;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Counts another's as well.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += more;
        }
        self.count += other.count;
    }

    /// The time within which this share of them stayed, rounded up to its bucket's end.
    pub fn quantile(&self, share: f64) -> Duration {
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among counts far below 2^52"
        )]
        let rank = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        Duration::from_micros(end(bucket.unwrap_or(0) as u64))
    }
}

/// Microseconds below 128 have a bucket each; from there on the width doubles with the time.
fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let width = micros.max(PER_DOUBLING).ilog2() - PER_DOUBLING.ilog2();
    usize::try_from(u64::from(width) * PER_DOUBLING + (micros >> width)).unwrap_or(BUCKETS)
}

/// The longest time in microseconds of a bucket.
fn end(bucket: u64) -> u64 {
    let width = (bucket / PER_DOUBLING).saturating_sub(1);
    ((bucket - width * PER_DOUBLING + 1) << width) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_it_says_and_little_more() {
        for micros in (0..70).flat_map(|n| [1_u64 << (n / 2), 3_u64 << (n / 2), 129 * n, 1_000 + n])
        {
            let end = end(bucket(Duration::from_micros(micros)) as u64);
            assert!(
                micros <= end && end - micros <= micros / 64,
                "{micros} in {end}"
            );
        }
    }
}
