//! The trade as Alipay shows it (contract 5.23 to 5.29): in the answers to a payment and to a query, and in notices.
//!
//! `total_amount` = `buyer_pay_amount` + `discount_amount` (the platform's) + `mdiscount_amount` (others');
//! `receipt_amount` is what the merchant's account is credited with before the fee. All come from the grants
//! in the payment's event, which are its postings.

use feiqian_core::limits::REFUND_WITHIN_MS;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::order::refund::OrderRefunded;
use feiqian_core::{Event, EventNumber, Fen, OrderId, UnixMillis, UserId};
use feiqian_store::OrderStory;
use serde::Serialize;

use super::app::AppKeys;
use super::echo::Echo;
use crate::platform::{MerchantKeys, Platform, PlatformError, unix_millis};
use crate::wechat::find::Found;
use crate::wechat::promotions::Promotions;
use crate::wechat::times::bill_time;

/// Wallet money.
const BALANCE: &str = "ALIPAYACCOUNT";
/// What the platform gave.
const DISCOUNT: &str = "DISCOUNT";
/// What merchants and others gave.
const MERCHANT_DISCOUNT: &str = "MDISCOUNT";
const VOUCHER: &str = "ALIPAY_FIX_VOUCHER";
/// What the wallet has no use for.
const NO_POINTS: &str = "0.00";

/// What became of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    WaitBuyerPay,
    /// Ended unpaid, or all of it given back.
    Closed,
    Success,
    /// Paid so long ago that nothing can be given back.
    Finished,
}

impl Status {
    /// As written on the wire.
    pub const fn text(self) -> &'static str {
        match self {
            Self::WaitBuyerPay => "WAIT_BUYER_PAY",
            Self::Closed => "TRADE_CLOSED",
            Self::Success => "TRADE_SUCCESS",
            Self::Finished => "TRADE_FINISHED",
        }
    }
}

/// A trade as it stood after an event.
pub(crate) struct TradeView<'a> {
    pub id: OrderId,
    pub story: &'a OrderStory,
    pub status: Status,
    /// The shopper is asked for consent.
    pub asked: bool,
    pub paid: Option<&'a OrderPaid>,
    /// Given back so far.
    pub refunded: Fen,
    /// When something was given back last.
    pub refunded_at: Option<UnixMillis>,
    /// When it ended.
    pub closed_at: Option<UnixMillis>,
}

impl<'a> TradeView<'a> {
    /// As it stands now.
    pub fn of(found: &'a Found) -> Self {
        Self::after(found.id, &found.story, EventNumber(u64::MAX))
    }

    /// As it stood after event `last`.
    pub fn after(id: OrderId, story: &'a OrderStory, last: EventNumber) -> Self {
        let mut view = Self {
            id,
            story,
            status: Status::WaitBuyerPay,
            asked: false,
            paid: None,
            refunded: Fen::ZERO,
            refunded_at: None,
            closed_at: None,
        };
        for (_, event) in story.later.iter().take_while(|(number, _)| *number <= last) {
            view.follow(event);
        }
        let over = |paid: &OrderPaid| unix_millis() > paid.at.plus(REFUND_WITHIN_MS);
        if view.status == Status::Success && view.paid.is_some_and(over) {
            view.status = Status::Finished;
        }
        view
    }

