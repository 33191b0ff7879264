//! What a shop's tills asked for lately. The log finds a shop's orders by their payments, so those that wait
//! for one are remembered here. It begins anew with the server: what waited then soon ends.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use feiqian_core::{MerchantId, OrderId};

/// How many of each shop.
const KEPT: usize = 20;

/// The latest orders of tills.
#[derive(Default)]
pub struct Asked {
    of: Mutex<HashMap<MerchantId, VecDeque<OrderId>>>,
}

impl Asked {
    /// Remembers an order.
    pub fn add(&self, merchant: MerchantId, order: OrderId) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = of.entry(merchant).or_default();
        if orders.contains(&order) {
            return;
        }
        if orders.len() == KEPT {
            orders.pop_front();
        }
        orders.push_back(order);
    }

    /// A shop's orders, the oldest first.
    pub fn of(&self, merchant: MerchantId) -> Vec<OrderId> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.get(&merchant).into_iter().flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use feiqian_core::EventNumber;

    use super::*;

    #[test]
    fn the_latest_of_each_shop_are_kept_once() {
        let asked = Asked::default();
        let order = |n: u64| OrderId(EventNumber(n));
        for n in 0..25 {
            asked.add(MerchantId(1), order(n));
            asked.add(MerchantId(1), order(n));
        }
        asked.add(MerchantId(2), order(99));
        assert_eq!(asked.of(MerchantId(1)), Vec::from_iter((5..25).map(order)));
        assert_eq!(asked.of(MerchantId(2)), [order(99)]);
        assert!(asked.of(MerchantId(3)).is_empty());
    }
}
