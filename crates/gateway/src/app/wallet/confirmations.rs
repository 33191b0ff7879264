//! Payments at a till that wait for the shopper: the pay code was scanned, and the amount is one to ask about.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::order::decline::DeclineOrder;
use feiqian_core::{OrderId, State, UserId};
use serde::Serialize;

use super::cashier::{self, Agreed};
use super::offers::Quote;
use super::receipts::Receipt;
use super::words::Language;
use super::{Nothing, SignedShopper};
use crate::app::pin;
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, OrderIdRef, Time};
use crate::v1::input::{Id, Made};
use crate::v1::order_view::Shop;
use crate::v1::orders::unknown_order;

/// A payment that waits.
#[derive(Debug, Serialize)]
pub struct Confirmation {
    order_id: OrderIdRef,
    shop: Shop,
    amount: Amount,
    description: String,
    quote: Quote,
    needs_pin: bool,
    expires_at: Time,
}

/// Those that wait for this user, oldest first.
pub(super) async fn waiting(
    platform: &Platform,
    user: UserId,
    language: Language,
) -> Result<Vec<Confirmation>, ApiError> {
    let read = move |state: &State| state.asked(user).to_vec();
    let mut waiting = Vec::new();
    for order in platform.engine.read(read).await? {
        waiting.extend(view(platform, user, language, order).await?);
    }
    Ok(waiting)
}

async fn view(
    platform: &Platform,
    user: UserId,
    language: Language,
    id: OrderId,
) -> Result<Option<Confirmation>, ApiError> {
    let (Some(quote), _) = cashier::quoted(platform, user, language, id).await? else {
        return Ok(None);
    };
    let Some(story) = ask(platform, move |store| store.order(id)).await? else {
        return Ok(None);
    };
    let (created, order) = (&story.created, story.order());
    Ok(Some(Confirmation {
        order_id: id.into(),
        shop: Shop {
            id: created.merchant.into(),
            name: platform.shop_name(created.merchant).await?,
        },
        amount: created.terms.amount.into(),
        description: created.terms.description.clone(),
        needs_pin: pin::is_needed(platform, user, quote.to_pay())?,
        quote,
        expires_at: order.expires_at.into(),
    }))
}

/// The order, if this user was asked about it.
async fn asked(platform: &Platform, user: UserId, id: &str) -> Result<OrderId, ApiError> {
    let OrderIdRef(order) = id.parse().map_err(|_| unknown_order())?;
    let story = ask(platform, move |store| store.order(order)).await?;
    let shown = story.and_then(|story| story.order().shown);
    let asked = shown.is_some_and(|shown| shown.asked && shown.payer == user);
    asked.then_some(order).ok_or_else(unknown_order)
}

/// POST confirmations/{order}/pay
pub async fn pay(
    language: Language,
    Id(id): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Agreed>,
) -> Result<Made<Receipt>, ApiError> {
    let order = asked(&platform, signed.shopper.user, &id).await?;
    cashier::pay_order(&platform, language, order, signed).await
}

/// POST confirmations/{order}/decline
pub async fn decline(
    Id(id): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Nothing>,
) -> Result<StatusCode, ApiError> {
    let payer = signed.shopper.user;
    let order = asked(&platform, payer, &id).await?;
    platform
        .engine
        .submit(DeclineOrder { order, payer })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