    fn follow(&mut self, event: &'a Event) {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "other events do not touch orders"
        )]
        match event {
            Event::OrderPaid(paid) => (self.status, self.paid) = (Status::Success, Some(paid)),
            Event::CodeSpent(spent) => self.asked = spent.asked_until.is_some(),
            Event::OrderDeclined(declined) => self.close(declined.at),
            Event::OrderClosed(closed) => self.close(closed.at),
            Event::OrderExpired(expired) => self.close(expired.at),
            Event::OrderReversed(reversed) => {
                if self.paid.is_some() {
                    self.give_back(reversed.amount, reversed.at);
                }
                self.close(reversed.at);
            }
            Event::OrderRefunded(refund) => {
                self.give_back(refund.amount, refund.at);
                if self.refunded >= self.total() {
                    self.close(refund.at);
                }
            }
            _ => {}
        }
    }

    fn give_back(&mut self, amount: Fen, at: UnixMillis) {
        self.refunded = Fen(self.refunded.0.saturating_add(amount.0));
        self.refunded_at = Some(at);
    }

    fn close(&mut self, at: UnixMillis) {
        (self.status, self.closed_at) = (Status::Closed, Some(at));
    }

    /// For how much.
    pub fn total(&self) -> Fen {
        self.story.created.terms.amount
    }

    /// 支付宝交易号.
    pub fn trade_no(&self, platform: &Platform) -> String {
        let created = &self.story.created;
        platform.ids.trade_no(self.id.0.0, created.at.0)
    }

    /// The merchant's number.
    pub fn out_trade_no(&self) -> &'a str {
        self.story.created.number.as_str()
    }

    /// What is kept of the request.
    pub fn echo(&self) -> Echo {
        Echo::read(self.story.created.terms.echo.as_deref())
    }

    /// For what.
    pub fn subject(&self, echo: &Echo) -> String {
        let description = &self.story.created.terms.description;
        echo.subject.as_ref().unwrap_or(description).clone()
    }

    /// Of a trade that is paid: what it was paid with.
    pub async fn money(&self, platform: &Platform) -> Result<Option<Money>, PlatformError> {
        let Some(paid) = self.paid else {
            return Ok(None);
        };
        let promotions = Promotions::of(platform, Some(paid)).await?;
        let (total, all) = (self.total().0, promotions.discount());
        let discount = promotions.of_platform();
        Ok(Some(Money {
            buyer: Fen(total.saturating_sub(all)),
            discount: Fen(discount),
            mdiscount: Fen(all.saturating_sub(discount)),
            receipt: Fen(total.saturating_sub(promotions.no_cash())),
            promotions,
        }))
    }

    /// As the merchant sees it.
    pub async fn object(
        &self,
        platform: &Platform,
        app: &AppKeys,
        merchant: &MerchantKeys,
    ) -> Result<TradeObject, PlatformError> {
        let (echo, money) = (self.echo(), self.money(platform).await?);
        let buyer = self.paid.map(|paid| Buyer::of(platform, app, paid.payer));
        let yuan = |part: fn(&Money) -> Fen| {
            money
                .as_ref()
                .map_or(NO_POINTS.into(), |money| part(money).to_string())
        };
        Ok(TradeObject {
            trade_no: self.trade_no(platform),
            out_trade_no: self.out_trade_no().to_owned(),
            buyer: buyer.transpose()?,
            total_amount: self.total().to_string(),
            receipt_amount: yuan(|money| money.receipt),
            buyer_pay_amount: yuan(|money| money.buyer),
            invoice_amount: yuan(|money| money.buyer),
            point_amount: NO_POINTS,
            discount_amount: yuan(|money| money.discount),
            mdiscount_amount: yuan(|money| money.mdiscount),
            fund_bill_list: money.as_ref().map(|money| money.bills().collect()),
            voucher_detail_list: money
                .as_ref()
                .map(|money| money.vouchers(platform, merchant)),
            store_name: merchant.name.clone(),
            store_id: echo.store_id.clone(),
            terminal_id: echo.terminal_id.clone(),
            subject: self.subject(&echo),
            body: echo.body,
            passback_params: echo.passback_params,
        })
    }
}

/// What a trade was paid with.
pub(crate) struct Money {
    /// By the buyer.
    pub buyer: Fen,
    /// By the platform.
    pub discount: Fen,
    /// By merchants and others.
    pub mdiscount: Fen,
    /// To the merchant.
    pub receipt: Fen,
    promotions: Promotions,
}

impl Money {
    /// One line for each source; their sum is the total.
    pub fn bills(&self) -> impl Iterator<Item = FundBill> {
        fund_bills(self.buyer, self.discount, self.mdiscount)
    }

    /// One line for each campaign that had a part.
    pub fn vouchers(&self, platform: &Platform, merchant: &MerchantKeys) -> Vec<Voucher> {
        let detail = self.promotions.detail(platform, merchant.merchant);
        let voucher = |part: crate::wechat::promotions::PromotionDetail| Voucher {
            id: part.coupon_id,
            name: part.name,
            kind: VOUCHER,
            amount: Fen(part.amount).to_string(),
            merchant_contribute: Fen(part.merchant_contribute).to_string(),
            other_contribute: Fen(part
                .wechatpay_contribute
                .saturating_add(part.other_contribute))
            .to_string(),
            template_id: part.stock_id,
        };
        detail.into_iter().map(voucher).collect()
    }

