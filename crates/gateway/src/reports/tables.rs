//! Reports as rows with stable column names: the same in JSON and in CSV. docs/REPORTS.md explains each column.
//!
//! Amounts are fen, shares basis points; what is not known or hidden is null, in CSV empty.

use feiqian_core::campaign::Status;
use feiqian_core::{BrandId, CampaignId};
use feiqian_reports::campaign::{self, GroupMeans, Sight};
use feiqian_reports::experiment::Difference;
use feiqian_reports::{By, Period, Span, Totals, period};
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::fields::{BrandRef, CampaignRef, MerchantRef, Time};

/// Which periods and brands a report is about.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// What rows are made by.
    pub by: By,
    /// Days, widened to whole periods.
    pub span: Span,
    /// One brand, or all.
    pub brand: Option<BrandId>,
}

/// What a brand earned with its payers in a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncomeRow {
    /// `2026-01-31`, `2026-01`, `2026-Q1` or `2026`.
    period: String,
    brand_id: BrandRef,
    /// Fees kept, less those given back.
    fee_income: i64,
    /// Paid by the platform for discounts, coupons and rebates, less what came back.
    subsidy: i64,
    subsidy_discount: i64,
    subsidy_coupon: i64,
    subsidy_rebate: i64,
    /// Paid by merchants for the same; no cost of the brand.
    funded_by_merchants: i64,
    /// What the ways of payment cost; nothing tells it yet, so 0.
    rail_cost: i64,
    /// Rebates that refunds could not take back.
    losses: i64,
    /// `fee_income − rail_cost`.
    profit_without_subsidy: i64,
    /// `profit_without_subsidy − subsidy − losses`.
    profit: i64,
}

/// A campaign's part of a brand's period.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncomeCampaignRow {
    period: String,
    brand_id: BrandRef,
    campaign_id: CampaignRef,
    kind: &'static str,
    /// By the platform and merchants.
    granted: i64,
    /// To the platform and merchants.
    returned: i64,
    /// The platform's part of `granted − returned`.
    subsidy: i64,
    /// The merchants' part.
    funded_by_merchants: i64,
}

/// The income statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncomeReport {
    /// It shows all events before this one.
    events: u64,
    /// By period and brand.
    data: Vec<IncomeRow>,
    /// By period, brand and campaign.
    campaigns: Vec<IncomeCampaignRow>,
}

/// A brand's part of a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareRow {
    period: String,
    brand_id: BrandRef,
    payments: u64,
    payments_share: Option<u32>,
    /// What orders cost, discounts included, refunds not deducted.
    volume: i64,
    volume_share: Option<u32>,
    /// Users who paid.
    active_users: u64,
    active_users_share: Option<u32>,
    /// Who never paid before.
    new_users: u64,
    /// Who had paid in the period before as well.
    retained_users: u64,
    subsidy: i64,
    subsidy_per_new_user: Option<i64>,
    subsidy_per_retained_user: Option<i64>,
    /// Sum of the squares of the categories' shares of volume, 10,000 for one category alone.
    category_concentration: Option<u32>,
}

/// A category's part of a brand's period.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryRow {
    period: String,
    brand_id: BrandRef,
    /// ISO 18245, four digits.
    category: String,
    payments: u64,
    volume: i64,
    /// Of the brand's volume.
    volume_share: Option<u32>,
}

/// The market view.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareReport {
    /// It shows all events before this one.
    events: u64,
    /// By period and brand.
    data: Vec<ShareRow>,
    /// By period, brand and category.
    categories: Vec<CategoryRow>,
}

/// What a campaign did.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignRow {
    /// A day of the platform's clock; `total` for the campaign's life.
    date: String,
    granted: i64,
    granted_platform: i64,
    granted_funder: i64,
    returned: i64,
    returned_platform: i64,
    returned_funder: i64,
    /// Who got something for the first time.
    users: Option<u64>,
    /// To which something was given.
    payments: Option<u64>,
    /// Of these, the payer's first ever.
    first_payments: Option<u64>,
    first_payments_share: Option<u32>,
    coupons_given: Option<u64>,
    coupons_used: Option<u64>,
    /// Whether counts of few users are left out.
    hidden: bool,
}

/// What a campaign changed, per payer, against its control group.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectRow {
    /// `payments` or `spend` (fen), since the payer's first payment with a grant, or without for being held out.
    measure: &'static str,
    treated_users: u64,
    treated_new_users: u64,
    treated_mean: f64,
    control_users: u64,
    control_new_users: u64,
    control_mean: f64,
    /// `treated_mean − control_mean`.
    difference: f64,
    /// The 95 % confidence interval of the difference (Welch, normal approximation).
    low: f64,
    high: f64,
}

