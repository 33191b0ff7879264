//! The audit: every balance and invariant again, from the log alone.
//!
//! It shares the events' types with the rules and nothing else: it keeps books of its own, and says
//! for each event what its postings should have been.

use core::fmt;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::bank::{Direction, answer::Answer};
use crate::event::Event;
use crate::ids::{BrandId, Digest, EventNumber, MerchantId, OrderId, TransferId, UserId};
use crate::ledger::{Account, Posting, Postings, Side};
use crate::limits::REFUNDS_PER_ORDER_MAX;
use crate::money::{BasisPoints, Fen};
use crate::time::UnixMillis;

type Map<K, V> = HashMap<K, V, FixedState>;

/// What the log contradicts itself in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event}: {what}")]
pub struct Contradiction {
    /// The first event that cannot be.
    pub event: EventNumber,
    /// Why it cannot be.
    pub what: String,
}

#[derive(Clone, Copy)]
struct OrderBook {
    merchant: MerchantId,
    amount: Fen,
    stage: Stage,
    payer: UserId,
    brand: BrandId,
    fee: Fen,
    refunded: Fen,
    fee_returned: Fen,
    refunds: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Paid,
    Over,
}

/// Sums over the whole log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events read.
    pub events: u64,
    /// Users added.
    pub users: u64,
    /// Merchants added.
    pub merchants: u64,
    /// Orders created.
    pub orders: u64,
    /// Orders paid.
    pub payments: u64,
    /// Their amounts.
    pub paid: Fen,
    /// Refunds, and reversals of paid orders.
    pub refunds: u64,
    /// Their amounts.
    pub refunded: Fen,
    /// Top-ups and withdrawals that the bank has not answered.
    pub pending_transfers: u64,
    /// Customer money at the banks.
    pub bank_reserve: Fen,
    /// Owed to users.
    pub wallets: Fen,
    /// Owed to merchants.
    pub merchant_balances: Fen,
    /// On its way to the banks.
    pub transit: Fen,
    /// Fees earned.
    pub fee_income: Fen,
}

/// Reads events in their order; stops at the first contradiction.
#[derive(Default)]
pub struct Audit {
    next: EventNumber,
    now: UnixMillis,
    brands: u16,
    users: Vec<BrandId>,
    fees: Vec<BasisPoints>,
    balances: Map<Account, Fen>,
    orders: Map<OrderId, OrderBook>,
    transfers: Map<TransferId, (UserId, Direction, Fen)>,
    numbers: HashSet<Digest, FixedState>,
    totals: Totals,
}

impl core::hash::Hash for Digest {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Audit {
    /// An audit that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next event.
    pub fn read(&mut self, event: &Event) -> Result<(), Contradiction> {
        self.check(event).map_err(|what| Contradiction {
            event: self.next,
            what,
        })?;
        self.next = self.next.next();
        self.totals.events = self.next.0;
        Ok(())
    }

    fn check(&mut self, event: &Event) -> Result<(), String> {
        if matches!(event, Event::Opened(_)) != (self.next == EventNumber(0)) {
            return Err("a log is opened by its first event, and by no other".into());
        }
        if event.at() < self.now {
            return Err(format!(
                "its time {} is before the event before it",
                event.at()
            ));
        }
        self.now = event.at();
        if let Some((key, _)) = event.named(self.next) {
            let named = Digest::of(&(key.scope.code(), key.number));
            if !self.numbers.insert(named) {
                return Err(format!(
                    "the number {} of {:?} is used twice",
                    key.number, key.scope
                ));
            }
        }
        let expected = self.postings_of(event)?;
        let stated = event.postings().map_or(&[][..], |postings| postings);
        if *stated != *expected {
            return Err(format!(
                "its postings are {stated:?}, but should be {:?}",
                &*expected
            ));
        }
        expected.iter().try_for_each(|posting| self.post(posting))
    }

