//! Pay an order from the shopper's wallet.
//!
//! Units: amounts in [`Fen`]. Ledger: wallet → merchant what the payer pays; each campaign's subsidy or fund →
//! merchant what it grants; merchant → fee income of the payer's brand the fee, half-up to the fen, at
//! the rate that holds now and is frozen with it, of what the merchant receives: the amount less its own
//! part of the grants; the campaign → wallet, or → pending rebate, a rebate.
//! Invariants: an order is paid once; no campaign passes its budget.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::campaign::choose::{Choice, choose};
use crate::campaign::coupon::CouponState;
use crate::campaign::give::hold;
use crate::campaign::grant::{Granted, RebateStage};
use crate::command::{Decision, refusals};
use crate::ids::{BrandId, CampaignId, CouponId, EventNumber, MerchantId, OrderId, UserId};
use crate::ledger::{Account, Postings};
use crate::merchant::MerchantStatus;
use crate::money::Fen;
use crate::order::{Attempt, Order, OrderState, Payment, settle};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;
use crate::user::limits::{Above, check, spend};

/// Command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayOrder {
    /// Which order.
    pub order: OrderId,
    /// Who pays.
    pub payer: UserId,
    /// The payer's number; the same one when trying again.
    pub attempt: Attempt,
    /// The most that the payer agreed to pay. None: whatever it is.
    pub at_most: Option<Fen>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderPaid {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which order.
    #[n(1)]
    pub order: OrderId,
    /// Who is paid.
    #[n(2)]
    pub merchant: MerchantId,
    /// Who paid.
    #[n(3)]
    pub payer: UserId,
    /// The payer's brand.
    #[n(4)]
    pub brand: BrandId,
    /// The payer's number.
    #[n(5)]
    pub attempt: Attempt,
    /// The order's amount.
    #[n(6)]
    pub amount: Fen,
    /// What is kept of it.
    #[n(7)]
    pub fee: Fen,
    /// See the module.
    #[n(8)]
    pub postings: Postings,
    /// What campaigns did to it.
    #[cbor(n(9), with = "crate::cbor::shared", has_nil)]
    pub granted: Option<Arc<Granted>>,
}

refusals! {
    /// No such order. Final.
    OrderNotFound = "there is no such order",
    /// Paid already, by this payer or another. Final.
    AlreadyPaid = "this order is paid already",
    /// Closed or undone. Final.
    OrderClosed = "this order is closed",
    /// Its time is over. Final.
    OrderExpired = "this order's time is over",
    /// No such user. Final.
    PayerNotFound = "there is no such payer",
    /// The order names another payer, or another's pay code was spent on it. Final.
    OtherPayer = "this order is for another payer",
    /// Frozen or closed. May succeed once thawed.
    PayerNotActive = "this user may not move money",
    /// Paused. May succeed later.
    MerchantNotActive = "this merchant may not take payments now",
    /// Campaigns give less by now than when the payer agreed. May succeed with this amount.
    PriceChanged {
        /// What is to pay.
        payable: Fen
    } = "{payable} yuan are to pay by now",
    /// A campaign has nothing left, and the payer is to be told. Succeeds with `at_most`.
    CampaignSpent {
        /// What is to pay.
        payable: Fen
    } = "a campaign has nothing left: {payable} yuan are to pay",
    /// More than the wallet has. May succeed later.
    BalanceShort {
        /// What the wallet has.
        available: Fen
    } = "the wallet has {available} yuan only",
    /// More than the payer's tier may pay. May succeed on another day.
    AboveLimit {
        /// Which limit, and what it leaves.
        above: Above
    } = "{above}",
}

