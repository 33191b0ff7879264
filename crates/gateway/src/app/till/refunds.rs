//! Refunds at a till: a cashier gives back up to the shop's limit of an order, more with an owner's password.

use std::sync::Arc;

use axum::extract::State as Extract;
use feiqian_core::numbers::{Key as NumberKey, Scope};
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::{OrderRef, OrderState};
use feiqian_core::{Fen, Number};
use secrecy::SecretString;
use serde::Deserialize;

use super::number_of;
use super::password;
use super::view::{self, TillOrder};
use crate::app::session::Staff;
use crate::app::staff::{self, StaffRole};
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{Amount, Name, OrderIdRef, Reason};
use crate::v1::input::{Id, Input, Key, Made};

/// How much is given back, why, and who agrees.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    amount: Amount,
    reason: Option<Reason>,
    owner: Option<Owner>,
}

/// An owner who agrees.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    name: Name,
    password: SecretString,
}

/// Gives back part or all of a paid order.
pub async fn give(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
    Key(number): Key,
    Input(new): Input<NewRefund>,
) -> Result<Made<TillOrder>, ApiError> {
    let number = number_of(&staff, number)?;
    let agreed = match new.owner {
        Some(owner) => {
            agree(&platform, &staff, owner).await?;
            true
        }
        None => false,
    };
    // One at a time: several small ones at once must not make a large one.
    let _held = platform.apps.refunding.lock().await;
    let story = view::find(&platform, staff.merchant, id).await?;
    if !agreed && !is_known(&platform, &staff, number).await? {
        let before = match story.order().state {
            OrderState::Paid(paid) => paid.refunded,
            OrderState::Open | OrderState::Closed | OrderState::Reversed(_) => Fen::ZERO,
        };
        let amount: Fen = new.amount.into();
        may_give_back(
            &platform,
            &staff,
            before.plus(amount).unwrap_or(Fen(i64::MAX)),
        )?;
    }
    let command = RefundOrder {
        merchant: staff.merchant,
        number,
        order: OrderRef::Id(id),
        amount: new.amount.into(),
        order_amount: story.created.terms.amount,
        reason: new.reason.map(|text| text.0.into()),
        notify: None,
    };
    let receipt = platform.engine.submit(command).await?;
    Ok(Made {
        again: receipt.again,
        value: view::show(&platform, staff.merchant, id).await?,
    })
}

/// A cashier gives back so much of an order at most.
///
/// # Errors
/// 422 `owner_required`.
pub fn may_give_back(platform: &Platform, staff: &Staff, whole: Fen) -> Result<(), ApiError> {
    let limit = staff::read(platform, staff.merchant)?.refund_limit();
    if staff.role == StaffRole::Owner || whole <= limit {
        return Ok(());
    }
    let message = "this is more than a cashier may give back; an owner signs for it";
    Err(ApiError::new(ErrorType::Refused, "owner_required", message).at("owner"))
}

/// An owner of the same shop gives name and password.
async fn agree(platform: &Arc<Platform>, staff: &Staff, owner: Owner) -> Result<(), ApiError> {
    let name = owner.name.0.trim().to_owned();
    let proved = password::prove(platform, Some(staff.merchant), name, owner.password).await;
    let refused = |code, message| ApiError::new(ErrorType::Refused, code, message).at("owner");
    match proved {
        Ok(owner) if owner.role == StaffRole::Owner => Ok(()),
        Ok(_) => Err(refused("not_an_owner", "this is no owner of the shop")),
        Err(error) if error.code() == "sign_in_wrong" => {
            let message = "this owner's name and password do not belong together";
            Err(refused("owner_wrong", message))
        }
        Err(error) => Err(error),
    }
}

/// Whether this is a request that went through before.
async fn is_known(platform: &Platform, staff: &Staff, number: Number) -> Result<bool, ApiError> {
    let key = NumberKey {
        scope: Scope::Refunds(staff.merchant),
        number,
    };
    Ok(ask(platform, move |store| store.number(&key))
        .await?
        .is_some())
}
