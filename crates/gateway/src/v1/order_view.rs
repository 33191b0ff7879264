//! An order as its story tells it, to whom it may concern.

use feiqian_core::order::OrderState;
use feiqian_core::{CampaignId, Event, EventNumber, OrderId, RefundId};
use feiqian_store::OrderStory;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::fields::{Amount, MerchantRef, OrderIdRef, PaymentRef, RefundRef, Time, UserRef};
use super::granted::{Breakdown, Names, Offers, campaigns_back, campaigns_of};
use crate::access::Role;
use crate::platform::Platform;

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Waits for the shopper.
    Open,
    /// Paid; perhaps refunded in part or in full.
    Paid,
    /// Ended unpaid, by the merchant.
    Closed,
    /// Ended unpaid, by time.
    Expired,
    /// Undone; a payment was given back.
    Reversed,
}

/// A shop.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Shop {
    pub(crate) id: MerchantRef,
    /// What the public calls it.
    pub(crate) name: String,
}

/// An order's payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderPayment {
    id: PaymentRef,
    paid_at: Time,
    /// Fen given back so far.
    #[schema(minimum = 0)]
    refunded: i64,
    /// Told to operators and to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_id: Option<UserRef>,
    /// Fen kept of it. Not told to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    fee: Option<i64>,
    /// Fen of the fee given back so far. Not told to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    fee_returned: Option<i64>,
    #[serde(flatten)]
    offers: Offers,
}

/// What became of a refund.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The money is in the payer's wallet.
    Succeeded,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refund {
    id: RefundRef,
    order_id: OrderIdRef,
    status: RefundStatus,
    amount: Amount,
    created_at: Time,
    /// The merchant's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The merchant's number. Not told to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// Fen of the fee given back. Not told to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    fee_returned: Option<i64>,
    /// Part by part, where a campaign had a part in the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    breakdown: Option<Breakdown>,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderEventKind {
    /// The merchant asked.
    Created,
    /// The shopper paid.
    Paid,
    /// The merchant closed it unpaid.
    Closed,
    /// Its time was over.
    Expired,
    /// It was undone.
    Reversed,
    /// Part or all was given back.
    Refunded,
    /// A shopper's pay code was spent on it.
    PayCodeShown,
    /// The shopper was asked and declined.
    Declined,
}

/// One step of an order's story.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderEvent {
    kind: OrderEventKind,
    at: Time,
}

/// An order with all that became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    pub(crate) id: OrderIdRef,
    pub(crate) merchant: Shop,
    pub(crate) status: OrderStatus,
    pub(crate) amount: Amount,
    /// For what, in the merchant's words.
    pub(crate) description: String,
    pub(crate) created_at: Time,
    /// It cannot be paid from here on.
    pub(crate) expires_at: Time,
    /// To be shown as a QR code while the order is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code_url: Option<String>,
    /// Once it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<OrderPayment>,
    /// Oldest first.
    pub(crate) refunds: Vec<Refund>,
    /// Oldest first.
    pub(crate) events: Vec<OrderEvent>,
    /// The merchant's number. Not told to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// What the merchant attached. Not told to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<String>,
}

/// What became of the order of a story.
pub fn status(story: &OrderStory) -> OrderStatus {
    let expired = matches!(story.later.last(), Some((_, Event::OrderExpired(_))));
    match story.order().state {
        OrderState::Open => OrderStatus::Open,
        OrderState::Paid(_) => OrderStatus::Paid,
        OrderState::Closed if expired => OrderStatus::Expired,
        OrderState::Closed => OrderStatus::Closed,
        OrderState::Reversed(_) => OrderStatus::Reversed,
    }
}

/// Whether `role` may know of the order at all.
pub fn may_see(role: Role, story: &OrderStory) -> bool {
    match role {
        Role::Operator(_) => true,
        Role::Merchant(merchant) => story.created.merchant.0 == merchant,
        Role::User(user) => match story.order().state {
            OrderState::Paid(paid) | OrderState::Reversed(Some(paid)) => paid.payer.0 == user,
            OrderState::Open | OrderState::Closed | OrderState::Reversed(None) => false,
        },
    }
}

/// The order as `role` sees it.
pub async fn view(
    platform: &Platform,
    id: OrderId,
    story: &OrderStory,
    role: Role,
) -> Result<Order, ApiError> {
    let created = &story.created;
    let status = status(story);
    let for_shop = !matches!(role, Role::User(_));
    let shop = |text: &str| for_shop.then(|| text.to_owned());
    let later = || story.later.iter();
    let names = Names::of(platform, campaigns_in(story)).await?;
    let begun = OrderEvent {
        kind: OrderEventKind::Created,
        at: created.at.into(),
    };
    Ok(Order {
        id: id.into(),
        merchant: Shop {
            id: created.merchant.into(),
            name: platform.shop_name(created.merchant).await?,
        },
        status,
        amount: created.terms.amount.into(),
        description: created.terms.description.clone(),
        created_at: created.at.into(),
        expires_at: created.expires_at.into(),
        code_url: (status == OrderStatus::Open).then(|| code_url(platform, id)),
        payment: payment(id, story, role, &names),
        refunds: later()
            .filter_map(|(n, event)| refund_of(*n, event, for_shop, &names))
            .collect(),
        events: std::iter::once(begun)
            .chain(later().filter_map(|(_, e)| step(e)))
            .collect(),
        number: shop(created.number.as_str()),
        attach: created.terms.attach.as_deref().and_then(shop),
    })
}

