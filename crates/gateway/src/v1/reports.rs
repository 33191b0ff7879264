//! Reports: what was earned and given away, who pays with which brand, what a campaign did.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::UnixMillis;
use feiqian_core::time::Day;
use feiqian_reports::campaign::Sight;
use feiqian_reports::{By, Span, Totals};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Caller, Operator};
use super::error::{ApiError, ErrorType};
use super::fields::{BrandRef, CampaignRef};
use super::input::{Id, Queried};
use super::responses::Asking;
use crate::access::Role;
use crate::platform::unix_seconds;
use crate::reports::flow::{self, Flow, FlowError, Of};
use crate::reports::tables::{self, Asked, CampaignReport, IncomeReport, Report, ShareReport};
use crate::reports::{Books, tables::read_day};
use crate::server::App;

/// What rows are made by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// A day of the platform's clock (UTC+8).
    Day,
    /// A month.
    Month,
    /// Three months, the first from January on.
    Quarter,
    /// A year.
    Year,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON.
    Json,
    /// CSV (RFC 4180), one table.
    Csv,
}

/// Which periods, and in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// One brand; all if not said.
    #[param(value_type = Option<String>, required = false)]
    brand: Option<BrandRef>,
    /// What rows are made by; a month if not said.
    #[param(inline, required = false)]
    by: Option<PeriodKind>,
    /// The first day, `YYYY-MM-DD`; the whole period that holds it is shown.
    #[serde(default, deserialize_with = "day")]
    #[param(value_type = Option<String>, required = false)]
    from: Option<Day>,
    /// The last day, `YYYY-MM-DD`; the whole period that holds it is shown.
    #[serde(default, deserialize_with = "day")]
    #[param(value_type = Option<String>, required = false)]
    to: Option<Day>,
    /// `csv` is also had by `Accept: text/csv`.
    #[param(inline, required = false)]
    format: Option<Format>,
    /// Which table, of CSV; the first if not said.
    table: Option<String>,
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// `csv` is also had by `Accept: text/csv`.
    #[param(inline, required = false)]
    format: Option<Format>,
    /// Which table, of CSV: `days`, `total` or `effect`.
    table: Option<String>,
}

/// Which day's file, and in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FlowOf {
    /// A day of the platform's clock that is over, `YYYY-MM-DD`.
    #[serde(deserialize_with = "day")]
    #[param(value_type = String)]
    date: Option<Day>,
    /// `csv` is also had by `Accept: text/csv`.
    #[param(inline, required = false)]
    format: Option<Format>,
}

/// A flow file, without its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowFile {
    campaign_id: CampaignRef,
    /// The day.
    date: String,
    /// Lines of it, the names of columns aside.
    rows: usize,
    bytes: usize,
    /// Hexadecimal digits.
    sha256: String,
    /// Hexadecimal digits; as WeChat Pay's bills have it.
    sha1: String,
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Day>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = read_day(&text).map(Some);
    read.ok_or_else(|| serde::de::Error::custom("a day is written as 2026-01-31"))
}

impl Which {
    fn asked(&self) -> Asked {
        Asked {
            by: match self.by {
                Some(PeriodKind::Day) => By::Day,
                Some(PeriodKind::Month) | None => By::Month,
                Some(PeriodKind::Quarter) => By::Quarter,
                Some(PeriodKind::Year) => By::Year,
            },
            span: Span {
                from: self.from,
                to: self.to,
            },
            brand: self.brand.map(|brand| brand.0),
        }
    }
}

/// Shows the income statement
///
/// CSV has the tables `brands` and `campaigns`.
#[utoipa::path(
    get, path = "/v1/reports/income",
    operation_id = "report_income", tag = "reports", params(Which),
    responses(
        (status = 200, description = "The statement", content(
            (IncomeReport = "application/json"), (String = "text/csv"),
        )),
        Asking,
    )
)]
pub async fn income(
    _: Operator,
    Extract(app): Extract<App>,
    headers: HeaderMap,
    Queried(which): Queried<Which>,
) -> Result<Response, ApiError> {
    shown(&app, &headers, which, tables::income).await
}

/// Shows who pays with which brand
///
/// CSV has the tables `brands` and `categories`.
#[utoipa::path(
    get, path = "/v1/reports/share",
    operation_id = "report_share", tag = "reports", params(Which),
    responses(
        (status = 200, description = "The market view", content(
            (ShareReport = "application/json"), (String = "text/csv"),
        )),
        Asking,
    )
)]
pub async fn share(
    _: Operator,
    Extract(app): Extract<App>,
    headers: HeaderMap,
    Queried(which): Queried<Which>,
) -> Result<Response, ApiError> {
    shown(&app, &headers, which, tables::share).await
}

/// Shows what a campaign did and changed
///
/// For operators, and for the merchant that pays for it: to that one, counts of fewer than 20 users are hidden.
#[utoipa::path(
    get, path = "/v1/reports/campaigns/{id}",
    operation_id = "report_campaign", tag = "reports", params(("id" = CampaignRef, Path), Form),
    responses(
        (status = 200, description = "The report", content(
            (CampaignReport = "application/json"), (String = "text/csv"),
        )),
        Asking,
    )
)]
pub async fn campaign(
    caller: Caller,
    Extract(app): Extract<App>,
    headers: HeaderMap,
    Id(id): Id<CampaignRef>,
    Queried(form): Queried<Form>,
) -> Result<Response, ApiError> {
    let (_, sight) = seen_by(&app, &caller, id).await?;
    let make = move |totals: &_| tables::campaign(totals, id.0, sight);
    let report = books(&app)?.ask(make).await?;
    let report = report.ok_or_else(|| ApiError::not_found("not_found", "campaign"))?;
    answer(
        &report,
        is_csv(form.format, &headers),
        form.table.as_deref(),
    )
}