/// The report of a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignReport {
    /// It shows all events before this one.
    events: u64,
    id: CampaignRef,
    name: String,
    kind: &'static str,
    /// `draft`, `approved`, `running`, `paused` or `ended`.
    status: &'static str,
    /// The merchant that pays for it, or for a part.
    funder_id: Option<MerchantRef>,
    budget: i64,
    /// The share of payers held out, in basis points.
    holdout: u16,
    from: Time,
    until: Time,
    total: CampaignRow,
    /// By day.
    days: Vec<CampaignRow>,
    /// Empty without a control group, while a group has fewer than two payers, and where few users are hidden.
    effect: Vec<EffectRow>,
}

/// A report with its tables.
pub trait Report: Serialize {
    /// Names of its tables, the first being the one meant when none is named.
    const TABLES: &'static [&'static str];

    /// One of its tables as CSV (RFC 4180), the first line naming the columns.
    fn csv(&self, table: &str) -> Option<String>;
}

fn csv<T: Serialize>(rows: &[T], columns: &str) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).ok()?;
    }
    let text = String::from_utf8(writer.into_inner().ok()?).ok()?;
    // Without rows nobody has named the columns.
    Some(if rows.is_empty() {
        format!("{columns}\n")
    } else {
        text
    })
}

impl Report for IncomeReport {
    const TABLES: &'static [&'static str] = &["brands", "campaigns"];

    fn csv(&self, table: &str) -> Option<String> {
        match table {
            "brands" => csv(&self.data, INCOME_COLUMNS),
            "campaigns" => csv(&self.campaigns, INCOME_CAMPAIGN_COLUMNS),
            _ => None,
        }
    }
}

impl Report for ShareReport {
    const TABLES: &'static [&'static str] = &["brands", "categories"];

    fn csv(&self, table: &str) -> Option<String> {
        match table {
            "brands" => csv(&self.data, SHARE_COLUMNS),
            "categories" => csv(&self.categories, CATEGORY_COLUMNS),
            _ => None,
        }
    }
}

impl Report for CampaignReport {
    const TABLES: &'static [&'static str] = &["days", "total", "effect"];

    fn csv(&self, table: &str) -> Option<String> {
        match table {
            "days" => csv(&self.days, CAMPAIGN_COLUMNS),
            "total" => csv(std::slice::from_ref(&self.total), CAMPAIGN_COLUMNS),
            "effect" => csv(&self.effect, EFFECT_COLUMNS),
            _ => None,
        }
    }
}

const INCOME_COLUMNS: &str = "period,brand_id,fee_income,subsidy,subsidy_discount,subsidy_coupon,\
    subsidy_rebate,funded_by_merchants,rail_cost,losses,profit_without_subsidy,profit";
const INCOME_CAMPAIGN_COLUMNS: &str =
    "period,brand_id,campaign_id,kind,granted,returned,subsidy,funded_by_merchants";
const SHARE_COLUMNS: &str = "period,brand_id,payments,payments_share,volume,volume_share,\
    active_users,active_users_share,new_users,retained_users,subsidy,subsidy_per_new_user,\
    subsidy_per_retained_user,category_concentration";
const CATEGORY_COLUMNS: &str = "period,brand_id,category,payments,volume,volume_share";
const CAMPAIGN_COLUMNS: &str = "date,granted,granted_platform,granted_funder,returned,\
    returned_platform,returned_funder,users,payments,first_payments,first_payments_share,\
    coupons_given,coupons_used,hidden";
const EFFECT_COLUMNS: &str = "measure,treated_users,treated_new_users,treated_mean,control_users,\
    control_new_users,control_mean,difference,low,high";

/// Columns that are amounts in fen, for whoever shows yuan.
pub const AMOUNTS: &[&str] = &[
    "fee_income",
    "subsidy",
    "subsidy_discount",
    "subsidy_coupon",
    "subsidy_rebate",
    "funded_by_merchants",
    "rail_cost",
    "losses",
    "profit_without_subsidy",
    "profit",
    "granted",
    "returned",
    "granted_platform",
    "granted_funder",
    "returned_platform",
    "returned_funder",
    "volume",
    "subsidy_per_new_user",
    "subsidy_per_retained_user",
];

/// The income statement.
#[must_use]
pub fn income(totals: &Totals, asked: Asked) -> IncomeReport {
    let statement = totals.income(asked.by, asked.span, asked.brand);
    let rows = statement
        .rows
        .iter()
        .map(|((period, brand), row)| IncomeRow {
            period: period.to_string(),
            brand_id: BrandRef(*brand),
            fee_income: row.fee_income,
            subsidy: row.subsidy(),
            subsidy_discount: row.discounts,
            subsidy_coupon: row.coupons,
            subsidy_rebate: row.rebates,
            funded_by_merchants: row.funded,
            rail_cost: row.rail_cost,
            losses: row.losses,
            profit_without_subsidy: row.profit_without_subsidy(),
            profit: row.profit(),
        });
    let campaigns = statement.campaigns.iter();
    let campaigns = campaigns.map(|((period, brand, id), sums)| IncomeCampaignRow {
        period: period.to_string(),
        brand_id: BrandRef(*brand),
        campaign_id: CampaignRef(*id),
        kind: totals
            .campaign(*id)
            .map_or("", |campaign| campaign.kind.name()),
        granted: sums.granted(),
        returned: sums.returned(),
        subsidy: sums.subsidy(),
        funded_by_merchants: sums.funder.saturating_sub(sums.funder_back),
    });
    IncomeReport {
        events: totals.next().0,
        data: rows.collect(),
        campaigns: campaigns.collect(),
    }
}

