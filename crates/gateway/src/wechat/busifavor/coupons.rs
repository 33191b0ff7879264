//! Gives users a merchant's own coupons, and shows them.

use std::sync::Arc;

use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::{Event, UserId};
use serde_json::{Map, Value, json};

use super::find::{self, Coupon, Fate};
use super::stock_object::shown;
use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::favor::send::{read_user, user};
use crate::wechat::fields::Fields;
use crate::wechat::refusals::no_coupon;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::{self, Stock, request_number};
use crate::wechat::times::rfc3339;

/// Coupons on a page.
const COUPONS_MAX: usize = 20;

/// `POST /v3/marketing/busifavor/coupons/{card_id}/send`: the card is a stock.
pub(super) async fn send(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let fields = Fields::of(&body)?;
    let number = request_number(&fields, "out_request_no")?;
    stocks::time(&fields, "send_time")?;
    signed.check_appid(&fields)?;
    let user = openid(&platform, &signed, &fields)?;
    let stock = Stock::own(&platform, &signed, Api::Busifavor, signed.path("card_id")).await?;
    let command = GiveCoupon {
        campaign: stock.id,
        number,
        user,
        claimed: false,
    };
    let receipt = platform.engine.submit(command).await?;
    Answer::json(&json!({ "card_code": platform.ids.coupon_code(receipt.event.0) }))
}

/// The user that the body names.
pub(super) fn openid(
    platform: &Platform,
    signed: &Signed,
    fields: &Fields<'_>,
) -> Result<UserId, WechatError> {
    let openid = fields.text("openid", 1..=128)?;
    read_user(platform, signed, openid).ok_or_else(|| fields.wrong("openid", "无效的openid"))
}

/// `GET /v3/marketing/busifavor/users/{openid}/coupons/{coupon_code}/appids/{appid}`.
pub(super) async fn detail(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    signed.check_app(signed.path("appid"))?;
    let user = user(&platform, &signed)?;
    let coupon = find::by_code(&platform, &signed, signed.path("coupon_code")).await?;
    if coupon.given.user != user {
        return Err(no_coupon());
    }
    Answer::json(&object(&platform, &coupon).await?)
}

/// `GET /v3/marketing/busifavor/users/{openid}/coupons?appid=`: those that can be used. Others are found
/// by their codes.
pub(super) async fn list(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    signed.check_appid_in_query()?;
    let user = user(&platform, &signed)?;
    let (offset, limit) = signed.page(COUPONS_MAX, COUPONS_MAX)?;
    let text = |name| signed.query(name).filter(|text| !text.is_empty());
    for name in ["creator_merchant", "belong_merchant", "sender_merchant"] {
        text(name).map_or(Ok(()), |named| signed.check_named(named))?;
    }
    if let Some(state) = text("coupon_state").filter(|state| *state != "SENDED") {
        let issue = "须为SENDED；其他状态请按券code查询";
        return Err(WechatError::parameter(
            "query",
            "coupon_state",
            Some(state.into()),
            issue,
        ));
    }
    let open = platform
        .engine
        .read(move |state| state.open_coupons(user).to_vec())
        .await?;
    let mut found = Vec::new();
    for id in open.into_iter().rev() {
        if let Some(coupon) = find::by_id(&platform, id).await?
            && coupon.stock.creator() == Some(signed.merchant.merchant)
            && coupon.fate == Fate::Open
            && text("stock_id").is_none_or(|wanted| wanted == coupon.stock.id_text(&platform))
        {
            found.push(coupon);
        }
    }
    let mut page = Vec::new();
    for coupon in found.iter().skip(offset).take(limit) {
        page.push(object(&platform, coupon).await?);
    }
    Answer::json(&json!({
        "total_count": found.len(), "offset": offset, "limit": limit, "data": page,
    }))
}

async fn object(platform: &Platform, coupon: &Coupon) -> Result<Value, WechatError> {
    let Coupon {
        given, stock, fate, ..
    } = coupon;
    let mut object = shown(platform, stock)?;
    for of_stock in ["stock_send_rule", "notify_config", "subsidy"] {
        object.remove(of_stock);
    }
    let store = platform.engine.store().await?;
    let number = match store.event(given.id.0)? {
        Some(Event::CouponGiven(event)) => event.number.to_string(),
        Some(_) | None => String::new(),
    };
    let state = match fate {
        Fate::Open => "SENDED",
        Fate::Used { .. } => "USED",
        Fate::Void { .. } => "DEACTIVATED",
        Fate::Expired => "EXPIRED",
    };
    let mut set = |name: &str, value: String| object.insert(name.to_owned(), value.into());
    set("coupon_code", platform.ids.coupon_code(given.id.0.0));
    set("coupon_state", state.into());
    set("send_request_no", number);
    let from = stock.row.terms.from.max(given.at);
    set("available_start_time", rfc3339(from));
    set("expire_time", rfc3339(given.until));
    set("receive_time", rfc3339(given.at));
    let end = |object: &mut Map<String, Value>, what: &str, at, number: &dyn ToString| {
        object.insert(format!("{what}_time"), rfc3339(at).into());
        object.insert(format!("{what}_request_no"), number.to_string().into());
    };
    match fate {
        Fate::Used { at, number } => end(&mut object, "use", *at, number),
        Fate::Void { at, number } => end(&mut object, "deactivate", *at, number),
        Fate::Open | Fate::Expired => {}
    }
    for name in ["transferable", "shareable"] {
        object.insert(name.into(), false.into());
    }
    Ok(object.into())
}
