//! What a payment would cost now, and why: discounts that apply, and those that do not.

use feiqian_core::campaign::choose::choose;
use feiqian_core::campaign::grant::{Granted, Why};
use feiqian_core::campaign::terms::{Benefit, Terms};
use feiqian_core::order::Order;
use feiqian_core::{CampaignId, Fen, State, UnixMillis, UserId};
use serde::Serialize;

use super::words::Language;

/// Reasons told at most: who runs many campaigns need not tell of all.
const NOT_APPLIED_MAX: usize = 10;

/// What a payment would cost.
#[derive(Debug, Serialize)]
pub struct Quote {
    amount: i64,
    discount: i64,
    to_pay: i64,
    rebate: i64,
    parts: Vec<Part>,
    not_applied: Vec<NotApplied>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Discount,
    Rebate,
    Coupon,
}

#[derive(Debug, Serialize)]
struct Part {
    campaign: String,
    kind: Kind,
    amount: i64,
    /// What the campaign promises.
    words: String,
}

#[derive(Debug, Serialize)]
struct NotApplied {
    campaign: String,
    why: &'static str,
}

impl Quote {
    /// What the payer pays.
    #[must_use]
    pub fn to_pay(&self) -> Fen {
        Fen(self.to_pay)
    }

    /// Of an order that is open, for a payer who exists. Nothing is granted.
    #[must_use]
    pub fn of(
        state: &State,
        now: UnixMillis,
        order: &Order,
        payer: UserId,
        language: Language,
    ) -> Self {
        let mut not_applied = Vec::new();
        let choice = choose(state, now, order, payer, |campaign, why| {
            if tells(why) && not_applied.len() < NOT_APPLIED_MAX {
                not_applied.push(NotApplied {
                    campaign: name(state, campaign),
                    why: language.why(why),
                });
            }
        });
        let granted = &choice.granted;
        let discount = granted.discount();
        Self {
            amount: order.amount.0,
            discount: discount.0,
            to_pay: order.amount.minus(discount).unwrap_or(order.amount).0,
            rebate: granted.rebate.map_or(0, |rebate| rebate.amount.0),
            parts: parts(state, granted, language),
            not_applied,
        }
    }
}

/// Whether a reason concerns the payer: what is for others, or cannot be computed, is nobody's news.
fn tells(why: Why) -> bool {
    !matches!(why, Why::NotEligible | Why::RuleBroken)
}

fn parts(state: &State, granted: &Granted, language: Language) -> Vec<Part> {
    let part = |campaign, kind, amount: Fen| Part {
        campaign: name(state, campaign),
        kind,
        amount: amount.0,
        words: state
            .campaign(campaign)
            .map(|row| promise(&row.terms, language))
            .unwrap_or_default(),
    };
    let grants = granted.grants.iter().map(|grant| {
        let kind = grant.coupon.map_or(Kind::Discount, |_| Kind::Coupon);
        part(grant.campaign, kind, grant.amount)
    });
    let rebate = granted.rebate.iter();
    let rebate = rebate.map(|rebate| part(rebate.campaign, Kind::Rebate, rebate.amount));
    grants.chain(rebate).collect()
}

fn name(state: &State, campaign: CampaignId) -> String {
    state
        .campaign(campaign)
        .map(|row| row.terms.name.clone())
        .unwrap_or_default()
}

/// What a campaign gives, in a few words: `3.00 off from 20.00`.
#[must_use]
pub fn promise(terms: &Terms, language: Language) -> String {
    let gives = match (&terms.benefit, language) {
        (Benefit::Fixed(fen), Language::En) => format!("¥{fen}"),
        (Benefit::Fixed(fen), Language::Zh) => format!("{fen}元"),
        (Benefit::Percent { rate, cap }, Language::En) => {
            format!("{}%, up to ¥{cap}", percent(rate.0))
        }
        (Benefit::Percent { rate, cap }, Language::Zh) => {
            format!("{}%，最高{cap}元", percent(rate.0))
        }
        (Benefit::Random { least, most, .. }, Language::En) => format!("¥{least} to ¥{most}"),
        (Benefit::Random { least, most, .. }, Language::Zh) => format!("随机{least}至{most}元"),
        (Benefit::Tiers(tiers), Language::En) => {
            let steps = tiers
                .iter()
                .map(|tier| format!("¥{} from ¥{}", tier.get, tier.spend));
            steps.collect::<Vec<_>>().join(", ")
        }
        (Benefit::Tiers(tiers), Language::Zh) => {
            let steps = tiers
                .iter()
                .map(|tier| format!("满{}元减{}元", tier.spend, tier.get));
            steps.collect::<Vec<_>>().join("，")
        }
    };
    match language {
        _ if terms.minimum <= Fen(1) => gives,
        Language::En => format!("{gives} from ¥{}", terms.minimum),
        Language::Zh => format!("满{}元，{gives}", terms.minimum),
    }
}

/// 850 basis points as `8.5`.
fn percent(rate: u16) -> String {
    let text = Fen(i64::from(rate)).to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percents_are_short() {
        for (rate, text) in [(1_000, "10"), (850, "8.5"), (5, "0.05"), (10_000, "100")] {
            assert_eq!(percent(rate), text);
        }
    }
}