    /// What the event's postings should be, from what the books say.
    fn postings_of(&mut self, event: &Event) -> Result<Postings, String> {
        match event {
            Event::Opened(_) => {}
            Event::UserStatusSet(event) => {
                self.brand_of(event.user)?;
            }
            Event::BrandAdded(event) => {
                expect_id(event.brand.0.into(), self.brands.into(), "brand")?;
                self.brands = self.brands.saturating_add(1);
            }
            Event::UserAdded(event) => {
                expect_id(event.user.0.into(), self.users.len() as u64, "user")?;
                if event.brand.0 >= self.brands {
                    return Err("its brand does not exist".into());
                }
                self.users.push(event.brand);
            }
            Event::MerchantAdded(event) => {
                expect_id(event.merchant.0.into(), self.fees.len() as u64, "merchant")?;
                self.fees.push(event.fee);
            }
            Event::MerchantChanged(event) => {
                let fee = usize::try_from(event.merchant.0)
                    .ok()
                    .and_then(|i| self.fees.get_mut(i));
                let fee = fee.ok_or("its merchant does not exist")?;
                *fee = event.fee.unwrap_or(*fee);
            }
            Event::TopUpRequested(event) => {
                self.ask_bank(event.user, Direction::TopUp, event.amount)?;
            }
            Event::WithdrawalRequested(event) => {
                let brand = self.ask_bank(event.user, Direction::Withdrawal, event.amount)?;
                let (wallet, transit) = (Account::Wallet(event.user), Account::Transit(brand));
                return Ok(Postings::new().with(wallet, transit, event.amount));
            }
            Event::TransferAnswered(event) => {
                return self.answered(event.transfer, event.user, event.answer);
            }
            Event::OrderCreated(event) => {
                self.created(event.merchant, event.terms.amount)?;
            }
            Event::OrderPaid(event) => return self.paid(event),
            Event::OrderClosed(event) => self.end_open(event.order, event.merchant)?,
            Event::OrderExpired(event) => self.end_open(event.order, event.merchant)?,
            Event::OrderReversed(event) => return self.reversed(event),
            Event::OrderRefunded(event) => return self.refunded(event),
        }
        Ok(Postings::new())
    }

    fn brand_of(&self, user: UserId) -> Result<BrandId, String> {
        let row = usize::try_from(user.0)
            .ok()
            .and_then(|index| self.users.get(index));
        row.copied()
            .ok_or_else(|| format!("user {user} does not exist"))
    }

    fn ask_bank(&mut self, user: UserId, way: Direction, amount: Fen) -> Result<BrandId, String> {
        let brand = self.brand_of(user)?;
        if !amount.is_amount() {
            return Err(format!("{amount} yuan is no amount"));
        }
        self.transfers
            .insert(TransferId(self.next), (user, way, amount));
        Ok(brand)
    }

    fn answered(&mut self, id: TransferId, to: UserId, answer: Answer) -> Result<Postings, String> {
        let (user, way, amount) = self
            .transfers
            .remove(&id)
            .ok_or_else(|| format!("transfer {id} is not pending"))?;
        if user != to {
            return Err(format!("transfer {id} is of user {user}, not {to}"));
        }
        let brand = self.brand_of(user)?;
        let wallet = Account::Wallet(user);
        let (reserve, transit) = (Account::BankReserve(brand), Account::Transit(brand));
        Ok(match (way, answer) {
            (Direction::TopUp, Answer::Done) => Postings::new().with(reserve, wallet, amount),
            (Direction::TopUp, Answer::Declined) => Postings::new(),
            (Direction::Withdrawal, Answer::Done) => Postings::new().with(transit, reserve, amount),
            (Direction::Withdrawal, Answer::Declined) => {
                Postings::new().with(transit, wallet, amount)
            }
        })
    }

    fn created(&mut self, merchant: MerchantId, amount: Fen) -> Result<(), String> {
        if u64::from(merchant.0) >= self.fees.len() as u64 {
            return Err(format!("merchant {merchant} does not exist"));
        }
        if !amount.is_amount() {
            return Err(format!("{amount} yuan is no amount"));
        }
        let book = OrderBook {
            merchant,
            amount,
            stage: Stage::Open,
            payer: UserId(0),
            brand: BrandId(0),
            fee: Fen::ZERO,
            refunded: Fen::ZERO,
            fee_returned: Fen::ZERO,
            refunds: 0,
        };
        self.orders.insert(OrderId(self.next), book);
        self.totals.orders = self.totals.orders.saturating_add(1);
        Ok(())
    }

    fn order(&mut self, id: OrderId, of: MerchantId) -> Result<&mut OrderBook, String> {
        match self.orders.get_mut(&id) {
            None => Err(format!("order {id} does not exist")),
            Some(order) if order.merchant != of => {
                Err(format!("order {id} is not of merchant {of}"))
            }
            Some(order) if order.stage == Stage::Over => Err(format!("order {id} is over")),
            Some(order) => Ok(order),
        }
    }

