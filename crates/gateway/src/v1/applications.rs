//! Shops that apply to become merchants: an operator looks, approves or says why not.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::merchant::Category;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::{MerchantId, Number, UnixMillis};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Operator;
use super::error::{ApiError, ErrorType};
use super::fields::{BadText, Cursor, FeeBps, MerchantRef, Reason, Time};
use super::input::{Id, Input, PAGE_DEFAULT, Page, Queried, limit};
use super::merchants::{MerchantAdded, make};
use super::responses::{Asking, Sending};
use crate::app::staff::StaffRole;
use crate::app::till::crew;
use crate::desk::applications::{self, Status};
use crate::desk::trail::Note;
use crate::platform::{Platform, PlatformError};

/// Most applications that one page looks at; its cursor goes on from there.
const LOOKED_AT_MAX: u64 = 2_000;

/// `app_3`.
pub struct ApplicationRef(u64);

impl FromStr for ApplicationRef {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let number = text.strip_prefix("app_").and_then(|text| text.parse().ok());
        number
            .filter(|number| format!("app_{number}") == text)
            .map(Self)
            .ok_or(BadText("an id here is app_ and a number"))
    }
}

/// A shop's application.
#[derive(Debug, Serialize, ToSchema)]
pub struct Application {
    /// `app_3`.
    id: String,
    at: Time,
    status: Status,
    /// What the public shall call it.
    name: String,
    /// A merchant category code of ISO 18245.
    #[schema(pattern = "^[0-9]{4}$")]
    category: String,
    contact_name: String,
    phone: String,
    /// With what its owner will sign in to the till.
    owner_name: String,
    /// What the shop is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_id: Option<MerchantRef>,
}

impl From<applications::Application> for Application {
    fn from(application: applications::Application) -> Self {
        let shop = application.shop;
        Self {
            id: format!("app_{}", application.number),
            at: Time(UnixMillis(application.at)),
            status: application.status,
            name: shop.name,
            category: format!("{:04}", shop.category),
            contact_name: shop.contact_name,
            phone: shop.phone,
            owner_name: shop.owner_name,
            note: application.note,
            decided_by: application.by,
            merchant_id: application.merchant.map(|id| MerchantId(id).into()),
        }
    }
}

/// Which applications.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// All if not said.
    #[param(inline, required = false)]
    status: Option<Status>,
    /// Entries of a page, 1 to 100; 20 if not said.
    #[serde(default, deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, required = false)]
    cursor: Option<Cursor>,
}

/// On what terms.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// Kept of each payment.
    fee_bps: FeeBps,
}

/// Why not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// The shop is told.
    reason: Reason,
}

/// How the owner first signs in to the till.
#[derive(Serialize, ToSchema)]
pub struct FirstOwner {
    name: String,
    /// Told this once.
    password: String,
}

/// The merchant that the shop is now.
#[derive(Serialize, ToSchema)]
pub struct ApplicationApproved {
    #[serde(flatten)]
    merchant: MerchantAdded,
    /// Absent if the owner was told before.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<FirstOwner>,
}

/// Lists applications, newest first
#[utoipa::path(
    get, path = "/v1/applications",
    operation_id = "list_applications", tag = "merchants", params(Which),
    responses(
        (status = 200, body = Page<Application>, description = "A page"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(which): Queried<Which>,
) -> Result<Json<Page<Application>>, ApiError> {
    Ok(Json(page(&platform, &which)?))
}

fn page(platform: &Platform, which: &Which) -> Result<Page<Application>, PlatformError> {
    let limit = which.limit.unwrap_or(PAGE_DEFAULT);
    let end = applications::len(platform)?;
    let end = which.cursor.map_or(end, |cursor| cursor.0.min(end));
    let (mut data, mut next) = (Vec::new(), end);
    for number in (end.saturating_sub(LOOKED_AT_MAX)..end).rev() {
        if data.len() == usize::from(limit) {
            break;
        }
        next = number;
        let row = applications::get(platform, number)?;
        let row = row.filter(|row| which.status.is_none_or(|status| row.status == status));
        data.extend(row.map(Application::from));
    }
    Ok(Page {
        data,
        next_cursor: (next > 0).then_some(Cursor(next)),
    })
}

/// Makes the shop a merchant: keys and the owner's password are told this once
#[utoipa::path(
    post, path = "/v1/applications/{id}/approve",
    operation_id = "approve_application", request_body = Approve, tag = "merchants", params(("id" = String, Path)),
    responses(
        (status = 200, body = ApplicationApproved, description = "It is a merchant"),
        Sending,
    )
)]
pub async fn approve(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(ApplicationRef(id)): Id<ApplicationRef>,
    Input(terms): Input<Approve>,
) -> Result<Json<ApplicationApproved>, ApiError> {
    let _held = platform.desk.deciding.lock().await;
    let mut application = waiting(&platform, id, Status::Approved)?;
    let number = Number::new(&format!("application-{id}"));
    let command = AddMerchant {
        number: number.map_err(|_| PlatformError::Record(format!("application {id}")))?,
        name: application.shop.name.clone(),
        category: Category(application.shop.category),
        fee: terms.fee_bps.into(),
    };
    let (_, merchant, id) = make(&platform, command, None).await?;
    let name = application.shop.owner_name.clone();
    let owner = match crew::join(&platform, id, &name, StaffRole::Owner).await {
        Ok((_, password)) => Some(FirstOwner {
            name,
            password: password.expose_secret().to_owned(),
        }),
        Err(error) if error.code() == "name_taken" => None,
        Err(error) => return Err(error),
    };
    application.status = Status::Approved;
    application.by = Some(by.as_str().to_owned());
    application.merchant = Some(id.0);
    applications::put(&platform, &application)?;
    Ok(Json(ApplicationApproved { merchant, owner }))
}

/// Says why the shop does not become a merchant
#[utoipa::path(
    post, path = "/v1/applications/{id}/reject",
    operation_id = "reject_application", request_body = Reject, tag = "merchants", params(("id" = String, Path)),
    responses(
        (status = 200, body = Application, description = "It is none"),
        Sending,
    )
)]
pub async fn reject(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    note: Note,
    Id(ApplicationRef(id)): Id<ApplicationRef>,
    Input(why): Input<Reject>,
) -> Result<Json<Application>, ApiError> {
    let _held = platform.desk.deciding.lock().await;
    note.why(&why.reason.0);
    let mut application = waiting(&platform, id, Status::Rejected)?;
    application.status = Status::Rejected;
    application.by = Some(by.as_str().to_owned());
    application.note = Some(why.reason.0);
    applications::put(&platform, &application)?;
    Ok(Json(application.into()))
}

/// The application, if it is not decided otherwise.
fn waiting(
    platform: &Platform,
    id: u64,
    wanted: Status,
) -> Result<applications::Application, ApiError> {
    let found = applications::get(platform, id)?;
    let found = found.ok_or_else(|| ApiError::not_found("application_not_found", "application"))?;
    let decided = matches!(found.status, Status::Approved | Status::Rejected);
    if decided && found.status != wanted {
        let message = "this application was decided already";
        return Err(ApiError::new(
            ErrorType::Refused,
            "already_decided",
            message,
        ));
    }
    Ok(found)
}
