//! How a request is refused in WeChat Pay v3's own words: status, code, message (contract 2.5, 4).
//!
//! Of the two generations of codes in its documentation this uses the newer (`ORDER_NOT_EXIST`, not
//! `ORDERNOTEXIST`). Messages are what a merchant's engineer reads; they never hold a secret, and of
//! the request only what is wrong in it.

use std::borrow::Cow;

use axum::http::StatusCode;
use feiqian_engine::{Rejected, Stopped};
use feiqian_store::StoreError;
use serde::Serialize;
use serde_json::Value;

use crate::platform::PlatformError;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident $text:literal,)*) => {
        /// What is wrong, in a word that programs read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// As written on the wire.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that goes with it, always.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// Who asks cannot be proven.
    SignError = UNAUTHORIZED "SIGN_ERROR",
    /// A field is missing or cannot be.
    ParamError = BAD_REQUEST "PARAM_ERROR",
    /// Well-formed, but against a rule.
    InvalidRequest = BAD_REQUEST "INVALID_REQUEST",
    /// The body is larger than any request's.
    TooLarge = PAYLOAD_TOO_LARGE "INVALID_REQUEST",
    /// This merchant has no such order.
    OrderNotExist = NOT_FOUND "ORDER_NOT_EXIST",
    /// The order is closed or undone.
    OrderClosed = BAD_REQUEST "ORDER_CLOSED",
    /// The order is paid, so it cannot be closed.
    OrderPaid = BAD_REQUEST "ORDER_PAID",
    /// The number names a paid order.
    OutTradeNoUsed = FORBIDDEN "OUT_TRADE_NO_USED",
    /// The app is not this merchant's.
    AppidMchidNotMatch = BAD_REQUEST "APPID_MCHID_NOT_MATCH",
    /// There is no such merchant.
    MchNotExists = BAD_REQUEST "MCH_NOT_EXISTS",
    /// This merchant may not do that.
    NoAuth = FORBIDDEN "NO_AUTH",
    /// The payer may not move money.
    AccountError = FORBIDDEN "ACCOUNT_ERROR",
    /// The wallet, or the merchant's account, has less.
    NotEnough = FORBIDDEN "NOT_ENOUGH",
    /// A limit of a stock: it has given this user all that it may.
    RuleLimit = FORBIDDEN "RULE_LIMIT",
    /// The user gets no coupons now.
    UserAccountAbnormal = FORBIDDEN "USER_ACCOUNT_ABNORMAL",
    /// No such refund, or no such paid order to refund.
    ResourceNotExists = NOT_FOUND "RESOURCE_NOT_EXISTS",
    /// The pay code is none of ours, or used.
    AuthCodeInvalid = BAD_REQUEST "AUTH_CODE_INVALID",
    /// The pay code is too old.
    AuthCodeExpired = BAD_REQUEST "AUTH_CODE_EXPIRED",
    /// The shopper is asked for consent; ask what became of the order.
    UserPaying = ACCEPTED "USERPAYING",
    /// There is no bill of this day.
    NoStatementExist = BAD_REQUEST "NO_STATEMENT_EXIST",
    /// The bill of this day is not ready.
    StatementCreating = BAD_REQUEST "STATEMENT_CREATING",
    /// There is no such endpoint.
    NotFound = NOT_FOUND "NOT_FOUND",
    /// The endpoint is asked in another way.
    MethodNotAllowed = METHOD_NOT_ALLOWED "METHOD_NOT_ALLOWED",
    /// Too much at once; ask again.
    FrequencyLimited = TOO_MANY_REQUESTS "FREQUENCY_LIMITED",
    /// Something failed here; ask again with the same content.
    SystemError = INTERNAL_SERVER_ERROR "SYSTEM_ERROR",
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WechatError {
    /// What is wrong, for programs; it decides the status.
    pub code: Code,
    /// What is wrong, for people.
    pub message: Cow<'static, str>,
    /// Where, if one field is at fault.
    pub detail: Option<Box<Detail>>,
}

/// The field at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// JSON pointer (RFC 6901) in the body, or the parameter's name.
    pub field: Cow<'static, str>,
    /// What was sent, when it is short and may be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What is wrong with it.
    pub issue: Cow<'static, str>,
    /// `body`, `query`, `path` or `authorization`.
    pub location: &'static str,
    /// What the signature should have covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_information: Option<SignInformation>,
}

