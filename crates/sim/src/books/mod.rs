//! The auditor's own books: what must be so, given what was asked and in which order.
//!
//! Written without the rules' code: from the core it takes plain data types only (commands, refusals,
//! ids, events), never `decide`, `evolve` or `State`. [`rules`] says what the answer to a command must
//! be; [`Books::record`] writes it down; [`facts`] compares what the log holds with it.

mod campaigns;
mod conservation;
mod facts;
mod orders;
mod packets;
mod packets_in_log;
mod people;
mod rules;
mod withdrawals;

use std::collections::{BTreeMap, BTreeSet};

use feiqian_core::bank::Direction;
use feiqian_core::merchant::MerchantStatus;
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::user::{Tier, UserStatus};
use feiqian_core::{
    Account, BrandId, CampaignId, EventNumber, Fen, MerchantId, Mode, Number, Refusal, UserId,
};

pub use campaigns::{Campaign, Campaigns, Coupon, Shopper};
pub use conservation::Conservation;
pub use facts::{Fact, What};
pub use orders::{Back, Order, Paid, Stage};
pub use packets::Packet;
pub use people::People;
pub use rules::Choice;
pub use withdrawals::Withdrawals;

/// What the answer to a command must be.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It happens.
    Happens(Fact),
    /// It happened before: this event.
    Again(u64),
    /// It is refused, for one of these reasons.
    Refused(Vec<Refusal>),
}

/// A user.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// Whose wallet it is.
    pub brand: BrandId,
    /// May it move money?
    pub status: UserStatus,
    /// How well the person is known.
    pub tier: Tier,
}

/// A merchant.
#[derive(Clone, Copy, Debug)]
pub struct Merchant {
    /// Basis points kept of each payment.
    pub fee: u16,
    /// May it take payments?
    pub status: MerchantStatus,
    /// Its trade.
    pub category: u16,
}

/// A top-up or withdrawal.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Whose wallet.
    pub user: UserId,
    /// In or out.
    pub direction: Direction,
    /// How much.
    pub amount: i64,
    /// When the bank was asked.
    pub at: i64,
    /// Fen held besides, if the brand had terms.
    pub fee: Option<i64>,
    /// The event of the bank's answer.
    pub answered: Option<u64>,
}

/// All that happened.
#[derive(Default)]
pub struct Books {
    /// By number.
    pub events: Vec<Fact>,
    /// What the installation is for.
    pub mode: Option<Mode>,
    /// How many brands there are.
    pub brands: u16,
    /// By id.
    pub users: Vec<User>,
    /// By id.
    pub merchants: Vec<Merchant>,
    /// By the event that created it.
    pub orders: BTreeMap<u64, Order>,
    /// Open orders by their end.
    pub open: BTreeSet<(i64, u64)>,
    /// By the event that asked for it.
    pub transfers: BTreeMap<u64, Transfer>,
    /// Transfers that the bank has not answered.
    pub pending: BTreeSet<u64>,
    /// What each number names, with what was asked in words.
    pub numbers: BTreeMap<Key, (u64, String)>,
    /// Campaigns, and what they look at.
    pub campaigns: Campaigns,
    /// Money between people.
    pub people: People,
    /// What withdrawals cost.
    pub withdrawals: Withdrawals,
    /// Red packets, by the event that sent them.
    pub packets: BTreeMap<u64, Packet>,
    ledger: BTreeMap<Account, i64>,
    entries: BTreeMap<Account, Vec<u64>>,
}

