//! Orders in memory, when the open ones end, and whose consent they wait for.
//!
//! An exact timer for each order would cost more than paying it. Each chunk of the table has a bound
//! instead, not later than the end of any open order in it. When the bound has come the chunk is
//! looked through: either orders have ended, or the bound rises.

use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::ids::{OrderId, UserId};
use crate::order::{Order, OrderState};
use crate::table::{Table, chunk_of};
use crate::time::UnixMillis;

/// Orders by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    rows: Table<OrderId, Order>,
    bounds: BTreeSet<(UnixMillis, u64)>,
    bound_of: HashMap<u64, UnixMillis, FixedState>,
    /// Open orders that wait for a shopper's consent, oldest question first.
    asked: HashMap<UserId, Vec<OrderId>, FixedState>,
}

impl Orders {
    pub fn rows(&self) -> &Table<OrderId, Order> {
        &self.rows
    }

    pub fn get(&self, id: OrderId) -> Option<&Order> {
        self.rows.get(id)
    }

    pub fn get_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        self.rows.get_mut(id)
    }

    pub fn insert(&mut self, id: OrderId, order: Order) {
        if order.state == OrderState::Open {
            self.bound(chunk_of(id), order.expires_at);
            if let Some(payer) = order.asked() {
                // A snapshot has orders by id; the question is what touched it last.
                let rows = &self.rows;
                let waiting = self.asked.entry(payer).or_default();
                let earlier = |other: &OrderId| {
                    rows.get(*other)
                        .is_some_and(|other| other.last < order.last)
                };
                let place = waiting.partition_point(earlier);
                waiting.insert(place, id);
            }
        }
        self.rows.insert(id, order);
    }

    pub fn remove(&mut self, id: OrderId) {
        self.rows.remove(id);
        let chunk = chunk_of(id);
        if self.rows.chunk(chunk).is_none() {
            self.unbound(chunk);
        }
    }

    /// An open order waits for a shopper's consent until it ends.
    pub fn ask(&mut self, id: OrderId, payer: UserId, end: UnixMillis) {
        self.bound(chunk_of(id), end);
        self.asked.entry(payer).or_default().push(id);
    }

    /// The order that waited is open no longer.
    pub fn answered(&mut self, id: OrderId, payer: UserId) {
        if let Some(waiting) = self.asked.get_mut(&payer) {
            waiting.retain(|waits| *waits != id);
            if waiting.is_empty() {
                self.asked.remove(&payer);
            }
        }
    }

    /// The orders that wait for a shopper's consent.
    pub fn asked(&self, payer: UserId) -> &[OrderId] {
        self.asked.get(&payer).map_or(&[], Vec::as_slice)
    }

    fn bound(&mut self, chunk: u64, end: UnixMillis) {
        if self.bound_of.get(&chunk).is_none_or(|bound| end < *bound) {
            self.unbound(chunk);
            self.bound_of.insert(chunk, end);
            self.bounds.insert((end, chunk));
        }
    }

    fn unbound(&mut self, chunk: u64) {
        if let Some(bound) = self.bound_of.remove(&chunk) {
            self.bounds.remove(&(bound, chunk));
        }
    }

    /// Open orders whose end has come, at most `limit`, the oldest ends of those that were looked at
    /// first. They stay due until they are open no longer.
    pub fn due(&mut self, now: UnixMillis, limit: usize) -> Vec<OrderId> {
        let mut due = Vec::new();
        let chunks: Vec<u64> = self
            .bounds
            .iter()
            .take_while(|(bound, _)| *bound <= now)
            .map(|(_, chunk)| *chunk)
            .collect();
        for chunk in chunks {
            if due.len() >= limit {
                break;
            }
            let rows = self.rows.chunk(chunk).unwrap_or_default();
            let open = rows
                .iter()
                .filter(|(_, order)| order.state == OrderState::Open);
            let ends = open.map(|(id, order)| (order.expires_at, *id));
            let next = ends.clone().map(|(end, _)| end).min();
            due.extend(ends.filter(|(end, _)| *end <= now));
            self.unbound(chunk);
            if let Some(next) = next {
                self.bound(chunk, next);
            }
        }
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Bug::TimerTwice) {
            due.extend_from_within(..);
        }
        due.sort_unstable();
        due.into_iter().map(|(_, id)| id).take(limit).collect()
    }

    /// No open order ends before this.
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.bounds.first().map(|(bound, _)| *bound)
    }
}
