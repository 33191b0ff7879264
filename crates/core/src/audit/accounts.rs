//! What the audit knows of every account, in flat rows: all of its memory that grows.

use crate::bank::answer::TransferAnswered;
use crate::bank::fee::WithdrawalTerms;
use crate::bank::withdraw::WithdrawalRequested;
use crate::event::Event;
use crate::ids::{BrandId, EventNumber, PacketId, UserId};
use crate::ledger::{Account, Posting, Side};
use crate::money::{BasisPoints, Fen};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::Totals;
use super::campaigns::Campaigns;
use super::people;

#[derive(Default)]
pub(super) struct Accounts {
    brands: Vec<Brand>,
    users: Vec<User>,
    /// What was withdrawn in a month by users of brands that count it.
    withdrawn: HashMap<UserId, ((i32, u8), Fen), FixedState>,
    merchants: Vec<Merchant>,
    pub campaigns: Campaigns,
    /// What is left of packets, while something is.
    packets: HashMap<PacketId, Fen, FixedState>,
}

#[derive(Default)]
struct Brand {
    transit: Fen,
    reserve: Fen,
    fees: Fen,
    capital: Fen,
    losses: Fen,
    remittances: Fen,
    withdrawal_terms: Option<WithdrawalTerms>,
}

struct User {
    brand: BrandId,
    wallet: Fen,
}

struct Merchant {
    fee: BasisPoints,
    balance: Fen,
}

impl Accounts {
    /// Checks what an event says of brands, users and merchants, and remembers what it changes.
    #[allow(clippy::too_many_lines, reason = "a few lines for each kind of event")]
    pub fn check(&mut self, number: EventNumber, event: &Event) -> Result<(), String> {
        self.campaigns.check(number, event)?;
        match event {
            Event::BrandAdded(event) => {
                expect_id(event.brand.0.into(), self.brands.len(), "brand")?;
                self.brands.push(Brand::default());
            }
            Event::UserAdded(event) => {
                expect_id(event.user.0.into(), self.users.len(), "user")?;
                if usize::from(event.brand.0) >= self.brands.len() {
                    return Err("its brand does not exist".into());
                }
                self.users.push(User {
                    brand: event.brand,
                    wallet: Fen::ZERO,
                });
            }
            Event::UserStatusSet(event) => {
                self.brand_of(event.user)?;
            }
            Event::MerchantAdded(event) => {
                expect_id(event.merchant.0.into(), self.merchants.len(), "merchant")?;
                self.merchants.push(Merchant {
                    fee: event.fee,
                    balance: Fen::ZERO,
                });
            }
            Event::MerchantChanged(event) => {
                let merchant = row_mut(&mut self.merchants, event.merchant.0);
                let merchant = merchant.ok_or("its merchant does not exist")?;
                merchant.fee = event.fee.unwrap_or(merchant.fee);
            }
            Event::TopUpRequested(event) => self.check_ask(event.user, event.amount)?,
            Event::WithdrawalRequested(event) => self.check_withdrawal(event)?,
            Event::TransferAnswered(event) => self.uncount(event)?,
            Event::WithdrawalTermsSet(event) => {
                let brand = row_mut(&mut self.brands, event.brand.0.into());
                let brand = brand.ok_or("its brand does not exist")?;
                brand.withdrawal_terms = Some(event.terms);
            }
            Event::OrderCreated(event) => {
                if row(&self.merchants, event.merchant.0).is_none() {
                    return Err(format!("merchant {} does not exist", event.merchant));
                }
                check_amount(event.terms.amount)?;
            }
            Event::OrderPaid(event) => {
                let brand = self.brand_of(event.payer)?;
                let merchant = row(&self.merchants, event.merchant.0);
                let rate = merchant.ok_or("its merchant does not exist")?.fee;
                let own = event.granted.as_ref().map_or(Fen::ZERO, |granted| {
                    self.campaigns.own_part(granted, event.merchant)
                });
                let received = event
                    .amount
                    .minus(own)
                    .ok_or("it is paid by its own shop")?;
                let fee = rate.of(received);
                if (event.fee, event.brand) != (fee, brand) {
                    return Err(format!("it should have a fee of {fee}, brand {brand}"));
                }
            }
            Event::TraitsSet(event) => {
                self.brand_of(event.user)?;
            }
            Event::CodeSpent(event) => {
                self.brand_of(event.payer)?;
            }
            Event::CouponGiven(event) => {
                self.brand_of(event.user)?;
            }
            Event::BrandFunded(event) => check_amount(event.amount)?,
            Event::PacketSent(event) => {
                self.check_ask(event.sender, event.total)?;
                let id = PacketId::new(number).ok_or("2^56 events are never reached")?;
                self.packets.insert(id, Fen::ZERO);
            }
            Event::ShareGrabbed(event) => check_amount(event.amount)?,
            Event::PacketExpired(event) => check_amount(event.amount)?,
            Event::UserTierSet(event) => {
                self.brand_of(event.user)?;
            }
            Event::MoneySent(event) => {
                self.check_ask(event.payer, event.amount)?;
                people::check_sent(event)?;
            }
            Event::MoneyRequested(event) => {
                self.brand_of(event.asker)?;
                people::check_asked(event)?;
            }
            Event::Opened(_)
            | Event::CampaignAdded(_)
            | Event::CampaignStepped(_)
            | Event::CampaignEnded(_)
            | Event::BudgetChanged(_)
            | Event::RebatePaid(_)
            | Event::CouponUsed(_)
            | Event::CouponReturned(_)
            | Event::CouponVoided(_)
            | Event::SubsidyPaid(_)
            | Event::SubsidyReturned(_)
            | Event::CouponsChanged(_)
            | Event::Swept(_)
            | Event::OrderClosed(_)
            | Event::OrderExpired(_)
            | Event::OrderDeclined(_)
            | Event::OrderReversed(_)
            | Event::OrderRefunded(_)
            | Event::RemittanceArrived(_)
            | Event::RemittanceTakenBack(_)
            | Event::RemittanceAccepted(_)
            | Event::RemittanceReturned(_)
            | Event::ShareDeclined(_)
            | Event::RequestCancelled(_)
            | Event::RequestExpired(_) => {}
        }
        Ok(())
    }

