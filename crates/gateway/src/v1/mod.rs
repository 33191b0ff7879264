//! The native API: `/v1`, described by `GET /openapi.json`, which is made from this code.
//!
//! Bearer keys say who asks ([`auth`]); every number, id and text is checked when read ([`fields`],
//! [`input`]); every refusal of the rules has its code ([`error`]). Nothing is decided here.

pub mod error;

pub mod auth;
pub mod fields;
pub mod input;
pub mod responses;

pub mod operators;

pub mod applications;
pub mod approvals;
pub mod ledger;
pub mod people;
pub mod staff;
pub mod trail;

mod alipay_apps;
pub mod brands;
pub mod campaigns;
pub mod charges;
pub mod codes;
pub mod granted;
pub mod merchants;
pub mod notifications;
pub mod order_view;
pub mod orders;
pub mod payments;
pub mod quote;
pub mod reports;
pub mod scanned;
pub mod statement;
pub mod traits;
pub mod transfers;
pub mod users;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use feiqian_core::EventNumber;
use feiqian_store::{Store, StoreError};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::platform::{Platform, PlatformError};
use crate::sandbox;
use crate::server::App;
use error::ApiError;

/// The routes of the native API and its document; those of the sandbox only where asked for.
pub fn routes(with_sandbox: bool) -> Router<App> {
    let (router, document) = documented(with_sandbox).split_for_parts();
    let json = Bytes::from(document.to_json().unwrap_or_default());
    let serve =
        move |_: auth::Anybody| async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    router.route("/openapi.json", get(serve))
}

fn documented(with_sandbox: bool) -> OpenApiRouter<App> {
    let areas = [
        of_operation(),
        of_brands(),
        of_campaigns(),
        of_people(),
        of_orders(),
        of_codes(),
        of_merchants(),
        of_reports(),
    ];
    let empty = OpenApiRouter::with_openapi(document());
    let keyed = areas.into_iter().fold(empty, OpenApiRouter::merge);
    if with_sandbox {
        keyed.merge(sandbox::routes())
    } else {
        keyed
    }
}

fn of_operation() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(operators::list, operators::add))
        .routes(routes!(operators::set_roles))
        .routes(routes!(operators::close))
        .routes(routes!(operators::revoke))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::reject))
        .routes(routes!(trail::list))
        .routes(routes!(trail::check))
        .routes(routes!(ledger::trial_balance))
        .routes(routes!(ledger::entries))
        .routes(routes!(ledger::story))
        .routes(routes!(applications::list))
        .routes(routes!(applications::approve))
        .routes(routes!(applications::reject))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::redeliver))
}

fn of_brands() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(brands::list, brands::add))
        .routes(routes!(brands::fund))
        .routes(routes!(
            brands::withdrawal_terms,
            brands::set_withdrawal_terms
        ))
}

fn of_campaigns() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(campaigns::list, campaigns::add))
        .routes(routes!(campaigns::drafts::check))
        .routes(routes!(campaigns::drafts::quote))
        .routes(routes!(campaigns::drafts::backtest))
        .routes(routes!(campaigns::show))
        .routes(routes!(campaigns::steps::approve))
        .routes(routes!(campaigns::steps::start))
        .routes(routes!(campaigns::steps::pause))
        .routes(routes!(campaigns::steps::resume))
        .routes(routes!(campaigns::steps::end))
        .routes(routes!(campaigns::budget::change))
        .routes(routes!(campaigns::coupons::give))
        .routes(routes!(campaigns::coupons::codes))
        .routes(routes!(campaigns::coupons::claim))
        .routes(routes!(campaigns::coupons::of_user))
}

fn of_people() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(people::search, users::add))
        .routes(routes!(people::show))
        .routes(routes!(people::read))
        .routes(routes!(users::show))
        .routes(routes!(users::set_status))
        .routes(routes!(users::set_tier))
        .routes(routes!(users::new_key))
        .routes(routes!(users::erase))
        .routes(routes!(users::balance))
        .routes(routes!(traits::set))
        .routes(routes!(users::pay_code))
        .routes(routes!(statement::of_user))
        .routes(routes!(transfers::top_up))
        .routes(routes!(transfers::withdraw))
        .routes(routes!(transfers::show))
}

fn of_orders() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(payments::pay))
        .routes(routes!(orders::create))
        .routes(routes!(quote::quote))
        .routes(routes!(orders::show))
        .routes(routes!(orders::refund))
        .routes(routes!(orders::close))
        .routes(routes!(charges::charge))
}

fn of_codes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(codes::order))
        .routes(routes!(codes::order_svg))
        .routes(routes!(codes::order_png))
        .routes(routes!(codes::merchant))
        .routes(routes!(codes::sticker_svg))
        .routes(routes!(codes::sticker_png))
        .routes(routes!(codes::sticker_pdf))
        .routes(routes!(scanned::read_code))
}

fn of_merchants() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(merchants::list, merchants::add))
        .routes(routes!(merchants::show, merchants::change))
        .routes(routes!(merchants::balance))
        .routes(routes!(statement::of_merchant))
        .routes(routes!(merchants::new_key))
        .routes(routes!(alipay_apps::show, alipay_apps::make))
        .routes(routes!(staff::list, staff::add))
}

fn of_reports() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(reports::income))
        .routes(routes!(reports::share))
        .routes(routes!(reports::campaign))
        .routes(routes!(reports::campaign_flow))
}

fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Feiqian native API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("about.md")))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ));
    let mut document = OpenApiBuilder::new()
        .info(info.build())
        .security(Some([SecurityRequirement::new("key", [] as [&str; 0])]))
        .build();
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A key of an operator (fqo_…), merchant (fqm_…) or shopper (fqu_…).",
        ));
    components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    let mut schemas = vec![(
        error::Problem::name().into_owned(),
        error::Problem::schema(),
    )];
    error::Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    document
}

/// Asks the store, once it shows everything that was durable when asked. Off the runtime's threads:
/// it may have to wait for the disk.
pub(crate) async fn ask<T: Send + 'static>(
    platform: &Platform,
    question: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let store = platform.engine.store().await?;
    let answer = tokio::task::spawn_blocking(move || question(&store)).await;
    Ok(answer.map_err(|error| ApiError::internal(&error))??)
}

/// As [`ask`], about what was just recorded. It lies in memory, so it is asked on the spot: handing
/// the question to another thread costs several times the answer.
pub(crate) async fn ask_now<T>(
    platform: &Platform,
    question: impl FnOnce(&Store) -> Result<T, StoreError>,
) -> Result<T, ApiError> {
    Ok(question(&*platform.engine.store().await?)?)
}

/// An event that was just recorded is not what it must be.
pub(crate) fn misplaced(event: EventNumber) -> ApiError {
    ApiError::internal(&PlatformError::Record(format!("event {event}")))
}
