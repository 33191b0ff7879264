//! The order as WeChat Pay v3 shows it (contract 2.5): the answer to a query, and what a payment's
//! notice holds.

use feiqian_core::order::create::Channel;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::{Event, EventNumber, OrderId};
use feiqian_engine::Stopped;
use feiqian_store::OrderStory;
use serde::Serialize;

use super::echo::Echo;
use super::promotions::{PromotionDetail, Promotions};
use super::times::rfc3339;
use crate::platform::{MerchantKeys, Platform};

/// What paid: the wallet's balance is none of the banks.
pub(crate) const BANK_TYPE: &str = "OTHERS";
pub(crate) const CURRENCY: &str = "CNY";

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TradeState {
    Success,
    Refund,
    NotPay,
    /// Waits for the shopper's consent.
    UserPaying,
    /// The shopper declined.
    PayError,
    Closed,
    Revoked,
}

impl TradeState {
    /// As written on the wire.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
            Self::NotPay => "NOTPAY",
            Self::UserPaying => "USERPAYING",
            Self::PayError => "PAYERROR",
            Self::Closed => "CLOSED",
            Self::Revoked => "REVOKED",
        }
    }

    /// For people.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Success => "支付成功",
            Self::Refund => "转入退款",
            Self::NotPay => "订单未支付",
            Self::UserPaying => "用户支付中",
            Self::PayError => "支付失败",
            Self::Closed => "订单已关闭",
            Self::Revoked => "订单已撤销",
        }
    }
}

/// WeChat Pay's word for how the shopper is reached.
pub(crate) const fn trade_type(channel: Channel) -> &'static str {
    match channel {
        Channel::Scan => "NATIVE",
        Channel::InWallet => "JSAPI",
        Channel::App => "APP",
        Channel::Browser => "MWEB",
        Channel::PayCode => "MICROPAY",
    }
}

/// An order as it stood after an event.
pub(crate) struct OrderView<'a> {
    pub id: OrderId,
    pub story: &'a OrderStory,
    pub state: TradeState,
    pub paid: Option<&'a OrderPaid>,
}

impl<'a> OrderView<'a> {
    /// As it stands now.
    pub fn now(id: OrderId, story: &'a OrderStory) -> Self {
        Self::after(id, story, EventNumber(u64::MAX))
    }

    /// As it stood after event `last`.
    pub fn after(id: OrderId, story: &'a OrderStory, last: EventNumber) -> Self {
        let (mut state, mut paid) = (TradeState::NotPay, None);
        for (_, event) in story.later.iter().take_while(|(number, _)| *number <= last) {
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "other events do not touch orders"
            )]
            match event {
                Event::OrderPaid(event) => (state, paid) = (TradeState::Success, Some(event)),
                Event::CodeSpent(spent) if spent.asked_until.is_some() => {
                    state = TradeState::UserPaying;
                }
                Event::OrderDeclined(_) => state = TradeState::PayError,
                Event::OrderClosed(_) | Event::OrderExpired(_) => state = TradeState::Closed,
                Event::OrderReversed(_) => state = TradeState::Revoked,
                Event::OrderRefunded(_) => state = TradeState::Refund,
                _ => {}
            }
        }
        Self {
            id,
            story,
            state,
            paid,
        }
    }

    /// 微信支付订单号, which only a paid order shows.
    pub fn transaction_id(&self, platform: &Platform) -> String {
        platform
            .ids
            .transaction_id(self.id.0.0, self.story.created.at.0)
    }

    /// As the merchant sees it.
    pub async fn object(
        &self,
        platform: &Platform,
        merchant: &MerchantKeys,
    ) -> Result<OrderObject<'a>, Stopped> {
        let promotions = Promotions::of(platform, self.paid).await?;
        let (created, terms) = (&self.story.created, &self.story.created.terms);
        let openid = |paid: &OrderPaid| platform.ids.openid(paid.payer.0.into(), &merchant.appid);
        let total = terms.amount.0;
        Ok(OrderObject {
            appid: merchant.appid.clone(),
            mchid: merchant.mchid.clone(),
            out_trade_no: created.number.as_str(),
            transaction_id: self.paid.map(|_| self.transaction_id(platform)),
            trade_type: trade_type(terms.channel),
            trade_state: self.state.text(),
            trade_state_desc: self.state.description(),
            bank_type: self.paid.map(|_| BANK_TYPE),
            attach: terms.attach.as_deref(),
            success_time: self.paid.map(|paid| rfc3339(paid.at)),
            payer: self.paid.map(|paid| Payer {
                openid: openid(paid),
            }),
            amount: Amount {
                total,
                payer_total: self
                    .paid
                    .map(|_| total.saturating_sub(promotions.discount())),
                currency: CURRENCY,
                payer_currency: self.paid.map(|_| CURRENCY),
            },
            scene_info: Echo::read(terms.echo.as_deref())
                .device_id
                .map(|device_id| SceneInfo { device_id }),
            promotion_detail: promotions.detail(platform, merchant.merchant),
        })
    }
}

/// On the wire.
#[derive(Debug, Serialize)]
pub(crate) struct OrderObject<'a> {
    appid: String,
    mchid: String,
    out_trade_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    trade_type: &'static str,
    trade_state: &'static str,
    trade_state_desc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<Payer>,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    scene_info: Option<SceneInfo>,
    promotion_detail: Vec<PromotionDetail>,
}

#[derive(Debug, Serialize)]
struct Payer {
    openid: String,
}

#[derive(Debug, Serialize)]
struct Amount {
    total: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_total: Option<i64>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_currency: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct SceneInfo {
    device_id: String,
}
