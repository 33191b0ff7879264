//! Trying a draft before it is added: whether it would be taken, what it would do to a payment, and what it
//! would have done to past ones. Nothing is kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use feiqian_core::campaign::add::{AddCampaign, decide};
use feiqian_core::campaign::backtest::Backtest;
use feiqian_core::campaign::choose::choose;
use feiqian_core::campaign::grant::RebateStage;
use feiqian_core::campaign::step::{Step, StepCampaign};
use feiqian_core::campaign::terms::Terms;
use feiqian_core::command::{Command, Decision, Submit};
use feiqian_core::event::evolve;
use feiqian_core::order::{Order, OrderState};
use feiqian_core::time::Day;
use feiqian_core::user::Tier;
use feiqian_core::user::add::AddUser;
use feiqian_core::{
    BrandId, CampaignId, Event, EventNumber, Fen, MerchantId, Number, State, UnixMillis, UserId,
};
use feiqian_engine::Next;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::auth::Operator;
use super::super::error::{ApiError, ErrorType};
use super::super::fields::{Amount, MerchantRef, Time};
use super::super::granted::{Names, Offers, PassedOver, campaigns_of};
use super::super::input::Input;
use super::super::responses::Sending;
use super::terms::NewCampaign;
use crate::app::blocking;
use crate::campaigns::tally::Tally;
use crate::platform::{Platform, PlatformError, unix_millis};
use crate::reports::tables::read_day;

/// A backtest that takes longer is better made by `feiqian campaign backtest`.
const BACKTEST_WITHIN: Duration = Duration::from_secs(45);

/// A payment that might be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedPayment {
    draft: NewCampaign,
    amount: Amount,
    merchant_id: MerchantRef,
    /// Now if not said.
    at: Option<Time>,
}

/// Which past payments are asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedPast {
    draft: NewCampaign,
    /// The first day, `YYYY-MM-DD`.
    #[serde(deserialize_with = "day")]
    #[schema(value_type = String)]
    from: Day,
    /// The last day, `YYYY-MM-DD`.
    #[serde(deserialize_with = "day")]
    #[schema(value_type = String)]
    to: Day,
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_day(&text).ok_or_else(|| serde::de::Error::custom("a day is written as 2026-01-31"))
}

/// The same draft draws the same each time it is tried.
async fn terms_of(platform: &Arc<Platform>, draft: NewCampaign) -> Result<(Fen, Terms), ApiError> {
    // Reading a rule takes milliseconds.
    let terms = move |_: &Platform| Ok(draft.terms.into_core(0)?);
    Ok((draft.budget.into(), blocking(platform, terms).await?))
}

/// A number that nobody has used.
fn fresh() -> Result<Number, ApiError> {
    let mut bytes = [0; 16];
    let failed = || ApiError::from(PlatformError::Record("random".into()));
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| failed())?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Number::new(&format!("draft.{digits}")).map_err(|_| failed())
}

/// Whether a campaign would be added; nothing is
#[utoipa::path(
    post, path = "/v1/campaigns/check",
    operation_id = "check_campaign", request_body = NewCampaign, tag = "campaigns",
    responses(
        (status = 204, description = "It would be"),
        Sending,
    )
)]
pub async fn check(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Input(draft): Input<NewCampaign>,
) -> Result<StatusCode, ApiError> {
    let (budget, terms) = terms_of(&platform, draft).await?;
    let command = AddCampaign {
        number: fresh()?,
        by,
        budget,
        terms: Arc::new(terms),
    };
    let now = unix_millis();
    let decided = platform
        .engine
        .read(move |state: &State| match decide(state, now, &command) {
            Decision::Accept(_) | Decision::Again(_) => None,
            Decision::Refuse(refusal) => Some(refusal),
        });
    match decided.await? {
        None => Ok(StatusCode::NO_CONTENT),
        Some(refusal) => Err(refusal.into()),
    }
}

/// Tells what a payment would cost somebody new if the draft ran beside the campaigns that do
#[utoipa::path(
    post, path = "/v1/campaigns/quote",
    operation_id = "quote_draft", request_body = TriedPayment, tag = "campaigns",
    responses(
        (status = 200, body = Offers, description = "What it would cost, and why other campaigns do not apply"),
        Sending,
    )
)]
pub async fn quote(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<TriedPayment>,
) -> Result<Json<Offers>, ApiError> {
    let (amount, merchant) = (asked.amount.into(), asked.merchant_id.0);
    let at = asked.at.map_or_else(unix_millis, |at| at.0);
    let (budget, terms) = terms_of(&platform, asked.draft).await?;
    let number = fresh()?;
    let copy = platform.engine.read(State::clone).await?;
    let tried = Tried {
        state: copy,
        at,
        number,
    };
    let offers = blocking(&platform, move |_| {
        tried.offers(budget, terms, merchant, amount)
    });
    Ok(Json(offers.await?))
}

/// A copy of what is, in which anything may happen.
struct Tried {
    state: State,
    at: UnixMillis,
    number: Number,
}

