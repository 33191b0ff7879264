//! What a scanned text is, and orders made from a shop's static code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Shopper;
use crate::codes::{self, OrderError};
use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{Amount, Text};
use crate::v1::input::{Id, Input, Key};
use crate::v1::scanned::{Scanned, Seen, read};

/// POST scan
pub async fn scan(
    _: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(seen): Input<Seen>,
) -> Result<Json<Scanned>, ApiError> {
    read(&platform, &seen).await.map(Json)
}

/// What the shopper adds to a static code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    amount: Option<Amount>,
    note: Option<Text<60>>,
}

/// The order that was made.
#[derive(Debug, Serialize)]
pub struct Token {
    token: String,
}

/// POST merchant-codes/{code}/orders
pub async fn order(
    Shopper { user, .. }: Shopper,
    Id(code): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewOrder>,
) -> Result<(StatusCode, Json<Token>), ApiError> {
    let (amount, note) = (new.amount.map(Into::into), new.note.map(|text| text.0));
    let made = codes::order_from_code(&platform, &code, amount, note.as_deref(), user, &number);
    let order = made.await.map_err(|error| {
        let message = error.to_string();
        match error {
            OrderError::CodeNotFound => ApiError::not_found("code_not_found", "merchant code"),
            OrderError::AmountMissing => ApiError::invalid("amount_missing", message).at("amount"),
            OrderError::OtherAmount(_) => {
                ApiError::new(ErrorType::Refused, "other_amount", message).at("amount")
            }
            OrderError::Rejected(rejected) => rejected.into(),
            OrderError::Platform(error) => error.into(),
        }
    })?;
    let token = platform.ids.code_token(order.0.0);
    Ok((StatusCode::CREATED, Json(Token { token })))
}
