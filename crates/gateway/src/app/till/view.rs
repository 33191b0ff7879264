//! An order as the till shows it.

use feiqian_core::order::create::Channel;
use feiqian_core::order::{OrderState, Payment};
use feiqian_core::{MerchantId, OrderId};
use feiqian_store::OrderStory;
use serde::Serialize;

use crate::app::wallet::names;
use crate::codes::picture::qr_svg;
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, OrderIdRef, Time};
use crate::v1::order_view::{OrderStatus, code_url, status};
use crate::v1::orders::unknown_order;

/// What became of it, as far as a till tells states apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a shopper.
    Open,
    /// The shopper of the pay code is asked on the phone.
    AwaitingShopper,
    /// Paid; perhaps refunded.
    Paid,
    /// Ended unpaid, by the shop or by the shopper's no.
    Closed,
    /// Ended unpaid, by time.
    Expired,
    /// Undone.
    Reversed,
}

impl Status {
    /// Whether nothing more can happen but refunds.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Open | Self::AwaitingShopper)
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TillOrder {
    id: OrderIdRef,
    number: String,
    amount: Amount,
    description: String,
    #[serde(flatten)]
    paid: Option<Paid>,
    refunded: i64,
    pub(super) status: Status,
    created_at: Time,
    expires_at: Time,
    #[serde(flatten)]
    code: Option<Code>,
}

/// Once it is paid.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Paid {
    paid: i64,
    discount: i64,
    fee: i64,
    paid_at: Time,
    payer_masked: String,
}

/// What the shopper scans while it is open.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Code {
    code_url: String,
    code_svg: String,
}

/// The story of a shop's order; another shop's is one that does not exist.
pub async fn find(
    platform: &Platform,
    merchant: MerchantId,
    id: OrderId,
) -> Result<OrderStory, ApiError> {
    let story = ask(platform, move |store| store.order(id)).await?;
    story
        .filter(|story| story.created.merchant == merchant)
        .ok_or_else(unknown_order)
}

/// A shop's order as it stands.
pub async fn show(
    platform: &Platform,
    merchant: MerchantId,
    id: OrderId,
) -> Result<TillOrder, ApiError> {
    of(platform, id, &find(platform, merchant, id).await?)
}

/// The order of a story.
pub fn of(platform: &Platform, id: OrderId, story: &OrderStory) -> Result<TillOrder, ApiError> {
    let (created, order) = (&story.created, story.order());
    let asked = order.shown.as_ref().is_some_and(|shown| shown.asked);
    let status = match status(story) {
        OrderStatus::Open if asked => Status::AwaitingShopper,
        OrderStatus::Open => Status::Open,
        OrderStatus::Paid => Status::Paid,
        OrderStatus::Closed => Status::Closed,
        OrderStatus::Expired => Status::Expired,
        OrderStatus::Reversed => Status::Reversed,
    };
    let payment = match &order.state {
        OrderState::Paid(paid) | OrderState::Reversed(Some(paid)) => Some(paid),
        OrderState::Open | OrderState::Closed | OrderState::Reversed(None) => None,
    };
    let scans = status == Status::Open && created.terms.channel != Channel::PayCode;
    Ok(TillOrder {
        id: id.into(),
        number: created.number.as_str().to_owned(),
        amount: created.terms.amount.into(),
        description: created.terms.description.clone(),
        paid: payment
            .map(|payment| paid(platform, story, payment))
            .transpose()?,
        refunded: payment.map_or(0, |payment| payment.refunded.0),
        status,
        created_at: created.at.into(),
        expires_at: order.expires_at.into(),
        code: scans.then(|| code(platform, id)),
    })
}

fn paid(platform: &Platform, story: &OrderStory, payment: &Payment) -> Result<Paid, ApiError> {
    let amount = story.created.terms.amount;
    let discount = payment.granted.as_ref().map_or(0, |it| it.discount().0);
    Ok(Paid {
        paid: amount.0.saturating_sub(discount),
        discount,
        fee: payment.fee.0,
        paid_at: payment.at.into(),
        payer_masked: names::of(platform, payment.payer)?,
    })
}

fn code(platform: &Platform, id: OrderId) -> Code {
    let code_url = code_url(platform, id);
    let code_svg = qr_svg(&code_url).unwrap_or_default();
    Code { code_url, code_svg }
}