    fn end_open(&mut self, id: OrderId, of: MerchantId) -> Result<(), String> {
        let order = self.order(id, of)?;
        if order.stage != Stage::Open {
            return Err(format!("order {id} is paid and cannot be closed"));
        }
        order.stage = Stage::Over;
        Ok(())
    }

    fn paid(&mut self, event: &crate::order::pay::OrderPaid) -> Result<Postings, String> {
        let brand = self.brand_of(event.payer)?;
        let order = self.order(event.order, event.merchant)?;
        if order.stage != Stage::Open {
            return Err(format!("order {} is paid twice", event.order));
        }
        (order.stage, order.payer, order.brand) = (Stage::Paid, event.payer, brand);
        order.fee = event.fee;
        let amount = order.amount;
        let rate = usize::try_from(event.merchant.0)
            .ok()
            .and_then(|index| self.fees.get(index));
        let fee = rate.ok_or("its merchant does not exist")?.of(amount);
        if (event.amount, event.fee, event.brand) != (amount, fee, brand) {
            return Err(format!(
                "it should be {amount} yuan with a fee of {fee}, brand {brand}"
            ));
        }
        self.totals.payments = self.totals.payments.saturating_add(1);
        self.totals.paid = self
            .totals
            .paid
            .plus(amount)
            .ok_or("the payments overflow")?;
        let account = Account::Merchant(event.merchant);
        Ok(Postings::new()
            .with(Account::Wallet(event.payer), account, amount)
            .with(account, Account::FeeIncome(brand), fee))
    }

    fn reversed(
        &mut self,
        event: &crate::order::reverse::OrderReversed,
    ) -> Result<Postings, String> {
        let order = self.order(event.order, event.merchant)?;
        let stated = (event.amount, event.fee_returned);
        if order.stage == Stage::Open {
            order.stage = Stage::Over;
            expect_returned(stated, (Fen::ZERO, Fen::ZERO))?;
            return Ok(Postings::new());
        }
        if order.refunds > 0 {
            return Err("an order with refunds is reversed".into());
        }
        let (amount, fee) = (order.amount, order.fee);
        expect_returned(stated, (amount, fee))?;
        self.give_back(event.order, event.merchant, amount, Stage::Over)
    }

    fn refunded(
        &mut self,
        event: &crate::order::refund::OrderRefunded,
    ) -> Result<Postings, String> {
        let (id, of, amount) = (event.order, event.merchant, event.amount);
        let before = *self.order(id, of)?;
        let postings = self.give_back(id, of, amount, Stage::Paid)?;
        let after = self.order(id, of)?.fee_returned;
        let fee_returned = after.minus(before.fee_returned).unwrap_or_default();
        expect_returned((amount, event.fee_returned), (amount, fee_returned))?;
        if event.payer != before.payer {
            return Err(format!("order {id} was paid by user {}", before.payer));
        }
        Ok(postings)
    }

    fn give_back(
        &mut self,
        id: OrderId,
        of: MerchantId,
        amount: Fen,
        stage: Stage,
    ) -> Result<Postings, String> {
        let order = self.order(id, of)?;
        if order.stage != Stage::Paid {
            return Err(format!("order {id} is not paid and cannot be refunded"));
        }
        let refunded = order
            .refunded
            .plus(amount)
            .filter(|sum| *sum <= order.amount);
        let refunded =
            refunded.ok_or_else(|| format!("order {id} is refunded above its amount"))?;
        if amount < Fen(1) || order.refunds >= REFUNDS_PER_ORDER_MAX {
            return Err(format!("order {id} is refunded by nothing or too often"));
        }
        let share = order.fee.share(refunded, order.amount);
        let fee_returned = share
            .minus(order.fee_returned)
            .ok_or("its fee share shrinks")?;
        (order.refunded, order.fee_returned, order.stage) = (refunded, share, stage);
        order.refunds = order.refunds.saturating_add(1);
        let (brand, payer) = (order.brand, order.payer);
        self.totals.refunds = self.totals.refunds.saturating_add(1);
        self.totals.refunded = self
            .totals
            .refunded
            .plus(amount)
            .ok_or("the refunds overflow")?;
        let account = Account::Merchant(of);
        Ok(Postings::new()
            .with(Account::FeeIncome(brand), account, fee_returned)
            .with(account, Account::Wallet(payer), amount))
    }