/// Gives a day's grants and returns of a campaign, a line each
///
/// JSON says how long the file is and its hashes; CSV is the file. Of a day it is the same bytes each time. For
/// operators, and for the merchant that pays for the campaign.
#[utoipa::path(
    get, path = "/v1/reports/campaigns/{id}/flow",
    operation_id = "report_campaign_flow", tag = "reports", params(("id" = CampaignRef, Path), FlowOf),
    responses(
        (status = 200, description = "The file, or what is known of it", content(
            (FlowFile = "application/json"), (String = "text/csv"),
        )),
        Asking,
    )
)]
pub async fn campaign_flow(
    caller: Caller,
    Extract(app): Extract<App>,
    headers: HeaderMap,
    Id(id): Id<CampaignRef>,
    Queried(asked): Queried<FlowOf>,
) -> Result<Response, ApiError> {
    let day = asked.date.unwrap_or_default();
    let (of, _) = seen_by(&app, &caller, id).await?;
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    if day >= UnixMillis(now.saturating_mul(1_000)).day() {
        let message = "this day is not over: its file would change";
        return Err(ApiError::invalid("day_not_over", message).at("date"));
    }
    let (platform, store) = (app.platform.clone(), app.platform.engine.store().await?);
    let make = move || flow::write(&platform, &store, of, day);
    let file = tokio::task::spawn_blocking(make).await;
    let file = file.map_err(|error| ApiError::internal(&error))?;
    let file = file.map_err(|error| match error {
        FlowError::TooLong => ApiError::invalid("file_too_long", error.to_string()).at("date"),
        FlowError::Platform(error) => error.into(),
    })?;
    Ok(if is_csv(asked.format, &headers) {
        sent(file)
    } else {
        let about = FlowFile {
            campaign_id: id,
            date: tables::written(day),
            rows: file.rows,
            bytes: file.bytes.len(),
            sha256: file.sha256(),
            sha1: file.sha1(),
        };
        Json(about).into_response()
    })
}

/// The file with its hash (RFC 9530).
fn sent(file: Flow) -> Response {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &file.bytes);
    let hash = format!("sha-256=:{}:", STANDARD.encode(hash));
    let headers = [
        (header::CONTENT_TYPE.as_str(), CSV.to_owned()),
        ("repr-digest", hash),
    ];
    (headers, file.bytes).into_response()
}

const CSV: &str = "text/csv; charset=utf-8; header=present";

/// What the caller may see of a campaign. Whom it does not concern does not learn whether there is one.
async fn seen_by(app: &App, caller: &Caller, id: CampaignRef) -> Result<(Of, Sight), ApiError> {
    let find = move |totals: &feiqian_reports::Totals| {
        let campaign = totals.campaign(id.0)?;
        let (kind, funder) = (campaign.kind, campaign.funder);
        Some(Of {
            campaign: id.0,
            kind,
            funder,
        })
    };
    let of = books(app)?.ask(find).await?;
    match (caller.0, of) {
        (Role::Operator(_), Some(of)) => Ok((of, Sight::All)),
        (Role::Merchant(own), Some(of)) if of.funder.is_some_and(|funder| funder.0 == own) => {
            Ok((of, Sight::Crowds))
        }
        (Role::Operator(_) | Role::Merchant(_), _) => {
            Err(ApiError::not_found("not_found", "campaign").at("id"))
        }
        (Role::User(_), _) => Err(ApiError::forbidden("reports are not for shoppers")),
    }
}

fn books(app: &App) -> Result<&Books, ApiError> {
    app.books.as_ref().ok_or_else(|| {
        let message = "this server keeps no reports";
        ApiError::new(ErrorType::Unavailable, "no_reports", message)
    })
}

fn is_csv(format: Option<Format>, headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    format.map_or_else(
        || accepted.is_some_and(|accepted| accepted.contains("text/csv")),
        |format| format == Format::Csv,
    )
}

/// Makes a report of what was asked, and answers with it.
async fn shown<R: Report + Send + 'static>(
    app: &App,
    headers: &HeaderMap,
    which: Which,
    make: fn(&Totals, Asked) -> R,
) -> Result<Response, ApiError> {
    let asked = which.asked();
    let report = books(app)?.ask(move |totals| make(totals, asked)).await?;
    let csv = is_csv(which.format, headers);
    answer(&report, csv, which.table.as_deref())
}

fn answer<R: Report>(report: &R, csv: bool, table: Option<&str>) -> Result<Response, ApiError> {
    if !csv {
        return Ok(Json(report).into_response());
    }
    let text = report.csv(table.unwrap_or(R::TABLES[0])).ok_or_else(|| {
        let message = format!("the tables of this report are {}", R::TABLES.join(", "));
        ApiError::invalid("table_unknown", message).at("table")
    })?;
    Ok(([(header::CONTENT_TYPE, CSV)], text).into_response())
}
