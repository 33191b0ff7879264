//! Asking the store, and comparing with the books.

use std::ops::ControlFlow;

use feiqian_core::numbers::{Key, Scope};
use feiqian_core::{
    Account, BrandId, CampaignId, Event, EventNumber, MerchantId, Number, OrderId, PacketId,
    TransferId, UnixMillis, UserId,
};
use feiqian_store::{Store, StoreError};

use super::Run;
use super::asking::same;
use crate::books::Books;

/// Why a question has no right answer: the store says that it cannot, or what it says is wrong.
enum Failed {
    Store(StoreError),
    Wrong(String),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<String> for Failed {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

impl Books {
    /// Whether an event is what happened.
    ///
    /// # Errors
    /// Says how they differ.
    pub fn compare(&self, number: u64, event: &Event) -> Result<(), String> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self.events.get(index) {
            Some(fact) => fact
                .compare(event)
                .map_err(|what| format!("event {number}: {what}")),
            None => Err(format!("event {number} never happened: {event:?}")),
        }
    }
}

impl Run {
    /// Asks the store something.
    pub(super) fn question(&mut self) -> Result<(), String> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let store = running.engine.store_now().clone();
        let kind = self.chance.below(8);
        self.trace.step(|| format!("question {kind}"));
        let answer = match kind {
            0 => self.some_number(&store),
            1 => self.some_order(&store),
            2 => self.some_transfer(&store),
            3 => self.some_event(&store),
            4 => self.some_entries(&store),
            5 => self.some_bill(&store),
            6 => self.some_packet(&store),
            _ => self.some_time(&store),
        };
        match answer {
            Ok(()) => Ok(()),
            Err(Failed::Store(_)) if self.is_excused() || !self.machine.has_power() => Ok(()),
            Err(Failed::Store(error)) => Err(format!("the store fails without a fault: {error}")),
            Err(Failed::Wrong(what)) => Err(format!("the store is wrong: {what}")),
        }
    }

