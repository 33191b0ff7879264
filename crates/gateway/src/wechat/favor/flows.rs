//! A stock's uses and refunds as files, downloaded as bills are: `GET …/stocks/{stock_id}/use-flow` and
//! `…/refund-flow`.
//!
//! Unlike WeChat Pay they can be had at once, not only the day after the stock has ended.

use std::ops::ControlFlow;
use std::sync::Arc;

use feiqian_core::campaign::grant::{Grant, Returned};
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::{Account, CampaignId, Event, EventNumber, UnixMillis};
use feiqian_store::{OrderStory, Store};
use serde_json::json;

use super::flow_rows::{Back, FlowFile, Use};
use crate::platform::Platform;
use crate::wechat::bill_token::What;
use crate::wechat::bills;
use crate::wechat::echo::Echo;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::{Code, WechatError};
use crate::wechat::ids;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::Stock;
use crate::wechat::times::bill_time;

/// Most rows of one file.
const ROWS_MAX: usize = 500_000;

/// What a file tells of a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowKind {
    /// Each use of a coupon.
    Uses,
    /// What refunds gave back of uses.
    Refunds,
}

/// A file of a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub campaign: CampaignId,
    pub kind: FlowKind,
}

impl FlowKind {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Uses => 0,
            Self::Refunds => 1,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Uses, Self::Refunds]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// `GET /v3/marketing/favor/stocks/{stock_id}/use-flow`.
pub(super) async fn uses(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    announce(platform, signed, FlowKind::Uses).await
}

/// `GET /v3/marketing/favor/stocks/{stock_id}/refund-flow`.
pub(super) async fn refunds(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, WechatError> {
    announce(platform, signed, FlowKind::Refunds).await
}

async fn announce(
    platform: Arc<Platform>,
    signed: Signed,
    kind: FlowKind,
) -> Result<Answer, WechatError> {
    let stock = Stock::own(&platform, &signed, Api::Favor, signed.path("stock_id")).await?;
    let campaign = stock.id;
    let what = What::Flow(Flow { campaign, kind });
    let some = |rows| match rows {
        0 => Err(WechatError::new(Code::ResourceNotExists, "账单文件不存在")),
        _ => Ok(()),
    };
    let (hash, url) = bills::announce(platform, signed.merchant, what, some).await?;
    Answer::json(&json!({ "url": url, "hash_value": hash, "hash_type": "SHA1" }))
}

/// Writes a file, of the events before `end`.
pub(crate) fn write(
    platform: &Platform,
    store: &Store,
    flow: Flow,
    end: EventNumber,
) -> Result<FlowFile, WechatError> {
    let mut file = match flow.kind {
        FlowKind::Uses => FlowFile::of_uses(),
        FlowKind::Refunds => FlowFile::of_refunds(),
    };
    let stock_id = platform.ids.stock_id(flow.campaign.0);
    let mut failed = None;
    let mut each = |_, event: Event| {
        if let Event::OrderPaid(paid) = event
            && let Err(error) = push(platform, store, &mut file, flow, &stock_id, &paid, end)
        {
            failed = Some(error);
        }
        if file.rows() > ROWS_MAX {
            failed = Some(WechatError::new(Code::InvalidRequest, "批次明细过多"));
        }
        match failed {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    // A merchant's stocks are paid from their funds.
    let account = Account::CampaignFund(flow.campaign);
    store.entries_between(account, EventNumber(0), end, &mut each)?;
    failed.map_or(Ok(file), Err)
}

/// The rows of one payment.
fn push(
    platform: &Platform,
    store: &Store,
    file: &mut FlowFile,
    flow: Flow,
    stock_id: &str,
    paid: &OrderPaid,
    end: EventNumber,
) -> Result<(), WechatError> {
    let granted = paid.granted.iter().flat_map(|granted| &granted.grants);
    let grant = (0..)
        .zip(granted)
        .find(|(_, grant)| grant.campaign == flow.campaign);
    let (Some((place, grant)), Some(story)) = (grant, store.order(paid.order)?) else {
        return Ok(());
    };
    let used = row(platform, stock_id, paid, grant, &story);
    if flow.kind == FlowKind::Uses {
        file.push_use(&used);
        return Ok(());
    }
    let later = story.later.iter().take_while(|(number, _)| *number < end);
    for (number, event) in later {
        if let Some((at, returned)) = returned(event)
            && let Some(part) = returned.grants.get(place)
        {
            let back = Back {
                refund_id: platform.ids.refund_id(number.0, at.0),
                amount: part.amount(),
                time: bill_time(at),
            };
            file.push_refund(&used, &back);
        }
    }
    Ok(())
}

fn row<'a>(
    platform: &Platform,
    stock_id: &'a str,
    paid: &OrderPaid,
    grant: &Grant,
    story: &OrderStory,
) -> Use<'a> {
    let coupon = grant
        .coupon
        .map(|coupon| platform.ids.coupon_id(coupon.0.0));
    let terms = &story.created.terms;
    Use {
        stock_id,
        coupon_id: coupon.unwrap_or_default(),
        amount: grant.amount,
        order_amount: paid.amount,
        channel: terms.channel,
        transaction_id: platform
            .ids
            .transaction_id(paid.order.0.0, story.created.at.0),
        time: bill_time(paid.at),
        mchid: ids::mchid(paid.merchant.0.into()),
        device: Echo::read(terms.echo.as_deref())
            .device_id
            .unwrap_or_default(),
    }
}

/// What a refund or reversal gave back.
fn returned(event: &Event) -> Option<(UnixMillis, &Returned)> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "other events give nothing back"
    )]
    match event {
        Event::OrderRefunded(refund) => Some((refund.at, refund.returned.as_deref()?)),
        Event::OrderReversed(reversed) => Some((reversed.at, reversed.returned.as_deref()?)),
        _ => None,
    }
}