impl Tried {
    fn offers(
        mut self,
        budget: Fen,
        terms: Terms,
        merchant: MerchantId,
        amount: Fen,
    ) -> Result<Offers, ApiError> {
        if self.state.merchant(merchant).is_none() {
            let missing = ApiError::not_found("merchant_not_found", "merchant");
            return Err(missing.at("merchant_id"));
        }
        let payer = self.somebody_new(terms.brand.unwrap_or(BrandId(0)))?;
        self.run(budget, terms)?;
        let order = Order {
            merchant,
            amount,
            only_payer: None,
            expires_at: self.at.plus(1),
            state: OrderState::Open,
            last: EventNumber(0),
            shown: None,
        };
        let mut reasons = Vec::new();
        let choice = choose(&self.state, self.at, &order, payer, |campaign, why| {
            reasons.push((campaign, why));
        });
        let granted = &choice.granted;
        let noted = reasons.iter().map(|(campaign, _)| *campaign);
        let names = Names::read(&self.state, campaigns_of(granted).chain(noted));
        let reasons = reasons
            .iter()
            .map(|(campaign, why)| PassedOver::of(*campaign, *why, &names));
        let offers = Offers::of(amount, Some(granted), RebateStage::Waits, None, &names);
        Ok(offers.with_passed_over(reasons.collect()))
    }

    fn somebody_new(&mut self, brand: BrandId) -> Result<UserId, ApiError> {
        let added = self.happen(AddUser {
            number: self.number,
            brand,
            tier: Tier::Full,
        })?;
        #[allow(clippy::wildcard_enum_match_arm, reason = "only this event adds users")]
        match added {
            Event::UserAdded(event) => Ok(event.user),
            _ => Err(PlatformError::Record("user".into()).into()),
        }
    }

    /// The draft runs.
    fn run(&mut self, budget: Fen, terms: Terms) -> Result<CampaignId, ApiError> {
        let by = |name| Number::new(name).map_err(|_| PlatformError::Record("operator".into()));
        let added = self.happen(AddCampaign {
            number: self.number,
            by: by("draft")?,
            budget,
            terms: Arc::new(terms),
        })?;
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "only this event adds campaigns"
        )]
        let campaign = match added {
            Event::CampaignAdded(event) => event.campaign,
            _ => return Err(PlatformError::Record("campaign".into()).into()),
        };
        for step in [Step::Approve, Step::Start] {
            let by = by("another")?;
            self.happen(StepCampaign { campaign, step, by })?;
        }
        Ok(campaign)
    }

    fn happen<C: Submit>(&mut self, command: C) -> Result<Event, ApiError>
    where
        C::Refusal: Into<ApiError>,
    {
        let command: Command = command.into();
        match feiqian_core::command::decide(&self.state, self.at, &command) {
            Decision::Accept(event) => {
                evolve(&mut self.state, &event);
                Ok(event)
            }
            Decision::Refuse(refusal) => Err(match C::refusal(refusal) {
                Some(refusal) => refusal.into(),
                None => PlatformError::Record("refusal".into()).into(),
            }),
            Decision::Again(event) => Err(super::super::misplaced(event)),
        }
    }
}

/// Asks every past payment of some days what the draft would have given it
///
/// As `feiqian campaign backtest` does, but within 45 seconds.
#[utoipa::path(
    post, path = "/v1/campaigns/backtest",
    operation_id = "backtest_draft", request_body = TriedPast, tag = "campaigns",
    responses(
        (status = 200, body = Object, description = "All days together"),
        Sending,
    )
)]
pub async fn backtest(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Input(asked): Input<TriedPast>,
) -> Result<Json<Value>, ApiError> {
    let (from, until) = (asked.from.start(), asked.to.plus(1).start());
    if until <= from {
        let message = "the last day is before the first";
        return Err(ApiError::invalid("days_bad", message).at("to"));
    }
    let Ok(_held) = platform.desk.backtesting.try_lock() else {
        let message = "another backtest runs; ask again when it is done";
        return Err(ApiError::new(ErrorType::RateLimit, "backtest_runs", message).retry_after(10));
    };
    let (budget, terms) = terms_of(&platform, asked.draft).await?;
    let flawed = |flaw: &dyn std::fmt::Display| {
        ApiError::invalid("terms_bad", flaw.to_string()).at("draft.terms")
    };
    let backtest = Backtest::new(terms, budget, from, until).map_err(|flaw| flawed(&flaw))?;
    let tally = Tally::new(budget, from, until);
    let past = move |platform: &Platform| follow(platform, backtest, tally);
    let mut found = blocking(&platform, past).await?;
    Ok(Json(found["total"].take()))
}

fn follow(
    platform: &Platform,
    mut backtest: Backtest,
    mut tally: Tally,
) -> Result<Value, ApiError> {
    let (begun, end) = (Instant::now(), platform.engine.durable());
    let (mut feed, mut next) = (platform.engine.feed(EventNumber(0)), EventNumber(0));
    while next < end {
        if begun.elapsed() > BACKTEST_WITHIN {
            let message = "there are too many past payments; use feiqian campaign backtest";
            return Err(ApiError::new(ErrorType::Refused, "past_too_long", message));
        }
        match feed.next(Duration::from_secs(1)) {
            Next::Batch(batch) => {
                for (_, event) in &batch.events {
                    tally.add(event, backtest.read(event));
                }
                next = batch.next();
            }
            Next::Nothing => {}
            Next::Ended => return Err(feiqian_engine::Stopped.into()),
            Next::Failed(why) => return Err(PlatformError::Record(why).into()),
        }
    }
    Ok(tally.json())
}
