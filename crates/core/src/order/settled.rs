//! Which settled orders leave memory first: those that were touched longest ago.

use std::collections::VecDeque;

use super::Orders;
use crate::ids::{EventNumber, OrderId};

/// Settled orders, the one touched longest ago first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    /// Each with the event that touched it. An order that is touched again stands here again; its
    /// earlier place counts no more.
    places: VecDeque<(EventNumber, OrderId)>,
    /// How many orders that is.
    orders: usize,
}

impl Settled {
    /// An order that was not here.
    pub fn begin(&mut self, touched: EventNumber, id: OrderId) {
        self.orders = self.orders.saturating_add(1);
        self.touch(touched, id);
    }

    /// An order that is here already.
    pub fn touch(&mut self, touched: EventNumber, id: OrderId) {
        self.places.push_back((touched, id));
    }

    /// Lets go of orders beyond the newest `keep`, as far as the archive has them: it holds every event
    /// before `archived`. Places are at most twice as many, so that orders touched again and again
    /// take no more room than others.
    pub fn forget(&mut self, orders: &mut Orders, archived: EventNumber, keep: usize) {
        while let Some((event, id)) = self.places.front().copied()
            && event < archived
        {
            if orders.get(id).is_some_and(|order| order.last == event) {
                if self.orders <= keep && self.places.len() <= keep.saturating_mul(2) {
                    break;
                }
                orders.remove(id);
                self.orders = self.orders.saturating_sub(1);
            }
            self.places.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Keep;
    use crate::testing::{MEI, create, given, pay, refund};

    #[test]
    fn an_order_touched_again_takes_no_others_place() {
        let mut world = given([]);
        let ids = ["a", "b", "c", "d"].map(|number| OrderId(world.accept(&create(number, 10))));
        for id in ids {
            world.accept(&pay(id, MEI));
        }
        for number in ["r1", "r2", "r3", "r4"] {
            world.accept(&refund(number, ids[0], 1, 10));
        }
        let kept = |world: &mut crate::testing::World, orders| {
            let keep = Keep {
                numbers: 0,
                orders,
                shares: 0,
            };
            world.state.forget(world.state.next_event(), keep);
            ids.map(|id| world.state.order(id).is_some())
        };
        assert_eq!(kept(&mut world, 4), [true; 4]);
        assert_eq!(kept(&mut world, 3), [true, false, true, true]);
        assert_eq!(kept(&mut world, 1), [true, false, false, false]);
        assert_eq!(kept(&mut world, 0), [false; 4]);
    }
}
