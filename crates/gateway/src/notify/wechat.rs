//! Notices in WeChat Pay v3's words (contract 2.4).
//!
//! Every try has the same id, time and plaintext, as of the event that it tells of; nonces, timestamp
//! and signature are fresh.

use feiqian_core::campaign::give::CouponGiven;
use feiqian_core::order::create::NotifyForm;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::order::refund::OrderRefunded;
use feiqian_core::{Event, EventNumber, MerchantId, OrderId, UnixMillis};
use feiqian_store::Store;
use serde::Serialize;
use serde_json::json;

use super::deliver::{Failure, Post};
use super::rows::NoticeNumber;
use crate::platform::{MerchantKeys, Platform, unix_seconds};
use crate::wechat::aead::ALGORITHM;
use crate::wechat::edge::serial;
use crate::wechat::error::WechatError;
use crate::wechat::favor::coupon_object;
use crate::wechat::favor::find::{self as coupons, Fate, Given};
use crate::wechat::find::{self, Found};
use crate::wechat::order_object::OrderView;
use crate::wechat::refund_object::RefundView;
use crate::wechat::stocks::Stock;
use crate::wechat::times::rfc3339;

/// What all notices of one kind have in common.
struct Words {
    event_type: &'static str,
    summary: &'static str,
    /// `original_type`, and the associated data too.
    original: &'static str,
}

const PAID: Words = Words {
    event_type: "TRANSACTION.SUCCESS",
    summary: "支付成功",
    original: "transaction",
};
const REFUNDED: Words = Words {
    event_type: "REFUND.SUCCESS",
    summary: "退款成功",
    original: "refund",
};
const COUPON_USED: Words = Words {
    event_type: "COUPON.USE",
    summary: "用券成功",
    original: "coupon",
};

const COUPON_GIVEN: Words = Words {
    event_type: "COUPON.SEND",
    summary: "商家券领券通知",
    original: "coupon",
};

#[derive(Serialize)]
struct Notice<'a> {
    id: String,
    create_time: String,
    resource_type: &'static str,
    event_type: &'static str,
    summary: &'static str,
    resource: Resource<'a>,
}

#[derive(Serialize)]
struct Resource<'a> {
    original_type: &'static str,
    algorithm: &'static str,
    ciphertext: &'a str,
    associated_data: &'static str,
    nonce: &'a str,
}

/// A notice, signed now.
pub(super) async fn post(
    platform: &Platform,
    notice: NoticeNumber,
    form: NotifyForm,
) -> Result<Post, Failure> {
    let event = notice.event;
    let store = platform.engine.store().await.map_err(here)?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of other events"
    )]
    let (merchant, at, words, plain) = match store.event(event).map_err(here)? {
        Some(Event::OrderPaid(paid)) if notice.part > 0 => {
            let (at, place) = (paid.at, usize::from(notice.part).saturating_sub(1));
            let (creator, plain) = of_coupon(platform, &store, paid, place).await?;
            (keys(platform, creator).await?, at, COUPON_USED, plain)
        }
        Some(Event::OrderPaid(paid)) => {
            let merchant = keys(platform, paid.merchant).await?;
            let plain = of_payment(platform, &store, &merchant, event, &paid).await?;
            (merchant, paid.at, PAID, plain)
        }
        Some(Event::OrderRefunded(refund)) => {
            let merchant = keys(platform, refund.merchant).await?;
            let plain = of_refund(platform, &store, &merchant, event, &refund).await?;
            (merchant, refund.at, REFUNDED, plain)
        }
        Some(Event::CouponGiven(given)) => {
            let stock = Stock::of(platform, given.campaign).await.map_err(refused)?;
            let creator = stock.and_then(|stock| stock.creator());
            let creator = keys(platform, creator.ok_or(Failure::Nothing)?).await?;
            let plain = of_gift(platform, &creator, event, &given)?;
            (creator, given.at, COUPON_GIVEN, plain)
        }
        None if event < platform.engine.durable() => return Err(here("it is not indexed yet")),
        _ => return Err(Failure::Nothing),
    };
    let body = seal(platform, &merchant, notice, at, &words, &plain)?;
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let signed = platform
        .signer
        .key
        .signed_headers(serial(&platform.signer, form), now, &body);
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(signed.pairs());
    Ok(Post { headers, body })
}