    fn check_ask(&self, user: UserId, amount: Fen) -> Result<(), String> {
        self.brand_of(user)?;
        check_amount(amount)
    }

    /// The fee is that of the brand's terms, for what the month's quota leaves.
    fn check_withdrawal(&mut self, event: &WithdrawalRequested) -> Result<(), String> {
        self.check_ask(event.user, event.amount)?;
        let brand = self.brand_of(event.user)?;
        let terms = row(&self.brands, brand.0.into()).and_then(|brand| brand.withdrawal_terms);
        let fee = match terms {
            None => None,
            Some(terms) => {
                let month = event.at.day().year_and_month();
                let so_far = self.withdrawn.get(&event.user).copied();
                let so_far = so_far.filter(|(of, _)| *of == month);
                let so_far = so_far.map_or(Fen::ZERO, |(_, amount)| amount);
                let all = so_far
                    .plus(event.amount)
                    .ok_or("the month's sum overflows")?;
                self.withdrawn.insert(event.user, (month, all));
                let left = terms.free_per_month.0.saturating_sub(so_far.0).max(0);
                let charged = event.amount.0.saturating_sub(left);
                let fee = terms.rate.of(Fen(charged.max(0))).max(terms.least);
                Some(if charged > 0 { fee } else { Fen::ZERO })
            }
        };
        if event.fee == fee {
            Ok(())
        } else {
            Err(format!("its fee should be {fee:?}"))
        }
    }

    fn uncount(&mut self, event: &TransferAnswered) -> Result<(), String> {
        let Some(back) = event.uncounted else {
            return Ok(());
        };
        let month = event.at.day().year_and_month();
        let row = self.withdrawn.get_mut(&event.user);
        let row = row.filter(|(of, _)| *of == month);
        let (_, counted) = row.ok_or("nothing was counted in its month")?;
        *counted = counted.minus(back).ok_or("less was counted in its month")?;
        Ok(())
    }

