//! Shows a user's coupons.

use std::sync::Arc;

use feiqian_core::{CouponId, EventNumber, MerchantId};
use serde_json::json;

use super::coupon_object::{object, status};
use super::find::{self, Given};
use super::send::user;
use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::{Code, WechatError};
use crate::wechat::stock_echo::Api;
use crate::wechat::stocks::Stock;

/// Coupons on a page.
const COUPONS_MAX: usize = 20;
/// Entries of a wallet that are looked through for coupons that were used.
const ENTRIES_MAX: usize = 1_000;

/// `GET /v3/marketing/favor/users/{openid}/coupons/{coupon_id}?appid=`.
pub(super) async fn detail(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    signed.check_appid_in_query()?;
    let user = user(&platform, &signed)?;
    let none = || WechatError::new(Code::ResourceNotExists, "代金券不存在");
    let id = platform.ids.read_coupon_id(signed.path("coupon_id"));
    let id = CouponId(EventNumber(id.ok_or_else(none)?));
    let given = find::by_id(&platform, id).await?;
    let given = given.filter(|given| given.user == user).ok_or_else(none)?;
    let stock = Stock::of(&platform, given.campaign).await?;
    let merchant = signed.merchant.merchant;
    let stock = stock
        .filter(|stock| is_seen_by(stock, merchant))
        .ok_or_else(none)?;
    Answer::json(&object(&platform, &given, &stock).await?)
}

/// Whether a merchant may see a stock's coupons: its creator, and where they can be used.
fn is_seen_by(stock: &Stock, merchant: MerchantId) -> bool {
    stock.echo.api != Api::Busifavor
        && (stock.creator() == Some(merchant) || stock.row.terms.is_at(merchant))
}

/// `GET /v3/marketing/favor/users/{openid}/coupons?appid=`: those that can be used, and those that were
/// used lately. Those whose time is over are not listed.
pub(super) async fn list(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    signed.check_appid_in_query()?;
    let user = user(&platform, &signed)?;
    let (offset, limit) = signed.page(COUPONS_MAX, COUPONS_MAX)?;
    let wanted = Wanted::read(&signed)?;
    let open = platform
        .engine
        .read(move |state| state.open_coupons(user).to_vec())
        .await?;
    let store = platform.engine.store().await?;
    let used = find::used_lately(&store, user, ENTRIES_MAX)?;
    let mut found: Vec<(Given, Stock)> = Vec::new();
    for id in open.into_iter().rev().chain(used) {
        if found.iter().any(|(given, _)| given.id == id) {
            continue;
        }
        let Some(given) = find::by_id(&platform, id).await? else {
            continue;
        };
        if let Some(stock) = Stock::of(&platform, given.campaign).await?
            && wanted.is(&platform, &signed, &given, &stock)
        {
            found.push((given, stock));
        }
    }
    let mut page = Vec::new();
    for (given, stock) in found.iter().skip(offset).take(limit) {
        page.push(object(&platform, given, stock).await?);
    }
    Answer::json(&json!({
        "total_count": found.len(), "limit": limit, "offset": offset, "data": page,
    }))
}

/// Which coupons are asked for.
struct Wanted {
    stock_id: Option<String>,
    status: Option<String>,
    /// Those that can be used at the merchant that asks, rather than those of its own stocks.
    usable: bool,
}

impl Wanted {
    fn read(signed: &Signed) -> Result<Self, WechatError> {
        let text = |name| {
            let text = signed.query(name).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        for name in ["creator_mchid", "sender_mchid", "available_mchid"] {
            if let Some(named) = text(name) {
                signed.check_named(&named)?;
            }
        }
        let status = text("status");
        if let Some(status) = status
            .iter()
            .find(|status| !["SENDED", "USED"].contains(&status.as_str()))
        {
            let value = Some(status.as_str().into());
            return Err(WechatError::parameter(
                "query",
                "status",
                value,
                "须为SENDED或USED",
            ));
        }
        Ok(Self {
            stock_id: text("stock_id"),
            status,
            usable: text("available_mchid").is_some(),
        })
    }

    fn is(&self, platform: &Platform, signed: &Signed, given: &Given, stock: &Stock) -> bool {
        let merchant = signed.merchant.merchant;
        let own = match self.usable {
            true => stock.echo.api != Api::Busifavor && stock.row.terms.is_at(merchant),
            false => stock.echo.api == Api::Favor && stock.creator() == Some(merchant),
        };
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        own && is(&self.stock_id, &stock.id_text(platform))
            && is(&self.status, status(&given.fate))
            && status(&given.fate) != "EXPIRED"
    }
}
