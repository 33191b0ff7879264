//! What the till asks: `/app/till`.
//!
//! Whoever works a till signs in with a password of their own ([`crew`], [`password`]). An order's and a
//! refund's number begins with who made it, so the log itself tells whose shift it belongs to ([`made_by`]).

pub mod crew;
pub mod password;

pub mod apply;
pub mod sign_in;

pub mod view;

pub mod asked;
pub mod live;
pub mod orders;
pub mod refunds;

pub mod sticker;

pub mod shifts;
pub mod takings;

use axum::Router;
use axum::routing::{delete, get, patch, post};
use feiqian_core::Number;

use super::session::Staff;
use crate::server::App;
use crate::v1::error::ApiError;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/app/till/session",
            post(sign_in::begin).delete(sign_in::end),
        )
        .route("/app/till/applications", post(apply::apply))
        .route("/app/till/me", get(sign_in::me))
        .route("/app/till/password", post(sign_in::change_password))
        .route("/app/till/staff", get(crew::list).post(crew::add))
        .route("/app/till/staff/{id}", delete(crew::remove))
        .route("/app/till/shop", patch(crew::change_shop))
        .route("/app/till/orders", get(orders::list).post(orders::create))
        .route("/app/till/charges", post(orders::charge))
        .route("/app/till/orders/{id}", get(orders::show))
        .route("/app/till/orders/{id}/events", get(live::stream))
        .route("/app/till/orders/{id}/close", post(orders::close))
        .route("/app/till/orders/{id}/reverse", post(orders::reverse))
        .route("/app/till/orders/{id}/refunds", post(refunds::give))
        .route("/app/till/sticker.svg", get(sticker::svg))
        .route("/app/till/sticker.png", get(sticker::png))
        .route("/app/till/sticker.pdf", get(sticker::pdf))
        .route("/app/till/today", get(takings::today))
        .route("/app/till/shift", get(shifts::show))
        .route("/app/till/shift/close", post(shifts::close))
}

/// The number under which a shop keeps what this person asks for: who it was, and the request's own.
fn number_of(staff: &Staff, number: Number) -> Result<Number, ApiError> {
    Number::new(&format!("till{}-{}", staff.staff, number.as_str())).map_err(|_| {
        let message = "at a till, a number has at most 48 characters";
        ApiError::invalid("number_bad", message).at("Idempotency-Key")
    })
}

/// Who of the shop made what bears this number, if a till did.
fn made_by(number: &Number) -> Option<u32> {
    let (staff, _) = number.as_str().strip_prefix("till")?.split_once('-')?;
    staff.parse().ok()
}

#[cfg(test)]
mod tests {
    use feiqian_core::MerchantId;

    use super::*;
    use crate::app::staff::StaffRole;

    #[test]
    fn a_number_says_who_made_it() {
        let staff = Staff {
            merchant: MerchantId(1),
            staff: 7,
            role: StaffRole::Cashier,
        };
        let own = Number::new("0b29f1a4-7f3e-4d0b-9a0c-2f1f6f8f5f10").unwrap();
        let number = number_of(&staff, own).unwrap();
        assert_eq!(made_by(&number), Some(7));
        for foreign in ["till-1", "tillx-1", "7-1", "order-till7-1"] {
            assert_eq!(made_by(&Number::new(foreign).unwrap()), None, "{foreign}");
        }
    }
}
