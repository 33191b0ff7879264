//! The report of one campaign: what it cost, whom it reached, and what it changed.

use std::collections::BTreeMap;

use feiqian_core::CampaignId;
use feiqian_core::time::Day;

use crate::basis_points;
use crate::campaigns::{Campaign, CampaignDay};
use crate::experiment::{Difference, Mean, Sums};
use crate::totals::Totals;

/// Fewer users than this are nobody's business who has no need to know.
pub const CROWD_MIN: u64 = 20;

/// Whom a report is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Sees every count.
    All,
    /// Sees no count of fewer than [`CROWD_MIN`] users, nor what it could be computed from.
    Crowds,
}

/// Counts of users and what follows from them; none where few users are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Payers who got something.
    pub users: u64,
    /// Payments to which it gave something.
    pub payments: u64,
    /// Of these, the payer's first ever.
    pub first_payments: u64,
    /// Coupons given, or earned by a payment.
    pub coupons_given: u64,
    /// Coupons used.
    pub coupons_used: u64,
}

/// One row: amounts in fen, and whom they reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Granted by the platform.
    pub platform: i64,
    /// Granted by the funder.
    pub funder: i64,
    /// Come back to the platform.
    pub platform_back: i64,
    /// Come back to the funder.
    pub funder_back: i64,
    /// None: few users, hidden.
    pub reach: Option<Reach>,
}

/// A group of an experiment, and its means per payer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupMeans {
    /// The sums.
    pub sums: Sums,
    /// Payments.
    pub payments: Mean,
    /// Fen spent.
    pub spend: Mean,
}

/// What a campaign changed, per payer: the treated group less the control group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Who had something.
    pub treated: GroupMeans,
    /// Who would have.
    pub control: GroupMeans,
    /// Payments.
    pub payments: Difference,
    /// Fen spent.
    pub spend: Difference,
}

/// The report.
#[derive(Clone, Debug)]
pub struct CampaignReport<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// Over its life.
    pub total: Row,
    /// By day; `users` are those who got something for the first time on it.
    pub days: BTreeMap<Day, Row>,
    /// What it changed. None without a control group, while a group has fewer than two payers, and
    /// where few users are hidden.
    pub effect: Option<Effect>,
}

impl Reach {
    /// First payments of its payments, in basis points.
    #[must_use]
    pub fn first_payments_share(&self) -> Option<u32> {
        basis_points(self.first_payments, self.payments)
    }
}

impl Row {
    fn of(sums: &CampaignDay) -> Self {
        Self {
            platform: sums.platform,
            funder: sums.funder,
            platform_back: sums.platform_back,
            funder_back: sums.funder_back,
            reach: Some(Reach {
                users: sums.users,
                payments: sums.payments,
                first_payments: sums.first_payments,
                coupons_given: sums.coupons_given,
                coupons_used: sums.coupons_used,
            }),
        }
    }

    fn is_small(&self) -> bool {
        self.reach.is_some_and(|reach| reach.users < CROWD_MIN)
    }
}

impl Totals {
    /// The report of a campaign; none if there is no such campaign.
    #[must_use]
    pub fn campaign_report(&self, id: CampaignId, sight: Sight) -> Option<CampaignReport<'_>> {
        let campaign = self.campaign(id)?;
        let mut sums: BTreeMap<Day, CampaignDay> = BTreeMap::new();
        for ((day, _), more) in &campaign.days {
            sums.entry(*day).or_default().add(more);
        }
        let mut report = CampaignReport {
            campaign,
            total: Row::of(&campaign.sum()),
            days: sums
                .iter()
                .map(|(day, sums)| (*day, Row::of(sums)))
                .collect(),
            effect: effect(campaign),
        };
        if sight == Sight::Crowds {
            report.hide();
        }
        Some(report)
    }
}

impl CampaignReport<'_> {
    fn hide(&mut self) {
        let is_small = |group: &GroupMeans| group.sums.users < CROWD_MIN;
        let small_group = |effect: &Effect| is_small(&effect.treated) || is_small(&effect.control);
        self.effect = self.effect.filter(|effect| !small_group(effect));
        let mut hidden = 0_u32;
        for row in self.days.values_mut().filter(|row| row.is_small()) {
            row.reach = None;
            hidden = hidden.saturating_add(1);
        }
        // The total less all days but one is that day: a second one goes with it.
        if hidden == 1 {
            let users = |row: &&mut Row| row.reach.map(|reach| reach.users);
            let shown = self.days.values_mut().filter(|row| row.reach.is_some());
            if let Some(row) = shown.min_by_key(users) {
                row.reach = None;
            }
        }
        if self.total.is_small() {
            self.total.reach = None;
        }
    }
}

fn effect(campaign: &Campaign) -> Option<Effect> {
    let experiment = campaign.experiment.as_ref()?;
    let means = |sums: &Sums| {
        Some(GroupMeans {
            sums: *sums,
            payments: sums.payments.mean(sums.users)?,
            spend: sums.spend.mean(sums.users)?,
        })
    };
    let (treated, control) = (means(&experiment.treated)?, means(&experiment.control)?);
    Some(Effect {
        treated,
        control,
        payments: treated.payments.less(&control.payments),
        spend: treated.spend.less(&control.spend),
    })
}