impl Books {
    /// The number of the next event.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.events.len() as u64
    }

    /// When the newest event happened.
    #[must_use]
    pub fn last_at(&self) -> i64 {
        self.events.last().map_or(0, |fact| fact.at)
    }

    /// A user by its id.
    #[must_use]
    pub fn user(&self, user: UserId) -> Option<&User> {
        self.users.get(usize::try_from(user.0).ok()?)
    }

    /// A merchant by its id.
    #[must_use]
    pub fn merchant(&self, merchant: MerchantId) -> Option<&Merchant> {
        self.merchants.get(usize::try_from(merchant.0).ok()?)
    }

    /// An account's balance in fen.
    #[must_use]
    pub fn balance(&self, account: Account) -> i64 {
        self.ledger.get(&account).copied().unwrap_or(0)
    }

    /// All accounts that there are, with their balances.
    #[must_use]
    pub fn balances(&self) -> BTreeMap<Account, Fen> {
        let brands = (0..self.brands).map(BrandId).flat_map(|brand| {
            [
                Account::BankReserve(brand),
                Account::Transit(brand),
                Account::FeeIncome(brand),
                Account::Capital(brand),
                Account::RebateLoss(brand),
                Account::Remittance(brand),
            ]
        });
        let campaigns = (0..).map(CampaignId).take(self.campaigns.rows.len());
        let campaigns = campaigns.flat_map(|id| {
            [
                Account::Subsidy(id),
                Account::CampaignFund(id),
                Account::PendingRebate(id),
            ]
        });
        let users = (0..)
            .take(self.users.len())
            .map(UserId)
            .map(Account::Wallet);
        let merchants = (0..).take(self.merchants.len()).map(MerchantId);
        brands
            .chain(campaigns)
            .chain(users)
            .chain(merchants.map(Account::Merchant))
            .map(|account| (account, self.balance(account)))
            .chain(self.in_packets())
            .map(|(account, fen)| (account, Fen(fen)))
            .collect()
    }

    /// Events that moved an account's money, oldest first. Fee income, pending rebates and packets have
    /// none: every payment is in their history, and a packet's is its story.
    #[must_use]
    pub fn entries(&self, account: Account) -> &[u64] {
        self.entries.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Orders whose end has come, in the order in which they expire.
    #[must_use]
    pub fn due(&self, now: i64, limit: usize) -> Vec<u64> {
        let due = self.open.iter().take_while(|(end, _)| *end <= now);
        due.map(|(_, order)| *order).take(limit).collect()
    }

    /// What a number names.
    #[must_use]
    pub fn named(&self, scope: Scope, number: Number) -> Option<&(u64, String)> {
        self.numbers.get(&Key { scope, number })
    }

    /// A merchant's number of its order.
    #[must_use]
    pub fn number_of(&self, order: u64) -> Option<Number> {
        let index = usize::try_from(order).ok()?;
        #[allow(clippy::wildcard_enum_match_arm, reason = "one fact creates orders")]
        match &self.events.get(index)?.what {
            What::OrderCreated { asked, .. } => Some(asked.number),
            _ => None,
        }
    }

    /// Writes down what happened.
    #[allow(clippy::too_many_lines, reason = "a few lines for each kind")]
    pub fn record(&mut self, fact: Fact) {
        let event = self.next();
        if let Some((key, asked)) = fact.what.named() {
            self.numbers.insert(key, (event, asked));
        }
        for (debit, credit, amount) in fact.moves.iter().copied() {
            self.shift(debit, if is_debit(debit) { amount } else { -amount }, event);
            self.shift(
                credit,
                if is_debit(credit) { -amount } else { amount },
                event,
            );
        }
        match &fact.what {
            What::Opened(mode) => self.mode = Some(*mode),
            What::BrandAdded(_) => self.brands += 1,
            What::UserAdded(asked) => self.users.push(User {
                brand: asked.brand,
                status: UserStatus::Active,
                tier: asked.tier,
            }),
            What::UserStatusSet(asked) => {
                if let Some(user) = self.users.get_mut(asked.user.0 as usize) {
                    user.status = asked.status;
                }
            }
            What::TierSet(asked) => {
                if let Some(user) = self.users.get_mut(asked.user.0 as usize) {
                    user.tier = asked.tier;
                }
            }
            What::MerchantAdded(asked) => self.merchants.push(Merchant {
                fee: asked.fee.0,
                status: MerchantStatus::Active,
                category: asked.category.0,
            }),
            What::MerchantChanged(asked) => {
                if let Some(merchant) = self.merchants.get_mut(asked.merchant.0 as usize) {
                    merchant.fee = asked.fee.map_or(merchant.fee, |fee| fee.0);
                    merchant.status = asked.status.unwrap_or(merchant.status);
                }
            }
            What::TopUpRequested(asked) => {
                self.ask_bank(asked.user, Direction::TopUp, asked.amount, fact.at, None);
            }
            What::WithdrawalRequested { asked, fee } => {
                let (user, amount) = (asked.user, asked.amount);
                self.ask_bank(user, Direction::Withdrawal, amount, fact.at, *fee);
                if fee.is_some() {
                    self.withdrawals.count(fact.at, user, amount.0);
                }
            }
            What::WithdrawalTermsSet(asked) => {
                self.withdrawals.terms.insert(asked.brand, asked.terms);
            }
            What::TransferAnswered { asked, uncounted } => {
                let id = asked.transfer.0.0;
                self.pending.remove(&id);
                if let Some(transfer) = self.transfers.get_mut(&id) {
                    transfer.answered = Some(event);
                    let user = transfer.user;
                    self.withdrawals
                        .count(fact.at, user, -uncounted.unwrap_or(0));
                }
            }
            What::OrderCreated { .. }
            | What::OrderPaid { .. }
            | What::CodeSpent { .. }
            | What::OrderDeclined { .. }
            | What::OrderClosed { .. }
            | What::OrderExpired { .. }
            | What::OrderReversed { .. }
            | What::OrderRefunded { .. }
            | What::RebatePaid { .. } => self.record_order(event, &fact),
            What::BrandFunded(_)
            | What::TraitsSet(_)
            | What::CampaignAdded { .. }
            | What::CampaignStepped(_)
            | What::BudgetChanged(_)
            | What::CampaignEnded { .. }
            | What::CouponGiven { .. }
            | What::PacketSent(_)
            | What::ShareGrabbed { .. }
            | What::PacketExpired { .. }
            | What::MoneySent(_)
            | What::RemittanceArrived { .. }
            | What::RemittanceBack { .. }
            | What::MoneyRequested(_)
            | What::ShareDeclined { .. }
            | What::RequestEnded { .. }
            | What::Swept => {}
        }
        self.record_campaign(event, &fact);
        self.record_people(event, &fact);
        self.record_packet(event, &fact);
        self.events.push(fact);
    }

    fn ask_bank(
        &mut self,
        user: UserId,
        direction: Direction,
        amount: Fen,
        at: i64,
        fee: Option<i64>,
    ) {
        let transfer = Transfer {
            user,
            direction,
            amount: amount.0,
            at,
            fee,
            answered: None,
        };
        self.pending.insert(self.next());
        self.transfers.insert(self.next(), transfer);
    }

    fn shift(&mut self, account: Account, by: i64, event: u64) {
        *self.ledger.entry(account).or_default() += by;
        if has_no_entries(account) {
            return;
        }
        let entries = self.entries.entry(account).or_default();
        if entries.last() != Some(&event) {
            entries.push(event);
        }
    }

    /// Money conservation: what the banks hold and what campaigns cost is what is owed, earned and put in.
    ///
    /// # Errors
    /// Says what does not add up.
    pub fn check_sums(&self) -> Result<(), String> {
        let (mut held, mut owed) = (0_i128, 0_i128);
        for (account, balance) in &self.ledger {
            if *balance < 0 {
                return Err(format!("{account:?} stands at {balance}"));
            }
            if is_debit(*account) {
                held += i128::from(*balance);
            } else {
                owed += i128::from(*balance);
            }
        }
        if held != owed {
            return Err(format!(
                "{held} fen are held or spent, but {owed} are owed or earned"
            ));
        }
        Ok(())
    }

    /// An event's number as the core writes it.
    #[must_use]
    pub fn number(event: u64) -> EventNumber {
        EventNumber(event)
    }
}

/// Whether nobody asks for its entries: they are in the stories of orders and packets.
fn has_no_entries(account: Account) -> bool {
    matches!(
        account,
        Account::FeeIncome(_) | Account::PendingRebate(_) | Account::Packet(_)
    )
}

/// Whether it grows by debits: what is held, and what was spent.
fn is_debit(account: Account) -> bool {
    matches!(
        account,
        Account::BankReserve(_) | Account::RebateLoss(_) | Account::Subsidy(_)
    )
}
