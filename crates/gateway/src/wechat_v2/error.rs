//! How a request is refused in v2's own words (contract 2.6): with HTTP 200, in `return_code` when it cannot be known
//! who asks, else in `result_code` with a code, signed.
//!
//! What both generations refuse is decided in [`crate::wechat`] and renamed here.

use std::borrow::Cow;

use feiqian_core::order::{close, refund, reverse};
use feiqian_engine::{Rejected, Stopped};
use feiqian_store::StoreError;

use super::xml::XmlError;
use crate::paycode::BadCode;
use crate::platform::PlatformError;
use crate::wechat::edge::too_often;
use crate::wechat::error::{Code, WechatError};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `return_code` FAIL with this message, unsigned.
    Unheard(Cow<'static, str>),
    /// `result_code` FAIL with a code and a description.
    Refused(&'static str, Cow<'static, str>),
}

impl Refusal {
    /// With one of the published codes.
    pub fn new(code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(code, description.into())
    }

    /// Nobody can say who asks, or what.
    pub fn unheard(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unheard(message.into())
    }

    /// A field is missing.
    pub fn lacks(name: &str) -> Self {
        Self::new("LACK_PARAMS", format!("缺少参数{name}"))
    }

    /// A field cannot be.
    pub fn wrong(name: &str, issue: impl Into<String>) -> Self {
        Self::new("PARAM_ERROR", format!("{name}{}", issue.into()))
    }

    /// The order is not there, or not this merchant's.
    pub fn no_order() -> Self {
        Self::new("ORDERNOTEXIST", "订单不存在")
    }
}

impl From<XmlError> for Refusal {
    fn from(error: XmlError) -> Self {
        Self::unheard(match error {
            XmlError::Empty => "post数据为空",
            XmlError::NotUtf8 => "未使用指定编码格式，请使用UTF-8",
            XmlError::TooLong => "XML格式错误：超过64KiB",
            XmlError::Doctype => "XML格式错误：不支持DTD",
            XmlError::Entity => "XML格式错误：不支持该实体",
            XmlError::Deep => "XML格式错误：参数不能嵌套",
            XmlError::TooMany => "XML格式错误：参数过多",
            XmlError::Twice => "XML格式错误：参数重复",
            XmlError::Malformed => "XML格式错误",
        })
    }
}

/// v2's word for a code of v3.
const fn renamed(code: Code) -> &'static str {
    match code {
        Code::SignError => "SIGNERROR",
        Code::ParamError | Code::TooLarge => "PARAM_ERROR",
        Code::InvalidRequest | Code::NotFound | Code::MethodNotAllowed => "INVALID_REQUEST",
        Code::OrderNotExist | Code::ResourceNotExists => "ORDERNOTEXIST",
        Code::OrderClosed => "ORDERCLOSED",
        // The number names a paid order: nothing is left to do for this one.
        Code::OrderPaid | Code::OutTradeNoUsed => "ORDERPAID",
        Code::AppidMchidNotMatch => "APPID_MCHID_NOT_MATCH",
        Code::MchNotExists => "MCHID_NOT_EXIST",
        Code::NoAuth => "NOAUTH",
        Code::AccountError | Code::RuleLimit | Code::UserAccountAbnormal => "TRADE_ERROR",
        Code::NotEnough => "NOTENOUGH",
        Code::AuthCodeInvalid => "AUTH_CODE_INVALID",
        Code::AuthCodeExpired => "AUTHCODEEXPIRE",
        Code::UserPaying => "USERPAYING",
        Code::NoStatementExist | Code::StatementCreating => "ERROR",
        Code::FrequencyLimited => "FREQUENCY_LIMITED",
        Code::SystemError => "SYSTEMERROR",
    }
}

impl From<WechatError> for Refusal {
    fn from(error: WechatError) -> Self {
        Self::Refused(renamed(error.code), error.message)
    }
}

/// What both generations say of it.
macro_rules! as_in_v3 {
    ($($error:ty),*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                WechatError::from(error).into()
            }
        }
    )*};
}

as_in_v3!(PlatformError, StoreError, Stopped, BadCode, close::Refusal);

impl From<reverse::Refusal> for Refusal {
    fn from(refusal: reverse::Refusal) -> Self {
        use reverse::Refusal as Reverse;
        let code = match refusal {
            Reverse::OrderNotFound => "ORDERNOTEXIST",
            Reverse::AlreadyRefunded => "TRADE_ERROR",
            Reverse::TooLate => "REVERSE_EXPIRE",
            Reverse::BalanceShort { .. } => "NOTENOUGH",
        };
        Self::Refused(code, WechatError::from(refusal).message)
    }
}

impl From<refund::Refusal> for Refusal {
    fn from(refusal: refund::Refusal) -> Self {
        use refund::Refusal as Refund;
        let code = match refusal {
            Refund::NumberReused | Refund::OtherOrderAmount { .. } => "REFUND_FEE_MISMATCH",
            Refund::OrderNotFound | Refund::NotPaid => "ORDERNOTEXIST",
            Refund::Reversed | Refund::TooMany => "ERROR",
            Refund::TextTooLong => "PARAM_ERROR",
            Refund::TooLate => "TRADE_OVERDUE",
            // WeChat Pay says it so (contract 2.6), unlike everything else.
            Refund::AboveRefundable { .. } => return Self::unheard("invalid refund_fee"),
            Refund::BalanceShort { .. } => "NOTENOUGH",
        };
        Self::Refused(code, WechatError::from(refusal).message)
    }
}

impl<R> From<Rejected<R>> for Refusal
where
    R: Into<Self> + std::fmt::Debug + std::fmt::Display,
{
    fn from(rejected: Rejected<R>) -> Self {
        match rejected {
            Rejected::Refused(refusal) => refusal.into(),
            Rejected::Busy => too_often().into(),
            Rejected::DiskFull => WechatError::disk_full().into(),
            Rejected::Unknown => WechatError::unknown().into(),
        }
    }
}