async fn keys(
    platform: &Platform,
    merchant: MerchantId,
) -> Result<std::sync::Arc<MerchantKeys>, Failure> {
    platform
        .merchant(merchant)
        .await
        .map_err(here)?
        .ok_or(Failure::Nothing)
}

async fn of_payment(
    platform: &Platform,
    store: &Store,
    merchant: &MerchantKeys,
    event: EventNumber,
    paid: &OrderPaid,
) -> Result<Vec<u8>, Failure> {
    let found = order(store, merchant, paid.order)?;
    // Whatever happened to the order since, this tells of its payment.
    let view = OrderView::after(found.id, &found.story, event);
    let object = view.object(platform, merchant).await.map_err(here)?;
    serde_json::to_vec(&object).map_err(here)
}

async fn of_refund(
    platform: &Platform,
    store: &Store,
    merchant: &MerchantKeys,
    event: EventNumber,
    refund: &OrderRefunded,
) -> Result<Vec<u8>, Failure> {
    let order = order(store, merchant, refund.order)?;
    let view = RefundView {
        number: event,
        refund,
        order: &order,
    };
    let promotions = view.promotions(platform).await.map_err(here)?;
    serde_json::to_vec(&view.notice(platform, merchant, &promotions)).map_err(here)
}

/// Of the coupon that a payment's grant used, for its stock's creator.
async fn of_coupon(
    platform: &Platform,
    store: &Store,
    paid: OrderPaid,
    place: usize,
) -> Result<(MerchantId, Vec<u8>), Failure> {
    let granted = paid.granted.as_ref();
    let grant = granted.and_then(|granted| granted.grants.get(place));
    let coupon = grant
        .and_then(|grant| grant.coupon)
        .ok_or(Failure::Nothing)?;
    let given = coupons::as_given(store, coupon).map_err(refused)?;
    let given = given.ok_or(Failure::Nothing)?;
    let stock = Stock::of(platform, given.campaign).await.map_err(refused)?;
    let stock = stock.ok_or(Failure::Nothing)?;
    let creator = stock.creator().ok_or(Failure::Nothing)?;
    // Whatever became of the coupon since, this tells of its use.
    let used = Given {
        fate: Fate::Paid(Box::new(paid)),
        ..given
    };
    let object = coupon_object::object(platform, &used, &stock).await;
    let plain = serde_json::to_vec(&object.map_err(refused)?).map_err(here)?;
    Ok((creator, plain))
}

/// Of a merchant's own coupon that was given.
fn of_gift(
    platform: &Platform,
    creator: &MerchantKeys,
    event: EventNumber,
    given: &CouponGiven,
) -> Result<Vec<u8>, Failure> {
    let gift = json!({
        "event_type": "EVENT_TYPE_BUSICOUPON_SEND",
        "coupon_code": platform.ids.coupon_code(event.0),
        "stock_id": platform.ids.stock_id(given.campaign.0),
        "send_time": rfc3339(given.at),
        "openid": platform.ids.openid(given.user.0.into(), &creator.appid),
        "send_channel": "BUSICOUPON_SEND_CHANNEL_API",
        "send_merchant": creator.mchid,
        "request_no": given.number.as_str(),
    });
    serde_json::to_vec(&gift).map_err(here)
}

fn refused(error: WechatError) -> Failure {
    Failure::Here(error.message.into_owned())
}

fn order(store: &Store, merchant: &MerchantKeys, id: OrderId) -> Result<Found, Failure> {
    find::by_id(store, merchant.merchant, id)
        .map_err(here)?
        .ok_or(Failure::Nothing)
}

fn seal(
    platform: &Platform,
    merchant: &MerchantKeys,
    notice: NoticeNumber,
    at: UnixMillis,
    words: &Words,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    let sealed = merchant.api_v3_key.seal(words.original, plain);
    let notice = Notice {
        id: platform.ids.notice_id(notice.whole()),
        create_time: rfc3339(at),
        resource_type: "encrypt-resource",
        event_type: words.event_type,
        summary: words.summary,
        resource: Resource {
            original_type: words.original,
            algorithm: ALGORITHM,
            ciphertext: &sealed.ciphertext,
            associated_data: words.original,
            nonce: &sealed.nonce,
        },
    };
    serde_json::to_vec(&notice).map_err(here)
}

fn here(error: impl std::fmt::Display) -> Failure {
    Failure::Here(error.to_string())
}
