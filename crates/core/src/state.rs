//! Everything that deciding needs, in memory: balances of everyone, orders that are open or fresh,
//! transfers that the bank has not answered.

use crate::archive::{Archive, ArchiveError};
use crate::bank::{Transfer, fee::Withdrawn};
use crate::brand::Brand;
use crate::campaign::shoppers::{Shopper, Shoppers};
use crate::campaign::{Campaign, Campaigns, Coupon};
use crate::command::Command;
use crate::ids::{
    BrandId, CampaignId, CouponId, EventNumber, MerchantId, OrderId, PacketId, RemittanceId,
    RequestId, TransferId, UserId,
};
use crate::ledger::Account;
use crate::merchant::Merchant;
use crate::money::Fen;
use crate::numbers::{Key, Numbers};
use crate::order::{Order, Orders, Settled};
use crate::packet::{Packet, Packets};
use crate::remittance::{Claim, Remittance, Remittances};
use crate::request::{Request, Requests};
use crate::table::{self, Rows, Table};
use crate::time::UnixMillis;
use crate::user::{User, limits::Spent};
use minicbor::{Decode, Encode};

/// What an installation is for. Fixed by the first event of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Mode {
    /// Money of play: a sandbox bank, shoppers whom anybody may play.
    #[n(0)]
    Sandbox,
    /// Money of people.
    #[n(1)]
    Production,
}

/// The state after all events before [`next_event`](Self::next_event).
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) mode: Option<Mode>,
    pub(crate) next: EventNumber,
    pub(crate) brands: Vec<Brand>,
    pub(crate) users: Rows<User>,
    /// What users of lower tiers spent.
    pub(crate) spent: Table<UserId, Spent>,
    /// What users of brands with withdrawal terms withdrew.
    pub(crate) withdrawn: Table<UserId, Withdrawn>,
    /// The same users, as campaigns see them.
    pub(crate) shoppers: Shoppers,
    pub(crate) campaigns: Campaigns,
    pub(crate) merchants: Rows<Merchant>,
    pub(crate) orders: Orders,
    pub(crate) transfers: Table<TransferId, Transfer>,
    pub(crate) remittances: Remittances,
    pub(crate) requests: Requests,
    pub(crate) numbers: Numbers,
    pub(crate) settled: Settled,
    pub(crate) packets: Packets,
}

/// How many of the newest stay in memory though the archive has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Callers' numbers, for requests that are repeated soon; about 150 bytes each.
    pub numbers: usize,
    /// Settled orders, for refunds that come soon; about 140 bytes each.
    pub orders: usize,
    /// Shares of red packets that are over, for whoever comes late; 16 bytes each. A packet itself
    /// counts as [`packet::ROOM`](crate::packet::ROOM) shares.
    pub shares: usize,
}

impl table::Key for OrderId {
    fn event(self) -> u64 {
        self.0.0
    }
}

impl table::Key for TransferId {
    fn event(self) -> u64 {
        self.0.0
    }
}

impl table::Key for PacketId {
    fn event(self) -> u64 {
        Self::event(self).0
    }
}

impl State {
    /// What the installation is for; none before the first event.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// The number that the next event gets.
    #[must_use]
    pub fn next_event(&self) -> EventNumber {
        self.next
    }

    /// A brand by its id.
    #[must_use]
    pub fn brand(&self, brand: BrandId) -> Option<&Brand> {
        self.brands.get(usize::from(brand.0))
    }

    /// All brands, by id.
    pub fn brands(&self) -> impl Iterator<Item = (BrandId, &Brand)> {
        (0..).map(BrandId).zip(&self.brands)
    }

    /// A user by its id.
    #[must_use]
    pub fn user(&self, user: UserId) -> Option<&User> {
        self.users.get(index(user.0))
    }

    /// What campaigns may ask of a user.
    #[must_use]
    pub fn shopper(&self, user: UserId) -> Option<&Shopper> {
        self.shoppers.get(user)
    }

    /// A campaign by its id.
    #[must_use]
    pub fn campaign(&self, campaign: CampaignId) -> Option<&Campaign> {
        self.campaigns.get(campaign)
    }

    /// All campaigns, by id.
    pub fn campaigns(
        &self,
    ) -> impl DoubleEndedIterator<Item = (CampaignId, &Campaign)> + ExactSizeIterator {
        let ids = |place: usize| u32::try_from(place).expect("ids are 32 bits");
        self.campaigns
            .rows
            .iter()
            .enumerate()
            .map(move |(place, row)| (CampaignId(ids(place)), row))
    }

    /// A coupon whose end has not come long ago.
    #[must_use]
    pub fn coupon(&self, coupon: CouponId) -> Option<&Coupon> {
        self.campaigns.coupons.get(coupon)
    }

    /// A user's open coupons, in the order in which they were given.
    #[must_use]
    pub fn open_coupons(&self, user: UserId) -> &[CouponId] {
        self.campaigns.held.get(&user).map_or(&[], Vec::as_slice)
    }