impl PayOrder {
    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_order(self.order, archive)
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &PayOrder) -> Decision<OrderPaid, Refusal> {
    let Some(order) = state.order(command.order) else {
        return Decision::Refuse(Refusal::OrderNotFound);
    };
    match &order.state {
        OrderState::Open => {}
        OrderState::Paid(paid)
            if (paid.payer, paid.attempt) == (command.payer, command.attempt) =>
        {
            return Decision::Again(paid.event);
        }
        OrderState::Paid(_) => return Decision::Refuse(Refusal::AlreadyPaid),
        OrderState::Closed | OrderState::Reversed(_) => {
            return Decision::Refuse(Refusal::OrderClosed);
        }
    }
    if now >= order.expires_at {
        return Decision::Refuse(Refusal::OrderExpired);
    }
    let Some(payer) = state.user(command.payer) else {
        return Decision::Refuse(Refusal::PayerNotFound);
    };
    let shown = order.shown.as_ref().map(|shown| shown.payer);
    let mut only = order.only_payer.iter().chain(&shown);
    if only.any(|only| *only != command.payer) {
        return Decision::Refuse(Refusal::OtherPayer);
    }
    let active = payer.status == UserStatus::Active;
    #[cfg(feature = "planted")]
    let active = active || crate::planted::is(crate::planted::Bug::SkippedRefusal);
    if !active {
        return Decision::Refuse(Refusal::PayerNotActive);
    }
    let merchant = state
        .merchant(order.merchant)
        .expect("its merchant was found when creating");
    if merchant.status != MerchantStatus::Active {
        return Decision::Refuse(Refusal::MerchantNotActive);
    }
    let choice = choose(state, now, order, command.payer, |_, _| {});
    let payable = choice.payable;
    match command.at_most {
        Some(most) if most < payable => {
            return Decision::Refuse(Refusal::PriceChanged { payable });
        }
        None if choice.told.is_some() => {
            return Decision::Refuse(Refusal::CampaignSpent { payable });
        }
        Some(_) | None => {}
    }
    if payer.balance < payable {
        return Decision::Refuse(Refusal::BalanceShort {
            available: payer.balance,
        });
    }
    if let Err(above) = check(state, now, command.payer, payable) {
        return Decision::Refuse(Refusal::AboveLimit { above });
    }
    // After this line the payment must succeed.
    let (fee, postings) = post(state, order, command.payer, payer.brand, &choice);
    Decision::Accept(OrderPaid {
        at: now,
        order: command.order,
        merchant: order.merchant,
        payer: command.payer,
        brand: payer.brand,
        attempt: command.attempt,
        amount: order.amount,
        fee,
        postings,
        granted: (!choice.granted.is_empty()).then(|| Arc::new(choice.granted)),
    })
}

/// The fee, and what moves.
fn post(
    state: &State,
    order: &Order,
    payer: UserId,
    brand: BrandId,
    choice: &Choice,
) -> (Fen, Postings) {
    let (account, wallet) = (Account::Merchant(order.merchant), Account::Wallet(payer));
    let mut postings = Postings::new().with(wallet, account, choice.payable);
    let mut received = order.amount;
    for grant in &choice.granted.grants {
        let funder = grant.amount.minus(grant.platform).expect("a part of it");
        let campaign = state.campaign(grant.campaign).expect("it was chosen");
        if campaign.terms.funding.funder() == Some(order.merchant) {
            received = received.minus(funder).expect("grants are below the amount");
        }
        postings = from_campaign(postings, grant.campaign, grant.platform, funder, account);
    }
    let merchant = state.merchant(order.merchant).expect("found when creating");
    let fee = merchant.fee.of(received);
    postings = postings.with(account, Account::FeeIncome(brand), fee);
    if let Some(rebate) = choice.granted.rebate {
        let to = match rebate.due {
            Some(_) => Account::PendingRebate(rebate.campaign),
            None => wallet,
        };
        let funder = rebate.amount.minus(rebate.platform).expect("a part of it");
        postings = from_campaign(postings, rebate.campaign, rebate.platform, funder, to);
    }
    (fee, postings)
}

/// A grant, from those who pay for it.
fn from_campaign(
    postings: Postings,
    campaign: CampaignId,
    platform: Fen,
    funder: Fen,
    to: Account,
) -> Postings {
    postings
        .with(Account::Subsidy(campaign), to, platform)
        .with(Account::CampaignFund(campaign), to, funder)
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderPaid) {
    let number = state.next;
    settle(state, event.order, |order| apply(order, number, event));
    if let Some(granted) = &event.granted {
        grant(state, event, granted);
    }
    state.shoppers.paid(event.payer, event.amount, event.at);
    let wallet = Account::Wallet(event.payer);
    // What campaigns pay in full leaves nothing to the wallet.
    if let Some(paid) = event.postings.iter().find(|moved| moved.debit == wallet) {
        spend(state, event.at, event.payer, paid.amount);
    }
}

/// Counts what campaigns gave.
pub(crate) fn grant(state: &mut State, event: &OrderPaid, granted: &Granted) {
    let today = event.at.day();
    let counted = |state: &mut State, id, amount| {
        let campaign = state.campaign(id).expect("it was chosen");
        let payer = state.counted(&campaign.terms, event.payer);
        state.campaigns.granted(id, payer, amount, today);
    };
    for grant in &granted.grants {
        if let Some(coupon) = grant.coupon {
            let used = CouponState::Used(event.order);
            state.campaigns.turn(coupon, used);
        }
        counted(state, grant.campaign, grant.amount);
    }
    if let Some(rebate) = granted.rebate {
        counted(state, rebate.campaign, rebate.amount);
        if let Some(due) = rebate.due {
            let waiting = state.campaigns.rebates.entry(rebate.campaign).or_default();
            waiting.push_back((due, event.order));
        }
    }
    if let Some(earned) = granted.earned {
        let id = CouponId(state.next);
        hold(state, id, earned.campaign, event.payer, earned.until);
    }
}

