//! Merchants' Alipay apps: what an Alipay SDK needs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Operator;
use super::error::ApiError;
use super::fields::MerchantRef;
use super::input::{Id, Input};
use super::merchants::find;
use super::responses::{Asking, Sending};
use crate::alipay::app::{self, AppCredentials};
use crate::platform::Platform;

/// An app for a merchant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlipayApp {
    /// The app's public key (RSA, 2048 bits or more): SPKI in base64, with or without the lines of PEM. Without one
    /// a pair is made here. Sent again it takes the place of the key before.
    #[schema(max_length = 4096)]
    public_key: Option<String>,
}

/// What a merchant's engineer puts into an Alipay SDK.
#[derive(Serialize, ToSchema)]
pub struct AlipayApp {
    #[schema(pattern = "^2021[0-9]{12}$")]
    app_id: String,
    /// PKCS#1. Told once in production; absent if the merchant brought its own key.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_pem: Option<String>,
    /// Verifies answers and notices.
    platform_public_key_pem: String,
    /// Where the SDK sends everything, below the base URL.
    gateway_path: String,
    /// Opens and seals content in AES: base64 of 16 bytes.
    encrypt_key: String,
    /// For certificate mode: the app's certificate.
    certificate_pem: String,
    /// For certificate mode: the platform's certificate.
    platform_certificate_pem: String,
    /// For certificate mode: the certificate of who issued both.
    root_certificate_pem: String,
}

impl From<AppCredentials> for AlipayApp {
    fn from(app: AppCredentials) -> Self {
        let private_key = app.private_key_pem.as_ref();
        Self {
            app_id: app.app_id,
            private_key_pem: private_key.map(|pem| pem.expose_secret().to_owned()),
            platform_public_key_pem: app.platform_public_key_pem,
            gateway_path: app.gateway_path.to_owned(),
            encrypt_key: app.encrypt_key.expose_secret().to_owned(),
            certificate_pem: app.certificate_pem,
            platform_certificate_pem: app.platform_certificate_pem,
            root_certificate_pem: app.root_certificate_pem,
        }
    }
}

/// Gives a merchant its Alipay app, or the app that it has a new key
#[utoipa::path(
    post, path = "/v1/merchants/{id}/alipay_app",
    operation_id = "make_alipay_app", request_body = NewAlipayApp, tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 201, body = AlipayApp, description = "The app"),
        Sending,
    )
)]
pub async fn make(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
    Input(new): Input<NewAlipayApp>,
) -> Result<(StatusCode, Json<AlipayApp>), ApiError> {
    find(&platform, id).await?;
    if let Some(key) = &new.public_key {
        let read = app::read_public_key(key);
        read.map_err(|error| ApiError::invalid("key_bad", error.to_string()).at("public_key"))?;
    }
    // Making a pair of keys keeps a processor busy for a while.
    let work = move || app::register(&platform, id, new.public_key.as_deref());
    let made = tokio::task::spawn_blocking(work).await;
    let made = made.map_err(|error| ApiError::internal(&error))??;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Shows a merchant's Alipay app
#[utoipa::path(
    get, path = "/v1/merchants/{id}/alipay_app",
    operation_id = "get_alipay_app", tag = "merchants", params(("id" = MerchantRef, Path)),
    responses(
        (status = 200, body = AlipayApp, description = "The app"),
        Asking,
    )
)]
pub async fn show(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(MerchantRef(id)): Id<MerchantRef>,
) -> Result<Json<AlipayApp>, ApiError> {
    find(&platform, id).await?;
    let app = app::credentials(&platform, id)?;
    let missing = || ApiError::not_found("alipay_app_not_found", "Alipay app");
    app.map(|app| Json(app.into())).ok_or_else(missing)
}
