//! The cashier: an order that was scanned, what it costs, and paying it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::{Attempt, OrderState};
use feiqian_core::{Account, EventNumber, Fen, OrderId, State, UserId};
use serde::{Deserialize, Serialize};

use super::offers::Quote;
use super::receipts::{self, Receipt};
use super::words::Language;
use super::{Shopper, SignedShopper};
use crate::app::pin;
use crate::platform::{Platform, unix_millis};
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, OrderIdRef, Time};
use crate::v1::input::{Id, Made};
use crate::v1::order_view::{OrderStatus, Shop, status};
use crate::v1::orders::unknown_order;
use crate::v1::{ask, misplaced};

/// An order as its shopper sees it.
#[derive(Debug, Serialize)]
pub struct CashierOrder {
    order_id: OrderIdRef,
    token: String,
    shop: Shop,
    description: String,
    amount: Amount,
    status: OrderStatus,
    /// While it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<Quote>,
    needs_pin: bool,
    balance: i64,
    expires_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

/// What the shopper agrees to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    pub(super) at_most: Amount,
    pub(super) pin: Option<String>,
}

/// The order of a code's link.
pub(super) fn order_of(platform: &Platform, token: &str) -> Result<OrderId, ApiError> {
    let number = platform.ids.read_code_token(token);
    let number = number.ok_or_else(unknown_order)?;
    Ok(OrderId(EventNumber(number)))
}

/// GET orders/{token}
pub async fn show(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
    Id(token): Id<String>,
) -> Result<Json<CashierOrder>, ApiError> {
    let id = order_of(&platform, &token)?;
    view(&platform, user, language, id).await.map(Json)
}

async fn view(
    platform: &Platform,
    user: UserId,
    language: Language,
    id: OrderId,
) -> Result<CashierOrder, ApiError> {
    let story = ask(platform, move |store| store.order(id)).await?;
    let story = story.ok_or_else(unknown_order)?;
    let created = &story.created;
    let for_another = created.terms.only_payer.is_some_and(|only| only != user);
    if for_another {
        return Err(feiqian_core::order::pay::Refusal::OtherPayer.into());
    }
    let (quote, balance) = quoted(platform, user, language, id).await?;
    let status = status(&story);
    Ok(CashierOrder {
        order_id: id.into(),
        token: platform.ids.code_token(id.0.0),
        shop: Shop {
            id: created.merchant.into(),
            name: platform.shop_name(created.merchant).await?,
        },
        description: created.terms.description.clone(),
        amount: created.terms.amount.into(),
        status,
        needs_pin: match &quote {
            Some(quote) => pin::is_needed(platform, user, quote.to_pay())?,
            None => false,
        },
        quote: quote.filter(|_| status == OrderStatus::Open),
        balance: balance.0,
        expires_at: created.expires_at.into(),
        receipt: receipts::of_order(platform, user, language, id).await?,
    })
}

/// What an open order would cost this user now, and what the wallet has.
pub(super) async fn quoted(
    platform: &Platform,
    user: UserId,
    language: Language,
    id: OrderId,
) -> Result<(Option<Quote>, Fen), ApiError> {
    let now = unix_millis();
    let read = move |state: &State| {
        let open = state
            .order(id)
            .filter(|order| matches!(order.state, OrderState::Open) && now < order.expires_at);
        let quote = open.map(|order| Quote::of(state, now, order, user, language));
        (quote, state.balance(Account::Wallet(user)))
    };
    let (quote, balance) = platform.engine.read(read).await?;
    Ok((quote, balance.unwrap_or_default()))
}

/// POST orders/{token}/pay
pub async fn pay(
    language: Language,
    Id(token): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Agreed>,
) -> Result<Made<Receipt>, ApiError> {
    let order = order_of(&platform, &token)?;
    pay_order(&platform, language, order, signed).await
}

/// Pays what was agreed to, and shows the receipt; the same number again shows it again.
pub(super) async fn pay_order(
    platform: &Arc<Platform>,
    language: Language,
    order: OrderId,
    signed: SignedShopper<Agreed>,
) -> Result<Made<Receipt>, ApiError> {
    let SignedShopper {
        shopper,
        number,
        value: agreed,
    } = signed;
    let at_most = agreed.at_most.into();
    pin::check(platform, shopper, number, agreed.pin.as_deref(), at_most).await?;
    let recorded = platform
        .engine
        .submit(PayOrder {
            order,
            payer: shopper.user,
            attempt: Attempt::of(&number),
            at_most: Some(at_most),
        })
        .await?;
    let receipt = receipts::of_order(platform, shopper.user, language, order).await?;
    Ok(Made {
        again: recorded.again,
        value: receipt.ok_or_else(|| misplaced(recorded.event))?,
    })
}
