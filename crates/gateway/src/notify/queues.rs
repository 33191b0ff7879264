//! Whose turn it is: in memory, for every endpoint with something to send, where its queue begins and
//! what is under way. What waits behind the beginning is on disk.

use std::collections::{BTreeSet, HashMap};

use super::plan::{PER_ENDPOINT_MAX, PER_FAILING_ENDPOINT_MAX, POSTS_MAX};
use super::rows::{Endpoint, Place};

/// All endpoints.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: HashMap<Endpoint, Queue>,
    /// Beginnings of those queues that may have another post under way, by when they are due.
    ready: BTreeSet<(i64, Endpoint)>,
    under_way: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// No row is before it that is not under way; none if there is no other row.
    first: Option<Place>,
    under_way: Vec<Place>,
    failing: bool,
}

impl Queue {
    fn ready(&self) -> Option<i64> {
        let most = if self.failing {
            PER_FAILING_ENDPOINT_MAX
        } else {
            PER_ENDPOINT_MAX
        };
        self.first
            .filter(|_| self.under_way.len() < most)
            .map(|first| first.due)
    }
}

impl Queues {
    /// Says that there is a row at this place.
    pub fn offer(&mut self, place: Place) {
        self.change(place.endpoint, |queue| {
            queue.first = Some(queue.first.map_or(place, |first| first.min(place)));
        });
    }

    /// Takes the row that is due first, if there is room for it. Tell [`Self::goes_on`] what follows.
    pub fn take(&mut self, now: i64) -> Option<Place> {
        let (due, endpoint) = *self.ready.first()?;
        if due > now || self.under_way >= POSTS_MAX {
            return None;
        }
        let first = self.queues.get(&endpoint)?.first?;
        self.change(endpoint, |queue| {
            queue.first = None;
            queue.under_way.push(first);
        });
        self.under_way = self.under_way.saturating_add(1);
        Some(first)
    }

    /// Says where a queue goes on behind what was taken.
    pub fn goes_on(&mut self, first: Option<Place>) {
        if let Some(first) = first {
            self.offer(first);
        }
    }

    /// The rows of an endpoint that are under way.
    pub fn under_way(&self, endpoint: Endpoint) -> &[Place] {
        self.queues
            .get(&endpoint)
            .map_or(&[], |queue| &queue.under_way)
    }

    /// Says that a row is under way no longer. If it stays in the queue, offer its new place.
    pub fn finished(&mut self, place: Place, acknowledged: bool) {
        self.change(place.endpoint, |queue| {
            queue.under_way.retain(|other| *other != place);
            queue.failing = !acknowledged;
        });
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Whether anything is under way.
    pub fn is_idle(&self) -> bool {
        self.under_way == 0
    }

    /// When the next row is due that there is room for.
    pub fn next_due(&self) -> Option<i64> {
        let first = self.ready.first().filter(|_| self.under_way < POSTS_MAX);
        first.map(|(due, _)| *due)
    }

    fn change(&mut self, endpoint: Endpoint, change: impl FnOnce(&mut Queue)) {
        let queue = self.queues.entry(endpoint).or_default();
        if let Some(due) = queue.ready() {
            self.ready.remove(&(due, endpoint));
        }
        change(queue);
        if let Some(due) = queue.ready() {
            self.ready.insert((due, endpoint));
        }
        if queue.first.is_none() && queue.under_way.is_empty() {
            self.queues.remove(&endpoint);
        }
    }
}

#[cfg(test)]
mod tests {
    use feiqian_core::EventNumber;

    use super::super::rows::NoticeNumber;
    use super::*;

    fn place(url: &str, due: i64, event: u64) -> Place {
        Place {
            endpoint: Endpoint::of(url),
            due,
            notice: NoticeNumber::of(EventNumber(event)),
        }
    }

    #[test]
    fn an_endpoint_that_fails_gets_one_post_at_a_time_and_delays_no_other() {
        let mut queues = Queues::default();
        let (dead, well) = ("http://dead/", "http://well/");
        queues.offer(place(dead, 1, 1));
        let first = queues.take(10).unwrap();
        queues.goes_on(Some(place(dead, 1, 2)));
        queues.finished(first, false);
        let second = queues.take(10).unwrap();
        queues.goes_on(Some(place(dead, 1, 3)));
        assert_eq!(second, place(dead, 1, 2));
        assert_eq!(queues.take(10), None);
        assert_eq!(queues.next_due(), None);

        queues.offer(place(well, 5, 9));
        assert_eq!(queues.next_due(), Some(5));
        assert_eq!(queues.take(4), None);
        assert_eq!(queues.take(10), Some(place(well, 5, 9)));
        queues.finished(second, true);
        assert_eq!(queues.take(10), Some(place(dead, 1, 3)));
    }

    #[test]
    fn an_endpoint_gets_few_posts_at_a_time_and_is_forgotten_when_all_is_sent() {
        let mut queues = Queues::default();
        let mut taken = Vec::new();
        queues.offer(place("http://a/", 1, 0));
        while let Some(place_taken) = queues.take(1) {
            taken.push(place_taken);
            queues.goes_on(Some(place("http://a/", 1, taken.len() as u64)));
        }
        assert_eq!(taken.len(), PER_ENDPOINT_MAX);
        assert_eq!(queues.under_way(taken[0].endpoint).len(), PER_ENDPOINT_MAX);
        for place in taken {
            queues.finished(place, true);
        }
        assert!(queues.is_idle());
        let last = queues.take(1).unwrap();
        queues.finished(last, true);
        assert!(queues.queues.is_empty() && queues.ready.is_empty());
    }

    #[test]
    fn what_is_due_earlier_goes_first() {
        let mut queues = Queues::default();
        queues.offer(place("http://a/", 7, 1));
        queues.offer(place("http://a/", 3, 2));
        queues.offer(place("http://b/", 5, 3));
        assert_eq!(queues.take(9), Some(place("http://a/", 3, 2)));
        assert_eq!(queues.take(9), Some(place("http://b/", 5, 3)));
    }
}
