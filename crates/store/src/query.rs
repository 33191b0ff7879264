//! Questions: from index entries to the events in the log.

use std::ops::{ControlFlow, Range};

use feiqian_core::archive::{Archive, ArchiveError};
use feiqian_core::numbers::{Key, Known};
use feiqian_core::order::Order;
use feiqian_core::packet::Packet;
use feiqian_core::{
    Account, CouponId, Event, EventNumber, OrderId, PacketId, RemittanceId, RequestId, TransferId,
    UnixMillis,
};
use feiqian_log::{Address, ReadError};

use crate::index::{
    Index, LANDMARK_EVERY, List, Pair, begun_by, key_of, pair, time_key, touched, value_of,
};
use crate::store::Shared;
use crate::view::{Chunk, View};
use crate::{
    OrderStory, PacketStory, RemittanceStory, RequestStory, Store, StoreError, TransferStory,
};

impl Store {
    /// An event by its number; none from [`position`](Self::position) on.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn event(&self, number: EventNumber) -> Result<Option<Event>, StoreError> {
        let view = self.shared.view();
        if number.0 >= view.next() {
            return Ok(None);
        }
        Question::new(&self.shared, &view).event(number).map(Some)
    }

    /// An order with all that became of it; none if the event of this number created no order.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn order(&self, id: OrderId) -> Result<Option<OrderStory>, StoreError> {
        let view = self.shared.view();
        if id.0.0 >= view.next() {
            return Ok(None);
        }
        let mut question = Question::new(&self.shared, &view);
        let first = question.event(id.0)?;
        if !matches!(first, Event::OrderCreated(_)) {
            return Ok(None);
        }
        let later = question.story(id.0)?;
        let last = later.last().map_or(id.0, |(number, _)| *number);
        match OrderStory::replay(id.0, first, later) {
            Some(story) => Ok(Some(story)),
            None => Err(question.damaged(last, None)),
        }
    }

    /// A top-up or withdrawal with the bank's answer; none if the event of this number asked for
    /// neither.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn transfer(&self, id: TransferId) -> Result<Option<TransferStory>, StoreError> {
        let view = self.shared.view();
        if id.0.0 >= view.next() {
            return Ok(None);
        }
        let mut question = Question::new(&self.shared, &view);
        let request = question.event(id.0)?;
        if !matches!(
            request,
            Event::TopUpRequested(_) | Event::WithdrawalRequested(_)
        ) {
            return Ok(None);
        }
        let answer = question.story(id.0)?.into_iter().next();
        Ok(Some(TransferStory { request, answer }))
    }

    /// A red packet with who took what; none if the event of this number sent no packet.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn packet(&self, id: PacketId) -> Result<Option<PacketStory>, StoreError> {
        let view = self.shared.view();
        let number = id.event();
        if number.0 >= view.next() {
            return Ok(None);
        }
        let mut question = Question::new(&self.shared, &view);
        let first = question.event(number)?;
        if !matches!(first, Event::PacketSent(_)) {
            return Ok(None);
        }
        let later = question.story(number)?;
        let last = later.last().map_or(number, |(number, _)| *number);
        match PacketStory::replay(number, first, later) {
            Some(story) => Ok(Some(story)),
            None => Err(question.damaged(last, None)),
        }
    }

    /// What became of a coupon at its merchant's own till, and the subsidies paid for it, oldest first. Its
    /// use to pay an order is the order's story.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn coupon(&self, id: CouponId) -> Result<Vec<(EventNumber, Event)>, StoreError> {
        let view = self.shared.view();
        let mut question = Question::new(&self.shared, &view);
        // The event of a payment that earned a coupon begins no other story.
        question.story(id.0)
    }

    /// A remittance with what became of it; none if the event of this number sent none.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn remittance(&self, id: RemittanceId) -> Result<Option<RemittanceStory>, StoreError> {
        let view = self.shared.view();
        if id.0.0 >= view.next() {
            return Ok(None);
        }
        let mut question = Question::new(&self.shared, &view);
        let Event::MoneySent(sent) = question.event(id.0)? else {
            return Ok(None);
        };
        let end = question.story(id.0)?.into_iter().next();
        Ok(Some(RemittanceStory { sent: *sent, end }))
    }

    /// A request for money with all that became of it; none if the event of this number asked for none.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn request(&self, id: RequestId) -> Result<Option<RequestStory>, StoreError> {
        let view = self.shared.view();
        if id.0.0 >= view.next() {
            return Ok(None);
        }
        let mut question = Question::new(&self.shared, &view);
        let Event::MoneyRequested(asked) = question.event(id.0)? else {
            return Ok(None);
        };
        let later = question.story(id.0)?;
        Ok(Some(RequestStory {
            asked: *asked,
            later,
        }))
    }

    /// What is on a user's list, newest first: at most `limit` events before `before`, or the newest.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn list(
        &self,
        list: List,
        before: Option<EventNumber>,
        limit: usize,
    ) -> Result<Vec<(EventNumber, Event)>, StoreError> {
        self.newest(list.code(), before, limit, |event| {
            List::with(event).contains(&list)
        })
    }

    /// The event that a caller's number names. Nearly free for a number that was never used.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn number(&self, key: &Key) -> Result<Option<(EventNumber, Event)>, StoreError> {
        let shared = &*self.shared;
        let hash = (shared.hash)(key);
        if !shared.filter.may_hold(hash) {
            return Ok(None);
        }
        let view = shared.view();
        let mut question = Question::new(shared, &view);
        let (range, mut pairs) = (of_key(hash, 0..u64::MAX), Vec::new());
        // A number names one thing, so the first that matches is it; others have the same hash.
        // What was asked last is asked most.
        for chunk in view.chunks(Index::Numbers, &range, 0..u64::MAX).rev() {
            for found in chunk.read(&range, &mut pairs)? {
                let number = EventNumber(value_of(*found));
                let event = question.event(number)?;
                if event.named(number).is_some_and(|(named, _)| named == *key) {
                    return Ok(Some((number, event)));
                }
            }
        }
        Ok(None)
    }

    /// For each hash of a number ([`Key::hash`]), in order, whether the number was surely never used.
    /// Cheaper than one [`Archive::number`] for each: the processor fetches several lines at once.
    pub fn unknown(&self, hashes: &[u64], unknown: &mut Vec<bool>) {
        unknown.clear();
        let filter = &self.shared.filter;
        filter.may_hold_each(hashes, &mut |may_hold| unknown.push(!may_hold));
    }

    /// What moved an account's money, newest first: at most `limit` events before `before`, or the
    /// newest. Events that a page ends with are where the next one starts: pass the last number.
    ///
    /// Nothing for [`Account::FeeIncome`]: its history is every payment.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn entries(
        &self,
        account: Account,
        before: Option<EventNumber>,
        limit: usize,
    ) -> Result<Vec<(EventNumber, Event)>, StoreError> {
        self.newest(account.code(), before, limit, |event| {
            touched(event).any(|touched| touched == account)
        })
    }

    /// The newest events of a key's entries, of which each must be one that such an entry can mean.
    fn newest(
        &self,
        key: u64,
        before: Option<EventNumber>,
        limit: usize,
        can_mean: impl Fn(&Event) -> bool,
    ) -> Result<Vec<(EventNumber, Event)>, StoreError> {
        let view = self.shared.view();
        let mut question = Question::new(&self.shared, &view);
        let events = 0..before.map_or(u64::MAX, |before| before.0);
        let (range, mut pairs) = (of_key(key, events.clone()), Vec::new());
        let mut entries = Vec::new();
        for chunk in view.chunks(Index::Entries, &range, events).rev() {
            for found in chunk.read(&range, &mut pairs)?.iter().rev() {
                if entries.len() == limit {
                    return Ok(entries);
                }
                entries.push(question.meant(*found, &can_mean)?);
            }
        }
        Ok(entries)
    }

    /// What moved an account's money from event `from` to before event `to`, oldest first, until
    /// `each` breaks off. For bills: it reads as it goes and holds no page in memory.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn entries_between(
        &self,
        account: Account,
        from: EventNumber,
        to: EventNumber,
        each: &mut dyn FnMut(EventNumber, Event) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let view = self.shared.view();
        let mut question = Question::new(&self.shared, &view);
        let (range, mut pairs) = (of_key(account.code(), from.0..to.0), Vec::new());
        for chunk in view.chunks(Index::Entries, &range, from.0..to.0) {
            for found in chunk.read(&range, &mut pairs)? {
                let (number, event) = question.entry(account, *found)?;
                if each(number, event).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The first event that happened at `time` or later; [`position`](Self::position) if none has.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn first_event_at(&self, time: UnixMillis) -> Result<EventNumber, StoreError> {
        let view = self.shared.view();
        let mut question = Question::new(&self.shared, &view);
        let (earlier, later) = (
            0..pair(time_key(time), 0),
            pair(time_key(time), 0)..Pair::MAX,
        );
        let mut pairs = Vec::new();
        let Some(last) = view.chunks(Index::Times, &earlier, 0..u64::MAX).next_back() else {
            return Ok(EventNumber(0));
        };
        let last = last
            .read(&earlier, &mut pairs)?
            .last()
            .map_or(0, |last| value_of(*last));
        let mut end = view.next();
        for chunk in view.chunks(Index::Times, &later, last..u64::MAX) {
            if let Some(first) = chunk.read(&later, &mut pairs)?.first() {
                end = value_of(*first);
                break;
            }
        }
        // Between the two landmarks is none, so there are few events.
        for number in (last..end).map(EventNumber) {
            if question.event(number)?.at() >= time {
                return Ok(number);
            }
        }
        Ok(EventNumber(end))
    }
}

/// What the rules ask for when they meet something that has left memory.
impl Archive for Store {
    fn number(&self, key: &Key) -> Result<Option<Known>, ArchiveError> {
        let found = Store::number(self, key)?;
        Ok(found
            .and_then(|(number, event)| event.named(number))
            .map(|(_, known)| known))
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ArchiveError> {
        Ok(Store::order(self, id)?.map(|story| story.order()))
    }

    fn packet(&self, id: PacketId) -> Result<Option<Packet>, ArchiveError> {
        Ok(Store::packet(self, id)?.map(|story| story.packet()))
    }
}

/// All entries of a key with values in a range.
fn of_key(key: u64, values: Range<u64>) -> Range<Pair> {
    pair(key, values.start)..pair(key, values.end)
}

/// Reads events for one question.
struct Question<'a> {
    shared: &'a Shared,
    view: &'a View,
    /// Landmarks that were read: the next event is often near.
    landmarks: Vec<Pair>,
    /// The last landmark that was gone to.
    address: Address,
    bytes: Vec<u8>,
}

impl<'a> Question<'a> {
    fn new(shared: &'a Shared, view: &'a View) -> Self {
        Self {
            shared,
            view,
            landmarks: Vec::new(),
            address: Address(0),
            bytes: Vec::new(),
        }
    }

    /// An event before the view's end.
    fn event(&mut self, number: EventNumber) -> Result<Event, StoreError> {
        let landmark = self.landmark(number)?;
        self.address = Address(value_of(landmark));
        let after = number.0.checked_sub(key_of(landmark));
        let after = after.and_then(|after| usize::try_from(after).ok());
        let Some(after) = after.filter(|after| *after < LANDMARK_EVERY) else {
            return Err(self.damaged(number, None));
        };
        let reader = &self.shared.reader;
        match reader.event_after(self.address, after, &mut self.bytes) {
            Ok(()) => minicbor::decode(&self.bytes)
                .map_err(|source| self.damaged(number, Some(source.into()))),
            Err(source @ (ReadError::NoEvent { .. } | ReadError::Damaged { .. })) => {
                Err(self.damaged(number, Some(source.into())))
            }
            Err(source) => Err(StoreError::Log(source)),
        }
    }

    /// The last landmark not after an event; any other if the index is damaged.
    fn landmark(&mut self, number: EventNumber) -> Result<Pair, StoreError> {
        let to = pair(number.0, u64::MAX);
        let held = self.landmarks.partition_point(|landmark| *landmark <= to);
        if 0 < held && held < self.landmarks.len() {
            return Ok(self.landmarks[held - 1]);
        }
        let (range, all) = (0..to, 0..Pair::MAX);
        let events = number.0..number.0.saturating_add(1);
        let last = self.view.chunks(Index::Places, &range, events).next_back();
        Ok(match last {
            None => 0,
            Some(Chunk::Piece(piece)) => piece.last().copied().unwrap_or_default(),
            Some(block @ Chunk::Block { .. }) => {
                let found = block.read(&all, &mut self.landmarks)?;
                let found = &found[..found.partition_point(|landmark| *landmark <= to)];
                found.last().copied().unwrap_or_default()
            }
        })
    }

    /// What goes on with what this event began, oldest first.
    fn story(&mut self, begun: EventNumber) -> Result<Vec<(EventNumber, Event)>, StoreError> {
        let (range, mut pairs) = (of_key(begun.0, 0..u64::MAX), Vec::new());
        let mut story = Vec::new();
        for chunk in self.view.chunks(Index::Story, &range, begun.0..u64::MAX) {
            for found in chunk.read(&range, &mut pairs)? {
                story.push(self.meant(*found, |event| begun_by(event) == Some(begun))?);
            }
        }
        Ok(story)
    }

    fn entry(&mut self, account: Account, entry: Pair) -> Result<(EventNumber, Event), StoreError> {
        self.meant(entry, |event| {
            touched(event).any(|touched| touched == account)
        })
    }

    /// The event of an entry, when it is one that such an entry can mean.
    fn meant(
        &mut self,
        entry: Pair,
        can_mean: impl Fn(&Event) -> bool,
    ) -> Result<(EventNumber, Event), StoreError> {
        let number = EventNumber(value_of(entry));
        let event = self.event(number)?;
        if can_mean(&event) {
            Ok((number, event))
        } else {
            Err(self.damaged(number, None))
        }
    }

    fn damaged(
        &self,
        event: EventNumber,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError::Damaged {
            folder: self.shared.folder.path(),
            event,
            address: self.address,
            source,
        }
    }
}