    /// Asks the store everything; there are no faults now.
    pub(super) fn every_question(&mut self) -> Result<(), String> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let store = running.engine.store_now().clone();
        same(
            "the store's position",
            &self.books.next(),
            &store.position().0,
        )?;
        let ask_all = || -> Result<(), Failed> {
            for key in self.books.numbers.keys() {
                self.number_names(&store, key)?;
            }
            for id in self.books.orders.keys() {
                self.order_is(&store, *id)?;
            }
            for id in self.books.transfers.keys() {
                self.transfer_is(&store, *id)?;
            }
            for id in self.books.packets.keys() {
                self.packet_is(&store, *id)?;
            }
            for account in self.books.balances().into_keys() {
                self.entries_are(&store, account, None, usize::MAX)?;
            }
            for number in 0..self.books.next() {
                self.event_is(&store, number)?;
            }
            Ok(())
        };
        ask_all().map_err(|failed| match failed {
            Failed::Store(error) => format!("the store fails at rest: {error}"),
            Failed::Wrong(what) => format!("the store is wrong at rest: {what}"),
        })
    }

    fn some_number(&mut self, store: &Store) -> Result<(), Failed> {
        let index = self.chance.index(self.books.numbers.len());
        let known = self.books.numbers.keys().nth(index).copied();
        let key = match (known, Number::new("never")) {
            (Some(key), _) if !self.chance.one_in(8) => key,
            (_, Ok(number)) => Key {
                scope: Scope::Orders(MerchantId(0)),
                number,
            },
            (_, Err(_)) => return Ok(()),
        };
        self.number_names(store, &key)
    }

    fn number_names(&self, store: &Store, key: &Key) -> Result<(), Failed> {
        let end = store.position().0;
        let found = store.number(key)?;
        let known = self.books.numbers.get(key).map(|(event, _)| *event);
        let should = known.filter(|event| *event < end);
        let is = found.as_ref().map(|(number, _)| number.0);
        same(&format!("what {key:?} names"), &should, &is)?;
        if let Some((number, event)) = found {
            self.books.compare(number.0, &event)?;
        }
        Ok(())
    }

    fn some_order(&mut self, store: &Store) -> Result<(), Failed> {
        let index = self.chance.index(self.books.orders.len());
        let known = self.books.orders.keys().nth(index).copied();
        let any = self.chance.below(self.books.next() + 3);
        let id = known.filter(|_| !self.chance.one_in(6)).unwrap_or(any);
        self.order_is(store, id)
    }

    fn order_is(&self, store: &Store, id: u64) -> Result<(), Failed> {
        let end = store.position().0;
        let story = store.order(OrderId(EventNumber(id)))?;
        let known = self.books.orders.get(&id).filter(|_| id < end);
        let later = known.map(|order| {
            let later = order.later.iter().filter(|event| **event < end);
            later.copied().collect::<Vec<u64>>()
        });
        let found = story.as_ref().map(|story| {
            let later = story.later.iter().map(|(number, _)| number.0);
            later.collect::<Vec<u64>>()
        });
        same(&format!("the story of order {id}"), &later, &found)?;
        let (Some(known), Some(story)) = (known, story) else {
            return Ok(());
        };
        self.books
            .compare(id, &Event::OrderCreated(story.created.clone()))?;
        for (number, event) in &story.later {
            self.books.compare(number.0, event)?;
        }
        if known.last(id) < end {
            known.compare(id, &story.order())?;
        }
        Ok(())
    }

    fn some_transfer(&mut self, store: &Store) -> Result<(), Failed> {
        let index = self.chance.index(self.books.transfers.len());
        let known = self.books.transfers.keys().nth(index).copied();
        let any = self.chance.below(self.books.next() + 3);
        let id = known.filter(|_| !self.chance.one_in(6)).unwrap_or(any);
        self.transfer_is(store, id)
    }

    fn transfer_is(&self, store: &Store, id: u64) -> Result<(), Failed> {
        let end = store.position().0;
        let story = store.transfer(TransferId(EventNumber(id)))?;
        let known = self.books.transfers.get(&id).filter(|_| id < end);
        let should = known.map(|known| known.answered.filter(|event| *event < end));
        let is = story
            .as_ref()
            .map(|story| story.answer.as_ref().map(|(number, _)| number.0));
        same(&format!("the answer to transfer {id}"), &should, &is)?;
        if let Some(story) = story {
            self.books.compare(id, &story.request)?;
            if let Some((number, event)) = story.answer {
                self.books.compare(number.0, &event)?;
            }
        }
        Ok(())
    }

    fn some_packet(&mut self, store: &Store) -> Result<(), Failed> {
        let index = self.chance.index(self.books.packets.len());
        let known = self.books.packets.keys().nth(index).copied();
        let any = self.chance.below(self.books.next() + 3);
        let id = known.filter(|_| !self.chance.one_in(6)).unwrap_or(any);
        self.packet_is(store, id)
    }

    fn packet_is(&self, store: &Store, id: u64) -> Result<(), Failed> {
        let end = store.position().0;
        let Some(packet) = PacketId::new(EventNumber(id)) else {
            return Ok(());
        };
        let story = store.packet(packet)?;
        let known = self.books.packets.get(&id).filter(|_| id < end);
        let should = known.map(|row| {
            let later = row.later.iter().filter(|event| **event < end);
            later.copied().collect::<Vec<u64>>()
        });
        let is = story.as_ref().map(|story| {
            let later = story.later.iter().map(|(number, _)| number.0);
            later.collect::<Vec<u64>>()
        });
        same(&format!("the story of packet {id}"), &should, &is)?;
        let (Some(known), Some(story)) = (known, story) else {
            return Ok(());
        };
        let sent = Event::PacketSent(story.sent.clone().into());
        self.books.compare(id, &sent)?;
        for (number, event) in &story.later {
            self.books.compare(number.0, event)?;
        }
        if known.last(id) < end {
            known.compare(id, &story.packet())?;
        }
        Ok(())
    }

    fn some_event(&mut self, store: &Store) -> Result<(), Failed> {
        let number = self.chance.below(self.books.next() + 3);
        self.event_is(store, number)
    }

    fn event_is(&self, store: &Store, number: u64) -> Result<(), Failed> {
        let found = store.event(EventNumber(number))?;
        let there = number < store.position().0;
        same(
            &format!("whether event {number} is there"),
            &there,
            &found.is_some(),
        )?;
        if let Some(event) = found {
            self.books.compare(number, &event)?;
        }
        Ok(())
    }

    fn some_account(&mut self) -> Account {
        let user = self.chance.below(self.books.users.len() as u64 + 1);
        let shop = self.chance.below(self.books.merchants.len() as u64 + 1);
        let brand = BrandId(u16::from(self.chance.one_in(3)));
        let campaign = self
            .chance
            .below(self.books.campaigns.rows.len() as u64 + 1);
        let campaign = CampaignId(u32::try_from(campaign).unwrap_or_default());
        let user = UserId(u32::try_from(user).unwrap_or_default());
        let shop = MerchantId(u32::try_from(shop).unwrap_or_default());
        self.chance.of([
            Account::Wallet(user),
            Account::Wallet(user),
            Account::Merchant(shop),
            Account::Merchant(shop),
            Account::Transit(brand),
            Account::BankReserve(brand),
            Account::FeeIncome(brand),
            Account::Capital(brand),
            Account::RebateLoss(brand),
            Account::Subsidy(campaign),
            Account::CampaignFund(campaign),
            Account::PendingRebate(campaign),
        ])
    }

    fn some_entries(&mut self, store: &Store) -> Result<(), Failed> {
        let account = self.some_account();
        let before = self.chance.below(self.books.next() + 3);
        let before = self.chance.one_in(2).then_some(before);
        let limit = self.chance.of([0, 1, 3, 20, 1_000]);
        self.entries_are(store, account, before, limit)
    }

    fn entries_are(
        &self,
        store: &Store,
        account: Account,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(), Failed> {
        let end = store.position().0.min(before.unwrap_or(u64::MAX));
        let found = store.entries(account, before.map(EventNumber), limit)?;
        let known = self.books.entries(account).iter().rev();
        let should: Vec<u64> = known
            .copied()
            .filter(|event| *event < end)
            .take(limit)
            .collect();
        let is: Vec<u64> = found.iter().map(|(number, _)| number.0).collect();
        same(&format!("the last entries of {account:?}"), &should, &is)?;
        for (number, event) in &found {
            self.books.compare(number.0, event)?;
        }
        Ok(())
    }

    fn some_bill(&mut self, store: &Store) -> Result<(), Failed> {
        let account = self.some_account();
        let from = self.chance.below(self.books.next() + 1);
        let to = from + self.chance.below(self.books.next() + 1);
        let end = store.position().0.min(to);
        let (mut is, mut wrong) = (Vec::new(), None);
        let books = &self.books;
        store.entries_between(
            account,
            EventNumber(from),
            EventNumber(to),
            &mut |number, event| {
                is.push(number.0);
                wrong = wrong.take().or(books.compare(number.0, &event).err());
                ControlFlow::Continue(())
            },
        )?;
        let known = books.entries(account).iter().copied();
        let should: Vec<u64> = known.filter(|event| (from..end).contains(event)).collect();
        same(
            &format!("the bill of {account:?} over {from}..{to}"),
            &should,
            &is,
        )?;
        wrong.map_or(Ok(()), |what| Err(Failed::Wrong(what)))
    }

    fn some_time(&mut self, store: &Store) -> Result<(), Failed> {
        let end = store.position().0;
        let first = self.books.events.first().map_or(0, |fact| fact.at);
        let time = self.chance.between(first - 10, self.books.last_at() + 10);
        let found = store.first_event_at(UnixMillis(time))?;
        let earlier = self.books.events.partition_point(|fact| fact.at < time);
        let should = (earlier as u64).min(end);
        same(&format!("the first event at {time}"), &should, &found.0)?;
        Ok(())
    }
}
