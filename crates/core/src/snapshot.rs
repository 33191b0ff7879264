//! The state at a position as a file, so that a restart replays only what came later.
//!
//! A CBOR sequence (RFC 8742): a head, then rows in blocks, the most numerous packed. Numbers, settled orders and
//! packets that are over are not in it: the archive has them. Freezing is cheap and shares memory with the living state; writing it
//! out is done by another thread.

use std::collections::{BTreeMap, VecDeque};

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::bank::{Transfer, fee::Withdrawn};
use crate::brand::Brand;
use crate::campaign::shoppers::{Paid, Person, Row, Shopper, Shoppers};
use crate::campaign::{Campaign, Campaigns, Coupon, CouponState, Had, Payer, Status};
use crate::ids::{
    CampaignId, CouponId, EventNumber, OrderId, PacketId, RemittanceId, RequestId, TransferId,
    UserId,
};
use crate::merchant::Merchant;
use crate::order::{Order, OrderState};
use crate::packet::Packet;
use crate::remittance::Remittance;
use crate::request::Request;
use crate::state::{Mode, State};
use crate::table::{Rows, Table};
use crate::time::{Day, UnixMillis};
use crate::user::{User, limits::Spent};

/// Rows per block: bounds what is held in memory while writing and reading.
const BLOCK: usize = 4_096;

/// The state at one instant, unchanging.
#[derive(Clone, Debug)]
pub struct Frozen {
    mode: Option<Mode>,
    next: EventNumber,
    brands: Vec<Brand>,
    users: Rows<User>,
    spent: Table<UserId, Spent>,
    withdrawn: Table<UserId, Withdrawn>,
    remittances: Table<RemittanceId, Remittance>,
    requests: Table<RequestId, Request>,
    merchants: Rows<Merchant>,
    orders: Table<OrderId, Order>,
    transfers: Table<TransferId, Transfer>,
    shoppers: Rows<Shopper>,
    days: VecDeque<Paid>,
    persons: Rows<(Person, UserId)>,
    campaigns: Vec<Campaign>,
    had: Vec<Table<Payer, Had>>,
    coupons: Table<CouponId, Coupon>,
    ends: BTreeMap<CampaignId, VecDeque<CouponId>>,
    rebates: BTreeMap<CampaignId, VecDeque<(UnixMillis, OrderId)>>,
    swept: UnixMillis,
    packets: Table<PacketId, Packet>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Head {
    #[n(0)]
    mode: Option<Mode>,
    #[n(1)]
    next: EventNumber,
    #[n(2)]
    brands: Vec<Brand>,
    #[n(3)]
    users: u64,
    #[n(4)]
    merchants: u64,
    #[n(5)]
    orders: u64,
    #[n(6)]
    transfers: u64,
    #[n(7)]
    days: Vec<DayHead>,
    #[n(8)]
    persons: u64,
    #[n(9)]
    campaigns: Vec<CampaignHead>,
    #[n(10)]
    coupons: u64,
    #[n(11)]
    swept: UnixMillis,
    #[n(12)]
    spent: u64,
    #[n(13)]
    remittances: u64,
    #[n(14)]
    requests: u64,
    /// None of an earlier version.
    #[n(15)]
    withdrawn: Option<u64>,
    #[n(20)]
    packets: u64,
}

/// A day whose payments still count, and how many rows it has.
#[derive(Encode, Decode)]
#[cbor(array)]
struct DayHead {
    #[n(0)]
    day: Day,
    #[n(1)]
    rows: u64,
    #[n(2)]
    retired: u64,
}

/// A campaign, and how many rows it has of each kind.
#[derive(Encode, Decode)]
#[cbor(array)]
struct CampaignHead {
    #[n(0)]
    campaign: Campaign,
    #[n(1)]
    had: u64,
    #[n(2)]
    ends: u64,
    #[n(3)]
    rebates: u64,
}

impl State {
    /// The state as it is now. Cheap: memory is shared until rows change.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        Frozen {
            mode: self.mode,
            next: self.next,
            brands: self.brands.clone(),
            users: self.users.clone(),
            spent: self.spent.clone(),
            withdrawn: self.withdrawn.clone(),
            remittances: self.remittances.rows().clone(),
            requests: self.requests.rows().clone(),
            merchants: self.merchants.clone(),
            orders: self.orders.rows().clone(),
            transfers: self.transfers.clone(),
            shoppers: self.shoppers.rows.clone(),
            days: self.shoppers.days.clone(),
            persons: self.shoppers.persons.rows().clone(),
            campaigns: self.campaigns.rows.clone(),
            had: self.campaigns.had.clone(),
            coupons: self.campaigns.coupons.clone(),
            ends: self.campaigns.ends.clone(),
            rebates: self.campaigns.rebates.clone(),
            swept: self.campaigns.swept,
            packets: self.packets.rows().clone(),
        }
    }
}

