//! Creates a stock: `POST /v3/marketing/favor/coupon-stocks`.

use std::sync::Arc;

use feiqian_core::Fen;
use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::rule::{Clause, Rule, Variable};
use feiqian_core::campaign::terms::{
    Benefit, CouponTerms, Funding, Kind, PerUser, Terms, WhenSpent,
};
use feiqian_core::limits::CAMPAIGN_MERCHANTS_MAX;
use feiqian_core::money::BasisPoints;
use serde_json::json;

use crate::platform::Platform;
use crate::wechat::edge::{Answer, Signed};
use crate::wechat::error::WechatError;
use crate::wechat::fields::Fields;
use crate::wechat::stock_echo::{Api, StockEcho};
use crate::wechat::stocks::{self, refuse_all};
use crate::wechat::times::rfc3339;

/// Coupons of one stock.
const COUPONS_MAX: i64 = 1_000_000_000;
/// Coupons of a stock for one user.
const COUPONS_PER_USER_MAX: i64 = 60;
const MINUTES_PER_DAY: i64 = 24 * 60;
/// Shown again as they were sent.
const SHOWN: [&str; 6] = [
    "comment",
    "stock_type",
    "stock_use_rule",
    "coupon_use_rule",
    "pattern_info",
    "ext_info",
];

pub(super) async fn create(platform: Arc<Platform>, signed: Signed) -> Result<Answer, WechatError> {
    let body = signed.json()?;
    let command = read(&signed, &Fields::of(&body)?)?;
    let receipt = platform.engine.submit(command).await?;
    let store = platform.engine.store().await?;
    let event = store.event(receipt.event)?;
    let created = event.as_ref().map_or(receipt.at, feiqian_core::Event::at);
    Answer::json(&json!({
        "stock_id": platform.ids.stock_id(stocks::added(event)?.0),
        "create_time": rfc3339(created),
    }))
}

fn read(signed: &Signed, fields: &Fields<'_>) -> Result<AddCampaign, WechatError> {
    let number = stocks::number(signed, fields)?;
    if fields.text("stock_type", 1..=16)? != "NORMAL" {
        return Err(fields.wrong("stock_type", "仅支持NORMAL"));
    }
    fields.text_if("comment", 0..=60)?;
    let no_cash = fields.flag_if("no_cash")?.unwrap_or(false);
    let give = fields.object("stock_use_rule")?;
    let most = give.integer("max_coupons", 1..=COUPONS_MAX)?;
    let per_user = give.integer("max_coupons_per_user", 1..=COUPONS_PER_USER_MAX)?;
    let per_day = match give.has("max_amount_by_day") {
        true => Some(give.amount("max_amount_by_day")?),
        false => None,
    };
    let by_person = give.flag_if("natural_person_limit")?.unwrap_or(false);
    give.flag_if("prevent_api_abuse")?;
    let using = fields.object("coupon_use_rule")?;
    let value = using.object("fixed_normal_coupon")?;
    let (face_value, minimum) = (
        value.amount("coupon_amount")?,
        value.integer("transaction_minimum", 0..=1_000_000_000_000)?,
    );
    // 满减: what is paid with a coupon is worth more than the coupon.
    if minimum <= face_value.0 {
        return Err(value.wrong("transaction_minimum", "须大于coupon_amount"));
    }
    let (days, rule) = read_times(&using)?;
    let terms = Terms {
        name: fields.text("stock_name", 1..=20)?.to_owned(),
        kind: Kind::Coupon(CouponTerms {
            days,
            most: u32::try_from(most).expect("its range was looked at"),
            per_user: u32::try_from(per_user).expect("its range was looked at"),
            claimed: false,
            after: None,
        }),
        benefit: Benefit::Fixed(face_value),
        funding: Funding::Merchant(signed.merchant.merchant),
        from: stocks::time(fields, "available_begin_time")?,
        until: stocks::time(fields, "available_end_time")?,
        minimum: Fen(minimum),
        per_day,
        per_payment: None,
        per_user: PerUser {
            by_person,
            ..PerUser::default()
        },
        users: None,
        brand: None,
        merchants: read_merchants(signed, &using)?,
        rule,
        group: None,
        holdout: BasisPoints(0),
        when_spent: WhenSpent::PayWithout,
        // Nothing of it is left to chance.
        seed: 0,
        echo: Some(StockEcho::of(Api::Favor, no_cash, fields, &SHOWN).write()?),
    };
    signed.check_named(fields.text("belong_merchant", 1..=32)?)?;
    Ok(AddCampaign {
        number,
        by: stocks::by(signed.merchant.merchant),
        budget: give.amount("max_amount")?,
        terms: Arc::new(terms),
    })
}

/// Where coupons are good; at the creator's if nothing is said.
fn read_merchants(
    signed: &Signed,
    using: &Fields<'_>,
) -> Result<Vec<feiqian_core::MerchantId>, WechatError> {
    refuse_all(
        using,
        &[
            "goods_tag",
            "trade_type",
            "limit_card",
            "limit_pay",
            "available_items",
            "unavailable_items",
        ],
    )?;
    // 不可叠加, as all coupons here are.
    if using.flag_if("combine_use")? == Some(true) {
        return Err(using.wrong("combine_use", "暂不支持叠加使用"));
    }
    let texts = using.texts("available_merchants", CAMPAIGN_MERCHANTS_MAX)?;
    if texts.is_empty() {
        return Ok(vec![signed.merchant.merchant]);
    }
    stocks::merchants(using, "available_merchants", &texts)
}

/// When coupons are good: days from being given, and days of the week.
fn read_times(using: &Fields<'_>) -> Result<(Option<u16>, Option<Rule>), WechatError> {
    let Some(time) = using.object_if("coupon_available_time")? else {
        return Ok((None, None));
    };
    refuse_all(&time, &["second_day_available"])?;
    let most = i64::from(feiqian_core::limits::COUPON_DAYS_MAX) * MINUTES_PER_DAY;
    let minutes = time.integer_if("available_time_after_receive", 1..=most)?;
    let days = match minutes {
        Some(minutes) if minutes.rem_euclid(MINUTES_PER_DAY) != 0 => {
            return Err(time.wrong("available_time_after_receive", "须为整天数（1440的倍数）"));
        }
        Some(minutes) => u16::try_from(minutes.div_euclid(MINUTES_PER_DAY)).ok(),
        None => None,
    };
    let rule = match time.object_if("fix_available_time")? {
        Some(fixed) => {
            refuse_all(&fixed, &["begin_time", "end_time"])?;
            weekdays(&fixed.integers("available_week_day", 7, 0..=6)?)
        }
        None => None,
    };
    Ok((days, rule))
}

/// On these days of the week, 0 for Sunday.
fn weekdays(days: &[i64]) -> Option<Rule> {
    if days.is_empty() {
        return None;
    }
    let mut days: Vec<i64> = days
        .iter()
        .map(|day| if *day == 0 { 7 } else { *day })
        .collect();
    days.sort_unstable();
    days.dedup();
    let texts: Vec<String> = days.iter().map(ToString::to_string).collect();
    Some(Rule {
        text: format!("weekday in [{}]", texts.join(", ")),
        clauses: vec![Clause::OneOf(Variable::Weekday, days)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sunday_comes_last() {
        let rule = weekdays(&[6, 0, 6]).unwrap();
        assert_eq!(rule.text, "weekday in [6, 7]");
        assert!(rule.is_sound());
        assert_eq!(weekdays(&[]), None);
    }
}