pub(super) fn apply(order: &mut Order, number: EventNumber, event: &OrderPaid) {
    assert!(order.state == OrderState::Open, "an order is paid once");
    order.state = OrderState::Paid(Payment {
        payer: event.payer,
        brand: event.brand,
        attempt: event.attempt,
        event: number,
        at: event.at,
        fee: event.fee,
        refunded: Fen::ZERO,
        fee_returned: Fen::ZERO,
        refunds: 0,
        rebate: match event.granted.as_ref().and_then(|granted| granted.rebate) {
            Some(rebate) if rebate.due.is_none() => RebateStage::Arrived,
            Some(_) | None => RebateStage::Waits,
        },
        granted: event.granted.clone(),
    });
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::limits::ORDER_LIFE_DEFAULT_MS;
    use crate::testing::{
        FREE_SHOP, LEI, MEI, NO_ORDER, NOBODY, ORDER, SHOP, change_fee, close, create, create_with,
        expire, given, named, pause, pay, pay_trying, refund, reverse, set_status, terms, withdraw,
    };

    #[test]
    fn the_shop_gets_the_amount_less_the_fee() {
        // 0.60 % of 123.45 yuan is 74.07 fen; of 0.83 yuan 0.498 fen.
        for (fen, fee) in [(12_345, 74), (84, 1), (83, 0), (1, 0), (100_000, 600)] {
            given([create("a", fen), pay(ORDER, LEI)])
                .has(Account::Wallet(LEI), 100_000 - fen)
                .has(Account::Merchant(SHOP), fen - fee)
                .has(Account::FeeIncome(BrandId(0)), 0)
                .has(Account::FeeIncome(BrandId(1)), fee);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_payment() {
        given([
            create("a", 10_000),
            change_fee(SHOP, 1_000),
            pay(ORDER, MEI),
        ])
        .has(Account::Merchant(SHOP), 9_000)
        .has(Account::FeeIncome(BrandId(0)), 1_000);
        given([create_with(FREE_SHOP, "a", terms(10_000)), pay(ORDER, MEI)])
            .has(Account::Merchant(FREE_SHOP), 10_000)
            .has(Account::FeeIncome(BrandId(0)), 0);
    }

    #[test]
    fn the_same_try_is_answered_again() {
        let paid = || given([create("a", 10), pay(ORDER, MEI)]);
        paid()
            .when(pay_trying(ORDER, MEI, "other"))
            .refuses(AlreadyPaid)
            .when(pay(ORDER, LEI))
            .refuses(AlreadyPaid)
            .when(refund("r", ORDER, 10, 10))
            .accepts()
            .after_ms(ORDER_LIFE_DEFAULT_MS)
            .when(pay(ORDER, MEI))
            .answers_again(ORDER.0.next());
        paid()
            .when(reverse(SHOP, named("a")))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(OrderClosed);
    }

    #[test]
    fn until_the_last_millisecond() {
        let end = ORDER_LIFE_DEFAULT_MS;
        let order = || given([create("a", 10)]);
        order().after_ms(end - 1).when(pay(ORDER, MEI)).accepts();
        order()
            .after_ms(end)
            .when(pay(ORDER, MEI))
            .refuses(OrderExpired);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let (end, available) = (ORDER_LIFE_DEFAULT_MS, Fen(100_000));
        let frozen = || set_status(MEI, UserStatus::Frozen);
        let mut for_mei = terms(100_001);
        for_mei.only_payer = Some(MEI);
        let open = || given([create_with(SHOP, "a", for_mei.clone())]);
        given([])
            .when(pay(NO_ORDER, NOBODY))
            .refuses(OrderNotFound)
            .when(pay(ORDER, NOBODY))
            .refuses(OrderNotFound);
        given([create("a", 10), pay(ORDER, MEI)])
            .after_ms(end)
            .when(pay(ORDER, NOBODY))
            .refuses(AlreadyPaid);
        for ended in [close(SHOP, named("a")), reverse(SHOP, named("a"))] {
            given([create("a", 10), ended])
                .after_ms(end)
                .when(pay(ORDER, NOBODY))
                .refuses(OrderClosed);
        }
        open()
            .after_ms(end)
            .when(pay(ORDER, NOBODY))
            .refuses(OrderExpired)
            .when(expire(ORDER))
            .accepts()
            .when(pay(ORDER, NOBODY))
            .refuses(OrderClosed);
        open()
            .when(pay(ORDER, NOBODY))
            .refuses(PayerNotFound)
            .when(set_status(LEI, UserStatus::Closed))
            .accepts()
            .when(pay(ORDER, LEI))
            .refuses(OtherPayer)
            .when(pause(SHOP))
            .accepts()
            .when(frozen())
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(PayerNotActive)
            .when(set_status(MEI, UserStatus::Active))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(MerchantNotActive);
        open()
            .when(pay(ORDER, MEI))
            .refuses(BalanceShort { available })
            .when(withdraw(MEI, "w", 100_000))
            .accepts()
            .when(pay(ORDER, MEI))
            .refuses(BalanceShort { available: Fen(0) })
            .has(Account::Merchant(SHOP), 0);
    }
}
