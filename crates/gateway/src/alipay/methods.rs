//! Which method is which.

use std::sync::Arc;

use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::{certificates, ending, pages, pay, place, query, refund};
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
    Certificate = "alipay.open.app.alipaycert.download" => certificates::download,
}

impl Method {
    /// Whether people see what it answers.
    pub fn is_page(self) -> bool {
        matches!(self, Self::PagePay | Self::WapPay | Self::AppPay)
    }
}
