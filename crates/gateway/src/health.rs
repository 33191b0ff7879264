//! Is it alive, is it ready, and what can be watched.
//!
//! `GET /health` and `GET /ready` are for orchestrators and tell nothing else. `GET /metrics` is
//! Prometheus' text. It tells how much business is done, so in production it wants an operator's key
//! (`authorization` in Prometheus' scrape configuration); no exception is made for this machine, where a
//! reverse proxy may stand. A sandbox shows it to everybody.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use feiqian_engine::Engine;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use serde_json::json;

use crate::notify::{Counters, Notifier};
use crate::platform::Platform;
use crate::server::App;
use crate::v1::auth::{Anybody, Operator};
use crate::v1::error::{ApiError, ErrorType};

type Labels = Vec<(&'static str, String)>;

/// What is counted of requests, and the registry that tells it.
pub struct Watch {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    notices: Family<Labels, Gauge>,
    reported: Gauge,
}

impl Watch {
    /// A registry with the engine's numbers and ours.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        let mut registry = Registry::with_prefix("feiqian");
        engine.metrics().register(&mut registry);
        let requests = Family::default();
        let seconds: Family<Labels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 15)));
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request",
            "Time from a request's header to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        let notices = Family::default();
        registry.register(
            "notices",
            "Notices since the start, and those left",
            notices.clone(),
        );
        let reported = Gauge::default();
        registry.register(
            "reported_events",
            "Events in the reports' totals",
            reported.clone(),
        );
        Self {
            registry,
            requests,
            seconds,
            notices,
            reported,
        }
    }

    fn observe(&self, notifier: &Notifier) {
        let Counters {
            delivered,
            failed,
            dead,
            pending,
        } = notifier.counters();
        let rows = [
            ("delivered", delivered),
            ("failed_tries", failed),
            ("dead", dead),
            ("pending", pending),
        ];
        for (state, count) in rows {
            let gauge = self
                .notices
                .get_or_create(&vec![("state", state.to_owned())]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Counts a request. `route` is the template, so that ids make no new series.
    pub fn count(&self, method: &str, route: &str, status: StatusCode, took: Duration) {
        let mut labels = vec![("method", method.to_owned()), ("route", route.to_owned())];
        self.seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        labels.push(("status", status.as_str().to_owned()));
        self.requests.get_or_create(&labels).inc();
    }
}

/// A method as it is counted: whoever asks cannot make series without end.
#[must_use]
pub fn method(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"];
    known
        .into_iter()
        .find(|name| *name == method.as_str())
        .unwrap_or("other")
}

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
}

async fn health(State(platform): State<Arc<Platform>>) -> Response {
    match platform.engine.failed() {
        None => Json(json!({ "status": "ok" })).into_response(),
        Some(_) => {
            // Why is in the log: it may name files.
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({ "status": "failed" })),
            )
                .into_response()
        }
    }
}

async fn ready(_: Anybody, State(platform): State<Arc<Platform>>) -> Response {
    match platform.engine.read(|_| ()).await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "stopped" })),
        )
            .into_response(),
    }
}

async fn metrics(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    if app.platform.is_sandbox() {
        Anybody::from_request_parts(&mut parts, &app).await?;
    } else {
        Operator::from_request_parts(&mut parts, &app).await?;
    }
    app.platform.engine.observe();
    if let Some(notifier) = &app.notifier {
        app.watch.observe(notifier);
    }
    if let Some(books) = &app.books {
        let position = i64::try_from(books.position().0).unwrap_or(i64::MAX);
        app.watch.reported.set(position);
    }
    let mut text = String::new();
    encode(&mut text, &app.watch.registry).map_err(|_| {
        ApiError::new(
            ErrorType::Internal,
            "internal",
            "the metrics cannot be written",
        )
    })?;
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media)], text).into_response())
}
