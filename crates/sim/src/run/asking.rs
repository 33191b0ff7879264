//! Asking the engine: commands, and reads of its state.

use std::sync::Arc;
use std::task::Poll;

use feiqian_core::bank::Transfer;
use feiqian_core::campaign::Campaign;
use feiqian_core::campaign::choose::{Choice, choose};
use feiqian_core::campaign::grant::Why;
use feiqian_core::merchant::MerchantStatus;
use feiqian_core::order::Order;
use feiqian_core::packet::Packet;
use feiqian_core::user::{Tier, UserStatus};
use feiqian_core::{
    Account, BrandId, CampaignId, Command, CouponId, Fen, MerchantId, OrderId, PacketId, State,
    TransferId, UnixMillis, UserId,
};
use feiqian_engine::Sink;

use super::Run;
use super::answers::{Item, Reading, poll};
use crate::books::{Books, Stage};

/// What a read saw.
pub(super) struct Seen {
    next: u64,
    balances: Vec<(Account, Fen)>,
    users: Vec<(BrandId, UserStatus, Tier)>,
    merchants: Vec<(u16, MerchantStatus, u16)>,
    pending: Vec<(TransferId, Transfer)>,
    orders: Vec<(u64, Option<Order>)>,
    packets: Vec<(u64, Option<Packet>)>,
    campaigns: Vec<Campaign>,
    /// Open coupons of each user.
    coupons: Vec<Vec<CouponId>>,
    /// Orders that wait for each user's consent.
    asked: Vec<Vec<u64>>,
    quote: Option<(Wanted, Quoted)>,
}

/// Somebody wants to know what a payment would cost.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    order: u64,
    payer: UserId,
    now: i64,
}

/// The choice, and why each other campaign does not apply.
type Quoted = (Choice, Vec<(CampaignId, Why)>);

impl Wanted {
    fn ask(self, state: &State) -> Option<(Self, Quoted)> {
        let order = state.order(OrderId(Books::number(self.order)))?;
        let mut notes = Vec::new();
        let note = |campaign, why| notes.push((campaign, why));
        let choice = choose(state, UnixMillis(self.now), order, self.payer, note);
        notes.sort_unstable();
        Some((self, (choice, notes)))
    }
}

impl Seen {
    fn of(state: &State, orders: &[u64], packets: &[u64], wanted: Option<Wanted>) -> Self {
        let users = (0..).map(UserId).map_while(|user| state.user(user));
        let merchants = (0..).map(MerchantId).map_while(|shop| state.merchant(shop));
        let order = |id: &u64| {
            let order = state.order(OrderId(Books::number(*id)));
            (*id, order.cloned())
        };
        let packet = |id: &u64| {
            let packet = PacketId::new(Books::number(*id)).and_then(|id| state.packet(id));
            (*id, packet.cloned())
        };
        Self {
            next: state.next_event().0,
            balances: state.balances().collect(),
            users: users
                .map(|user| (user.brand, user.status, user.tier))
                .collect(),
            merchants: merchants
                .map(|shop| (shop.fee.0, shop.status, shop.category.0))
                .collect(),
            pending: state.pending_transfers(),
            orders: orders.iter().map(order).collect(),
            packets: packets.iter().map(packet).collect(),
            campaigns: state.campaigns().map(|(_, row)| row.clone()).collect(),
            coupons: (0..)
                .map(UserId)
                .take(state.user_count())
                .map(|user| state.open_coupons(user).to_vec())
                .collect(),
            asked: (0..)
                .map(UserId)
                .take(state.user_count())
                .map(|user| state.asked(user).iter().map(|order| order.0.0).collect())
                .collect(),
            quote: wanted.and_then(|wanted| wanted.ask(state)),
        }
    }
}

impl Run {
    /// Somebody asks for something.
    pub(super) fn ask(&mut self) -> Result<(), String> {
        let now = self.clock.load(std::sync::atomic::Ordering::Relaxed);
        let now = now.max(self.now);
        let command = self.world.ask(&self.books, now);
        self.submit(command)
    }

    /// Something arrives that was on its way.
    pub(super) fn arrive(&mut self) -> Result<(), String> {
        let command = self.world.arrive();
        self.submit(command)
    }

    pub(super) fn submit(&mut self, command: Option<Command>) -> Result<(), String> {
        let (Some(command), Some(running)) = (command, &self.running) else {
            return Ok(());
        };
        self.tags += 1;
        self.trace.step(|| format!("asked: {command:?}"));
        let sink: Arc<dyn Sink> = self.answers.clone();
        let asked = vec![(command.clone(), self.tags)];
        match running.engine.submit_many(asked, &sink) {
            Ok(()) => self.queued.push(Item::Command(self.tags, command)),
            Err(_) if running.engine.failed().is_some() => self.world.ask_again(command),
            Err(stopped) => return Err(format!("{command:?}: {stopped}")),
        }
        Ok(())
    }

