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
            Event::Opened(_) | Event::UserStatusSet(_) => {}
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
            Event::OrderReversed(event) => {
                let order = self.order(event.order, event.merchant)?;
                if order.stage == Stage::Open {
                    order.stage = Stage::Over;
                } else if order.refunds > 0 {
                    return Err("an order with refunds is reversed".into());
                } else {
                    let amount = order.amount;
                    return self.refunded(event.order, event.merchant, amount, Stage::Over);
                }
            }
            Event::OrderRefunded(event) => {
                return self.refunded(event.order, event.merchant, event.amount, Stage::Paid);
            }
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

    fn refunded(
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
