//! How a request is refused in Alipay's own words: code, message, sub-code, sub-message (contract 2.8).
//!
//! Always with HTTP status 200: SDKs look no further at any other.

use std::borrow::Cow;

use axum::http::StatusCode;
use feiqian_engine::{Rejected, Stopped};
use feiqian_store::StoreError;
use serde::Serialize;

use super::params::BadParams;
use crate::platform::PlatformError;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Nobody can say what became of it: ask again with the same content.
    Unknown,
    /// Something is missing.
    Missing,
    /// Something cannot be.
    Invalid,
    /// Against a rule.
    Business,
    /// Too often.
    Limited,
    /// Who asks may not do that.
    Permission,
    /// The one for whom somebody asks has not agreed.
    Token,
}

impl Code {
    /// As written on the wire, with its message.
    #[must_use]
    pub const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("20000", "Service Currently Unavailable"),
            Self::Token => ("20001", "Insufficient Token Permissions"),
            Self::Missing => ("40001", "Missing Required Arguments"),
            Self::Invalid => ("40002", "Invalid Arguments"),
            Self::Business => ("40004", "Business Failed"),
            Self::Limited => ("40005", "Call Limited"),
            Self::Permission => ("40006", "Insufficient Permissions"),
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlipayError {
    /// What kind of thing is wrong.
    pub code: Code,
    /// What is wrong, for programs.
    pub sub_code: &'static str,
    /// What is wrong, for people.
    pub sub_msg: Cow<'static, str>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'static str,
    msg: &'static str,
    sub_code: &'a str,
    sub_msg: &'a str,
}

impl AlipayError {
    pub(crate) fn new(
        code: Code,
        sub_code: &'static str,
        sub_msg: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            sub_code,
            sub_msg: sub_msg.into(),
        }
    }

    /// Against a rule.
    pub(crate) fn business(sub_code: &'static str, sub_msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Business, sub_code, sub_msg)
    }

    /// A field of the content that is missing or cannot be.
    pub(crate) fn field(name: &str, issue: &str) -> Self {
        Self::business("ACQ.INVALID_PARAMETER", format!("参数有误：{name}{issue}"))
    }

    /// Something failed here: said in the log, not to the merchant.
    pub(crate) fn system(what: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(what.source(), |cause| cause.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        tracing::error!(error = %what, ?causes, "an Alipay request could not be answered");
        Self::unknown()
    }

    /// Nobody can say whether it happened.
    pub(crate) fn unknown() -> Self {
        Self::new(
            Code::Unknown,
            "aop.ACQ.SYSTEM_ERROR",
            "系统异常，请使用相同参数稍后重新调用",
        )
    }

    /// Too often, or too much at once.
    pub(crate) fn too_often() -> Self {
        Self::new(
            Code::Limited,
            "isv.app-call-limited",
            "请求频率过高，请稍后再试",
        )
    }

    /// As it goes over the wire.
    pub(crate) fn body(&self) -> impl Serialize + '_ {
        let (code, msg) = self.code.text();
        Body {
            code,
            msg,
            sub_code: self.sub_code,
            sub_msg: &self.sub_msg,
        }
    }

    /// Of a page for people.
    pub(crate) fn page_status(&self) -> StatusCode {
        match self.code {
            Code::Unknown => StatusCode::SERVICE_UNAVAILABLE,
            Code::Limited => StatusCode::TOO_MANY_REQUESTS,
            Code::Missing | Code::Invalid | Code::Business | Code::Permission | Code::Token => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

impl From<BadParams> for AlipayError {
    fn from(bad: BadParams) -> Self {
        let sub_msg = match bad {
            BadParams::Twice => "有参数重复且值不一致",
            BadParams::TooMany => "参数过多",
        };
        Self::new(Code::Invalid, "isv.invalid-parameter", sub_msg)
    }
}

impl From<PlatformError> for AlipayError {
    fn from(error: PlatformError) -> Self {
        Self::system(&error)
    }
}

impl From<StoreError> for AlipayError {
    fn from(error: StoreError) -> Self {
        Self::system(&error)
    }
}

impl From<Stopped> for AlipayError {
    fn from(error: Stopped) -> Self {
        Self::system(&error)
    }
}

impl<R> From<Rejected<R>> for AlipayError
where
    R: Into<Self> + std::fmt::Debug + std::fmt::Display,
{
    fn from(rejected: Rejected<R>) -> Self {
        match rejected {
            Rejected::Refused(refusal) => refusal.into(),
            Rejected::Busy => Self::too_often(),
            Rejected::DiskFull | Rejected::Unknown => Self::unknown(),
        }
    }
}
