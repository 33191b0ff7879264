//! Orders of the native API: what a merchant asks of a shopper, and giving it back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::OrderId;
use feiqian_core::order::OrderRef;
use feiqian_core::order::close::CloseOrder;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::refund::RefundOrder;
use feiqian_store::OrderStory;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::{Caller, Merchant};
use super::error::ApiError;
use super::fields::{Amount, Attach, Description, OrderIdRef, Reason, Time, UserRef};
use super::granted::Names;
use super::input::{Id, Input, Key, Made, Numbered};
use super::order_view::{Order, Refund, campaigns_back_in, may_see, refund_of, view};
use super::responses::{Asking, Sending};
use super::{ask, ask_now, misplaced};
use crate::access::Role;
use crate::platform::Platform;

/// A new order. Its number is the `Idempotency-Key`; all order numbers of a merchant, those of other
/// APIs (`out_trade_no`) too, are one series.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    amount: Amount,
    /// For what.
    description: Description,
    /// Given back with every answer about the order.
    attach: Option<Attach>,
    /// Until when it can be paid: within 7 days, which is what applies if it is not said.
    expires_at: Option<Time>,
    /// The only user who may pay.
    only_payer: Option<UserRef>,
}

/// How much is given back, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    amount: Amount,
    /// In the merchant's words.
    reason: Option<Reason>,
}

/// Creates an order
#[utoipa::path(
    post, path = "/v1/orders",
    operation_id = "create_order", request_body = NewOrder, tag = "orders", params(Numbered),
    responses(
        (status = 201, body = Order, description = "Created"),
        (status = 200, body = Order, description = "Created before"),
        Sending,
    )
)]
pub async fn create(
    Merchant(merchant): Merchant,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewOrder>,
) -> Result<Made<Order>, ApiError> {
    let terms = Terms {
        amount: new.amount.into(),
        channel: Channel::Scan,
        description: new.description.0,
        attach: new.attach.map(|text| text.0),
        notify: None,
        expires_at: new.expires_at.map(|time| time.0),
        only_payer: new.only_payer.map(|user| user.0),
        echo: None,
    };
    let receipt = platform
        .engine
        .submit(CreateOrder {
            merchant,
            number,
            terms: terms.into(),
        })
        .await?;
    let id = OrderId(receipt.event);
    let story = ask_now(&platform, |store| store.order(id)).await?;
    let story = story.ok_or_else(|| misplaced(receipt.event))?;
    let value = view(&platform, id, &story, Role::merchant(merchant)).await?;
    Ok(Made {
        again: receipt.again,
        value,
    })
}

/// Shows an order with all that became of it
///
/// To operators, its merchant and its payer.
#[utoipa::path(
    get, path = "/v1/orders/{id}",
    operation_id = "get_order", tag = "orders", params(("id" = OrderIdRef, Path)),
    responses(
        (status = 200, body = Order, description = "The order"),
        Asking,
    )
)]
pub async fn show(
    Caller(role): Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<Order>, ApiError> {
    let story = find(&platform, id, role).await?;
    view(&platform, id, &story, role).await.map(Json)
}

/// The story of an order that `role` may know of.
pub(super) async fn find(
    platform: &Platform,
    id: OrderId,
    role: Role,
) -> Result<OrderStory, ApiError> {
    let story = ask(platform, move |store| store.order(id)).await?;
    story
        .filter(|story| may_see(role, story))
        .ok_or_else(unknown_order)
}

/// There is no such order, or it is nobody's business.
pub fn unknown_order() -> ApiError {
    ApiError::not_found("order_not_found", "order")
}

/// Gives back part or all of a paid order
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds",
    operation_id = "refund_order", request_body = NewRefund, tag = "orders", params(("id" = OrderIdRef, Path), Numbered),
    responses(
        (status = 201, body = Refund, description = "Given back"),
        (status = 200, body = Refund, description = "Given back before"),
        Sending,
    )
)]
pub async fn refund(
    Merchant(merchant): Merchant,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
    Key(number): Key,
    Input(new): Input<NewRefund>,
) -> Result<Made<Refund>, ApiError> {
    let story = find(&platform, id, Role::merchant(merchant)).await?;
    let command = RefundOrder {
        merchant,
        number,
        order: OrderRef::Id(id),
        amount: new.amount.into(),
        order_amount: story.created.terms.amount,
        reason: new.reason.map(|text| text.0.into()),
        notify: None,
    };
    let receipt = platform.engine.submit(command).await?;
    let event = ask_now(&platform, |store| store.event(receipt.event)).await?;
    let event = event.ok_or_else(|| misplaced(receipt.event))?;
    let names = Names::of(&platform, campaigns_back_in(&event)).await?;
    let value = refund_of(receipt.event, &event, true, &names);
    let value = value.ok_or_else(|| misplaced(receipt.event))?;
    Ok(Made {
        again: receipt.again,
        value,
    })
}

/// Closes an unpaid order; one that is closed stays so
#[utoipa::path(
    post, path = "/v1/orders/{id}/close",
    operation_id = "close_order", tag = "orders", params(("id" = OrderIdRef, Path)),
    responses(
        (status = 200, body = Order, description = "The order"),
        Sending,
    )
)]
pub async fn close(
    Merchant(merchant): Merchant,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<Order>, ApiError> {
    platform
        .engine
        .submit(CloseOrder {
            merchant,
            order: OrderRef::Id(id),
        })
        .await?;
    let role = Role::merchant(merchant);
    let story = find(&platform, id, role).await?;
    view(&platform, id, &story, role).await.map(Json)
}
