//! One-time codes to phones.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};

use crate::app::codes::LIFE;
use crate::app::outside::OutsideError;
use crate::app::phone::Phone;
use crate::platform::Platform;
use crate::v1::auth::{Anybody, Peer};
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::input::Input;

/// A phone number as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct PhoneField(pub Phone);

impl TryFrom<String> for PhoneField {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// To whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    phone: PhoneField,
}

/// That it was sent. The same whether the number is known here or not.
#[derive(Serialize)]
pub struct CodeSent {
    expires_in_seconds: u64,
    resend_in_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_code: Option<String>,
}

/// Sends a code.
pub async fn send(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Peer(address): Peer,
    Input(new): Input<NewCode>,
) -> Result<Json<CodeSent>, ApiError> {
    platform.limiter.allow_code(address)?;
    let PhoneField(phone) = new.phone;
    let code = platform.apps.codes.make(&phone, Instant::now())?;
    let text = format!(
        "{code} is your Feiqian code, good for {0} minutes. Give it to nobody. \
         【飞钱】验证码 {code}，{0} 分钟内有效，切勿告诉他人。",
        LIFE.as_secs() / 60
    );
    let sms = &platform.apps.outside.sms;
    if let Err(error) = sms.send(&phone, &text).await {
        platform.apps.codes.used(&phone);
        return Err(not_sent(&error));
    }
    Ok(Json(CodeSent {
        expires_in_seconds: LIFE.as_secs(),
        resend_in_seconds: platform.apps.codes.pace.pause.as_secs(),
        sandbox_code: sms.shows().then_some(code),
    }))
}

fn not_sent(error: &OutsideError) -> ApiError {
    tracing::error!(%error, "a one-time code could not be sent");
    let message = "the code could not be sent; ask again in a minute";
    ApiError::new(ErrorType::Unavailable, "code_not_sent", message).retry_after(60)
}
