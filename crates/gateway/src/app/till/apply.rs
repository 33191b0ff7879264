//! A shop asks to become a merchant. Anybody may; an operator answers.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};

use crate::app::blocking;
use crate::desk::applications::{self, Shop};
use crate::platform::Platform;
use crate::v1::auth::{Anybody, Peer};
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{Name, Text};
use crate::v1::input::{Input, Key, Made};
use crate::v1::merchants::CategoryText;

/// What the shop writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApplication {
    name: Name,
    category: CategoryText,
    contact_name: Name,
    phone: Text<20>,
    owner_name: Text<32>,
}

/// It waits for an operator.
#[derive(Serialize)]
pub struct Taken {
    id: String,
    status: applications::Status,
}

/// Takes an application.
pub async fn apply(
    _: Anybody,
    Peer(peer): Peer,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewApplication>,
) -> Result<Made<Taken>, ApiError> {
    platform.limiter.allow_code(peer)?;
    let phone = new.phone.0.trim().to_owned();
    let digits = phone.strip_prefix('+').unwrap_or(&phone);
    if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "a phone number is 7 to 15 digits, perhaps after a +";
        return Err(ApiError::invalid("phone_bad", message).at("phone"));
    }
    let trimmed = |text: String| text.trim().to_owned();
    let shop = Shop {
        name: trimmed(new.name.0),
        category: new.category.0.0,
        contact_name: trimmed(new.contact_name.0),
        phone,
        owner_name: trimmed(new.owner_name.0),
    };
    let _held = platform.desk.deciding.lock().await;
    let wanted = shop.clone();
    let taken = move |platform: &Platform| Ok(applications::add(platform, &number, shop)?);
    let full = || {
        let message = "too many applications wait; try again later";
        ApiError::new(ErrorType::Unavailable, "too_many_applications", message).retry_after(3_600)
    };
    let (application, again) = blocking(&platform, taken).await?.ok_or_else(full)?;
    if application.shop != wanted {
        let message = "this number was used for another application";
        let other = ApiError::new(ErrorType::Conflict, "number_reused", message);
        return Err(other.at("Idempotency-Key"));
    }
    let value = Taken {
        id: format!("app_{}", application.number),
        status: application.status,
    };
    Ok(Made { again, value })
}
