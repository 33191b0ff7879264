//! Notices in WeChat Pay v3's words (contract 2.4).
//!
//! Every try has the same id, time and plaintext, as of the event that it tells of; nonces, timestamp
//! and signature are fresh.

use feiqian_core::order::create::NotifyForm;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::order::refund::OrderRefunded;
use feiqian_core::{Event, EventNumber, MerchantId, OrderId, UnixMillis};
use feiqian_store::Store;
use serde::Serialize;

use super::deliver::{Failure, Post};
use crate::platform::{MerchantKeys, Platform, unix_seconds};
use crate::wechat::aead::ALGORITHM;
use crate::wechat::edge::serial;
use crate::wechat::find::{self, Found};
use crate::wechat::order_object::OrderView;
use crate::wechat::refund_object::RefundView;
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

/// The notice of an event, signed now.
pub(super) async fn post(
    platform: &Platform,
    event: EventNumber,
    form: NotifyForm,
) -> Result<Post, Failure> {
    let store = platform.engine.store().await.map_err(here)?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of other events"
    )]
    let (merchant, at, words, plain) = match store.event(event).map_err(here)? {
        Some(Event::OrderPaid(paid)) => {
            let merchant = keys(platform, paid.merchant).await?;
            let plain = of_payment(platform, &store, &merchant, event, &paid)?;
            (merchant, paid.at, PAID, plain)
        }
        Some(Event::OrderRefunded(refund)) => {
            let merchant = keys(platform, refund.merchant).await?;
            let plain = of_refund(platform, &store, &merchant, event, &refund)?;
            (merchant, refund.at, REFUNDED, plain)
        }
        None if event < platform.engine.durable() => return Err(here("it is not indexed yet")),
        _ => return Err(Failure::Nothing),
    };
    let body = seal(platform, &merchant, event, at, &words, &plain)?;
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

fn of_payment(
    platform: &Platform,
    store: &Store,
    merchant: &MerchantKeys,
    event: EventNumber,
    paid: &OrderPaid,
) -> Result<Vec<u8>, Failure> {
    let found = order(store, merchant, paid.order)?;
    // Whatever happened to the order since, this tells of its payment.
    let view = OrderView::after(found.id, &found.story, event);
    serde_json::to_vec(&view.object(platform, merchant)).map_err(here)
}

fn of_refund(
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
    serde_json::to_vec(&view.notice(platform, merchant)).map_err(here)
}

fn order(store: &Store, merchant: &MerchantKeys, id: OrderId) -> Result<Found, Failure> {
    find::by_id(store, merchant.merchant, id)
        .map_err(|error| Failure::Here(error.message.into_owned()))?
        .ok_or(Failure::Nothing)
}

fn seal(
    platform: &Platform,
    merchant: &MerchantKeys,
    event: EventNumber,
    at: UnixMillis,
    words: &Words,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    let sealed = merchant.api_v3_key.seal(words.original, plain);
    let notice = Notice {
        id: platform.ids.notice_id(event.0),
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
