//! A coupon as WeChat Pay v3 shows it: the answer to a query, and what the notice of its use holds.

use feiqian_core::order::pay::OrderPaid;
use serde::Serialize;

use super::find::{Fate, Given};
use crate::platform::Platform;
use crate::wechat::error::WechatError;
use crate::wechat::ids;
use crate::wechat::stocks::Stock;
use crate::wechat::times::rfc3339;

/// WeChat Pay's word for what became of it.
pub(crate) fn status(fate: &Fate) -> &'static str {
    match fate {
        Fate::Open => "SENDED",
        Fate::Paid(_) | Fate::UsedOutside => "USED",
        Fate::Void | Fate::Expired => "EXPIRED",
    }
}

/// As it stands, with its payment if it was used for one.
pub(crate) async fn object(
    platform: &Platform,
    given: &Given,
    stock: &Stock,
) -> Result<CouponObject, WechatError> {
    let consumed = match &given.fate {
        Fate::Paid(paid) => Some(consumed(platform, paid).await?),
        Fate::Open | Fate::UsedOutside | Fate::Void | Fate::Expired => None,
    };
    let terms = &stock.row.terms;
    Ok(CouponObject {
        stock_creator_mchid: stock.creator().map(|creator| ids::mchid(creator.0.into())),
        stock_id: stock.id_text(platform),
        coupon_id: platform.ids.coupon_id(given.id.0.0),
        coupon_name: terms.name.clone(),
        status: status(&given.fate),
        description: stock.echo.text("comment").to_owned(),
        create_time: rfc3339(given.at),
        coupon_type: "NORMAL",
        no_cash: stock.echo.no_cash,
        available_begin_time: rfc3339(terms.from.max(given.at)),
        available_end_time: rfc3339(given.until),
        singleitem: false,
        normal_coupon_information: Normal {
            coupon_amount: stock.face_value().0,
            transaction_minimum: terms.minimum.0,
        },
        consume_information: consumed,
    })
}

/// The payment that it was used for.
async fn consumed(platform: &Platform, paid: &OrderPaid) -> Result<Consumed, WechatError> {
    let store = platform.engine.store().await?;
    let story = store.order(paid.order)?.ok_or_else(WechatError::unknown)?;
    let (number, created) = (paid.order.0.0, story.created.at.0);
    Ok(Consumed {
        consume_time: rfc3339(paid.at),
        consume_mchid: ids::mchid(paid.merchant.0.into()),
        transaction_id: platform.ids.transaction_id(number, created),
    })
}

/// On the wire.
#[derive(Debug, Serialize)]
pub(crate) struct CouponObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_creator_mchid: Option<String>,
    stock_id: String,
    coupon_id: String,
    coupon_name: String,
    status: &'static str,
    description: String,
    create_time: String,
    coupon_type: &'static str,
    no_cash: bool,
    available_begin_time: String,
    available_end_time: String,
    singleitem: bool,
    normal_coupon_information: Normal,
    #[serde(skip_serializing_if = "Option::is_none")]
    consume_information: Option<Consumed>,
}

#[derive(Debug, Serialize)]
struct Normal {
    coupon_amount: i64,
    transaction_minimum: i64,
}

#[derive(Debug, Serialize)]
struct Consumed {
    consume_time: String,
    consume_mchid: String,
    transaction_id: String,
}
