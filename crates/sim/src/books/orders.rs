//! Orders in the books.

use feiqian_core::campaign::grant::{Granted, RebateStage, Returned};
use feiqian_core::order::{Attempt, Order as Seen, OrderState};
use feiqian_core::{BrandId, MerchantId, UserId};

use super::{Books, Fact, What};

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who asks.
    pub merchant: MerchantId,
    /// Fen.
    pub amount: i64,
    /// The only one who may pay.
    pub only_payer: Option<UserId>,
    /// Whose code was spent on it, by which event, and whether that one is asked.
    pub shown: Option<(UserId, u64, bool)>,
    /// When it ends.
    pub expires_at: i64,
    /// What became of it.
    pub stage: Stage,
    /// Its payment, if it was ever paid.
    pub paid: Option<Paid>,
    /// Events that went on with it, oldest first.
    pub later: Vec<u64>,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits.
    Open,
    /// Paid, perhaps refunded.
    Paid,
    /// Closed or expired.
    Closed,
    /// Undone.
    Reversed,
}

/// A payment.
#[derive(Clone, Debug)]
pub struct Paid {
    /// Who paid.
    pub payer: UserId,
    /// The payer's brand.
    pub brand: BrandId,
    /// The payer's number.
    pub attempt: Attempt,
    /// The event.
    pub event: u64,
    /// When.
    pub at: i64,
    /// Fen kept.
    pub fee: i64,
    /// Fen given back.
    pub refunded: i64,
    /// Of the fee, fen given back.
    pub fee_returned: i64,
    /// How many refunds.
    pub refunds: u8,
    /// What campaigns did to it.
    pub granted: Option<Granted>,
    /// What of that went back.
    pub returned: Back,
}

/// What went back of a payment with grants, in fen.
#[derive(Clone, Debug, Default)]
pub struct Back {
    /// To the wallet.
    pub payer: i64,
    /// Of each grant, the platform's part and the funder's.
    pub grants: Vec<(i64, i64)>,
    /// Of the rebate.
    pub rebate: i64,
    /// Of that, the platform's part.
    pub rebate_platform: i64,
    /// Whether the rebate is in the wallet.
    pub arrived: bool,
}

impl Back {
    fn of(granted: Option<&Granted>) -> Self {
        let rebate = granted.and_then(|granted| granted.rebate);
        Self {
            grants: vec![(0, 0); granted.map_or(0, |granted| granted.grants.len())],
            arrived: rebate.is_some_and(|rebate| rebate.due.is_none()),
            ..Self::default()
        }
    }

    fn add(&mut self, returned: Option<&Returned>) {
        let Some(returned) = returned else { return };
        self.payer += returned.payer.0;
        for (sum, part) in self.grants.iter_mut().zip(&returned.grants) {
            sum.0 += part.platform.0;
            sum.1 += part.funder.0;
        }
        if let Some(back) = &returned.rebate {
            self.rebate += back.part.platform.0 + back.part.funder.0;
            self.rebate_platform += back.part.platform.0;
        }
    }
}