/// The link that a QR code holds.
pub fn code_url(platform: &Platform, order: OrderId) -> String {
    format!(
        "{}/q/{}",
        platform.base_url,
        platform.ids.code_token(order.0.0)
    )
}

fn payment(id: OrderId, story: &OrderStory, role: Role, names: &Names) -> Option<OrderPayment> {
    let paid = match story.order().state {
        OrderState::Paid(paid) | OrderState::Reversed(Some(paid)) => paid,
        OrderState::Open | OrderState::Closed | OrderState::Reversed(None) => return None,
    };
    let for_shop = !matches!(role, Role::User(_));
    let for_payer = !matches!(role, Role::Merchant(_));
    Some(OrderPayment {
        id: PaymentRef(id),
        paid_at: paid.at.into(),
        refunded: paid.refunded.0,
        payer_id: for_payer.then(|| paid.payer.into()),
        fee: for_shop.then_some(paid.fee.0),
        fee_returned: for_shop.then_some(paid.fee_returned.0),
        offers: Offers::of(
            story.created.terms.amount,
            paid.granted.as_deref(),
            paid.rebate,
            Some(paid.event),
            names,
        ),
    })
}

/// All campaigns that an order's story tells of.
fn campaigns_in(story: &OrderStory) -> Vec<CampaignId> {
    let mut campaigns = Vec::new();
    for (_, event) in &story.later {
        if let Event::OrderPaid(paid) = event {
            campaigns.extend(
                paid.granted
                    .iter()
                    .flat_map(|granted| campaigns_of(granted)),
            );
        }
        campaigns.extend(campaigns_back_in(event));
    }
    campaigns
}

/// All campaigns that got something back in this event.
pub fn campaigns_back_in(event: &Event) -> Vec<CampaignId> {
    let Event::OrderRefunded(refunded) = event else {
        return Vec::new();
    };
    let returned = refunded.returned.iter();
    returned
        .flat_map(|returned| campaigns_back(returned))
        .collect()
}

/// A refund as its event tells it; none for another event.
pub fn refund_of(
    number: EventNumber,
    event: &Event,
    for_shop: bool,
    names: &Names,
) -> Option<Refund> {
    let Event::OrderRefunded(event) = event else {
        return None;
    };
    Some(Refund {
        id: RefundId(number).into(),
        order_id: event.order.into(),
        status: RefundStatus::Succeeded,
        amount: event.amount.into(),
        created_at: event.at.into(),
        reason: event.reason.as_deref().map(str::to_owned),
        number: for_shop.then(|| event.number.as_str().to_owned()),
        fee_returned: for_shop.then_some(event.fee_returned.0),
        breakdown: event
            .returned
            .as_ref()
            .map(|returned| Breakdown::of(returned, names)),
    })
}

fn step(event: &Event) -> Option<OrderEvent> {
    let kind = match event {
        Event::OrderCreated(_) => OrderEventKind::Created,
        Event::OrderPaid(_) => OrderEventKind::Paid,
        Event::OrderClosed(_) => OrderEventKind::Closed,
        Event::OrderExpired(_) => OrderEventKind::Expired,
        Event::OrderReversed(_) => OrderEventKind::Reversed,
        Event::OrderRefunded(_) => OrderEventKind::Refunded,
        Event::CodeSpent(_) => OrderEventKind::PayCodeShown,
        Event::OrderDeclined(_) => OrderEventKind::Declined,
        Event::Opened(_)
        | Event::BrandAdded(_)
        | Event::UserAdded(_)
        | Event::UserStatusSet(_)
        | Event::MerchantAdded(_)
        | Event::MerchantChanged(_)
        | Event::TopUpRequested(_)
        | Event::WithdrawalRequested(_)
        | Event::TransferAnswered(_)
        | Event::CampaignAdded(_)
        | Event::CampaignStepped(_)
        | Event::BudgetChanged(_)
        | Event::CampaignEnded(_)
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
        | Event::RequestExpired(_)
        | Event::PacketSent(_)
        | Event::ShareGrabbed(_)
        | Event::PacketExpired(_) => return None,
    };
    Some(OrderEvent {
        kind,
        at: event.at().into(),
    })
}
