//! What a scanned text is, and orders made from a shop's static code.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Shopper;
use crate::codes::{self, OrderError};
use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::{Amount, Text};
use crate::v1::input::{Input, Key};
use crate::v1::order_view::Shop;

/// A text as it was scanned: no QR code holds more letters (ISO/IEC 18004, version 40-L).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    text: Text<4296>,
}

/// What it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Scanned {
    /// An order to be paid.
    Order {
        /// Of its link.
        token: String,
    },
    /// A shop's static code.
    Merchant {
        /// Names it.
        code: String,
        /// Whose.
        shop: Shop,
        /// Absent when the shopper says how much.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<i64>,
        /// Always so: a changed one is refused.
        signed: bool,
    },
    /// A red packet.
    Packet {
        /// Of its link.
        token: String,
    },
    /// A person to whom money can be sent.
    User {
        /// Theirs.
        handle: String,
    },
    /// Another system's merchant code.
    Foreign {
        /// As it says.
        merchant_name: String,
        /// As it says.
        city: String,
        /// As it says.
        country: String,
        /// As it says, in its own currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<String>,
    },
}

fn not_understood(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorType::Refused, "not_understood", message).at("text")
}

/// POST scan
pub async fn scan(
    _: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(seen): Input<Seen>,
) -> Result<Json<Scanned>, ApiError> {
    let scanned = codes::scan(&platform, &seen.text.0);
    Ok(Json(
        match scanned.map_err(|error| not_understood(error.to_string()))? {
            codes::Scanned::Order(token) => Scanned::Order { token },
            codes::Scanned::Merchant {
                token,
                asks,
                signed,
            } => Scanned::Merchant {
                code: token,
                shop: Shop {
                    id: asks.merchant.into(),
                    name: platform.shop_name(asks.merchant).await?,
                },
                amount: asks.amount.map(|fen| fen.0),
                signed,
            },
            codes::Scanned::Packet(token) => {
                let known = platform.ids.read_packet_token(&token);
                known.ok_or_else(|| not_understood("this is no link of a red packet here"))?;
                Scanned::Packet { token }
            }
            codes::Scanned::User(handle) => Scanned::User { handle },
            codes::Scanned::Foreign(code) => Scanned::Foreign {
                merchant_name: code.name,
                city: code.city,
                country: code.country,
                amount: code.amount,
            },
        },
    ))
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
    Path(code): Path<String>,
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
