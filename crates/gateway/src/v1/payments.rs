//! Payments: a shopper pays an order that was scanned, or that an app passed on.

use std::sync::Arc;

use axum::extract::State as Extract;
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::{Attempt, OrderState};
use feiqian_core::{EventNumber, Fen, Number, OrderId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Shopper;
use super::error::{ApiError, ErrorType};
use super::fields::{Amount, CodeUrl, OrderIdRef, PaymentRef, PrepayId, Time};
use super::granted::{Names, Offers, campaigns_of};
use super::input::{Input, Key, Made, Numbered};
use super::order_view::Shop;
use super::orders::unknown_order;
use super::responses::Sending;
use super::{ask_now, misplaced};
use crate::platform::{Platform, unix_seconds};
use crate::wechat::ids::Prepay;

/// A prepay id can be used so long (WeChat Pay v3: 2 hours).
pub const PREPAY_LIFE_MS: i64 = 2 * 60 * 60 * 1_000;

/// What is to be paid, by one of its names.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum NewPayment {
    /// What the scanned QR code holds: the whole link, or its last part.
    ByCode {
        /// The text of the code.
        code_url: CodeUrl,
        /// The most that the payer agrees to pay, in fen; not said: whatever it is.
        at_most: Option<Amount>,
    },
    /// What an app or page was given by its merchant. For 2 hours.
    ByPrepayId {
        /// The prepay id.
        prepay_id: PrepayId,
        /// The most that the payer agrees to pay, in fen; not said: whatever it is.
        at_most: Option<Amount>,
    },
    /// The order's id.
    ByOrderId {
        /// The id.
        order_id: OrderIdRef,
        /// The most that the payer agrees to pay, in fen; not said: whatever it is.
        at_most: Option<Amount>,
    },
}

/// [`NewPayment`] as it is read: so that an error names the field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    code_url: Option<CodeUrl>,
    prepay_id: Option<PrepayId>,
    order_id: Option<OrderIdRef>,
    at_most: Option<Amount>,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The merchant has the money.
    Succeeded,
}

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payment {
    id: PaymentRef,
    order_id: OrderIdRef,
    status: PaymentStatus,
    amount: Amount,
    merchant: Shop,
    /// For what, in the merchant's words.
    description: String,
    paid_at: Time,
    #[serde(flatten)]
    offers: Offers,
}

/// Pays an order from the caller's wallet
///
/// Here the `Idempotency-Key` tells a repeated request from a second payment of the same order: the
/// first is answered again, the second is refused (`already_paid`).
#[utoipa::path(
    post, path = "/v1/payments",
    operation_id = "pay_order", request_body = NewPayment, tag = "payments", params(Numbered),
    responses(
        (status = 201, body = Payment, description = "Paid"),
        (status = 200, body = Payment, description = "Paid before"),
        Sending,
    )
)]
pub async fn pay(
    Shopper(payer): Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<Named>,
) -> Result<Made<Payment>, ApiError> {
    let order = order_of(&platform, &new)?;
    let at_most = new.at_most.map(Into::into);
    pay_order(&platform, order, payer, &number, at_most).await
}

/// Pays an order.
pub async fn pay_order(
    platform: &Platform,
    order: OrderId,
    payer: UserId,
    number: &Number,
    at_most: Option<Fen>,
) -> Result<Made<Payment>, ApiError> {
    let attempt = Attempt::of(number);
    let receipt = platform
        .engine
        .submit(PayOrder {
            order,
            payer,
            attempt,
            at_most,
        })
        .await?;
    let story = ask_now(platform, |store| store.order(order)).await?;
    let story = story.ok_or_else(|| misplaced(order.0))?;
    let paid = match story.order().state {
        OrderState::Paid(paid) | OrderState::Reversed(Some(paid)) => paid,
        OrderState::Open | OrderState::Closed | OrderState::Reversed(None) => {
            return Err(misplaced(order.0));
        }
    };
    let merchant = story.created.merchant;
    let granted = paid.granted.as_deref();
    let names = Names::of(platform, granted.into_iter().flat_map(campaigns_of)).await?;
    let amount = story.created.terms.amount;
    let payment = Payment {
        id: PaymentRef(order),
        order_id: order.into(),
        status: PaymentStatus::Succeeded,
        amount: amount.into(),
        merchant: Shop {
            id: merchant.into(),
            name: platform.shop_name(merchant).await?,
        },
        description: story.created.terms.description.clone(),
        paid_at: paid.at.into(),
        offers: Offers::of(amount, granted, paid.rebate, Some(paid.event), &names),
    };
    Ok(Made {
        again: receipt.again,
        value: payment,
    })
}

fn order_of(platform: &Platform, new: &Named) -> Result<OrderId, ApiError> {
    match (&new.order_id, &new.code_url, &new.prepay_id) {
        (Some(order), None, None) => Ok(order.0),
        (None, Some(url), None) => {
            // Whatever name the server was reached by: the token proves itself.
            let token = url
                .0
                .rsplit_once("/q/")
                .map_or(url.0.as_str(), |(_, token)| token);
            let token = token.split(['?', '#']).next().unwrap_or(token);
            let number = platform
                .ids
                .read_code_token(token)
                .ok_or_else(unknown_order)?;
            Ok(OrderId(EventNumber(number)))
        }
        (None, None, Some(id)) => order_of_prepay_id(platform, &id.0),
        _ => {
            let message = "send one of order_id, code_url, prepay_id";
            Err(ApiError::invalid("body_bad", message))
        }
    }
}

fn order_of_prepay_id(platform: &Platform, id: &str) -> Result<OrderId, ApiError> {
    let Prepay { order, issued } = platform.ids.read_prepay_id(id).ok_or_else(unknown_order)?;
    let now = i64::try_from(unix_seconds())
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000);
    if now.saturating_sub(issued) > PREPAY_LIFE_MS {
        let message = "this prepay id is more than 2 hours old";
        let expired = ApiError::new(ErrorType::Refused, "prepay_id_expired", message);
        return Err(expired.at("prepay_id"));
    }
    Ok(OrderId(EventNumber(order)))
}
