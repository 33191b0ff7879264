//! Brands: the wallets that the public knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::bank::fee;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::brand::set_withdrawal_terms::SetWithdrawalTerms;
use feiqian_core::money::BasisPoints;
use feiqian_core::{Event, Fen, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approvals::{Approval, MadeOrPending, do_or_ask};
use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::fields::{Amount, BrandRef, Name, Time};
use super::input::{Id, Input, Key, Made, Numbered, Page};
use super::responses::{Asking, Sending};
use super::{ask, misplaced};
use crate::desk::approvals::Asked;
use crate::platform::Platform;

/// A brand.
#[derive(Serialize, ToSchema)]
pub struct Brand {
    id: BrandRef,
    /// What the public calls it.
    name: String,
}

/// A new brand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBrand {
    /// What the public calls it.
    name: Name,
}

/// Lists all brands
#[utoipa::path(
    get, path = "/v1/brands",
    operation_id = "list_brands", tag = "brands",
    responses(
        (status = 200, body = Page<Brand>, description = "All brands"),
        Asking,
    )
)]
pub async fn list(
    _: Caller,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Page<Brand>>, ApiError> {
    let read = |state: &State| {
        let brands = state.brands();
        brands
            .map(|(id, brand)| Brand {
                id: id.into(),
                name: brand.name.clone(),
            })
            .collect()
    };
    Ok(Json(Page {
        data: platform.engine.read(read).await?,
        next_cursor: None,
    }))
}

/// Adds a brand
#[utoipa::path(
    post, path = "/v1/brands",
    operation_id = "add_brand", request_body = NewBrand, tag = "brands", params(Numbered),
    responses(
        (status = 201, body = Brand, description = "Added"),
        (status = 200, body = Brand, description = "Added before"),
        Sending,
    )
)]
pub async fn add(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewBrand>,
) -> Result<Made<Brand>, ApiError> {
    let receipt = platform
        .engine
        .submit(AddBrand {
            number,
            name: new.name.0,
        })
        .await?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event adds brands"
    )]
    let value = match ask(&platform, move |store| store.event(receipt.event)).await? {
        Some(Event::BrandAdded(event)) => Brand {
            id: event.brand.into(),
            name: event.name,
        },
        _ => return Err(misplaced(receipt.event)),
    };
    Ok(Made {
        again: receipt.again,
        value,
    })
}

/// The operator's own money for a brand's reserve.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCapital {
    amount: Amount,
}

/// The operator's own money, in a brand's reserve.
#[derive(Serialize, ToSchema)]
pub struct Capital {
    brand_id: BrandRef,
    amount: Amount,
    at: Time,
}

/// Puts the operator's own money into a brand's reserve
///
/// What campaigns give to wallets leaves through the reserve when it is withdrawn: so it has to be there. Above
/// 100,000 yuan another operator agrees first.
#[utoipa::path(
    post, path = "/v1/brands/{id}/capital",
    operation_id = "fund_brand", request_body = NewCapital, tag = "brands", params(("id" = BrandRef, Path), Numbered),
    responses(
        (status = 201, body = Capital, description = "Put there"),
        (status = 200, body = Capital, description = "Put there before"),
        (status = 202, body = Approval, description = "So much needs a second operator: it waits"),
        Sending,
    )
)]
pub async fn fund(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(BrandRef(brand)): Id<BrandRef>,
    Key(number): Key,
    Input(new): Input<NewCapital>,
) -> Result<MadeOrPending<Capital>, ApiError> {
    let amount: Fen = new.amount.into();
    let asked = Asked::Capital {
        brand: brand.0,
        amount: amount.0,
    };
    let (number, again) = match do_or_ask(&platform, by, number, asked).await? {
        Ok(done) => done,
        Err(approval) => return Ok(MadeOrPending::Pending(approval)),
    };
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event funds brands"
    )]
    let value = match ask(&platform, move |store| store.event(number)).await? {
        Some(Event::BrandFunded(event)) => Capital {
            brand_id: event.brand.into(),
            amount: event.amount.into(),
            at: event.at.into(),
        },
        _ => return Err(misplaced(number)),
    };
    Ok(MadeOrPending::Made(Made { again, value }))
}

/// What a brand takes for withdrawals.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalTerms {
    /// So much is free for each user in each calendar month, in fen.
    #[schema(minimum = 0)]
    free_per_month: i64,
    /// Of what is above it, in basis points.
    #[schema(minimum = 0, maximum = 1000)]
    fee_bps: u16,
    /// Not less than this for a withdrawal that is not free, in fen.
    #[schema(minimum = 0, maximum = 10000)]
    fee_least: i64,
}

/// Shows what a brand takes for withdrawals
///
/// A brand whose terms nobody set takes nothing.
#[utoipa::path(
    get, path = "/v1/brands/{id}/withdrawal_terms",
    operation_id = "get_withdrawal_terms", tag = "brands", params(("id" = BrandRef, Path)),
    responses(
        (status = 200, body = WithdrawalTerms, description = "The terms"),
        Asking,
    )
)]
pub async fn withdrawal_terms(
    _: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(BrandRef(id)): Id<BrandRef>,
) -> Result<Json<WithdrawalTerms>, ApiError> {
    let read = move |state: &State| state.brand(id).map(|brand| brand.withdrawal_terms);
    let terms = platform.engine.read(read).await?;
    let terms = terms.ok_or_else(|| ApiError::not_found("brand_not_found", "brand"))?;
    let terms = terms.unwrap_or_default();
    Ok(Json(WithdrawalTerms {
        free_per_month: terms.free_per_month.0,
        fee_bps: terms.rate.0,
        fee_least: terms.least.0,
    }))
}

/// Sets what a brand takes for withdrawals, from now on
///
/// Withdrawals under way keep their fee. Setting the same terms again changes nothing.
#[utoipa::path(
    put, path = "/v1/brands/{id}/withdrawal_terms",
    operation_id = "set_withdrawal_terms", request_body = WithdrawalTerms, tag = "brands", params(("id" = BrandRef, Path)),
    responses(
        (status = 200, body = WithdrawalTerms, description = "The terms"),
        Sending,
    )
)]
pub async fn set_withdrawal_terms(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(BrandRef(brand)): Id<BrandRef>,
    Input(new): Input<WithdrawalTerms>,
) -> Result<Json<WithdrawalTerms>, ApiError> {
    let terms = fee::WithdrawalTerms {
        free_per_month: Fen(new.free_per_month),
        rate: BasisPoints(new.fee_bps),
        least: Fen(new.fee_least),
    };
    let command = SetWithdrawalTerms { brand, terms };
    platform.engine.submit(command).await?;
    Ok(Json(new))
}
