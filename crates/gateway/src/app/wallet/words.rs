//! What people read, in their language.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use feiqian_core::campaign::grant::Why;

/// A language that the wallet speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

impl Language {
    /// The text of this language.
    #[must_use]
    pub fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// The first of the list that we speak: browsers send the dearest first (RFC 9110, 12.5.4).
    fn of_list(list: &str) -> Self {
        let tags = list.split([',', ';']).map(str::trim);
        let known = |tag: &str| match tag.split('-').next() {
            Some(main) if main.eq_ignore_ascii_case("zh") => Some(Self::Zh),
            Some(main) if main.eq_ignore_ascii_case("en") => Some(Self::En),
            Some(_) | None => None,
        };
        tags.filter_map(known).next().unwrap_or(Self::En)
    }

    /// Why a campaign does not apply.
    #[must_use]
    pub fn why(self, why: Why) -> &'static str {
        match why {
            Why::AnotherGivesMore => self.pick("another offer gives more", "已使用更优惠的活动"),
            Why::BudgetSpent => self.pick("it has nothing left", "活动金额已用完"),
            Why::DaySpent => self.pick("it has nothing left today", "今日活动金额已用完"),
            Why::UserLimit => self.pick("you had it as often as it goes", "您已达到参与次数上限"),
            Why::UsersLimit => self.pick("as many had it as may", "活动名额已满"),
            Why::BelowMinimum => self.pick("the amount is too small for it", "未达到最低消费金额"),
            Why::NotEligible => self.pick(
                "it is for other shops, people or times",
                "不符合活动的商户、人群或时间条件",
            ),
            Why::RuleBroken => self.pick("it cannot be computed here", "活动规则不适用于本次付款"),
            Why::NoCoupon => self.pick(
                "it needs a coupon that you do not hold",
                "您没有该活动的优惠券",
            ),
            Why::NothingLeft => self.pick(
                "other offers cover it already",
                "其他优惠已抵扣全部可抵金额",
            ),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let list = parts.headers.get(header::ACCEPT_LANGUAGE);
        let list = list.and_then(|list| list.to_str().ok()).unwrap_or_default();
        Ok(Self::of_list(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_is_spoken() {
        for (list, language) in [
            ("", Language::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("fr-FR, en;q=0.8, zh;q=0.7", Language::En),
            ("de, ZH-Hans;q=0.5", Language::Zh),
            ("zhx", Language::En),
        ] {
            assert_eq!(Language::of_list(list), language, "{list}");
        }
    }
}
