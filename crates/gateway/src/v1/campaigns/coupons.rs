//! Coupons: given by operators and merchants, claimed by shoppers.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::State as Extract;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::campaign::give::{GiveCoupon, Refusal};
use feiqian_core::{CampaignId, CouponId, Event, Number, State, UserId};
use feiqian_engine::Rejected;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::auth::{Caller, Operator};
use super::super::error::{ApiError, ErrorType};
use super::super::fields::{CampaignRef, CodeText, CouponRef, Time, UserRef};
use super::super::input::{Id, Input, Key, Made, Numbered, Page};
use super::super::responses::{Asking, Sending};
use super::super::{ask_now, misplaced};
use super::shared_code::SharedCode;
use super::{find, may_see, unknown_campaign};
use crate::access::Role;
use crate::campaigns::codes::grouped;
use crate::platform::Platform;

/// Most codes of one request.
const CODES_MAX: u16 = 10_000;

/// To whom a coupon is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCoupon {
    user_id: UserRef,
}

/// With what a coupon is claimed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// A campaign whose coupons every shopper may claim.
    CampaignId(CampaignRef),
    /// A code: one that many know, or one of its own. Dashes and case make no difference.
    Code(CodeText),
}

/// A coupon.
#[derive(Serialize, ToSchema)]
pub struct Coupon {
    id: CouponRef,
    campaign_id: CampaignRef,
    /// What the public calls the campaign.
    campaign: String,
    user_id: UserRef,
    /// It is good for nothing from here on.
    until: Time,
}

/// How many codes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCodes {
    #[schema(minimum = 1, maximum = 10000)]
    count: u16,
}

/// Unique codes.
#[derive(Serialize, ToSchema)]
pub struct Codes {
    campaign_id: CampaignRef,
    /// Each gives one coupon to who claims it first.
    #[schema(value_type = Vec<String>)]
    codes: Vec<String>,
}

/// Gives a user a coupon
///
/// Operators give those of any campaign, a merchant those of the campaigns that it pays for or honours.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/coupons",
    operation_id = "give_coupon", request_body = NewCoupon, tag = "campaigns", params(("id" = CampaignRef, Path), Numbered),
    responses(
        (status = 201, body = Coupon, description = "Given"),
        (status = 200, body = Coupon, description = "Given before"),
        Sending,
    )
)]
pub async fn give(
    Caller(role): Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(CampaignRef(campaign)): Id<CampaignRef>,
    Key(number): Key,
    Input(new): Input<NewCoupon>,
) -> Result<Made<Coupon>, ApiError> {
    if matches!(role, Role::User(_)) {
        return Err(ApiError::forbidden(
            "coupons are given by those who run a campaign",
        ));
    }
    find(&platform, role, campaign).await?;
    let command = GiveCoupon {
        campaign,
        number,
        user: new.user_id.0,
        claimed: false,
    };
    submit(&platform, command).await?.map_err(ApiError::from)
}

async fn submit(
    platform: &Platform,
    command: GiveCoupon,
) -> Result<Result<Made<Coupon>, Rejected<Refusal>>, ApiError> {
    let receipt = match platform.engine.submit(command).await {
        Ok(receipt) => receipt,
        Err(rejected) => return Ok(Err(rejected)),
    };
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event gives coupons by number"
    )]
    let event = match ask_now(platform, |store| store.event(receipt.event)).await? {
        Some(Event::CouponGiven(event)) => event,
        _ => return Err(misplaced(receipt.event)),
    };
    let id = event.campaign;
    let name = move |state: &State| state.campaign(id).map(|row| row.terms.name.clone());
    let value = Coupon {
        id: CouponId(receipt.event).into(),
        campaign_id: id.into(),
        campaign: platform.engine.read(name).await?.unwrap_or_default(),
        user_id: event.user.into(),
        until: event.until.into(),
    };
    Ok(Ok(Made {
        again: receipt.again,
        value,
    }))
}

