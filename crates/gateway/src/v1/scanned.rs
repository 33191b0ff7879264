//! What a scanned text is, of the native API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::error::{ApiError, ErrorType};
use super::fields::Text;
use super::input::Input;
use super::order_view::Shop;
use super::responses::Sending;
use crate::codes;
use crate::codes::emv::MerchantCode;
use crate::platform::Platform;

/// A text as it was scanned: no QR code holds more letters (ISO/IEC 18004, version 40-L).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// All of it.
    text: Text<4296>,
}

/// What it is.
#[derive(Debug, Serialize, ToSchema)]
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
        /// Fen; absent when the shopper says how much.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(minimum = 1)]
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
    Foreign(Foreign),
}

/// Another system's merchant code: an EMV payload whose checksum is right.
#[derive(Debug, Serialize, ToSchema)]
pub struct Foreign {
    /// As it says.
    merchant_name: String,
    /// As it says.
    city: String,
    /// As it says: ISO 3166-1 alpha-2.
    country: String,
    /// As it says, in its own currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    /// As it says: ISO 4217, three digits.
    currency: String,
    /// As it says: ISO 18245, four digits.
    category: String,
    /// Good for many payments, not for one.
    fixed: bool,
}

impl From<MerchantCode> for Foreign {
    fn from(code: MerchantCode) -> Self {
        Self {
            merchant_name: code.name,
            city: code.city,
            country: code.country,
            amount: code.amount,
            currency: format!("{:03}", code.currency),
            category: format!("{:04}", code.category),
            fixed: code.fixed,
        }
    }
}

fn not_understood(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorType::Refused, "not_understood", message).at("text")
}

/// What a scanned text is.
pub async fn read(platform: &Platform, seen: &Seen) -> Result<Scanned, ApiError> {
    let scanned = codes::scan(platform, &seen.text.0);
    let scanned = scanned.map_err(|error| not_understood(error.to_string()))?;
    Ok(match scanned {
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
        codes::Scanned::Foreign(code) => Scanned::Foreign(code.into()),
    })
}

/// Tells what a scanned text is
///
/// Links and payloads of this server, and EMV merchant codes of others, read strictly.
#[utoipa::path(
    post, path = "/v1/codes/read",
    operation_id = "read_code", request_body = Seen, tag = "codes",
    responses(
        (status = 200, body = Scanned, description = "What it is"),
        Sending,
    )
)]
pub async fn read_code(
    _: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Input(seen): Input<Seen>,
) -> Result<Json<Scanned>, ApiError> {
    read(&platform, &seen).await.map(Json)
}
