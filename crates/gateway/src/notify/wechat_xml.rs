//! Notices in WeChat Pay v2's words (contract 2.6): XML, of a payment signed with the merchant's v2 key, of a refund
//! sealed under it.
//!
//! Every try tells the same, with a fresh nonce.

use feiqian_core::Event;
use feiqian_core::order::create::NotifyForm;

use super::deliver::{Failure, Post};
use super::rows::NoticeNumber;
use crate::platform::{MerchantKeys, Platform};
use crate::wechat::find;
use crate::wechat::order_object::OrderView;
use crate::wechat::random;
use crate::wechat::refund_object::RefundView;
use crate::wechat_v2::edge::Content;
use crate::wechat_v2::sign::SignType;
use crate::wechat_v2::{cipher, order_map, refund_map, xml};

/// Whether an answer acknowledges: the status does not, in v2.
pub(super) fn acknowledges(answer: &[u8]) -> bool {
    xml::read(answer).is_ok_and(|fields| {
        let code = fields.get("return_code").map(|code| code.trim());
        code == Some("SUCCESS")
    })
}

/// A notice, signed or sealed now.
pub(super) async fn post(
    platform: &Platform,
    notice: NoticeNumber,
    form: NotifyForm,
) -> Result<Post, Failure> {
    let store = platform.engine.store().await.map_err(here)?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of other events"
    )]
    let (merchant, order, refund) = match store.event(notice.event).map_err(here)? {
        Some(Event::OrderPaid(paid)) if notice.part == 0 => (paid.merchant, paid.order, None),
        Some(Event::OrderRefunded(refund)) => (refund.merchant, refund.order, Some(refund)),
        None if notice.event < platform.engine.durable() => {
            return Err(here("it is not indexed yet"));
        }
        _ => return Err(Failure::Nothing),
    };
    let keys = platform.merchant(merchant).await.map_err(here)?;
    let keys = keys.ok_or(Failure::Nothing)?;
    let order = find::by_id(&store, merchant, order).map_err(here)?;
    let order = order.ok_or(Failure::Nothing)?;
    let body = match &refund {
        // Whatever happened to the order since, this tells of its payment.
        None => {
            let view = OrderView::after(order.id, &order.story, notice.event);
            of_payment(platform, &keys, &view, form).await?
        }
        Some(refund) => {
            let view = RefundView {
                number: notice.event,
                refund,
                order: &order,
            };
            of_refund(platform, &keys, &view).await?
        }
    };
    Ok(Post {
        headers: vec![("content-type", "text/xml; charset=utf-8".to_owned())],
        body: body.into_bytes(),
    })
}

async fn of_payment(
    platform: &Platform,
    merchant: &MerchantKeys,
    view: &OrderView<'_>,
    form: NotifyForm,
) -> Result<String, Failure> {
    let head = head(merchant).with("result_code", "SUCCESS");
    let (head, kind) = match form {
        NotifyForm::WechatXmlHmac => {
            let kind = SignType::HmacSha256;
            (head.with("sign_type", "HMAC-SHA256"), kind)
        }
        NotifyForm::WechatXmlMd5
        | NotifyForm::WechatPublicKey
        | NotifyForm::WechatCertificate
        | NotifyForm::Alipay => (head, SignType::Md5),
    };
    let told = order_map::paid(platform, merchant, view).await;
    Ok(head.and(told.map_err(here)?).signed(merchant, kind))
}

async fn of_refund(
    platform: &Platform,
    merchant: &MerchantKeys,
    view: &RefundView<'_>,
) -> Result<String, Failure> {
    let told = refund_map::notice(platform, view).await.map_err(here)?;
    let plain = xml::write("root", told.pairs());
    let sealed = cipher::seal(&merchant.api_v2_key, &plain).map_err(here)?;
    let content = head(merchant).with("req_info", sealed);
    Ok(xml::write("xml", content.pairs()))
}

fn head(merchant: &MerchantKeys) -> Content {
    Content::default()
        .with("return_code", "SUCCESS")
        .with("appid", &merchant.appid)
        .with("mch_id", &merchant.mchid)
        .with("nonce_str", random::nonce_str())
}

fn here(error: impl std::fmt::Display) -> Failure {
    Failure::Here(error.to_string())
}
