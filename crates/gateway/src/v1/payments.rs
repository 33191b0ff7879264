//! Payments: a shopper pays an order that was scanned, or that an app passed on.

use std::sync::Arc;

use axum::extract::State as Extract;
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::{Attempt, OrderState};
use feiqian_core::{EventNumber, Number, OrderId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Shopper;
use super::error::{ApiError, ErrorType};
use super::fields::{Amount, CodeUrl, OrderIdRef, PaymentRef, PrepayId, Time};
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
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewPayment {
    /// What the scanned QR code holds: the whole link, or its last part.
    CodeUrl(CodeUrl),
    /// What an app or page was given by its merchant. For 2 hours.
    PrepayId(PrepayId),
    /// The order's id.
    OrderId(OrderIdRef),
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
    Input(new): Input<NewPayment>,
) -> Result<Made<Payment>, ApiError> {
    let order = order_of(&platform, &new)?;
    pay_order(&platform, order, payer, &number).await
}

/// Pays an order.
pub async fn pay_order(
    platform: &Platform,
    order: OrderId,
    payer: UserId,
    number: &Number,
) -> Result<Made<Payment>, ApiError> {
    let attempt = Attempt::of(number);
    let receipt = platform
        .engine
        .submit(PayOrder {
            order,
            payer,
            attempt,
            at_most: None,
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
    let payment = Payment {
        id: PaymentRef(order),
        order_id: order.into(),
        status: PaymentStatus::Succeeded,
        amount: story.created.terms.amount.into(),
        merchant: Shop {
            id: merchant.into(),
            name: platform.shop_name(merchant).await?,
        },
        description: story.created.terms.description.clone(),
        paid_at: paid.at.into(),
    };
    Ok(Made {
        again: receipt.again,
        value: payment,
    })
}

fn order_of(platform: &Platform, new: &NewPayment) -> Result<OrderId, ApiError> {
    match new {
        NewPayment::OrderId(order) => Ok(order.0),
        NewPayment::CodeUrl(url) => {
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
        NewPayment::PrepayId(id) => {
            let Prepay { order, issued } = platform
                .ids
                .read_prepay_id(&id.0)
                .ok_or_else(unknown_order)?;
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
    }
}