    /// The user's brand, which never changes.
    pub fn brand_of(&self, user: UserId) -> Result<BrandId, String> {
        row(&self.users, user.0)
            .map(|row| row.brand)
            .ok_or_else(|| format!("user {user} does not exist"))
    }

    /// Moves a posting's money.
    pub fn post(&mut self, posting: &Posting) -> Result<(), String> {
        for (account, side) in [(posting.debit, Side::Debit), (posting.credit, Side::Credit)] {
            let balance = self
                .balance_mut(account)
                .ok_or_else(|| format!("{posting:?}: {account} does not exist"))?;
            let after = if account.side() == side {
                balance.plus(posting.amount)
            } else {
                balance.minus(posting.amount)
            };
            *balance = after
                .ok_or_else(|| format!("{posting:?} takes {account} at {balance} past zero"))?;
            if let (Account::Packet(id), Fen::ZERO) = (account, *balance) {
                self.packets.remove(&id);
            }
        }
        Ok(())
    }

    pub fn balance(&self, account: Account) -> Option<Fen> {
        let brand = |id: BrandId| row(&self.brands, id.0.into());
        match account {
            Account::Wallet(id) => row(&self.users, id.0).map(|user| user.wallet),
            Account::Merchant(id) => row(&self.merchants, id.0).map(|merchant| merchant.balance),
            Account::Transit(id) => brand(id).map(|brand| brand.transit),
            Account::BankReserve(id) => brand(id).map(|brand| brand.reserve),
            Account::FeeIncome(id) => brand(id).map(|brand| brand.fees),
            Account::Capital(id) => brand(id).map(|brand| brand.capital),
            Account::RebateLoss(id) => brand(id).map(|brand| brand.losses),
            Account::Remittance(id) => brand(id).map(|brand| brand.remittances),
            Account::Subsidy(id) => self.campaigns.row(id).map(|row| row.subsidy),
            Account::CampaignFund(id) => self.campaigns.row(id).map(|row| row.fund),
            Account::PendingRebate(id) => self.campaigns.row(id).map(|row| row.pending),
            Account::Packet(id) => self.packets.get(&id).copied(),
        }
    }

    fn balance_mut(&mut self, account: Account) -> Option<&mut Fen> {
        let (brands, users, shops) = (&mut self.brands, &mut self.users, &mut self.merchants);
        let campaigns = &mut self.campaigns;
        match account {
            Account::Wallet(id) => row_mut(users, id.0).map(|user| &mut user.wallet),
            Account::Merchant(id) => row_mut(shops, id.0).map(|shop| &mut shop.balance),
            Account::Transit(id) => row_mut(brands, id.0.into()).map(|brand| &mut brand.transit),
            Account::BankReserve(id) => {
                row_mut(brands, id.0.into()).map(|brand| &mut brand.reserve)
            }
            Account::FeeIncome(id) => row_mut(brands, id.0.into()).map(|brand| &mut brand.fees),
            Account::Capital(id) => row_mut(brands, id.0.into()).map(|brand| &mut brand.capital),
            Account::RebateLoss(id) => row_mut(brands, id.0.into()).map(|brand| &mut brand.losses),
            Account::Remittance(id) => {
                row_mut(brands, id.0.into()).map(|brand| &mut brand.remittances)
            }
            Account::Subsidy(id) => campaigns.row_mut(id).map(|row| &mut row.subsidy),
            Account::CampaignFund(id) => campaigns.row_mut(id).map(|row| &mut row.fund),
            Account::PendingRebate(id) => campaigns.row_mut(id).map(|row| &mut row.pending),
            Account::Packet(id) => self.packets.get_mut(&id),
        }
    }