/// What the signature should have covered, for an engineer to compare with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignInformation {
    /// The first line.
    pub method: String,
    /// The second line.
    pub url: String,
    /// The lines before the body.
    pub truncated_sign_message: String,
    /// Bytes of all five lines.
    pub sign_message_length: usize,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a Detail>,
}

impl WechatError {
    /// A refusal that no single field is at fault for.
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
        }
    }

    /// A parameter that is missing or cannot be.
    pub(crate) fn parameter(
        location: &'static str,
        field: impl Into<Cow<'static, str>>,
        value: Option<Value>,
        issue: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (field, issue) = (field.into(), issue.into());
        let message = format!(
            "输入源“/{location}/{}”{issue}",
            field.trim_start_matches('/')
        );
        let detail = Detail {
            field,
            value,
            issue,
            location,
            sign_information: None,
        };
        Self {
            code: Code::ParamError,
            message: message.into(),
            detail: Some(Box::new(detail)),
        }
    }

    /// Something failed here: said in the log, not to the merchant.
    pub(crate) fn system(what: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(what.source(), |cause| cause.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        tracing::error!(error = %what, ?causes, "a WeChat Pay request could not be answered");
        Self::unknown()
    }

    /// Nobody can say whether it happened.
    pub(crate) fn unknown() -> Self {
        Self::new(Code::SystemError, "系统异常，请使用相同参数稍后重新调用")
    }

    /// It did not happen, for want of room on the disk.
    pub(crate) fn disk_full() -> Self {
        Self::new(
            Code::SystemError,
            "系统暂时无法受理，请使用相同参数稍后重新调用",
        )
    }

    /// The body as it goes over the wire.
    pub(crate) fn body(&self) -> Vec<u8> {
        let detail = self.detail.as_deref();
        let body = Body {
            code: self.code.text(),
            message: &self.message,
            detail,
        };
        serde_json::to_vec(&body).expect("texts and numbers are JSON")
    }
}

impl From<PlatformError> for WechatError {
    fn from(error: PlatformError) -> Self {
        Self::system(&error)
    }
}

impl From<StoreError> for WechatError {
    fn from(error: StoreError) -> Self {
        Self::system(&error)
    }
}

impl From<Stopped> for WechatError {
    fn from(error: Stopped) -> Self {
        Self::system(&error)
    }
}

impl<R> From<Rejected<R>> for WechatError
where
    R: Into<Self> + std::fmt::Debug + std::fmt::Display,
{
    fn from(rejected: Rejected<R>) -> Self {
        match rejected {
            Rejected::Refused(refusal) => refusal.into(),
            Rejected::Busy => super::edge::too_often(),
            Rejected::DiskFull => Self::disk_full(),
            Rejected::Unknown => Self::unknown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_compact_json_with_code_message_and_detail() {
        let plain = WechatError::new(Code::OrderNotExist, "订单不存在");
        let body = String::from_utf8(plain.body()).unwrap();
        assert_eq!(body, r#"{"code":"ORDER_NOT_EXIST","message":"订单不存在"}"#);
        assert_eq!(plain.code.status(), 404);

        let value = Some(Value::from(-1));
        let field = WechatError::parameter("body", "/amount/total", value, "须为正整数");
        let body: Value = serde_json::from_slice(&field.body()).unwrap();
        assert_eq!(body["message"], "输入源“/body/amount/total”须为正整数");
        assert_eq!(
            body["detail"].to_string(),
            r#"{"field":"/amount/total","issue":"须为正整数","location":"body","value":-1}"#
        );
    }
}