impl Frozen {
    /// It holds the effect of every event before this one.
    #[must_use]
    pub fn next_event(&self) -> EventNumber {
        self.next
    }

    /// Writes it.
    pub fn write<W: encode::Write>(&self, out: W) -> Result<(), encode::Error<W::Error>> {
        let open = self.orders.sorted(|order| order.state == OrderState::Open);
        let transfers = self.transfers.sorted(|_| true);
        let packets = self.packets.sorted(Packet::is_open);
        let mut e = Encoder::new(out);
        e.encode(Head {
            mode: self.mode,
            next: self.next,
            brands: self.brands.clone(),
            users: self.users.len() as u64,
            merchants: self.merchants.len() as u64,
            orders: open.len() as u64,
            transfers: transfers.len() as u64,
            days: self.days.iter().map(DayHead::of).collect(),
            persons: self.persons.len() as u64,
            campaigns: self.campaign_heads(),
            coupons: self.coupons.len() as u64,
            swept: self.swept,
            packets: packets.len() as u64,
            spent: self.spent.len() as u64,
            withdrawn: (self.withdrawn.len() > 0).then_some(self.withdrawn.len() as u64),
            remittances: self.remittances.len() as u64,
            requests: self.requests.len() as u64,
        })?;
        packed(&mut e, self.users.iter().map(User::pack))?;
        blocks(&mut e, self.merchants.len(), self.merchants.iter())?;
        blocks(&mut e, open.len(), open.iter())?;
        blocks(&mut e, transfers.len(), transfers.iter())?;
        packed(&mut e, self.shoppers.iter().map(Shopper::pack))?;
        for day in &self.days {
            packed(&mut e, day.rows.iter().map(Row::pack))?;
        }
        packed(&mut e, self.persons.iter().map(pack_person))?;
        for (id, had) in (0..).map(CampaignId).zip(&self.had) {
            blocks(&mut e, had.len(), had.sorted(|_| true).iter())?;
            let ends = self.ends.get(&id).into_iter().flatten();
            blocks(&mut e, ends.clone().count(), ends)?;
            let rebates = self.rebates.get(&id).into_iter().flatten();
            blocks(&mut e, rebates.clone().count(), rebates)?;
        }
        let coupons = self.coupons.sorted(|_| true);
        blocks(&mut e, coupons.len(), coupons.iter())?;
        let spent = self.spent.sorted(|_| true);
        blocks(&mut e, spent.len(), spent.iter())?;
        let remittances = self.remittances.sorted(|_| true);
        blocks(&mut e, remittances.len(), remittances.iter())?;
        let requests = self.requests.sorted(|_| true);
        blocks(&mut e, requests.len(), requests.iter())?;
        blocks(&mut e, packets.len(), packets.iter())?;
        let withdrawn = self.withdrawn.sorted(|_| true);
        blocks(&mut e, withdrawn.len(), withdrawn.iter())
    }