    /// A part of a rebate is lost only when nothing is left in the wallet.
    pub fn check_loss(&self, event: &Event) -> Result<(), String> {
        #[allow(clippy::wildcard_enum_match_arm, reason = "two kinds give back")]
        let (returned, payer) = match event {
            Event::OrderRefunded(event) => (event.returned.as_deref(), Some(event.payer)),
            Event::OrderReversed(event) => (event.returned.as_deref(), None),
            _ => return Ok(()),
        };
        let lost = returned
            .and_then(|returned| returned.rebate)
            .map(|back| back.lost);
        if lost.is_none_or(|lost| lost == Fen::ZERO) {
            return Ok(());
        }
        // A reversal does not name its payer, but always gives something back to it.
        let postings = event.postings().into_iter().flat_map(|all| all.iter());
        let credited = postings
            .map(|posting| posting.credit)
            .find(|to| matches!(to, Account::Wallet(_)));
        let wallet = payer.map(Account::Wallet).or(credited);
        match wallet.and_then(|wallet| self.balance(wallet)) {
            Some(left) if left > Fen::ZERO => Err("a rebate is lost that the wallet has".into()),
            Some(_) | None => Ok(()),
        }
    }

    /// Adds all balances to `totals` and compares both sides.
    pub fn sum(&self, totals: &mut Totals) -> Result<(), String> {
        totals.users = self.users.len() as u64;
        totals.merchants = self.merchants.len() as u64;
        totals.wallets = total(self.users.iter().map(|user| user.wallet))?;
        totals.merchant_balances = total(self.merchants.iter().map(|shop| shop.balance))?;
        totals.transit = total(self.brands.iter().map(|brand| brand.transit))?;
        totals.fee_income = total(self.brands.iter().map(|brand| brand.fees))?;
        totals.bank_reserve = total(self.brands.iter().map(|brand| brand.reserve))?;
        totals.capital = total(self.brands.iter().map(|brand| brand.capital))?;
        totals.remittances = total(self.brands.iter().map(|brand| brand.remittances))?;
        totals.rebate_losses = total(self.brands.iter().map(|brand| brand.losses))?;
        let campaigns = self.campaigns.rows();
        totals.subsidies = total(campaigns.iter().map(|row| row.subsidy))?;
        totals.campaign_funds = total(campaigns.iter().map(|row| row.fund))?;
        totals.pending_rebates = total(campaigns.iter().map(|row| row.pending))?;
        totals.packets = total(self.packets.values().copied())?;
        for (id, row) in campaigns.iter().enumerate() {
            row.close(id)?;
        }
        let credits = [
            totals.wallets,
            totals.merchant_balances,
            totals.transit,
            totals.fee_income,
            totals.capital,
            totals.campaign_funds,
            totals.pending_rebates,
            totals.packets,
            totals.remittances,
        ];
        let debits = [totals.bank_reserve, totals.subsidies, totals.rebate_losses];
        let (credits, debits) = (total(credits.into_iter())?, total(debits.into_iter())?);
        if credits != debits {
            return Err(format!(
                "the reserves, subsidies and losses are {debits} yuan, but {credits} is owed"
            ));
        }
        Ok(())
    }
}

fn total(mut balances: impl Iterator<Item = Fen>) -> Result<Fen, String> {
    balances
        .try_fold(Fen::ZERO, Fen::plus)
        .ok_or_else(|| "the balances overflow".into())
}

fn row<T>(rows: &[T], id: u32) -> Option<&T> {
    rows.get(usize::try_from(id).ok()?)
}

fn row_mut<T>(rows: &mut [T], id: u32) -> Option<&mut T> {
    rows.get_mut(usize::try_from(id).ok()?)
}

fn check_amount(amount: Fen) -> Result<(), String> {
    if amount.is_amount() {
        Ok(())
    } else {
        Err(format!("{amount} yuan is no amount"))
    }
}

pub(super) fn expect_id(id: u64, next: usize, what: &str) -> Result<(), String> {
    if id == next as u64 {
        Ok(())
    } else {
        Err(format!("{what} {id} is added where {next} was next"))
    }
}
