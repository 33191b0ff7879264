//! The shopper's coupons: those that can be used, and those used lately.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::campaign::coupon::CouponState;
use feiqian_core::campaign::terms::Terms;
use feiqian_core::{Account, CouponId, Event, MerchantId, State, UnixMillis, UserId};
use serde::Serialize;

use super::Shopper;
use super::entries::List;
use super::offers::promise;
use super::words::Language;
use crate::platform::{Platform, unix_millis};
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::fields::{CouponRef, Time};

/// Entries of the statement in which used coupons are looked for.
const LOOKED_AT: usize = 200;

/// What became of a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be used.
    Open,
    /// It was.
    Used,
    /// Its time is over.
    Expired,
    /// Its merchant made it void.
    Void,
}

/// A coupon.
#[derive(Clone, Debug, Serialize)]
pub struct Coupon {
    id: CouponRef,
    name: String,
    words: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shop: Option<String>,
    status: Status,
    valid_from: Time,
    valid_to: Time,
}

/// A coupon before its shop has its name.
struct Row {
    coupon: Coupon,
    shop: Option<MerchantId>,
}

fn row(
    state: &State,
    id: CouponId,
    user: UserId,
    now: UnixMillis,
    language: Language,
) -> Option<Row> {
    let coupon = state.coupon(id).filter(|coupon| coupon.user == user)?;
    let terms = &state.campaign(coupon.campaign)?.terms;
    let status = match coupon.state {
        CouponState::Open if now < coupon.until => Status::Open,
        CouponState::Open => Status::Expired,
        CouponState::Used(_) | CouponState::UsedOutside => Status::Used,
        CouponState::Void => Status::Void,
    };
    Some(Row {
        coupon: Coupon {
            id: id.into(),
            name: terms.name.clone(),
            words: promise(terms, language),
            shop: None,
            status,
            valid_from: terms.from.into(),
            valid_to: coupon.until.into(),
        },
        shop: only_shop(terms),
    })
}

fn only_shop(terms: &Terms) -> Option<MerchantId> {
    match terms.merchants.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// Coupons that the newest payments used.
async fn used(platform: &Platform, user: UserId) -> Result<Vec<CouponId>, ApiError> {
    let account = Account::Wallet(user);
    let rows = ask(platform, move |store| {
        store.entries(account, None, LOOKED_AT)
    })
    .await?;
    let of_payment = |event: &Event| match event {
        Event::OrderPaid(paid) => paid.granted.clone(),
        _ => None,
    };
    let granted = rows.iter().filter_map(|(_, event)| of_payment(event));
    Ok(granted
        .flat_map(|granted| {
            let coupons = granted.grants.iter().filter_map(|grant| grant.coupon);
            coupons.collect::<Vec<_>>()
        })
        .collect())
}

/// GET coupons: the open ones first, soonest to end first.
pub async fn list(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<List<Coupon>>, ApiError> {
    let used = used(&platform, user).await?;
    let now = unix_millis();
    let read = move |state: &State| -> Vec<Row> {
        let held = state.open_coupons(user).iter().copied();
        let all = held.chain(used);
        all.filter_map(|id| row(state, id, user, now, language))
            .collect()
    };
    let rows = platform.engine.read(read).await?;
    let mut names = HashMap::new();
    let mut data = Vec::with_capacity(rows.len());
    for Row { mut coupon, shop } in rows {
        if let Some(shop) = shop {
            let name = match names.entry(shop) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(platform.shop_name(shop).await?),
            };
            coupon.shop = Some(name.clone());
        }
        data.push(coupon);
    }
    data.sort_by_key(|coupon| (coupon.status != Status::Open, coupon.valid_to.0));
    Ok(Json(List::whole(data)))
}