    /// How many users there are; their ids are below.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// A merchant by its id.
    #[must_use]
    pub fn merchant(&self, merchant: MerchantId) -> Option<&Merchant> {
        self.merchants.get(index(merchant.0))
    }

    /// How many merchants there are; their ids are below.
    #[must_use]
    pub fn merchant_count(&self) -> usize {
        self.merchants.len()
    }

    /// An order that is in memory: open, or fresh, or recalled by [`recall_order`](Self::recall_order).
    #[must_use]
    pub fn order(&self, order: OrderId) -> Option<&Order> {
        self.orders.get(order)
    }

    /// A red packet that is in memory: open, or over not long ago, or recalled by
    /// [`recall_packet`](Self::recall_packet).
    #[must_use]
    pub fn packet(&self, packet: PacketId) -> Option<&Packet> {
        self.packets.get(packet)
    }

    /// Open orders that wait for a shopper's consent, oldest question first.
    #[must_use]
    pub fn asked(&self, shopper: UserId) -> &[OrderId] {
        self.orders.asked(shopper)
    }

    /// Top-ups and withdrawals that the bank has not answered, oldest first.
    #[must_use]
    pub fn pending_transfers(&self) -> Vec<(TransferId, Transfer)> {
        self.transfers_where(|_| true)
    }

    /// Those of one user.
    #[must_use]
    pub fn pending_transfers_of(&self, user: UserId) -> Vec<(TransferId, Transfer)> {
        self.transfers_where(|transfer| transfer.user == user)
    }

    fn transfers_where(&self, wanted: impl Fn(&Transfer) -> bool) -> Vec<(TransferId, Transfer)> {
        let sorted = self.transfers.sorted(wanted).into_iter();
        sorted.map(|(id, transfer)| (id, *transfer)).collect()
    }

    /// A remittance that has not reached its payee and may still go back.
    #[must_use]
    pub fn remittance(&self, remittance: RemittanceId) -> Option<&Remittance> {
        self.remittances.get(remittance)
    }

    /// The remittances that wait for whoever bears this claim, oldest first.
    pub fn held_for(&self, claim: Claim) -> impl Iterator<Item = RemittanceId> {
        self.remittances.held_for(claim)
    }

    /// A request for money that is open.
    #[must_use]
    pub fn request(&self, request: RequestId) -> Option<&Request> {
        self.requests.get(request)
    }

    /// An account's balance on its normal side; none if its owner does not exist.
    #[must_use]
    pub fn balance(&self, account: Account) -> Option<Fen> {
        match account {
            Account::Wallet(user) => self.user(user).map(|row| row.balance),
            Account::Merchant(merchant) => self.merchant(merchant).map(|row| row.balance),
            Account::Transit(brand) => self.brand(brand).map(|row| row.transit),
            Account::BankReserve(brand) => self.brand(brand).map(|row| row.bank_reserve),
            Account::FeeIncome(brand) => self.brand(brand).map(|row| row.fee_income),
            Account::Capital(brand) => self.brand(brand).map(|row| row.capital),
            Account::RebateLoss(brand) => self.brand(brand).map(|row| row.rebate_loss),
            Account::Remittance(brand) => self.brand(brand).map(|row| row.remittance),
            Account::Subsidy(id) => self.campaign(id).map(|row| row.subsidy),
            Account::CampaignFund(id) => self.campaign(id).map(|row| row.fund),
            Account::PendingRebate(id) => self.campaign(id).map(|row| row.pending),
            Account::Packet(id) => self.packet(id).map(|packet| packet.left),
        }
    }

    pub(crate) fn balance_mut(&mut self, account: Account) -> Option<&mut Fen> {
        match account {
            Account::Wallet(user) => self
                .users
                .get_mut(index(user.0))
                .map(|row| &mut row.balance),
            Account::Merchant(merchant) => self
                .merchants
                .get_mut(index(merchant.0))
                .map(|row| &mut row.balance),
            Account::Transit(brand) => self.brand_mut(brand).map(|row| &mut row.transit),
            Account::BankReserve(brand) => self.brand_mut(brand).map(|row| &mut row.bank_reserve),
            Account::FeeIncome(brand) => self.brand_mut(brand).map(|row| &mut row.fee_income),
            Account::Capital(brand) => self.brand_mut(brand).map(|row| &mut row.capital),
            Account::RebateLoss(brand) => self.brand_mut(brand).map(|row| &mut row.rebate_loss),
            Account::Remittance(brand) => self.brand_mut(brand).map(|row| &mut row.remittance),
            Account::Subsidy(id) => self.campaign_mut(id).map(|row| &mut row.subsidy),
            Account::CampaignFund(id) => self.campaign_mut(id).map(|row| &mut row.fund),
            Account::PendingRebate(id) => self.campaign_mut(id).map(|row| &mut row.pending),
            Account::Packet(id) => self.packets.get_mut(id).map(|packet| &mut packet.left),
        }
    }

