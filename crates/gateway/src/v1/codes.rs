//! Codes of the native API: what a merchant shows to be scanned, as text and as picture.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use feiqian_core::{Fen, MerchantId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::error::{ApiError, ErrorType};
use super::fields::{Amount, MerchantRef, OrderIdRef};
use super::input::{Id, Queried};
use super::merchants::unknown_merchant;
use super::order_view::{OrderStatus, code_url, status};
use super::orders::find as find_order;
use super::responses::Asking;
use crate::codes::picture::Qr;
use crate::codes::sticker::Sticker;
use crate::codes::token::Asks;
use crate::codes::{merchant_code, merchant_link, order_code};
use crate::platform::Platform;

/// Pictures run no script and load nothing, also where a browser opens them by themselves.
const POLICY: &str = "default-src 'none'";

/// What a QR code holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The link, which any camera app opens.
    #[default]
    Link,
    /// The EMV payload, for apps of other payment systems; the link is in it.
    Emv,
}

/// What is asked of a merchant's code.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Fen; the payer says how much if it is not said.
    #[serde(default, deserialize_with = "fen")]
    #[param(minimum = 1, maximum = 1_000_000_000_000_i64, value_type = Option<i64>, required = false)]
    amount: Option<Fen>,
    /// Of the QR code in a picture; `link` if not said.
    #[serde(default)]
    #[param(inline, required = false)]
    form: Form,
}

/// What is asked of an order's code.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AskedForm {
    /// Of the QR code in a picture; `link` if not said.
    #[serde(default)]
    #[param(inline, required = false)]
    form: Form,
}

fn fen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Fen>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let fen = text.parse().ok().map(Fen);
    let fen = fen.filter(|fen| plain && fen.is_amount());
    fen.map(Some)
        .ok_or_else(|| serde::de::Error::custom("an amount is 1 to 1000000000000 fen"))
}

/// A code to be shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct Code {
    /// EMV merchant-presented payload, signed.
    text: String,
    /// The same as a link.
    link: String,
    /// The link's last part.
    token: String,
    /// Fen; absent where the payer says how much.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
}

impl Code {
    fn of(text: String, link: String, amount: Option<Fen>) -> Self {
        let token = link.rsplit('/').next().unwrap_or_default().to_owned();
        let amount = amount.map(Into::into);
        Self {
            text,
            link,
            token,
            amount,
        }
    }

    fn in_form(self, form: Form) -> String {
        match form {
            Form::Link => self.link,
            Form::Emv => self.text,
        }
    }
}

async fn of_merchant(
    platform: &Platform,
    merchant: MerchantId,
    amount: Option<Fen>,
) -> Result<Code, ApiError> {
    let text = merchant_code(platform, merchant, amount).await?;
    let link = merchant_link(platform, Asks { merchant, amount });
    let (text, link) = text.zip(link).ok_or_else(unknown_merchant)?;
    Ok(Code::of(text, link, amount))
}

/// The QR code of a merchant's static code.
pub async fn merchant_qr(
    platform: &Platform,
    merchant: MerchantId,
    Asked { amount, form }: Asked,
) -> Result<Qr, ApiError> {
    let code = of_merchant(platform, merchant, amount).await?;
    Qr::of(&code.in_form(form)).ok_or_else(too_long)
}

/// The sticker of a merchant's static code.
pub async fn sticker(
    platform: &Platform,
    merchant: MerchantId,
    Asked { amount, form }: Asked,
) -> Result<Sticker, ApiError> {
    let code = of_merchant(platform, merchant, amount).await?;
    Ok(Sticker {
        shop: platform.shop_name(merchant).await?,
        amount,
        code: code.in_form(form),
        sandbox: platform.is_sandbox(),
    })
}

/// A code that fits no QR code. The address of a server would have to be that long.
pub fn too_long() -> ApiError {
    ApiError::invalid("code_too_long", "this code is too long for a QR code")
}

/// A picture as SVG.
pub fn svg(picture: String) -> Response {
    file("image/svg+xml", picture)
}

/// A picture as PNG.
///
/// # Errors
/// Of the encoder, which are ours.
pub fn png(qr: &Qr) -> Result<Response, ApiError> {
    let picture = qr.png().map_err(|error| ApiError::internal(&error))?;
    Ok(file("image/png", picture))
}

/// A picture as PDF.
pub fn pdf(picture: Vec<u8>) -> Response {
    file("application/pdf", picture)
}

fn file(media: &'static str, content: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, content).into_response()
}

/// Gives a merchant's static code
///
/// It is made from the merchant and the amount alone: asking again gives the same code, and nothing is stored.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/code",
    operation_id = "get_merchant_code", tag = "codes", params(("id" = MerchantRef, Path), Asked),
    responses(
        (status = 200, body = Code, description = "The code"),
        Asking,
    )
)]
pub async fn merchant(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
    Queried(asked): Queried<Asked>,
) -> Result<Json<Code>, ApiError> {
    caller.may_see_merchant(id)?;
    of_merchant(&platform, id, asked.amount).await.map(Json)
}