    fn campaign_heads(&self) -> Vec<CampaignHead> {
        let len = |queue: Option<usize>| queue.unwrap_or(0) as u64;
        let heads = (0..)
            .map(CampaignId)
            .zip(self.campaigns.iter().zip(&self.had));
        heads
            .map(|(id, (campaign, had))| CampaignHead {
                campaign: campaign.clone(),
                had: had.len() as u64,
                ends: len(self.ends.get(&id).map(VecDeque::len)),
                rebates: len(self.rebates.get(&id).map(VecDeque::len)),
            })
            .collect()
    }
}

impl DayHead {
    fn of(day: &Paid) -> Self {
        Self {
            day: day.day,
            rows: day.rows.len() as u64,
            retired: day.retired as u64,
        }
    }
}

/// Bytes of a packed person: the hash, its first user.
const PERSON_BYTES: usize = 20;

fn pack_person((person, user): &(Person, UserId)) -> [u8; PERSON_BYTES] {
    let mut bytes = [0; PERSON_BYTES];
    bytes[..16].copy_from_slice(person);
    bytes[16..].copy_from_slice(&user.0.to_le_bytes());
    bytes
}

fn unpack_person(bytes: [u8; PERSON_BYTES]) -> (Person, UserId) {
    let [person @ .., a, b, c, d] = bytes;
    (person, UserId(u32::from_le_bytes([a, b, c, d])))
}

/// What there are most rows of is packed, a block of them in a byte string.
fn packed<W: encode::Write, const N: usize>(
    e: &mut Encoder<W>,
    rows: impl Iterator<Item = [u8; N]>,
) -> Result<(), encode::Error<W::Error>> {
    let (mut rows, mut block) = (rows.peekable(), Vec::new());
    while rows.peek().is_some() {
        block.clear();
        for row in rows.by_ref().take(BLOCK) {
            block.extend_from_slice(&row);
        }
        e.bytes(&block)?;
    }
    Ok(())
}

fn unpack<const N: usize>(
    d: &mut Decoder,
    count: u64,
    mut push: impl FnMut([u8; N]) -> Option<()>,
) -> Result<(), decode::Error> {
    let mut left = count;
    while left > 0 {
        let (rows, rest) = d.bytes()?.as_chunks();
        let size = rows.len() as u64;
        if size == 0 || size > left || !rest.is_empty() {
            return Err(wrong_length());
        }
        for row in rows {
            push(*row).ok_or_else(|| decode::Error::message("not a row"))?;
        }
        left = left.saturating_sub(size);
    }
    Ok(())
}

fn wrong_length() -> decode::Error {
    decode::Error::message("a block of the snapshot has a wrong length")
}

fn blocks<W: encode::Write, T: Encode<()>>(
    e: &mut Encoder<W>,
    rows: usize,
    mut iter: impl Iterator<Item = T>,
) -> Result<(), encode::Error<W::Error>> {
    let mut left = rows;
    while left > 0 {
        let size = left.min(BLOCK);
        e.array(size as u64)?;
        for row in iter.by_ref().take(size) {
            e.encode(row)?;
        }
        left = left.saturating_sub(size);
    }
    Ok(())
}

