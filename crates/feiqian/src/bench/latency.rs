//! Latencies, counted in buckets one percent apart.

use std::time::Duration;

/// Buckets up to about a thousand seconds.
const BUCKETS: usize = 2_100;

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
        self.buckets[bucket(took)] += 1;
        self.count += 1;
    }

    /// The time within which this share of them stayed, to one percent.
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
        Duration::from_secs_f64(
            1e-6 * 1.01_f64.powi(i32::try_from(bucket.unwrap_or(0)).unwrap_or(0)),
        )
    }
}

fn bucket(took: Duration) -> usize {
    let micros = (took.as_secs_f64() * 1e6).max(1.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small, positive"
    )]
    let index = (micros.ln() / 1.01_f64.ln()) as usize;
    index.min(BUCKETS - 1)
}
