//! Merchants: shops that take payments.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::merchant::change::ChangeMerchant;
use feiqian_core::merchant::{self, Category};
use feiqian_core::{MerchantId, State};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Operator};
use super::error::{ApiError, ErrorType};
use super::fields::{Cursor, FeeBps, MerchantRef, Name};
use super::input::{Id, Input, Key, Made, Numbered, Page, Paging};
use super::responses::{Asking, Sending};
use super::users::{NewKey, grant};
use crate::access::Role;
use crate::platform::{MerchantCredentials, Platform};

/// Longest certificate, in characters.
const CERTIFICATE_MAX: usize = 16_384;

/// May the merchant take payments?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatus {
    /// Yes.
    Active,
    /// Not now; it can still give refunds.
    Paused,
}

impl From<MerchantStatus> for merchant::MerchantStatus {
    fn from(status: MerchantStatus) -> Self {
        match status {
            MerchantStatus::Active => Self::Active,
            MerchantStatus::Paused => Self::Paused,
        }
    }
}

impl From<merchant::MerchantStatus> for MerchantStatus {
    fn from(status: merchant::MerchantStatus) -> Self {
        match status {
            merchant::MerchantStatus::Active => Self::Active,
            merchant::MerchantStatus::Paused => Self::Paused,
        }
    }
}

/// A merchant.
#[derive(Clone, Serialize, ToSchema)]
pub struct Merchant {
    pub(crate) id: MerchantRef,
    /// What the public calls it.
    pub(crate) name: String,
    /// Its trade: a merchant category code of ISO 18245.
    #[schema(pattern = "^[0-9]{4}$")]
    pub(crate) category: String,
    /// Kept of each payment.
    pub(crate) fee_bps: FeeBps,
    pub(crate) status: MerchantStatus,
    /// Its number for WeChat Pay's SDKs.
    pub(crate) mchid: String,
    /// Its app id for WeChat Pay's SDKs.
    pub(crate) appid: String,
}

/// A new merchant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMerchant {
    /// What the public calls it.
    name: Name,
    /// Its trade: a merchant category code of ISO 18245.
    #[schema(value_type = String, pattern = "^[0-9]{4}$", examples("5812"))]
    category: CategoryText,
    /// Kept of each payment.
    fee_bps: FeeBps,
    /// Its own certificate (X.509, RSA); without one a pair is made here.
    #[schema(value_type = Option<String>, max_length = 16384)]
    certificate_pem: Option<Pem>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CategoryText(pub(crate) Category);

impl TryFrom<String> for CategoryText {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let code = text.parse().ok().filter(|_| digits);
        code.map(|code| Self(Category(code)))
            .ok_or("a category is a four-digit code of ISO 18245")
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Pem(String);

impl TryFrom<String> for Pem {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        (text.len() <= CERTIFICATE_MAX)
            .then_some(Self(text))
            .ok_or("a certificate is shorter")
    }
}

/// What a merchant's engineer puts into an SDK.
#[derive(Serialize, ToSchema)]
pub struct Credentials {
    /// Serial number of the certificate.
    serial_no: String,
    /// X.509.
    certificate_pem: String,
    /// PKCS#8. Told once in production; absent if the merchant brought its own certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_pem: Option<String>,
    /// Opens notices of WeChat Pay v3.
    api_v3_key: String,
    /// Signs requests of WeChat Pay v2.
    api_v2_key: String,
}

/// A merchant that was added, with its keys.
#[derive(Serialize, ToSchema)]
pub struct MerchantAdded {
    #[serde(flatten)]
    merchant: Merchant,
    credentials: Credentials,
}

/// What is to be changed; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MerchantChange {
    /// From now on; orders already paid keep theirs.
    fee_bps: Option<FeeBps>,
    status: Option<MerchantStatus>,
}

/// What a merchant is owed.
#[derive(Serialize, ToSchema)]
pub struct MerchantBalance {
    merchant_id: MerchantRef,
    /// Fen, the hundredth of a yuan.
    #[schema(minimum = 0)]
    available: i64,
}

/// There is no such merchant.
pub(super) fn unknown_merchant() -> ApiError {
    ApiError::not_found("merchant_not_found", "merchant")
}

/// A merchant as it is shown.
pub async fn view(
    platform: &Platform,
    id: MerchantId,
    row: merchant::Merchant,
) -> Result<Merchant, ApiError> {
    let number = u64::from(id.0);
    Ok(Merchant {
        id: id.into(),
        name: platform.shop_name(id).await?,
        category: format!("{:04}", row.category.0),
        fee_bps: FeeBps(row.fee.0),
        status: row.status.into(),
        mchid: crate::wechat::ids::mchid(number),
        appid: platform.ids.appid(number),
    })
}

/// The merchant, if there is one.
pub(super) async fn find(
    platform: &Platform,
    id: MerchantId,
) -> Result<merchant::Merchant, ApiError> {
    let read = move |state: &State| state.merchant(id).copied();
    platform
        .engine
        .read(read)
        .await?
        .ok_or_else(unknown_merchant)
}