impl Books {
    /// Open orders that wait for this shopper, in the order in which the questions were asked.
    #[must_use]
    pub fn waiting_for(&self, shopper: UserId) -> Vec<u64> {
        let open = self.open.iter().filter_map(|(_, id)| {
            let (payer, event, asked) = self.orders.get(id)?.shown?;
            (asked && payer == shopper).then_some((event, *id))
        });
        let mut open: Vec<(u64, u64)> = open.collect();
        open.sort_unstable();
        open.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn record_order(&mut self, event: u64, fact: &Fact) {
        if let What::OrderCreated { asked, expires_at } = &fact.what {
            let order = Order {
                merchant: asked.merchant,
                amount: asked.terms.amount.0,
                only_payer: asked.terms.only_payer,
                shown: None,
                expires_at: *expires_at,
                stage: Stage::Open,
                paid: None,
                later: Vec::new(),
            };
            self.open.insert((*expires_at, event));
            self.orders.insert(event, order);
            return;
        }
        let Some(id) = fact.what.order() else { return };
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        self.open.remove(&(order.expires_at, id));
        order.later.push(event);
        order.go_on(event, fact);
        if order.stage == Stage::Open {
            self.open.insert((order.expires_at, id));
        }
    }
}

impl What {
    /// The order that it goes on with.
    #[must_use]
    pub fn order(&self) -> Option<u64> {
        match self {
            Self::OrderPaid { asked, .. } => Some(asked.order.0.0),
            Self::CodeSpent { asked, .. } => Some(asked.order.0.0),
            Self::OrderDeclined { order, .. }
            | Self::OrderClosed { order }
            | Self::OrderExpired { order }
            | Self::OrderReversed { order, .. }
            | Self::OrderRefunded { order, .. }
            | Self::RebatePaid { order, .. } => Some(*order),
            Self::Opened(_)
            | Self::TierSet(_)
            | Self::PacketSent(_)
            | Self::ShareGrabbed { .. }
            | Self::PacketExpired { .. }
            | Self::MoneySent(_)
            | Self::RemittanceArrived { .. }
            | Self::RemittanceBack { .. }
            | Self::MoneyRequested(_)
            | Self::ShareDeclined { .. }
            | Self::RequestEnded { .. }
            | Self::BrandAdded(_)
            | Self::BrandFunded(_)
            | Self::TraitsSet(_)
            | Self::CampaignAdded { .. }
            | Self::CampaignStepped(_)
            | Self::BudgetChanged(_)
            | Self::CampaignEnded { .. }
            | Self::CouponGiven { .. }
            | Self::Swept
            | Self::UserAdded(_)
            | Self::UserStatusSet(_)
            | Self::MerchantAdded(_)
            | Self::MerchantChanged(_)
            | Self::TopUpRequested(_)
            | Self::WithdrawalRequested { .. }
            | Self::WithdrawalTermsSet(_)
            | Self::TransferAnswered { .. }
            | Self::OrderCreated { .. } => None,
        }
    }
}

impl Order {
    fn go_on(&mut self, event: u64, fact: &Fact) {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "other facts do not go on with an order"
        )]
        match &fact.what {
            What::OrderPaid {
                asked,
                brand,
                fee,
                granted,
                ..
            } => {
                self.stage = Stage::Paid;
                self.paid = Some(Paid {
                    payer: asked.payer,
                    brand: *brand,
                    attempt: asked.attempt,
                    event,
                    at: fact.at,
                    fee: *fee,
                    refunded: 0,
                    fee_returned: 0,
                    refunds: 0,
                    granted: granted.clone(),
                    returned: Back::of(granted.as_ref()),
                });
            }
            What::CodeSpent { asked, asked_until } => {
                self.shown = Some((asked.payer, event, asked_until.is_some()));
                self.expires_at = asked_until.unwrap_or(self.expires_at);
            }
            What::OrderClosed { .. } | What::OrderExpired { .. } | What::OrderDeclined { .. } => {
                self.stage = Stage::Closed;
            }
            What::OrderReversed {
                amount,
                fee_returned,
                returned,
                ..
            } => {
                self.stage = Stage::Reversed;
                if let Some(paid) = &mut self.paid {
                    (paid.refunded, paid.fee_returned) = (*amount, *fee_returned);
                    paid.returned.add(returned.as_ref());
                }
            }
            What::OrderRefunded {
                asked,
                fee_returned,
                returned,
                ..
            } => {
                if let Some(paid) = &mut self.paid {
                    paid.refunded += asked.amount.0;
                    paid.fee_returned += fee_returned;
                    paid.refunds += 1;
                    paid.returned.add(returned.as_ref());
                }
            }
            What::RebatePaid { .. } => {
                if let Some(paid) = &mut self.paid {
                    paid.returned.arrived = true;
                }
            }
            _ => {}
        }
    }

    /// Whose consent it waits for, or waited.
    #[must_use]
    pub fn asked(&self) -> Option<UserId> {
        let (payer, _, asked) = self.shown?;
        asked.then_some(payer)
    }

    /// The newest event that touched it.
    #[must_use]
    pub fn last(&self, id: u64) -> u64 {
        self.later.last().copied().unwrap_or(id)
    }

    /// Whether what was seen of the order is what it is.
    ///
    /// # Errors
    /// Says how they differ.
    pub fn compare(&self, id: u64, seen: &Seen) -> Result<(), String> {
        let stage = match &seen.state {
            OrderState::Open => (Stage::Open, None),
            OrderState::Paid(payment) => (Stage::Paid, Some(payment)),
            OrderState::Closed => (Stage::Closed, None),
            OrderState::Reversed(payment) => (Stage::Reversed, payment.as_ref()),
        };
        let payment = |paid: &Paid| {
            let money = (paid.fee, paid.refunded, paid.fee_returned, paid.refunds);
            let campaigns = (paid.returned.arrived, paid.granted.clone());
            (
                paid.payer,
                paid.brand,
                paid.attempt,
                paid.event,
                paid.at,
                money,
                campaigns,
            )
        };
        let seen_payment = stage.1.map(|seen| {
            let money = (
                seen.fee.0,
                seen.refunded.0,
                seen.fee_returned.0,
                seen.refunds,
            );
            let arrived = seen.rebate == RebateStage::Arrived;
            let campaigns = (arrived, seen.granted.as_deref().cloned());
            (
                seen.payer,
                seen.brand,
                seen.attempt,
                seen.event.0,
                seen.at.0,
                money,
                campaigns,
            )
        });
        let shown = self.shown.map(|(payer, _, asked)| (payer, asked));
        let terms = (self.merchant, self.amount, self.only_payer);
        let head = (terms, self.expires_at, shown);
        let seen_shown = seen.shown.as_ref().map(|shown| (shown.payer, shown.asked));
        let seen_terms = (seen.merchant, seen.amount.0, seen.only_payer);
        let seen_head = (seen_terms, seen.expires_at.0, seen_shown);
        let same = head == seen_head
            && stage.0 == self.stage
            && seen_payment == self.paid.as_ref().map(payment)
            && seen.last.0 == self.last(id);
        if same {
            return Ok(());
        }
        Err(format!("order {id} is {seen:?}, but it should be {self:?}"))
    }
}
