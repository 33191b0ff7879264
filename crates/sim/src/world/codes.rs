//! Pay codes: tills that scan them, shoppers who are asked.

use feiqian_core::order::decline::DeclineOrder;
use feiqian_core::order::spend_code::{PayCode, SpendCode};
use feiqian_core::{Command, Fen, OrderId};

use super::World;
use crate::books::{Books, Stage};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Spend,
    Decline,
}

impl World {
    pub(super) fn wish_of_codes(&mut self, wish: Wish, books: &Books, now: i64) -> Command {
        match wish {
            Wish::Spend => self.spend_code(books, now).into(),
            Wish::Decline => self.decline_order(books).into(),
        }
    }

    fn spend_code(&mut self, books: &Books, now: i64) -> SpendCode {
        let open: Vec<u64> = books.open.iter().map(|(_, order)| *order).collect();
        let id = match self.chance.pick(&open) {
            Some(id) if !self.chance.one_in(6) => *id,
            Some(_) | None => self.order(books),
        };
        let order = books.orders.get(&id);
        let merchant = match order.map(|order| order.merchant) {
            Some(owner) if !self.chance.one_in(15) => owner,
            Some(_) | None => self.merchant(books),
        };
        let payer = match order.and_then(|order| order.only_payer) {
            Some(only) if !self.chance.one_in(6) => only,
            Some(_) | None => self.payer(books, id),
        };
        let step = now.div_euclid(30_000) + self.chance.of([0, 0, 0, 0, -1, 1, 2, -2]);
        let code = PayCode {
            // A few phones each.
            alias: payer.0 * 8 + u32::try_from(self.chance.below(6)).unwrap_or(0),
            step: u64::try_from(step).unwrap_or(0),
        };
        SpendCode {
            merchant,
            order: OrderId(Books::number(id)),
            code,
            payer,
            unasked: Fen(self.chance.of([0, 500, 5_000, 100_000, i64::MAX, -1])),
        }
    }

    /// Mostly somebody who was asked, now or before.
    fn decline_order(&mut self, books: &Books) -> DeclineOrder {
        let asked = books.orders.iter().rev().filter_map(|(id, order)| {
            let payer = order.asked()?;
            Some((*id, payer, order.stage == Stage::Open))
        });
        let mut asked: Vec<_> = asked.take(20).collect();
        if !self.chance.one_in(4) {
            asked.retain(|(_, _, open)| *open);
        }
        let (id, payer) = match self.chance.pick(&asked).copied() {
            Some((id, payer, _)) if !self.chance.one_in(10) => (id, payer),
            Some(_) | None => (self.order(books), self.user(books)),
        };
        DeclineOrder {
            order: OrderId(Books::number(id)),
            payer,
        }
    }
}