    fn campaign_mut(&mut self, campaign: CampaignId) -> Option<&mut Campaign> {
        self.campaigns.rows.get_mut(index(campaign.0))
    }

    /// All bank reserves together.
    pub(crate) fn reserves(&self) -> i64 {
        self.brands
            .iter()
            .fold(0, |sum, brand| sum.saturating_add(brand.bank_reserve.0))
    }

    fn brand_mut(&mut self, brand: BrandId) -> Option<&mut Brand> {
        self.brands.get_mut(usize::from(brand.0))
    }

    /// All accounts with their balances: brands', campaigns', users', merchants', open packets'.
    pub fn balances(&self) -> impl Iterator<Item = (Account, Fen)> {
        let brands = self.brands().flat_map(|(id, row)| {
            [
                (Account::BankReserve(id), row.bank_reserve),
                (Account::Transit(id), row.transit),
                (Account::FeeIncome(id), row.fee_income),
                (Account::Capital(id), row.capital),
                (Account::RebateLoss(id), row.rebate_loss),
                (Account::Remittance(id), row.remittance),
            ]
        });
        let campaigns = self.campaigns().flat_map(|(id, row)| {
            [
                (Account::Subsidy(id), row.subsidy),
                (Account::CampaignFund(id), row.fund),
                (Account::PendingRebate(id), row.pending),
            ]
        });
        let users = (0..).map(UserId).zip(self.users.iter());
        let merchants = (0..).map(MerchantId).zip(self.merchants.iter());
        brands
            .chain(campaigns)
            .chain(users.map(|(id, row)| (Account::Wallet(id), row.balance)))
            .chain(merchants.map(|(id, row)| (Account::Merchant(id), row.balance)))
            .chain(self.packets.open())
    }

    /// What time asks for, at most `limit` commands: orders and red packets whose end has come, campaigns
    /// that are over, rebates whose day has come, remittances that arrive or go back, requests whose time
    /// is over, sweeping. They are due until they were accepted.
    pub fn due(&mut self, now: UnixMillis, limit: usize) -> Vec<Command> {
        let orders = self.orders.due(now, limit).into_iter();
        let mut due: Vec<Command> = orders
            .map(|order| crate::order::expire::ExpireOrder { order }.into())
            .collect();
        let room = |due: &Vec<Command>| limit.saturating_sub(due.len());
        let room_now = room(&due);
        due.extend(self.packets.due(now).take(room_now));
        let room_now = room(&due);
        due.extend(self.campaigns.due(now).take(room_now));
        let room_now = room(&due);
        due.extend(self.remittances_due(now).take(room_now));
        let room_now = room(&due);
        due.extend(self.requests.due(now).take(room_now));
        if room(&due) > 0 && self.sweep_due().is_some_and(|at| at <= now) {
            due.push(crate::campaign::sweep::Sweep.into());
        }
        due
    }

    /// Nothing is due before this; perhaps nothing is then either.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        let orders = self.orders.next_due().into_iter();
        orders
            .chain(self.packets.next_due())
            .chain(self.campaigns.next_due())
            .chain(self.remittances.next_due())
            .chain(self.requests.next_due())
            .chain(self.sweep_due())
            .min()
    }

    /// Makes sure that a number is known here if it was ever used.
    pub fn recall_number(&mut self, key: &Key, archive: &dyn Archive) -> Result<(), ArchiveError> {
        if self.numbers.get(key).is_none()
            && let Some(known) = archive.number(key)?
        {
            self.numbers.insert(*key, known);
        }
        Ok(())
    }

    /// Makes sure that an order is here if it exists.
    pub fn recall_order(&mut self, id: OrderId, archive: &dyn Archive) -> Result<(), ArchiveError> {
        // An id that no event has yet is not worth a look.
        if id.0 < self.next
            && self.orders.get(id).is_none()
            && let Some(order) = archive.order(id)?
        {
            self.settled.begin(order.last, id);
            self.orders.insert(id, order);
        }
        Ok(())
    }

    /// Makes sure that a red packet is here if it exists.
    pub fn recall_packet(
        &mut self,
        id: PacketId,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        if id.event() < self.next
            && self.packets.get(id).is_none()
            && let Some(packet) = archive.packet(id)?
        {
            self.packets.recall(id, packet);
        }
        Ok(())
    }

    /// Lets go of the oldest numbers, settled orders and packets that are over beyond what to `keep`, as far as the archive
    /// has them: it holds every event before `archived`.
    pub fn forget(&mut self, archived: EventNumber, keep: Keep) {
        self.numbers.forget(archived, keep.numbers);
        self.packets.forget(archived, keep.shares);
        self.settled.forget(&mut self.orders, archived, keep.orders);
    }

    /// How many orders are in memory.
    #[must_use]
    pub fn orders_in_memory(&self) -> usize {
        self.orders.rows().len()
    }
}

pub(crate) fn index(id: u32) -> usize {
    usize::try_from(id).expect("a 32-bit id is an index on the machines that we support")
}
