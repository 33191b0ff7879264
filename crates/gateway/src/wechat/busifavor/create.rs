//! Creates a stock, which runs from then on: `POST /v3/marketing/busifavor/stocks`.

use std::sync::Arc;

use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent,
};
use feiqian_core::limits::{AMOUNT_MAX, COUPON_DAYS_MAX};
use feiqian_core::money::BasisPoints;
use feiqian_core::{Event, Fen, UnixMillis};
use serde_json::json;

use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::stock_echo::{Api, StockEcho};
use crate::wechat::stocks::{self, refuse_all};
use crate::wechat::times::rfc3339;

/// Coupons of one stock.
pub(super) const COUPONS_MAX: i64 = 1_000_000_000;
/// Coupons of a stock for one user.
const COUPONS_PER_USER_MAX: i64 = 100;
/// Shown again as they were sent.
const SHOWN: [&str; 9] = [
    "comment",
    "goods_name",
    "stock_type",
    "coupon_use_rule",
    "stock_send_rule",
    "custom_entrance",
    "display_pattern_info",
    "notify_config",
    "subsidy",
];

pub(super) async fn create(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let command = read(&signed, &Fields::of(&body)?)?;
    let by = command.by;
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    let event = store.event(receipt.event)?;
    let created = event.as_ref().map_or(receipt.at, Event::at);
    let campaign = stocks::added(event)?;
    stocks::run(&platform, campaign, by).await?;
    Answer::json(&json!({
        "stock_id": platform.ids.stock_id(campaign.0), "create_time": rfc3339(created),
    }))
}

fn read(signed: &Signed, fields: &Fields<'_>) -> Result<AddCampaign, WechatError> {
    let number = stocks::number(signed, fields)?;
    let using = fields.object("coupon_use_rule")?;
    let (benefit, minimum) = read_benefit(fields, &using)?;
    using.text("use_method", 1..=32)?;
    let (from, until, days) = read_times(&using)?;
    let give = fields.object("stock_send_rule")?;
    refuse_all(&give, &["max_coupons_by_day", "max_amount_by_day"])?;
    let most = give.integer("max_coupons", 1..=COUPONS_MAX)?;
    let per_user = give.integer("max_coupons_per_user", 1..=COUPONS_PER_USER_MAX)?;
    let by_person = give.flag_if("natural_person_limit")?.unwrap_or(false);
    if fields.text("coupon_code_mode", 1..=128)? != "WECHATPAY_MODE" {
        return Err(fields.wrong("coupon_code_mode", "仅支持WECHATPAY_MODE"));
    }
    fields.text("goods_name", 1..=15)?;
    fields.text_if("comment", 0..=20)?;
    fields.flag_if("subsidy")?;
    let merchant = signed.merchant.merchant;
    let terms = Terms {
        name: fields.text("stock_name", 1..=21)?.to_owned(),
        kind: Kind::Coupon(CouponTerms {
            days,
            most: u32::try_from(most).expect("its range was looked at"),
            per_user: u32::try_from(per_user).expect("its range was looked at"),
            claimed: false,
            after: None,
        }),
        benefit,
        funding: Funding::Outside(merchant),
        from,
        until,
        minimum,
        per_day: None,
        per_payment: None,
        per_user: PerUser {
            by_person,
            ..PerUser::default()
        },
        users: None,
        brand: None,
        merchants: vec![merchant],
        rule: None,
        group: None,
        holdout: BasisPoints(0),
        when_spent: WhenSpent::PayWithout,
        // Nothing of it is left to chance.
        seed: 0,
        echo: Some(StockEcho::of(Api::Busifavor, false, fields, &SHOWN).write()?),
    };
    signed.check_named(fields.text("belong_merchant", 1..=32)?)?;
    Ok(AddCampaign {
        number,
        by: stocks::by(merchant),
        // None of its money goes through us.
        budget: Fen::ZERO,
        terms: Arc::new(terms),
    })
}

/// What a coupon gives, and from which amount on.
fn read_benefit(fields: &Fields<'_>, using: &Fields<'_>) -> Result<(Benefit, Fen), WechatError> {
    let minimum = |rule: &Fields<'_>| {
        let minimum = rule.integer("transaction_minimum", 0..=AMOUNT_MAX.0)?;
        Ok::<_, WechatError>(Fen(minimum))
    };
    match fields.text("stock_type", 1..=32)? {
        "NORMAL" => {
            let rule = using.object("fixed_normal_coupon")?;
            let off = rule.amount("discount_amount")?;
            Ok((Benefit::Fixed(off), minimum(&rule)?))
        }
        "DISCOUNT" => {
            let rule = using.object("discount_coupon")?;
            // 88 is what is left to pay of 100.
            let left = rule.integer("discount_percent", 1..=99)?;
            let off = (100 - left) * 100;
            let benefit = Benefit::Percent {
                rate: BasisPoints(u16::try_from(off).expect("below 10,000")),
                cap: AMOUNT_MAX,
            };
            Ok((benefit, minimum(&rule)?))
        }
        _ => Err(fields.wrong("stock_type", "仅支持NORMAL和DISCOUNT")),
    }
}

/// When coupons are good: from, until, and days from being given.
fn read_times(using: &Fields<'_>) -> Result<(UnixMillis, UnixMillis, Option<u16>), WechatError> {
    let time = using.object("coupon_available_time")?;
    refuse_all(
        &time,
        &[
            "available_week",
            "irregulary_avaliable_time",
            "wait_days_after_receive",
        ],
    )?;
    let days = time.integer_if("available_day_after_receive", 1..=COUPON_DAYS_MAX.into())?;
    Ok((
        stocks::time(&time, "available_begin_time")?,
        stocks::time(&time, "available_end_time")?,
        days.and_then(|days| u16::try_from(days).ok()),
    ))
}
