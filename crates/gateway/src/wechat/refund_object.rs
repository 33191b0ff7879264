//! A refund as WeChat Pay v3 shows it (contract 4.9): the answer to a refund and to its query, and
//! what its notice holds.
//!
//! Money goes back to the wallet at once, so every refund is a success from the beginning.

use feiqian_core::EventNumber;
use feiqian_core::order::refund::OrderRefunded;
use feiqian_engine::Stopped;
use serde::Serialize;

use super::find::Found;
use super::order_object::CURRENCY;
use super::promotions::{Given, Promotions, RefundPromotion};
use super::times::rfc3339;
use crate::platform::{MerchantKeys, Platform};

const SUCCESS: &str = "SUCCESS";
/// Back to where it was paid from.
pub(crate) const CHANNEL: &str = "ORIGINAL";
pub(crate) const RECEIVED_BY: &str = "支付用户零钱";
const FUNDS_ACCOUNT: &str = "AVAILABLE";

/// A refund with its order.
pub(crate) struct RefundView<'a> {
    pub number: EventNumber,
    pub refund: &'a OrderRefunded,
    pub order: &'a Found,
}

impl<'a> RefundView<'a> {
    /// 微信支付退款单号.
    pub fn refund_id(&self, platform: &Platform) -> String {
        platform.ids.refund_id(self.number.0, self.refund.at.0)
    }

    /// The promotions of its order.
    pub async fn promotions(&self, platform: &Platform) -> Result<Promotions, Stopped> {
        Promotions::of(platform, self.order.view().paid).await
    }

    /// What went to whom.
    pub fn given(&self, promotions: &Promotions) -> Given {
        promotions.returned(self.refund.amount, self.refund.returned.as_deref())
    }

    /// As the merchant sees it.
    pub fn object(&self, platform: &Platform, promotions: &Promotions) -> RefundObject<'a> {
        let (total, refund) = self.amounts();
        let given = self.given(promotions);
        let returned = self.refund.returned.as_deref();
        RefundObject {
            refund_id: self.refund_id(platform),
            out_refund_no: self.refund.number.as_str(),
            transaction_id: self.order.view().transaction_id(platform),
            out_trade_no: self.order.story.created.number.as_str(),
            channel: CHANNEL,
            user_received_account: RECEIVED_BY,
            success_time: rfc3339(self.refund.at),
            create_time: rfc3339(self.refund.at),
            status: SUCCESS,
            funds_account: FUNDS_ACCOUNT,
            amount: RefundAmount {
                total,
                refund,
                from: [],
                payer_total: total.saturating_sub(promotions.discount()),
                payer_refund: given.payer,
                settlement_refund: refund.saturating_sub(given.no_cash),
                settlement_total: total.saturating_sub(promotions.no_cash()),
                discount_refund: refund.saturating_sub(given.payer),
                currency: CURRENCY,
            },
            promotion_detail: promotions.refund_detail(platform, returned),
        }
    }

    /// As its notice tells it.
    pub fn notice(
        &self,
        platform: &Platform,
        merchant: &MerchantKeys,
        promotions: &Promotions,
    ) -> RefundNotice<'a> {
        let (total, refund) = self.amounts();
        RefundNotice {
            mchid: merchant.mchid.clone(),
            out_trade_no: self.order.story.created.number.as_str(),
            transaction_id: self.order.view().transaction_id(platform),
            out_refund_no: self.refund.number.as_str(),
            refund_id: self.refund_id(platform),
            refund_status: SUCCESS,
            success_time: rfc3339(self.refund.at),
            user_received_account: RECEIVED_BY,
            amount: NoticeAmount {
                total,
                refund,
                payer_total: total.saturating_sub(promotions.discount()),
                payer_refund: self.given(promotions).payer,
            },
        }
    }

    /// Of the order, and of the refund.
    pub fn amounts(&self) -> (i64, i64) {
        (
            self.order.story.created.terms.amount.0,
            self.refund.amount.0,
        )
    }
}

/// On the wire.
#[derive(Debug, Serialize)]
pub(crate) struct RefundObject<'a> {
    refund_id: String,
    out_refund_no: &'a str,
    transaction_id: String,
    out_trade_no: &'a str,
    channel: &'static str,
    user_received_account: &'static str,
    success_time: String,
    create_time: String,
    status: &'static str,
    funds_account: &'static str,
    amount: RefundAmount,
    promotion_detail: Vec<RefundPromotion>,
}

#[derive(Debug, Serialize)]
struct RefundAmount {
    total: i64,
    refund: i64,
    from: [(); 0],
    payer_total: i64,
    payer_refund: i64,
    settlement_refund: i64,
    settlement_total: i64,
    discount_refund: i64,
    currency: &'static str,
}

/// On the wire, in a notice.
#[derive(Debug, Serialize)]
pub(crate) struct RefundNotice<'a> {
    mchid: String,
    out_trade_no: &'a str,
    transaction_id: String,
    out_refund_no: &'a str,
    refund_id: String,
    refund_status: &'static str,
    success_time: String,
    user_received_account: &'static str,
    amount: NoticeAmount,
}

#[derive(Debug, Serialize)]
struct NoticeAmount {
    total: i64,
    refund: i64,
    payer_total: i64,
    payer_refund: i64,
}
