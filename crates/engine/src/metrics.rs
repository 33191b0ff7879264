//! What can be watched, in Prometheus' terms.

use std::collections::BTreeMap;

use feiqian_core::Refusal;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

type Labels = Vec<(&'static str, &'static str)>;

/// Counters and gauges of the engine. Registered once per process.
pub struct Metrics {
    /// Commands decided, by command.
    pub commands: Family<Labels, Counter>,
    /// Commands refused, by command and refusal.
    pub refusals: Family<Labels, Counter>,
    /// Commands that were not decided, because what they need cannot be read.
    pub unreadable: Counter,
    /// Payments for which a campaign's rule could not be computed.
    pub rules_broken: Counter,
    /// Events per batch.
    pub batch_events: Histogram,
    /// Seconds to append a batch and make it durable.
    pub sync_seconds: Histogram,
    /// Commands waiting.
    pub queue_depth: Gauge,
    /// Bytes free on the disk.
    pub disk_free: Gauge,
    /// 1 while nothing new is accepted because the disk is nearly full.
    pub disk_full: Gauge,
    /// Events that are durable.
    pub durable: Gauge,
    /// Events that the store can find.
    pub indexed: Gauge,
    /// Events whose index entries are on disk.
    pub ingested: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            commands: Family::default(),
            refusals: Family::default(),
            unreadable: Counter::default(),
            rules_broken: Counter::default(),
            batch_events: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            sync_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 14)),
            queue_depth: Gauge::default(),
            disk_free: Gauge::default(),
            disk_full: Gauge::default(),
            durable: Gauge::default(),
            indexed: Gauge::default(),
            ingested: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Makes them part of a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("commands", "Commands decided", self.commands.clone());
        registry.register(
            "refusals",
            "Commands refused by the rules",
            self.refusals.clone(),
        );
        registry.register(
            "commands_unreadable",
            "Commands not decided, because what they need cannot be read",
            self.unreadable.clone(),
        );
        registry.register(
            "rules_broken",
            "Payments for which a campaign's rule could not be computed, so that it did not apply",
            self.rules_broken.clone(),
        );
        registry.register(
            "batch_events",
            "Events per batch",
            self.batch_events.clone(),
        );
        registry.register_with_unit(
            "sync",
            "Time to append a batch and make it durable",
            Unit::Seconds,
            self.sync_seconds.clone(),
        );
        registry.register("queue_depth", "Commands waiting", self.queue_depth.clone());
        registry.register_with_unit(
            "disk_free",
            "Free on the disk of the data folder",
            Unit::Bytes,
            self.disk_free.clone(),
        );
        registry.register(
            "disk_full",
            "1 while nothing new is accepted because the disk is nearly full",
            self.disk_full.clone(),
        );
        registry.register(
            "durable_events",
            "Events that are durable",
            self.durable.clone(),
        );
        registry.register(
            "indexed_events",
            "Events the store can find",
            self.indexed.clone(),
        );
        registry.register(
            "ingested_events",
            "Events whose index entries are on disk",
            self.ingested.clone(),
        );
    }
}

/// Counts of one batch, published together: a counter per command would cost more than deciding.
#[derive(Default)]
pub(crate) struct Counts {
    /// Few names, in the order in which they came: searched faster than a map.
    decided: Vec<(&'static str, u64)>,
    refused: BTreeMap<(&'static str, &'static str), u64>,
}

impl Counts {
    pub fn decided(&mut self, command: &'static str) {
        match self
            .decided
            .iter_mut()
            .find(|(name, _)| std::ptr::eq(*name, command))
        {
            Some((_, count)) => *count += 1,
            None => self.decided.push((command, 1)),
        }
    }

    pub fn refused(&mut self, refusal: &Refusal) {
        *self.refused.entry(refusal.names()).or_default() += 1;
    }

    pub fn publish(&mut self, metrics: &Metrics) {
        for (command, count) in std::mem::take(&mut self.decided) {
            metrics
                .commands
                .get_or_create(&vec![("command", command)])
                .inc_by(count);
        }
        for ((command, refusal), count) in std::mem::take(&mut self.refused) {
            let labels = vec![("command", command), ("refusal", refusal)];
            metrics.refusals.get_or_create(&labels).inc_by(count);
        }
    }
}