/// Claims a coupon
#[utoipa::path(
    post, path = "/v1/users/{id}/coupons/claim",
    operation_id = "claim_coupon", request_body = Claim, tag = "users", params(("id" = UserRef, Path), Numbered),
    responses(
        (status = 201, body = Coupon, description = "Claimed"),
        (status = 200, body = Coupon, description = "Claimed before"),
        Sending,
    )
)]
pub async fn claim(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
    Key(number): Key,
    Input(claim): Input<Claim>,
) -> Result<Made<Coupon>, ApiError> {
    caller.must_be_user(user)?;
    let own = own_number(user, &number)?;
    let (campaign, number, claimed) = match claim {
        Claim::CampaignId(CampaignRef(id)) => (id, own, true),
        Claim::Code(CodeText { 0: text }) => match platform.codes.read(&text) {
            Some((id, code)) => (id, code, false),
            None => (shared(&platform, text).await?, own, false),
        },
    };
    let command = GiveCoupon {
        campaign,
        number,
        user,
        claimed,
    };
    let with_code = !claimed && number != own;
    submit(&platform, command).await?.map_err(|rejected| {
        if with_code && matches!(rejected, Rejected::Refused(Refusal::NumberReused)) {
            let message = "this code was used by another shopper";
            return ApiError::new(ErrorType::Refused, "code_used", message).at("code");
        }
        rejected.into()
    })
}

/// Shoppers' numbers and the campaign's codes are one series: so a shopper's is made its own.
fn own_number(user: UserId, number: &Number) -> Result<Number, ApiError> {
    let hash = digest(&SHA256, number.as_str().as_bytes());
    let hash = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    Number::new(&format!("claim:{user}:{hash}")).map_err(|error| ApiError::internal(&error))
}

/// The running campaign with this shared code, the newest if there are several.
async fn shared(platform: &Platform, code: String) -> Result<CampaignId, ApiError> {
    let read = move |state: &State| {
        let mut newest_first = state.campaigns().rev();
        newest_first.find_map(|(id, row)| {
            let running = row.status == feiqian_core::campaign::Status::Running;
            let fits = running && SharedCode::of(&row.terms).is_some_and(|own| own.is(&code));
            fits.then_some(id)
        })
    };
    let unknown = || ApiError::not_found("code_not_found", "code").at("code");
    platform.engine.read(read).await?.ok_or_else(unknown)
}

/// Lists a user's open coupons
#[utoipa::path(
    get, path = "/v1/users/{id}/coupons",
    operation_id = "list_coupons", tag = "users", params(("id" = UserRef, Path)),
    responses(
        (status = 200, body = Page<Coupon>, description = "At most 100"),
        Asking,
    )
)]
pub async fn of_user(
    caller: Caller,
    Extract(platform): Extract<Arc<Platform>>,
    Id(UserRef(user)): Id<UserRef>,
) -> Result<Json<Page<Coupon>>, ApiError> {
    caller.may_see_user(user)?;
    let now = crate::platform::unix_millis();
    let read = move |state: &State| {
        state.user(user)?;
        let held = state.open_coupons(user).iter().filter_map(|id| {
            let coupon = state.coupon(*id).filter(|coupon| coupon.is_good(now))?;
            Some(Coupon {
                id: (*id).into(),
                campaign_id: coupon.campaign.into(),
                campaign: state.campaign(coupon.campaign)?.terms.name.clone(),
                user_id: user.into(),
                until: coupon.until.into(),
            })
        });
        Some(held.collect())
    };
    let data = platform.engine.read(read).await?;
    Ok(Json(Page {
        data: data.ok_or_else(super::super::users::unknown_user)?,
        next_cursor: None,
    }))
}

/// Makes unique codes, each for one coupon
///
/// Nothing is stored: the same `Idempotency-Key` gives the same codes at any time.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/codes",
    operation_id = "make_coupon_codes", request_body = NewCodes, tag = "campaigns", params(("id" = CampaignRef, Path), Numbered),
    responses(
        (status = 200, body = Codes, description = "The codes"),
        Sending,
    )
)]
pub async fn codes(
    Operator(by): Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Id(CampaignRef(campaign)): Id<CampaignRef>,
    Key(number): Key,
    Input(new): Input<NewCodes>,
) -> Result<Json<Codes>, ApiError> {
    if !(1..=CODES_MAX).contains(&new.count) {
        let message = "1 to 10000 codes are made at once";
        return Err(ApiError::invalid("count_out_of_range", message).at("count"));
    }
    let has_coupons = move |state: &State| {
        let row = state.campaign(campaign);
        row.filter(|row| may_see(Role::Operator(by), row))
            .is_some_and(|row| {
                matches!(
                    row.terms.kind,
                    feiqian_core::campaign::terms::Kind::Coupon(_)
                )
            })
    };
    if !platform.engine.read(has_coupons).await? {
        return Err(unknown_campaign());
    }
    let codes = platform.codes.batch(campaign, &number, new.count);
    Ok(Json(Codes {
        campaign_id: campaign.into(),
        codes: codes.map(|code| grouped(&code)).collect(),
    }))
}
