//! When a notice is tried again.

use std::time::Duration;

use feiqian_core::order::create::NotifyForm;

/// WeChat Pay's plan: how long after each failed try the next one comes; 15 of them in 24 h 4 min
/// (contract 2.4).
pub const WECHAT: [Duration; 15] = [
    Duration::from_secs(15),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_mins(3),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(30),
    Duration::from_mins(30),
    Duration::from_mins(30),
    Duration::from_mins(60),
    Duration::from_hours(3),
    Duration::from_hours(3),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(6),
];
/// Alipay's plan: 7 repetitions in 24 h 24 min (contract 2.8).
pub const ALIPAY: [Duration; 7] = [
    Duration::from_mins(4),
    Duration::from_mins(10),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(15),
];
/// How long an endpoint has to acknowledge, from connecting to the end of its answer (contract 2.4).
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Posts under way to one endpoint.
pub const PER_ENDPOINT_MAX: usize = 4;
/// Posts under way to an endpoint whose last answer was no acknowledgement.
pub const PER_FAILING_ENDPOINT_MAX: usize = 1;
/// Posts under way all in all.
pub const POSTS_MAX: usize = 1_024;

/// How long after each failed try the next one comes. After as many failures it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(pub Vec<Duration>);

impl Plan {
    /// How long to wait after `tries` failed tries; none when it is over.
    #[must_use]
    pub fn after(&self, tries: u32) -> Option<Duration> {
        let place = usize::try_from(tries).ok()?.checked_sub(1)?;
        self.0.get(place).copied()
    }

    /// From the first try to the last.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.0.iter().sum()
    }
}

/// What tests change.
#[derive(Clone, Debug)]
pub struct Options {
    /// When a notice of WeChat Pay is tried again.
    pub plan: Plan,
    /// When one of Alipay is.
    pub alipay: Plan,
    /// How long an endpoint has to acknowledge.
    pub answer_within: Duration,
}

impl Options {
    /// When a notice of this form is tried again.
    #[must_use]
    pub fn plan_of(&self, form: NotifyForm) -> &Plan {
        match form {
            NotifyForm::WechatPublicKey
            | NotifyForm::WechatCertificate
            | NotifyForm::WechatXmlMd5
            | NotifyForm::WechatXmlHmac => &self.plan,
            NotifyForm::Alipay => &self.alipay,
        }
    }

    /// From the first try to the last, of whatever takes longest.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.plan.span().max(self.alipay.span())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plan: Plan(WECHAT.into()),
            alipay: Plan(ALIPAY.into()),
            answer_within: ANSWER_WITHIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_ends_after_fifteen_repetitions_in_a_day_and_four_minutes() {
        let plan = Options::default().plan;
        assert_eq!(plan.after(0), None);
        assert_eq!(plan.after(1), Some(Duration::from_secs(15)));
        assert_eq!(plan.after(15), Some(Duration::from_hours(6)));
        assert_eq!(plan.after(16), None);
        assert_eq!(plan.span(), Duration::from_mins(24 * 60 + 4));
        assert_eq!(Options::default().span(), Duration::from_mins(24 * 60 + 24));
    }
}