/// The market view.
#[must_use]
pub fn share(totals: &Totals, asked: Asked) -> ShareReport {
    let shares = totals.shares(asked.by, asked.span, asked.brand);
    let rows = shares.rows.iter().map(|((period, brand), row)| ShareRow {
        period: period.to_string(),
        brand_id: BrandRef(*brand),
        payments: row.payments,
        payments_share: row.payments_share,
        volume: row.volume,
        volume_share: row.volume_share,
        active_users: row.crowd.active,
        active_users_share: row.active_share,
        new_users: row.crowd.new,
        retained_users: row.crowd.retained,
        subsidy: row.subsidy,
        subsidy_per_new_user: row.subsidy_per_new_user(),
        subsidy_per_retained_user: row.subsidy_per_retained_user(),
        category_concentration: row.concentration,
    });
    let categories = shares.categories.iter();
    let categories = categories.map(|((period, brand, category), row)| CategoryRow {
        period: period.to_string(),
        brand_id: BrandRef(*brand),
        category: format!("{category:04}"),
        payments: row.trade.payments,
        volume: row.trade.volume,
        volume_share: row.volume_share,
    });
    ShareReport {
        events: totals.next().0,
        data: rows.collect(),
        categories: categories.collect(),
    }
}

/// The report of a campaign; none if there is no such campaign.
#[must_use]
pub fn campaign(totals: &Totals, id: CampaignId, sight: Sight) -> Option<CampaignReport> {
    let report = totals.campaign_report(id, sight)?;
    let days = report.days.iter();
    let days = days.map(|(day, row)| campaign_row(By::Day.of(*day).to_string(), row));
    let effect = report.effect.iter().flat_map(|effect| {
        let (treated, control) = (&effect.treated, &effect.control);
        [
            effect_row(
                "payments",
                treated,
                control,
                |of| of.payments.mean,
                &effect.payments,
            ),
            effect_row("spend", treated, control, |of| of.spend.mean, &effect.spend),
        ]
    });
    Some(CampaignReport {
        events: totals.next().0,
        id: CampaignRef(id),
        name: report.campaign.name.clone(),
        kind: report.campaign.kind.name(),
        status: status(report.campaign.status),
        funder_id: report.campaign.funder.map(MerchantRef),
        budget: report.campaign.budget.0,
        holdout: report.campaign.holdout.0,
        from: report.campaign.from.into(),
        until: report.campaign.until.into(),
        total: campaign_row("total".into(), &report.total),
        days: days.collect(),
        effect: effect.collect(),
    })
}

fn campaign_row(date: String, row: &campaign::Row) -> CampaignRow {
    let reach = row.reach;
    CampaignRow {
        date,
        granted: row.platform.saturating_add(row.funder),
        granted_platform: row.platform,
        granted_funder: row.funder,
        returned: row.platform_back.saturating_add(row.funder_back),
        returned_platform: row.platform_back,
        returned_funder: row.funder_back,
        users: reach.map(|reach| reach.users),
        payments: reach.map(|reach| reach.payments),
        first_payments: reach.map(|reach| reach.first_payments),
        first_payments_share: reach.and_then(|reach| reach.first_payments_share()),
        coupons_given: reach.map(|reach| reach.coupons_given),
        coupons_used: reach.map(|reach| reach.coupons_used),
        hidden: reach.is_none(),
    }
}

fn effect_row(
    measure: &'static str,
    treated: &GroupMeans,
    control: &GroupMeans,
    mean: impl Fn(&GroupMeans) -> f64,
    difference: &Difference,
) -> EffectRow {
    // Four digits after the point: more would say nothing.
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    EffectRow {
        measure,
        treated_users: treated.sums.users,
        treated_new_users: treated.sums.new_users,
        treated_mean: rounded(mean(treated)),
        control_users: control.sums.users,
        control_new_users: control.sums.new_users,
        control_mean: rounded(mean(control)),
        difference: rounded(difference.difference),
        low: rounded(difference.low),
        high: rounded(difference.high),
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Approved => "approved",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Ended => "ended",
    }
}

/// A day as `YYYY-MM-DD`.
#[must_use]
pub fn written(day: feiqian_core::time::Day) -> String {
    Period {
        by: By::Day,
        first: day,
    }
    .to_string()
}

/// Reads `YYYY-MM-DD`.
#[must_use]
pub fn read_day(text: &str) -> Option<feiqian_core::time::Day> {
    let date: jiff::civil::Date = text.parse().ok()?;
    (date.to_string() == text).then(|| period::day(date))
}