    /// Of a refund: what went to whom.
    pub fn back(&self, refund: &OrderRefunded) -> Back {
        let returned = refund.returned.as_deref();
        let given = self.promotions.returned(refund.amount, returned);
        let parts = returned.map_or(&[][..], |returned| &returned.grants);
        let discount = parts
            .iter()
            .fold(0_i64, |sum, part| sum.saturating_add(part.platform.0));
        let others = refund
            .amount
            .0
            .saturating_sub(given.payer)
            .saturating_sub(discount);
        Back {
            buyer: Fen(given.payer),
            discount: Fen(discount),
            mdiscount: Fen(others),
            merchant: Fen(refund.amount.0.saturating_sub(given.no_cash)),
        }
    }
}

/// What a refund gave back.
pub(crate) struct Back {
    /// To the buyer.
    pub buyer: Fen,
    /// To the platform.
    pub discount: Fen,
    /// To merchants and others.
    pub mdiscount: Fen,
    /// By the merchant.
    pub merchant: Fen,
}

impl Back {
    /// One line for each source; their sum is the refund.
    pub fn bills(&self) -> impl Iterator<Item = FundBill> {
        fund_bills(self.buyer, self.discount, self.mdiscount)
    }
}

fn fund_bills(buyer: Fen, discount: Fen, mdiscount: Fen) -> impl Iterator<Item = FundBill> {
    let parts = [
        (BALANCE, buyer),
        (DISCOUNT, discount),
        (MERCHANT_DISCOUNT, mdiscount),
    ];
    let bill = |(fund_channel, amount): (&'static str, Fen)| FundBill {
        fund_channel,
        amount: amount.to_string(),
    };
    parts
        .into_iter()
        .filter(|(_, amount)| *amount > Fen::ZERO)
        .map(bill)
}

/// Who paid.
#[derive(Debug, Serialize)]
pub(crate) struct Buyer {
    /// Enough of phone or name to be known by whoever has seen it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_logon_id: Option<String>,
    pub buyer_user_id: String,
    pub buyer_open_id: String,
}

impl Buyer {
    pub fn of(platform: &Platform, app: &AppKeys, user: UserId) -> Result<Self, PlatformError> {
        let person = platform.person(user)?;
        let logon_id = person.map(|person| masked(&person.phone.unwrap_or(person.handle)));
        Ok(Self {
            buyer_logon_id: logon_id,
            buyer_user_id: platform.ids.buyer_id(user.0),
            buyer_open_id: platform.ids.openid(user.0.into(), &app.app_id),
        })
    }
}

/// `138****1234` of a phone, `mei***` of anything else.
fn masked(text: &str) -> String {
    let phone = text.trim_start_matches("+86");
    let count = phone.chars().count();
    let begin: String = phone.chars().take(3).collect();
    if count < 8 {
        return format!("{begin}***");
    }
    let end: String = phone.chars().skip(count - 4).collect();
    format!("{begin}****{end}")
}

/// On the wire.
#[derive(Debug, Serialize)]
pub(crate) struct FundBill {
    fund_channel: &'static str,
    amount: String,
}

/// On the wire.
#[derive(Debug, Serialize)]
pub(crate) struct Voucher {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    amount: String,
    merchant_contribute: String,
    other_contribute: String,
    template_id: String,
}

/// On the wire: what the answers to a payment and to a query have in common.
#[derive(Debug, Serialize)]
pub(crate) struct TradeObject {
    trade_no: String,
    out_trade_no: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    buyer: Option<Buyer>,
    total_amount: String,
    receipt_amount: String,
    buyer_pay_amount: String,
    invoice_amount: String,
    point_amount: &'static str,
    discount_amount: String,
    mdiscount_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fund_bill_list: Option<Vec<FundBill>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voucher_detail_list: Option<Vec<Voucher>>,
    store_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal_id: Option<String>,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passback_params: Option<String>,
}

/// `2015-05-20 13:29:35`, China's clock.
pub(crate) fn time(at: UnixMillis) -> String {
    bill_time(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_paid_is_known_by_a_part() {
        assert_eq!(masked("+8613812341234"), "138****1234");
        assert_eq!(masked("mei"), "mei***");
        assert_eq!(masked("韩梅梅和李雷雷雷"), "韩梅梅****李雷雷雷");
    }
}
