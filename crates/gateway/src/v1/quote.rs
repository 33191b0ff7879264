//! What an order would cost a shopper now: the same answer as a payment's, and nothing happens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::campaign::choose::choose;
use feiqian_core::campaign::grant::RebateStage;
use feiqian_core::order::OrderState;
use feiqian_core::order::pay::Refusal;
use feiqian_core::{OrderId, State, UnixMillis, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask;
use super::auth::Shopper;
use super::error::ApiError;
use super::fields::{Amount, CampaignRef, OrderIdRef};
use super::granted::{Names, Offers, PassedOver};
use super::input::Id;
use super::responses::Sending;
use crate::platform::{Platform, unix_millis};

/// What an order would cost. With other payments, or later, it may be another.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quote {
    order_id: OrderIdRef,
    amount: Amount,
    #[serde(flatten)]
    offers: Offers,
    /// A campaign that has nothing left and wants the payer to be told: a payment must say `at_most`.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<CampaignRef>,
}

/// Tells what an order would cost the caller now
///
/// With each campaign's part, and why each other running campaign does not apply. Grants nothing and
/// promises nothing: pay with `at_most` so as not to pay more.
#[utoipa::path(
    post, path = "/v1/orders/{id}/quote",
    operation_id = "quote_order", tag = "orders", params(("id" = OrderIdRef, Path)),
    responses(
        (status = 200, body = Quote, description = "What it would cost"),
        Sending,
    )
)]
pub async fn quote(
    Shopper(payer): Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<Quote>, ApiError> {
    let now = unix_millis();
    let read = move |state: &State| state.order(id).map(|_| quoted(state, now, id, payer));
    if let Some(quoted) = platform.engine.read(read).await? {
        return Ok(Json(quoted?));
    }
    // What is not in memory is not open any more.
    let refusal = match ask(&platform, move |store| store.order(id)).await? {
        Some(story) => settled(&story.order().state).unwrap_or(Refusal::OrderClosed),
        None => Refusal::OrderNotFound,
    };
    Err(refusal.into())
}

fn settled(state: &OrderState) -> Option<Refusal> {
    match state {
        OrderState::Open => None,
        OrderState::Paid(_) => Some(Refusal::AlreadyPaid),
        OrderState::Closed | OrderState::Reversed(_) => Some(Refusal::OrderClosed),
    }
}

fn quoted(state: &State, now: UnixMillis, id: OrderId, payer: UserId) -> Result<Quote, Refusal> {
    let order = state.order(id).ok_or(Refusal::OrderNotFound)?;
    if let Some(refusal) = settled(&order.state) {
        return Err(refusal);
    }
    if now >= order.expires_at {
        return Err(Refusal::OrderExpired);
    }
    if state.user(payer).is_none() {
        return Err(Refusal::PayerNotFound);
    }
    if order.only_payer.is_some_and(|only| only != payer) {
        return Err(Refusal::OtherPayer);
    }
    let mut reasons = Vec::new();
    let choice = choose(state, now, order, payer, |campaign, why| {
        reasons.push((campaign, why))
    });
    let granted = &choice.granted;
    let noted = reasons.iter().map(|(campaign, _)| *campaign);
    let names = Names::read(state, super::granted::campaigns_of(granted).chain(noted));
    let reasons = reasons
        .iter()
        .map(|(campaign, why)| PassedOver::of(*campaign, *why, &names));
    let offers = Offers::of(
        order.amount,
        Some(granted),
        RebateStage::Waits,
        None,
        &names,
    );
    Ok(Quote {
        order_id: id.into(),
        amount: order.amount.into(),
        offers: offers.with_passed_over(reasons.collect()),
        told: choice.told.map(Into::into),
    })
}