/// Draws the sticker of a merchant's static code as SVG
#[utoipa::path(
    get, path = "/v1/merchants/{id}/sticker.svg",
    operation_id = "get_merchant_sticker_svg", tag = "codes", params(("id" = MerchantRef, Path), Asked),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml", description = "A6"),
        Asking,
    )
)]
pub async fn sticker_svg(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
    Queried(asked): Queried<Asked>,
) -> Result<Response, ApiError> {
    caller.may_see_merchant(id)?;
    let sticker = sticker(&platform, id, asked).await?;
    sticker.svg().map(svg).ok_or_else(too_long)
}

/// Draws the QR code of a merchant's static code as PNG
#[utoipa::path(
    get, path = "/v1/merchants/{id}/sticker.png",
    operation_id = "get_merchant_sticker_png", tag = "codes", params(("id" = MerchantRef, Path), Asked),
    responses(
        (status = 200, body = Vec<u8>, content_type = "image/png", description = "The QR code alone"),
        Asking,
    )
)]
pub async fn sticker_png(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
    Queried(asked): Queried<Asked>,
) -> Result<Response, ApiError> {
    caller.may_see_merchant(id)?;
    png(&merchant_qr(&platform, id, asked).await?)
}

/// Draws the sticker of a merchant's static code as PDF
#[utoipa::path(
    get, path = "/v1/merchants/{id}/sticker.pdf",
    operation_id = "get_merchant_sticker_pdf", tag = "codes", params(("id" = MerchantRef, Path), Asked),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/pdf", description = "A6, to be printed"),
        Asking,
    )
)]
pub async fn sticker_pdf(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
    Queried(asked): Queried<Asked>,
) -> Result<Response, ApiError> {
    caller.may_see_merchant(id)?;
    let sticker = sticker(&platform, id, asked).await?;
    sticker.pdf().map(pdf).ok_or_else(too_long)
}

/// The code of an order that can be paid, to whom may see it.
async fn of_order(
    platform: &Platform,
    Caller(role): Caller,
    OrderIdRef(id): OrderIdRef,
) -> Result<Code, ApiError> {
    let story = find_order(platform, id, role).await?;
    if status(&story) != OrderStatus::Open {
        let message = "only an order that is open has a code";
        return Err(ApiError::new(ErrorType::Refused, "order_not_open", message));
    }
    let (merchant, amount) = (story.created.merchant, story.created.terms.amount);
    let text = order_code(platform, id, merchant, amount).await?;
    let text = text.ok_or_else(unknown_merchant)?;
    Ok(Code::of(text, code_url(platform, id), Some(amount)))
}

/// Gives the code of an open order
#[utoipa::path(
    get, path = "/v1/orders/{id}/code",
    operation_id = "get_order_code", tag = "codes", params(("id" = OrderIdRef, Path)),
    responses(
        (status = 200, body = Code, description = "The code"),
        Asking,
        (status = 422, body = super::error::Problem, description = "The order is not open"),
    )
)]
pub async fn order(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(id): Id<OrderIdRef>,
) -> Result<Json<Code>, ApiError> {
    of_order(&platform, caller, id).await.map(Json)
}

async fn order_qr(
    platform: &Platform,
    caller: Caller,
    order: OrderIdRef,
    form: Form,
) -> Result<Qr, ApiError> {
    let code = of_order(platform, caller, order).await?;
    Qr::of(&code.in_form(form)).ok_or_else(too_long)
}

/// Draws the QR code of an open order as SVG
#[utoipa::path(
    get, path = "/v1/orders/{id}/code.svg",
    operation_id = "get_order_code_svg", tag = "codes", params(("id" = OrderIdRef, Path), AskedForm),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml", description = "The QR code"),
        Asking,
        (status = 422, body = super::error::Problem, description = "The order is not open"),
    )
)]
pub async fn order_svg(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(id): Id<OrderIdRef>,
    Queried(AskedForm { form }): Queried<AskedForm>,
) -> Result<Response, ApiError> {
    Ok(svg(order_qr(&platform, caller, id, form).await?.svg()))
}

/// Draws the QR code of an open order as PNG
#[utoipa::path(
    get, path = "/v1/orders/{id}/code.png",
    operation_id = "get_order_code_png", tag = "codes", params(("id" = OrderIdRef, Path), AskedForm),
    responses(
        (status = 200, body = Vec<u8>, content_type = "image/png", description = "The QR code"),
        Asking,
        (status = 422, body = super::error::Problem, description = "The order is not open"),
    )
)]
pub async fn order_png(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(id): Id<OrderIdRef>,
    Queried(AskedForm { form }): Queried<AskedForm>,
) -> Result<Response, ApiError> {
    png(&order_qr(&platform, caller, id, form).await?)
}
