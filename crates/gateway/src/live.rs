//! Who waits for news, and waking them: one thread follows the log while anybody waits.
//!
//! News say *that* something of a user or an order changed, never what: whoever is woken asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feiqian_core::{Account, Event, OrderId, UserId};
use feiqian_engine::{Engine, Feed, Next};
use tokio::sync::watch;

/// Most that wait for the news of one user or order.
pub const PER_SUBJECT_MAX: usize = 8;
/// Most that wait at all.
pub const WAITING_MAX: usize = 8_192;
/// How long the thread waits for events before it looks whether anybody still waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// Too many wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wait for news already")]
pub struct TooMany;

/// Whose news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A shopper's.
    User(UserId),
    /// An order's.
    Order(OrderId),
}

impl From<UserId> for Subject {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<OrderId> for Subject {
    fn from(order: OrderId) -> Self {
        Self::Order(order)
    }
}

/// All who wait.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    subjects: HashMap<Subject, watch::Sender<u64>>,
    /// Whether the thread runs.
    followed: bool,
}

impl Waiting {
    fn forget_the_gone(&mut self) {
        self.subjects
            .retain(|_, sender| sender.receiver_count() > 0);
    }
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever something of this user or order changes, from now on.
    pub fn watch(
        &self,
        engine: &Engine,
        subject: impl Into<Subject>,
    ) -> Result<watch::Receiver<u64>, TooMany> {
        let mut waiting = self.lock();
        if waiting.subjects.len() >= WAITING_MAX {
            waiting.forget_the_gone();
        }
        let all = waiting.subjects.values().map(watch::Sender::receiver_count);
        if all.sum::<usize>() >= WAITING_MAX {
            return Err(TooMany);
        }
        let sender = waiting
            .subjects
            .entry(subject.into())
            .or_insert_with(|| watch::Sender::new(0));
        if sender.receiver_count() >= PER_SUBJECT_MAX {
            return Err(TooMany);
        }
        let receiver = sender.subscribe();
        if !waiting.followed {
            waiting.followed = true;
            let (live, feed) = (self.clone(), engine.feed(engine.durable()));
            let thread = std::thread::Builder::new().name("live".into());
            if thread.spawn(move || live.follow(feed)).is_err() {
                waiting.followed = false;
            }
        }
        Ok(receiver)
    }

    /// Wakes until nobody waits any more.
    fn follow(&self, mut feed: Feed) {
        loop {
            match feed.next(PATIENCE) {
                Next::Batch(batch) => {
                    let waiting = self.lock();
                    for (_, event) in &batch.events {
                        let wake = |subject: Subject| {
                            if let Some(sender) = waiting.subjects.get(&subject) {
                                sender.send_modify(|news| *news = news.wrapping_add(1));
                            }
                        };
                        each_user(event, |user| wake(user.into()));
                        event.order().map(Subject::Order).into_iter().for_each(wake);
                    }
                }
                Next::Nothing => {}
                Next::Ended | Next::Failed(_) => {
                    self.lock().followed = false;
                    return;
                }
            }
            let mut waiting = self.lock();
            waiting.forget_the_gone();
            if waiting.subjects.is_empty() {
                waiting.followed = false;
                return;
            }
        }
    }
}

/// Every user whom an event concerns, perhaps more than once.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "other events concern whose money they move, and nobody else"
)]
fn each_user(event: &Event, mut tell: impl FnMut(UserId)) {
    for posting in event.postings().into_iter().flat_map(|all| all.iter()) {
        for account in [posting.debit, posting.credit] {
            if let Account::Wallet(user) = account {
                tell(user);
            }
        }
    }
    match event {
        Event::UserStatusSet(event) => tell(event.user),
        Event::TopUpRequested(event) => tell(event.user),
        Event::TransferAnswered(event) => tell(event.user),
        Event::CouponGiven(event) => tell(event.user),
        Event::CodeSpent(event) => tell(event.payer),
        Event::OrderDeclined(event) => tell(event.payer),
        Event::UserTierSet(event) => tell(event.user),
        Event::MoneySent(event) => event.to.payee().into_iter().for_each(tell),
        Event::RemittanceArrived(event) => tell(event.payer),
        Event::RemittanceAccepted(event) => tell(event.payer),
        Event::PacketSent(event) => event.to.into_iter().for_each(tell),
        Event::MoneyRequested(event) => {
            let payers = event.shares.iter().map(|(payer, _)| *payer);
            payers.chain([event.asker]).for_each(tell);
        }
        Event::ShareDeclined(event) => tell(event.asker),
        Event::RequestCancelled(event) => tell(event.asker),
        Event::RequestExpired(event) => tell(event.asker),
        Event::OrderCreated(event) => event.terms.only_payer.into_iter().for_each(tell),
        _ => {}
    }
}
