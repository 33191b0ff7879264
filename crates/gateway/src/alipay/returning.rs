//! Where the shopper's browser goes after paying: the merchant's `return_url` with what became of the trade, signed
//! as a notice is (contract 2.8).

use std::collections::BTreeMap;

use feiqian_core::OrderId;
use feiqian_store::OrderStory;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::app::{app_id, seller_id};
use super::echo::Echo;
use super::trade::{TradeView, time};
use crate::platform::{Platform, unix_millis};
use crate::v1::order_view::{OrderStatus, status};
use crate::wechat::find::Found;

/// Fields by name.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// The signed address, of a paid trade whose merchant gave one.
pub(crate) fn return_address(
    platform: &Platform,
    id: OrderId,
    story: OrderStory,
) -> Option<String> {
    let found = Found { id, story };
    let view = TradeView::of(&found);
    let (echo, merchant) = (view.echo(), found.story.created.merchant);
    view.paid?;
    let (url, method) = (echo.return_url?, echo.method?);
    let mut fields = Fields::from([
        ("charset", "utf-8".to_owned()),
        ("out_trade_no", view.out_trade_no().to_owned()),
        ("method", method),
        ("total_amount", view.total().to_string()),
        ("trade_no", view.trade_no(platform)),
        ("auth_app_id", app_id(merchant)),
        ("version", "1.0".to_owned()),
        ("app_id", app_id(merchant)),
        ("seller_id", seller_id(merchant)),
        ("timestamp", time(unix_millis())),
    ]);
    sign(platform, &mut fields);
    let mut url = Url::parse(&url).ok()?;
    url.query_pairs_mut().extend_pairs(&fields);
    Some(url.into())
}

/// Whether a browser goes back to the shop from here.
pub(crate) fn returns(story: &OrderStory) -> bool {
    let echo = Echo::read(story.created.terms.echo.as_deref());
    status(story) == OrderStatus::Paid && echo.return_url.is_some()
}

/// Signs fields as notices are: all of them but `sign` and `sign_type`, in the order of their names, none empty.
pub(crate) fn sign(platform: &Platform, fields: &mut Fields) {
    fields.retain(|_, value| !value.is_empty());
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let sign = platform.signer.key.sign(pairs.join("&").as_bytes());
    fields.insert("sign_type", "RSA2".to_owned());
    fields.insert("sign", sign);
}

/// Fields as a form (`application/x-www-form-urlencoded`).
pub(crate) fn form(fields: &Fields) -> String {
    let pair = |(name, value): (&&str, &String)| {
        format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}
