//! What an audit sums up.

use core::fmt;

use crate::event::Event;
use crate::money::Fen;

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
    /// The operator's own money in the reserves.
    pub capital: Fen,
    /// What campaigns cost the platform.
    pub subsidies: Fen,
    /// What merchants paid in advance for campaigns.
    pub campaign_funds: Fen,
    /// Rebates that wait for their day.
    pub pending_rebates: Fen,
    /// What nobody took yet of red packets.
    pub packets: Fen,
    /// Sent to persons and not there yet.
    pub remittances: Fen,
    /// Rebates that went back no more.
    pub rebate_losses: Fen,
}

impl Totals {
    /// Counts an event that keeps the rules.
    pub(super) fn count(&mut self, event: &Event) -> Result<(), String> {
        let (times, sum, amount) = match event {
            Event::OrderCreated(_) => {
                self.orders = self.orders.saturating_add(1);
                return Ok(());
            }
            Event::TopUpRequested(_) | Event::WithdrawalRequested(_) => {
                self.pending_transfers = self.pending_transfers.saturating_add(1);
                return Ok(());
            }
            Event::TransferAnswered(_) => {
                self.pending_transfers = self.pending_transfers.saturating_sub(1);
                return Ok(());
            }
            Event::OrderPaid(event) => (&mut self.payments, &mut self.paid, event.amount),
            Event::OrderRefunded(event) => (&mut self.refunds, &mut self.refunded, event.amount),
            // Only of a paid order is anything given back.
            Event::OrderReversed(event) if event.amount > Fen::ZERO => {
                (&mut self.refunds, &mut self.refunded, event.amount)
            }
            Event::Opened(_)
            | Event::BrandAdded(_)
            | Event::UserAdded(_)
            | Event::UserStatusSet(_)
            | Event::MerchantAdded(_)
            | Event::MerchantChanged(_)
            | Event::OrderClosed(_)
            | Event::OrderExpired(_)
            | Event::CodeSpent(_)
            | Event::OrderDeclined(_)
            | Event::OrderReversed(_)
            | Event::CampaignAdded(_)
            | Event::CampaignStepped(_)
            | Event::CampaignEnded(_)
            | Event::BudgetChanged(_)
            | Event::CouponGiven(_)
            | Event::RebatePaid(_)
            | Event::CouponUsed(_)
            | Event::CouponReturned(_)
            | Event::CouponVoided(_)
            | Event::SubsidyPaid(_)
            | Event::SubsidyReturned(_)
            | Event::CouponsChanged(_)
            | Event::Swept(_)
            | Event::TraitsSet(_)
            | Event::BrandFunded(_)
            | Event::PacketSent(_)
            | Event::ShareGrabbed(_)
            | Event::PacketExpired(_)
            | Event::UserTierSet(_)
            | Event::WithdrawalTermsSet(_)
            | Event::MoneySent(_)
            | Event::RemittanceArrived(_)
            | Event::RemittanceTakenBack(_)
            | Event::RemittanceAccepted(_)
            | Event::RemittanceReturned(_)
            | Event::MoneyRequested(_)
            | Event::ShareDeclined(_)
            | Event::RequestCancelled(_)
            | Event::RequestExpired(_) => return Ok(()),
        };
        *times = times.saturating_add(1);
        *sum = sum.plus(amount).ok_or("the amounts overflow")?;
        Ok(())
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
        writeln!(f, "  fee income      {:>42} yuan", self.fee_income)?;
        writeln!(f, "  capital         {:>42} yuan", self.capital)?;
        writeln!(f, "  campaign funds  {:>42} yuan", self.campaign_funds)?;
        writeln!(f, "  pending rebates {:>42} yuan", self.pending_rebates)?;
        writeln!(f, "  red packets     {:>42} yuan", self.packets)?;
        writeln!(f, "  remittances     {:>42} yuan", self.remittances)?;
        writeln!(f, "  less subsidies  {:>42} yuan", self.subsidies)?;
        write!(f, "  less losses     {:>42} yuan", self.rebate_losses)
    }
}
