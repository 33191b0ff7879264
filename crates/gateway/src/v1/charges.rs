//! Charges of the native API: the till scanned a shopper's pay code.

use std::sync::Arc;

use axum::extract::State as Extract;
use feiqian_core::order::OrderState;
use feiqian_core::order::create::{Channel, Terms};
use feiqian_core::{MerchantId, Number};
use feiqian_store::OrderStory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Merchant;
use super::error::ApiError;
use super::fields::{Amount, Attach, Description, Text, Time};
use super::input::{Input, Key, Made, Numbered};
use super::order_view::{Order, view};
use super::responses::Sending;
use super::{ask, ask_now, misplaced};
use crate::access::Role;
use crate::paycode::charge::charge as charge_code;
use crate::platform::Platform;
use crate::wechat::find::{self, Found};

/// A new charge. Its number is the `Idempotency-Key`, one of the merchant's order numbers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCharge {
    amount: Amount,
    /// For what.
    description: Description,
    /// Given back with every answer about the order.
    attach: Option<Attach>,
    /// Until when the shopper can agree, where that is needed: within 7 days, which is what applies if it is
    /// not said.
    expires_at: Option<Time>,
    /// As it was scanned: 18 digits, or the EMV payload that holds them.
    pay_code: Text<512>,
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargeStatus {
    /// The merchant has the money.
    Succeeded,
    /// The shopper is asked on the phone: ask for the order until it is paid or closed, or close it.
    AwaitingShopper,
    /// Ended unpaid, or undone.
    Ended,
}

/// A charge.
#[derive(Debug, Serialize, ToSchema)]
pub struct Charge {
    status: ChargeStatus,
    order: Order,
}

/// Charges a shopper's pay code
///
/// Creates the order, spends the code on it and pays it. Above what the shopper lets pass unasked the answer is
/// `awaiting_shopper`. Refused with `pay_code_invalid`, `pay_code_expired`, `pay_code_spent` (422: scan a fresh
/// one), `too_many_wrong_codes` (429), and as payments are. Send the same `Idempotency-Key` when trying again,
/// with a fresh code where one is needed: an order is paid once.
#[utoipa::path(
    post, path = "/v1/charges",
    operation_id = "charge_pay_code", request_body = NewCharge, tag = "orders", params(Numbered),
    responses(
        (status = 201, body = Charge, description = "Charged, or the shopper is asked"),
        (status = 200, body = Charge, description = "Charged before"),
        Sending,
    )
)]
pub async fn charge(
    Merchant(merchant): Merchant,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewCharge>,
) -> Result<Made<Charge>, ApiError> {
    let terms = Terms {
        amount: new.amount.into(),
        channel: Channel::PayCode,
        description: new.description.0,
        attach: new.attach.map(|text| text.0),
        notify: None,
        expires_at: new.expires_at.map(|time| time.0),
        only_payer: None,
        echo: None,
    };
    let before = charged_before(&platform, merchant, number, &terms).await?;
    let again = before.is_some();
    let Found { id, story } = match before {
        Some(found) => found,
        None => {
            let code = &new.pay_code.0;
            let charged = charge_code::<ApiError>(&platform, merchant, number, terms, code).await;
            let (id, _) = charged?;
            let found = ask_now(&platform, |store| find::by_id(store, merchant, id)).await?;
            found.ok_or_else(|| misplaced(id.0))?
        }
    };
    let status = became(&story).ok_or_else(|| misplaced(id.0))?;
    let order = view(&platform, id, &story, Role::merchant(merchant)).await?;
    let value = Charge { status, order };
    Ok(Made { again, value })
}

/// The order of this number, if a code was charged for it in these terms: it is answered without looking at the
/// code, which is spent. Other terms the rules refuse.
pub(crate) async fn charged_before(
    platform: &Platform,
    merchant: MerchantId,
    number: Number,
    terms: &Terms,
) -> Result<Option<Found>, ApiError> {
    let found = ask(platform, move |store| {
        find::by_number(store, merchant, number)
    })
    .await?;
    Ok(
        found
            .filter(|found| *found.story.created.terms == *terms && became(&found.story).is_some()),
    )
}

/// None: no code has been spent on it, so it can still be charged.
fn became(story: &OrderStory) -> Option<ChargeStatus> {
    let order = story.order();
    match order.state {
        OrderState::Paid(_) => Some(ChargeStatus::Succeeded),
        OrderState::Closed | OrderState::Reversed(_) => Some(ChargeStatus::Ended),
        OrderState::Open if order.shown.as_ref().is_some_and(|shown| shown.asked) => {
            Some(ChargeStatus::AwaitingShopper)
        }
        OrderState::Open => None,
    }
}