/// Reads a snapshot. Whoever stores it guards it against damage; what does not parse is an error.
pub fn read(bytes: &[u8]) -> Result<State, decode::Error> {
    let mut d = Decoder::new(bytes);
    let head: Head = d.decode()?;
    let mut state = State {
        mode: head.mode,
        next: head.next,
        brands: head.brands,
        ..State::default()
    };
    unpack(&mut d, head.users, |user| {
        User::unpack(user).map(|user| state.users.push(user))
    })?;
    rows(&mut d, head.merchants, |row| state.merchants.push(row))?;
    rows(&mut d, head.orders, |(id, order): (OrderId, Order)| {
        state.orders.insert(id, order);
    })?;
    rows(
        &mut d,
        head.transfers,
        |(id, transfer): (TransferId, Transfer)| {
            state.transfers.insert(id, transfer);
        },
    )?;
    read_shoppers(
        &mut d,
        head.users,
        &head.days,
        head.persons,
        &mut state.shoppers,
    )?;
    read_campaigns(&mut d, head.campaigns, &mut state.campaigns)?;
    rows(&mut d, head.coupons, |(id, coupon): (CouponId, Coupon)| {
        if coupon.state == CouponState::Open {
            let held = state.campaigns.held.entry(coupon.user).or_default();
            held.push(id);
        }
        state.campaigns.coupons.insert(id, coupon);
    })?;
    state.campaigns.swept = head.swept;
    rows(&mut d, head.spent, |(user, row): (UserId, Spent)| {
        state.spent.insert(user, row);
    })?;
    rows(&mut d, head.remittances, |(id, row)| {
        state.remittances.insert(id, row);
    })?;
    rows(&mut d, head.requests, |(id, row)| {
        state.requests.insert(id, row);
    })?;
    rows(&mut d, head.packets, |(id, packet)| {
        state.packets.push(id, packet);
    })?;
    rows(
        &mut d,
        head.withdrawn.unwrap_or(0),
        |(user, row): (UserId, Withdrawn)| {
            state.withdrawn.insert(user, row);
        },
    )?;
    if d.position() != bytes.len() {
        return Err(decode::Error::message(
            "bytes are left over after the snapshot",
        ));
    }
    Ok(state)
}

fn read_shoppers(
    d: &mut Decoder,
    users: u64,
    days: &[DayHead],
    persons: u64,
    shoppers: &mut Shoppers,
) -> Result<(), decode::Error> {
    unpack(d, users, |row| {
        shoppers.rows.push(Shopper::unpack(row));
        Some(())
    })?;
    for head in days {
        let mut rows = Rows::default();
        unpack(d, head.rows, |row| {
            let row = Row::unpack(row);
            let known = u64::from(row.user().0) < users;
            known.then(|| rows.push(row))
        })?;
        let retired = usize::try_from(head.retired).map_err(|_| wrong_length())?;
        let day = head.day;
        shoppers.days.push_back(Paid { day, rows, retired });
    }
    unpack(d, persons, |row| {
        let (person, user) = unpack_person(row);
        shoppers.persons.push(person, user);
        Some(())
    })
}

fn read_campaigns(
    d: &mut Decoder,
    heads: Vec<CampaignHead>,
    campaigns: &mut Campaigns,
) -> Result<(), decode::Error> {
    for (id, head) in (0..).map(CampaignId).zip(heads) {
        let status = head.campaign.status;
        campaigns.push(head.campaign);
        if matches!(status, Status::Running | Status::Paused) {
            campaigns.look_at(id, true);
        }
        let had = campaigns.had.last_mut().expect("it was just pushed");
        rows(d, head.had, |(payer, row)| had.insert(payer, row))?;
        let mut ends = VecDeque::new();
        rows(d, head.ends, |coupon| ends.push_back(coupon))?;
        if !ends.is_empty() {
            campaigns.ends.insert(id, ends);
        }
        let mut rebates = VecDeque::new();
        rows(d, head.rebates, |waits| rebates.push_back(waits))?;
        if !rebates.is_empty() {
            campaigns.rebates.insert(id, rebates);
        }
    }
    Ok(())
}

fn rows<'b, T: Decode<'b, ()>>(
    d: &mut Decoder<'b>,
    count: u64,
    mut push: impl FnMut(T),
) -> Result<(), decode::Error> {
    let mut left = count;
    while left > 0 {
        let size = d.array()?.unwrap_or(0);
        if size == 0 || size > left {
            return Err(wrong_length());
        }
        for _ in 0..size {
            push(d.decode()?);
        }
        left = left.saturating_sub(size);
    }
    Ok(())
}