    /// Reads all balances and more; compared once it is answered.
    pub(super) fn read_everything(&mut self) {
        if self.running.is_none() {
            return;
        }
        self.trace.step(|| "read".into());
        let orders: Vec<u64> = self.books.orders.keys().rev().take(30).copied().collect();
        let packets = self.books.packets.iter().rev().take(30);
        let packets: Vec<u64> = packets.map(|(id, _)| *id).collect();
        let wanted = self.wanted();
        let Some(running) = &self.running else { return };
        let engine = running.engine.clone();
        let mut reading: Reading = Box::pin(async move {
            engine
                .read(move |state| Seen::of(state, &orders, &packets, wanted))
                .await
        });
        match poll(&mut reading) {
            Poll::Pending => self.queued.push(Item::Read(reading)),
            // It takes no more; whoever looks after it sees why.
            Poll::Ready(_) => {}
        }
    }

    /// Some shopper at some order that waits.
    fn wanted(&mut self) -> Option<Wanted> {
        let waiting: Vec<u64> = self.books.open.iter().map(|(_, order)| *order).collect();
        let order = *self.chance.pick(&waiting)?;
        let users = u32::try_from(self.books.users.len()).unwrap_or(u32::MAX);
        let payer = self.chance.below(users.into());
        let now = self.clock.load(std::sync::atomic::Ordering::Relaxed);
        (users > 0).then_some(Wanted {
            order,
            payer: UserId(u32::try_from(payer).unwrap_or_default()),
            now: now.max(self.now),
        })
    }

    /// Whether a quote says what a payment would be.
    pub(super) fn compare_quote(&mut self, seen: &Seen) -> Result<(), String> {
        let Some((wanted, (choice, notes))) = &seen.quote else {
            return Ok(());
        };
        let Some(order) = self.books.orders.get(&wanted.order) else {
            return Err(format!("{wanted:?} is quoted, but there is no such order"));
        };
        let mut should = self.books.choose(wanted.now, order, wanted.payer);
        should.notes.sort_unstable();
        let said = (
            &choice.granted,
            choice.payable.0,
            choice.told.is_some(),
            notes,
        );
        let right = (&should.granted, should.payable, should.told, &should.notes);
        same(&format!("the quote of {wanted:?}"), &right, &said)?;
        for (_, why) in notes {
            self.coverage.passed_over(*why);
        }
        Ok(())
    }

    /// Whether what a read saw is what the books say.
    pub(super) fn compare_state(&self, seen: &Seen) -> Result<(), String> {
        let books = &self.books;
        same("the next event", &books.next(), &seen.next)?;
        let balances: Vec<_> = books.balances().into_iter().collect();
        let mut found = seen.balances.clone();
        found.sort_unstable();
        for (should, is) in balances.iter().zip(&found) {
            same("a balance", should, is)?;
        }
        same("the number of accounts", &balances.len(), &found.len())?;
        let users = books.users.iter();
        let users: Vec<_> = users
            .map(|user| (user.brand, user.status, user.tier))
            .collect();
        same("the users", &users, &seen.users)?;
        let merchants = books.merchants.iter();
        let merchants: Vec<_> = merchants
            .map(|shop| (shop.fee, shop.status, shop.category))
            .collect();
        same("the merchants", &merchants, &seen.merchants)?;
        let pending = books.pending.iter().filter_map(|id| {
            let known = books.transfers.get(id)?;
            Some((
                TransferId(Books::number(*id)),
                Transfer {
                    user: known.user,
                    direction: known.direction,
                    amount: Fen(known.amount),
                    at: UnixMillis(known.at),
                    fee: known.fee.map(Fen),
                },
            ))
        });
        same("pending transfers", &pending.collect(), &seen.pending)?;
        for (id, row) in (0..).map(CampaignId).zip(&seen.campaigns) {
            books.compare_campaign(id, row)?;
        }
        let campaigns = books.campaigns.rows.len();
        same("the number of campaigns", &campaigns, &seen.campaigns.len())?;
        for (user, coupons) in (0..).map(UserId).zip(&seen.coupons) {
            let held: Vec<u64> = books.held(user).map(|(coupon, _)| coupon).collect();
            let mut found: Vec<u64> = coupons.iter().map(|coupon| coupon.0.0).collect();
            found.sort_unstable();
            same(&format!("open coupons of user {user}"), &held, &found)?;
        }
        self.compare_packets(seen)?;
        for (user, asked) in (0..).map(UserId).zip(&seen.asked) {
            let what = format!("orders that wait for user {user}");
            same(&what, &books.waiting_for(user), asked)?;
        }
        for (id, order) in &seen.orders {
            let Some(known) = books.orders.get(id) else {
                continue;
            };
            match order {
                Some(order) => known.compare(*id, order)?,
                None if known.stage == Stage::Open => {
                    return Err(format!("order {id} is open, but not in memory"));
                }
                None => {}
            }
        }
        Ok(())
    }
}

impl Run {
    fn compare_packets(&self, seen: &Seen) -> Result<(), String> {
        for (id, packet) in &seen.packets {
            match (self.books.packets.get(id), packet) {
                (Some(known), Some(packet)) => known.compare(*id, packet)?,
                (Some(known), None) if known.is_open() => {
                    return Err(format!("packet {id} is open, but not in memory"));
                }
                (_, _) => {}
            }
        }
        Ok(())
    }
}

/// Compares what should be with what is.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    should: &T,
    is: &T,
) -> Result<(), String> {
    if should == is {
        return Ok(());
    }
    Err(format!("{what} should be {should:?}, but is {is:?}"))
}
