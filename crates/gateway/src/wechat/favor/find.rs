//! Finds coupons and what became of them: from the state while they are good for something, from the log
//! afterwards.

use std::ops::ControlFlow;

use feiqian_core::campaign::CouponState;
use feiqian_core::order::pay::OrderPaid;
use feiqian_core::{Account, CampaignId, CouponId, Event, UnixMillis, UserId};
use feiqian_store::Store;

use crate::platform::{Platform, unix_seconds};
use crate::wechat::error::WechatError;

/// What became of a coupon.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It can be used.
    Open,
    /// Used to pay.
    Paid(Box<OrderPaid>),
    /// Used at its merchant's own till.
    UsedOutside,
    /// Made void by its merchant.
    Void,
    /// Its time, or its stock's, was over before it was used.
    Expired,
}

/// A coupon that was given once.
#[derive(Debug)]
pub(crate) struct Given {
    pub id: CouponId,
    pub campaign: CampaignId,
    pub user: UserId,
    pub at: UnixMillis,
    pub until: UnixMillis,
    pub fate: Fate,
}

/// A coupon as it was given, if there ever was one of this id.
pub(crate) fn as_given(store: &Store, id: CouponId) -> Result<Option<Given>, WechatError> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only these events give coupons"
    )]
    let (campaign, user, at, until) = match store.event(id.0)? {
        Some(Event::CouponGiven(given)) => (given.campaign, given.user, given.at, given.until),
        Some(Event::OrderPaid(paid)) => match paid.granted.as_ref().and_then(|all| all.earned) {
            Some(earned) => (earned.campaign, paid.payer, paid.at, earned.until),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Given {
        id,
        campaign,
        user,
        at,
        until,
        fate: Fate::Open,
    }))
}

/// A coupon by its id, as it stands.
pub(crate) async fn by_id(platform: &Platform, id: CouponId) -> Result<Option<Given>, WechatError> {
    let store = platform.engine.store().await?;
    let Some(given) = as_given(&store, id)? else {
        return Ok(None);
    };
    let kept = platform
        .engine
        .read(move |state| state.coupon(id).map(|coupon| coupon.state))
        .await?;
    let fate = match kept {
        Some(CouponState::Open) if given.until.0 <= now() => Fate::Expired,
        Some(CouponState::Open) => Fate::Open,
        Some(CouponState::UsedOutside) => Fate::UsedOutside,
        Some(CouponState::Void) => Fate::Void,
        Some(CouponState::Used(order)) => paid(&store, order)?,
        None => used_once(&store, id, given.user, given.until)?,
    };
    Ok(Some(Given { fate, ..given }))
}

/// Its payment, by the order that it was used for.
fn paid(store: &Store, order: feiqian_core::OrderId) -> Result<Fate, WechatError> {
    let story = store.order(order)?;
    let events = story.into_iter().flat_map(|story| story.later);
    let paid = events.filter_map(|(_, event)| payment(event)).next();
    Ok(paid.map_or(Fate::Expired, |paid| Fate::Paid(Box::new(paid))))
}

fn payment(event: Event) -> Option<OrderPaid> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "one event pays")]
    match event {
        Event::OrderPaid(paid) => Some(paid),
        _ => None,
    }
}

/// What became of a coupon that has left memory: its use is in its user's history before its end.
fn used_once(
    store: &Store,
    id: CouponId,
    user: UserId,
    until: UnixMillis,
) -> Result<Fate, WechatError> {
    let (mut last, end) = (Fate::Expired, store.first_event_at(until)?);
    store.entries_between(Account::Wallet(user), id.0, end, &mut |_, event| {
        #[allow(clippy::wildcard_enum_match_arm, reason = "others use no coupons")]
        match event {
            Event::OrderPaid(paid) if uses(&paid, id) => last = Fate::Paid(Box::new(paid)),
            Event::OrderRefunded(refund)
                if refund
                    .returned
                    .iter()
                    .any(|back| back.coupons.contains(&id)) =>
            {
                last = Fate::Expired;
            }
            Event::OrderReversed(reversed)
                if reversed
                    .returned
                    .iter()
                    .any(|back| back.coupons.contains(&id)) =>
            {
                last = Fate::Expired;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

/// Whether a payment uses a coupon.
fn uses(paid: &OrderPaid, id: CouponId) -> bool {
    let granted = paid.granted.iter().flat_map(|granted| &granted.grants);
    granted.into_iter().any(|grant| grant.coupon == Some(id))
}

fn now() -> i64 {
    let seconds = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    seconds.saturating_mul(1_000)
}

/// Coupons that a user has used to pay, newest first, of the newest `payments` entries of the wallet.
pub(crate) fn used_lately(
    store: &Store,
    user: UserId,
    payments: usize,
) -> Result<Vec<CouponId>, WechatError> {
    let mut used = Vec::new();
    for (_, event) in store.entries(Account::Wallet(user), None, payments)? {
        let paid = payment(event);
        let granted = paid.iter().flat_map(|paid| &paid.granted);
        let grants = granted.flat_map(|granted| &granted.grants);
        for coupon in grants.filter_map(|grant| grant.coupon) {
            if !used.contains(&coupon) {
                used.push(coupon);
            }
        }
    }
    Ok(used)
}
