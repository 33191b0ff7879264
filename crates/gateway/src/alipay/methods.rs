//! Which method is which.

use std::sync::Arc;

use axum::http;

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::{certificates, ending, fund, pages, pay, place, query, refund};
use crate::platform::Platform;

macro_rules! methods {
    ($($name:ident = $text:literal => $work:path,)*) => {
        /// The methods that are built.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Method { $($name,)* }

        impl Method {
            pub fn of(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            pub async fn answer(self, platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
                match self { $(Self::$name => $work(platform, signed).await,)* }
            }
        }
    };
}

methods! {
    Precreate = "alipay.trade.precreate" => place::precreate,
    Create = "alipay.trade.create" => place::create,
    Pay = "alipay.trade.pay" => pay::pay,
    Query = "alipay.trade.query" => query::query,
    Cancel = "alipay.trade.cancel" => ending::cancel,
    Close = "alipay.trade.close" => ending::close,
    Refund = "alipay.trade.refund" => refund::refund,
    RefundQuery = "alipay.trade.fastpay.refund.query" => refund::query,
    PagePay = "alipay.trade.page.pay" => pages::page,
    WapPay = "alipay.trade.wap.pay" => pages::wap,
    AppPay = "alipay.trade.app.pay" => pages::app,
    Account = "alipay.fund.account.query" => fund::account,
    Certificate = "alipay.open.app.alipaycert.download" => certificates::download,
}

impl Method {
    /// The verb of the REST protocol; none if the method is not part of it.
    pub fn verb(self) -> Option<&'static http::Method> {
        match self {
            Self::PagePay | Self::WapPay | Self::AppPay | Self::Certificate => None,
            Self::Precreate
            | Self::Create
            | Self::Pay
            | Self::Query
            | Self::Cancel
            | Self::Close
            | Self::Refund
            | Self::RefundQuery => Some(&http::Method::POST),
            Self::Account => Some(&http::Method::GET),
        }
    }

    /// Whether people see what it answers.
    pub fn is_page(self) -> bool {
        matches!(self, Self::PagePay | Self::WapPay | Self::AppPay)
    }
}