/// A page of merchants, in the order of adding.
pub async fn page(platform: &Platform, paging: Paging) -> Result<Page<Merchant>, ApiError> {
    let (limit, from) = (paging.limit(), paging.cursor.map_or(0, |cursor| cursor.0));
    let read = move |state: &State| {
        let ids = u32::try_from(from)
            .ok()
            .map(|from| from..=u32::MAX)
            .into_iter()
            .flatten();
        ids.map(MerchantId)
            .map_while(|id| Some((id, *state.merchant(id)?)))
            .take(limit.saturating_add(1))
            .collect::<Vec<_>>()
    };
    let rows = platform.engine.read(read).await?;
    let next = |(id, _): &(MerchantId, _)| Cursor(u64::from(id.0).saturating_add(1));
    let rows = Page::cut(rows, limit, next);
    let mut data = Vec::with_capacity(rows.data.len());
    for (id, row) in rows.data {
        data.push(view(platform, id, row).await?);
    }
    Ok(Page {
        data,
        next_cursor: rows.next_cursor,
    })
}

/// Lists merchants, in the order of adding
#[utoipa::path(
    get, path = "/v1/merchants",
    operation_id = "list_merchants", tag = "merchants", params(Paging),
    responses(
        (status = 200, body = Page<Merchant>, description = "A page"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    paging: Paging,
) -> Result<Json<Page<Merchant>>, ApiError> {
    page(&platform, paging).await.map(Json)
}

/// Shows a merchant
#[utoipa::path(
    get, path = "/v1/merchants/{id}",
    operation_id = "get_merchant", tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 200, body = Merchant, description = "The merchant"),
        Asking,
    )
)]
pub async fn show(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
) -> Result<Json<Merchant>, ApiError> {
    caller.may_see_merchant(id)?;
    let row = find(&platform, id).await?;
    view(&platform, id, row).await.map(Json)
}

/// Adds a merchant and tells its credentials
#[utoipa::path(
    post, path = "/v1/merchants",
    operation_id = "add_merchant", request_body = NewMerchant, tag = "merchants", params(Numbered),
    responses(
        (status = 201, body = MerchantAdded, description = "Added"),
        (status = 200, body = MerchantAdded, description = "Added before"),
        Sending,
    )
)]
pub async fn add(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewMerchant>,
) -> Result<Made<MerchantAdded>, ApiError> {
    let name = new.name.0;
    let command = AddMerchant {
        number,
        name,
        category: new.category.0,
        fee: new.fee_bps.into(),
    };
    let certificate = new.certificate_pem.map(|pem| pem.0);
    let brought = certificate.clone();
    let (again, value, _) = make(&platform, command, certificate).await?;
    // The rules do not know certificates, so they cannot compare them.
    if brought.is_some_and(|brought| brought != value.credentials.certificate_pem) {
        let message = "this number was used for another merchant";
        let conflict = ApiError::new(ErrorType::Conflict, "number_reused", message);
        return Err(conflict.at("Idempotency-Key"));
    }
    Ok(Made { again, value })
}

/// Adds a merchant: whether it was there before, and it with its credentials.
pub(super) async fn make(
    platform: &Arc<Platform>,
    command: AddMerchant,
    certificate: Option<String>,
) -> Result<(bool, MerchantAdded, MerchantId), ApiError> {
    let own = platform.clone();
    // Making a pair of keys keeps a processor busy for a while.
    let added = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(own.add_merchant(command, certificate))
    })
    .await
    .map_err(|error| ApiError::internal(&error))?;
    let (receipt, credentials) = added?;
    let id = credentials.merchant;
    let row = find(platform, id).await?;
    let added = MerchantAdded {
        merchant: view(platform, id, row).await?,
        credentials: credentials.into(),
    };
    Ok((receipt.again, added, id))
}

impl From<MerchantCredentials> for Credentials {
    fn from(credentials: MerchantCredentials) -> Self {
        let private_key_pem = credentials.private_key_pem.as_ref();
        Self {
            serial_no: credentials.serial_no,
            certificate_pem: credentials.certificate_pem,
            private_key_pem: private_key_pem.map(|pem| pem.expose_secret().to_owned()),
            api_v3_key: credentials.api_v3_key.expose_secret().to_owned(),
            api_v2_key: credentials.api_v2_key.expose_secret().to_owned(),
        }
    }
}

/// Changes a merchant's fee or status
#[utoipa::path(
    patch, path = "/v1/merchants/{id}",
    operation_id = "change_merchant", request_body = MerchantChange, tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 200, body = Merchant, description = "The merchant"),
        Sending,
    )
)]
pub async fn change(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(merchant)): Id<MerchantRef>,
    Input(new): Input<MerchantChange>,
) -> Result<Json<Merchant>, ApiError> {
    let (fee, status) = (new.fee_bps.map(Into::into), new.status.map(Into::into));
    if fee.is_some() || status.is_some() {
        platform
            .engine
            .submit(ChangeMerchant {
                merchant,
                fee,
                status,
            })
            .await?;
    }
    let row = find(&platform, merchant).await?;
    view(&platform, merchant, row).await.map(Json)
}

/// Tells what a merchant is owed, exact at the moment of asking
#[utoipa::path(
    get, path = "/v1/merchants/{id}/balance",
    operation_id = "get_merchant_balance", tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 200, body = MerchantBalance, description = "The balance"),
        Asking,
    )
)]
pub async fn balance(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
) -> Result<Json<MerchantBalance>, ApiError> {
    caller.may_see_merchant(id)?;
    let available = find(&platform, id).await?.balance.0;
    Ok(Json(MerchantBalance {
        merchant_id: id.into(),
        available,
    }))
}

/// Makes a bearer key for a merchant
#[utoipa::path(
    post, path = "/v1/merchants/{id}/keys",
    operation_id = "make_merchant_key", tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 201, body = NewKey, description = "The key"),
        Asking,
    )
)]
pub async fn new_key(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
) -> Result<(StatusCode, Json<NewKey>), ApiError> {
    find(&platform, id).await?;
    grant(&platform, Role::merchant(id))
}
