//! Finds a merchant's own coupons, and what became of them, in the log.

use feiqian_core::campaign::Status;
use feiqian_core::campaign::return_subsidy::SubsidyReturned;
use feiqian_core::campaign::subsidise::SubsidyPaid;
use feiqian_core::{CouponId, Event, EventNumber, Number, UnixMillis};
use feiqian_store::Store;

use crate::platform::{Platform, unix_seconds};
use crate::wechat::edge::Signed;
use crate::wechat::error::WechatError;
use crate::wechat::favor::find::{Given, as_given};
use crate::wechat::refusals::no_coupon;
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::Stock;

/// What became of a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Used { at: UnixMillis, number: Number },
    Void { at: UnixMillis, number: Number },
    Expired,
}

/// A coupon with its stock and its story.
pub(super) struct Coupon {
    pub given: Given,
    pub stock: Stock,
    pub fate: Fate,
    pub story: Vec<(EventNumber, Event)>,
}

/// A coupon of the merchant that asks, by its code.
pub(super) async fn by_code(
    platform: &Platform,
    signed: &Signed,
    code: &str,
) -> Result<Coupon, WechatError> {
    let id = platform.ids.read_coupon_code(code).ok_or_else(no_coupon)?;
    let coupon = by_id(platform, CouponId(EventNumber(id))).await?;
    let own = coupon.filter(|coupon| coupon.stock.creator() == Some(signed.merchant.merchant));
    own.ok_or_else(no_coupon)
}

/// A coupon by its id, if it is of this API.
pub(super) async fn by_id(
    platform: &Platform,
    id: CouponId,
) -> Result<Option<Coupon>, WechatError> {
    let store = platform.engine.store().await?;
    let Some(given) = as_given(&store, id)? else {
        return Ok(None);
    };
    let stock = Stock::of(platform, given.campaign).await?;
    let Some(stock) = stock.filter(|stock| stock.echo.api == Api::Busifavor) else {
        return Ok(None);
    };
    let story = store.coupon(id)?;
    let mut fate = Fate::Open;
    for (_, event) in &story {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "subsidies do not change coupons"
        )]
        match event {
            Event::CouponUsed(used) => {
                let (at, number) = (used.at, used.number);
                fate = Fate::Used { at, number };
            }
            Event::CouponReturned(_) => fate = Fate::Open,
            Event::CouponVoided(void) => {
                let (at, number) = (void.at, void.number);
                fate = Fate::Void { at, number };
            }
            _ => {}
        }
    }
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let over = given.until.0 <= now.saturating_mul(1_000) || stock.row.status == Status::Ended;
    if fate == Fate::Open && over {
        fate = Fate::Expired;
    }
    Ok(Some(Coupon {
        given,
        stock,
        fate,
        story,
    }))
}

/// A subsidy by its event.
pub(super) fn subsidy(
    store: &Store,
    number: EventNumber,
) -> Result<Option<SubsidyPaid>, WechatError> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "one event pays subsidies")]
    Ok(match store.event(number)? {
        Some(Event::SubsidyPaid(paid)) => Some(*paid),
        _ => None,
    })
}

/// A subsidy's return by its event.
pub(super) fn subsidy_return(
    store: &Store,
    number: EventNumber,
) -> Result<Option<SubsidyReturned>, WechatError> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "one event gives them back")]
    Ok(match store.event(number)? {
        Some(Event::SubsidyReturned(returned)) => Some(*returned),
        _ => None,
    })
}
