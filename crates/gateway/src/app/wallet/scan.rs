//! What a scanned text is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};

use super::Shopper;
use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::Text;
use crate::v1::input::Input;

/// A text as it was scanned: no QR code holds more letters (ISO/IEC 18004, version 40-L).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    text: Text<4296>,
}

/// What it is.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Scanned {
    /// An order to be paid.
    Order {
        /// Of its link.
        token: String,
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
}

/// POST scan
pub async fn scan(
    _: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Input(seen): Input<Seen>,
) -> Result<Json<Scanned>, ApiError> {
    let text = seen.text.0.trim();
    link(&platform, text).map(Json).ok_or_else(|| {
        let message = "this is no code of a payment, red packet or person here";
        ApiError::new(ErrorType::Refused, "not_understood", message).at("text")
    })
}

/// One of our own links, whatever name the server was reached by: a token proves itself.
fn link(platform: &Platform, text: &str) -> Option<Scanned> {
    let (_, path) = text.rsplit_once("/q/").unwrap_or(("", text));
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if let Some(handle) = path.strip_prefix("u/") {
        let handle = handle.to_owned();
        return Some(Scanned::User { handle });
    }
    if let Some(token) = path.strip_prefix("p/") {
        platform.ids.read_packet_token(token)?;
        let token = token.to_owned();
        return Some(Scanned::Packet { token });
    }
    platform.ids.read_code_token(path)?;
    let token = path.to_owned();
    Some(Scanned::Order { token })
}