    fn post(&mut self, posting: &Posting) -> Result<(), String> {
        for (account, side) in [(posting.debit, Side::Debit), (posting.credit, Side::Credit)] {
            let balance = self.balances.entry(account).or_default();
            let after = if account.side() == side {
                balance.plus(posting.amount)
            } else {
                balance.minus(posting.amount)
            };
            *balance = after
                .ok_or_else(|| format!("{posting:?} takes {account} at {balance} past zero"))?;
        }
        Ok(())
    }

    /// An account's balance so far.
    #[must_use]
    pub fn balance(&self, account: Account) -> Fen {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// Closes the books: sums all accounts and compares both sides.
    pub fn finish(&self) -> Result<Totals, Contradiction> {
        let wrong = |what: String| Contradiction {
            event: self.next,
            what,
        };
        let mut totals = self.totals;
        for (account, balance) in &self.balances {
            let sum = match account {
                Account::Wallet(_) => &mut totals.wallets,
                Account::Merchant(_) => &mut totals.merchant_balances,
                Account::Transit(_) => &mut totals.transit,
                Account::BankReserve(_) => &mut totals.bank_reserve,
                Account::FeeIncome(_) => &mut totals.fee_income,
            };
            *sum = sum
                .plus(*balance)
                .ok_or_else(|| wrong("the balances overflow".into()))?;
        }
        totals.users = self.users.len() as u64;
        totals.merchants = self.fees.len() as u64;
        totals.pending_transfers = self.transfers.len() as u64;
        let owed = [
            totals.wallets,
            totals.merchant_balances,
            totals.transit,
            totals.fee_income,
        ]
        .into_iter()
        .try_fold(Fen::ZERO, Fen::plus)
        .ok_or_else(|| wrong("the balances overflow".into()))?;
        if owed != totals.bank_reserve {
            let reserve = totals.bank_reserve;
            return Err(wrong(format!(
                "the reserves hold {reserve} yuan, but {owed} is owed"
            )));
        }
        Ok(totals)
    }
}

/// An amount and the fee given back with it.
fn expect_returned(stated: (Fen, Fen), expected: (Fen, Fen)) -> Result<(), String> {
    if stated == expected {
        Ok(())
    } else {
        let ((amount, fee), (right, right_fee)) = (stated, expected);
        Err(format!(
            "it gives back {amount} yuan and {fee} of the fee, but should {right} and {right_fee}"
        ))
    }
}

fn expect_id(id: u64, next: u64, what: &str) -> Result<(), String> {
    if id == next {
        Ok(())
    } else {
        Err(format!("{what} {id} is added where {next} was next"))
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "events            {:>20}", self.events)?;
        writeln!(f, "users             {:>20}", self.users)?;
        writeln!(f, "merchants         {:>20}", self.merchants)?;
        writeln!(f, "orders            {:>20}", self.orders)?;
        writeln!(
            f,
            "payments          {:>20}  {:>20} yuan",
            self.payments, self.paid
        )?;
        writeln!(
            f,
            "refunds           {:>20}  {:>20} yuan",
            self.refunds, self.refunded
        )?;
        writeln!(f, "pending transfers {:>20}", self.pending_transfers)?;
        writeln!(f, "bank reserve      {:>42} yuan", self.bank_reserve)?;
        writeln!(f, "  wallets         {:>42} yuan", self.wallets)?;
        writeln!(f, "  merchants       {:>42} yuan", self.merchant_balances)?;
        writeln!(f, "  transit         {:>42} yuan", self.transit)?;
        write!(f, "  fee income      {:>42} yuan", self.fee_income)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bank::answer::Answer::{Declined, Done};
    use crate::order::expire::OrderExpired;
    use crate::testing::{
        LEI, MEI, NO_ORDER, NO_SHOP, NOBODY, SHOP, World, answer, change_fee, close, create, given,
        named, nth, number, pay, refund, reverse, set_status, top_up, withdraw,
    };
    use crate::user::UserStatus;

    /// Its events by number: opened 0, brands 1–2, merchants 3–4, users 5–8, each user's top-up and
    /// its answer 9–16, then those below from 17.
    fn good() -> World {
        given([
            create("a", 10_000),                         // 17
            pay(OrderId(nth(0)), MEI),                   // 18, fee 60
            refund("r", OrderId(nth(0)), 4_000, 10_000), // 19, fee 24
            create("b", 500),                            // 20
            close(SHOP, named("b")),                     // 21
            create("c", 1_000),                          // 22
            pay(OrderId(nth(5)), LEI),                   // 23, fee 6
            reverse(SHOP, named("c")),                   // 24
            create("d", 700),                            // 25
            reverse(SHOP, named("d")),                   // 26
            withdraw(MEI, "w", 800),                     // 27
            answer(TransferId(nth(10)), Done),           // 28
            withdraw(LEI, "w", 900),                     // 29
            answer(TransferId(nth(12)), Declined),       // 30
            top_up(MEI, "t", 300),                       // 31
            answer(TransferId(nth(14)), Declined),       // 32
            change_fee(SHOP, 100),                       // 33
            create("e", 10_000),                         // 34
            pay(OrderId(nth(17)), LEI),                  // 35, fee 100
            set_status(LEI, UserStatus::Frozen),         // 36
            create("f", 200_000),                        // 37
        ])
    }

    fn audit(events: &[Event]) -> Result<Totals, Contradiction> {
        let mut audit = Audit::new();
        events.iter().try_for_each(|event| audit.read(event))?;
        audit.finish()
    }

    /// The good history's totals are known to the fen, and it reads the same a second time.
    #[test]
    fn the_totals_of_a_good_history() {
        let totals = audit(&good().events).unwrap();
        let expected = Totals {
            events: 38,
            users: 4,
            merchants: 2,
            orders: 6,
            payments: 3,
            paid: Fen(21_000),
            refunds: 2,
            refunded: Fen(5_000),
            pending_transfers: 0,
            bank_reserve: Fen(399_200),
            wallets: Fen(400_000 - 10_000 + 4_000 - 800 - 10_000),
            merchant_balances: Fen(6_000 - 36 + 9_900),
            transit: Fen(0),
            fee_income: Fen(36 + 100),
        };
        assert_eq!(totals, expected);
        assert!(totals.to_string().contains("3992.00 yuan"));
    }

    /// A fault: which event is damaged and found, a part of what the audit says, and the damage.
    type Fault = (usize, &'static str, fn(&mut Vec<Event>));

    fn find(faults: &[Fault]) {
        let good = good().events;
        for (n, (at, what, damage)) in faults.iter().enumerate() {
            let mut events = good.clone();
            damage(&mut events);
            assert_ne!(events, good, "fault {n} damages nothing");
            let found = audit(&events).expect_err(what);
            assert_eq!(found.event, EventNumber(*at as u64), "fault {n}: {found}");
            assert!(found.what.contains(what), "fault {n}: {found}");
        }
    }

    /// `edit!(20 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(0))`: changes one event of that kind.
    macro_rules! edit {
        ($at:literal $kind:ident $event:ident => $change:expr) => {
            |events| {
                let Event::$kind($event) = &mut events[$at] else {
                    panic!("event {} is {:?}", $at, events[$at])
                };
                $change;
            }
        };
    }

    /// One event comes again at another place.
    macro_rules! again {
        ($n:literal at $at:literal) => {
            |events| events.insert($at, events[$n].clone())
        };
    }

    /// One event is missing.
    macro_rules! without {
        ($n:literal) => {
            |events| drop(events.remove($n))
        };
    }

    #[test]
    #[rustfmt::skip] // a fault a line
    fn faults_of_order_time_and_numbers() {
        find(&[
            (0, "opened by its first", without!(0)),
            (1, "opened by its first", again!(0 at 1)),
            (20, "before the event before", edit!(20 OrderCreated e => e.at = e.at.plus(-1))),
            (20, "before the event before", edit!(19 OrderRefunded e => e.at = e.at.plus(1))),
            (2, "used twice", edit!(2 BrandAdded e => e.number = number("Red"))),
            (4, "used twice", edit!(4 MerchantAdded e => e.number = number("Noodles"))),
            (6, "used twice", edit!(6 UserAdded e => e.number = number("mei"))),
            (20, "used twice", edit!(20 OrderCreated e => e.number = number("a"))),
            (20, "used twice", again!(17 at 20)),
            (20, "used twice", again!(19 at 20)),
            (28, "used twice", again!(27 at 28)),
            (10, "used twice", again!(9 at 10)),
        ]);
    }

    #[test]
    #[rustfmt::skip] // a fault a line
    fn faults_of_brands_users_and_merchants() {
        find(&[
            (2, "where 1 was next", edit!(2 BrandAdded e => e.brand = BrandId(7))),
            (6, "where 1 was next", edit!(6 UserAdded e => e.user = UserId(0))),
            (6, "brand does not exist", edit!(6 UserAdded e => e.brand = BrandId(2))),
            (4, "where 1 was next", edit!(4 MerchantAdded e => e.merchant = MerchantId(2))),
            (33, "does not exist", edit!(33 MerchantChanged e => e.merchant = NO_SHOP)),
            (36, "does not exist", edit!(36 UserStatusSet e => e.user = NOBODY)),
            (18, "fee of 6.00", edit!(3 MerchantAdded e => e.fee = BasisPoints(600))),
            (35, "fee of 0.60", edit!(33 MerchantChanged e => e.fee = None)),
            // Mei's top-up should have gone to the other brand's bank.
            (10, "BankReserve(BrandId(1))", edit!(5 UserAdded e => e.brand = BrandId(1))),
        ]);
    }

    #[test]
    #[rustfmt::skip] // a fault a line
    fn faults_of_the_bank() {
        find(&[
            (31, "no amount", edit!(31 TopUpRequested e => e.amount = Fen(0))),
            (31, "does not exist", edit!(31 TopUpRequested e => e.user = NOBODY)),
            (27, "no amount", edit!(27 WithdrawalRequested e => e.amount = Fen(-800))),
            (27, "should be", edit!(27 WithdrawalRequested e => e.amount = Fen(801))),
            (27, "should be", edit!(27 WithdrawalRequested e => e.user = UserId(1))),
            (27, "should be", edit!(27 WithdrawalRequested e => e.postings = Postings::new())),
            (27, "past zero", edit!(27 WithdrawalRequested e => {
                let (wallet, transit) = (Account::Wallet(MEI), Account::Transit(BrandId(0)));
                e.amount = Fen(94_001);
                e.postings = Postings::new().with(wallet, transit, e.amount);
            })),
            (27, "not pending", without!(27)),
            (28, "not pending", edit!(28 TransferAnswered e => e.transfer = TransferId(nth(0)))),
            (29, "not pending", again!(28 at 29)),
            (28, "of user 0", edit!(28 TransferAnswered e => e.user = LEI)),
            (28, "should be", edit!(28 TransferAnswered e => e.answer = Declined)),
            (30, "should be", edit!(30 TransferAnswered e => e.answer = Done)),
            (32, "should be", edit!(32 TransferAnswered e => e.answer = Done)),
            (16, "should be", edit!(16 TransferAnswered e => e.answer = Declined)),
            (10, "should be", edit!(10 TransferAnswered e => e.postings = Postings::new())),
        ]);
    }

    #[test]
    #[rustfmt::skip] // a fault a line
    fn faults_of_payments() {
        find(&[
            (20, "no amount", edit!(20 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(0))),
            (20, "no amount", edit!(20 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(1_000_000_000_001))),
            (20, "does not exist", edit!(20 OrderCreated e => e.merchant = NO_SHOP)),
            (18, "100.01 yuan", edit!(17 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(10_001))),
            (18, "not of merchant", edit!(17 OrderCreated e => e.merchant = MerchantId(1))),
            (18, "100.00 yuan", edit!(18 OrderPaid e => e.amount = Fen(9_999))),
            (18, "fee of 0.60", edit!(18 OrderPaid e => e.fee = Fen(61))),
            (18, "brand 0", edit!(18 OrderPaid e => e.brand = BrandId(1))),
            (18, "does not exist", edit!(18 OrderPaid e => e.payer = NOBODY)),
            (18, "should be", edit!(18 OrderPaid e => e.payer = UserId(1))),
            (18, "does not exist", edit!(18 OrderPaid e => e.order = NO_ORDER)),
            (18, "not of merchant", edit!(18 OrderPaid e => e.merchant = MerchantId(1))),
            (18, "should be", edit!(18 OrderPaid e => e.postings = Postings::new())),
            (18, "should be", edit!(18 OrderPaid e => {
                let (first, fee) = (e.postings[0], e.postings[1]);
                e.postings = Postings::new()
                    .with(fee.debit, fee.credit, fee.amount)
                    .with(first.debit, first.credit, first.amount);
            })),
            (18, "should be", edit!(18 OrderPaid e => {
                let again = e.postings[0];
                e.postings = e.postings.clone().with(again.debit, again.credit, again.amount);
            })),
            (18, "should be", edit!(18 OrderPaid e => {
                let (first, fee) = (e.postings[0], e.postings[1]);
                let other = Account::FeeIncome(BrandId(1));
                e.postings = Postings::new()
                    .with(first.debit, first.credit, first.amount)
                    .with(fee.debit, other, fee.amount);
            })),
            (19, "paid twice", again!(18 at 19)),
            (22, "is over", |events| {
                let mut payment = events[18].clone();
                if let Event::OrderPaid(e) = &mut payment {
                    e.order = OrderId(nth(3));
                }
                events.insert(22, payment);
            }),
            (38, "past zero", |events| {
                let mut payment = events[35].clone();
                if let Event::OrderPaid(e) = &mut payment {
                    let shop = Account::Merchant(SHOP);
                    (e.order, e.amount, e.fee) = (OrderId(nth(20)), Fen(200_000), Fen(2_000));
                    e.postings = Postings::new()
                        .with(Account::Wallet(e.payer), shop, e.amount)
                        .with(shop, Account::FeeIncome(e.brand), e.fee);
                }
                events.push(payment);
            }),
        ]);
    }

    #[test]
    #[rustfmt::skip] // a fault a line
    fn faults_of_ends_and_refunds() {
        find(&[
            (21, "paid and cannot be closed", edit!(21 OrderClosed e => e.order = OrderId(nth(0)))),
            (21, "not of merchant", edit!(21 OrderClosed e => e.merchant = MerchantId(1))),
            (22, "is over", again!(21 at 22)),
            (24, "paid and cannot be closed", |events| {
                let (at, merchant) = (events[24].at(), SHOP);
                let order = OrderId(nth(5));
                events[24] = Event::OrderExpired(OrderExpired { at, order, merchant });
            }),
            (18, "not paid", without!(18)),
            (19, "above its amount", edit!(19 OrderRefunded e => e.amount = Fen(10_001))),
            (19, "by nothing", edit!(19 OrderRefunded e => e.amount = Fen(0))),
            (19, "by nothing", edit!(19 OrderRefunded e => e.amount = Fen(-1))),
            (19, "0.24", edit!(19 OrderRefunded e => e.amount = Fen(4_100))),
            (19, "should be", edit!(19 OrderRefunded e => e.amount = Fen(4_001))),
            (19, "0.23 of the fee", edit!(19 OrderRefunded e => e.fee_returned = Fen(23))),
            (19, "paid by user 0", edit!(19 OrderRefunded e => e.payer = LEI)),
            (19, "not of merchant", edit!(19 OrderRefunded e => e.merchant = MerchantId(1))),
            (19, "does not exist", edit!(19 OrderRefunded e => e.order = NO_ORDER)),
            (19, "should be", edit!(19 OrderRefunded e => e.postings = Postings::new())),
            (24, "should 10.00", edit!(24 OrderReversed e => e.amount = Fen(999))),
            (24, "and 0.06", edit!(24 OrderReversed e => e.fee_returned = Fen(0))),
            (24, "should be", edit!(24 OrderReversed e => e.postings = Postings::new())),
            (24, "with refunds", edit!(24 OrderReversed e => e.order = OrderId(nth(0)))),
            (25, "is over", again!(24 at 25)),
            (26, "should 0.00", edit!(26 OrderReversed e => e.amount = Fen(700))),
            (24, "order 22 is not paid", |events| {
                let (mut refund, of) = (events[19].clone(), OrderId(nth(5)));
                if let Event::OrderRefunded(e) = &mut refund {
                    (e.number, e.order) = (number("r2"), of);
                }
                events[23] = events[36].clone();
                events[24] = refund;
            }),
        ]);
    }

    #[test]
    fn a_fifty_first_refund_is_a_contradiction() {
        let mut world = good();
        for n in 1..50 {
            world.accept(&refund(&format!("r{n}"), OrderId(nth(0)), 1, 10_000));
        }
        let mut last = world.events.last().unwrap().clone();
        if let Event::OrderRefunded(e) = &mut last {
            e.number = number("r50");
        }
        let found = world.audit.read(&last).unwrap_err();
        assert!(found.what.contains("too often"), "{found}");
    }
}
