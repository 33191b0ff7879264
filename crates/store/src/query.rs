//! Questions. Each takes the view of the tail first, then asks the disk for what came before it.

use std::ops::ControlFlow;

use feiqian_core::archive::{Archive, ArchiveError};
use feiqian_core::numbers::{Key, Known};
use feiqian_core::order::Order;
use feiqian_core::{Account, Event, EventNumber, OrderId, TransferId, UnixMillis};
use feiqian_log::{Address, ReadError};

use crate::entry::{Begun, Hash, LANDMARK_EVERY, Landmark, Link, Owner, begun_by, touched};
use crate::store::Shared;
use crate::tail::View;
use crate::{OrderStory, Store, StoreError, TransferStory};

/// Bytes of an event's length and checksum, before it in the log.
const FRAME_HEADER_BYTES: u64 = 8;

impl Store {
    /// An event by its number; none from [`position`](Self::position) on.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn event(&self, number: EventNumber) -> Result<Option<Event>, StoreError> {
        let view = self.shared.view();
        if number >= view.next() {
            return Ok(None);
        }
        self.shared.event(&view, number).map(Some)
    }

    /// An order with all that became of it; none if the event of this number created no order.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn order(&self, id: OrderId) -> Result<Option<OrderStory>, StoreError> {
        let (shared, view) = (&*self.shared, self.shared.view());
        if id.0 >= view.next() {
            return Ok(None);
        }
        let first = shared.event(&view, id.0)?;
        if !matches!(first, Event::OrderCreated(_)) {
            return Ok(None);
        }
        let links = shared.story(&view, id.0)?;
        let last = links
            .last()
            .map_or((id.0.0, 0), |last| (last.event, last.address));
        let later = links.into_iter().map(|link| shared.follow_up(id.0, &link));
        let story = OrderStory::replay(id.0, first, later.collect::<Result<_, _>>()?);
        story
            .map(Some)
            .ok_or_else(|| shared.damaged(last.0, last.1, None))
    }

    /// A top-up or withdrawal with the bank's answer; none if the event of this number asked for
    /// neither.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn transfer(&self, id: TransferId) -> Result<Option<TransferStory>, StoreError> {
        let (shared, view) = (&*self.shared, self.shared.view());
        if id.0 >= view.next() {
            return Ok(None);
        }
        let request = shared.event(&view, id.0)?;
        if !matches!(
            request,
            Event::TopUpRequested(_) | Event::WithdrawalRequested(_)
        ) {
            return Ok(None);
        }
        let link = shared.story(&view, id.0)?.into_iter().next();
        let answer = link.map(|link| shared.follow_up(id.0, &link)).transpose()?;
        Ok(Some(TransferStory { request, answer }))
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
        // A number names one thing, so the first that matches is it; others have the same hash.
        for link in view.numbers(hash) {
            if let Some(found) = shared.named(key, &link)? {
                return Ok(Some(found));
            }
        }
        for link in shared.runs.numbers(hash, view.first())? {
            if let Some(found) = shared.named(key, &link)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
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
        let (shared, view) = (&*self.shared, self.shared.view());
        let to = before.map_or(u64::MAX, |before| before.0);
        let owner = Owner(account.code());
        let mut links = view.entries(owner, 0, to, limit);
        links.reverse();
        if links.len() < limit {
            let (to, limit) = (to.min(view.first()), limit - links.len());
            links.extend(shared.runs.last_entries(owner, to, limit)?);
        }
        links
            .into_iter()
            .map(|link| shared.entry(account, &link))
            .collect()
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
        let (shared, view) = (&*self.shared, self.shared.view());
        let owner = Owner(account.code());
        let older = shared
            .runs
            .entries_between(owner, from.0, to.0.min(view.first()))?;
        let newer = view.entries(owner, from.0, to.0, usize::MAX);
        for link in older.chain(newer.into_iter().map(Ok)) {
            let (number, event) = shared.entry(account, &link?)?;
            if each(number, event).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first event that happened at `time` or later; [`position`](Self::position) if none has.
    ///
    /// # Errors
    /// When log or indexes cannot be read.
    pub fn first_event_at(&self, time: UnixMillis) -> Result<EventNumber, StoreError> {
        let (shared, view) = (&*self.shared, self.shared.view());
        let earlier = |landmark: &Landmark| landmark.at < time;
        let (last, end) = match view.last_landmark(earlier) {
            Some(last) => {
                let next = view.next_landmark(earlier);
                (last, next.map_or(view.next().0, |next| next.event))
            }
            None => match shared.last_landmark_before(time, view.first())? {
                Some(found) => found,
                None => return Ok(EventNumber(0)),
            },
        };
        // No landmark lies between, so all these events are of one batch.
        let mut walk = Walk::from(last);
        loop {
            walk.skip(shared)?;
            if walk.event >= end {
                return Ok(EventNumber(end));
            }
            if walk.read(shared)?.at() >= time {
                return Ok(EventNumber(walk.event));
            }
        }
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
}

impl Shared {
    /// An event before the view's end.
    fn event(&self, view: &View, number: EventNumber) -> Result<Event, StoreError> {
        let number = number.0;
        let landmark = if number < view.first() {
            let from = number.saturating_sub(LANDMARK_EVERY as u64 - 1);
            self.runs.last_landmark(from, number)?
        } else {
            view.last_landmark(|landmark| landmark.event <= number)
        };
        let landmark = landmark.ok_or_else(|| self.folder.wrong("misses part of its index"))?;
        let mut walk = Walk::from(landmark);
        while walk.event < number {
            walk.skip(self)?;
        }
        walk.read(self)
    }

    /// The last landmark on disk that is earlier than `time`, and the event of the next one; the
    /// disk is asked for events before `end`.
    fn last_landmark_before(
        &self,
        time: UnixMillis,
        end: u64,
    ) -> Result<Option<(Landmark, u64)>, StoreError> {
        if end == 0 {
            return Ok(None);
        }
        let Some(mut last) = self
            .runs
            .last_landmark(0, 0)?
            .filter(|first| first.at < time)
        else {
            return Ok(None);
        };
        let mut end = end;
        loop {
            // All from `end` on are later; the middle's landmark halves what is between.
            let middle = last.event.midpoint(end);
            let before = self
                .runs
                .last_landmark(last.event.saturating_add(1), middle)?;
            let landmark = match before {
                Some(landmark) => Some(landmark),
                None => self.runs.next_landmark(middle, end)?,
            };
            match landmark {
                None => return Ok(Some((last, end))),
                Some(landmark) if landmark.at < time => last = landmark,
                Some(landmark) => end = landmark.event,
            }
        }
    }

    /// What goes on with the order or transfer that this event began, oldest first.
    fn story(&self, view: &View, begun: EventNumber) -> Result<Vec<Link<Begun>>, StoreError> {
        let (begun, mut links) = (Begun(begun.0), Vec::new());
        if begun.0 < view.first() {
            links = self.runs.story(begun, view.first())?;
        }
        links.extend(view.story(begun));
        Ok(links)
    }

    fn follow_up(
        &self,
        begun: EventNumber,
        link: &Link<Begun>,
    ) -> Result<(EventNumber, Event), StoreError> {
        self.linked(link, |event| begun_by(event) == Some(Begun(begun.0)))
    }

    fn entry(
        &self,
        account: Account,
        link: &Link<Owner>,
    ) -> Result<(EventNumber, Event), StoreError> {
        self.linked(link, |event| {
            touched(event).any(|touched| touched == account)
        })
    }

    /// The event of an entry, when it is one that such an entry can mean.
    fn linked<G>(
        &self,
        link: &Link<G>,
        meant: impl Fn(&Event) -> bool,
    ) -> Result<(EventNumber, Event), StoreError> {
        let event = self.event_at(link.event, link.address)?;
        if meant(&event) {
            Ok((EventNumber(link.event), event))
        } else {
            Err(self.damaged(link.event, link.address, None))
        }
    }

    /// The event of an entry, if the number that it uses up is this one.
    fn named(
        &self,
        key: &Key,
        link: &Link<Hash>,
    ) -> Result<Option<(EventNumber, Event)>, StoreError> {
        let (number, event) = (
            EventNumber(link.event),
            self.event_at(link.event, link.address)?,
        );
        let named = event.named(number).is_some_and(|(found, _)| found == *key);
        Ok(named.then_some((number, event)))
    }

    fn event_at(&self, event: u64, address: u64) -> Result<Event, StoreError> {
        Walk {
            event,
            address,
            bytes: Vec::new(),
        }
        .read(self)
    }

    fn damaged(
        &self,
        event: u64,
        address: u64,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        let (folder, event) = (self.folder.path().to_owned(), EventNumber(event));
        StoreError::Damaged {
            folder,
            event,
            address: Address(address),
            source,
        }
    }
}

/// Goes from event to event within a batch of the log.
struct Walk {
    event: u64,
    address: u64,
    bytes: Vec<u8>,
}

impl Walk {
    fn from(landmark: Landmark) -> Self {
        Self {
            event: landmark.event,
            address: landmark.address,
            bytes: Vec::new(),
        }
    }

    /// Reads the event that it stands at.
    fn read(&mut self, shared: &Shared) -> Result<Event, StoreError> {
        self.load(shared)?;
        minicbor::decode(&self.bytes).map_err(|source| self.damaged(shared, source))
    }

    /// Goes on to the next event.
    fn skip(&mut self, shared: &Shared) -> Result<(), StoreError> {
        self.load(shared)?;
        let frame = FRAME_HEADER_BYTES.saturating_add(self.bytes.len() as u64);
        self.event = self.event.saturating_add(1);
        self.address = self.address.saturating_add(frame);
        Ok(())
    }

    fn load(&mut self, shared: &Shared) -> Result<(), StoreError> {
        match shared
            .reader
            .event_at(Address(self.address), &mut self.bytes)
        {
            Ok(()) => Ok(()),
            Err(source @ (ReadError::NoEvent { .. } | ReadError::Damaged { .. })) => {
                Err(self.damaged(shared, source))
            }
            Err(source) => Err(StoreError::Log(source)),
        }
    }

    fn damaged(
        &self,
        shared: &Shared,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        shared.damaged(self.event, self.address, Some(source.into()))
    }
}
