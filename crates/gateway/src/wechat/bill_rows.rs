//! The lines of a trade bill: what each event of a merchant's account says there.

use feiqian_core::order::pay::OrderPaid;
use feiqian_core::{Event, EventNumber, Fen, UnixMillis};
use feiqian_store::Store;
use tokio::runtime::Handle;

use super::bill_token::BillKind;
use super::csv::Row;
use super::echo::Echo;
use super::error::WechatError;
use super::find::{self, Found};
use super::order_object::{BANK_TYPE, CURRENCY, trade_type};
use super::promotions::{Given, Promotions};
use super::times::bill_time;
use crate::platform::{MerchantKeys, Platform};

/// One line, with its texts. The fee's rate is left out: an order freezes its fee, not the rate.
#[derive(Debug)]
pub(super) struct Line {
    time: String,
    device: String,
    transaction_id: String,
    out_trade_no: String,
    openid: String,
    trade_type: &'static str,
    description: String,
    attach: String,
    amount: Fen,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Paid, for a fee.
    Paid { fee: Fen, promotions: Promotions },
    /// Given back, with part of the fee.
    Refunded {
        refund_id: String,
        out_refund_no: String,
        fee: Fen,
        given: Given,
    },
    /// Undone, with the fee.
    Reversed { fee: Fen, given: Given },
}

impl Line {
    /// What an event of a merchant's account says in its bill.
    pub fn of(
        platform: &Platform,
        store: &Store,
        merchant: &MerchantKeys,
        number: EventNumber,
        event: &Event,
    ) -> Result<Option<Self>, WechatError> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "other events are in no trade bill"
        )]
        let (order, at, amount) = match event {
            Event::OrderPaid(paid) => (paid.order, paid.at, paid.amount),
            Event::OrderRefunded(refund) => (refund.order, refund.at, refund.amount),
            Event::OrderReversed(reversed) => (reversed.order, reversed.at, reversed.amount),
            _ => return Ok(None),
        };
        // A campaign's funder has its grants in its account too; they are the other merchant's orders.
        let Some(found) = find::by_id(store, merchant.merchant, order)? else {
            return Ok(None);
        };
        let promotions = Handle::current().block_on(Promotions::of(platform, found.view().paid))?;
        let what = What::of(platform, number, event, promotions);
        Ok(what.map(|what| Self::new(platform, merchant, &found, at, amount, what)))
    }

    fn new(
        platform: &Platform,
        merchant: &MerchantKeys,
        found: &Found,
        at: UnixMillis,
        amount: Fen,
        what: What,
    ) -> Self {
        let (view, created) = (found.view(), &found.story.created);
        let openid = |paid: &OrderPaid| platform.ids.openid(paid.payer.0.into(), &merchant.appid);
        Self {
            time: bill_time(at),
            device: Echo::read(created.terms.echo.as_deref())
                .device_id
                .unwrap_or_default(),
            transaction_id: view.transaction_id(platform),
            out_trade_no: created.number.to_string(),
            openid: view.paid.map(openid).unwrap_or_default(),
            trade_type: trade_type(created.terms.channel),
            description: created.terms.description.clone(),
            attach: created.terms.attach.clone().unwrap_or_default(),
            amount,
            what,
        }
    }

    /// Whether a bill of this kind has it.
    pub fn is_of(&self, kind: BillKind) -> bool {
        match (kind, &self.what) {
            (BillKind::All, _) | (BillKind::Success, What::Paid { .. }) => true,
            (BillKind::Refund, What::Refunded { .. } | What::Reversed { .. }) => true,
            (BillKind::Success, What::Refunded { .. } | What::Reversed { .. })
            | (BillKind::Refund, What::Paid { .. }) => false,
        }
    }

    /// As the bill has it.
    pub fn row<'a>(&'a self, merchant: &'a MerchantKeys) -> Row<'a> {
        let row = Row {
            time: &self.time,
            appid: &merchant.appid,
            mchid: &merchant.mchid,
            sub_mchid: "0",
            device: &self.device,
            transaction_id: &self.transaction_id,
            out_trade_no: &self.out_trade_no,
            openid: &self.openid,
            trade_type: self.trade_type,
            bank: BANK_TYPE,
            currency: CURRENCY,
            description: &self.description,
            attach: &self.attach,
            ..Row::default()
        };
        let amount = self.amount.0;
        let back = Row {
            requested_refund: amount,
            refund_type: "ORIGINAL",
            refund_state: "SUCCESS",
            ..row
        };
        match &self.what {
            What::Paid { fee, promotions } => Row {
                trade_state: "SUCCESS",
                settlement: amount.saturating_sub(promotions.no_cash()),
                coupon: promotions.discount(),
                order_total: amount,
                fee: fee.0,
                ..row
            },
            What::Refunded {
                refund_id,
                out_refund_no,
                fee,
                given,
            } => Row {
                trade_state: "REFUND",
                refund_id,
                out_refund_no,
                refund: amount.saturating_sub(given.no_cash),
                coupon_refund: given.cash,
                fee: -fee.0,
                ..back
            },
            What::Reversed { fee, given } => Row {
                trade_state: "REVOKED",
                refund: amount.saturating_sub(given.no_cash),
                coupon_refund: given.cash,
                fee: -fee.0,
                ..back
            },
        }
    }
}

impl What {
    fn of(
        platform: &Platform,
        number: EventNumber,
        event: &Event,
        promotions: Promotions,
    ) -> Option<Self> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "other events are in no trade bill"
        )]
        match event {
            Event::OrderPaid(paid) => Some(Self::Paid {
                fee: paid.fee,
                promotions,
            }),
            Event::OrderRefunded(refund) => Some(Self::Refunded {
                refund_id: platform.ids.refund_id(number.0, refund.at.0),
                out_refund_no: refund.number.to_string(),
                fee: refund.fee_returned,
                given: promotions.returned(refund.amount, refund.returned.as_deref()),
            }),
            Event::OrderReversed(reversed) => Some(Self::Reversed {
                fee: reversed.fee_returned,
                given: promotions.returned(reversed.amount, reversed.returned.as_deref()),
            }),
            _ => None,
        }
    }
}
